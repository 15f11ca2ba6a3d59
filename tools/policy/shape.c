#include "shape.h"
#include "pattern.h"
#include "volatile.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The three places that have a variable, and the rest. */
enum root { ROOT_WORKSPACE, ROOT_TMPDIR, ROOT_HOME, ROOT_ALL };
static const char *const root_text[] = {"${WORKSPACE}", "${TMPDIR}", "~", ""};

struct node {
    char *name; /* as seen, or as a pattern when `glob` */
    bool glob;
    char *literal; /* the folder's path on this machine, NULL below a glob: then nothing is widened */
    struct node **child;
    size_t n, cap;
    bool end;        /* a path ends here */
    bool wide, deep; /* widened: to all below (deep) or to the names in it */
    struct seen seen;
};

struct shape {
    enum verb verb;
    const struct places *places;
    const struct policy *sensitive;
    char *const *avoid;
    struct node root[4], exact[4];
};

/* ---- seen */

void seen_add(struct seen *to, const struct seen *s)
{
    to->calls += s->calls;
    to->names += s->names;
    to->runs |= s->runs;
    for (size_t i = 0; i < s->programs.n; i++)
        tally_add(&to->programs, s->programs.entry[i].name)->count += s->programs.entry[i].count - 1;
}

static int by_count_and_name(const void *x, const void *y)
{
    const struct tally_entry *a = x, *b = y;
    return a->count != b->count ? (a->count < b->count ? 1 : -1) : strcmp(a->name, b->name);
}

void seen_text(struct seen *s, unsigned runs, struct buf *b)
{
    buf_printf(b, "%llu call%s", (unsigned long long)s->calls, s->calls == 1 ? "" : "s");
    if (s->names > 1)
        buf_printf(b, ", %llu names", (unsigned long long)s->names);
    if (runs > 1)
        buf_printf(b, ", in %d of %u runs", __builtin_popcountll(s->runs), runs);
    if (s->programs.n)
        qsort(s->programs.entry, s->programs.n, sizeof *s->programs.entry, by_count_and_name);
    for (size_t i = 0; i < s->programs.n && i < 3; i++)
        buf_printf(b, "%s%s", i ? ", " : "; ", s->programs.entry[i].name);
    if (s->programs.n > 3)
        buf_printf(b, " and %zu more", s->programs.n - 3);
}

/* ---- words of the policy */

/* What a pattern would read as a glob gets a backslash; bytes that YAML cannot hold in one line become `?`, which
 * matches any one byte. */
static void put_literal(struct buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x80)
            buf_putc(b, (char)c); /* looked at as a whole below */
        else if (c < 0x20 || c == 0x7f)
            buf_putc(b, '?');
        else {
            if (strchr("*?\\[]{}", c) || (c == '$' && i + 1 < n && s[i + 1] == '{'))
                buf_putc(b, '\\');
            buf_putc(b, (char)c);
        }
    }
}

/* Invalid UTF-8 and C1 controls, in a text that is otherwise ready: each such byte becomes `?`. */
static void only_utf8(struct buf *b)
{
    BUF_AUTO escaped = {0};
    for (size_t i = 0; i < b->len;) {
        size_t n = 1;
        if ((unsigned char)b->data[i] >= 0x80) {
            for (n = 4; n > 1; n--) {
                buf_clear(&escaped);
                if (i + n <= b->len) {
                    buf_escape(&escaped, b->data + i, n);
                    if (escaped.len == n)
                        break;
                }
            }
            if (n == 1)
                b->data[i] = '?';
        }
        i += n;
    }
}

static bool all_digits(const char *s)
{
    return *s && strspn(s, "0123456789") == strlen(s);
}

static bool hex_name(const char *s, size_t least)
{
    size_t n = strlen(s);
    return n >= least && strspn(s, "0123456789abcdef") == n;
}

/* The name of the component of `path` that lies in `folder`, fresh; NULL: path is not below it. */
static char *name_in(const char *path, const char *folder)
{
    if (!path_within(path, folder) || strlen(path) <= strlen(folder))
        return NULL;
    path += strlen(folder) + (strcmp(folder, "/") ? 1 : 0);
    return xstrndup(path, strcspn(path, "/"));
}

/* Would the glob in `folder` take in a place that a rule of the sensitive policy names, or one that is to be avoided?
 */
