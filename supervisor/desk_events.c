#include "desk.h"
#include "audit_line.h"
#include "pattern.h"

#include <string.h>

#define NEWS_MAX (1u << 20)   /* of one batch */
#define BEHIND_MAX (1u << 20) /* who owes more than this to read misses records; questions are sent all the same */
#define RULE_TEXT_MAX 400

/* ---- settled calls */

void approval_record(struct approval *a, const struct request *r, const struct outcome *o)
{
    if (!a)
        return;
    const struct policy *p = a->c.policy;
    const struct rule *rule = o->decision.rule;
    if (rule && p && rule->number < p->nrules && p->rules[rule->number] == rule)
        atomic_fetch_add_explicit(&a->hits[rule->number], 1, memory_order_relaxed);
    if (!a->followed || (a->c.audit && !audit_wants(a->c.audit, r, o)))
        return;
    BUF_AUTO fields = {0};
    audit_line(&fields, MODE_ENFORCE, r, o);
    pthread_mutex_lock(&a->lock);
    if (a->news.len < NEWS_MAX)
        wire_event(&a->news, "record", fields.data);
    else
        a->news_missed++;
    pthread_mutex_unlock(&a->lock);
}

static unsigned count_lines(const struct buf *b)
{
    unsigned n = 0;
    for (const char *s = b->data; s && (s = memchr(s, '\n', b->len - (size_t)(s - b->data))); s++)
        n++;
    return n;
}

static void tell_missed(struct interface *i)
{
    BUF_AUTO b = {0};
    BUF_AUTO fields = {0};
    buf_printf(&fields, "\"count\":%u", i->missed);
    wire_event(&b, "missed", fields.data);
    interface_send(i, b.data, b.len);
    i->missed = 0;
}

void desk_tell_news(struct approval *a)
{
    bool followed = false;
    for (const struct interface *i = a->interfaces.first; i; i = i->next)
        followed |= i->events && !i->dead;
    a->followed = followed;
    BUF_AUTO news = {0};
    pthread_mutex_lock(&a->lock);
    news = a->news;
    a->news = (struct buf){0};
    unsigned missed = a->news_missed;
    a->news_missed = 0;
    pthread_mutex_unlock(&a->lock);
    if (!news.len)
        return;
    for (struct interface *i = a->interfaces.first; i; i = i->next) {
        if (!i->events || i->dead)
            continue;
        i->missed += missed;
        if (i->out.len - i->out_at > BEHIND_MAX) {
            i->missed += count_lines(&news);
            continue;
        }
        interface_send(i, news.data, news.len);
        if (i->missed)
            tell_missed(i);
    }
}

/* ---- rules and their hits */

static void put_words(struct buf *b, const char *text)
{
    if (b->len < RULE_TEXT_MAX)
        buf_printf(b, "%s%s", b->len ? " " : "", text);
}

/* What it is about, in short: the file has the whole of it. */
static void put_what(const struct rule *r, struct buf *b)
{
    for (struct path_pattern **p = r->path; p && *p; p++)
        put_words(b, path_pattern_text(*p));
    for (struct address_pattern **p = r->to; p && *p; p++)
        put_words(b, address_pattern_text(*p));
    if (r->anonymous)
        put_words(b, "anonymous");
}

void desk_tell_rules(struct approval *a, struct interface *i)
{
    const struct policy *p = a->c.policy;
    size_t n = p ? p->nrules : 0;
    BUF_AUTO all = {0};
    for (size_t k = 0; k < n; k++) {
        const struct rule *r = p->rules[k];
        BUF_AUTO f = {0};
        BUF_AUTO what = {0};
        buf_printf(&f, "\"number\":%zu,\"label\":", k);
        json_str(&f, r->label);
        json_key(&f, "at");
        json_str(&f, r->at);
        buf_printf(&f, ",\"effect\":\"%s\",\"hard\":%s,\"verbs\":[", effect_names[r->effect], r->hard ? "true" : "false");
        const char *comma = "";
        for (int v = 0; v < VERB_COUNT; v++)
            if (r->verbs & 1u << v) {
                buf_printf(&f, "%s\"%s\"", comma, verb_names[v]);
                comma = ",";
            }
        buf_puts(&f, "],\"what\":");
        put_what(r, &what);
        json_bytes(&f, what.data ? what.data : "", what.len);
        buf_printf(&f, ",\"hits\":%u", atomic_load_explicit(&a->hits[k], memory_order_relaxed));
        wire_event(&all, "rule", f.data);
    }
    BUF_AUTO end = {0};
    buf_printf(&end, "\"count\":%zu", n);
    wire_event(&all, "rules", end.data);
    interface_send(i, all.data, all.len);
}
