#include "trace.h"
#include "buf.h"
#include "clock.h"
#include "notify.h"
#include "watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define BELL SIGSTKFLT /* no program of today sends it; being a standard signal it does not pile up */
#define STUCK_AFTER (30 * SECOND)
#define BUCKETS 128

enum { JOB_EXEC, JOB_RESTART };

/* A thread group in which something is traced or queued; without an entry it is FREE. */
enum group_state {
    GROUP_SIG,   /* `traced` threads were interrupted and answered; each is detached at its stop */
    GROUP_EXEC,  /* exactly one job, let into exec: nobody else of the group may be seized */
    GROUP_DYING, /* exactly one job, whose caller was on its way out already: reaped, or a stop after all */
};

struct queue {
    struct trace_job *first, **last;
};

struct group {
    pid_t tgid;
    enum group_state state;
    int traced;
    struct trace_job *exec;
    struct queue waiting; /* oldest first */
    uint64_t since;
    struct group *same_hash;
};

struct trace {
    int listener;
    pid_t agent;
    struct trace_ops ops;
    pthread_t thread;
    pid_t tid;

    pthread_mutex_t lock; /* of what stands between this line and the next */
    struct queue inbox;
    bool asleep, stop;

    struct watch *watch;
    struct group *group[BUCKETS];
    struct trace_job *traced[BUCKETS]; /* by tid */
    uint64_t stuck_look;
    bool agent_ended, childless;
};

static void push(struct queue *q, struct trace_job *j)
{
    j->next = NULL;
    if (!q->first)
        q->last = &q->first;
    *q->last = j;
    q->last = &j->next;
}

static struct trace_job *pop(struct queue *q)
{
    struct trace_job *j = q->first;
    if (j) {
        q->first = j->next;
        j->next = NULL;
    }
    return j;
}

static struct group *group_of(struct trace *t, pid_t tgid)
{
    struct group *g = t->group[(unsigned)tgid % BUCKETS];
    while (g && g->tgid != tgid)
        g = g->same_hash;
    return g;
}

static struct group *group_new(struct trace *t, pid_t tgid)
{
    struct group *g = xcalloc(1, sizeof *g), **slot = &t->group[(unsigned)tgid % BUCKETS];
    g->tgid = tgid;
    g->same_hash = *slot;
    *slot = g;
    return g;
}

static void group_free(struct trace *t, struct group *g)
{
    struct group **slot = &t->group[(unsigned)g->tgid % BUCKETS];
    while (*slot != g)
        slot = &(*slot)->same_hash;
    *slot = g->same_hash;
    free(g);
}

static struct trace_job *traced_job(struct trace *t, pid_t tid)
{
    struct trace_job *j = t->traced[(unsigned)tid % BUCKETS];
    while (j && j->tid != tid)
        j = j->same_hash;
    return j;
}

static void traced_add(struct trace *t, struct group *g, struct trace_job *j)
{
    struct trace_job **slot = &t->traced[(unsigned)j->tid % BUCKETS];
    j->same_hash = *slot;
    *slot = j;
    g->traced++;
    g->since = now_ns();
}

static void traced_remove(struct trace *t, struct group *g, struct trace_job *j)
{
    struct trace_job **slot = &t->traced[(unsigned)j->tid % BUCKETS];
    while (*slot != j)
        slot = &(*slot)->same_hash;
    *slot = j->same_hash;
    g->traced--;
    if (g->exec == j)
        g->exec = NULL;
}

static bool interrupted(void *arg, pid_t tid)
{
    return traced_job(arg, tid);
}

static void end(struct trace_job *j, enum trace_end how)
{
    j->done(j, how);
}

/* Seizes and interrupts the caller, and answers the call: CONTINUE for an exec, a restart code otherwise. The interrupt makes sure
 * that there is a stop in any case: after a failed exec, and at the return to the signal that the thread may not be
 * the one to take. True: the job is traced now, its end comes with an event. */
