/* process: calls that act on other processes by number: signals, limits, scheduling, priorities.
 *
 * An ordinary agent runs as the same user as we do, so without this it could set our RLIMIT_FSIZE to 0 and kill us with our own
 * next write, or starve us. Its own tree is its own affair; whoever is outside of it is refused, and so are the forms
 * that mean a whole group or user, because front and supervisor belong to both.
 *
 * Signals are held by Landlock's scope (landlock.h); their rows are trapped only where the kernel has none. What goes by a
 * descriptor there (pidfd_send_signal) is done by us on our copy of it. A number in a register that names a process of the tree is left to
 * the kernel; that this process ends in between and a stranger gets its number needs the whole range of pids to be used up within microseconds.
 */
#include "buf.h"
#include "calls_tables.h"
#include "fd.h"
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_WHO_PGRP 2
#define IOPRIO_WHO_USER 3

static enum next refuse(struct request *r, const char *why)
{
    r->refuse = EPERM;
    r->why = why;
    return NEXT_JUDGE;
}

static bool in_tree(const struct calls_env *env, const struct request *r, pid_t pid)
{
    return pid == r->tid || pid == r->process->pid || procs_descends(env->procs, pid);
}

static enum next by_number(const struct calls_env *env, struct request *r, pid_t pid, const char *why)
{
    if (!pid || in_tree(env, r, pid))
        return NEXT_PASS;
    if (pid > 0 && proc_stat(pid, NULL, NULL, NULL, NULL, NULL, NULL)) {
        r->native = ESRCH; /* nobody has this number */
        return NEXT_JUDGE;
    }
    return refuse(r, why);
}

static enum next read_first(const struct calls_env *env, struct request *r)
{
    return by_number(env, r, (pid_t)r->notice.args[0], "changes a process outside of this session");
}

static enum next read_second(const struct calls_env *env, struct request *r)
{
    return by_number(env, r, (pid_t)r->notice.args[1], "changes a process outside of this session");
}

static enum next read_many(const struct calls_env *env, struct request *r)
{
    (void)env;
    return refuse(r, "changes every process of a group or user, us among them");
}

/* ---- signals, where Landlock does not scope them */

/* Every member of the group in the tree? Of none: the kernel's to answer. */
static bool group_in_tree(const struct calls_env *env, pid_t pgrp)
{
    DIR *d = opendir("/proc");
    bool all = d;
    for (struct dirent *e; all && (e = readdir(d));) {
        pid_t pid = (pid_t)atoi(e->d_name), its;
        if (pid > 0 && !proc_stat(pid, NULL, NULL, &its, NULL, NULL, NULL) && its == pgrp)
            all = procs_descends(env->procs, pid);
    }
    if (d)
        closedir(d);
    return all;
}

static enum next signal_to(const struct calls_env *env, struct request *r, pid_t pid)
{
    static const char why[] = "signals a process outside of this session";
    pid_t group = pid < -1 ? -pid : 0;
    if (pid > 0)
        return by_number(env, r, pid, why);
    if (!pid && proc_stat(r->process->pid, NULL, NULL, &group, NULL, NULL, NULL))
        return NEXT_GONE;
    return pid != -1 && group_in_tree(env, group) ? NEXT_PASS : refuse(r, why);
}

static enum next read_kill(const struct calls_env *env, struct request *r)
{
    return signal_to(env, r, (pid_t)r->notice.args[0]);
}

static enum next read_set_owner(const struct calls_env *env, struct request *r)
{
    pid_t pid = (pid_t)r->notice.args[2]; /* who gets SIGIO, or what F_SETSIG says: SIGKILL too */
    return pid ? signal_to(env, r, pid) : NEXT_PASS;
}

static enum next read_set_owner_in_memory(const struct calls_env *env, struct request *r)
{
    (void)env;
    return refuse(r, "names in memory who gets signals: F_SETOWN works");
}

struct signal_job {
    int pidfd;
    bool info;
    siginfo_t value;
};

static void drop_signal(struct request *r)
{
    struct signal_job *s = r->own;
    if (s)
        fd_close(&s->pidfd);
    free(s);
    r->own = NULL;
}

/* The pid that a pidfd stands for, of a thread or a process; 0: none. */
static pid_t pid_of(int pidfd)
{
    char path[64];
    STR_AUTO text = NULL;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    const char *p = fd_read_file(AT_FDCWD, path, 4096, &text, NULL) ? NULL : strstr(text, "\nPid:\t");
    return p ? (pid_t)atoi(p + 6) : 0;
}

