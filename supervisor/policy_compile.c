#include "policy_compile.h"
#include "pattern.h"
#include "policy_alias.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct compiling {
    struct vars vars;
    const char *shown;
    struct mistakes *mistakes;
    bool failed;
};

static void mistake_at(struct compiling *c, const struct said *s, size_t column, const char *text)
{
    c->failed = true;
    mistakes_add(c->mistakes, c->shown, s->line, s->column + (int)column, "%s", text);
}

static void add_path(struct path_pattern ***list, struct path_pattern *p)
{
    size_t n = 0;
    while (*list && (*list)[n])
        n++;
    *list = xrealloc(*list, (n + 2) * sizeof **list);
    (*list)[n] = p;
    (*list)[n + 1] = NULL;
}

/* A pattern's own reader says what is wrong with which part; the whole is put in front where that part is not the whole. */
static void pattern_mistake(struct compiling *c, const struct said *s, const char *expanded, size_t column, const struct err *err)
{
    STR_AUTO shown = found_text(expanded);
    bool whole = !strncmp(err->text, shown, strlen(shown));
    STR_AUTO text = whole ? xasprintf("found %s", err->text) : xasprintf("found %s: %s", shown, err->text);
    /* the column is one of the expanded text: right when nothing was expanded, else point at the pattern */
    mistake_at(c, s, strcmp(expanded, s->text) ? 0 : column, text);
}

/* Leads the literal part to where it leads. A last component that is itself a link has two names: what it leads to (opens,
 * execs), and its own (who removes or replaces the link changes what the name means). Both count: the second is added. */
static void add_resolved(struct path_pattern ***list, struct path_pattern *p, const char *text)
{
    const char *literal = path_pattern_literal(p);
    if (*literal) {
        STR_AUTO own = NULL;
        STR_AUTO leads = literal_resolve(literal, &own);
        path_pattern_set_literal(p, leads);
        if (own && (path_pattern_is_exact(p) || path_pattern_is_tree(p))) {
            size_t at;
            struct err err;
            struct path_pattern *second = path_pattern_new(text, &at, &err);
            path_pattern_set_literal(second, own);
            add_path(list, second);
        }
    }
    add_path(list, p);
}

static void compile_path(struct compiling *c, const struct said *s, struct path_pattern ***list)
{
    size_t column = 0;
    struct err err;
    const char *t = s->text;
    if (*t != '/' && strncmp(t, "~/", 2) && strcmp(t, "~") && strncmp(t, "${", 2) && strncmp(t, "**/", 3) && strcmp(t, "**")) {
        STR_AUTO shown = found_text(t);
        STR_AUTO text = xasprintf("found %s, expected a path pattern that starts with `/`, `~/`, `${` or `**/`%s", shown,
                                  strchr(t, '/') ? " (in the workspace: ${WORKSPACE}/...)" : "");
        mistake_at(c, s, 0, text);
        return;
    }
    STR_AUTO expanded = vars_expand(&c->vars, t, VARS_PATTERN, &column, &err);
    if (!expanded) {
        mistake_at(c, s, column, err.text);
        return;
    }
    struct path_pattern *p = path_pattern_new(expanded, &column, &err);
    if (!p) {
        pattern_mistake(c, s, expanded, column, &err);
        return;
    }
    add_resolved(list, p, expanded);
}

static void add_address(struct rule *r, struct address_pattern *p)
{
    size_t n = 0;
    while (r->to && r->to[n])
        n++;
    r->to = xrealloc(r->to, (n + 2) * sizeof *r->to);
    r->to[n] = p;
    r->to[n + 1] = NULL;
}

static void resolve_unix(struct address_pattern *p)
{
    struct path_pattern *path = address_pattern_path(p);
    if (path && *path_pattern_literal(path)) {
        STR_AUTO own = NULL;
        STR_AUTO leads = literal_resolve(path_pattern_literal(path), &own);
        path_pattern_set_literal(path, leads);
    }
}

/* The other names of a socket's place (policy_alias.h). */
static void add_to_aliases(struct rule *r)
{
    size_t written = 0;
    while (r->to && r->to[written])
        written++;
    for (size_t n = 0; n < written; n++) {
        const struct path_pattern *path = address_pattern_path(r->to[n]);
        size_t column;
        struct err err;
        struct path_pattern *p = path ? path_pattern_new(path_pattern_text(path), &column, &err) : NULL, **list = NULL;
        if (!p)
            continue;
        path_pattern_set_literal(p, path_pattern_literal(path));
        add_path(&list, p);
        policy_add_aliases(&list);
        for (size_t i = 1; list[i]; i++) {
            struct address_pattern *a = address_pattern_new(address_pattern_text(r->to[n]), &column, &err);
            if (a) {
                path_pattern_set_literal(address_pattern_path(a), path_pattern_literal(list[i]));
                add_address(r, a);
            }
        }
        for (size_t i = 0; list[i]; i++)
            path_pattern_free(list[i]);
        free(list);
    }
}

