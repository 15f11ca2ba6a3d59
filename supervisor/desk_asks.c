#include "desk.h"
#include "calls.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RECENT_MAX 1024
#define CMDLINE_MAX 8192

/* ---- what comes from the machine's thread */

static void on_signal(struct waiter *w)
{
    struct ask *k = (struct ask *)w;
    struct approval *a = k->desk;
    k->signalled = true;
    desk_wake(a);
}

static void on_gone(struct waiter *w)
{
    struct ask *k = (struct ask *)w;
    struct approval *a = k->desk;
    k->gone = true;
    desk_wake(a);
}

/* ---- asks leave */

/* Out of every hand but ours: afterwards no callback runs for it. */
static struct request *release(struct approval *a, struct ask *k)
{
    if (a->c.trace && k->waiter.on_signal)
        trace_unwatch(a->c.trace, &k->waiter);
    struct request *r = k->request;
    free(k);
    return r;
}

void desk_finish(struct approval *a, struct ask *k, const struct decision *d, bool allowed, enum decided_by by,
                   const char *handler)
{
    struct decision copy = *d;
    struct request *r = release(a, k);
    a->c.ops.answered(a->c.ops.arg, r, &copy, allowed, by, handler);
}

static void tell_closed(struct approval *a, const struct card *card, const char *how, const char *by)
{
    BUF_AUTO b = {0};
    wire_closed(&b, card->id, how, by);
    for (struct interface *i = a->interfaces.first; i; i = i->next)
        if (card->sent & 1ull << i->slot)
            interface_send(i, b.data, b.len);
}

void desk_close(struct approval *a, struct card *card, const char *how, const char *by)
{
    tell_closed(a, card, how, by);
    cards_remove(&a->cards, card);
}

void desk_remember(struct approval *a, const struct recent *what)
{
    if (a->recents == RECENT_MAX)
        return; /* it will be asked again */
    struct recent *n = xcalloc(1, sizeof *n);
    *n = *what;
    n->key = xstrdup(what->key);
    n->next = a->recent;
    a->recent = n;
    a->recents++;
}

static void recent_free(struct approval *a, struct recent **p)
{
    struct recent *n = *p;
    *p = n->next;
    free(n->key);
    free(n);
    a->recents--;
}

/* What was said a moment ago about this call. What was said for one call of one thread holds for that call alone, and is used up; when
 * the thread asks for something else instead, it is not coming back. */
static bool recently(struct approval *a, const char *key, const struct request *r, uint64_t now, struct recent *ret)
{
    bool found = false;
    for (struct recent **p = &a->recent; *p;) {
        struct recent *n = *p;
        bool mine = n->tid && n->tid == r->tid;
        if (!found && now < n->until_ns && strcmp(n->key, key) == 0 && (!n->tid || (mine && n->call == calls_identity(r)))) {
            *ret = *n;
            ret->key = NULL;
            found = true;
        }
        if (mine)
            recent_free(a, p);
        else
            p = &n->next;
    }
    return found;
}

/* ---- judging again */

static struct decision judge(struct approval *a, const struct request *r)
{
    struct question q = question_of(r);
    grants_set_now(a->c.grants, desk_now());
    return decide(a->c.policy, a->c.grants, &q, NULL, NULL);
}

/* An answer may have settled others than the card that it was given on. */
void desk_judge_all(struct approval *a)
{
    for (struct card *card = a->cards.first, *next; card; card = next) {
        next = card->next;
        if (!card->asks)
            continue;
        for (struct ask *k = card->asks, *after; k; k = after) {
            after = k->next;
            struct decision d = judge(a, k->request);
            if (d.effect != EFFECT_ASK)
                desk_finish(a, card_take(card, k), &d, d.effect == EFFECT_ALLOW, d.by, NULL);
        }
        if (!card->asks && !card->left)
            desk_close(a, card, "settled", NULL);
    }
}

/* ---- asks arrive */

bool desk_somebody(const struct approval *a)
{
    if (a->c.how == APPROVAL_REJECT)
        return false;
    for (const struct interface *i = a->interfaces.first; i; i = i->next)
        if (i->coming && !i->dead)
            return true;
    return a->c.has_terminal || a->attended;
}

static void refuse_unattended(struct approval *a, struct ask *k)
{
    k->request->why = a->c.how == APPROVAL_REJECT
                          ? "approvals are set to reject (--approval)"
                          : "nobody to ask: no terminal and no interface was ever attached (--approval; sentinel-watch tui, console)";
    struct decision d = k->decision;
    desk_finish(a, k, &d, false, BY_UNATTENDED, NULL);
}

void desk_refuse_all(struct approval *a)
{
    while (a->cards.first) {
        struct card *card = a->cards.first;
        while (card->asks)
            refuse_unattended(a, card_take(card, card->asks));
        desk_close(a, card, "gone", NULL);
    }
}

