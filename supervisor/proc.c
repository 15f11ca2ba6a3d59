#include "proc.h"
#include "buf.h"
#include "fd.h"
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/ioctl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* Linux 6.9 */
#endif

/* What PIDFD_GET_INFO tells (Linux 6.13, the first size of the structure); Debian 12's headers do not know it. */
struct pidfd_facts {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid, more;
};
#define GET_FACTS _IOWR(0xFF, 11, struct pidfd_facts)
#define FACTS_PID 1u
#define FACTS_CREDS 2u

struct ids {
    pid_t tgid, ppid;
    uid_t euid;
};

/* Who stands behind a pidfd: a twentieth of the cost of /proc/TID/status, and it cannot be somebody else. -1: gone. */
static int ids_of(int pidfd, pid_t tid, struct ids *ret)
{
    static atomic_bool unknown; /* to this kernel */
    struct pidfd_facts f = {.mask = FACTS_PID | FACTS_CREDS};
    if (pidfd >= 0 && !atomic_load_explicit(&unknown, memory_order_relaxed)) {
        if (!ioctl(pidfd, GET_FACTS, &f) && (f.mask & FACTS_PID) && (f.mask & FACTS_CREDS) && f.tgid) {
            *ret = (struct ids){.tgid = (pid_t)f.tgid, .ppid = (pid_t)f.ppid, .euid = f.euid};
            return 0;
        }
        if (errno == ESRCH)
            return -1;
        atomic_store_explicit(&unknown, true, memory_order_relaxed);
    }
    struct proc_ids all;
    if (proc_status(tid, &all))
        return -1;
    *ret = (struct ids){.tgid = all.tgid, .ppid = all.ppid, .euid = all.euid};
    return 0;
}

struct group {
    pid_t pid;
    int refs, pidfd;
    struct process *process;
    pid_t exec_tid; /* != 0: an exec by this thread was let through and may have replaced the program */
    char *exec_path; /* ... by this path */
    pid_t moving;    /* != 0: this thread's chdir may go on just now; -1: several at once, nothing is remembered any more */
    unsigned moves;
    struct group *next;
};

struct thread {
    pid_t tid;
    int pidfd; /* -1: this kernel has no way to hold it; ask /proc each time */
    struct group *group;
    char *cwd; /* its working folder as it was at cwd_ns, after cwd_moves moves of its group; NULL unknown */
    uint64_t cwd_ns;
    unsigned cwd_moves;
    uint64_t seen_ns; /* when it was last known to live */
    struct thread *next;
};

#define BUCKETS 1024
#define CWD_FOR_NS (100 * 1000 * 1000u)
#define SEEN_FOR_NS (8 * 1000 * 1000u)
struct procs {
    pthread_mutex_t lock;
    pid_t supervisor, root;
    bool trusts; /* numbers come around too slowly to be given out twice within SEEN_FOR_NS */
    struct thread *threads[BUCKETS];
    struct group *groups[BUCKETS];
    size_t count, sweep_at;
    size_t kept, room; /* pidfds in the table, and how many there may be: the other half of our descriptors is for acts */
};

struct procs *procs_new(pid_t supervisor)
{
    struct procs *p = xcalloc(1, sizeof *p);
    STR_AUTO max = NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->supervisor = supervisor;
    /* Linux hands out process numbers in a circle. 32768 forks in 8 ms are more than a kernel can do. */
    p->trusts = !fd_read_file(AT_FDCWD, "/proc/sys/kernel/pid_max", 64, &max, NULL) && atol(max) >= 32768;
    p->sweep_at = 256;
    struct rlimit limit;
    p->room = getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < 64 ? 0 : limit.rlim_cur / 2 - 32;
    return p;
}

struct process *process_ref(struct process *p)
{
    if (p)
        __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
    return p;
}

void process_unref(struct process *p)
{
    while (p && __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        struct process *parent = p->parent;
        free(p->exe);
        free(p);
        p = parent;
    }
}

static bool alive(int pidfd)
{
    return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || errno == EPERM;
}

static int pidfd_of(pid_t tid, unsigned flags)
{
    return fd_high((int)syscall(SYS_pidfd_open, tid, flags));
}

