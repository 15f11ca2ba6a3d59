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

/* Does an exception of a leave something of b alone? Told only where each pattern of b is one plain path; else yes. */
static bool excepted(const struct rule *a, const struct rule *b)
{
    if (!a->except)
        return false;
    if (!b->path || !a->path || a->to)
        return true;
    for (struct path_pattern *const *p = b->path; *p; p++) {
        if (!path_pattern_is_exact(*p))
            return true;
        for (struct path_pattern *const *e = a->except; *e; e++)
            if (path_pattern_match(*e, path_pattern_literal(*p)))
                return true;
    }
    return false;
}

/* Does a match whatever b matches? May say no wrongly. */
static bool covers(const struct rule *a, const struct rule *b)
{
    if ((b->verbs & ~a->verbs) || a->argv_match != ARGV_NONE || a->by || a->under || excepted(a, b) || a->stricter_only)
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
        buf_printf(out, "%s: found the rule %s, which can never match: %s (%s) covers it", p->rules[i]->at, p->rules[i]->label, a->label,
                   a->at);
        if (a->hard && a->name && !same_file(a, p->rules[i]))
            buf_printf(out, " and is hard: only `without: [%s]` takes it away", a->label);
        buf_putc(out, '\n');
    }
    return n;
}