static enum next read_pidfd_signal(const struct calls_env *env, struct request *r)
{
    const uint64_t *a = r->notice.args;
    struct signal_job *s = r->own = xcalloc(1, sizeof *s);
    s->pidfd = procs_getfd(env->procs, r->tid, (int)a[0]);
    s->info = a[2];
    bool bad = s->info && memory_read(r->tid, a[2], &s->value, sizeof s->value);
    if (!notify_valid(env->listener, r->notice.id))
        return NEXT_GONE;
    if (s->pidfd < 0 || bad) {
        r->native = bad ? EFAULT : EBADF;
        return NEXT_JUDGE;
    }
    pid_t pid = pid_of(s->pidfd);
    if ((unsigned)a[3] & 4 /* PIDFD_SIGNAL_PROCESS_GROUP */ || (pid > 0 && !in_tree(env, r, pid)) || !pid)
        return refuse(r, "signals a process outside of this session");
    return NEXT_PERFORM;
}

static void carry_pidfd_signal(const struct calls_env *env, struct request *r, struct reply *reply)
{
    struct signal_job *s = r->own;
    const uint64_t *a = r->notice.args;
    (void)env;
    reply->error = syscall(SYS_pidfd_send_signal, s->pidfd, (int)a[1], s->info ? &s->value : NULL, (unsigned)a[3]) ? errno : 0;
}

/* ---- the table */

#define ROW(number, text, function, ...)                                                                               \
    {.nr = (number),                                                                                                   \
     .name = text,                                                                                                     \
     .read = function,                                                                                                 \
     .enforce_only = true,                                                                                             \
     .pass = CONTINUE_NO_RIGHT,                                                                                        \
     TESTS(__VA_ARGS__)}
#define ROW_SIGNAL(number, text, function, ...)                                                                        \
    {.nr = (number), .name = text, .read = function, .unscoped_only = true, .pass = CONTINUE_NO_RIGHT, __VA_ARGS__}

const struct call calls_process_table[] = {
    ROW(SYS_prlimit64, "prlimit64", read_first, NOT_ZERO(0), NOT_ZERO(2)), /* only asking changes nothing */
    ROW(SYS_sched_setaffinity, "sched_setaffinity", read_first, NOT_ZERO(0)),
    ROW(SYS_sched_setscheduler, "sched_setscheduler", read_first, NOT_ZERO(0)),
    ROW(SYS_sched_setparam, "sched_setparam", read_first, NOT_ZERO(0)),
    ROW(SYS_sched_setattr, "sched_setattr", read_first, NOT_ZERO(0)),
    ROW(SYS_migrate_pages, "migrate_pages", read_first, NOT_ZERO(0)),
    ROW(SYS_move_pages, "move_pages", read_first, NOT_ZERO(0)),
    ROW(SYS_setpriority, "setpriority", read_second, LOW32(0, PRIO_PROCESS), NOT_ZERO(1)),
    ROW(SYS_setpriority, "setpriority", read_many, LOW32(0, PRIO_PGRP)),
    ROW(SYS_setpriority, "setpriority", read_many, LOW32(0, PRIO_USER)),
    ROW(SYS_ioprio_set, "ioprio_set", read_second, LOW32(0, IOPRIO_WHO_PROCESS), NOT_ZERO(1)),
    ROW(SYS_ioprio_set, "ioprio_set", read_many, LOW32(0, IOPRIO_WHO_PGRP)),
    ROW(SYS_ioprio_set, "ioprio_set", read_many, LOW32(0, IOPRIO_WHO_USER)),
    ROW_SIGNAL(SYS_kill, "kill", read_kill),
    ROW_SIGNAL(SYS_tkill, "tkill", read_first),
    ROW_SIGNAL(SYS_tgkill, "tgkill", read_second),
    ROW_SIGNAL(SYS_rt_sigqueueinfo, "rt_sigqueueinfo", read_first),
    ROW_SIGNAL(SYS_rt_tgsigqueueinfo, "rt_tgsigqueueinfo", read_second),
    ROW_SIGNAL(SYS_pidfd_send_signal, "pidfd_send_signal", read_pidfd_signal, .carry_out = carry_pidfd_signal, .drop = drop_signal),
    ROW_SIGNAL(SYS_fcntl, "fcntl", read_set_owner, TESTS(LOW32(1, F_SETOWN))),
    ROW_SIGNAL(SYS_fcntl, "fcntl", read_set_owner_in_memory, TESTS(LOW32(1, F_SETOWN_EX))),
    ROW_SIGNAL(SYS_ioctl, "ioctl", read_set_owner_in_memory, TESTS(LOW32(1, FIOSETOWN))),
    ROW_SIGNAL(SYS_ioctl, "ioctl", read_set_owner_in_memory, TESTS(LOW32(1, SIOCSPGRP))),
    {.name = NULL},
};
