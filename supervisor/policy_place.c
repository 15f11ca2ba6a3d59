#include "policy_loading.h"
#include "baseline_words.h"
#include "policy_compile.h"
#include "policy_find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EXTENDS_DEPTH = 16, FILES_MAX = 256 };

/* ---- files */

static struct policy_file *known_file(struct loading *l, const char *path)
{
    for (size_t i = 0; i < l->nfiles; i++)
        if (!strcmp(l->file[i]->path, path))
            return l->file[i];
    return NULL;
}

/* Reads, checks and compiles. The file may be one that was read before. NULL: a mistake was added. */
struct policy_file *add_file(struct loading *l, const char *path, const char *shown, const char *text, size_t len)
{
    struct policy_file *f = policy_file_read(shown, text, len, &l->mistakes);
    if (!f)
        return NULL;
    f->path = xstrdup(path);
    f->bytes = memcpy(xmalloc(len + 1), text, len);
    f->len = len;
    if (f->require_line && strcmp(shown, SITE_FILE))
        mistakes_add(&l->mistakes, shown, f->require_line, f->require_column, "found `require`, expected it in " SITE_FILE " only");
    policy_compile(f, l->s->places, &l->mistakes);
    l->file = xrealloc(l->file, (l->nfiles + 1) * sizeof *l->file);
    l->file[l->nfiles++] = f;
    return f;
}

struct policy_file *load_file(struct loading *l, const char *path, bool regular, const struct asked *by)
{
    char *text;
    size_t len;
    STR_AUTO real = realpath(path, NULL);
    struct policy_file *f = real ? known_file(l, real) : NULL;
    if (f)
        return f;
    int r = policy_read_bytes(path, regular, &text, &len);
    if (r) {
        STR_AUTO shown = found_text(path);
        mistakes_add(&l->mistakes, by->shown, by->line, by->column, "found %s, which cannot be read (%s), expected a policy file", shown,
                     r == -EINVAL ? "not a plain file" : strerror(-r));
        return NULL;
    }
    f = add_file(l, real ? real : path, path, text, len);
    free(text);
    return f;
}

struct policy_file *load_profile(struct loading *l, const char *name, const struct asked *by)
{
    STR_AUTO path = policy_profile_path(l->s->places, name);
    if (path)
        return load_file(l, path, true, by);
    char **names = policy_profile_names(l->s->places);
    STR_AUTO shown = found_text(name);
    STR_AUTO nearest = nearest_text(name, (const char *const *)names);
    STR_AUTO known = names[0] ? names_text((const char *const *)names) : xstrdup("(none is installed)");
    mistakes_add(&l->mistakes, by->shown, by->line, by->column, "found no profile %s, expected %s, or a file with / or .yaml in its name%s",
                 shown, known, nearest);
    policy_names_free(names);
    return NULL;
}

/* A file that f names, relative to f. */
static char *beside(const struct policy_file *f, const char *name)
{
    const char *slash = strrchr(f->path, '/');
    const char *below = !strncmp(name, "./", 2) ? name + 2 : name;
    return name[0] == '/' || !slash ? xstrdup(name) : xasprintf("%.*s/%s", (int)(slash - f->path), f->path, below);
}

static struct policy_file *load_extended(struct loading *l, const struct policy_file *f, const struct said *what)
{
    struct asked by = {f->shown, what->line, what->column};
    if (!policy_is_file_name(what->text))
        return load_profile(l, what->text, &by);
    struct vars vars = {l->s->places, f};
    struct err err;
    size_t column;
    STR_AUTO name = vars_expand(&vars, what->text, VARS_PLAIN, &column, &err);
    if (!name) {
        mistakes_add(&l->mistakes, by.shown, by.line, by.column + (int)column, "%s", err.text);
        return NULL;
    }
    STR_AUTO path = beside(f, name);
    return load_file(l, path, true, &by);
}

/* ---- one file's rules and settings into the policy */

static bool label_is(const struct policy_file *f, size_t i, const char *label)
{
    const struct rule_source *s = f->rules[i];
    STR_AUTO own = s->name ? xasprintf("%s:%s", f->name, s->name) : xasprintf("%s:#%zu", f->name, i + 1);
    return !strcmp(own, label);
}

static bool dropped(const struct chain *up, const struct policy_file *f, size_t i)
{
    for (; up; up = up->up)
        for (size_t w = 0; w < up->file->without.n; w++)
            if (label_is(f, i, up->file->without.item[w].text))
                return true;
    return false;
}

void push_rule(struct policy *p, struct rule *r)
{
    r->number = (unsigned)p->nrules;
    p->rules = xrealloc(p->rules, (p->nrules + 1) * sizeof *p->rules);
    p->rules[p->nrules++] = r;
}

void place_rules(struct loading *l, struct policy_file *f, const struct chain *up, bool untrusted)
{
    for (size_t i = 0; i < f->nrules; i++) {
        struct rule *r = f->compiled[i];
        if (!r || f->placed[i] || dropped(up, f, i) || (untrusted && r->effect == EFFECT_ALLOW))
            continue;
        f->placed[i] = true;
        if (untrusted) {
            r->stricter_only = true;
            r->hard = false;
        }
        push_rule(l->policy, r);
    }
}

void take_text(char **into, const char *from)
{
    if (!*into && from)
        *into = xstrdup(from);
}

void take_list(char ***into, const struct said_list *from)
{
    if (*into || !from->given)
        return;
    *into = xcalloc(from->n + 1, sizeof **into);
    for (size_t i = 0; i < from->n; i++)
        (*into)[i] = xstrdup(from->item[i].text);
}

/* Key by key, from the first file that has it: files come in the order of precedence. The policy starts with -1 where a
 * number has not been said (settle_settings puts the built-in value there). */