static bool job_start(struct trace *t, struct group *g, struct trace_job *j)
{
    bool exec = j->state == JOB_EXEC;
    /* A tid that an exec has given to a new program, or to a stranger, must not be seized: the exec'd one hangs us for good. */
    if (!notify_valid(t->listener, j->id)) {
        end(j, TRACE_GONE);
        return false;
    }
    if (ptrace(PTRACE_SEIZE, j->tid, NULL, PTRACE_O_EXITKILL | (exec ? PTRACE_O_TRACEEXEC : 0))) {
        if (errno == ESRCH) {
            end(j, TRACE_GONE);
            return false;
        }
        notify_error(t->listener, j->id, !exec && j->restart == 512 ? EINTR : EACCES);
        end(j, TRACE_DENIED);
        return false;
    }
    ptrace(PTRACE_INTERRUPT, j->tid, NULL, NULL);
    traced_add(t, g, j);
    if (exec) {
        g->exec = j;
        g->state = notify_continue(t->listener, j->id, CONTINUE_EXEC_VERIFIED) ? GROUP_DYING : GROUP_EXEC;
    } else {
        g->state = GROUP_SIG;
        notify_error(t->listener, j->id, j->restart); /* ENOENT: the stop comes after its next call was answered */
    }
    return true;
}

/* Starts what may start now; an idle group is forgotten. */
static void group_go_on(struct trace *t, struct group *g)
{
    while (g->waiting.first) {
        bool exec = g->waiting.first->state == JOB_EXEC;
        if (g->traced && (exec || g->state != GROUP_SIG))
            return;
        job_start(t, g, pop(&g->waiting));
    }
    if (!g->traced)
        group_free(t, g);
}

static void job_arrives(struct trace *t, struct trace_job *j)
{
    /* A traced thread that makes another call has an interrupt before it that takes effect only when this call ends too. */
    if (traced_job(t, j->tid)) {
        notify_error(t->listener, j->id, j->state == JOB_EXEC ? 513 : j->restart);
        end(j, j->state == JOB_EXEC ? TRACE_GONE : TRACE_DONE);
        return;
    }
    struct group *g = group_of(t, j->tgid);
    if (!g)
        g = group_new(t, j->tgid);
    push(&g->waiting, j); /* behind an exec that waits: no signal storm may keep it out */
    group_go_on(t, g);
}

/* ---- what waitpid tells */

static void job_over(struct trace *t, struct trace_job *j, enum trace_end how)
{
    struct group *g = group_of(t, j->tgid);
    traced_remove(t, g, j);
    end(j, how);
    group_go_on(t, g);
}

/* PTRACE_EVENT_EXEC: the group has one thread left, whose id is the group's; the new program has not run yet. */
static void exec_happened(struct trace *t, pid_t tgid)
{
    struct group *g = group_of(t, tgid);
    struct trace_job *j = g ? g->exec : NULL;
    if (!j) {
        /* Not one that was decided on: nothing may run that nobody has verified. */
        kill(tgid, SIGKILL);
        ptrace(PTRACE_DETACH, tgid, NULL, NULL);
        return;
    }
    /* Whatever else of the group waited here died in the exec; its new program has not made a call yet. */
    struct queue dead = g->waiting;
    g->waiting = (struct queue){0};
    bool good = !j->verify || j->verify(j, tgid);
    if (!good)
        kill(tgid, SIGKILL);
    ptrace(PTRACE_DETACH, tgid, NULL, NULL);
    for (struct trace_job *d; (d = pop(&dead));)
        end(d, TRACE_GONE);
    job_over(t, j, good ? TRACE_DONE : TRACE_KILLED);
}

