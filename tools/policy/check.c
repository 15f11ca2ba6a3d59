/* check [FILE|NAME...]: every mistake, every rule that can never match, every folder that is denied without what is in it, every test of the file that does not hold. Without a
 * name: the policy that a run here would have, with its layers. 0 clean, 1 findings. */
#include "baseline_words.h"
#include "pattern.h"
#include "policy_shadow.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Who denies a folder means what is in it, and a pattern without a glob is the folder's own name only. */
static void folders_only(const struct policy *p, struct buf *out)
{
    for (size_t i = 0; i < p->nrules; i++) {
        const struct rule *r = p->rules[i];
        if (r->effect == EFFECT_ALLOW || !r->path || !(r->verbs & (1u << VERB_READ | 1u << VERB_WRITE)))
            continue;
        for (struct path_pattern **a = r->path; *a; a++) {
            const char *folder = path_pattern_literal(*a);
            struct stat st;
            if (!path_pattern_is_exact(*a) || stat(folder, &st) || !S_ISDIR(st.st_mode))
                continue;
            struct path_pattern **b = r->path;
            while (*b && (b == a || !path_pattern_inside(*b, folder)))
                b++;
            if (!*b)
                buf_printf(out, "%s: found %s, a folder, which names the folder itself and nothing in it; expected %s/**\n", r->at,
                           path_pattern_text(*a), path_pattern_text(*a));
        }
    }
}

static void baseline_file(const struct policy *p, struct buf *out)
{
    BUF_AUTO lines = {0};
    struct err err;
    if (baseline_is_file(p->baseline) && baseline_lines(p->baseline, &lines, &err))
        buf_printf(out, "%s: %s\n", p->baseline, err.text);
}

static bool check_one(const struct verb_args *a, const char *name)
{
    BUF_AUTO findings = {0};
    BUF_AUTO warnings = {0};
    struct policy *p = verb_policy_alone(a, name, &findings, &warnings);
    if (p) {
        policy_shadowed(p, &findings);
        folders_only(p, &findings);
        baseline_file(p, &findings);
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
