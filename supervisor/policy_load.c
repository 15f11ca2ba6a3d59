#include "policy_load.h"
#include "policy_compile.h"
#include "policy_find.h"
#include "policy_identity.h"
#include "policy_lookups.h"
#include "policy_protect.h"
#include "policy_trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EXTENDS_DEPTH = 16, FILES_MAX = 256 };
#define COMMAND_LINE "command line" /* cmd_run tells mistakes that start so from those of files: they end with status 2 */
#define POLICY_FLAG "--policy"
#define BASE_PROFILE "agent-base"
#define PROJECT_FILE ".sentinel-watch.yaml"
#define SITE_FILE "/etc/sentinel-watch/policy.yaml"

struct loading {
    const struct policy_sources *s;
    struct mistakes mistakes;
    struct buf *warnings;
    struct policy_file **file; /* every file once, by its resolved path */
    size_t nfiles;
    struct policy *policy;
    bool fast_reads_said, debug_said;
};

/* The file being placed and those that extend it, innermost first. */
struct chain {
    const struct policy_file *file;
    const struct chain *up;
    int depth;
};

/* Who asked for a file: where a mistake about it is told. */
struct asked {
    const char *shown;
    int line, column;
};

/* ---- files */

static struct policy_file *known_file(struct loading *l, const char *path)
{
    for (size_t i = 0; i < l->nfiles; i++)
        if (!strcmp(l->file[i]->path, path))
            return l->file[i];
    return NULL;
}

/* Reads, checks and compiles. The file may be one that was read before. NULL: a mistake was added. */
static struct policy_file *add_file(struct loading *l, const char *path, const char *shown, const char *text, size_t len)
{
    struct policy_file *f = policy_file_read(shown, text, len, &l->mistakes);
    if (!f)
        return NULL;
    f->path = xstrdup(path);
    if (f->require_line && strcmp(shown, SITE_FILE))
        mistakes_add(&l->mistakes, shown, f->require_line, f->require_column, "found `require`, expected it in " SITE_FILE " only");
    policy_compile(f, l->s->places, &l->mistakes);
    l->file = xrealloc(l->file, (l->nfiles + 1) * sizeof *l->file);
    l->file[l->nfiles++] = f;
    return f;
}

static struct policy_file *load_file(struct loading *l, const char *path, bool regular, const struct asked *by)
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

static struct policy_file *load_profile(struct loading *l, const char *name, const struct asked *by)
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
    const char *slash = strrchr(f->path, '/');
    const char *below = !strncmp(name, "./", 2) ? name + 2 : name;
    STR_AUTO path = name[0] == '/' || !slash ? xstrdup(name) : xasprintf("%.*s/%s", (int)(slash - f->path), f->path, below);
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

static void push_rule(struct policy *p, struct rule *r)
{
    r->number = (unsigned)p->nrules;
    p->rules = xrealloc(p->rules, (p->nrules + 1) * sizeof *p->rules);
    p->rules[p->nrules++] = r;
}

static void place_rules(struct loading *l, struct policy_file *f, const struct chain *up, bool untrusted)
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

static void take_text(char **into, const char *from)
{
    if (!*into && from)
        *into = xstrdup(from);
}

static void take_list(char ***into, const struct said_list *from)
{
    if (*into || !from->given)
        return;
    *into = xcalloc(from->n + 1, sizeof **into);
    for (size_t i = 0; i < from->n; i++)
        (*into)[i] = xstrdup(from->item[i].text);
}

/* Key by key, from the first file that has it: files come in the order of precedence. The policy starts with -1 where a
 * number has not been said (settle_settings puts the built-in value there). */
