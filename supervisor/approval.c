#include "approval.h"
#include "answers.h"
#include "card.h"
#include "fd.h"
#include "interfaces.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ull
#define COOL_NS (5000 * MS)   /* what was denied is denied again for so long */
#define RETURN_NS (1000 * MS) /* an interrupted call comes back within this, or never */
#define NEWS_NS (200 * MS)    /* a growing count is told at most so often */
#define RECENT_MAX 1024
#define CMDLINE_MAX 8192

/* What a user said a moment ago about calls that are not here any more, or come again. */
struct recent {
    char *key;
    pid_t tid; /* 0: any caller */
    bool allowed;
    enum decided_by by;
    const char *handler;
    uint64_t until_ns;
    struct recent *next;
};

struct name { struct name *next; char text[WIRE_NAME_MAX + 1]; };

struct approval {
    struct approval_config c;
    pthread_t thread;
    int wake;
    pthread_mutex_t lock;
    struct ask *arrived, **arrived_end; /* under lock */
    bool stop;                          /* under lock */
    atomic_bool attention;              /* some ask was signalled or is gone */

    /* the desk's own */
    struct cards cards;
    struct interfaces interfaces;
    struct recent *recent;
    unsigned recents;
    bool attended; /* an interface has subscribed once */
    char *hint;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void wake(struct approval *a)
{
    uint64_t one = 1;
    (void)!write(a->wake, &one, sizeof one); /* full: it is awake anyway */
}

/* Names that went into records live as long as the process: acts that a hand carries out later hold them. */
static const char *keep_name(const char *text)
{
    static struct name *names;
    for (struct name *n = names; n; n = n->next)
        if (strcmp(n->text, text) == 0)
            return n->text;
    struct name *n = xcalloc(1, sizeof *n);
    snprintf(n->text, sizeof n->text, "%s", text);
    n->next = names;
    names = n;
    return n->text;
}

/* ---- what comes from the machine's thread */

static void on_signal(struct waiter *w)
{
    struct ask *k = (struct ask *)w;
    struct approval *a = k->desk;
    k->signalled = true;
    a->attention = true;
    wake(a);
}

static void on_gone(struct waiter *w)
{
    struct ask *k = (struct ask *)w;
    struct approval *a = k->desk;
    k->gone = true;
    a->attention = true;
    wake(a);
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

static void finish(struct approval *a, struct ask *k, const struct decision *d, bool allowed, enum decided_by by,
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

static void close_card(struct approval *a, struct card *card, const char *how, const char *by)
{
    tell_closed(a, card, how, by);
    cards_remove(&a->cards, card);
}

static void remember(struct approval *a, const char *key, pid_t tid, bool allowed, enum decided_by by, const char *handler,
                     uint64_t until_ns)
{
    if (a->recents == RECENT_MAX)
        return; /* it will be asked again */
    struct recent *n = xcalloc(1, sizeof *n);
    *n = (struct recent){xstrdup(key), tid, allowed, by, handler, until_ns, a->recent};
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

static const struct recent *recently(const struct approval *a, const char *key, pid_t tid, uint64_t now)
{
    for (const struct recent *n = a->recent; n; n = n->next)
        if ((!n->tid || n->tid == tid) && now < n->until_ns && strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

/* ---- judging again */

static struct decision judge(struct approval *a, const struct request *r)
{
    struct question q = {.need = r->need,
                         .needs = r->needs,
                         .moved_from = r->moved_from,
                         .moved_to = r->moved_to,
                         .argv = r->argv,
                         .process = r->process};
    grants_set_now(a->c.grants, now_ns());
    return decide(a->c.policy, a->c.grants, &q, NULL, NULL);
}

/* An answer may have settled others than the card that it was given on. */
static void judge_all(struct approval *a)
{
    for (struct card *card = a->cards.first, *next; card; card = next) {
        next = card->next;
        if (!card->asks)
            continue;
        for (struct ask *k = card->asks, *after; k; k = after) {
            after = k->next;
            struct decision d = judge(a, k->request);
            if (d.effect != EFFECT_ASK)
                finish(a, card_take(card, k), &d, d.effect == EFFECT_ALLOW, d.by, NULL);
        }
        if (!card->asks && !card->left)
            close_card(a, card, "settled", NULL);
    }
}

/* ---- asks arrive */

static bool somebody(const struct approval *a)
{
    return a->c.how != APPROVAL_REJECT && (a->c.has_terminal || a->attended);
}

static void refuse_unattended(struct approval *a, struct ask *k)
{
    k->request->why = a->c.how == APPROVAL_REJECT
                          ? "approvals are set to reject (--approval)"
                          : "nobody to ask: no terminal and no interface was ever attached (--approval; sentinel-watch console)";
    struct decision d = k->decision;
    finish(a, k, &d, false, BY_UNATTENDED, NULL);
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

static struct card *new_card(struct approval *a, const struct ask *k, char *key, uint64_t now)
{
    struct card *card = cards_add(&a->cards, key, now);
    card->rungs = rungs_new(k->request, &k->decision, a->c.home);
    const char *not_always = !a->c.answers ? "this session keeps no answers" : rungs_not_always(card->rungs);
    size_t n = 0;
    STR_AUTO cmdline = read_cmdline(k->request->process->pid, &n);
    card->fields = card_fields(k->request, &k->decision, card->rungs, cmdline, n, not_always);
    card->since_ns = k->request->asked_ns;
    return card;
}

static void arrive(struct approval *a, struct ask *k)
{
    struct request *r = k->request;
    uint64_t now = now_ns();
    if (!r->asked_ns)
        r->asked_ns = now;
    struct decision d = judge(a, r);
    if (d.effect != EFFECT_ASK) {
        finish(a, k, &d, d.effect == EFFECT_ALLOW, d.by, NULL);
        return;
    }
    k->decision = d;
    if (!r->cwd)
        r->cwd = proc_link(r->tid, "cwd");
    if (!somebody(a)) {
        refuse_unattended(a, k);
        return;
    }
    char *key = card_key(r, &d);
    const struct recent *said = recently(a, key, r->tid, now);
    if (said) {
        finish(a, k, &d, said->allowed, said->by, said->handler);
        free(key);
        return;
    }
    int64_t timeout = d.timeout_ms >= 0 ? d.timeout_ms : a->c.timeout_ms;
    k->deadline_ns = timeout ? r->asked_ns + (uint64_t)timeout * MS : 0;
    struct card *card = cards_by_key(&a->cards, key);
    if (card)
        free(key);
    else
        card = new_card(a, k, key, now);
    card_join(card, k);
    if (a->c.trace) {
        k->waiter = (struct waiter){.id = r->notice.id, .tid = r->tid, .uid = r->process->uid, .on_signal = on_signal, .on_gone = on_gone};
        trace_watch(a->c.trace, &k->waiter);
    }
}

static void take_arrived(struct approval *a)
{
    pthread_mutex_lock(&a->lock);
    struct ask *k = a->arrived;
    a->arrived = NULL;
    a->arrived_end = &a->arrived;
    pthread_mutex_unlock(&a->lock);
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
            finish(a, card_take(card, k), &d, false, BY_GONE, NULL);
            how = how ? how : "gone";
        } else if (k->deadline_ns && now >= k->deadline_ns) {
            finish(a, card_take(card, k), &d, false, BY_TIMEOUT, NULL);
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
        close_card(a, card, how, NULL);
}

static void sweep(struct approval *a, uint64_t now)
{
    a->attention = false;
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

/* ---- answers */

static void refused(struct interface *i, uint64_t id, const char *why)
{
    BUF_AUTO fields = {0};
    BUF_AUTO b = {0};
    buf_printf(&fields, "\"id\":%" PRIu64 ",\"why\":", id);
    json_str(&fields, why);
    wire_event(&b, "refused", fields.data);
    interface_send(i, b.data, b.len);
}

static void tell_answer(struct approval *a, const struct card *card, const struct wire_line *l, char *const *rule, int n,
                        const char *by)
{
    static const char *const scopes[] = {"once", "session", "always", "time"};
    BUF_AUTO fields = {0};
    BUF_AUTO b = {0};
    buf_printf(&fields, "\"id\":%" PRIu64 ",\"effect\":\"%s\",\"scope\":\"%s\",\"rules\":[", card->id,
               l->allow ? "allow" : "deny", scopes[l->scope]);
    for (int i = 0; i < n; i++) {
        if (i)
            buf_putc(&fields, ',');
        json_str(&fields, rule[i]);
    }
    buf_puts(&fields, "],\"by\":");
    json_str(&fields, by);
    if (a->c.audit && l->scope != WIRE_ONCE)
        audit_event(a->c.audit, "answer", fields.data);
    wire_event(&b, "answer", fields.data);
    for (struct interface *i = a->interfaces.first; i; i = i->next)
        if (i->events)
            interface_send(i, b.data, b.len);
}

/* The comment above the rules in the file: when, in which session, who answered, which rule had asked. One line of text. */
static void where_from(const struct approval *a, const struct card *card, const char *by, struct buf *b)
{
    char when[32];
    time_t t = time(NULL);
    struct tm tm;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    buf_printf(b, "%s, session %s, answered at %s", when, a->c.session, by);
    const struct decision *d = card->asks ? &card->asks->decision : NULL;
    if (d && d->label) {
        buf_puts(b, ", asked by ");
        buf_escape(b, d->label, strlen(d->label));
    }
}

/* The rules of an answer, made before anything is changed: either all of them stand or none. */
static bool write_rules(struct approval *a, struct interface *i, const struct card *card, const struct wire_line *l, const char *by,
                        char **text, int *ret_n)
{
    const struct rungs *g = card->rungs;
    if (!rungs_offer_target(g, l->target) || !rungs_offer_program(g, l->program)) {
        refused(i, l->id, "this card does not offer that rung");
        return false;
    }
    const char *not_always = !a->c.answers ? "this session keeps no answers" : rungs_not_always(g);
    if (l->scope == WIRE_ALWAYS && not_always) {
        refused(i, l->id, not_always);
        return false;
    }
    enum effect effect = l->allow ? EFFECT_ALLOW : EFFECT_DENY;
    struct rule *rule[NEEDS_MAX];
    char label[40];
    struct err err;
    STR_AUTO at = xasprintf("answered at %s", by);
    snprintf(label, sizeof label, "answer:%" PRIu64, card->id);
    int n = 0;
    for (; n < g->rights; n++) {
        struct buf b = {0};
        if (answers_rule(g, n, effect, l->target, l->program, label, at, &rule[n], &err))
            break;
        answers_text(g, n, effect, l->target, l->program, &b);
        text[n] = buf_steal(&b);
    }
    *ret_n = n;
    bool good = n == g->rights;
    if (good && l->scope == WIRE_ALWAYS) {
        BUF_AUTO comment = {0};
        where_from(a, card, by, &comment);
        good = answers_keep(a->c.answers, text, n, comment.data, &err) == 0;
    }
    if (!good) {
        for (int k = 0; k < n; k++)
            rule_free(rule[k]);
        refused(i, l->id, err.text);
        return false;
    }
    uint64_t until = l->scope == WIRE_FOR ? now_ns() + (uint64_t)l->for_ms * MS : 0;
    for (int k = 0; k < n; k++) {
        bool identity = l->target == RUNG_EXACT && g->right[k].kind == TARGET_PATH;
        grants_add(a->c.grants, rule[k], until, identity ? g->right[k].dev : 0, identity ? g->right[k].ino : 0);
    }
    return true;
}

static void on_answer(struct approval *a, struct interface *i, const struct wire_line *l)
{
    struct card *card = cards_by_id(&a->cards, l->id);
    if (!card || !card->shown)
        return; /* answered elsewhere a moment ago */
    const char *by = keep_name(i->name);
    char *text[NEEDS_MAX] = {NULL};
    int n = 0;
    bool good = l->scope == WIRE_ONCE || write_rules(a, i, card, l, by, text, &n);
    if (good) {
        uint64_t now = now_ns();
        if (!l->allow)
            remember(a, card->key, 0, false, BY_ANSWER, by, now + COOL_NS);
        else
            for (const struct left *left = card->left; left; left = left->next)
                remember(a, card->key, left->tid, true, BY_USER, by, left->until_ns);
        tell_answer(a, card, l, text, n, by);
        while (card->asks) {
            struct decision d = card->asks->decision;
            finish(a, card_take(card, card->asks), &d, l->allow, BY_USER, by);
        }
        close_card(a, card, l->allow ? "allowed" : "denied", by);
        if (l->scope != WIRE_ONCE)
            judge_all(a);
    }
    for (int k = 0; k < n; k++)
        free(text[k]);
}

/* ---- interfaces */

static void on_line(void *arg, struct interface *i, const struct wire_line *l)
{
    struct approval *a = arg;
    switch (l->what) {
    case WIRE_ANSWER:
        on_answer(a, i, l);
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

/* What each interface has not been told yet. The terminal of `auto` steps back while another interface takes the questions. */
static void tell_cards(struct approval *a, uint64_t now)
{
    bool first_hand = interfaces_first_hand(&a->interfaces);
    for (struct card *card = a->cards.first; card; card = card->next) {
        if (!card->shown)
            continue;
        bool news = card->dirty && card->count && now >= card->said_ns + NEWS_NS;
        for (struct interface *i = a->interfaces.first; i; i = i->next) {
            uint64_t bit = 1ull << i->slot;
            if (!i->asks || i->dead)
                continue;
            if (i->second && first_hand) {
                if (card->sent & bit) {
                    BUF_AUTO b = {0};
                    wire_closed(&b, card->id, "elsewhere", NULL);
                    interface_send(i, b.data, b.len);
                    card->sent &= ~bit;
                }
                continue;
            }
            if (!(card->sent & bit) || news)
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
        if (card->dirty && card->shown && a->interfaces.first)
            next = sooner(next, card->said_ns + NEWS_NS);
        if (card->left)
            next = sooner(next, now + 50 * MS); /* whether its caller still lives is not announced */
    }
    if (a->recent)
        next = sooner(next, now + 1000 * MS);
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
    if (poll(q, n, wait_ms(a, now_ns())) < 0)
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
}

static void end_all(struct approval *a)
{
    while (a->cards.first) {
        struct card *card = a->cards.first;
        while (card->asks) {
            struct decision d = card->asks->decision;
            finish(a, card_take(card, card->asks), &d, false, BY_GONE, NULL);
        }
        close_card(a, card, "gone", NULL);
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
        take_arrived(a);
        sweep(a, now_ns());
        tell_cards(a, now_ns());
        desk_turn(a);
    }
    take_arrived(a);
    end_all(a);
    return NULL;
}

static char *hint_of(const struct approval *a)
{
    const struct approval_config *c = &a->c;
    if (c->how == APPROVAL_REJECT)
        return xstrdup("what would be asked is denied (--approval reject)");
    const char *here = c->console_fd >= 0 ? "answer here or with" : "answer with";
    if (!c->has_terminal && c->console_fd < 0)
        return xasprintf("no terminal: what would be asked is denied until an interface was attached (sentinel-watch console %s)",
                         c->session);
    return xasprintf("%s: sentinel-watch console %s", here, c->session);
}

int approval_start(const struct approval_config *c, struct approval **ret, struct err *err)
{
    struct approval *a = xcalloc(1, sizeof *a);
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
    wire_hello(&a->interfaces.hello, c->session, c->policy ? c->policy->name : NULL);
    if (c->socket && c->how != APPROVAL_REJECT && interfaces_open(&a->interfaces, c->socket, err))
        goto fail;
    if (c->console_fd >= 0 && c->how != APPROVAL_REJECT) {
        struct interface *i = interfaces_add(&a->interfaces, c->console_fd, "terminal");
        if (i)
            i->second = c->how == APPROVAL_AUTO;
    }
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
    wake(a);
}

void approval_stop(struct approval *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_mutex_unlock(&a->lock);
    wake(a);
    pthread_join(a->thread, NULL);
    interfaces_close(&a->interfaces, "the session has ended");
    while (a->recent)
        recent_free(a, &a->recent);
    fd_close(&a->wake);
    free(a->hint);
    free(a);
}

const char *approval_hint(const struct approval *a)
{
    return a->hint;
}