static bool reaches_sensitive(const struct policy *p, char *const *avoid, const char *folder, const char *glob)
{
    for (; avoid && *avoid; avoid++) {
        STR_AUTO name = name_in(*avoid, folder);
        if (name && glob_match(glob, name))
            return true;
    }
    for (size_t i = 0; p && i < p->nrules; i++) {
        const struct rule *r = p->rules[i];
        for (size_t j = 0; r->effect != EFFECT_ALLOW && r->path && r->path[j]; j++) {
            STR_AUTO name = name_in(path_pattern_text(r->path[j]), folder);
            if (name && !strcmp(name, "**"))
                continue; /* any depth: taken out of what is widened, and a single file's name decides by itself */
            if (!name)
                continue;
            if (strpbrk(name, "*?") || glob_match(glob, name))
                return true;
        }
    }
    return false;
}

/* One component. parent: the folder it lies in on this machine, NULL below a glob; next: the component after it, NULL
 * none. */
static char *component(const struct shape *s, const char *parent, const char *name, const char *next,
                       const char *before, bool globs, bool *is_glob)
{
    const struct places *places = s->places;
    BUF_AUTO glob = {0};
    BUF_AUTO exact = {0};
    size_t n = strlen(name);
    put_literal(&exact, name, n);
    only_utf8(&exact);
    *is_glob = false;
    if (!globs)
        return buf_steal(&exact);
    bool proc = parent && path_within(parent, "/proc");
    bool volatile_ = true;
    if (proc && all_digits(name))
        buf_putc(&glob, '*'); /* process numbers may be short */
    else if (before && !strcmp(before, "objects") && n == 2 && hex_name(name, 2) && next && hex_name(next, 30))
        buf_puts(&glob, "??"); /* git's loose objects */
    else if (parent && !strcmp(parent, places->tmpdir) && n == 8 && strpbrk(name, "0123456789_") &&
             strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == n)
        buf_puts(&glob, "????????"); /* what Python makes to see whether the folder can be written */
    else
        volatile_ = volatile_glob(&glob, name, n, put_literal);
    only_utf8(&glob);
    if (!volatile_)
        return buf_steal(&exact);
    /* In folders of many owners a glob needs a name to hold on to, and it never reaches what is sensitive. */
    size_t held = strcspn(glob.data, "*?");
    bool shared = parent && (!strcmp(parent, "/") || !strcmp(parent, "/etc") || !strcmp(parent, places->home));
    if ((shared && held < 4) || (parent && reaches_sensitive(s->sensitive, s->avoid, parent, glob.data)))
        return buf_steal(&exact);
    *is_glob = true;
    return buf_steal(&glob);
}

static enum root root_of(const struct places *p, const char *path, const char **rest)
{
    const char *place[] = {p->workspace, p->tmpdir, p->home};
    enum root best = ROOT_ALL;
    for (int i = 0; i < 3; i++)
        if (place[i] && strcmp(place[i], "/") && path_within(path, place[i]) &&
            (best == ROOT_ALL || strlen(place[i]) > strlen(place[best])))
            best = (enum root)i;
    *rest = path + (best == ROOT_ALL ? 0 : strlen(place[best]));
    return best;
}

static const char *root_literal(const struct places *p, enum root r)
{
    return r == ROOT_WORKSPACE ? p->workspace : r == ROOT_TMPDIR ? p->tmpdir : r == ROOT_HOME ? p->home : "/";
}

static char **split(const char *rest, size_t *n)
{
    char **c = xcalloc(strlen(rest) / 2 + 2, sizeof *c);
    *n = 0;
    while (*rest) {
        size_t len = strcspn(rest, "/");
        if (len)
            c[(*n)++] = xstrndup(rest, len);
        rest += len;
        rest += *rest == '/';
    }
    return c;
}

static void split_free(char **c)
{
    for (char **p = c; *p; p++)
        free(*p);
    free(c);
}

static char *below(const char *folder, const char *name)
{
    return xasprintf("%s/%s", strcmp(folder, "/") ? folder : "", name);
}

char *shape_path(const struct places *places, const struct policy *sensitive, const char *path)
{
    const struct shape s = {.places = places, .sensitive = sensitive};
    const char *rest;
    size_t n;
    enum root root = root_of(places, path, &rest);
    char **c = split(rest, &n);
    BUF_AUTO b = {0};
    buf_puts(&b, root_text[root]);
    STR_AUTO parent = xstrdup(root_literal(places, root));
    for (size_t i = 0; i < n; i++) {
        bool is_glob;
        STR_AUTO text = component(&s, parent, c[i], c[i + 1], i ? c[i - 1] : NULL, sensitive, &is_glob);
        buf_putc(&b, '/');
        buf_puts(&b, text);
        char *deeper = parent && !is_glob ? below(parent, c[i]) : NULL;
        free(parent);
        parent = deeper;
    }
    if (!n && root == ROOT_ALL)
        buf_putc(&b, '/');
    split_free(c);
    return buf_steal(&b);
}

