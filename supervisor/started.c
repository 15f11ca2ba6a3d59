#include "started.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define DESKTOP_MS 3000 /* a notification server that is started on demand may take a while */

/* Starts it with `screen` as 0, 1 and 2 and `sock` as 3, in a session of its own. 0 or an errno. */
static int spawn(const char *notifier, char *const *argv, int screen, int sock)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    pid_t pid;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_adddup2(&files, screen, fd);
    posix_spawn_file_actions_adddup2(&files, sock, 3);
    /* Nothing of the caller's that was inherited below ours stays open in it: a held pipe would keep a reader from its EOF. */
    posix_spawn_file_actions_addclosefrom_np(&files, 4);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    int e = posix_spawn(&pid, notifier, &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return e;
}

/* The same, left behind as an orphan: we are no subreaper meanwhile (that survives an exec, so we may have been one from the start). */
static int spawn_orphan(const char *notifier, char *const *argv, int screen, int sock)
{
    int reaper = 0, status;
    prctl(PR_GET_CHILD_SUBREAPER, &reaper);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    pid_t between = fork();
    if (!between)
        _exit(spawn(notifier, argv, screen, sock));
    int e = between < 0 ? errno : 0;
    while (!e && waitpid(between, &status, 0) < 0)
        e = errno == EINTR ? 0 : errno;
    prctl(PR_SET_CHILD_SUBREAPER, reaper);
    return e ? e : WIFEXITED(status) ? WEXITSTATUS(status) : EAGAIN;
}

/* Our end of a new pair; theirs and the screen above 3, so that no dup2 overwrites them. */
static int pair(int screen, int *ret_ours, int *ret_theirs, int *ret_screen)
{
    int both[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both))
        return errno;
    *ret_ours = fd_high(both[0]);
    *ret_theirs = fd_high(both[1]);
    *ret_screen = fd_high(dup(screen));
    return *ret_ours < 0 || *ret_theirs < 0 || *ret_screen < 0 ? EMFILE : 0;
}

int started_on_terminal(const char *notifier, int tty, const char *session, bool popup, int *ret_sock, struct err *err)
{
    FD_AUTO ours = -1;
    FD_AUTO theirs = -1;
    FD_AUTO screen = -1;
    char front[16];
    snprintf(front, sizeof front, "%d", getpid());
    char *argv[] = {(char *)"sentinel-notifier", (char *)"console", (char *)"--on-terminal", front, popup ? (char *)session : NULL, NULL};
    int e = pair(tty, &ours, &theirs, &screen);
    if (!e)
        e = spawn(notifier, argv, screen, theirs);
    if (e)
        return err_set(err, e, "starting %s on this terminal", notifier);
    *ret_sock = fd_steal(&ours);
    return 0;
}

int started_on_desktop(const char *notifier, const char *session, bool wait, int *ret_sock, struct err *err)
{
    FD_AUTO ours = -1;
    FD_AUTO theirs = -1;
    FD_AUTO screen = -1;
    FD_AUTO nothing = open("/dev/null", O_RDWR | O_CLOEXEC); /* the terminal is the agent's: nothing is printed there */
    char *argv[] = {(char *)"sentinel-notifier", (char *)"desktop", (char *)"--started", (char *)session, NULL};
    int e = nothing < 0 ? errno : pair(nothing, &ours, &theirs, &screen);
    if (!e)
        e = spawn_orphan(notifier, argv, screen, theirs);
    if (e)
        return err_set(err, e, "starting %s for the desktop", notifier);
    fd_close(&theirs);
    char first;
    struct pollfd p = {ours, POLLIN, 0};
    if (wait && (poll(&p, 1, DESKTOP_MS) != 1 || recv(ours, &first, 1, MSG_PEEK) != 1))
        return err_set(err, 0, "--approval desktop: there is no notification server that shows buttons "
                       "(`sentinel-watch desktop` says more): use auto, tui or console");
    *ret_sock = fd_steal(&ours);
    return 0;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

bool started_desktop_likely(void)
{
    if (!is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY"))
        return false;
    if (is_set("DBUS_SESSION_BUS_ADDRESS"))
        return true;
    /* Where a bus is when nobody says it: libdbus and GLib look there too. */
    char path[256];
    struct stat st;
    return is_set("XDG_RUNTIME_DIR") && snprintf(path, sizeof path, "%s/bus", getenv("XDG_RUNTIME_DIR")) < (int)sizeof path &&
           !stat(path, &st) && S_ISSOCK(st.st_mode);
}
