/* check [FILE|NAME...]: every mistake, every rule that can never match, every test of the file that does not hold. Without a
 * name: the policy that a run here would have, with its layers. 0 clean, 1 findings. */
#include "policy_shadow.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

static bool check_one(const struct verb_args *a, const char *name)
{
    BUF_AUTO findings = {0};
    BUF_AUTO warnings = {0};
    struct policy *p = verb_policy_alone(a, name, &findings, &warnings);
    if (p) {
        policy_shadowed(p, &findings);
        policy_run_tests(p, &findings);
    }
    if (warnings.len)
        fputs(warnings.data, stdout);
    if (findings.len)
        fputs(findings.data, stdout);
    else
        printf("%s: clean, %zu rules, %zu tests\n", name, p->nrules, p->ntests);
    bool clean = p && !findings.len;
    policy_free(p);
    return clean;
}

int verb_check(int argc, char **argv)
{
    VERB_ARGS a = {0};
    int status = verb_args_read(&a, argc, argv);
    if (status)
        return status;
    if (!a.argc) {
        struct policy *p = verb_policy(&a);
        BUF_AUTO findings = {0};
        if (p) {
            policy_run_tests(p, &findings);
            fputs(findings.len ? findings.data : "", stdout);
            if (!findings.len)
                printf("%s and its layers: clean, %zu rules, %zu tests\n", p->name, p->nrules, p->ntests);
        }
        status = !p || findings.len;
        policy_free(p);
        return status;
    }
    for (int i = 0; i < a.argc; i++)
        if (!check_one(&a, a.argv[i]))
            status = 1;
    return status;
}