/* The table holds a pidfd while there is room. Else -1: who it is is then looked up in /proc each time. */
static int keep(struct procs *p, int pidfd)
{
    if (pidfd >= 0 && p->kept >= p->room)
        fd_close(&pidfd);
    p->kept += pidfd >= 0;
    return pidfd;
}

static void let_go(struct procs *p, int *pidfd)
{
    p->kept -= *pidfd >= 0;
    fd_close(pidfd);
}

static void exec_over(struct group *g)
{
    g->exec_tid = 0;
    free(g->exec_path);
    g->exec_path = NULL;
}

static void group_unref(struct procs *p, struct group *g)
{
    if (--g->refs)
        return;
    for (struct group **at = &p->groups[g->pid % BUCKETS]; *at; at = &(*at)->next)
        if (*at == g) {
            *at = g->next;
            break;
        }
    let_go(p, &g->pidfd);
    process_unref(g->process);
    free(g->exec_path);
    free(g);
}

static void drop_thread(struct procs *p, struct thread **at)
{
    struct thread *t = *at;
    *at = t->next;
    let_go(p, &t->pidfd);
    free(t->cwd);
    group_unref(p, t->group);
    free(t);
    p->count--;
}

/* Most processes are reaped by their own parents, and nothing tells us: so forget the dead when the table has doubled. */
static void sweep(struct procs *p)
{
    for (int b = 0; b < BUCKETS; b++)
        for (struct thread **at = &p->threads[b]; *at;) {
            if ((*at)->pidfd < 0 || !alive((*at)->pidfd))
                drop_thread(p, at);
            else
                at = &(*at)->next;
        }
    p->sweep_at = p->count * 2 + 256;
}

static void set_comm(struct process *pr, const char *comm, size_t n)
{
    snprintf(pr->comm, sizeof pr->comm, "%.*s", n < 15 ? (int)n : 15, comm);
}

static void read_comm(struct process *pr)
{
    char path[64], comm[64];
    snprintf(path, sizeof path, "/proc/%d/comm", pr->pid);
    FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, comm, sizeof comm - 1); /* so short that one read has it */
    while (n > 0 && comm[n - 1] == '\n')
        n--;
    if (n > 0)
        set_comm(pr, comm, (size_t)n);
}

/* What the kernel calls a program that was run by this path (begin_new_exec()). */
static void comm_of_path(struct process *pr, const char *path)
{
    const char *slash = strrchr(path, '/');
    path = slash ? slash + 1 : path;
    set_comm(pr, path, strlen(path));
}

static void read_exe(struct process *pr)
{
    pr->exe = proc_link(pr->pid, "exe");
    if (!pr->exe)
        pr->exe = xstrdup("");
}

/* The group that is known by this number, if that is still the one that was meant. */
static struct group *known(struct procs *p, pid_t pid)
{
    for (struct group *g = p->groups[pid % BUCKETS]; g; g = g->next)
        if (g->pid == pid && alive(g->pidfd))
            return g;
    return NULL;
}

static struct group *group_new(struct procs *p, pid_t pid, int pidfd, const struct ids *ids, int depth);

/* Its parent as it is now; when nobody has asked about that one yet, it and its own parents are looked at. */
static struct process *parent_of(struct procs *p, pid_t ppid, int depth)
{
    if (ppid <= 1 || ppid == p->supervisor || depth > 64)
        return NULL;
    struct group *g = known(p, ppid);
    if (g)
        return process_ref(g->process);
    struct ids ids;
    int pidfd = pidfd_of(ppid, 0);
    if (ids_of(pidfd, ppid, &ids)) {
        fd_close(&pidfd);
        return NULL;
    }
    g = group_new(p, ppid, pidfd, &ids, depth + 1);
    struct process *pr = process_ref(g->process);
    group_unref(p, g);
    return pr;
}

/* With one reference; pidfd is taken over. */
static struct group *group_new(struct procs *p, pid_t pid, int pidfd, const struct ids *ids, int depth)
{
    struct group *g = xcalloc(1, sizeof *g);
    *g = (struct group){.pid = pid, .refs = 1, .pidfd = keep(p, pidfd)};
    struct process *pr = xcalloc(1, sizeof *pr);
    *pr = (struct process){.refs = 1, .pid = pid, .ppid = ids->ppid, .uid = ids->euid};
    read_exe(pr);
    if (pid == p->root) {
        pr->lineage_known = true;
    } else {
        pr->parent = parent_of(p, ids->ppid, depth);
        pr->lineage_known = pr->parent && pr->parent->lineage_known;
    }
    /* Each file of /proc/PID that is touched costs 6 to 12 us, and the same again is paid at its exit. */
    if (pr->parent)
        memcpy(pr->comm, pr->parent->comm, sizeof pr->comm);
    else
        read_comm(pr);
    g->process = pr;
    g->next = p->groups[pid % BUCKETS];
    p->groups[pid % BUCKETS] = g;
    return g;
}

