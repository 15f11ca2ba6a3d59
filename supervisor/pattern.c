#include "pattern.h"

#include <stdlib.h>
#include <string.h>

/* A pattern is its literal whole components, then the rest, component by component. "" as literal with rest is "no literal";
 * both that and "/" are matched from the root, so that matching need not tell them apart. */
enum comp_kind { COMP_LITERAL, COMP_GLOB, COMP_TREE };

struct comp {
    enum comp_kind kind;
    char *text; /* LITERAL: plain bytes; GLOB: with its escapes; TREE: NULL */
    size_t len;
};

struct path_pattern {
    char *text;
    char *literal;
    size_t root_len; /* bytes of literal that a path has to start with: 0 for "" and "/" */
    struct comp *rest;
    size_t nrest;
};

/* One step of `*`, `?`, `\` matching over bytes; `*` backtracks to the last one only, which is enough for globs. */
static bool glob_bytes(const char *g, size_t glen, const char *t, size_t tlen)
{
    size_t gi = 0, ti = 0, star = SIZE_MAX, mark = 0;
    while (ti < tlen) {
        if (gi < glen && g[gi] == '*') {
            star = gi++;
            mark = ti;
            continue;
        }
        if (gi < glen) {
            bool escaped = g[gi] == '\\' && gi + 1 < glen;
            if (escaped ? g[gi + 1] == t[ti] : g[gi] == '?' || g[gi] == t[ti]) {
                gi += escaped ? 2 : 1;
                ti++;
                continue;
            }
        }
        if (star == SIZE_MAX)
            return false;
        gi = star + 1;
        ti = ++mark;
    }
    while (gi < glen && g[gi] == '*')
        gi++;
    return gi == glen;
}

bool glob_match(const char *glob, const char *text)
{
    return glob_bytes(glob, strlen(glob), text, strlen(text));
}

bool glob_match_bytes(const char *glob, const char *text, size_t len)
{
    return glob_bytes(glob, strlen(glob), text, len);
}

bool path_within(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    if (n == 1 && folder[0] == '/')
        return path[0] == '/';
    return n && !strncmp(path, folder, n) && (!path[n] || path[n] == '/');
}

/* ---- reading */

static void comp_add(struct path_pattern *p, enum comp_kind kind, const char *text, size_t len)
{
    if (kind == COMP_TREE && p->nrest && p->rest[p->nrest - 1].kind == COMP_TREE)
        return;
    p->rest = xrealloc(p->rest, (p->nrest + 1) * sizeof *p->rest);
    p->rest[p->nrest++] = (struct comp){kind, text ? xstrndup(text, len) : NULL, len};
}

/* One component of the text, [s, s+n), without a slash. */
static int comp_read(struct path_pattern *p, struct buf *literal, const char *s, size_t n, size_t at, size_t *column, struct err *err)
{
    if (n == 2 && !memcmp(s, "**", 2)) {
        comp_add(p, COMP_TREE, NULL, 0);
        return 0;
    }
    BUF_AUTO plain = {0};
    bool glob = false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\\') {
            if (++i == n) {
                *column = at + n - 1;
                return err_set(err, 0, "`\\` at the end takes no byte; write `\\\\` for a backslash");
            }
        } else if (s[i] == '*' || s[i] == '?') {
            if (s[i] == '*' && i + 1 < n && s[i + 1] == '*') {
                *column = at + i;
                return err_set(err, 0, "`**` inside `%.*s`; `**` stands only as a whole component (`*` is for a part of one)", (int)n, s);
            }
            glob = true;
        }
        buf_putc(&plain, s[i]);
    }
    bool dots = !glob && (!strcmp(plain.data, ".") || !strcmp(plain.data, ".."));
    if (dots && plain.len == 1)
        return 0;
    if (dots && p->nrest) {
        *column = at;
        return err_set(err, 0, "`..` after a wildcard matches nothing, because paths are resolved first; write the folder itself");
    }
    if (glob)
        comp_add(p, COMP_GLOB, s, n);
    else if (p->nrest)
        comp_add(p, COMP_LITERAL, plain.data, plain.len);
    else {
        buf_putc(literal, '/');
        buf_put(literal, plain.data, plain.len);
    }
    return 0;
}

