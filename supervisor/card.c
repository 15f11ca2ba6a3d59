#include "card.h"
#include "calls.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_BYTES 4096 /* of each argument list: what is shown on a card is for people */
#define PARENTS_MAX 16

static void key_word(struct buf *b, const char *s, size_t n)
{
    buf_printf(b, "%zu:", n);
    buf_put(b, s, n);
}

static void key_str(struct buf *b, const char *s)
{
    if (s)
        key_word(b, s, strlen(s));
    else
        buf_putc(b, '-');
}

char *card_key(const struct request *r, const struct decision *d)
{
    struct buf b = {0};
    bool exec = false;
    key_str(&b, d->label);
    key_str(&b, d->at);
    key_str(&b, r->process->exe);
    for (int i = 0; i < r->needs; i++) {
        const struct target *t = &r->need[i].target;
        if (!(d->asks & 1u << i))
            continue;
        exec |= r->need[i].verb == VERB_EXEC;
        buf_printf(&b, "/%d.%d.%d.%ju.%ju.", r->need[i].verb, t->kind, t->addr.proto, t->exists ? (uintmax_t)t->dev : 0,
                   t->exists ? (uintmax_t)t->ino : 0);
        key_str(&b, t->path);
        key_str(&b, t->name);
        if (t->kind == TARGET_ADDRESS) {
            BUF_AUTO text = {0};
            address_text(&t->addr, &text);
            key_str(&b, text.data);
        }
    }
    if (exec) {
        key_str(&b, r->cwd);
        for (char *const *a = r->argv; a && *a; a++)
            key_str(&b, *a);
    }
    return buf_steal(&b);
}

static void put_str(struct buf *b, const char *key, const char *value)
{
    json_key(b, key);
    json_str(b, value);
}

/* A list of NUL-separated or separate strings, cut after ARGS_BYTES; what was left out is counted. */
struct args { struct buf *b; size_t room; unsigned left; bool first; };

static void put_arg(struct args *a, const char *s, size_t n)
{
    if (!a->room) {
        a->left++;
        return;
    }
    size_t take = n < a->room ? n : a->room;
    if (!a->first)
        buf_putc(a->b, ',');
    a->first = false;
    json_bytes(a->b, s, take);
    a->left += take < n;
    a->room -= take;
}

static void put_args_end(struct args *a, const char *left)
{
    buf_putc(a->b, ']');
    if (a->left)
        buf_printf(a->b, ",\"%s\":%u", left, a->left);
}

static void put_target(struct buf *b, const struct need *n)
{
    const struct target *t = &n->target;
    json_key(b, "target");
    if (t->kind == TARGET_ANONYMOUS) {
        buf_puts(b, "\"anonymous\"");
    } else if (t->kind == TARGET_ADDRESS && !t->path) {
        BUF_AUTO text = {0};
        address_text(&t->addr, &text);
        /* address_text has escaped already: only JSON's own quoting is missing. */
        buf_putc(b, '"');
        for (const char *s = text.data; *s; s++) {
            if (*s == '\\' || *s == '"')
                buf_putc(b, '\\');
            buf_putc(b, *s);
        }
        buf_putc(b, '"');
    } else {
        BUF_AUTO text = {0};
        buf_printf(&text, "%s%s", t->kind == TARGET_ADDRESS ? "unix:" : "", t->path ? t->path : "");
        json_bytes(b, text.data, text.len);
    }
}

static void put_right(struct buf *b, const struct need *n)
{
    const struct target *t = &n->target;
    buf_putc(b, '{');
    put_str(b, "verb", verb_names[n->verb]);
    put_target(b, n);
    if (t->raw && !(t->path && strlen(t->path) == t->raw_len && memcmp(t->path, t->raw, t->raw_len) == 0)) {
        json_key(b, "raw");
        json_bytes(b, t->raw, t->raw_len);
    }
    if (t->name)
        put_str(b, "name", t->name);
    buf_putc(b, '}');
}

static void put_rungs(struct buf *b, const struct rungs *g)
{
    json_key(b, "targets");
    buf_putc(b, '[');
    bool first = true;
    for (int t = 0; t < RUNG_COUNT; t++) {
        if (!rungs_offer_target(g, (enum wire_target)t))
            continue;
        buf_printf(b, "%s{\"rung\":\"%s\",\"shows\":[", first ? "" : ",", wire_target_names[t]);
        first = false;
        for (int i = 0; i < g->rights; i++) {
            BUF_AUTO text = {0};
            rungs_target_text(g, i, (enum wire_target)t, &text);
            if (i)
                buf_putc(b, ',');
            json_bytes(b, text.data, text.len);
        }
        buf_puts(b, "]}");
    }
    buf_putc(b, ']');
    json_key(b, "programs");
    buf_putc(b, '[');
    first = true;
    for (int p = 0; p < PROGRAM_COUNT; p++) {
        if (!rungs_offer_program(g, (enum wire_program)p))
            continue;
        BUF_AUTO text = {0};
        rungs_program_text(g, (enum wire_program)p, &text);
        buf_printf(b, "%s{\"rung\":\"%s\",\"shows\":", first ? "" : ",", wire_program_names[p]);
        json_bytes(b, text.len ? text.data : "", text.len);
        buf_putc(b, '}');
        first = false;
    }
    buf_putc(b, ']');
}