/* A new reference. */
static struct group *group_of(struct procs *p, pid_t pid, const struct ids *ids)
{
    struct group *g = known(p, pid);
    if (!g)
        return group_new(p, pid, pidfd_of(pid, 0), ids, 0);
    g->refs++;
    return g;
}

/* A clock tick is exact enough. */
static uint64_t coarse_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Is this number still the thread that it was? */
static bool lives(struct procs *p, struct thread *t)
{
    if (!p->trusts)
        return t->pidfd >= 0 && alive(t->pidfd);
    uint64_t now = coarse_ns();
    if (t->pidfd < 0 || (now - t->seen_ns > SEEN_FOR_NS && !alive(t->pidfd)))
        return false;
    t->seen_ns = now;
    return true;
}

/* The thread's entry, made when it is new; NULL: gone. Called with the lock held. */
static struct thread *thread_of(struct procs *p, pid_t tid)
{
    for (struct thread **at = &p->threads[tid % BUCKETS]; *at;) {
        if ((*at)->tid != tid) {
            at = &(*at)->next;
        } else if (lives(p, *at)) {
            return *at;
        } else {
            drop_thread(p, at);
        }
    }
    if (p->count >= p->sweep_at || p->kept >= p->room)
        sweep(p);
    int pidfd = pidfd_of(tid, PIDFD_THREAD);
    struct ids ids;
    if (ids_of(pidfd, tid, &ids)) {
        fd_close(&pidfd);
        return NULL;
    }
    if (pidfd < 0 && ids.tgid == tid)
        pidfd = pidfd_of(tid, 0);
    struct thread *t = xcalloc(1, sizeof *t);
    *t = (struct thread){.tid = tid, .pidfd = keep(p, pidfd), .group = group_of(p, ids.tgid, &ids)};
    t->next = p->threads[tid % BUCKETS];
    p->threads[tid % BUCKETS] = t;
    p->count++;
    return t;
}

/* Its program may have changed: exe when that is known, NULL to look; path: by which it was run, NULL unknown. */
static void renew(struct group *g, uid_t uid, const char *exe, const char *path)
{
    struct process *old = g->process, *pr = xcalloc(1, sizeof *pr);
    *pr = (struct process){.refs = 1, .pid = old->pid, .ppid = old->ppid, .uid = uid, .lineage_known = old->lineage_known};
    pr->parent = process_ref(old->parent);
    if (exe)
        pr->exe = xstrdup(exe);
    else
        read_exe(pr);
    if (path && (exe || strcmp(pr->exe, old->exe)))
        comm_of_path(pr, path);
    else
        read_comm(pr);
    g->process = pr;
    process_unref(old);
}

struct process *procs_of(struct procs *p, pid_t tid)
{
    pthread_mutex_lock(&p->lock);
    struct thread *t = thread_of(p, tid);
    struct process *pr = NULL;
    if (t) {
        struct group *g = t->group;
        if (g->exec_tid) {
            renew(g, g->process->uid, NULL, g->exec_path);
            /* The very thread calls again: its exec is over, one way or the other. When another thread than the leader
             * did it, its number is gone afterwards and we cannot tell, so that process is looked at each time. */
            if (g->exec_tid == tid && tid == g->pid)
                exec_over(g);
        }
        pr = process_ref(g->process);
    }
    pthread_mutex_unlock(&p->lock);
    return pr;
}

void procs_root(struct procs *p, pid_t agent)
{
    pthread_mutex_lock(&p->lock);
    p->root = agent;
    pthread_mutex_unlock(&p->lock);
}

void procs_exec(struct procs *p, pid_t tid, const char *path)
{
    pthread_mutex_lock(&p->lock);
    struct thread *t = thread_of(p, tid);
    if (t) {
        exec_over(t->group);
        t->group->exec_tid = tid;
        t->group->exec_path = path ? xstrdup(path) : NULL;
    }
    pthread_mutex_unlock(&p->lock);
}

