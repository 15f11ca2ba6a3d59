#include "log.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

/* Does this flag take its value from the next word? */
static bool takes_next(const char *word)
{
    char letter;
    const char *value, *name;
    if (word[1] == '-' && strchr(word, '='))
        return false;
    for (size_t i = 0; (name = options_name(i, &letter, &value)); i++)
        if (word[1] == '-' ? !strcmp(word, name) : letter == word[1] && !word[2])
            return value != NULL;
    return false;
}

int verb_args_read(struct verb_args *a, int argc, char **argv)
{
    int n = 1;
    while (n < argc && argv[n][0] == '-' && argv[n][1] && strcmp(argv[n], "--"))
        n += takes_next(argv[n]) && n + 1 < argc ? 2 : 1;
    struct err err;
    if (options_parse(&a->options, n, argv, &err) || options_environment(&a->options, &err) ||
        places_find(&a->places, a->options.workspace ? a->options.workspace : ".", &err)) {
        log_warn("%s", err.text);
        return err.status;
    }
    a->argc = argc - n;
    a->argv = argv + n;
    return 0;
}

void verb_args_free(struct verb_args *a)
{
    options_free(&a->options);
}

static struct policy *load(const struct policy_sources *s, struct buf *mistakes, struct buf *warnings)
{
    struct policy *p;
    return policy_load(s, &p, mistakes, warnings) ? NULL : p;
}

struct policy *verb_policy(const struct verb_args *a)
{
    const struct options *o = &a->options;
    bool command = a->argc > 1 && !strcmp(a->argv[0], "--");
    struct policy_sources s = {.policies = (const char *const *)o->policies, .command = command ? a->argv[1] : NULL, .adhoc = o->adhoc,
                               .nadhoc = o->nadhoc, .places = &a->places, .immutable = o->immutable};
    BUF_AUTO mistakes = {0};
    BUF_AUTO warnings = {0};
    struct policy *p = load(&s, &mistakes, &warnings);
    if (warnings.len)
        log_warn("%.*s", (int)(warnings.len - 1), warnings.data);
    if (!p)
        log_warn("the policy does not load:\n%.*s", (int)(mistakes.len - 1), mistakes.data);
    else if (p->project_note)
        log_note("%s", p->project_note);
    return p;
}

struct policy *verb_policy_alone(const struct verb_args *a, const char *name, struct buf *mistakes, struct buf *warnings)
{
    const char *names[] = {name, NULL};
    struct policy_sources s = {.policies = names, .places = &a->places, .no_layers = true};
    return load(&s, mistakes, warnings);
}
