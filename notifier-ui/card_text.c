#include "card_text.h"
#include "plain.h"

#include <string.h>

#define LABEL 12 /* columns of the labels */

static void field(struct buf *b, const char *label, const char *value, size_t columns)
{
    if (!*value)
        return;
    buf_printf(b, "  %-*s ", LABEL, label);
    plain_elide(b, value, columns > LABEL + 3 ? columns - LABEL - 3 : 0);
    buf_putc(b, '\n');
}

static void base(struct buf *b, const char *exe)
{
    const char *slash = strrchr(exe, '/');
    plain_elide(b, slash && slash[1] ? slash + 1 : exe, 24);
}

static const char *does(const char *verb)
{
    static const struct { const char *verb, *words; } t[] = {
        {"read", "wants to read"}, {"write", "wants to write"}, {"exec", "wants to run"}, {"connect", "wants to connect to"},
        {"bind", "wants to take the address"}};
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
        if (strcmp(verb, t[i].verb) == 0)
            return t[i].words;
    return "wants";
}

static const char *program_of(const struct question *q)
{
    const char *exe = question_text(q, "exe");
    return *exe ? exe : question_text(q, "comm");
}

void card_line(struct buf *b, const struct question *q, size_t columns)
{
    BUF_AUTO who = {0};
    base(&who, program_of(q));
    buf_printf(&who, " %s ", does(question_text(q, "verb")));
    size_t used = plain_columns(who.data);
    buf_put(b, who.data, who.len);
    plain_elide(b, question_text(q, "target"), columns > used ? columns - used : 0);
}

/* A list of words in one line, each in quotes where blanks could mislead. */
static void words(struct buf *b, const json_t *list, int left)
{
    size_t i;
    json_t *s;
    json_array_foreach(list, i, s) {
        const char *text = json_is_string(s) ? json_string_value(s) : "";
        bool bare = *text && !strpbrk(text, " '\"");
        buf_printf(b, "%s%s%s%s", i ? " " : "", bare ? "" : "\"", text, bare ? "" : "\"");
    }
    if (left)
        buf_printf(b, " (and %d more)", left);
}

static void list_field(struct buf *b, const struct question *q, const char *label, const char *key, const char *left, size_t columns)
{
    const json_t *list = json_object_get(q->ask, key);
    if (!json_is_array(list))
        return;
    BUF_AUTO text = {0};
    buf_puts(&text, "");
    words(&text, list, (int)json_integer_value(json_object_get(q->ask, left)));
    field(b, label, text.data, columns);
}

static void parents(struct buf *b, const struct question *q, size_t columns)
{
    BUF_AUTO text = {0};
    size_t i;
    json_t *p;
    buf_puts(&text, "");
    json_array_foreach(json_object_get(q->ask, "parents"), i, p) {
        const char *exe = json_string_value(json_object_get(p, "exe"));
        buf_printf(&text, "%s%s (%d)", i ? " < " : "", exe && *exe ? exe : "?", (int)json_integer_value(json_object_get(p, "pid")));
    }
    field(b, "started by", text.data, columns);
}

static void span(struct buf *b, int64_t ms)
{
    int64_t s = (ms + 500) / 1000;
    if (s < 120)
        buf_printf(b, "%d s", (int)s);
    else
        buf_printf(b, "%d min", (int)(s / 60));
}

static void waiting(struct buf *b, const struct question *q, size_t columns, int64_t now_ms)
{
    BUF_AUTO text = {0};
    int64_t left = model_left_ms(q, now_ms);
    int count = (int)json_integer_value(json_object_get(q->ask, "count"));
    span(&text, json_integer_value(json_object_get(q->ask, "waited_ms")) + (now_ms - q->at_ms));
    if (count > 1)
        buf_printf(&text, ", %d calls", count);
    if (left >= 0) {
        buf_puts(&text, ", denied in ");
        span(&text, left);
    }
    field(b, "waits", text.data, columns);
}

void card_text(struct buf *b, const struct question *q, size_t columns, int64_t now_ms)
{
    card_line(b, q, columns);
    buf_putc(b, '\n');
    field(b, "target", question_text(q, "target"), columns);
    size_t i;
    json_t *right;
    const json_t *rights = json_object_get(q->ask, "rights");
    json_array_foreach(rights, i, right) {
        const char *raw = json_string_value(json_object_get(right, "raw"));
        const char *target = json_string_value(json_object_get(right, "target"));
        const char *verb = json_string_value(json_object_get(right, "verb"));
        if (raw)
            field(b, "passed as", raw, columns);
        if (i && target && verb) {
            STR_AUTO both = xasprintf("%s %s", verb, target);
            field(b, "and", both, columns);
        }
    }
    STR_AUTO program = xasprintf("%s (%d)", program_of(q), (int)json_integer_value(json_object_get(q->ask, "pid")));
    field(b, "program", program, columns);
    list_field(b, q, "runs", "argv", "argv_left", columns);
    list_field(b, q, "called as", "cmdline", "cmdline_left", columns);
    field(b, "folder", question_text(q, "cwd"), columns);
    parents(b, q, columns);
    waiting(b, q, columns, now_ms);
    BUF_AUTO rule = {0};
    const char *name = question_text(q, "rule"), *at = question_text(q, "rule_at");
    buf_printf(&rule, "%s%s%s%s", *name ? name : "the default", *at ? " (" : "", at, *at ? ")" : "");
    field(b, "asked by", rule.data, columns);
    field(b, "it says", question_text(q, "message"), columns);
}

bool card_rules(struct buf *b, const struct question *q, const char *effect, const char *target, const char *program)
{
    char **rules = question_rules(q, effect, target, program);
    for (char **r = rules; r && *r; r++) {
        buf_puts(b, "    ");
        plain_put(b, *r); /* whole: an answer is given to all of it */
        buf_putc(b, '\n');
    }
    question_rules_free(rules);
    return rules != NULL;
}

void card_details(struct buf *b, const struct question *q, size_t columns)
{
    size_t i;
    json_t *right, *rung;
    json_array_foreach(json_object_get(q->ask, "rights"), i, right) {
        const char *verb = json_string_value(json_object_get(right, "verb")), *target = json_string_value(json_object_get(right, "target"));
        buf_printf(b, "  %-*s ", LABEL, verb ? verb : "");
        plain_put(b, target ? target : "");
        buf_putc(b, '\n');
    }
    field(b, "call", question_text(q, "syscall"), columns);
    buf_puts(b, "  What each answer would write, by TARGET (and PROGRAM: ");
    json_array_foreach(json_object_get(q->ask, "programs"), i, rung)
        buf_printf(b, "%s%s", i ? ", " : "", json_string_value(json_object_get(rung, "rung")));
    buf_puts(b, "):\n");
    json_array_foreach(json_object_get(q->ask, "targets"), i, rung) {
        const char *name = json_string_value(json_object_get(rung, "rung"));
        json_t *p;
        size_t k;
        json_array_foreach(json_object_get(q->ask, "programs"), k, p) {
            const char *program = json_string_value(json_object_get(p, "rung"));
            buf_printf(b, "  %s %s\n", name, program);
            card_rules(b, q, "allow", name, program);
        }
    }
    const char *not = question_text(q, "always_not");
    if (*not)
        field(b, "not always", not, columns);
}