static int read_all(struct path_pattern *p, const char *text, size_t *column, struct err *err)
{
    *column = 0;
    if (text[0] != '/' && !(text[0] == '*' && text[1] == '*' && (!text[2] || text[2] == '/')))
        return err_set(err, 0, "`%s` is no path pattern; expected one that starts with `/`, `~/`, `${` or `**/`", text);
    BUF_AUTO literal = {0};
    const char *s = text;
    while (*s) {
        if (*s == '/') {
            s++;
            continue;
        }
        const char *e = s;
        while (*e && *e != '/')
            e += e[0] == '\\' && e[1] && e[1] != '/' ? 2 : 1;
        if (comp_read(p, &literal, s, (size_t)(e - s), (size_t)(s - text), column, err))
            return -1;
        s = e;
    }
    size_t n = strlen(text);
    if (n > 1 && text[n - 1] == '/') {
        *column = n - 1;
        return err_set(err, 0, "`%s` ends with `/`; write `%s**` for the folder and all below it, or leave the `/` away for the folder alone",
                       text, text);
    }
    bool root = !literal.len && (!p->nrest || (p->nrest == 1 && p->rest[0].kind == COMP_TREE));
    path_pattern_set_literal(p, root ? "/" : literal.len ? literal.data : "");
    return 0;
}

struct path_pattern *path_pattern_new(const char *text, size_t *column, struct err *err)
{
    struct path_pattern *p = xcalloc(1, sizeof *p);
    p->text = xstrdup(text);
    if (!read_all(p, text, column, err))
        return p;
    path_pattern_free(p);
    return NULL;
}

void path_pattern_free(struct path_pattern *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->nrest; i++)
        free(p->rest[i].text);
    free(p->rest);
    free(p->literal);
    free(p->text);
    free(p);
}

void path_pattern_set_literal(struct path_pattern *p, const char *resolved)
{
    char *old = p->literal;
    p->literal = xstrdup(resolved);
    free(old);
    p->root_len = strcmp(p->literal, "/") ? strlen(p->literal) : 0;
}

const char *path_pattern_text(const struct path_pattern *p)
{
    return p->text;
}

const char *path_pattern_literal(const struct path_pattern *p)
{
    return p->literal;
}

bool path_pattern_is_tree(const struct path_pattern *p)
{
    return p->literal[0] && p->nrest == 1 && p->rest[0].kind == COMP_TREE;
}

bool path_pattern_is_exact(const struct path_pattern *p)
{
    return !p->nrest;
}

bool path_pattern_inside(const struct path_pattern *p, const char *folder)
{
    return p->literal[0] && path_within(p->literal, folder);
}

/* ---- matching */

/* The component at s; *next is behind its slash, or NULL when it was the last. */
static size_t step(const char *s, const char **next)
{
    size_t n = strcspn(s, "/");
    *next = s[n] ? s + n + 1 : NULL;
    return n;
}

static bool comp_match(const struct comp *c, const char *s, size_t n)
{
    if (c->kind == COMP_LITERAL)
        return c->len == n && !memcmp(c->text, s, n);
    return glob_bytes(c->text, c->len, s, n);
}

/* s: the components that are left, NULL for none. `**` backtracks to the last one only: what stands between two is of fixed
 * length, so the earliest place for it is as good as any later one. */
static bool rest_match(const struct comp *c, size_t n, const char *s)
{
    size_t i = 0, tree = SIZE_MAX;
    const char *mark = NULL;
    while (s) {
        const char *next;
        size_t len = step(s, &next);
        if (i < n && c[i].kind == COMP_TREE) {
            if (i + 1 == n)
                return true;
            tree = i++;
            mark = s;
            continue;
        }
        if (i < n && comp_match(&c[i], s, len)) {
            i++;
            s = next;
            continue;
        }
        if (tree == SIZE_MAX)
            return false;
        i = tree + 1;
        step(mark, &mark);
        s = mark;
    }
    while (i < n && c[i].kind == COMP_TREE)
        i++;
    return i == n;
}

