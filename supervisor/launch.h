/* launch - floor 1: the launcher: the agent's first process until its exec.
 *
 * Made with CLONE_FILES: it installs the filter (the listener stands in the shared table), takes a private copy of
 * the table, closes ours there, and only then wakes the supervisor through a shared page; no trapped call is made in
 * between. Runs with all signals blocked until just before the exec; never allocates.
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
    const struct filter *filter; /* NULL: mode off */
    const sigset_t *mask;        /* the mask that we were started with */
    uint64_t keep_caps;          /* rights_drop() to this; ~0: drop nothing */
    bool scopes;                 /* Landlock's signal and abstract-socket scopes, where the kernel has them */
    struct rlimit nofile;        /* the limit that we were started with */
};

struct launched {
    pid_t pid;
    int listener; /* high, close-on-exec; -1 without a filter */
    bool scoped;  /* Landlock took the scopes */
    struct launch_page *page;
};

/* Forks the launcher and waits until its filter stands. The supervisor calls this; afterwards it may close_range. */
int launch_start(const struct launch *l, struct launched *ret, struct err *err);
void launch_go(struct launched *l);          /* the supervisor listens: exec now */
int launch_exec_error(const struct launched *l); /* errno of the failed first exec, 0 when it did not fail */

#endif
