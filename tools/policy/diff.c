/* diff A B: two policies, each with what it extends, compared by what they mean: settings, and rules in their order, with their
 * variables filled in. 0 same, 1 differ. */
#include "log.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lines {
    char **line;
    size_t n;
};

static void add_line(struct lines *l, char *line)
{
    l->line = xrealloc(l->line, (l->n + 1) * sizeof *l->line);
    l->line[l->n++] = line;
}

static int lines_of(const struct verb_args *a, const char *name, struct lines *ret)
{
    BUF_AUTO mistakes = {0};
    BUF_AUTO warnings = {0};
    struct policy *p = verb_policy_alone(a, name, &mistakes, &warnings);
    if (!p) {
        log_warn("%s does not load:\n%.*s", name, (int)(mistakes.len - 1), mistakes.data);
        return -1;
    }
    BUF_AUTO settings = {0};
    settings_text(p, &settings);
    char *rest;
    for (char *s = strtok_r(settings.data, "\n", &rest); s; s = strtok_r(NULL, "\n", &rest))
        add_line(ret, xstrdup(s));
    for (size_t i = 0; i < p->nrules; i++) {
        struct buf b = {0};
        rule_text(p->rules[i], true, &b);
        add_line(ret, buf_steal(&b));
    }
    policy_free(p);
    return 0;
}

/* The longest common subsequence of the two, and what is not in it. */
static bool print_differences(const struct lines *a, const struct lines *b)
{
    size_t w = b->n + 1, i = 0, j = 0;
    unsigned *common = xcalloc((a->n + 1) * w, sizeof *common);
    for (size_t x = a->n; x-- > 0;)
        for (size_t y = b->n; y-- > 0;) {
            unsigned down = common[(x + 1) * w + y], right = common[x * w + y + 1];
            common[x * w + y] = !strcmp(a->line[x], b->line[y]) ? common[(x + 1) * w + y + 1] + 1 : down > right ? down : right;
        }
    bool differ = false;
    while (i < a->n || j < b->n) {
        if (i < a->n && j < b->n && !strcmp(a->line[i], b->line[j])) {
            i++;
            j++;
            continue;
        }
        differ = true;
        if (j >= b->n || (i < a->n && common[(i + 1) * w + j] >= common[i * w + j + 1]))
            printf("- %s\n", a->line[i++]);
        else
            printf("+ %s\n", b->line[j++]);
    }
    free(common);
    return differ;
}

int verb_diff(int argc, char **argv)
{
    VERB_ARGS args = {0};
    int status = verb_args_read(&args, argc, argv);
    if (status)
        return status;
    if (args.argc != 2) {
        log_warn("found %d policies, expected two: policy diff A B", args.argc);
        return 2;
    }
    struct lines a = {0}, b = {0};
    status = lines_of(&args, args.argv[0], &a) || lines_of(&args, args.argv[1], &b) ? 125 : print_differences(&a, &b);
    struct lines *both[] = {&a, &b};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < both[k]->n; i++)
            free(both[k]->line[i]);
        free(both[k]->line);
    }
    return status;
}
