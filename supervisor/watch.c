#include "watch.h"
#include "buf.h"
#include "clock.h"
#include "notify.h"
#include "proc.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)
#define LOOK_EVERY (10 * MS)     /* the SigQ look */
#define VALID_EVERY (50 * MS)    /* is the caller still there? */
#define ALL_EVERY (1000 * MS)    /* each caller, whatever SigQ says: two signals may have cancelled out in it */
#define UIDS 16                  /* more uids than this wait at once: all of them are looked at each time */

/* SigQ as it stood when no caller of that uid had a deliverable signal. */
struct rest {
    uid_t uid;
    unsigned sigq;
    bool known, look;
};

struct watch {
    int listener;
    bool (*interrupted)(void *arg, pid_t tid);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    pthread_t thread;        /* whose turn it is; valid while busy */
    struct waiter *first;
    struct waiter *cursor;   /* the next one of the turn that runs */
    struct waiter *busy;     /* whose callback runs, without the lock */
    bool hurry;
    uint64_t look_due, valid_due, all_due;
    struct rest rest[UIDS];
};

struct watch *watch_new(int listener, bool (*interrupted)(void *arg, pid_t tid), void *arg)
{
    struct watch *w = xcalloc(1, sizeof *w);
    w->listener = listener;
    w->interrupted = interrupted;
    w->arg = arg;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->idle, NULL);
    return w;
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    pthread_cond_destroy(&w->idle);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void watch_add(struct watch *w, struct waiter *waiter)
{
    pthread_mutex_lock(&w->lock);
    waiter->fresh = true;
    waiter->listed = true;
    waiter->prev = NULL;
    waiter->next = w->first;
    if (w->first)
        w->first->prev = waiter;
    w->first = waiter;
    pthread_mutex_unlock(&w->lock);
}

static void unlink_waiter(struct watch *w, struct waiter *waiter)
{
    if (!waiter->listed)
        return;
    waiter->listed = false;
    if (w->cursor == waiter)
        w->cursor = waiter->next;
    if (waiter->next)
        waiter->next->prev = waiter->prev;
    if (waiter->prev)
        waiter->prev->next = waiter->next;
    else
        w->first = waiter->next;
    waiter->next = waiter->prev = NULL;
}

void watch_remove(struct watch *w, struct waiter *waiter)
{
    pthread_mutex_lock(&w->lock);
    unlink_waiter(w, waiter);
    while (w->busy == waiter && !pthread_equal(w->thread, pthread_self()))
        pthread_cond_wait(&w->idle, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void watch_hurry(struct watch *w)
{
    pthread_mutex_lock(&w->lock);
    w->hurry = true;
    pthread_mutex_unlock(&w->lock);
}

static void tell(struct watch *w, struct waiter *waiter, void (*callback)(struct waiter *))
{
    w->busy = waiter;
    w->thread = pthread_self();
    pthread_mutex_unlock(&w->lock);
    callback(waiter);
    pthread_mutex_lock(&w->lock);
    w->busy = NULL;
    pthread_cond_broadcast(&w->idle);
}

static void tell_gone(struct watch *w)
{
    for (struct waiter *i = w->first; i; i = w->cursor) {
        w->cursor = i->next;
        if (notify_valid(w->listener, i->id))
            continue;
        unlink_waiter(w, i);
        if (i->on_gone)
            tell(w, i, i->on_gone);
    }
    w->cursor = NULL;
}

/* Is a thread of this group stopped, or being stopped? */
static bool group_stops(pid_t tgid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)tgid);
    DIR *d = opendir(path);
    if (!d)
        return false;
    bool stops = false;
    struct dirent *e;
    for (int n = 0; !stops && n < 64 && (e = readdir(d));) {
        char state;
        if (e->d_name[0] == '.')
            continue;
        n++;
        stops = !proc_stat(atoi(e->d_name), &state, NULL, NULL, NULL, NULL, NULL) && state == 'T';
    }
    closedir(d);
    return stops;
}

static struct rest *rest_of(struct watch *w, uid_t uid)
{
    for (int i = 0; i < UIDS; i++) {
        if (!w->rest[i].known) {
            w->rest[i] = (struct rest){.uid = uid, .known = true, .look = true, .sigq = ~0u};
            return &w->rest[i];
        }
        if (w->rest[i].uid == uid)
            return &w->rest[i];
    }
    return NULL;
}

static void tell_signals(struct watch *w, bool all)
{
    struct proc_ids ids;
    bool seen[UIDS] = {0}, pending[UIDS] = {0};
    unsigned sigq[UIDS] = {0};
    pid_t stop_tgid = 0; /* waiters of one group mostly stand together: its threads are looked through once */
    bool stops = false;

    for (struct waiter *i = w->first; i; i = w->cursor) {
        w->cursor = i->next;
        struct rest *rest = rest_of(w, i->uid);
        int k = rest ? (int)(rest - w->rest) : -1;
        bool read = false;
        if (rest && !seen[k]) {
            if (proc_status(i->tid, &ids))
                continue;
            read = seen[k] = true;
            sigq[k] = ids.sigq;
            rest->look = ids.sigq != rest->sigq;
        }
        bool hit = w->interrupted(w->arg, i->tid);
        if (!hit && (all || i->fresh || !rest || rest->look)) {
            if (!read && proc_status(i->tid, &ids))
                continue;
            hit = ids.sig_pending & ~ids.sig_blocked;
            if (!hit && all) {
                if (ids.tgid != stop_tgid)
                    stops = group_stops(stop_tgid = ids.tgid);
                hit = stops;
            }
        }
        i->fresh = false;
        /* The status was of this caller's tid only if the call still waits after it was read. */
        if (!hit || !notify_valid(w->listener, i->id))
            continue;
        if (k >= 0)
            pending[k] = true;
        tell(w, i, i->on_signal);
    }
    w->cursor = NULL;
    for (int k = 0; k < UIDS; k++) {
        if (seen[k] && (all || w->rest[k].look) && !pending[k])
            w->rest[k].sigq = sigq[k];
        else if (pending[k])
            w->rest[k].sigq = ~0u;
    }
}

void watch_turn(struct watch *w, uint64_t now)
{
    pthread_mutex_lock(&w->lock);
    if (w->first && (w->hurry || now >= w->look_due)) {
        bool all = w->hurry || now >= w->all_due;
        w->hurry = false;
        tell_signals(w, all);
        /* A thousand callers cost 10 ms a look: never more than a fifth of a CPU. */
        uint64_t after = now_ns(), pause = 4 * (after - now);
        w->look_due = after + (pause > LOOK_EVERY ? pause : LOOK_EVERY);
        if (all)
            w->all_due = after + ALL_EVERY;
    }
    if (w->first && now >= w->valid_due) {
        /* The kernel looks for each id among all that wait, under the lock that receiving needs: the square of the callers. So here too
         * the pause grows with the work, or with 3,000 of them nothing else would be done. */
        uint64_t before = now_ns();
        tell_gone(w);
        uint64_t after = now_ns(), pause = 4 * (after - before);
        w->valid_due = after + (pause > VALID_EVERY ? pause : VALID_EVERY);
    }
    pthread_mutex_unlock(&w->lock);
}

uint64_t watch_due(struct watch *w)
{
    pthread_mutex_lock(&w->lock);
    uint64_t due = !w->first ? UINT64_MAX : w->hurry ? 0 : w->look_due < w->valid_due ? w->look_due : w->valid_due;
    pthread_mutex_unlock(&w->lock);
    return due;
}
