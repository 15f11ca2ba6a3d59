#include "tui.h"
#include "card_text.h"
#include "plain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_COLUMNS 500 /* of one line that is kept: a screen cuts it to what it has */

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* ---- the log */

static void put_clock(struct buf *b)
{
    char clock[16];
    time_t now = time(NULL);
    struct tm tm;
    strftime(clock, sizeof clock, "%H:%M:%S ", localtime_r(&now, &tm));
    buf_puts(b, clock);
}

/* Takes b's text. */
static void log_add(struct tui *t, struct buf *b)
{
    struct buf safe = {0};
    plain_elide(&safe, b->data, LINE_COLUMNS);
    buf_free(b);
    if (t->log_n == LOG_LINES) {
        free(t->log[t->log_at]);
        t->log[t->log_at] = buf_steal(&safe);
        t->log_at = (t->log_at + 1) % LOG_LINES;
        if (t->view == VIEW_LOG && !t->follow && t->top > 0)
            t->top--; /* the lines that are looked at stay where they are */
    } else {
        t->log[(t->log_at + t->log_n++) % LOG_LINES] = buf_steal(&safe);
    }
}

/* Several sessions: which one. */
static void put_session(const struct tui *t, const struct client *from, struct buf *b)
{
    if (t->sessions.first && t->sessions.first->next)
        buf_printf(b, "%s: ", from->session);
}

void tui_log_closed(struct tui *t, const struct question *q, const char *how, const char *by)
{
    struct buf b = {0};
    BUF_AUTO line = {0};
    put_clock(&b);
    put_session(t, q->from, &b);
    buf_printf(&b, "question %" PRIu64 " %s%s%s: ", q->id, how, by ? " by " : "", by ? by : "");
    card_line(&line, q, LINE_COLUMNS / 2);
    buf_put(&b, line.data, line.len);
    log_add(t, &b);
}

static void put_target(const json_t *o, struct buf *b)
{
    const json_t *target = json_object_get(o, "target");
    const char *path = text_of(target, "path"), *addr = text_of(target, "addr");
    if (*path)
        buf_puts(b, path);
    else if (*addr && json_object_get(target, "port"))
        buf_printf(b, "%s port %d", addr, (int)json_integer_value(json_object_get(target, "port")));
    else if (*addr)
        buf_puts(b, addr);
    else if (json_is_true(json_object_get(target, "anonymous")))
        buf_puts(b, "anonymous");
    else
        buf_puts(b, text_of(target, "raw"));
}

static void put_record(const json_t *o, struct buf *b)
{
    const char *verb = text_of(o, "verb"), *rule = text_of(o, "rule"), *why = text_of(o, "why"), *handler = text_of(o, "handler");
    const char *exe = text_of(o, "exe");
    buf_printf(b, "%-5s %s%s%s: %s (%d) ", text_of(o, "decision"), text_of(o, "decided_by"), *handler ? " at " : "", handler,
               base(*exe ? exe : text_of(o, "comm")), (int)json_integer_value(json_object_get(o, "pid")));
    buf_printf(b, "%s ", *verb ? verb : text_of(o, "syscall"));
    put_target(o, b);
    if (*rule)
        buf_printf(b, "  [%s]", rule);
    if (*why)
        buf_printf(b, "  (%s)", why);
}

void tui_log_event(struct tui *t, const struct client *from, const json_t *o)
{
    const char *what = text_of(o, "event");
    struct buf b = {0};
    put_clock(&b);
    put_session(t, from, &b);
    if (strcmp(what, "record") == 0) {
        put_record(o, &b);
    } else if (strcmp(what, "missed") == 0) {
        buf_printf(&b, "%d calls were settled faster than this could follow: the audit log has them",
                   (int)json_integer_value(json_object_get(o, "count")));
    } else if (strcmp(what, "answer") == 0 && strcmp(text_of(o, "scope"), "once")) {
        buf_printf(&b, "answer for %s by %s:", text_of(o, "scope"), text_of(o, "by"));
        size_t i;
        json_t *rule;
        json_array_foreach(json_object_get(o, "rules"), i, rule)
            buf_printf(&b, " %s", json_is_string(rule) ? json_string_value(rule) : "");
    } else {
        buf_free(&b);
        return;
    }
    log_add(t, &b);
}

/* ---- rules */