static char *read_cmdline(pid_t pid, size_t *ret_n)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = xmalloc(CMDLINE_MAX);
    ssize_t n = fd < 0 ? -1 : fd_read_all(fd, text, CMDLINE_MAX);
    if (n <= 0) {
        free(text);
        return NULL;
    }
    *ret_n = (size_t)n;
    return text;
}

bool desk_describe(struct approval *a, struct card *card)
{
    const struct ask *k = card->asks;
    if (card->fields)
        return true;
    if (!k)
        return false;
    card->rungs = rungs_new(k->request, &k->decision, a->c.home);
    const char *not_always = !a->c.answers ? "this session keeps no answers" : rungs_not_always(card->rungs);
    size_t n = 0;
    STR_AUTO cmdline = read_cmdline(k->request->process->pid, &n);
    card->fields = card_fields(k->request, &k->decision, card->rungs, cmdline, n, not_always);
    return true;
}

static void arrive(struct approval *a, struct ask *k)
{
    struct request *r = k->request;
    uint64_t now = desk_now();
    if (!r->asked_ns)
        r->asked_ns = now;
    struct decision d = judge(a, r);
    if (d.effect != EFFECT_ASK) {
        desk_finish(a, k, &d, d.effect == EFFECT_ALLOW, d.by, NULL);
        return;
    }
    k->decision = d;
    if (!r->cwd)
        r->cwd = proc_link(r->tid, "cwd");
    if (!desk_somebody(a)) {
        refuse_unattended(a, k);
        return;
    }
    char *key = card_key(r, &d);
    struct recent said = {0};
    if (recently(a, key, r, now, &said)) {
        desk_finish(a, k, &d, said.allowed, said.by, said.handler);
        free(key);
        return;
    }
    int64_t timeout = d.timeout_ms >= 0 ? d.timeout_ms : a->c.timeout_ms;
    k->deadline_ns = timeout ? r->asked_ns + (uint64_t)timeout * MS : 0;
    struct card *card = cards_by_key(&a->cards, key);
    if (card)
        free(key);
    else
        card = cards_add(&a->cards, key, r->asked_ns);
    card_join(card, k);
    if (a->c.trace) {
        k->waiter = (struct waiter){.id = r->notice.id, .tid = r->tid, .uid = r->process->uid, .on_signal = on_signal, .on_gone = on_gone};
        trace_watch(a->c.trace, &k->waiter);
    }
}

void desk_take_arrived(struct approval *a)
{
    pthread_mutex_lock(&a->lock);
    struct ask *k = a->arrived;
    a->arrived = NULL;
    a->arrived_end = &a->arrived;
    struct recent *again = a->returning;
    a->returning = NULL;
    pthread_mutex_unlock(&a->lock);
    while (again) { /* before those that have arrived: they may be among them */
        struct recent *next = again->next;
        desk_remember(a, again);
        free(again->key);
        free(again);
        again = next;
    }
    while (k) {
        struct ask *next = k->next;
        k->next = NULL;
        arrive(a, k);
        k = next;
    }
}

/* ---- time, signals, and callers that end */

static void sweep_card(struct approval *a, struct card *card, uint64_t now)
{
    const char *how = NULL;
    for (struct ask *k = card->asks, *next; k; k = next) {
        next = k->next;
        struct decision d = k->decision;
        if (k->gone) {
            desk_finish(a, card_take(card, k), &d, false, BY_GONE, NULL);
            how = how ? how : "gone";
        } else if (k->deadline_ns && now >= k->deadline_ns) {
            desk_finish(a, card_take(card, k), &d, false, BY_TIMEOUT, NULL);
            how = "timeout";
        } else if (k->signalled) {
            card_leave(card, k, now + RETURN_NS);
            struct request *r = release(a, card_take(card, k));
            a->c.ops.interrupted(a->c.ops.arg, r, &d);
        }
    }
    for (struct left **p = &card->left; *p;) {
        struct left *l = *p;
        bool over = now >= l->until_ns || (l->deadline_ns && now >= l->deadline_ns) ||
                    (syscall(SYS_tgkill, l->tgid, l->tid, 0) && errno == ESRCH);
        if (!over) {
            p = &l->next;
            continue;
        }
        how = how ? how : "gone";
        *p = l->next;
        free(l);
    }
    if (how && !card->asks && !card->left)
        desk_close(a, card, how, NULL);
}

void desk_sweep(struct approval *a, uint64_t now)
{
    for (struct card *card = a->cards.first, *next; card; card = next) {
        next = card->next;
        sweep_card(a, card, now);
    }
    for (struct recent **p = &a->recent; *p;) {
        if (now < (*p)->until_ns)
            p = &(*p)->next;
        else
            recent_free(a, p);
    }
}

void desk_forget(struct approval *a)
{
    while (a->recent)
        recent_free(a, &a->recent);
}
