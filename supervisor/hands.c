#include "hands.h"
#include "buf.h"
#include "log.h"
#include "rights.h"
#include <errno.h>
#include <linux/futex.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The default of SIGURG is to be ignored, so one that comes before the handler stands is harmless; and it is not a
 * real-time signal, so sending it again and again queues nothing and never fails with EAGAIN. */
#define HAND_SIGNAL SIGURG
#define HANDS_MAX 4096
#define HANDS_KEPT 2
#define IDLE_SECONDS 5
#define IDLE_MAX 16 /* a burst leaves no crowd behind */
#define STACK_SIZE (256 * 1024) /* address space only; pages that an act never touches cost nothing */
#define AGAIN_NS 500000

struct hand {
    struct hands *pool;
    pthread_cond_t wake;
    pid_t tid;
    void (*run)(struct hand *self, void *arg); /* set: there is work */
    void *arg;
    atomic_bool interrupted;
    bool running;           /* run() has not returned; under the pool's lock */
    bool listed;            /* stands in the pool's list of those to be interrupted */
    struct hand *next_idle; /* a stack: the warmest thread is taken first */
    struct hand *next_stop;
};

struct hands {
    pthread_mutex_t lock;
    struct hand *idle;
    struct hand *stop; /* interrupted, and not yet back */
    pthread_cond_t stop_wake;
    bool beater;       /* the thread that sends the signal again runs */
    int count, idle_count, max;
};

static _Thread_local struct hand *self_hand;

static void try_no_more(void);

static void on_signal(int sig)
{
    (void)sig;
}

struct hands *hands_new(void)
{
    struct hands *h = xcalloc(1, sizeof *h);
    pthread_condattr_t attr;
    struct rlimit space;
    struct sigaction sa = {.sa_handler = on_signal};

    h->max = HANDS_MAX;
    /* Under a limit on address space (ulimit -v) stacks may take a half: calls past that are denied, and we live on. And one heap
     * for all threads: glibc reserves 64 MiB for each further one. */
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur / 2 / STACK_SIZE < HANDS_MAX) {
        h->max = (int)(space.rlim_cur / 2 / STACK_SIZE);
        mallopt(M_ARENA_MAX, 1);
    }
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->stop_wake, &attr);
    pthread_condattr_destroy(&attr);
    sigemptyset(&sa.sa_mask);
    sigaction(HAND_SIGNAL, &sa, NULL); /* no SA_RESTART: that is the point */
    return h;
}

void hands_free(struct hands *h)
{
    (void)h; /* threads of it may still be inside an act; the end of the process takes them and the memory */
}

static struct timespec from_now(int64_t ns)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ns / 1000000000;
    t.tv_nsec += ns % 1000000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

static void unlist_idle(struct hands *h, struct hand *hand)
{
    for (struct hand **p = &h->idle; *p; p = &(*p)->next_idle)
        if (*p == hand) {
            *p = hand->next_idle;
            h->idle_count--;
            return;
        }
}

/* With the lock held: waits for work. False: idle for too long, and no longer listed. */
static bool wait_for_work(struct hands *h, struct hand *hand)
{
    struct timespec until = from_now((int64_t)IDLE_SECONDS * 1000000000);

    hand->next_idle = h->idle;
    h->idle = hand;
    h->idle_count++;
    while (!hand->run) {
        if (pthread_cond_timedwait(&hand->wake, &h->lock, &until) != ETIMEDOUT || hand->run)
            continue;
        if (h->count > HANDS_KEPT) {
            unlist_idle(h, hand);
            return false;
        }
        until = from_now((int64_t)IDLE_SECONDS * 1000000000);
    }
    return true;
}

static void unlist_stop(struct hands *h, struct hand *hand)
{
    if (!hand->listed)
        return;
    for (struct hand **p = &h->stop; *p; p = &(*p)->next_stop)
        if (*p == hand) {
            *p = hand->next_stop;
            break;
        }
    hand->listed = false;
}