bool path_pattern_match(const struct path_pattern *p, const char *path)
{
    if (path[0] != '/')
        return false;
    const char *rest;
    if (p->root_len) {
        if (strncmp(path, p->literal, p->root_len))
            return false;
        rest = path + p->root_len;
        if (*rest && *rest != '/')
            return false;
    } else {
        rest = path;
    }
    while (*rest == '/')
        rest++;
    if (!p->nrest)
        return !*rest;
    return rest_match(p->rest, p->nrest, *rest ? rest : NULL);
}

/* ---- covering */

/* Everything as components, the literal part too; the texts belong to the pattern. */
static struct comp *all_comps(const struct path_pattern *p, size_t *n)
{
    struct comp *c = xcalloc(strlen(p->literal) + p->nrest + 1, sizeof *c);
    size_t k = 0;
    const char *s = p->root_len ? p->literal + 1 : NULL;
    while (s) {
        const char *next;
        size_t len = step(s, &next);
        c[k++] = (struct comp){COMP_LITERAL, (char *)s, len};
        s = next;
    }
    for (size_t i = 0; i < p->nrest; i++)
        c[k++] = p->rest[i];
    *n = k;
    return c;
}

static bool comp_covers(const struct comp *a, const struct comp *b)
{
    if (b->kind == COMP_TREE)
        return false;
    if (a->kind == COMP_GLOB && a->len == 1 && a->text[0] == '*')
        return true;
    if (b->kind == COMP_LITERAL)
        return comp_match(a, b->text, b->len);
    return a->kind == COMP_GLOB && a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/* As rest_match, with b's components in place of a path's: `**` of a takes in any of b, `**` included. */
bool path_pattern_covers(const struct path_pattern *a, const struct path_pattern *b)
{
    size_t na, nb, i = 0, j = 0, tree = SIZE_MAX, mark = 0;
    struct comp *ca = all_comps(a, &na), *cb = all_comps(b, &nb);
    bool yes = true;
    while (yes && j < nb) {
        if (i < na && ca[i].kind == COMP_TREE) {
            tree = i++;
            mark = j;
        } else if (i < na && comp_covers(&ca[i], &cb[j])) {
            i++;
            j++;
        } else if (tree != SIZE_MAX) {
            i = tree + 1;
            j = ++mark;
        } else {
            yes = false;
        }
    }
    while (i < na && ca[i].kind == COMP_TREE)
        i++;
    yes = yes && i == na;
    free(ca);
    free(cb);
    return yes;
}

/* ---- keys */

/* FNV-1a, so that a path's prefixes are hashed in one pass. */
static const uint64_t fnv_start = 0xcbf29ce484222325u;

static uint64_t fnv(uint64_t h, const void *bytes, size_t n)
{
    for (const unsigned char *b = bytes; n--; b++)
        h = (h ^ *b) * 0x100000001b3u;
    return h;
}

uint64_t key_of(char kind, const void *bytes, size_t n)
{
    return fnv(fnv(fnv_start, &kind, 1), bytes, n);
}

/* L: the literal part. C: no literal part, but a component that must be there. G: neither. */
void path_pattern_keys(const struct path_pattern *p, key_fn *fn, void *arg)
{
    if (p->literal[0]) {
        fn(arg, key_of('L', p->literal, p->root_len));
        return;
    }
    for (size_t i = 0; i < p->nrest; i++)
        if (p->rest[i].kind == COMP_LITERAL) {
            fn(arg, key_of('C', p->rest[i].text, p->rest[i].len));
            return;
        }
    fn(arg, key_of('G', NULL, 0));
}

void path_keys(const char *path, key_fn *fn, void *arg)
{
    uint64_t h = key_of('L', NULL, 0);
    fn(arg, h);
    fn(arg, key_of('G', NULL, 0));
    for (const char *s = path; *s == '/' && s[1];) {
        size_t n = 1 + strcspn(s + 1, "/");
        h = fnv(h, s, n);
        fn(arg, h);
        fn(arg, key_of('C', s + 1, n - 1));
        s += n;
    }
}
