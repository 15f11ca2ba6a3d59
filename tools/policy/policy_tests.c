#include "verbs.h"

#include <stdlib.h>
#include <string.h>

/* by_rule names a rule as its own file does (NAME), or as every other does (FILE:NAME). */
static bool rule_is(const struct decision *d, const char *by_rule)
{
    if (!d->label)
        return false;
    const char *colon = strchr(d->label, ':');
    return !strcmp(d->label, by_rule) || (colon && !strcmp(colon + 1, by_rule));
}

/* argv[0] is the program; the rules count from argv[1]. NULL: not said, so unknown. */
static char **whole_argv(const struct policy_test *t)
{
    size_t n = 0;
    while (t->argv && t->argv[n])
        n++;
    char **argv = t->argv ? xcalloc(n + 2, sizeof *argv) : NULL;
    if (argv)
        argv[0] = t->target;
    for (size_t i = 0; i < n; i++)
        argv[i + 1] = t->argv[i];
    return argv;
}

static bool run(const struct policy *p, const struct policy_test *t, struct buf *out)
{
    struct need need;
    struct err err;
    if (need_from_text(t->verb, t->target, &need, &err)) {
        buf_printf(out, "%s: %s\n", t->at, err.text);
        return false;
    }
    char **argv = whole_argv(t);
    struct decision d = decide_need(p, &need, argv, NULL, NULL);
    free(argv);
    target_free(&need.target);
    bool fine = d.effect == t->expect && (!t->by_rule || rule_is(&d, t->by_rule));
    if (!fine) {
        buf_printf(out, "%s: found that %s ", t->at, verb_names[t->verb]);
        buf_escape(out, t->target, strlen(t->target));
        buf_printf(out, " is %s (%s%s%s), expected %s%s%s\n", effect_names[d.effect], d.label ? d.label : "built in", d.at ? ", " : "",
                   d.at ? d.at : "", effect_names[t->expect], t->by_rule ? " by " : "", t->by_rule ? t->by_rule : "");
    }
    return fine;
}

size_t policy_run_tests(const struct policy *p, struct buf *out)
{
    size_t failed = 0;
    for (size_t i = 0; i < p->ntests; i++)
        failed += !run(p, &p->tests[i], out);
    return failed;
}