/* ---- the tree */

static struct node *child_of(struct node *p, const char *name, bool glob, const char *literal)
{
    size_t lo = 0, hi = p->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int d = strcmp(p->child[mid]->name, name);
        if (!d)
            return p->child[mid];
        if (d < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 4;
        p->child = xrealloc(p->child, p->cap * sizeof *p->child);
    }
    memmove(p->child + lo + 1, p->child + lo, (p->n - lo) * sizeof *p->child);
    p->n++;
    struct node *c = p->child[lo] = xcalloc(1, sizeof *c);
    c->name = xstrdup(name);
    c->glob = glob;
    c->literal = literal ? xstrdup(literal) : NULL;
    return c;
}

static void node_free(struct node *p)
{
    for (size_t i = 0; i < p->n; i++) {
        node_free(p->child[i]);
        free(p->child[i]);
    }
    free(p->child);
    free(p->name);
    free(p->literal);
    tally_free(&p->seen.programs);
}

struct shape *shape_new(enum verb verb, const struct places *places, const struct policy *sensitive, char *const *avoid)
{
    struct shape *s = xcalloc(1, sizeof *s);
    s->verb = verb;
    s->places = places;
    s->sensitive = sensitive;
    s->avoid = avoid;
    for (int i = 0; i < 4; i++) {
        s->root[i].literal = xstrdup(root_literal(places, (enum root)i));
        s->exact[i].literal = xstrdup(root_literal(places, (enum root)i));
    }
    return s;
}

void shape_free(struct shape *s)
{
    for (int i = 0; s && i < 4; i++) {
        node_free(&s->root[i]);
        node_free(&s->exact[i]);
    }
    free(s);
}

void shape_add(struct shape *s, const char *path, bool widen, const struct seen *seen)
{
    const char *rest;
    size_t n;
    enum root root = root_of(s->places, path, &rest);
    char **c = split(rest, &n);
    struct node *at = widen ? &s->root[root] : &s->exact[root];
    bool globs = widen || s->verb == VERB_EXEC;
    for (size_t i = 0; i < n; i++) {
        bool is_glob;
        STR_AUTO text = component(s, at->literal, c[i], c[i + 1], i ? c[i - 1] : NULL, globs, &is_glob);
        STR_AUTO literal = at->literal && !is_glob ? below(at->literal, c[i]) : NULL;
        at = child_of(at, text, is_glob, literal);
    }
    at->end = true;
    seen_add(&at->seen, seen);
    split_free(c);
}

/* ---- widening */

static bool concerns(const struct rule *r, enum verb v)
{
    return r->effect != EFFECT_ALLOW && (r->verbs & 1u << v) && r->path;
}

/* Could the pattern match the folder or something below it? Both as components. */
static bool may_match_below(char *const *pattern, char *const *folder)
{
    if (!*folder)
        return true;
    if (!*pattern)
        return false;
    if (!strcmp(*pattern, "**"))
        return may_match_below(pattern + 1, folder) || may_match_below(pattern, folder + 1);
    return glob_match(*pattern, *folder) && may_match_below(pattern + 1, folder + 1);
}

/* A name that a glob in the pattern leads to, rather than a place of its own inside the folder. */
static bool anywhere(const struct path_pattern *p, const char *folder)
{
    const char *literal = path_pattern_literal(p);
    return !*literal || path_within(folder, literal);
}

static bool matched(const struct shape *s, const char *path)
{
    for (size_t i = 0; s->sensitive && i < s->sensitive->nrules; i++)
        for (size_t j = 0; concerns(s->sensitive->rules[i], s->verb) && s->sensitive->rules[i]->path[j]; j++)
            if (path_pattern_match(s->sensitive->rules[i]->path[j], path))
                return true;
    return false;
}

