#include "desk.h"
#include "fd.h"
#include "log.h"
#include "word.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NEWS_NS (200 * MS)   /* a growing count is told at most so often */
#define FOLLOW_NS (100 * MS) /* settled calls are told in batches: nobody is woken for each */

uint64_t desk_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void desk_wake(struct approval *a)
{
    uint64_t one = 1;
    (void)!write(a->wake, &one, sizeof one); /* full: it is awake anyway */
}

/* ---- interfaces */

/* Another interface takes the question. */
static void withdraw(struct interface *i, struct card *card)
{
    uint64_t bit = 1ull << i->slot;
    if (!(card->sent & bit))
        return;
    BUF_AUTO b = {0};
    wire_closed(&b, card->id, "elsewhere", NULL);
    interface_send(i, b.data, b.len);
    card->sent &= ~bit;
}

static void on_line(void *arg, struct interface *i, const struct wire_line *l)
{
    struct approval *a = arg;
    i->coming = false;
    switch (l->what) {
    case WIRE_ANSWER:
        desk_answer(a, i, l);
        break;
    case WIRE_SUBSCRIBE_ASKS:
    case WIRE_SUBSCRIBE_EVENTS:
        if (l->name[0])
            memcpy(i->name, l->name, sizeof i->name);
        if (l->what == WIRE_SUBSCRIBE_EVENTS)
            i->events = true;
        else
            i->asks = a->attended = true;
        break;
    case WIRE_SUBSCRIBE_NOTHING:
        a->attended = true;
        i->asks = i->events = false;
        for (struct card *card = a->cards.first; card; card = card->next)
            withdraw(i, card);
        break;
    case WIRE_RULES:
        desk_tell_rules(a, i);
        break;
    case WIRE_STOP:
        if (a->c.ops.stop_agent)
            a->c.ops.stop_agent(a->c.ops.arg);
        break;
    case WIRE_PING: {
        BUF_AUTO b = {0};
        wire_event(&b, "pong", NULL);
        interface_send(i, b.data, b.len);
        break;
    }
    }
}

static void on_interface_gone(void *arg, const struct interface *i)
{
    struct approval *a = arg;
    for (struct card *card = a->cards.first; card; card = card->next)
        card->sent &= ~(1ull << i->slot);
}

static void send_card(struct interface *i, struct card *card, uint64_t now)
{
    uint64_t deadline = card_deadline(card);
    uint64_t left = !deadline ? 0 : deadline > now + MS ? (deadline - now) / MS : 1;
    struct wire_head h = {card->id, card->count, now > card->since_ns ? (now - card->since_ns) / MS : 0, left};
    BUF_AUTO b = {0};
    wire_ask(&b, &h, card->fields);
    interface_send(i, b.data, b.len);
    card->sent |= 1ull << i->slot;
}

/* What each interface has not been told yet. Those that the session started step back while a better one takes the questions. */
static void tell_cards(struct approval *a, uint64_t now)
{
    unsigned rank = interfaces_rank(&a->interfaces);
    for (struct card *card = a->cards.first; card; card = card->next) {
        if (!card->shown)
            continue;
        bool news = card->dirty && card->count && now >= card->said_ns + NEWS_NS;
        for (struct interface *i = a->interfaces.first; i; i = i->next) {
            uint64_t bit = 1ull << i->slot;
            if (!i->asks || i->dead)
                continue;
            if (i->rank > rank) {
                withdraw(i, card);
                continue;
            }
            if ((!(card->sent & bit) || news) && desk_describe(a, card))
                send_card(i, card, now);
        }
        if (news || !card->said_ns) {
            card->said_ns = now;
            card->dirty = false;
        }
    }
}

/* ---- the desk */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return !a || (b && b < a) ? b : a;
}

static int wait_ms(const struct approval *a, uint64_t now)
{
    uint64_t next = 0;
    for (const struct card *card = a->cards.first; card; card = card->next) {
        next = sooner(next, card_deadline(card));
        if (card->dirty && card->count && card->shown && a->interfaces.first)
            next = sooner(next, card->said_ns + NEWS_NS);
        if (card->left)
            next = sooner(next, now + 50 * MS); /* whether its caller still lives is not announced */
    }
    if (a->recent)
        next = sooner(next, now + 1000 * MS);
    if (a->followed)
        next = sooner(next, now + FOLLOW_NS);
    return !next ? -1 : next <= now ? 0 : (int)((next - now) / MS + 1 > 3600000 ? 3600000 : (next - now) / MS + 1);
}

static void desk_turn(struct approval *a)
{
    struct pollfd q[INTERFACES_MAX + 2];
    struct interface *of[INTERFACES_MAX + 2];
    nfds_t n = 0;
    q[n++] = (struct pollfd){a->wake, POLLIN, 0};
    q[n++] = (struct pollfd){a->interfaces.listener, POLLIN, 0}; /* -1 is skipped */
    for (struct interface *i = a->interfaces.first; i; i = i->next) {
        of[n] = i;
        q[n++] = (struct pollfd){i->fd, (short)(POLLIN | (i->out.len > i->out_at ? POLLOUT : 0)), 0};
    }
    if (poll(q, n, wait_ms(a, desk_now())) < 0)
        return;
    uint64_t drain;
    if (q[0].revents && read(a->wake, &drain, sizeof drain) < 0 && errno != EAGAIN)
        log_warn("approval: %s", strerror(errno));
    for (nfds_t k = 2; k < n; k++)
        if (q[k].revents)
            interface_turn(of[k], q[k].revents, on_line, a);
    if (q[1].revents)
        interfaces_accept(&a->interfaces);
    interfaces_bury(&a->interfaces, on_interface_gone, a);
    if (a->cards.first && !desk_somebody(a)) /* the one that was coming could not be had */
        desk_refuse_all(a);
}

