#include "words.h"
#include "pattern.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* ---- YAML */

static void quoted(struct buf *b, const char *s)
{
    buf_putc(b, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            buf_putc(b, '\'');
        buf_putc(b, *s);
    }
    buf_putc(b, '\'');
}

/* A comment is one line, whatever a label or a program's name holds. */
static void comment(struct buf *b, const char *s)
{
    BUF_AUTO safe = {0};
    buf_escape(&safe, s, strlen(s));
    buf_puts(b, safe.data);
}

/* ---- addresses */

static char *address_pattern_for(const struct workload *w, const struct need *n)
{
    const struct address *a = &n->target.addr;
    if (n->target.own)
        return xstrdup("own");
    if (a->kind == ADDRESS_UNIX) {
        STR_AUTO path = n->target.path ? shape_path(&w->places, w->sensitive, n->target.path) : NULL;
        return path ? xasprintf("unix:%s", path) : NULL;
    }
    if (a->kind == ADDRESS_ABSTRACT) {
        /* shape_path takes a path's components; an abstract name is one, slashes and all, and is kept as it is. */
        BUF_AUTO b = {0};
        buf_puts(&b, "unix:@");
        for (size_t i = 0; i < a->name_len; i++) {
            unsigned char c = (unsigned char)a->name[i];
            if (c < 0x20 || c >= 0x7f || c == '$')
                buf_putc(&b, '?');
            else {
                if (strchr("*?\\", c))
                    buf_putc(&b, '\\');
                buf_putc(&b, (char)c);
            }
        }
        return buf_steal(&b);
    }
    if (a->kind != ADDRESS_INET && a->kind != ADDRESS_INET6)
        return NULL;
    BUF_AUTO text = {0};
    if (a->proto == IPPROTO_TCP || a->proto == IPPROTO_UDP)
        buf_puts(&text, a->proto == IPPROTO_TCP ? "tcp:" : "udp:");
    address_text(a, &text);
    struct err err;
    size_t column;
    struct address_pattern *p = address_pattern_new(text.data, &column, &err);
    bool fits = p && address_pattern_match(p, &n->target);
    if (p)
        address_pattern_free(p);
    return fits ? buf_steal(&text) : NULL;
}

/* ---- the rules of one verb */

struct item { /* one pattern with the comment behind it */
    char *pattern, *except, *from;
};

static int by_pattern(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    int d = strcmp(a->except ? a->except : "", b->except ? b->except : "");
    return d ? d : strcmp(a->pattern, b->pattern);
}

static void put_rules(struct buf *b, const char *indent, enum verb v, const char *key, struct item *items, size_t n)
{
    qsort(items, n, sizeof *items, by_pattern);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        const char *except = items[i].except;
        while (end < n && !strcmp(items[end].except ? items[end].except : "", except ? except : ""))
            end++;
        buf_printf(b, "%s- allow: %s\n%s  %s:\n", indent, verb_names[v], indent, key);
        for (; i < end; i++) {
            if (i && items[i - 1].except == except && !strcmp(items[i].pattern, items[i - 1].pattern))
                continue;
            buf_printf(b, "%s    - ", indent);
            quoted(b, items[i].pattern);
            buf_puts(b, "   # ");
            comment(b, items[i].from);
            buf_putc(b, '\n');
        }
        if (except)
            buf_printf(b, "%s  except: [%s]\n", indent, except);
    }
}

static char *except_text(char **list)
{
    BUF_AUTO b = {0};
    for (; list && *list; list++) {
        if (b.len)
            buf_puts(&b, ", ");
        quoted(&b, *list);
    }
    return b.len ? buf_steal(&b) : NULL;
}

