#include "desk.h"
#include "answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COOL_NS (5000 * MS) /* what was denied is denied again for so long */

/* Names that went into records live as long as the process: acts that a hand carries out later hold them. */
struct name { struct name *next; char text[WIRE_NAME_MAX + 1]; };

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
    uint64_t until = l->scope == WIRE_FOR ? desk_now() + (uint64_t)l->for_ms * MS : 0;
    for (int k = 0; k < n; k++) {
        bool identity = l->target == RUNG_EXACT && g->right[k].kind == TARGET_PATH;
        grants_add(a->c.grants, rule[k], until, identity ? g->right[k].dev : 0, identity ? g->right[k].ino : 0);
    }
    return true;
}

void desk_answer(struct approval *a, struct interface *i, const struct wire_line *l)
{
    struct card *card = cards_by_id(&a->cards, l->id);
    if (!card || !card->shown || !desk_describe(a, card))
        return; /* answered elsewhere a moment ago */
    const char *by = keep_name(i->name);
    char *text[NEEDS_MAX] = {NULL};
    int n = 0;
    bool good = l->scope == WIRE_ONCE || write_rules(a, i, card, l, by, text, &n);
    if (good) {
        uint64_t now = desk_now();
        if (!l->allow)
            desk_remember(a, &(struct recent){.key = card->key, .by = BY_ANSWER, .handler = by, .until_ns = now + COOL_NS});
        else
            for (const struct left *left = card->left; left; left = left->next)
                desk_remember(a, &(struct recent){.key = card->key,
                                                  .tid = left->tid,
                                                  .call = left->call,
                                                  .allowed = true,
                                                  .by = BY_USER,
                                                  .handler = by,
                                                  .until_ns = left->until_ns});
        tell_answer(a, card, l, text, n, by);
        while (card->asks) {
            struct decision d = card->asks->decision;
            desk_finish(a, card_take(card, card->asks), &d, l->allow, BY_USER, by);
        }
        desk_close(a, card, l->allow ? "allowed" : "denied", by);
        if (l->scope != WIRE_ONCE)
            desk_judge_all(a);
    }
    for (int k = 0; k < n; k++)
        free(text[k]);
}

