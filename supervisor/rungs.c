#include "rungs.h"
#include "volatile.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* What a pattern would not take as itself gets a backslash. */
static void put_literal(struct buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strchr("\\*?[]{}", s[i]) && s[i])
            buf_putc(b, '\\');
        buf_putc(b, s[i]);
    }
}

static char *literal(const char *prefix, const char *s, size_t n)
{
    struct buf b = {0};
    buf_puts(&b, prefix);
    put_literal(&b, s, n);
    return buf_steal(&b);
}

/* Is a folder too wide to be opened with one key: the root, /etc, the home, or anything that holds them? */
static bool too_wide(const char *dir, size_t n, const char *home)
{
    if (n <= 1 || (n == 4 && strncmp(dir, "/etc", 4) == 0))
        return true;
    return home && strncmp(home, dir, n) == 0 && (home[n] == 0 || home[n] == '/');
}

static void path_rungs(struct rung_right *g, const char *prefix, const char *path, bool is_dir, const char *home)
{
    size_t len = strlen(path);
    g->pattern[RUNG_EXACT] = literal(prefix, path, len);
    const char *slash = strrchr(path, '/');
    if (!slash)
        return;
    struct buf name = {0};
    buf_puts(&name, prefix);
    put_literal(&name, path, (size_t)(slash + 1 - path));
    if (volatile_glob(&name, slash + 1, strlen(slash + 1), put_literal))
        g->pattern[RUNG_NAME] = buf_steal(&name);
    buf_free(&name);
    /* A question about a folder itself (mkdir, opening one to list it): its tree is below it, not beside it. */
    size_t dir = is_dir ? len : (size_t)(slash - path);
    if (too_wide(path, dir, home))
        return;
    for (int tree = 0; tree < 2; tree++) {
        struct buf b = {0};
        buf_puts(&b, prefix);
        put_literal(&b, path, dir);
        buf_puts(&b, tree ? "/**" : "/*");
        g->pattern[tree ? RUNG_TREE : RUNG_DIR] = buf_steal(&b);
    }
}

static void address_rungs(struct rung_right *g, const struct target *t, const char *home)
{
    const struct address *a = &t->addr;
    if (a->kind == ADDRESS_UNIX && t->path) {
        path_rungs(g, "unix:", t->path, false, home);
        return;
    }
    if (a->kind == ADDRESS_ABSTRACT) {
        if (a->name_len && !memchr(a->name, 0, a->name_len)) {
            g->pattern[RUNG_EXACT] = literal("unix:@", a->name, a->name_len);
            struct buf b = {0};
            buf_puts(&b, "unix:@");
            if (volatile_glob(&b, a->name, a->name_len, put_literal))
                g->pattern[RUNG_NAME] = buf_steal(&b);
            buf_free(&b);
        }
        return;
    }
    if (a->kind != ADDRESS_INET && a->kind != ADDRESS_INET6)
        return;
    const char *proto = a->proto == IPPROTO_TCP ? "tcp:" : a->proto == IPPROTO_UDP ? "udp:" : "";
    BUF_AUTO text = {0};
    address_text(a, &text);
    g->pattern[RUNG_EXACT] = xasprintf("%s%s", proto, text.data);
    if (t->name) {
        g->pattern[RUNG_HOST] = xasprintf("%s:%u", t->name, a->port);
        const char *dot = strchr(t->name, '.');
        if (dot && strchr(dot + 1, '.'))
            g->pattern[RUNG_DOMAIN] = xasprintf("*%s:%u", dot, a->port);
    } else if (*proto) {
        g->pattern[RUNG_HOST] = xstrdup(text.data);
    }
    g->pattern[RUNG_ANY] = xasprintf("any:%u", a->port);
}

unsigned rungs_verbs(const struct request *r, const struct decision *d, int i)
{
    if (!(d->asks & 1u << i))
        return 0;
    bool old_name = i == r->moved_from || (r->exchange && i == r->moved_to);
    return 1u << r->need[i].verb | (old_name ? d->moved_asks : 0);
}

static void add_right(struct rungs *g, const struct target *t, enum verb verb, bool replaced, const char *home)
{
    struct rung_right *right = &g->right[g->rights++];
    right->verb = verb;
    right->kind = t->kind == TARGET_PATH && verb == VERB_CONNECT ? TARGET_ADDRESS : t->kind;
    if (t->kind == TARGET_PATH && t->path) {
        path_rungs(right, right->kind == TARGET_ADDRESS ? "unix:" : "", t->path, t->is_dir, home);
        if (t->exists && !replaced) {
            right->dev = t->dev;
            right->ino = t->ino;
        }
    } else if (t->kind == TARGET_ADDRESS) {
        address_rungs(right, t, home);
    } else if (t->kind == TARGET_ANONYMOUS) {
        right->pattern[RUNG_EXACT] = xstrdup("anonymous");
    }
}