static void compile_to(struct compiling *c, const struct said *s, struct rule *r)
{
    size_t column = 0;
    struct err err;
    bool is_unix = !strncmp(s->text, "unix:", 5);
    STR_AUTO home = is_unix && !strncmp(s->text + 5, "~/", 2) ? xasprintf("unix:${HOME}%s", s->text + 6) : NULL;
    STR_AUTO expanded = vars_expand(&c->vars, home ? home : s->text, is_unix ? VARS_PATTERN : VARS_PLAIN, &column, &err);
    if (!expanded) {
        mistake_at(c, s, column, err.text);
        return;
    }
    struct address_pattern *p = address_pattern_new(expanded, &column, &err);
    if (!p) {
        pattern_mistake(c, s, expanded, column, &err);
        return;
    }
    if (address_pattern_is_name(p)) {
        STR_AUTO shown = found_text(expanded);
        STR_AUTO text = xasprintf("found the host name %s, expected an address: rules cannot name hosts in this version; "
                                  "write its addresses, or leave it to be asked about", shown);
        mistake_at(c, s, 0, text);
        address_pattern_free(p);
        return;
    }
    resolve_unix(p);
    add_address(r, p);
}

static void compile_paths(struct compiling *c, const struct said_list *l, struct path_pattern ***list)
{
    for (size_t i = 0; i < l->n; i++)
        compile_path(c, &l->item[i], list);
}

struct rule *policy_compile_rule(const struct rule_source *s, const struct policy_file *file, const struct places *places,
                                 const char *shown, const char *label, const char *at, struct mistakes *m)
{
    struct compiling c = {.vars = {places, file}, .shown = shown, .mistakes = m};
    struct rule *r = xcalloc(1, sizeof *r);
    r->name = s->name ? xstrdup(s->name) : NULL;
    r->label = xstrdup(label);
    r->at = xstrdup(at);
    r->effect = s->effect;
    r->verbs = s->verbs;
    r->hard = s->hard;
    r->message = s->message ? xstrdup(s->message) : NULL;
    r->errnum = s->errnum ? s->errnum : EACCES;
    r->timeout_ms = s->timeout_ms;
    for (size_t i = 0; i < s->path.n; i++)
        if (!strcmp(s->path.item[i].text, "anonymous"))
            r->anonymous = true;
        else
            compile_path(&c, &s->path.item[i], &r->path);
    if (s->effect != EFFECT_ALLOW)
        policy_add_aliases(&r->path);
    compile_paths(&c, &s->except, &r->except);
    compile_paths(&c, &s->by, &r->by);
    compile_paths(&c, &s->under, &r->under);
    for (size_t i = 0; i < s->to.n; i++)
        compile_to(&c, &s->to.item[i], r);
    if (s->effect != EFFECT_ALLOW)
        add_to_aliases(r);
    r->argv_match = s->argv_match;
    if (s->argv_match != ARGV_NONE) {
        r->argv = xcalloc(s->argv.n + 1, sizeof *r->argv);
        for (size_t i = 0; i < s->argv.n; i++)
            r->argv[i] = xstrdup(s->argv.item[i].text);
    }
    if (c.failed) {
        rule_free(r);
        return NULL;
    }
    return r;
}

void policy_compile(struct policy_file *f, const struct places *places, struct mistakes *m)
{
    f->compiled = xcalloc(f->nrules, sizeof *f->compiled);
    f->placed = xcalloc(f->nrules, sizeof *f->placed);
    for (size_t i = 0; i < f->nrules; i++) {
        const struct rule_source *s = f->rules[i];
        STR_AUTO label = s->name ? xasprintf("%s:%s", f->name, s->name) : xasprintf("%s:#%zu", f->name, i + 1);
        STR_AUTO at = xasprintf("%s:%d", f->shown, s->line);
        f->compiled[i] = policy_compile_rule(s, f, places, f->shown, label, at, m);
    }
}

/* Our own places count by the name that we shall look them up by as well: a link on the way there, replaced, would give the next run
 * somebody else's policies. */
void rule_add_path(struct rule *r, const char *pattern)
{
    size_t column;
    struct err err;
    struct path_pattern *p = path_pattern_new(pattern, &column, &err);
    if (!p)
        return;
    struct path_pattern *written = path_pattern_new(pattern, &column, &err);
    add_resolved(&r->path, p, pattern);
    const char *literal = path_pattern_literal(written);
    if (strstr(literal, "/..") || !strcmp(literal, path_pattern_literal(p)))
        path_pattern_free(written);
    else
        add_path(&r->path, written);
    policy_add_aliases(&r->path);
}

void rule_add_to(struct rule *r, const char *pattern)
{
    size_t column;
    struct err err;
    struct address_pattern *p = address_pattern_new(pattern, &column, &err);
    if (!p)
        return;
    resolve_unix(p);
    add_address(r, p);
}
