#include "policy_load.h"
#include "policy_compile.h"
#include "policy_find.h"
#include "policy_identity.h"
#include "policy_loading.h"
#include "policy_lookups.h"
#include "policy_protect.h"
#include "policy_trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_LINE "command line" /* cmd_run tells mistakes that start so from those of files: they end with status 2 */
#define POLICY_FLAG "--policy"
#define BASE_PROFILE "agent-base"
#define PROJECT_FILE ".sentinel-watch.yaml"

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
    struct asked by = {l->s->no_layers ? "policy" : POLICY_FLAG, 0, 0}; /* there no flag named it */
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
        STR_AUTO shown = xasprintf(COMMAND_LINE ", --%s", effect_names[a->effect]);
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
    l->policy->said = xcalloc(l->nfiles + 1, sizeof *l->policy->said);
    STR_AUTO cwd = getcwd(NULL, 0);
    struct buf source = {0};
    size_t n = 0;
    for (size_t i = 0; i < l->nfiles; i++)
        if (l->file[i]->used) {
            const char *said = l->file[i]->shown;
            l->policy->said[n] = said[0] == '/' ? xstrdup(said) : xasprintf("%s/%s", cwd ? cwd : "", said);
            l->policy->files[n++] = xstrdup(l->file[i]->path);
            buf_put(&source, l->file[i]->bytes, l->file[i]->len);
        }
    l->policy->source_len = source.len;
    l->policy->source = buf_steal(&source);
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