static void stopped(struct trace *t, pid_t tid, int status)
{
    int event = status >> 16;
    if (event == PTRACE_EVENT_EXEC) {
        exec_happened(t, tid);
        return;
    }
    struct trace_job *j = traced_job(t, tid);
    if (!j) {
        if (event)
            ptrace(PTRACE_DETACH, tid, NULL, NULL); /* one that the watchdog gave up */
        else if (tid == t->agent && t->ops.agent_stopped)
            t->ops.agent_stopped(t->ops.arg, WSTOPSIG(status));
        return;
    }
    /* Any stop but that of the exec means that the call is over. A signal-delivery stop holds a signal of the thread's, which must go
     * on to it; a PTRACE_EVENT_STOP holds none, and a group stop is re-entered by the kernel after the detach. */
    struct group *g = group_of(t, j->tgid);
    ptrace(PTRACE_DETACH, tid, NULL, (long)(event ? 0 : WSTOPSIG(status)));
    job_over(t, j, j->state == JOB_RESTART ? TRACE_DONE : g->state == GROUP_DYING ? TRACE_GONE : TRACE_FAILED);
}

static void exited(struct trace *t, pid_t pid, int status)
{
    struct trace_job *j = traced_job(t, pid);
    struct group *g = group_of(t, pid);
    if (!j && g) /* a non-leader that died inside its exec, after it had taken its leader's id */
        j = g->exec;
    if (j)
        job_over(t, j, TRACE_GONE);
    if (pid == t->agent && !t->agent_ended) {
        t->agent_ended = true;
        if (t->ops.agent_ended)
            t->ops.agent_ended(t->ops.arg, status);
    } else if (t->ops.reaped) {
        t->ops.reaped(t->ops.arg, pid);
    }
}

static void wait_all(struct trace *t)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL | WNOHANG | WUNTRACED | WCONTINUED);
        if (pid > 0) {
            t->childless = false;
            if (WIFSTOPPED(status))
                stopped(t, pid, status);
            else if (!WIFCONTINUED(status))
                exited(t, pid, status);
            else if (pid == t->agent && t->ops.agent_continued)
                t->ops.agent_continued(t->ops.arg);
            continue;
        }
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0 && errno == ECHILD && !t->childless) {
            t->childless = true;
            if (t->ops.last_child)
                t->ops.last_child(t->ops.arg);
        }
        return;
    }
}

/* ---- the watchdog */

static bool thread_lives(pid_t tgid, pid_t tid)
{
    return !syscall(SYS_tgkill, tgid, tid, 0) || errno != ESRCH;
}

/* Nothing of this is expected. A caller that was released without a word is forgotten; and where others of the group wait behind
 * a step that does not end, the group is killed rather than left hanging. */
static void look_for_stuck(struct trace *t, uint64_t at)
{
    for (int i = 0; i < BUCKETS; i++) {
        for (struct trace_job *j = t->traced[i], *next; j; j = next) {
            next = j->same_hash;
            struct group *g = group_of(t, j->tgid);
            if (at - g->since < SECOND)
                continue;
            if (!thread_lives(j->tgid, j->tid) && !thread_lives(j->tgid, j->tgid)) {
                job_over(t, j, TRACE_GONE);
                break; /* callbacks may have changed the chain; the next look goes on */
            }
            if (g->waiting.first && at - g->since > STUCK_AFTER)
                kill(g->tgid, SIGKILL);
        }
    }
}

/* ---- the thread */

/* All of these signals are blocked, so one that comes between a look and the wait is not lost: the wait returns at once. */
static void sleep_until(struct trace *t, uint64_t due)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, BELL);
    uint64_t at = now_ns(), left = due > at ? due - at : 0;
    struct timespec ts = {(time_t)(left / SECOND), (long)(left % SECOND)};
    sigtimedwait(&set, NULL, due == UINT64_MAX ? NULL : &ts);
}