static void place_settings(struct loading *l, const struct policy_file *f)
{
    struct policy *p = l->policy;
    for (int v = 0; v < VERB_COUNT; v++)
        if (f->defaults[v].line && !p->defaults.at[v]) {
            p->defaults.at[v] = xasprintf("%s:%d", f->shown, f->defaults[v].line);
            p->defaults.label[v] = xasprintf("%s:defaults.%s", f->name, verb_words[v]);
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
    take_text(&p->baseline, f->baseline);
    take_text(&p->approval, f->approval);
    take_text(&p->advice, f->advice);
    take_list(&p->env_drop, &f->env_drop);
    take_list(&p->env_keep, &f->env_keep);
    p->exposed |= f->expose;
}

static void settle_settings(struct policy *p)
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

/* The file and what it extends, depth first. A file that is reached twice adds only what was dropped the first time. */
static void place(struct loading *l, struct policy_file *f, const struct chain *up)
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

/* ---- which files */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool suits(const struct policy_file *f, const char *command)
{
    for (size_t i = 0; i < f->suits.n; i++)
        if (!strcmp(f->suits.item[i].text, command))
            return true;
    return false;
}

/* Does the text's `for` hold the name at all? Every start passes over every profile, and only those for which it is worth it
 * are read in full. A policy in one pair of braces has no lines to go by. */
static bool worth_reading(const char *text, const char *command)
{
    if (text[strspn(text, " \t\r\n")] == '{')
        return true;
    const char *p = !strncmp(text, "for:", 4) ? text : strstr(text, "\nfor:");
    if (!p)
        return false;
    const char *end = p + 5;
    while ((end = strchr(end, '\n')) && strchr(" -#\r\n", end[1]) && end[1])
        end++;
    return memmem(p, end ? (size_t)(end - p) : strlen(p), command, strlen(command)) != NULL;
}

/* The one profile of this folder whose `for` has the command. */
static struct policy_file *suitable_in(struct loading *l, const char *folder, const char *command)
{
    struct places only = *l->s->places;
    only.config_home = "/nonexistent";
    only.profiles = folder;
    char **names = policy_profile_names(&only);
    struct policy_file *found = NULL;
    for (size_t i = 0; names[i]; i++) {
        STR_AUTO path = xasprintf("%s/%s.yaml", folder, names[i]);
        char *text;
        size_t len;
        if (policy_read_bytes(path, true, &text, &len))
            continue;
        bool worth = worth_reading(text, command);
        free(text);
        struct asked by = {path, 0, 0};
        struct policy_file *f = worth ? load_file(l, path, true, &by) : NULL;
        if (!f || !suits(f, command))
            continue;
        if (found) {
            STR_AUTO shown = found_text(command);
            mistakes_add(&l->mistakes, f->shown, f->suits.item[0].line, f->suits.item[0].column,
                         "found two profiles for %s (the other is %s), expected one: name it with --policy", shown, found->shown);
        } else {
            found = f;
        }
    }
    policy_names_free(names);
    return found;
}

static struct policy_file *pick_automatically(struct loading *l)
{
    const char *command = l->s->command ? base_name(l->s->command) : "";
    STR_AUTO users = xasprintf("%s/sentinel-watch/profiles", l->s->places->config_home);
    struct policy_file *f = *command ? suitable_in(l, users, command) : NULL;
    if (!f && *command && l->s->places->profiles)
        f = suitable_in(l, l->s->places->profiles, command);
    struct asked by = {POLICY_FLAG, 0, 0};
    return f ? f : load_profile(l, BASE_PROFILE, &by);
}

static void take_tests(struct loading *l, const struct policy_file *f)
{
    struct policy *p = l->policy;
    struct vars vars = {l->s->places, f};
    for (size_t i = 0; i < f->ntests; i++) {
        const struct test_source *t = &f->tests[i];
        struct err err;
        size_t column;
        char *target = t->target.text ? vars_expand(&vars, t->target.text, VARS_PLAIN, &column, &err) : NULL;
        if (!target) {
            if (t->target.text)
                mistakes_add(&l->mistakes, f->shown, t->target.line, t->target.column + (int)column, "%s", err.text);
            continue;
        }
        p->tests = xrealloc(p->tests, (p->ntests + 1) * sizeof *p->tests);
        struct policy_test *n = &p->tests[p->ntests++];
        *n = (struct policy_test){xasprintf("%s:%d", f->shown, t->line), t->verb, target, NULL, t->expect, NULL};
        n->by_rule = t->by_rule ? xstrdup(t->by_rule) : NULL;
        take_list(&n->argv, &t->argv);
    }
}

/* The -p policies in order, or the one that auto picks. */
static void place_chosen(struct loading *l)
{
    static const char *const automatic[] = {"auto", NULL};
    const char *const *names = l->s->policies && l->s->policies[0] ? l->s->policies : automatic;
    struct asked by = {POLICY_FLAG, 0, 0};
    for (; *names; names++) {
        struct policy_file *f = !strcmp(*names, "auto")          ? pick_automatically(l)
                                : policy_is_file_name(*names) ? load_file(l, *names, false, &by)
                                                              : load_profile(l, *names, &by);
        if (!f)
            continue;
        take_text(&l->policy->name, f->name);
        take_tests(l, f);
        place(l, f, NULL);
    }
}

/* A layer: skipped when it is missing; a user's in a home that is not ours may be unreadable. */
static struct policy_file *load_layer(struct loading *l, const char *path, bool may_fail)
{
    char *text;
    size_t len;
    int r = policy_read_bytes(path, true, &text, &len);
    if (r == -ENOENT || r == -ENOTDIR)
        return NULL;
    if (r && may_fail) {
        buf_printf(l->warnings, "%s: cannot be read (%s); the home is another user's, so this layer is left out\n", path, strerror(-r));
        return NULL;
    }
    if (!r)
        free(text);
    struct asked by = {path, 0, 0};
    return load_file(l, path, true, &by);
}

static void place_adhoc(struct loading *l)
{
    for (size_t i = 0; i < l->s->nadhoc; i++) {
        const struct adhoc *a = &l->s->adhoc[i];
        STR_AUTO shown = xasprintf(COMMAND_LINE ", --%s", effect_words[a->effect]);
        if (l->s->immutable) {
            mistakes_add(&l->mistakes, shown, 0, 0, "found a rule for this run, expected none: SENTINEL_POLICY_IMMUTABLE is set");
            continue;
        }
        struct rule_source *s = rule_source_adhoc(a->effect, a->text, shown, &l->mistakes);
        STR_AUTO label = xasprintf("command-line:#%zu", i + 1);
        struct rule *r = s ? policy_compile_rule(s, NULL, l->s->places, shown, label, COMMAND_LINE, &l->mistakes) : NULL;
        if (r)
            push_rule(l->policy, r);
        rule_source_free(s);
    }
}

/* The project's file stands before the -p policies when it is trusted. It may be the work of the agent, so until then only
 * its deny and ask rules count. */
static void place_project(struct loading *l)
{
    STR_AUTO path = xasprintf("%s/" PROJECT_FILE, l->s->places->workspace);
    STR_AUTO real = realpath(path, NULL);
    for (const char *const *p = l->s->policies; real && p && *p; p++) {
        STR_AUTO chosen = realpath(*p, NULL);
        if (chosen && !strcmp(chosen, real))
            return; /* the user's choice already */
    }
    char *text;
    size_t len;
    bool trusted;
    int r = policy_trust_read(l->s->places, path, &text, &len, &trusted);
    if (r == -ENOENT || r == -ENOTDIR)
        return;
    if (r) {
        mistakes_add(&l->mistakes, path, 0, 0, "found a file that cannot be read (%s), expected a policy",
                     r == -EINVAL ? "not a plain file" : strerror(-r));
        return;
    }
    struct policy_file *f = add_file(l, real ? real : path, path, text, len);
    free(text);
    if (!f)
        return;
    if (trusted) {
        place(l, f, NULL);
        return;
    }
    size_t before = l->policy->nrules;
    f->used = true;
    place_rules(l, f, NULL, true);
    l->policy->project_note = xasprintf("%s is not trusted: of it only deny and ask rules count (%zu of %zu rules); trust it as it is now "
                                        "with: sentinel-watch policy trust", path, l->policy->nrules - before, f->nrules);
}

static void place_layers(struct loading *l)
{
    const struct places *pl = l->s->places;
    STR_AUTO path = xasprintf("%s/sentinel-watch/policy.yaml", pl->config_home);
    struct policy_file *users = load_layer(l, path, !pl->home_is_ours);
    if (users)
        place(l, users, NULL);
    struct policy_file *sites = load_layer(l, SITE_FILE, false);
    if (sites) {
        place(l, sites, NULL);
        take_text(&l->policy->require_mode, sites->require_mode);
        take_text(&l->policy->require_baseline, sites->require_baseline);
        take_text(&l->policy->require_approval, sites->require_approval);
    }
}

static void name_files(struct loading *l)
{
    l->policy->files = xcalloc(l->nfiles + 1, sizeof *l->policy->files);
    size_t n = 0;
    for (size_t i = 0; i < l->nfiles; i++)
        if (l->file[i]->used)
            l->policy->files[n++] = xstrdup(l->file[i]->path);
}

int policy_load(const struct policy_sources *s, struct policy **ret, struct buf *mistakes, struct buf *warnings)
{
    struct loading l = {.s = s, .warnings = warnings, .policy = xcalloc(1, sizeof *l.policy)};
    l.policy->approval_timeout_ms = -1;
    if (!s->no_layers)
        push_rule(l.policy, policy_lookups_rule("/etc/resolv.conf"));
    place_adhoc(&l);
    if (!s->no_layers && !s->immutable)
        place_project(&l);
    place_chosen(&l);
    if (!s->no_layers)
        place_layers(&l);
    settle_settings(l.policy);
    name_files(&l);
    policy_protect(l.policy, s);
    bool failed = l.mistakes.n > 0;
    if (!failed) {
        policy_index_identity(l.policy, warnings);
        policy_index(l.policy);
    }
    mistakes_write(&l.mistakes, mistakes);
    mistakes_free(&l.mistakes);
    for (size_t i = 0; i < l.nfiles; i++) {
        struct policy_file *f = l.file[i];
        for (size_t r = 0; r < f->nrules; r++)
            if (!f->placed[r])
                rule_free(f->compiled[r]);
        policy_file_free(f);
    }
    free(l.file);
    if (failed) {
        policy_free(l.policy);
        return -1;
    }
    *ret = l.policy;
    return 0;
}