void tui_rule_event(struct tui *t, const struct client *from, const json_t *o)
{
    unsigned number = (unsigned)json_integer_value(json_object_get(o, "number")), i = 0;
    BUF_AUTO b = {0};
    struct buf safe = {0};
    const char *what = text_of(o, "what"), *at = text_of(o, "at");
    size_t v;
    json_t *verb;
    buf_printf(&b, "%s  %s%s", text_of(o, "label"), json_is_true(json_object_get(o, "hard")) ? "hard " : "", text_of(o, "effect"));
    json_array_foreach(json_object_get(o, "verbs"), v, verb)
        buf_printf(&b, "%s%s", v ? "," : " ", json_is_string(verb) ? json_string_value(verb) : "");
    buf_printf(&b, "  %s  (%s)", *what ? what : "everything", at);
    plain_elide(&safe, b.data, LINE_COLUMNS);
    while (i < t->rules && !(t->rule[i].from == from && t->rule[i].number == number))
        i++;
    if (i == t->rules) {
        if (t->rules == t->rules_room) {
            t->rules_room = t->rules_room ? 2 * t->rules_room : 64;
            t->rule = xrealloc(t->rule, t->rules_room * sizeof *t->rule);
        }
        t->rule[t->rules++] = (struct tui_rule){.from = from, .number = number};
    }
    free(t->rule[i].line);
    t->rule[i].line = buf_steal(&safe);
    t->rule[i].hits = (unsigned)json_integer_value(json_object_get(o, "hits"));
}

void tui_forget_session(struct tui *t, const struct client *from)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < t->rules; i++) {
        if (t->rule[i].from == from)
            free(t->rule[i].line);
        else
            t->rule[kept++] = t->rule[i];
    }
    t->rules = kept;
}

/* ---- lists */

struct list { char **line; int n, room; const char *filter; };

/* Takes the text. */
static void add(struct list *l, char *text)
{
    if (*l->filter && !strstr(text, l->filter)) {
        free(text);
        return;
    }
    if (l->n + 1 >= l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->line = xrealloc(l->line, (size_t)l->room * sizeof *l->line);
    }
    l->line[l->n++] = text;
    l->line[l->n] = NULL;
}

/* Whole, wrapped by columns of the screen. */
static void add_text(struct list *l, const char *text)
{
    while (*text) {
        size_t n = plain_fit(text, (size_t)tui_columns());
        add(l, xstrndup(text, n));
        text += n + (text[n] == '\n');
    }
}

static void list_rules(const struct tui *t, struct list *l)
{
    unsigned unused = 0;
    const char *filter = l->filter;
    for (unsigned i = 0; i < t->rules; i++)
        unused += !t->rule[i].hits;
    l->filter = "";
    if (t->rules)
        add(l, xasprintf("%u rules, %u of them unused so far%s. Calls that each decided:", t->rules, unused, t->unused ? ": these" : ""));
    else
        add(l, xstrdup("No rules yet."));
    l->filter = filter;
    for (unsigned i = 0; i < t->rules; i++)
        if (!t->unused || !t->rule[i].hits)
            add(l, xasprintf("%8u  %s", t->rule[i].hits, t->rule[i].line));
}

static void list_sessions(const struct tui *t, struct list *l)
{
    for (const struct client *c = t->sessions.first; c; c = c->next) {
        unsigned waits = 0;
        BUF_AUTO b = {0};
        struct buf safe = {0};
        for (const struct question *q = t->model.first; q; q = q->next)
            waits += q->from == c;
        buf_printf(&b, "%s  [%s]  policy %s  %u %s", c->session, c->word ? c->word : "", c->policy ? c->policy : "?", waits,
                   waits == 1 ? "question" : "questions");
        plain_elide(&safe, b.data, LINE_COLUMNS);
        add(l, buf_steal(&safe));
    }
    if (!t->sessions.first)
        add(l, xstrdup("No session is connected."));
}

static void list_help(struct list *l)
{
    struct tui_key_text k;
    for (int i = 0; tui_key_row(i, &k); i++)
        add(l, xasprintf("  %-10s  %s", k.key, k.help));
}

char **tui_lines(const struct tui *t, int *ret_n)
{
    struct list l = {.filter = t->typing == t->filter ? "" : t->filter, .line = xcalloc(1, sizeof *l.line), .room = 1};
    BUF_AUTO b = {0};
    switch (t->view) {
    case VIEW_LOG:
        for (int i = 0; i < t->log_n; i++)
            add(&l, xstrdup(t->log[(t->log_at + i) % LOG_LINES]));
        break;
    case VIEW_RULES:
        list_rules(t, &l);
        break;
    case VIEW_SESSIONS:
        list_sessions(t, &l);
        break;
    case VIEW_DETAILS:
        if (t->chosen) {
            card_text(&b, t->chosen, LINE_COLUMNS, t->now_ms);
            card_details(&b, t->chosen, LINE_COLUMNS); /* what is asked and written is shown whole */
            add_text(&l, b.data);
        } else {
            add(&l, xstrdup("Nothing waits."));
        }
        break;
    default:
        list_help(&l);
    }
    *ret_n = l.n;
    return l.line;
}

void tui_lines_free(char **lines)
{
    for (char **l = lines; l && *l; l++)
        free(*l);
    free(lines);
}

void tui_lists_finish(struct tui *t)
{
    for (int i = 0; i < t->log_n; i++)
        free(t->log[(t->log_at + i) % LOG_LINES]);
    for (unsigned i = 0; i < t->rules; i++)
        free(t->rule[i].line);
    free(t->rule);
}
