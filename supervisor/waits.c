#include "waits.h"
#include "buf.h"
#include "clock.h"
#include "fd.h"
#include "rights.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Few at a time: when one of a crowd has taken the room that all of them were woken for, epoll finds by itself that the next ones
 * are not ready any more, which costs less than trying each. */
#define BATCH 16
#define STACK_SIZE (256 * 1024)

struct waits {
    pthread_mutex_t lock;
    bool runs;
    int epoll, wake;
    struct wait *first; /* that have a deadline or not: all of them */
    struct wait *stop;  /* told to stop */
    int count;
    uint64_t due; /* no deadline is earlier; UINT64_MAX: none */
};

struct waits *waits_new(void)
{
    struct waits *ws = xcalloc(1, sizeof *ws);
    pthread_mutex_init(&ws->lock, NULL);
    ws->epoll = ws->wake = -1;
    ws->due = UINT64_MAX;
    return ws;
}

/* ---- the thread's side */

static void unlink_wait(struct waits *ws, struct wait *w)
{
    w->waits = false;
    ws->count--;
    if (w->next)
        w->next->prev = w->prev;
    if (w->prev)
        w->prev->next = w->next;
    else
        ws->first = w->next;
    for (struct wait **p = &ws->stop; w->stopped && *p; p = &(*p)->next_stop)
        if (*p == w) {
            *p = w->next_stop;
            break;
        }
}

/* Without the lock: over() may add and stop others. */
static void end(struct waits *ws, struct wait *w, enum wait_end how)
{
    pthread_mutex_lock(&ws->lock);
    unlink_wait(ws, w);
    pthread_mutex_unlock(&ws->lock);
    epoll_ctl(ws->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    rights_turn();
    w->over(w, how);
}

static struct wait *any_stopped(struct waits *ws)
{
    pthread_mutex_lock(&ws->lock);
    struct wait *w = ws->stop;
    pthread_mutex_unlock(&ws->lock);
    return w;
}

/* One whose time has come; when there is none, `due` is exact again. */
static struct wait *any_expired(struct waits *ws, uint64_t now)
{
    struct wait *late = NULL;
    uint64_t due = UINT64_MAX;
    pthread_mutex_lock(&ws->lock);
    for (struct wait *w = now >= ws->due ? ws->first : NULL; w && !late; w = w->next) {
        if (w->until_ns && w->until_ns <= now)
            late = w;
        else if (w->until_ns && w->until_ns < due)
            due = w->until_ns;
    }
    if (!late && now >= ws->due)
        ws->due = due;
    pthread_mutex_unlock(&ws->lock);
    return late;
}

static int wait_ms(struct waits *ws)
{
    pthread_mutex_lock(&ws->lock);
    uint64_t due = ws->due, now = now_ns();
    pthread_mutex_unlock(&ws->lock);
    return due == UINT64_MAX ? -1 : due <= now ? 0 : (int)((due - now) / 1000000 > 3600000 ? 3600000 : (due - now) / 1000000 + 1);
}

static void *waits_main(void *arg)
{
    struct waits *ws = arg;
    struct epoll_event e[BATCH];
    if (unshare(CLONE_FS) < 0)
        abort(); /* as in hands.c */
    rights_thread_start();
    for (;;) {
        int n = epoll_wait(ws->epoll, e, BATCH, wait_ms(ws));
        uint64_t drain;
        for (int i = 0; i < n; i++) {
            if (e[i].data.ptr)
                end(ws, e[i].data.ptr, WAIT_READY);
            else if (read(ws->wake, &drain, sizeof drain) < 0 && errno != EAGAIN)
                abort();
        }
        for (struct wait *w; (w = any_stopped(ws));)
            end(ws, w, WAIT_STOPPED);
        for (struct wait *w; (w = any_expired(ws, now_ns()));)
            end(ws, w, WAIT_EXPIRED);
    }
    return NULL;
}

/* ---- the others' side */

static void wake(struct waits *ws)
{
    uint64_t one = 1;
    if (write(ws->wake, &one, sizeof one) < 0)
        return; /* full: it is awake anyway */
}

/* With the lock held. */
static bool start(struct waits *ws)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, old;
    if (ws->runs)
        return true;
    if (ws->epoll < 0) {
        ws->epoll = fd_high(epoll_create1(EPOLL_CLOEXEC));
        ws->wake = fd_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (ws->epoll < 0 || ws->wake < 0 || epoll_ctl(ws->epoll, EPOLL_CTL_ADD, ws->wake, &(struct epoll_event){.events = EPOLLIN})) {
            fd_close(&ws->epoll);
            fd_close(&ws->wake);
            return false;
        }
    }
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    ws->runs = pthread_create(&thread, &attr, waits_main, ws) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return ws->runs;
}

int waits_add(struct waits *ws, struct wait *w)
{
    struct epoll_event e = {.events = w->events | EPOLLONESHOT, .data.ptr = w};
    pthread_mutex_lock(&ws->lock);
    /* Ready at once, it waits in end() for the lock. */
    if (!start(ws) || epoll_ctl(ws->epoll, EPOLL_CTL_ADD, w->fd, &e)) {
        pthread_mutex_unlock(&ws->lock);
        return -1;
    }
    w->waits = true;
    w->prev = NULL;
    w->next = ws->first;
    if (ws->first)
        ws->first->prev = w;
    ws->first = w;
    ws->count++;
    bool sooner = w->until_ns && w->until_ns < ws->due;
    if (sooner)
        ws->due = w->until_ns;
    if (w->stopped) {
        w->next_stop = ws->stop;
        ws->stop = w;
    }
    if (sooner || w->stopped)
        wake(ws);
    pthread_mutex_unlock(&ws->lock);
    return 0;
}

void waits_stop(struct waits *ws, struct wait *w)
{
    pthread_mutex_lock(&ws->lock);
    if (!w->stopped && w->waits) {
        w->next_stop = ws->stop;
        ws->stop = w;
        wake(ws);
    }
    w->stopped = true;
    pthread_mutex_unlock(&ws->lock);
}

int waits_count(struct waits *ws)
{
    pthread_mutex_lock(&ws->lock);
    int n = ws->count;
    pthread_mutex_unlock(&ws->lock);
    return n;
}