static void end_all(struct approval *a)
{
    while (a->cards.first) {
        struct card *card = a->cards.first;
        while (card->asks) {
            struct decision d = card->asks->decision;
            desk_finish(a, card_take(card, card->asks), &d, false, BY_GONE, NULL);
        }
        desk_close(a, card, "gone", NULL);
    }
}

static bool told_to_stop(struct approval *a)
{
    pthread_mutex_lock(&a->lock);
    bool stop = a->stop;
    pthread_mutex_unlock(&a->lock);
    return stop;
}

static void *desk(void *arg)
{
    struct approval *a = arg;
    prctl(PR_SET_NAME, "desk");
    while (!told_to_stop(a)) {
        desk_take_arrived(a);
        desk_sweep(a, desk_now());
        tell_cards(a, desk_now());
        desk_tell_news(a);
        desk_turn(a);
    }
    desk_take_arrived(a);
    end_all(a);
    return NULL;
}

static char *hint_of(const struct approval *a)
{
    const struct approval_config *c = &a->c;
    if (c->how == APPROVAL_REJECT)
        return xstrdup("what would be asked is denied (--approval reject)");
    const char *here = c->how == APPROVAL_DESKTOP ? "answer the notifications or with"
                       : c->console_fd >= 0       ? "answer here or with"
                                                  : "answer with";
    if (!c->has_terminal && c->console_fd < 0 && c->desktop_fd < 0)
        return xasprintf("no terminal: what would be asked is denied until an interface was attached (sentinel-watch tui %s)",
                         c->session);
    return xasprintf("%s: sentinel-watch tui %s", here, c->session);
}

/* Of auto and desktop: whoever attaches comes before the desktop, the desktop before this terminal. */
static void add_started(struct approval *a, const struct buf *wordless)
{
    const struct approval_config *c = &a->c;
    struct interface *i;
    if (c->desktop_fd >= 0 && (i = interfaces_add(&a->interfaces, c->desktop_fd, "desktop", &a->interfaces.hello))) {
        i->coming = true;
        i->rank = c->how == APPROVAL_AUTO ? 1 : 0;
    }
    /* The agent can draw on its own terminal: no word there. */
    if (c->console_fd >= 0 && (i = interfaces_add(&a->interfaces, c->console_fd, "terminal", wordless)))
        i->rank = c->how == APPROVAL_CONSOLE ? 0 : 2;
}

int approval_start(const struct approval_config *c, struct approval **ret, struct err *err)
{
    struct approval *a = xcalloc(1, sizeof *a);
    STR_AUTO word = NULL; /* before the first goto: what it jumps over is cleaned up all the same */
    BUF_AUTO wordless = {0};
    a->c = *c;
    a->arrived_end = &a->arrived;
    a->interfaces.listener = -1;
    pthread_mutex_init(&a->lock, NULL);
    if (syscall(SYS_gettid) == getpid())
        prctl(PR_SET_NAME, "sentinel-watch"); /* peer.h knows supervisors by it, however the program was called */
    a->wake = fd_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (a->wake < 0) {
        err_set(err, errno, "starting the approval desk");
        goto fail;
    }
    word = word_random();
    wire_hello(&a->interfaces.hello, c->session, c->policy ? c->policy->name : NULL, word);
    wire_hello(&wordless, c->session, c->policy ? c->policy->name : NULL, NULL);
    if (c->socket && c->how != APPROVAL_REJECT && interfaces_open(&a->interfaces, c->socket, err))
        goto fail;
    if (c->how != APPROVAL_REJECT)
        add_started(a, &wordless);
    a->hits = xcalloc(c->policy && c->policy->nrules ? c->policy->nrules : 1, sizeof *a->hits);
    a->hint = hint_of(a);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int e = pthread_create(&a->thread, NULL, desk, a);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e) {
        err_set(err, e, "starting the approval desk");
        interfaces_close(&a->interfaces, "the session could not start");
        goto fail;
    }
    *ret = a;
    return 0;
fail:
    fd_close(&a->wake);
    buf_free(&a->interfaces.hello);
    buf_free(&a->news);
    free(a->hits);
    free(a->hint);
    free(a);
    return -1;
}

void approval_open(struct approval *a, struct request *r, const struct decision *d)
{
    struct ask *k = xcalloc(1, sizeof *k);
    k->request = r;
    k->decision = *d;
    k->desk = a;
    pthread_mutex_lock(&a->lock);
    *a->arrived_end = k;
    a->arrived_end = &k->next;
    pthread_mutex_unlock(&a->lock);
    desk_wake(a);
}

void approval_again(struct approval *a, const struct request *r, const struct decision *d, uint64_t identity, const char *handler)
{
    struct recent *n = xcalloc(1, sizeof *n);
    *n = (struct recent){.key = card_key(r, d),
                         .tid = r->tid,
                         .call = identity,
                         .allowed = true,
                         .by = BY_USER,
                         .handler = handler,
                         .until_ns = desk_now() + RETURN_NS};
    pthread_mutex_lock(&a->lock);
    n->next = a->returning;
    a->returning = n;
    pthread_mutex_unlock(&a->lock);
}

void approval_stop(struct approval *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_mutex_unlock(&a->lock);
    desk_wake(a);
    pthread_join(a->thread, NULL);
    interfaces_close(&a->interfaces, "the session has ended");
    desk_forget(a);
}

void approval_free(struct approval *a)
{
    if (!a)
        return;
    fd_close(&a->wake);
    buf_free(&a->news);
    free(a->hits);
    free(a->hint);
    free(a);
}

const char *approval_hint(const struct approval *a)
{
    return a->hint;
}