static size_t path_items(const struct workload *w, enum verb v, struct item **ret)
{
    char **avoid = workload_avoid(w, v);
    struct shape *s = shape_new(v, &w->places, w->sensitive, avoid);
    for (size_t i = 0; i < w->keys.n; i++) {
        const struct right *r = w->keys.entry[i].data;
        if (r->fate == FATE_RULE && r->need.verb == v && r->need.target.kind == TARGET_PATH && r->need.target.path)
            shape_add(s, r->need.target.path, !r->exactly && v != VERB_EXEC, &r->seen);
    }
    struct shaped *list = shape_patterns(s);
    size_t n = 0;
    while (list[n].pattern)
        n++;
    *ret = xcalloc(n + 1, sizeof **ret);
    for (size_t i = 0; i < n; i++) {
        BUF_AUTO from = {0};
        seen_text(list[i].seen, (unsigned)w->runs, &from);
        (*ret)[i] = (struct item){xstrdup(list[i].pattern), except_text(list[i].except), buf_steal(&from)};
    }
    shaped_free(list);
    shape_free(s);
    free(avoid);
    return n;
}

static size_t address_items(const struct workload *w, enum verb v, struct item **ret)
{
    struct tally t = {0};
    for (size_t i = 0; i < w->keys.n; i++) {
        struct right *r = w->keys.entry[i].data;
        if (r->fate != FATE_RULE || r->need.verb != v || r->need.target.kind != TARGET_ADDRESS)
            continue;
        STR_AUTO pattern = address_pattern_for(w, &r->need);
        if (!pattern)
            continue;
        struct tally_entry *e = tally_add(&t, pattern);
        if (!e->data)
            e->data = xcalloc(1, sizeof(struct seen));
        seen_add(e->data, &r->seen);
    }
    *ret = xcalloc(t.n + 1, sizeof **ret);
    for (size_t i = 0; i < t.n; i++) {
        struct seen *s = t.entry[i].data;
        BUF_AUTO from = {0};
        seen_text(s, (unsigned)w->runs, &from);
        (*ret)[i] = (struct item){xstrdup(t.entry[i].name), NULL, buf_steal(&from)};
        tally_free(&s->programs);
        free(s);
    }
    size_t n = t.n;
    tally_free(&t);
    return n;
}

static void put_items(struct buf *b, const char *indent, enum verb v, const char *key, struct item *items, size_t n)
{
    put_rules(b, indent, v, key, items, n);
    for (size_t i = 0; i < n; i++) {
        free(items[i].pattern);
        free(items[i].except);
        free(items[i].from);
    }
    free(items);
}

static void all_rules(const struct workload *w, const char *indent, struct buf *b)
{
    for (enum verb v = 0; v < VERB_COUNT; v++) {
        struct item *items;
        size_t n = path_items(w, v, &items);
        put_items(b, indent, v, "path", items, n);
        n = address_items(w, v, &items);
        put_items(b, indent, v, "to", items, n);
    }
}

/* ---- what a person has to look at */

static char *own_words(const struct workload *w, const struct need *n)
{
    if (n->target.kind == TARGET_ANONYMOUS)
        return xstrdup("anonymous");
    if (n->target.kind == TARGET_PATH)
        return shape_path(&w->places, NULL, n->target.path);
    char *p = address_pattern_for(w, n);
    return p ? p : xstrdup("any");
}

struct left {
    const struct right *right;
    char *words;
};

static int by_reason(const struct left *a, const struct left *b)
{
    int d = (int)a->right->need.verb - (int)b->right->need.verb;
    d = d ? d : (int)a->right->need.target.kind - (int)b->right->need.target.kind;
    return d ? d : strcmp(a->right->why, b->right->why);
}

static int by_words(const void *x, const void *y)
{
    const struct left *a = x, *b = y;
    int d = by_reason(a, b);
    return d ? d : strcmp(a->words, b->words);
}

/* One rule in a comment for each reason. */
static void review_group(const struct workload *w, const char *indent, const struct left *list, size_t n, struct buf *b)
{
    struct seen seen = {0};
    BUF_AUTO from = {0};
    for (size_t i = 0; i < n; i++)
        seen_add(&seen, &list[i].right->seen);
    seen_text(&seen, (unsigned)w->runs, &from);
    tally_free(&seen.programs);
    buf_printf(b, "%s# ", indent);
    comment(b, list->right->why);
    buf_puts(b, " (");
    comment(b, from.data);
    buf_printf(b, ")\n%s# - allow: %s\n%s#   %s:\n", indent, verb_names[list->right->need.verb], indent,
               list->right->need.target.kind == TARGET_ADDRESS ? "to" : "path");
    for (size_t i = 0; i < n; i++) {
        if (i && !strcmp(list[i].words, list[i - 1].words))
            continue;
        buf_printf(b, "%s#     - ", indent);
        quoted(b, list[i].words);
        buf_putc(b, '\n');
    }
}

