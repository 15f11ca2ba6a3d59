#include "popup.h"
#include "buf.h"
#include "own_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILED_MS 2000 /* an error that comes so soon is tmux's (nobody is looking at it, or it is older than 3.2) */
#define AGAIN_MS 3000

extern char **environ;

static pid_t start(const char *session)
{
    STR_AUTO notifier = own_program();
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *pane = getenv("TMUX_PANE");
    STR_AUTO place = xasprintf("XDG_RUNTIME_DIR=%s", runtime ? runtime : ""); /* the server's may be another; empty is unset */
    const char *argv[20];
    int n = 0;
    argv[n++] = "tmux";
    argv[n++] = "display-popup";
    argv[n++] = "-E";
    argv[n++] = "-w";
    argv[n++] = "90%";
    argv[n++] = "-h";
    argv[n++] = "80%";
    if (pane && *pane) {
        argv[n++] = "-t";
        argv[n++] = pane;
    }
    argv[n++] = "env";
    argv[n++] = place;
    argv[n++] = notifier;
    argv[n++] = "console";
    argv[n++] = "--popup";
    argv[n++] = session;
    argv[n] = NULL;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    pid_t pid = 0;
    if (posix_spawnp(&pid, "tmux", &files, NULL, (char *const *)argv, environ))
        pid = 0;
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

void popup_want(struct popup *p, uint64_t newest, int64_t now_ms)
{
    if (!p->session || p->pid || newest <= p->shown || now_ms < p->again_ms)
        return;
    p->pid = start(p->session);
    p->wanted = newest;
    p->opened_ms = now_ms;
    p->again_ms = now_ms + AGAIN_MS;
}

void popup_turn(struct popup *p, int64_t now_ms)
{
    int status;
    if (!p->pid || waitpid(p->pid, &status, WNOHANG) != p->pid)
        return;
    p->pid = 0;
    bool failed = status != 0 && now_ms - p->opened_ms < FAILED_MS;
    if (!failed) {
        p->shown = p->wanted;
        p->again_ms = 0;
    }
}