static void put_parents(struct buf *b, const struct process *p)
{
    json_key(b, "parents");
    buf_putc(b, '[');
    for (int n = 0; (p = p->parent) && n < PARENTS_MAX; n++) {
        buf_printf(b, "%s{\"pid\":%d", n ? "," : "", p->pid);
        put_str(b, "exe", p->exe);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

char *card_fields(const struct request *r, const struct decision *d, const struct rungs *g, const char *cmdline, size_t n,
                  const char *not_always)
{
    struct buf b = {0};
    const struct process *p = r->process;
    const struct need *shown = &r->need[d->need];
    put_str(&b, "verb", verb_names[shown->verb]);
    put_target(&b, shown);
    json_key(&b, "rights");
    buf_putc(&b, '[');
    bool first = true;
    for (int i = 0; i < r->needs; i++) {
        unsigned verbs = rungs_verbs(r, d, i);
        for (int v = 0; v < VERB_COUNT; v++) {
            if (!(verbs & 1u << v))
                continue;
            struct need right = r->need[i]; /* borrows */
            right.verb = (enum verb)v;
            if (!first)
                buf_putc(&b, ',');
            put_right(&b, &right);
            first = false;
        }
    }
    buf_putc(&b, ']');
    put_str(&b, "syscall", r->call ? r->call->name : NULL);
    json_key(&b, "pid");
    buf_printf(&b, "%d", p->pid);
    put_str(&b, "exe", p->exe);
    put_str(&b, "comm", p->comm);
    put_str(&b, "cwd", r->cwd);
    if (cmdline) {
        json_key(&b, "cmdline");
        buf_putc(&b, '[');
        struct args a = {&b, ARGS_BYTES, 0, true};
        for (size_t i = 0; i < n;) {
            size_t len = strnlen(cmdline + i, n - i);
            put_arg(&a, cmdline + i, len);
            i += len + 1;
        }
        put_args_end(&a, "cmdline_left");
    }
    if (r->argv) {
        json_key(&b, "argv");
        buf_putc(&b, '[');
        struct args a = {&b, ARGS_BYTES, 0, true};
        for (char *const *s = r->argv; *s; s++)
            put_arg(&a, *s, strlen(*s));
        put_args_end(&a, "argv_left");
    }
    put_parents(&b, p);
    put_str(&b, "rule", d->label);
    put_str(&b, "rule_at", d->at);
    put_str(&b, "message", d->message);
    put_rungs(&b, g);
    json_key(&b, "always");
    buf_puts(&b, not_always ? "false" : "true");
    if (not_always)
        put_str(&b, "always_not", not_always);
    return buf_steal(&b);
}

struct card *cards_by_key(const struct cards *c, const char *key)
{
    for (struct card *k = c->first; k; k = k->next)
        if (strcmp(k->key, key) == 0)
            return k;
    return NULL;
}

struct card *cards_by_id(const struct cards *c, uint64_t id)
{
    for (struct card *k = c->first; k; k = k->next)
        if (k->id == id)
            return k;
    return NULL;
}

struct card *cards_add(struct cards *c, char *key, uint64_t since_ns)
{
    struct card *k = xcalloc(1, sizeof *k);
    k->id = ++c->last_id;
    k->key = key;
    k->since_ns = since_ns;
    k->prev = c->last;
    if (c->last)
        c->last->next = k;
    else
        c->first = k;
    c->last = k;
    if (c->shown < CARDS_SHOWN) {
        k->shown = true;
        c->shown++;
    }
    return k;
}

void cards_remove(struct cards *c, struct card *k)
{
    if (k->prev)
        k->prev->next = k->next;
    else
        c->first = k->next;
    if (k->next)
        k->next->prev = k->prev;
    else
        c->last = k->prev;
    if (k->shown) {
        struct card *n = c->first;
        while (n && n->shown)
            n = n->next;
        if (n)
            n->shown = true;
        else
            c->shown--;
    }
    while (k->left) {
        struct left *l = k->left;
        k->left = l->next;
        free(l);
    }
    rungs_free(k->rungs);
    free(k->fields);
    free(k->key);
    free(k);
}

void card_join(struct card *k, struct ask *ask)
{
    for (struct left **p = &k->left; *p; p = &(*p)->next) {
        struct left *l = *p;
        if (l->tid != ask->request->tid || l->tgid != ask->request->process->pid)
            continue;
        ask->request->asked_ns = l->asked_ns;
        ask->deadline_ns = l->deadline_ns;
        *p = l->next;
        free(l);
        break;
    }
    struct ask **end = &k->asks;
    while (*end)
        end = &(*end)->next;
    ask->next = NULL;
    *end = ask;
    k->count++;
    k->dirty = true;
}

struct ask *card_take(struct card *k, struct ask *ask)
{
    struct ask **p = &k->asks;
    while (*p != ask)
        p = &(*p)->next;
    *p = ask->next;
    ask->next = NULL;
    k->count--;
    k->dirty = true;
    return ask;
}

void card_leave(struct card *k, const struct ask *ask, uint64_t until_ns)
{
    struct left *l = xcalloc(1, sizeof *l);
    l->tgid = ask->request->process->pid;
    l->tid = ask->request->tid;
    l->call = calls_identity(ask->request);
    l->asked_ns = ask->request->asked_ns;
    l->deadline_ns = ask->deadline_ns;
    l->until_ns = until_ns;
    l->next = k->left;
    k->left = l;
}

uint64_t card_deadline(const struct card *k)
{
    uint64_t first = 0;
    for (const struct ask *a = k->asks; a; a = a->next)
        if (a->deadline_ns && (!first || a->deadline_ns < first))
            first = a->deadline_ns;
    for (const struct left *l = k->left; l; l = l->next)
        if (l->deadline_ns && (!first || l->deadline_ns < first))
            first = l->deadline_ns;
    return first;
}