static void *machine(void *arg)
{
    struct trace *t = arg;
    __atomic_store_n(&t->tid, gettid(), __ATOMIC_RELEASE);
    for (;;) {
        wait_all(t);
        pthread_mutex_lock(&t->lock);
        struct trace_job *j = pop(&t->inbox);
        bool stop = t->stop;
        pthread_mutex_unlock(&t->lock);
        if (j) {
            job_arrives(t, j);
            continue;
        }
        if (stop)
            break;
        uint64_t at = now_ns(), due = watch_due(t->watch);
        if (at >= due) {
            watch_turn(t->watch, at);
            continue;
        }
        bool working = false;
        for (int i = 0; !working && i < BUCKETS; i++)
            working = t->traced[i];
        if (working && at >= t->stuck_look) {
            look_for_stuck(t, at);
            t->stuck_look = at + SECOND;
            continue;
        }
        if (working && t->stuck_look < due)
            due = t->stuck_look;
        pthread_mutex_lock(&t->lock);
        t->asleep = !t->inbox.first && !t->stop;
        bool asleep = t->asleep;
        pthread_mutex_unlock(&t->lock);
        if (!asleep)
            continue;
        sleep_until(t, due);
        pthread_mutex_lock(&t->lock);
        t->asleep = false;
        pthread_mutex_unlock(&t->lock);
    }
    for (int i = 0; i < BUCKETS; i++) {
        for (struct group *g; (g = t->group[i]);) {
            for (struct trace_job *j; (j = pop(&g->waiting));)
                end(j, TRACE_GONE);
            g->traced = 0;
            group_free(t, g);
        }
    }
    for (int i = 0; i < BUCKETS; i++) {
        for (struct trace_job *j; (j = t->traced[i]);) {
            t->traced[i] = j->same_hash;
            end(j, TRACE_GONE);
        }
    }
    return NULL;
}

/* Rung without the lock: woken at once, the machine would stand before it. A bell too many does no harm. */
static void ring(struct trace *t, bool asleep)
{
    if (asleep)
        syscall(SYS_tgkill, getpid(), t->tid, BELL);
}

/* With the lock held: has the bell to be rung? */
static bool wake(struct trace *t)
{
    bool asleep = t->asleep;
    t->asleep = false;
    return asleep;
}

static void post(struct trace *t, struct trace_job *j, int state)
{
    j->state = state;
    pthread_mutex_lock(&t->lock);
    push(&t->inbox, j);
    bool asleep = wake(t);
    pthread_mutex_unlock(&t->lock);
    ring(t, asleep);
}

void trace_exec(struct trace *t, struct trace_job *j)
{
    post(t, j, JOB_EXEC);
}

void trace_restart(struct trace *t, struct trace_job *j)
{
    post(t, j, JOB_RESTART);
}

static void ring_now(struct trace *t)
{
    pthread_mutex_lock(&t->lock);
    bool asleep = wake(t);
    pthread_mutex_unlock(&t->lock);
    ring(t, asleep);
}

void trace_watch(struct trace *t, struct waiter *w)
{
    watch_add(t->watch, w);
    ring_now(t);
}

void trace_unwatch(struct trace *t, struct waiter *w)
{
    watch_remove(t->watch, w);
}

void trace_nudge(struct trace *t)
{
    watch_hurry(t->watch);
    ring_now(t);
}

static void nothing(int sig)
{
}

struct trace *trace_start(int listener, pid_t agent, const struct trace_ops *ops)
{
    struct trace *t = xcalloc(1, sizeof *t);
    t->listener = listener;
    t->agent = agent;
    t->ops = *ops;
    pthread_mutex_init(&t->lock, NULL);
    t->watch = watch_new(listener, interrupted, t);

    /* A signal that would be ignored is not even queued while one thread has it unblocked; a handler prevents that. */
    struct sigaction sa = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigaction(SIGCHLD, &sa, NULL);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int e = pthread_create(&t->thread, NULL, machine, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e) {
        watch_free(t->watch);
        free(t);
        errno = e;
        return NULL;
    }
    return t;
}

void trace_stop(struct trace *t)
{
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    bool asleep = wake(t);
    pthread_mutex_unlock(&t->lock);
    ring(t, asleep);
    pthread_join(t->thread, NULL);
    watch_free(t->watch);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
