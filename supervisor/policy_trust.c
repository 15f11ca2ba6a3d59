#include "policy_trust.h"
#include "fd.h"
#include "places.h"
#include "policy_find.h"
#include "policy_yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

char *policy_trust_list(const struct places *places)
{
    return xasprintf("%s/sentinel-watch/trusted", places->config_home);
}

/* Everything that the helper writes: the hash, a newline, the bytes. -1 when it failed. */
static int run_helper(const char *program, const char *path, struct buf *out)
{
    int end[2];
    if (pipe2(end, O_CLOEXEC))
        return -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, end[1], 1);
    const char *argv[] = {"sentinel-policy", "hash", path, NULL};
    pid_t pid;
    int e = posix_spawn(&pid, program, &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(end[1]);
    FD_AUTO from = end[0];
    if (e)
        return -1;
    char chunk[16384];
    ssize_t n;
    while ((n = fd_read_all(from, chunk, sizeof chunk)) > 0 && out->len <= YAML_MAX + POLICY_HASH_LEN + 1)
        buf_put(out, chunk, (size_t)n);
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return n || status ? -1 : 0;
}

/* Is "HASH  PATH" a line of the list? */
static bool listed(const char *list, const char *hash, const char *path)
{
    STR_AUTO wanted = xasprintf("%.*s  %s\n", POLICY_HASH_LEN, hash, path);
    size_t n = strlen(wanted);
    for (const char *line = list; *line; line = strchr(line, '\n') + 1) {
        if (!strncmp(line, wanted, n))
            return true;
        if (!strchr(line, '\n'))
            return false;
    }
    return false;
}

int policy_trust_read(const struct places *places, const char *path, char **ret, size_t *ret_len, bool *ret_trusted)
{
    STR_AUTO list_path = policy_trust_list(places);
    STR_AUTO list = NULL;
    size_t list_len;
    STR_AUTO real = realpath(path, NULL);
    *ret_trusted = false;
    if (!real || policy_read_bytes(list_path, true, &list, &list_len) || !strstr(list, real))
        return policy_read_bytes(path, true, ret, ret_len);
    STR_AUTO program = places_program(places, "sentinel-policy");
    BUF_AUTO out = {0};
    if (!program || run_helper(program, real, &out) || out.len <= POLICY_HASH_LEN || out.data[POLICY_HASH_LEN] != '\n')
        return policy_read_bytes(path, true, ret, ret_len);
    *ret_trusted = listed(list, out.data, real);
    *ret_len = out.len - POLICY_HASH_LEN - 1;
    *ret = xmalloc(*ret_len + 1);
    memcpy(*ret, out.data + POLICY_HASH_LEN + 1, *ret_len);
    (*ret)[*ret_len] = 0;
    return 0;
}
