#include "policy_shadow.h"
#include "pattern.h"

#include <string.h>

/* The literal parts tell most pairs apart at once. */
static bool path_covered(const struct path_pattern *a, const struct path_pattern *b)
{
    const char *folder = path_pattern_literal(a);
    return (!*folder || path_within(path_pattern_literal(b), folder)) && path_pattern_covers(a, b);
}

static bool paths_covered(struct path_pattern *const *a, struct path_pattern *const *b)
{
    for (; *b; b++) {
        struct path_pattern *const *c = a;
        while (*c && !path_covered(*c, *b))
            c++;
        if (!*c)
            return false;
    }
    return true;
}

static bool addresses_covered(struct address_pattern *const *a, struct address_pattern *const *b)
{
    for (; *b; b++) {
        struct address_pattern *const *c = a;
        while (*c && !address_pattern_covers(*c, *b))
            c++;
        if (!*c)
            return false;
    }
    return true;
}

/* Does a match whatever b matches? May say no wrongly. */
static bool covers(const struct rule *a, const struct rule *b)
{
    if ((b->verbs & ~a->verbs) || a->argv_match != ARGV_NONE || a->by || a->under || a->except || a->stricter_only)
        return false;
    /* a rule of every program still leaves programs without a file to those that name them */
    if (b->anonymous && !a->anonymous)
        return false;
    if (a->path && (!b->path || !paths_covered(a->path, b->path)))
        return false;
    if (a->to && (!b->to || !addresses_covered(a->to, b->to)))
        return false;
    return a->path || a->to || !a->anonymous;
}

static bool same_file(const struct rule *a, const struct rule *b)
{
    const char *x = strrchr(a->at, ':'), *y = strrchr(b->at, ':');
    return x && y && x - a->at == y - b->at && !strncmp(a->at, b->at, (size_t)(x - a->at));
}

static const struct rule *shadow_of(const struct policy *p, size_t i)
{
    const struct rule *b = p->rules[i];
    for (size_t k = 0; k < p->nrules; k++) {
        const struct rule *a = p->rules[k];
        if (k == i || !covers(a, b))
            continue;
        bool hard = a->hard && !(b->hard && k > i);
        if (hard || (k < i && !b->hard && same_file(a, b)))
            return a;
    }
    return NULL;
}

size_t policy_shadowed(const struct policy *p, struct buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < p->nrules; i++) {
        const struct rule *a = shadow_of(p, i);
        if (!a)
            continue;
        n++;
        buf_printf(out, "%s: found the rule %s, which can never match: %s (%s) covers it\n", p->rules[i]->at, p->rules[i]->label, a->label,
                   a->at);
    }
    return n;
}