static void *hand_main(void *arg)
{
    struct hand *hand = arg;
    struct hands *h = hand->pool;
    sigset_t all;

    sigfillset(&all);
    sigdelset(&all, HAND_SIGNAL);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    if (unshare(CLONE_FS) < 0) { /* an act would change the umask of us all; this only fails for want of memory */
        log_warn("out of memory: %s", strerror(errno));
        abort();
    }
    rights_thread_start();
    self_hand = hand;

    pthread_mutex_lock(&h->lock);
    hand->tid = (pid_t)syscall(SYS_gettid);
    for (;;) {
        if (!hand->run && (h->idle_count >= IDLE_MAX || !wait_for_work(h, hand)))
            break;
        hand->running = true;
        pthread_mutex_unlock(&h->lock);
        rights_turn();
        hand->run(hand, hand->arg);
        pthread_mutex_lock(&h->lock);
        hand->running = false;
        hand->run = NULL;
        unlist_stop(h, hand);
        atomic_store(&hand->interrupted, false);
    }
    h->count--;
    pthread_mutex_unlock(&h->lock);
    try_no_more();
    pthread_cond_destroy(&hand->wake);
    free(hand);
    return NULL;
}

static int start(pthread_t *ret, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    sigset_t all, old;
    int r;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(ret, &attr, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return r;
}

/* Sends the signal to everybody who was told to stop and has not come back: the first one may have come just before the
 * act went to sleep, where a handler that does nothing leaves no trace. */
static void *beat(void *arg)
{
    struct hands *h = arg;

    pthread_mutex_lock(&h->lock);
    for (;;) {
        if (!h->stop) {
            pthread_cond_wait(&h->stop_wake, &h->lock);
            continue;
        }
        for (struct hand *hand = h->stop; hand; hand = hand->next_stop)
            if (hand->running)
                syscall(SYS_tgkill, getpid(), hand->tid, HAND_SIGNAL);
        struct timespec until = from_now(AGAIN_NS);
        while (pthread_cond_timedwait(&h->stop_wake, &h->lock, &until) != ETIMEDOUT)
            ;
    }
    return NULL;
}

int hands_submit(struct hands *h, void (*run)(struct hand *self, void *arg), void *arg)
{
    struct hand *hand;
    pthread_condattr_t attr;
    pthread_t thread;

    pthread_mutex_lock(&h->lock);
    if ((hand = h->idle) != NULL) {
        h->idle = hand->next_idle;
        h->idle_count--;
        hand->arg = arg;
        hand->run = run;
        pthread_cond_signal(&hand->wake);
        pthread_mutex_unlock(&h->lock);
        return 0;
    }
    if (h->count >= h->max) {
        pthread_mutex_unlock(&h->lock);
        return -1;
    }
    h->count++;
    pthread_mutex_unlock(&h->lock);

    hand = xcalloc(1, sizeof *hand);
    hand->pool = h;
    hand->run = run;
    hand->arg = arg;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&hand->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (start(&thread, hand_main, hand) == 0)
        return 0;
    pthread_cond_destroy(&hand->wake);
    free(hand);
    pthread_mutex_lock(&h->lock);
    h->count--;
    pthread_mutex_unlock(&h->lock);
    return -1;
}

void hand_interrupt(struct hand *hand)
{
    struct hands *h = hand->pool;

    pthread_mutex_lock(&h->lock);
    if (hand->running && !hand->listed) {
        atomic_store(&hand->interrupted, true);
        hand->listed = true;
        hand->next_stop = h->stop;
        h->stop = hand;
        syscall(SYS_tgkill, getpid(), hand->tid, HAND_SIGNAL);
        if (!h->beater) {
            pthread_t thread;

            h->beater = start(&thread, beat, h) == 0; /* without it the one signal above has to do; tried again next time */
        }
        pthread_cond_signal(&h->stop_wake);
    }
    pthread_mutex_unlock(&h->lock);
}

bool hand_interrupted(const struct hand *hand)
{
    return atomic_load(&hand->interrupted);
}

struct hand *hand_self(void)
{
    return self_hand;
}

int hands_count(struct hands *h)
{
    pthread_mutex_lock(&h->lock);
    int n = h->count;
    pthread_mutex_unlock(&h->lock);
    return n;
}

/* ---- trying
 *
 * A timer of one's own would be simpler, but arming and taking it back costs more than what is tried (15 us on a virtual
 * machine, where each is an exit to the host). So one thread looks every millisecond at who is still trying the same thing, while anybody
 * does; the tries themselves cost two stores. */

#define LOOK_NS 1000000
#define IDLE_LOOKS 64

struct trier {
    pid_t tid;
    atomic_uint number; /* odd: trying */
    unsigned seen;      /* the watcher's */
    struct trier *next;
};
static pthread_mutex_t triers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct trier *triers;
static atomic_uint watcher_sleeps; /* a futex: 1 while it waits for somebody to try */
static pthread_once_t watcher_once = PTHREAD_ONCE_INIT;
static atomic_bool watcher_runs;
static _Thread_local struct trier self_trier;

static bool look_at_triers(void)
{
    bool busy = false;

    pthread_mutex_lock(&triers_lock);
    for (struct trier *t = triers; t; t = t->next) {
        unsigned n = atomic_load(&t->number);

        if (n & 1 && n == t->seen)
            syscall(SYS_tgkill, getpid(), t->tid, HAND_SIGNAL);
        busy |= n & 1 || n != t->seen;
        t->seen = n;
    }
    pthread_mutex_unlock(&triers_lock);
    return busy;
}

static void *watch_triers(void *arg)
{
    (void)arg;
    for (int idle = 0;;) {
        nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
        idle = look_at_triers() ? 0 : idle + 1;
        if (idle < IDLE_LOOKS)
            continue;
        atomic_store(&watcher_sleeps, 1);
        if (!look_at_triers()) /* whoever began before that store does not wake us */
            syscall(SYS_futex, &watcher_sleeps, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
        atomic_store(&watcher_sleeps, 0);
        idle = 0;
    }
    return NULL;
}

static void start_watcher(void)
{
    pthread_t thread;

    atomic_store(&watcher_runs, start(&thread, watch_triers, NULL) == 0);
}

/* A hand has the signal unblocked all the time. */
static void try_mask(int how)
{
    sigset_t one;

    if (self_hand)
        return;
    sigemptyset(&one);
    sigaddset(&one, HAND_SIGNAL);
    pthread_sigmask(how, &one, NULL);
}

bool hand_try(void)
{
    pthread_once(&watcher_once, start_watcher);
    if (!atomic_load(&watcher_runs))
        return false;
    if (!self_trier.tid) {
        self_trier.tid = (pid_t)syscall(SYS_gettid);
        pthread_mutex_lock(&triers_lock);
        self_trier.next = triers;
        triers = &self_trier;
        pthread_mutex_unlock(&triers_lock);
    }
    try_mask(SIG_UNBLOCK);
    atomic_fetch_add(&self_trier.number, 1);
    if (atomic_exchange(&watcher_sleeps, 0))
        syscall(SYS_futex, &watcher_sleeps, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return true;
}

void hand_try_end(void)
{
    atomic_fetch_add(&self_trier.number, 1);
    try_mask(SIG_BLOCK); /* one that comes late stays pending, and the next try gets it before it begins */
}

/* Before a thread ends: what the watcher knows of it is the thread's own memory. */
static void try_no_more(void)
{
    pthread_mutex_lock(&triers_lock);
    for (struct trier **p = &triers; self_trier.tid && *p; p = &(*p)->next)
        if (*p == &self_trier) {
            *p = self_trier.next;
            break;
        }
    pthread_mutex_unlock(&triers_lock);
}
