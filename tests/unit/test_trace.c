/* The ptrace machine with a scratch supervisor around it: execs are let through and verified, mkdir is held until its time
 * is up (EACCES) or a signal is pending (restarted). */
#include "buf.h"
#include "notify.h"
#include "proc.h"
#include "scratch.h"
#include "trace.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELD_MAX 256

struct held {
    struct waiter w; /* first: a waiter is its held */
    struct trace_job job;
    uint64_t due;
    bool used;
};

/* Shared with the agent. */
struct shared {
    atomic_long calls, eintr, restart_codes, other, handled;
    atomic_int stop, ready;
};

struct supervisor {
    int listener;
    struct trace *trace;
    pid_t agent;
    struct shared *shared;
    pthread_mutex_t lock; /* of held */
    struct held held[HELD_MAX];
    unsigned hold_us, exec_delay_us;
    bool (*verify)(struct trace_job *j, pid_t tgid);
    atomic_long ends[5] /* of execs */, restarts, restarts_gone;
    atomic_int stopped, continued, last_child, ended_status;
    pthread_t receiver, timer;
    atomic_int stop;
};

static struct supervisor S;

static void restart_done(struct trace_job *j, enum trace_end how)
{
    struct held *h = j->arg;
    S.restarts++;
    S.restarts_gone += how == TRACE_GONE;
    pthread_mutex_lock(&S.lock);
    h->used = false;
    pthread_mutex_unlock(&S.lock);
}

static bool take(struct held *h)
{
    pthread_mutex_lock(&S.lock);
    bool mine = h->due != 0;
    h->due = 0;
    pthread_mutex_unlock(&S.lock);
    return mine;
}

static void on_signal(struct waiter *w)
{
    struct held *h = (struct held *)w;
    if (!take(h))
        return;
    trace_unwatch(S.trace, w);
    h->job = (struct trace_job){.id = w->id, .tid = w->tid, .restart = w->id & 1 ? 512 : 513, .done = restart_done, .arg = h};
    struct proc_ids ids;
    h->job.tgid = proc_status(w->tid, &ids) ? w->tid : ids.tgid;
    trace_restart(S.trace, &h->job);
}

static void on_gone(struct waiter *w)
{
    struct held *h = (struct held *)w;
    if (take(h))
        h->used = false;
}

static void *timer(void *arg)
{
    while (!S.stop) {
        for (int i = 0; i < HELD_MAX; i++) {
            struct held *h = &S.held[i];
            pthread_mutex_lock(&S.lock);
            bool mine = h->used && h->due && scratch_now_us() >= h->due;
            if (mine)
                h->due = 0;
            pthread_mutex_unlock(&S.lock);
            if (!mine)
                continue;
            trace_unwatch(S.trace, &h->w);
            notify_error(S.listener, h->w.id, EACCES);
            h->used = false;
        }
        usleep(300);
    }
    return NULL;
}

static void exec_done(struct trace_job *j, enum trace_end how)
{
    S.ends[how]++;
    free(j);
}

static void *receiver(void *arg)
{
    unsigned seed = 1;
    for (;;) {
        struct notice n;
        int r = notify_receive(S.listener, &n);
        if (r == -EINTR || r == -ENOENT)
            continue;
        if (r)
            return NULL;
        struct proc_ids ids;
        if (proc_status(n.tid, &ids) || !notify_valid(S.listener, n.id))
            continue;
        if (n.nr == SYS_execve) {
            usleep(S.exec_delay_us);
            struct trace_job *j = xcalloc(1, sizeof *j);
            *j = (struct trace_job){.id = n.id, .tid = n.tid, .tgid = ids.tgid, .verify = S.verify, .done = exec_done};
            trace_exec(S.trace, j);
            continue;
        }
        pthread_mutex_lock(&S.lock);
        struct held *h = S.held;
        while (h->used)
            h++;
        *h = (struct held){.w = {.id = n.id, .tid = n.tid, .uid = ids.euid, .on_signal = on_signal, .on_gone = on_gone},
                           .used = true,
                           .due = scratch_now_us() + 1 + (S.hold_us ? (unsigned)rand_r(&seed) % S.hold_us : 0)};
        trace_watch(S.trace, &h->w);
        pthread_mutex_unlock(&S.lock);
    }
}

static void agent_stopped(void *arg, int sig)
{
    S.stopped = sig;
}

static void agent_continued(void *arg)
{
    S.continued++;
}

static void agent_ended(void *arg, int status)
{
    S.ended_status = status;
}

static void last_child(void *arg)
{
    S.last_child++;
}

