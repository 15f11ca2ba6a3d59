/* explain [-p ...] VERB TARGET [ARG...]: the steps of the one evaluator, then the verdict. 0 allow, 10 ask, 11 deny. */
#include "command.h"
#include "log.h"
#include "mistakes.h"
#include "policy_vars.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_step(void *arg, const char *step)
{
    if (strncmp(step, "verdict:", 8)) /* print_verdict says it with its place */
        printf("%s%s\n", step[0] >= '1' && step[0] <= '9' && step[1] == ' ' ? "  " : "", step);
}

static int find_verb(const char *word)
{
    for (int v = 0; v < VERB_COUNT; v++)
        if (!strcmp(verb_names[v], word))
            return v;
    STR_AUTO found = found_text(word);
    STR_AUTO nearest = nearest_text(word, verb_names);
    log_warn("found %s, expected a verb: read, write, exec, connect or bind%s", found, nearest);
    return -1;
}

static void print_verdict(const struct decision *d)
{
    printf("%s: %s (%s)", effect_names[d->effect], d->label ? d->label : "the built-in default", d->at ? d->at : "no file says otherwise");
    if (d->effect == EFFECT_DENY)
        printf(", the call fails with %s", strerrorname_np(d->errnum));
    putchar('\n');
    if (d->message)
        printf("  %s\n", d->message);
}

int verb_explain(int argc, char **argv)
{
    VERB_ARGS a = {0};
    int status = verb_args_read(&a, argc, argv);
    if (status)
        return status;
    if (a.argc < 2) {
        log_warn("found %d words, expected VERB TARGET [ARG...]: policy explain write ~/.bashrc", a.argc);
        return 2;
    }
    int verb = find_verb(a.argv[0]);
    if (verb < 0)
        return 2;
    struct vars vars = {&a.places, NULL};
    struct err err;
    size_t column;
    struct need need;
    STR_AUTO target = vars_expand(&vars, a.argv[1], VARS_PLAIN, &column, &err);
    if (target && verb == VERB_EXEC && !strchr(target, '/')) { /* a bare name means what a shell would run, when there is one */
        char *found;
        struct err not_found;
        if (!command_find(target, &found, &not_found)) {
            free(target);
            target = found;
        }
    }
    if (!target || need_from_text((enum verb)verb, target, &need, &err)) {
        log_warn("%s", err.text);
        return 2;
    }
    struct policy *p = verb_policy(&a);
    if (!p) {
        target_free(&need.target);
        return 125;
    }
    /* argv[0] of the program would be the target; the words behind it are its arguments. None said: unknown. */
    struct decision d = decide_need(p, &need, verb == VERB_EXEC && a.argc > 2 ? a.argv + 1 : NULL, print_step, NULL);
    print_verdict(&d);
    target_free(&need.target);
    policy_free(p);
    return d.effect == EFFECT_ALLOW ? 0 : d.effect == EFFECT_ASK ? 10 : 11;
}