static int by_string(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

/* What of the sensitive policy's rules and of what is to be avoided lies in the folder, in the policy's words.
 * NULL-terminated; NULL: nothing. *inside: a place of its own is among them. */
static char **sensitive_inside(const struct shape *s, const char *folder, bool *inside)
{
    struct tally t = {0};
    size_t n;
    char **components = split(folder, &n);
    *inside = false;
    for (size_t i = 0; s->sensitive && i < s->sensitive->nrules; i++) {
        const struct rule *r = s->sensitive->rules[i];
        for (size_t j = 0; concerns(r, s->verb) && r->path[j]; j++) {
            const char *text = path_pattern_text(r->path[j]), *rest;
            char **pattern = split(text, &n);
            if (may_match_below(pattern, components)) {
                enum root root = text[0] == '/' ? root_of(s->places, text, &rest) : ROOT_ALL;
                STR_AUTO own = xasprintf("%s%s", root_text[root], text[0] == '/' ? rest : text);
                tally_add(&t, own);
                *inside |= !anywhere(r->path[j], folder);
            }
            split_free(pattern);
        }
    }
    for (char *const *a = s->avoid; a && *a; a++) {
        STR_AUTO own = path_within(*a, folder) && !matched(s, *a) ? shape_path(s->places, NULL, *a) : NULL;
        if (own)
            tally_add(&t, own);
    }
    split_free(components);
    if (!t.n)
        return NULL;
    char **ret = xcalloc(t.n + 1, sizeof *ret);
    for (size_t i = 0; i < t.n; i++)
        ret[i] = xstrdup(t.entry[i].name);
    qsort(ret, t.n, sizeof *ret, by_string); /* in an order that does not depend on what was seen first */
    tally_free(&t);
    return ret;
}

static bool may_widen(const struct shape *s, enum root root, const struct node *p, size_t depth)
{
    const struct places *pl = s->places;
    if (!p->literal || p->n < WIDEN_NAMES || s->verb == VERB_EXEC)
        return false;
    if (root == ROOT_ALL) {
        static const char *const never[] = {"/proc", "/sys", "/dev", "/etc"};
        for (size_t i = 0; i < sizeof never / sizeof *never; i++)
            if (i < 3 ? path_within(p->literal, never[i]) : !strcmp(p->literal, never[i]))
                return false;
        if (depth < (s->verb == VERB_WRITE ? 3 : 2))
            return false;
    }
    if (root == ROOT_HOME && depth < 1)
        return false;
    if (root != ROOT_WORKSPACE && (path_within(pl->home, p->literal) || path_within(pl->workspace, p->literal)))
        return false;
    if (root == ROOT_WORKSPACE)
        return !path_within(pl->home, p->literal);
    bool inside;
    char **in = sensitive_inside(s, p->literal, &inside);
    if (in)
        split_free(in);
    return !inside;
}

static void gather(const struct node *p, struct seen *to)
{
    if (p->end || p->wide)
        seen_add(to, &p->seen);
    for (size_t i = 0; !p->wide && i < p->n; i++)
        gather(p->child[i], to);
}

static void widen(const struct shape *s, enum root root, struct node *p, size_t depth)
{
    bool deep = p->end;
    for (size_t i = 0; i < p->n; i++) {
        widen(s, root, p->child[i], depth + 1);
        deep |= p->child[i]->n > 0;
    }
    if (!may_widen(s, root, p, depth))
        return;
    struct seen all = {0};
    gather(p, &all);
    tally_free(&p->seen.programs);
    p->seen = all;
    p->wide = true;
    p->deep = deep;
}

/* ---- out */

struct out {
    struct shaped *list;
    size_t n, cap;
};

static void put(struct out *o, char *pattern, char **except, struct seen *seen)
{
    if (o->n + 1 >= o->cap) {
        o->cap = o->cap ? o->cap * 2 : 32;
        o->list = xrealloc(o->list, o->cap * sizeof *o->list);
    }
    o->list[o->n++] = (struct shaped){pattern, except, seen};
}

static void collect(const struct shape *s, struct node *p, const char *text, struct out *o)
{
    if (p->wide) {
        bool inside;
        put(o, xasprintf("%s/%s", text, p->deep ? "**" : "*"), sensitive_inside(s, p->literal, &inside), &p->seen);
        return;
    }
    if (p->end)
        put(o, *text ? xstrdup(text) : xstrdup("/"), NULL, &p->seen);
    for (size_t i = 0; i < p->n; i++) {
        STR_AUTO deeper = xasprintf("%s/%s", text, p->child[i]->name);
        collect(s, p->child[i], deeper, o);
    }
}

static int by_text(const void *x, const void *y)
{
    const struct shaped *a = x, *b = y;
    return strcmp(a->pattern, b->pattern);
}

struct shaped *shape_patterns(struct shape *s)
{
    struct out o = {0};
    for (int i = 0; i < 4; i++) {
        widen(s, (enum root)i, &s->root[i], 0);
        collect(s, &s->root[i], root_text[i], &o);
        collect(s, &s->exact[i], root_text[i], &o);
    }
    if (o.n)
        qsort(o.list, o.n, sizeof *o.list, by_text);
    else
        o.list = xcalloc(1, sizeof *o.list);
    o.list[o.n] = (struct shaped){0};
    return o.list;
}

void shaped_free(struct shaped *p)
{
    for (struct shaped *q = p; q->pattern; q++) {
        free(q->pattern);
        if (q->except)
            split_free(q->except);
    }
    free(p);
}