struct rungs *rungs_new(const struct request *r, const struct decision *d, const char *home)
{
    struct rungs *g = xcalloc(1, sizeof *g);
    int n = 0;
    for (int i = 0; i < r->needs; i++)
        n += __builtin_popcount(rungs_verbs(r, d, i));
    g->right = xcalloc((size_t)n, sizeof *g->right);
    for (int i = 0; i < r->needs; i++) {
        /* What a rename replaces is gone after it: there the answer is for the name, else it would hold once and never again
         * (programs save a file by moving a new one over it). */
        bool replaced = i == r->moved_to && !r->exchange;
        unsigned verbs = rungs_verbs(r, d, i);
        for (int v = 0; v < VERB_COUNT; v++)
            if (verbs & 1u << v)
                add_right(g, &r->need[i].target, (enum verb)v, replaced, home);
    }
    const struct process *p = r->process;
    if (p && p->exe && p->exe[0] == '/') {
        g->by = literal("", p->exe, strlen(p->exe));
        if (p->parent && p->parent->exe && p->parent->exe[0] == '/')
            g->under = literal("", p->parent->exe, strlen(p->parent->exe));
    }
    return g;
}

void rungs_free(struct rungs *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->rights; i++)
        for (int t = 0; t < RUNG_COUNT; t++)
            free(g->right[i].pattern[t]);
    free(g->right);
    free(g->by);
    free(g->under);
    free(g);
}

bool rungs_offer_target(const struct rungs *g, enum wire_target t)
{
    bool any = false;
    for (int i = 0; i < g->rights; i++) {
        if (!g->right[i].pattern[RUNG_EXACT])
            return false;
        any |= g->right[i].pattern[t] != NULL;
    }
    return any;
}

bool rungs_offer_program(const struct rungs *g, enum wire_program p)
{
    return p == PROGRAM_ANY || (p == PROGRAM_THIS ? g->by : g->under) != NULL;
}

/* Text that a YAML scalar in single quotes holds and gives back: printable ASCII and whole UTF-8, no variable. */
static bool keepable(const char *s)
{
    BUF_AUTO b = {0};
    BUF_AUTO back = {0};
    buf_escape(&b, s, strlen(s));
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f || (*p == '$' && p[1] == '{'))
            return false;
    /* Escaping doubles each backslash and changes nothing else in text that can be kept. */
    for (const char *p = s; *p; p++) {
        if (*p == '\\')
            buf_putc(&back, '\\');
        buf_putc(&back, *p);
    }
    return back.len == b.len && (!b.len || memcmp(back.data, b.data, b.len) == 0);
}

const char *rungs_not_always(const struct rungs *g)
{
    for (int i = 0; i < g->rights; i++)
        for (int t = 0; t < RUNG_COUNT; t++)
            if (g->right[i].pattern[t] && !keepable(g->right[i].pattern[t]))
                return "the name holds bytes that a policy file cannot";
    if ((g->by && !keepable(g->by)) || (g->under && !keepable(g->under)))
        return "the program's name holds bytes that a policy file cannot";
    return NULL;
}

static void quote(struct buf *b, const char *s)
{
    buf_putc(b, '\'');
    for (; *s; s++)
        buf_puts(b, *s == '\'' ? "''" : (char[]){*s, 0});
    buf_putc(b, '\'');
}

void rungs_target_text(const struct rungs *g, int right, enum wire_target t, struct buf *b)
{
    const struct rung_right *r = &g->right[right];
    const char *pattern = r->pattern[t] ? r->pattern[t] : r->pattern[RUNG_EXACT];
    buf_printf(b, "[%s], %s: [", verb_names[r->verb], r->kind == TARGET_ADDRESS ? "to" : "path");
    if (r->kind == TARGET_ANONYMOUS)
        buf_puts(b, pattern);
    else
        quote(b, pattern);
    buf_putc(b, ']');
}

void rungs_program_text(const struct rungs *g, enum wire_program p, struct buf *b)
{
    if (p == PROGRAM_ANY)
        return;
    buf_puts(b, ", by: [");
    quote(b, g->by);
    buf_putc(b, ']');
    if (p == PROGRAM_PARENT) {
        buf_puts(b, ", under: [");
        quote(b, g->under);
        buf_putc(b, ']');
    }
}
