#include "policy.h"

#include "pattern.h"
#include "policy_index.h"
#include <stdlib.h>
#include <string.h>

const char *const effect_names[] = {"allow", "ask", "deny", NULL};
const char *const mode_names[] = {"enforce", "log", "off", NULL};
const char *const expose_names[EXPOSE_COUNT + 1] = {
    [EXPOSE_DBUS] = "dbus",     [EXPOSE_X11] = "x11",         [EXPOSE_WAYLAND] = "wayland",     [EXPOSE_TMUX] = "tmux",
    [EXPOSE_DOCKER] = "docker", [EXPOSE_SYSTEMD] = "systemd", [EXPOSE_SSH_AGENT] = "ssh-agent", [EXPOSE_GPG_AGENT] = "gpg-agent",
};

static void strings_free(char **v)
{
    for (size_t i = 0; v && v[i]; i++)
        free(v[i]);
    free(v);
}

static void paths_free(struct path_pattern **v)
{
    for (size_t i = 0; v && v[i]; i++)
        path_pattern_free(v[i]);
    free(v);
}

void rule_free(struct rule *r)
{
    if (!r)
        return;
    for (size_t i = 0; r->to && r->to[i]; i++)
        address_pattern_free(r->to[i]);
    free(r->to);
    paths_free(r->path);
    paths_free(r->except);
    paths_free(r->by);
    paths_free(r->under);
    strings_free(r->argv);
    free(r->name);
    free(r->label);
    free(r->at);
    free(r->message);
    free(r);
}

static void rules_free(struct rule **v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rule_free(v[i]);
    free(v);
}

void policy_free(struct policy *p)
{
    if (!p)
        return;
    rules_free(p->rules, p->nrules);
    rules_free(p->protections, p->nprotections);
    for (int v = 0; v < VERB_COUNT; v++) {
        free(p->defaults.at[v]);
        free(p->defaults.label[v]);
    }
    for (size_t i = 0; i < p->ntests; i++) {
        free(p->tests[i].at);
        free(p->tests[i].target);
        strings_free(p->tests[i].argv);
        free(p->tests[i].by_rule);
    }
    free(p->tests);
    free(p->identity);
    free(p->baseline);
    free(p->source);
    free(p->approval);
    free(p->proxy);
    strings_free(p->env_drop);
    strings_free(p->env_keep);
    free(p->advice);
    free(p->require_mode);
    free(p->require_baseline);
    free(p->require_approval);
    free(p->name);
    strings_free(p->files);
    strings_free(p->said);
    free(p->project_note);
    policy_index_free(p->index);
    free(p);
}

static bool any_restricts(struct rule *const *v, size_t n, enum verb verb)
{
    for (size_t i = 0; i < n; i++)
        if (v[i]->effect != EFFECT_ALLOW && v[i]->verbs & 1u << verb)
            return true;
    return false;
}

bool policy_mentions_verb(const struct policy *p, enum verb v)
{
    return p->defaults.effect[v] != EFFECT_ALLOW || any_restricts(p->protections, p->nprotections, v) ||
           any_restricts(p->rules, p->nrules, v);
}

bool policy_mentions_own(const struct policy *p)
{
    for (size_t i = 0; i < p->nrules; i++)
        for (struct address_pattern **to = p->rules[i]->to; to && *to; to++) {
            const char *t = address_pattern_text(*to);

            if (!strncmp(t, "tcp:", 4) || !strncmp(t, "udp:", 4))
                t += 4;
            if (!strncmp(t, "own", 3) && (!t[3] || t[3] == ':'))
                return true;
        }
    return false;
}

/* ---- one rule against one right */

static bool any_path(struct path_pattern *const *v, const char *path)
{
    for (; *v; v++)
        if (path_pattern_match(*v, path))
            return true;
    return false;
}