static void review(const struct workload *w, const char *indent, struct buf *b)
{
    struct left *list = xcalloc(w->keys.n + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < w->keys.n; i++) {
        const struct right *r = w->keys.entry[i].data;
        if (r->fate == FATE_REVIEW)
            list[n++] = (struct left){r, own_words(w, &r->need)};
    }
    qsort(list, n, sizeof *list, by_words);
    if (n)
        buf_printf(b, "%s# To review: nothing below is allowed until you take the # away from a rule.\n", indent);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && !by_reason(&list[i], &list[end]))
            end++;
        review_group(w, indent, list + i, end - i, b);
        i = end;
    }
    for (size_t i = 0; i < n; i++)
        free(list[i].words);
    free(list);
}

/* ---- whole texts */

void words_fresh(const struct workload *w, const char *base, struct buf *b)
{
    buf_printf(b, "# Made by sentinel-watch policy generate: %llu calls of %zu run%s.\n",
               (unsigned long long)w->records, w->runs, w->runs == 1 ? "" : "s");
    for (size_t i = 0; i < w->fixed.n; i++)
        buf_printf(b, "# Refused whatever a policy says: %s, %llux.\n", w->fixed.entry[i].name,
                   (unsigned long long)w->fixed.entry[i].count);
    buf_puts(b, "version: 1\n");
    if (base)
        buf_printf(b, "extends: [%s]\n", base);
    BUF_AUTO rules = {0};
    all_rules(w, "  ", &rules);
    buf_printf(b, "%srules:\n%s", rules.len ? "" : "# ", rules.len ? rules.data : "");
    review(w, "  ", b);
}

/* Where the rules of a policy's text end, and how they are indented. The text was loaded before: it is a policy. */
static size_t rules_end(const char *text, char *indent, size_t size, bool *there, bool *flow)
{
    size_t end = 0, at = 0;
    bool inside = false, known = false; /* known: the first rule was seen; what is deeper are lists inside of rules */
    *there = *flow = false;
    snprintf(indent, size, "  ");
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        size_t blank = strspn(line, " ");
        bool empty = blank >= len || line[blank] == '#';
        if (!strncmp(line, "rules:", 6)) {
            inside = *there = true;
            size_t after = 6 + strspn(line + 6, " ");
            *flow = after < len && line[after] != '#';
            end = at + len + (line[len] == '\n');
        } else if (inside && !empty && !blank && line[0] != '-') {
            inside = false;
        } else if (inside && !empty) {
            if (line[blank] == '-' && !known && blank < size) {
                snprintf(indent, size, "%*s", (int)blank, "");
                known = true;
            }
            end = at + len + (line[len] == '\n');
        }
        at += len + (line[len] == '\n');
        line = text + at;
    }
    return *there ? end : at;
}

int words_merged(const struct workload *w, const char *old, struct buf *b, struct err *err)
{
    char indent[32];
    bool there, flow;
    size_t end = rules_end(old, indent, sizeof indent, &there, &flow);
    if (flow)
        return err_set(err, 0, "its rules stand inside [ ]: write them as a list with one `- ` each, to merge into it");
    BUF_AUTO rules = {0};
    all_rules(w, indent, &rules);
    review(w, indent, &rules);
    buf_put(b, old, end);
    if (b->len && b->data[b->len - 1] != '\n')
        buf_putc(b, '\n');
    if (!there && rules.len)
        buf_puts(b, "rules:\n");
    if (rules.len)
        buf_printf(b, "%s# Added by sentinel-watch policy generate: %llu calls of %zu run%s.\n%s", indent,
                   (unsigned long long)w->records, w->runs, w->runs == 1 ? "" : "s", rules.data);
    buf_puts(b, old + end);
    return 0;
}