static void start(void (*agent)(void), unsigned hold_us)
{
    S.hold_us = hold_us;
    S.ended_status = -1;
    pthread_mutex_init(&S.lock, NULL);
    S.shared = mmap(NULL, sizeof *S.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct scratch scratch;
    scratch_start(&scratch, (int[]){SYS_execve, SYS_mkdir}, 2, agent);
    S.agent = scratch.agent;
    S.listener = scratch.listener;
    struct trace_ops ops = {.agent_stopped = agent_stopped, .agent_continued = agent_continued, .agent_ended = agent_ended, .last_child = last_child};
    S.trace = trace_start(S.listener, S.agent, &ops);
    cr_assert_not_null(S.trace);
    pthread_create(&S.receiver, NULL, receiver, NULL);
    pthread_create(&S.timer, NULL, timer, NULL);
    scratch_go(&scratch);
}

static int wait_for(atomic_int *what, int not, unsigned ms)
{
    for (unsigned i = 0; i < ms && *what == not; i++)
        usleep(1000);
    return *what;
}

static void finish(void)
{
    if (S.ended_status == -1)
        kill(S.agent, SIGKILL);
    cr_assert_neq(wait_for(&S.ended_status, -1, 5000), -1, "the agent does not end");
    cr_assert_neq(wait_for(&S.last_child, 0, 5000), 0, "somebody is left");
    S.stop = 1;
    pthread_join(S.timer, NULL);
    trace_stop(S.trace);
}

/* ---- agents */

static void *exec_true(void *arg)
{
    pthread_barrier_t *b = arg;
    if (b)
        pthread_barrier_wait(b);
    execl("/bin/true", "true", (char *)NULL);
    return NULL;
}

static void *exec_nothing(void *arg)
{
    pthread_barrier_wait(arg);
    execl("/nonexistent/program", "x", (char *)NULL);
    return NULL;
}

/* Three threads of one process exec at once, one of them in vain: exactly one may win, each time. */
static void agent_three_execs(void)
{
    for (int i = 0; i < 200; i++) {
        pid_t p = fork();
        if (!p) {
            pthread_barrier_t b;
            pthread_barrier_init(&b, NULL, 4);
            pthread_t t;
            for (int k = 0; k < 3; k++)
                pthread_create(&t, NULL, k == 1 ? exec_nothing : exec_true, &b);
            exec_true(&b);
            _exit(9);
        }
        int st;
        if (waitpid(p, &st, 0) != p || st)
            _exit(1);
    }
}

Test(trace, threads_that_exec_at_once, .timeout = 60)
{
    start(agent_three_execs, 0);
    cr_assert_eq(wait_for(&S.ended_status, -1, 50000), 0);
    cr_assert_eq(S.ends[TRACE_DONE], 200);
    cr_assert_eq(S.ends[TRACE_KILLED] + S.ends[TRACE_DENIED], 0);
    finish();
}

static bool verify_no(struct trace_job *j, pid_t tgid)
{
    return false;
}

static void agent_one_exec(void)
{
    pid_t p = fork();
    if (!p) {
        exec_true(NULL);
        _exit(9);
    }
    int st;
    waitpid(p, &st, 0);
    _exit(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL ? 0 : 1);
}

Test(trace, a_program_that_is_not_the_decided_one_never_runs, .timeout = 20)
{
    S.verify = verify_no;
    start(agent_one_exec, 0);
    cr_assert_eq(wait_for(&S.ended_status, -1, 10000), 0);
    cr_assert_eq(S.ends[TRACE_KILLED], 1);
    cr_assert_eq(S.ends[TRACE_DONE], 0);
    finish();
}

static void agent_failing_exec(void)
{
    for (int i = 0; i < 50; i++)
        if (execl("/nonexistent/program", "x", (char *)NULL) != -1 || errno != ENOENT)
            _exit(1);
    if (execl("/etc/passwd", "x", (char *)NULL) != -1 || errno != EACCES)
        _exit(2);
}

Test(trace, an_exec_that_fails_goes_on_with_its_errno, .timeout = 20)
{
    start(agent_failing_exec, 0);
    cr_assert_eq(wait_for(&S.ended_status, -1, 10000), 0);
    cr_assert_eq(S.ends[TRACE_FAILED], 51);
    finish();
}

static void agent_stops(void)
{
    raise(SIGSTOP);
    usleep(100000); /* one who ended already is not reported as continued */
    _exit(7);
}

Test(trace, the_agent_stops_continues_and_ends, .timeout = 20)
{
    start(agent_stops, 0);
    cr_assert_eq(wait_for(&S.stopped, 0, 5000), SIGSTOP);
    kill(S.agent, SIGCONT);
    cr_assert_eq(wait_for(&S.ended_status, -1, 5000), 7 << 8);
    cr_assert_eq(S.continued, 1);
    finish();
}

static struct shared *mine;

static void handler(int sig)
{
    mine->handled++;
}

static void handle(int sig, int flags)
{
    mine = S.shared;
    struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
    sigaction(sig, &sa, NULL);
    mine->ready = 1;
}

/* One call a kind: which code the supervisor chooses depends on its id. */
static void agent_interrupted(void)
{
    handle(SIGUSR1, 0);
    for (int i = 0; i < 20; i++) {
        errno = 0;
        mkdir("/nonexistent/x", 0700);
        if (errno == EINTR)
            mine->eintr++;
        else if (errno == EACCES)
            mine->other++;
        mine->calls++;
    }
}

Test(trace, a_signal_ends_a_call_that_waits, .timeout = 60)
{
    start(agent_interrupted, 400000);
    wait_for(&S.shared->ready, 0, 5000);
    while (S.ended_status == -1) {
        usleep(60000);
        kill(S.agent, SIGUSR1);
    }
    cr_assert_eq(S.ended_status, 0);
    cr_assert_eq(S.shared->calls, 20);
    cr_assert_gt(S.shared->eintr, 0, "512 gives EINTR to a handler without SA_RESTART");
    cr_assert_gt(S.restarts, S.shared->eintr, "513 restarts");
    cr_assert_gt(S.shared->handled, 10);
    finish();
}

static void *calls_and_execs(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg * 7919 + (unsigned)getpid();
    while (!mine->stop) {
        errno = 0;
        mkdir("/nonexistent/x", 0700);
        mine->calls++;
        if (errno == EINTR)
            mine->eintr++;
        else if (errno == 512 || errno == 513)
            mine->restart_codes++;
        else if (errno != EACCES)
            mine->other++;
        if (rand_r(&seed) % 50 == 0) {
            pid_t p = rand_r(&seed) & 1 ? fork() : vfork();
            if (!p) {
                execl(rand_r(&seed) % 4 ? "/bin/true" : "/nonexistent/x", "x", (char *)NULL);
                _exit(0);
            }
            while (waitpid(p, NULL, 0) < 0 && errno == EINTR)
                ;
        }
        if (rand_r(&seed) % 50 == 0)
            execl("/nonexistent/x", "x", (char *)NULL);
    }
    return NULL;
}

#define STORM_THREADS 40
static void agent_storm(void)
{
    handle(SIGRTMIN + 3, SA_RESTART);
    pthread_t t[STORM_THREADS];
    for (long i = 0; i < STORM_THREADS; i++)
        pthread_create(&t[i], NULL, calls_and_execs, (void *)i);
    for (int i = 0; i < STORM_THREADS; i++)
        pthread_join(t[i], NULL);
}

/* Signals to the process may be taken by any of its threads; still no call may end with a code of the kernel's own, and with SA_RESTART
 * none with EINTR. */
Test(trace, a_storm_of_signals_and_execs, .timeout = 60)
{
    start(agent_storm, 20000);
    unsigned seed = 3;
    long sent = 0;
    wait_for(&S.shared->ready, 0, 5000);
    for (uint64_t end = scratch_now_us() + 3000000; scratch_now_us() < end;) {
        union sigval v = {0};
        if (rand_r(&seed) & 1) {
            sent += !sigqueue(S.agent, SIGRTMIN + 3, v);
        } else {
            siginfo_t si = {.si_signo = SIGRTMIN + 3, .si_code = SI_QUEUE, .si_pid = getpid(), .si_uid = getuid()};
            pid_t tid = S.agent + 1 + (pid_t)(rand_r(&seed) % STORM_THREADS);
            sent += !syscall(SYS_rt_tgsigqueueinfo, S.agent, tid, SIGRTMIN + 3, &si);
        }
        usleep((unsigned)rand_r(&seed) % 800);
    }
    S.shared->stop = 1;
    cr_assert_eq(wait_for(&S.ended_status, -1, 10000), 0, "hangs, or killed: %x", S.ended_status);
    cr_log_info("calls %ld sent %ld handled %ld restarts %ld done %ld failed %ld", S.shared->calls, sent, S.shared->handled,
                S.restarts, S.ends[TRACE_DONE], S.ends[TRACE_FAILED]);
    cr_assert_gt(S.shared->calls, 1000);
    cr_assert_gt(S.restarts, 100);
    cr_assert_gt(S.ends[TRACE_FAILED], 10);
    cr_assert_eq(S.shared->restart_codes, 0);
    cr_assert_eq(S.shared->eintr, 0);
    cr_assert_eq(S.shared->other, 0);
    cr_assert_eq(S.shared->handled, sent);
    finish();
}

/* ---- signals and execs in one group: whoever waits, is interrupted, or dies because another thread's exec ends it */

static void *calls(void *arg)
{
    for (;;) {
        errno = 0;
        mkdir("/nonexistent/x", 0700);
        mine->calls++;
        if (errno == EINTR)
            mine->eintr++;
        else if (errno == 512 || errno == 513)
            mine->restart_codes++;
        else if (errno != EACCES)
            mine->other++;
    }
    return NULL;
}

static void *exec_soon(void *arg)
{
    for (uint64_t at = scratch_now_us() + 20000 + (uintptr_t)arg % 30000; scratch_now_us() < at;)
        usleep(1000); /* a signal ends it early */
    for (;;) {
        execl("/nonexistent/program", "x", (char *)NULL);
        execl("/bin/true", "true", (char *)NULL);
    }
    return NULL;
}

static void agent_exec_under_signals(void)
{
    for (unsigned i = 0; i < 60; i++) {
        pid_t p = fork();
        if (!p) {
            handle(SIGURG, SA_RESTART); /* ignored by the program that comes after */
            pthread_t t;
            for (int k = 0; k < 4; k++)
                pthread_create(&t, NULL, calls, NULL);
            pthread_create(&t, NULL, exec_soon, (void *)(uintptr_t)(i * 997));
            pthread_create(&t, NULL, exec_soon, (void *)(uintptr_t)(i * 613));
            for (pid_t me = getpid(), n = 0;; n++) {
                if (n & 1)
                    kill(me, SIGURG);
                else
                    syscall(SYS_tgkill, me, me + 1 + n / 2 % 6, SIGURG);
                usleep(300);
            }
        }
        int st;
        if (waitpid(p, &st, 0) != p || st)
            _exit(1);
    }
}

Test(trace, an_exec_among_threads_that_wait_and_are_signalled, .timeout = 60)
{
    start(agent_exec_under_signals, 40000);
    cr_assert_eq(wait_for(&S.ended_status, -1, 50000), 0, "hangs, or failed: %x", S.ended_status);
    cr_log_info("calls %ld handled %ld restarts %ld (gone %ld) execs failed %ld gone %ld", S.shared->calls, S.shared->handled,
                S.restarts, S.restarts_gone, S.ends[TRACE_FAILED], S.ends[TRACE_GONE]);
    cr_assert_eq(S.ends[TRACE_DONE], 60);
    cr_assert_eq(S.ends[TRACE_KILLED] + S.ends[TRACE_DENIED], 0);
    cr_assert_gt(S.restarts, 60);
    cr_assert_eq(S.shared->restart_codes, 0);
    cr_assert_eq(S.shared->eintr, 0);
    cr_assert_eq(S.shared->other, 0);
    finish();
}

/* ---- job control */

static void agent_true(void)
{
    exec_true(NULL);
}

Test(trace, a_stop_that_comes_while_an_exec_is_held_stays_one, .timeout = 20)
{
    S.exec_delay_us = 200000;
    start(agent_true, 0);
    usleep(80000);
    kill(S.agent, SIGSTOP);
    cr_assert_eq(wait_for(&S.stopped, 0, 3000), SIGSTOP);
    cr_assert_eq(S.ended_status, -1);
    kill(S.agent, SIGCONT);
    cr_assert_eq(wait_for(&S.ended_status, -1, 3000), 0);
    cr_assert_eq(S.ends[TRACE_DONE], 1);
    finish();
}

static void *one_call(void *arg)
{
    mkdir("/nonexistent/x", 0700);
    _exit(errno);
}

static void agent_thread_waits(void)
{
    pthread_t t;
    pthread_create(&t, NULL, one_call, NULL);
    S.shared->ready = 1;
    for (;;)
        pause();
}

/* The stop is taken by the main thread; the one that waits in its call must let the group become stopped. */
Test(trace, a_group_stops_though_a_thread_of_it_waits, .timeout = 20)
{
    start(agent_thread_waits, 4000000);
    cr_assert_eq(wait_for(&S.shared->ready, 0, 3000), 1);
    kill(S.agent, SIGSTOP);
    trace_nudge(S.trace);
    cr_assert_eq(wait_for(&S.stopped, 0, 4000), SIGSTOP);
    kill(S.agent, SIGCONT);
    cr_assert_eq(wait_for(&S.ended_status, -1, 4000), EACCES << 8);
    finish();
}
