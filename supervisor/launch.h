/* launch - floor 1: the launcher: the agent's first process until its exec.
 *
 * Made with CLONE_FILES: it installs the filter (the listener stands in the shared table), takes a private copy of
 * the table, closes ours there, and only then wakes the supervisor through a shared page; no trapped call is made in
 * between. Runs with all signals blocked until just before the exec; never allocates. What it hands to the program is what
 * we were started with: signal mask, dispositions, environment as given, umask, limits, descriptors, process group.
 *
 * The order inside, and why: no_new_privs first (Landlock and the filter want it once CAP_SYS_ADMIN is gone), then Landlock and
 * the capabilities (the filter traps or refuses those calls), then the filter. The supervisor becomes undumpable and
 * leaves the job's group after the clone: done earlier, the launcher would inherit it, and an undumpable process cannot be
 * supervised by an ordinary user.
 */
#ifndef SW_LAUNCH_H
#define SW_LAUNCH_H

#include "err.h"
#include "filter.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

struct launch {
    char **argv;
    char *path;                  /* what to exec: found through PATH before */
    char **envp;
    const struct filter *filter;
    const sigset_t *mask;        /* the mask that we were started with */
    uint64_t keep_caps;          /* rights_drop() to this; ~0: drop nothing */
    bool no_new_privs;           /* enforce: always. Otherwise filter_install sets it where the kernel demands it */
    bool landlock;               /* enforce: the backstop of landlock.h, as much of it as the kernel has */
    bool new_session;            /* the supervisor leaves the job's group by setsid (orphaned), else by setpgid */
    struct rlimit nofile;        /* the limit that we were started with */
};

struct launched {
    pid_t pid;
    int listener; /* high, close-on-exec */
    unsigned landlock; /* the parts that hold (landlock.h) */
    struct launch_page *page;
};

/* Forks the launcher and waits until its filter stands. The supervisor calls this while it has one thread; afterwards it may
 * fd_close_inherited(). On failure nothing is left running; err->errnum is EBUSY when a listener exists already. */
int launch_start(const struct launch *l, struct launched *ret, struct err *err);
void launch_go(struct launched *l);          /* the supervisor listens: exec now */
int launch_exec_error(const struct launched *l); /* errno of the failed first exec, 0 when it did not fail */

#endif