void procs_became(struct procs *p, pid_t tgid, const char *exe, const char *path)
{
    pthread_mutex_lock(&p->lock);
    struct thread *t = thread_of(p, tgid);
    if (t) {
        struct ids ids;
        renew(t->group, ids_of(t->pidfd, tgid, &ids) ? t->group->process->uid : ids.euid, exe, path);
        exec_over(t->group);
    }
    pthread_mutex_unlock(&p->lock);
}

char *procs_cwd(struct procs *p, pid_t tid)
{
    char *cwd = NULL;
    bool known = false;
    pthread_mutex_lock(&p->lock);
    struct thread *t = p->threads[tid % BUCKETS];
    while (t && t->tid != tid) /* the caller has just been looked at: no need to see whether it lives */
        t = t->next;
    struct group *g = t ? t->group : NULL;
    if (g && g->moving == tid)
        g->moving = 0;
    if (g && !g->moving) {
        uint64_t now = coarse_ns();
        if (!t->cwd || t->cwd_moves != g->moves || now - t->cwd_ns > CWD_FOR_NS) {
            free(t->cwd);
            t->cwd = proc_link(tid, "cwd");
            t->cwd_ns = now;
            t->cwd_moves = g->moves;
        }
        known = true;
        cwd = t->cwd ? xstrdup(t->cwd) : NULL;
    }
    pthread_mutex_unlock(&p->lock);
    return known ? cwd : proc_link(tid, "cwd");
}

void procs_moves(struct procs *p, pid_t tid)
{
    pthread_mutex_lock(&p->lock);
    struct thread *t = thread_of(p, tid);
    if (t) {
        t->group->moves++;
        t->group->moving = !t->group->moving || t->group->moving == tid ? tid : -1;
    }
    pthread_mutex_unlock(&p->lock);
}

void procs_gone(struct procs *p, pid_t pid)
{
    pthread_mutex_lock(&p->lock);
    for (struct thread **at = &p->threads[pid % BUCKETS]; *at;) {
        if ((*at)->tid == pid && ((*at)->pidfd < 0 || !alive((*at)->pidfd)))
            drop_thread(p, at);
        else
            at = &(*at)->next;
    }
    pthread_mutex_unlock(&p->lock);
}

void procs_free(struct procs *p)
{
    if (!p)
        return;
    for (int b = 0; b < BUCKETS; b++)
        while (p->threads[b])
            drop_thread(p, &p->threads[b]);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

int procs_getfd(struct procs *p, pid_t tid, int fd)
{
    pthread_mutex_lock(&p->lock);
    struct thread *t = thread_of(p, tid);
    int r = -ESRCH;
    if (t) {
        FD_AUTO mine = t->pidfd < 0 ? pidfd_of(tid, PIDFD_THREAD) : -1; /* not kept: for this once */
        /* A thread that we cannot hold (before 6.9): its leader's table will do when the two share it. */
        if (t->pidfd < 0 && mine < 0 && t->group->pidfd < 0 && (tid == t->group->pid || syscall(SYS_kcmp, tid, t->group->pid, KCMP_FILES, 0, 0) == 0))
            mine = pidfd_of(t->group->pid, 0);
        int pidfd = t->pidfd >= 0 ? t->pidfd : mine;
        if (pidfd < 0 && syscall(SYS_kcmp, tid, t->group->pid, KCMP_FILES, 0, 0) == 0)
            pidfd = t->group->pidfd;
        r = pidfd < 0 ? -EPERM : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
        if (r < 0 && pidfd >= 0)
            r = -errno;
        uint64_t before;
        if (r == -EPERM && pidfd >= 0 && rights_lift(&before)) {
            r = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
            r = r < 0 ? -errno : r;
            rights_lower(before);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return r < 0 || r > 2 ? r : fd_high(r); /* it lives for a moment; only never as our standard input or output */
}

bool procs_descends(struct procs *p, pid_t pid)
{
    for (int depth = 0; depth < 4096 && pid > 1; depth++) {
        pid_t ppid;
        if (pid == p->supervisor)
            return depth > 0;
        if (proc_stat(pid, NULL, &ppid, NULL, NULL, NULL, NULL))
            return false;
        pid = ppid;
    }
    return false;
}
