#include "wire.h"
#include "duration.h"

#include <inttypes.h>
#include <string.h>

const char *const wire_target_names[RUNG_COUNT] = {"exact", "name", "dir", "tree", "host", "domain", "any"};
const char *const wire_program_names[PROGRAM_COUNT] = {"program", "parent", "any"};

#define WORDS_MAX 6
#define WORD_MAX 40 /* no word of the protocol is longer */

struct words {
    char word[WORDS_MAX][WORD_MAX + 1];
    int n;
};

static int split(const char *line, size_t n, struct words *w, const char **why)
{
    size_t start = 0;
    w->n = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && line[i] != ' ') {
            if (line[i] < 0x21 || line[i] > 0x7e) {
                *why = "only printable ASCII is understood";
                return -1;
            }
            continue;
        }
        if (i == start) {
            *why = "an empty word: words are separated by one space";
            return -1;
        }
        if (w->n == WORDS_MAX || i - start > WORD_MAX) {
            *why = w->n == WORDS_MAX ? "too many words" : "a word is too long";
            return -1;
        }
        memcpy(w->word[w->n], line + start, i - start);
        w->word[w->n++][i - start] = 0;
        start = i + 1;
    }
    return 0;
}

static int find(const char *word, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(word, names[i]) == 0)
            return i;
    return -1;
}

/* Decimal, no sign, no leading zero, fits: there is one way to write each id. */
static int parse_id(const char *s, uint64_t *ret)
{
    uint64_t v = 0;
    if (*s < '1' || *s > '9')
        return -1;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || v > (UINT64_MAX - 9) / 10)
            return -1;
        v = v * 10 + (uint64_t)(*s - '0');
    }
    *ret = v;
    return 0;
}

static int parse_answer(const struct words *w, struct wire_line *l, const char **why)
{
    static const char *const effects[] = {"deny", "allow"};
    static const char *const scopes[] = {"once", "session", "always"};
    int i;
    l->what = WIRE_ANSWER;
    if (w->n < 4) {
        *why = "answer ID allow|deny once|session|always|DUR [TARGET [PROGRAM]]";
        return -1;
    }
    if (parse_id(w->word[1], &l->id)) {
        *why = "ID is a positive number";
        return -1;
    }
    if ((i = find(w->word[2], effects, 2)) < 0) {
        *why = "the answer is allow or deny";
        return -1;
    }
    l->allow = i;
    if ((i = find(w->word[3], scopes, 3)) >= 0) {
        l->scope = (enum wire_scope)i;
    } else if (duration_parse(w->word[3], &l->for_ms) == 0 && l->for_ms > 0) {
        l->scope = WIRE_FOR;
    } else {
        *why = "the scope is once, session, always or a duration like 90s or 1h30m";
        return -1;
    }
    if (w->n > 4) {
        if ((i = find(w->word[4], wire_target_names, RUNG_COUNT)) < 0) {
            *why = "the target is exact, name, dir, tree, host, domain or any";
            return -1;
        }
        l->target = (enum wire_target)i;
    }
    if (w->n > 5) {
        if ((i = find(w->word[5], wire_program_names, PROGRAM_COUNT)) < 0) {
            *why = "the program is program, parent or any";
            return -1;
        }
        l->program = (enum wire_program)i;
    }
    return 0;
}

static int parse_subscribe(const struct words *w, struct wire_line *l, const char **why)
{
    static const char *const what[] = {"asks", "events", "nothing"};
    static const enum wire_what is[] = {WIRE_SUBSCRIBE_ASKS, WIRE_SUBSCRIBE_EVENTS, WIRE_SUBSCRIBE_NOTHING};
    int i = w->n > 1 ? find(w->word[1], what, 3) : -1;
    if (i < 0 || w->n > 3) {
        *why = "subscribe asks|events|nothing [NAME]";
        return -1;
    }
    l->what = is[i];
    if (w->n == 3) {
        size_t n = strlen(w->word[2]);
        if (n > WIRE_NAME_MAX || strspn(w->word[2], "abcdefghijklmnopqrstuvwxyz0123456789-") != n) {
            *why = "NAME is [a-z0-9-]{1,32}";
            return -1;
        }
        memcpy(l->name, w->word[2], n + 1);
    }
    return 0;
}

int wire_parse(const char *line, size_t n, struct wire_line *ret, const char **why)
{
    struct words w;
    struct wire_line l = {0};
    if (n >= WIRE_LINE_MAX) {
        *why = "a line is at most 4096 bytes";
        return -1;
    }
    if (split(line, n, &w, why))
        return -1;
    if (strcmp(w.word[0], "answer") == 0) {
        if (parse_answer(&w, &l, why))
            return -1;
    } else if (strcmp(w.word[0], "subscribe") == 0) {
        if (parse_subscribe(&w, &l, why))
            return -1;
    } else if (w.n == 1 && strcmp(w.word[0], "stop") == 0) {
        l.what = WIRE_STOP;
    } else if (w.n == 1 && strcmp(w.word[0], "ping") == 0) {
        l.what = WIRE_PING;
    } else if (w.n == 1 && strcmp(w.word[0], "rules") == 0) {
        l.what = WIRE_RULES;
    } else {
        *why = "the lines are: answer, subscribe, rules, stop, ping";
        return -1;
    }
    *ret = l;
    return 0;
}

static void begin(struct buf *b, const char *type)
{
    buf_puts(b, "{\"type\":");
    json_str(b, type);
}

static void end(struct buf *b)
{
    buf_puts(b, "}\n");
}

static void put_str(struct buf *b, const char *key, const char *value)
{
    json_key(b, key);
    json_str(b, value);
}

static void put_fields(struct buf *b, const char *fields)
{
    if (fields && *fields)
        buf_printf(b, ",%s", fields);
}

void wire_hello(struct buf *b, const char *session, const char *policy, const char *word)
{
    begin(b, "hello");
    buf_printf(b, ",\"protocol\":%d", WIRE_PROTOCOL);
    put_str(b, "session", session);
    put_str(b, "policy", policy);
    if (word)
        put_str(b, "word", word);
    end(b);
}

void wire_ask(struct buf *b, const struct wire_head *h, const char *fields)
{
    begin(b, "ask");
    buf_printf(b, ",\"id\":%" PRIu64 ",\"count\":%u,\"waited_ms\":%" PRIu64 ",\"left_ms\":%" PRIu64, h->id, h->count,
               h->waited_ms, h->left_ms);
    put_fields(b, fields);
    end(b);
}

void wire_closed(struct buf *b, uint64_t id, const char *how, const char *by)
{
    begin(b, "closed");
    buf_printf(b, ",\"id\":%" PRIu64, id);
    put_str(b, "how", how);
    put_str(b, "by", by);
    end(b);
}

void wire_event(struct buf *b, const char *event, const char *fields)
{
    begin(b, "event");
    put_str(b, "event", event);
    put_fields(b, fields);
    end(b);
}

void wire_bye(struct buf *b, const char *why)
{
    begin(b, "bye");
    put_str(b, "why", why);
    end(b);
}