static void take_baseline(struct loading *l, const struct policy_file *f)
{
    struct vars vars = {l->s->places, f};
    struct err err;
    size_t column;
    if (!f->baseline || l->policy->baseline)
        return;
    if (!baseline_is_file(f->baseline)) {
        take_text(&l->policy->baseline, f->baseline);
        return;
    }
    STR_AUTO name = vars_expand(&vars, f->baseline, VARS_PLAIN, &column, &err);
    if (name)
        l->policy->baseline = beside(f, name);
    else
        mistakes_add(&l->mistakes, f->shown, 0, 0, "baseline: %s", err.text);
}

static void place_settings(struct loading *l, const struct policy_file *f)
{
    struct policy *p = l->policy;
    for (int v = 0; v < VERB_COUNT; v++)
        if (f->defaults[v].line && !p->defaults.at[v]) {
            p->defaults.at[v] = xasprintf("%s:%d", f->shown, f->defaults[v].line);
            p->defaults.label[v] = xasprintf("%s:defaults.%s", f->name, verb_names[v]);
            p->defaults.effect[v] = f->defaults[v].effect;
        }
    if (!p->mode_set && f->mode >= 0) {
        p->mode = (enum mode)f->mode;
        p->mode_set = true;
    }
    if (p->audit_level == AUDIT_DEFAULT && f->audit_level >= 0)
        p->audit_level = (enum audit_level)f->audit_level;
    if (p->approval_timeout_ms < 0)
        p->approval_timeout_ms = f->approval_timeout_ms;
    if (!l->fast_reads_said && f->fast_reads >= 0) {
        p->fast_reads = (enum setting3)f->fast_reads;
        l->fast_reads_said = true;
    }
    if (!l->debug_said && f->debug_allow >= 0) {
        p->debug_allow = f->debug_allow == 1;
        l->debug_said = true;
    }
    take_baseline(l, f);
    take_text(&p->approval, f->approval);
    take_text(&p->advice, f->advice);
    take_list(&p->env_drop, &f->env_drop);
    take_list(&p->env_keep, &f->env_keep);
    p->exposed |= f->expose;
}

void settle_settings(struct policy *p)
{
    for (int v = 0; v < VERB_COUNT; v++)
        if (!p->defaults.at[v])
            p->defaults.effect[v] = v == VERB_BIND ? EFFECT_ALLOW : EFFECT_ASK;
    take_text(&p->baseline, "mvp");
    take_text(&p->approval, "auto");
    if (p->approval_timeout_ms < 0)
        p->approval_timeout_ms = 60000;
}

/* The rule names that `without` of f may name: those of every file that it extends. */
static void collect_labels(struct loading *l, const struct policy_file *f, char ***labels, size_t *n, int depth)
{
    for (size_t e = 0; depth < EXTENDS_DEPTH && e < f->extends.n && *n < 100000; e++) {
        const struct policy_file *child = load_extended(l, f, &f->extends.item[e]);
        for (size_t i = 0; child && i < child->nrules; i++) {
            const struct rule_source *s = child->rules[i];
            *labels = xrealloc(*labels, (*n + 2) * sizeof **labels);
            (*labels)[(*n)++] = s->name ? xasprintf("%s:%s", child->name, s->name) : xasprintf("%s:#%zu", child->name, i + 1);
            (*labels)[*n] = NULL;
        }
        if (child)
            collect_labels(l, child, labels, n, depth + 1);
    }
}

static void check_without(struct loading *l, const struct policy_file *f)
{
    if (!f->without.n)
        return;
    char **labels = xcalloc(1, sizeof *labels);
    size_t n = 0;
    collect_labels(l, f, &labels, &n, 0);
    for (size_t w = 0; w < f->without.n; w++) {
        const struct said *s = &f->without.item[w];
        size_t i = 0;
        while (i < n && strcmp(labels[i], s->text))
            i++;
        if (i < n)
            continue;
        STR_AUTO shown = found_text(s->text);
        STR_AUTO nearest = nearest_text(s->text, (const char *const *)labels);
        mistakes_add(&l->mistakes, f->shown, s->line, s->column, "found %s, expected FILE:NAME of a rule in a file that this one extends%s",
                     shown, nearest);
    }
    policy_names_free(labels);
}

static char *circle_text(const struct chain *c, const struct policy_file *end)
{
    const char *names[EXTENDS_DEPTH + 2];
    size_t n = 0;
    struct buf b = {0};
    for (; c && n < EXTENDS_DEPTH; c = c->up) {
        names[n++] = c->file->name;
        if (c->file == end)
            break;
    }
    while (n)
        buf_printf(&b, "%s -> ", names[--n]);
    buf_puts(&b, end->name);
    return buf_steal(&b);
}

void place(struct loading *l, struct policy_file *f, const struct chain *up)
{
    struct chain here = {f, up, up ? up->depth + 1 : 0};
    f->used = true;
    place_rules(l, f, up, false);
    place_settings(l, f);
    check_without(l, f);
    for (size_t i = 0; i < f->extends.n; i++) {
        const struct said *s = &f->extends.item[i];
        struct policy_file *child = load_extended(l, f, s);
        if (!child)
            continue;
        const struct chain *c = &here;
        while (c && c->file != child)
            c = c->up;
        if (c) {
            STR_AUTO circle = circle_text(&here, child);
            mistakes_add(&l->mistakes, f->shown, s->line, s->column, "found a circle of `extends` (%s), expected none", circle);
        } else if (here.depth >= EXTENDS_DEPTH || l->nfiles > FILES_MAX) {
            mistakes_add(&l->mistakes, f->shown, s->line, s->column, "found more than %d files that extend each other, expected fewer",
                         EXTENDS_DEPTH);
        } else {
            place(l, child, &here);
        }
    }
}