/* A bind to every address: a deny of some of them holds, allowing some of them is not enough. */
static bool to_matches(const struct rule *r, const struct need *n)
{
    bool every = n->verb == VERB_BIND && n->target.addr.wildcard;
    for (struct address_pattern **to = r->to; *to; to++)
        if (every ? address_pattern_match_wildcard(*to, &n->target, r->effect != EFFECT_ALLOW) : address_pattern_match(*to, &n->target))
            return true;
    return false;
}

bool rule_names(const struct rule *r, const struct need *n)
{
    const struct target *t = &n->target;
    if (t->kind == TARGET_ANONYMOUS) /* allow and ask have to say it; a deny of every program holds for these too */
        return r->anonymous || (r->effect == EFFECT_DENY && !r->path && !r->to);
    if (t->path && r->except && any_path(r->except, t->path))
        return false;
    if (r->to)
        return t->kind == TARGET_ADDRESS && to_matches(r, n);
    if (r->path)
        return t->path && any_path(r->path, t->path);
    return !r->anonymous;
}

/* What is known, what is not. */
enum known { NO, YES, UNKNOWN };

static bool counts(const struct rule *r, enum known k)
{
    return k == YES || (k == UNKNOWN && r->effect != EFFECT_ALLOW);
}

static enum known argv_matches(const struct rule *r, char *const *argv)
{
    if (!argv)
        return UNKNOWN;
    char *const *a = argv[0] ? argv + 1 : argv; /* argv[0] is the agent's to choose */
    char *const *w = r->argv;
    for (; w && *w; w++, a++) {
        if (!*a)
            return NO;
        if (r->argv_match == ARGV_GLOB ? !glob_match(*w, *a) : strcmp(*w, *a))
            return NO;
    }
    return r->argv_match == ARGV_PREFIX || !*a ? YES : NO;
}

static enum known by_matches(const struct rule *r, const struct process *p)
{
    if (!p || !p->exe || !p->exe[0])
        return UNKNOWN;
    return any_path(r->by, p->exe) ? YES : NO;
}

static enum known under_matches(const struct rule *r, const struct process *p)
{
    if (!p)
        return UNKNOWN;
    enum known k = p->lineage_known ? NO : UNKNOWN;
    for (const struct process *a = p->parent; a; a = a->parent) {
        if (!a->exe || !a->exe[0])
            k = UNKNOWN;
        else if (any_path(r->under, a->exe))
            return YES;
    }
    return k;
}

static bool caller_matches(const struct rule *r, enum verb verb, char *const *argv, const struct process *process, bool any_caller)
{
    if (any_caller && r->effect != EFFECT_ALLOW)
        return true;
    if (r->argv_match != ARGV_NONE && verb == VERB_EXEC && !counts(r, argv_matches(r, argv)))
        return false;
    return (!r->by || counts(r, by_matches(r, process))) && (!r->under || counts(r, under_matches(r, process)));
}

bool rule_matches(const struct rule *r, const struct need *n, char *const *argv, const struct process *process, bool any_caller)
{
    return r->verbs & 1u << n->verb && rule_names(r, n) && caller_matches(r, n->verb, argv, process, any_caller);
}

bool rule_matches_file(const struct rule *r, const struct need *n, char *const *argv, const struct process *process, bool any_caller)
{
    if (!(r->verbs & 1u << n->verb) || (n->target.path && r->except && any_path(r->except, n->target.path)))
        return false;
    return caller_matches(r, n->verb, argv, process, any_caller);
}

const struct path_pattern *rule_pattern(const struct rule *r, size_t i)
{
    for (struct path_pattern **p = r->path; p && *p; p++)
        if (!i--)
            return *p;
    for (struct address_pattern **a = r->to; a && *a; a++)
        if (address_pattern_path(*a) && !i--)
            return address_pattern_path(*a);
    return NULL;
}

int rule_place(const struct rule *r, const char *folder)
{
    const struct path_pattern *p;
    int where = 0;
    for (size_t i = 0; (p = rule_pattern(r, i)); i++)
        if (path_pattern_inside(p, folder))
            where |= strcmp(path_pattern_literal(p), folder) ? RULE_BELOW : RULE_AT;
    return where;
}
