#include "terminal.h"
#include "fd.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

extern char **environ;

int terminal_start(const char *notifier, int tty, int *ret_sock, pid_t *ret_pid, struct err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return err_set(err, errno, "starting the console on this terminal");
    FD_AUTO ours = fd_high(pair[0]);
    FD_AUTO theirs = fd_high(pair[1]);
    FD_AUTO high = fd_high(dup(tty)); /* above 3, so that no dup2 below overwrites it */
    char front[16];
    snprintf(front, sizeof front, "%d", getpid());
    char *argv[] = {(char *)"sentinel-notifier", (char *)"console", (char *)"--on-terminal", front, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&files, high, 0);
    posix_spawn_file_actions_adddup2(&files, high, 1);
    posix_spawn_file_actions_adddup2(&files, high, 2);
    posix_spawn_file_actions_adddup2(&files, theirs, 3);
    /* Nothing of the caller's that was inherited below ours stays open in it: a held pipe would keep a reader from its EOF. */
    posix_spawn_file_actions_addclosefrom_np(&files, 4);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    int e = high < 0 || theirs < 0 ? EMFILE : posix_spawn(ret_pid, notifier, &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    if (e)
        return err_set(err, e, "starting %s", notifier);
    *ret_sock = fd_steal(&ours);
    return 0;
}
