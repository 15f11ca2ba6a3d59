#include "policy_helper.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int policy_helper(const struct places *places, const char *verb, const char *path, size_t most, struct buf *out)
{
    STR_AUTO program = places_program(places, "sentinel-policy");
    int end[2];
    if (!program || pipe2(end, O_CLOEXEC))
        return -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, end[1], 1);
    const char *argv[] = {"sentinel-policy", verb, path, NULL};
    pid_t pid;
    int e = posix_spawn(&pid, program, &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(end[1]);
    FD_AUTO from = end[0];
    if (e)
        return -1;
    char chunk[16384];
    ssize_t n;
    while ((n = fd_read_all(from, chunk, sizeof chunk)) > 0 && out->len <= most)
        buf_put(out, chunk, (size_t)n);
    fd_close(&from); /* who still writes ends */
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return n || status ? -1 : 0;
}
