#include "baseline.h"
#include "buf.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

bool baseline_vital(int nr)
{
    static const int vital[] = {
        /* starting, in any program */
        SYS_execve, SYS_execveat, SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_set_tid_address, SYS_set_robust_list, SYS_rseq,
#ifdef SYS_arch_prctl
        SYS_arch_prctl,
#endif
        /* ending, and signals */
        SYS_exit, SYS_exit_group, SYS_restart_syscall, SYS_rt_sigreturn, SYS_rt_sigprocmask,
        /* the launcher, while nobody listens yet (launch.c) */
        SYS_futex, SYS_close, SYS_close_range,
    };
    for (size_t i = 0; i < sizeof vital / sizeof *vital; i++)
        if (vital[i] == nr)
            return true;
    return false;
}

struct baseline_call *baseline_add(struct baseline *b, int nr, const char *name, const char *why, const struct baseline_rule *rule)
{
    struct baseline_call *c = &b->call[nr];
    if (!c->name)
        *c = (struct baseline_call){.name = name, .why = why, .otherwise = b->otherwise};
    if (rule) {
        c->rule = xrealloc(c->rule, (c->rules + 1) * sizeof *c->rule);
        c->rule[c->rules++] = *rule;
    }
    return c;
}

static bool test_holds(const struct baseline_test *t, const uint64_t args[6])
{
    uint64_t a = args[t->arg];
    switch (t->op) {
    case OP_NE: return a != t->value;
    case OP_LT: return a < t->value;
    case OP_LE: return a <= t->value;
    case OP_EQ: return a == t->value;
    case OP_GE: return a >= t->value;
    case OP_GT: return a > t->value;
    case OP_MASKED_EQ: return (a & t->mask) == t->value;
    }
    return false;
}

static bool rule_holds(const struct baseline_rule *r, const uint64_t args[6])
{
    for (int i = 0; i < r->tests; i++)
        if (!test_holds(&r->test[i], args))
            return false;
    return true;
}

/* A rule that refuses counts before one that allows. */
int baseline_refuses(const struct baseline *b, int nr, const uint64_t args[6])
{
    if (nr < 0 || nr > FILTER_NEWEST || !b->call[nr].name || baseline_vital(nr) || (nr == SYS_unshare && args[0] == CLONE_FILES))
        return 0;
    const struct baseline_call *c = &b->call[nr];
    bool allowed = false;
    for (size_t i = 0; i < c->rules; i++)
        if (rule_holds(&c->rule[i], args)) {
            if (c->rule[i].errnum)
                return c->rule[i].errnum;
            allowed = true;
        }
    return allowed ? 0 : c->otherwise;
}

/* What was trapped may be allowed by its arguments, or be another row's too. */
static enum next read_call(const struct calls_env *env, struct request *r)
{
    int e = baseline_refuses(env->baseline, r->notice.nr, r->notice.args);
    if (e) {
        r->refuse = e;
        r->why = env->baseline->call[r->notice.nr].why;
        r->label = env->baseline->label;
        return NEXT_JUDGE;
    }
    const struct call *next = calls_after(r->call, &r->notice);
    if (!next)
        return NEXT_PASS;
    r->call = next;
    return next->read(env, r);
}

static void add_row(struct baseline *b, int nr, struct filter_test *tests)
{
    b->rows = xrealloc(b->rows, (b->nrows + 2) * sizeof *b->rows);
    b->rows[b->nrows++] = (struct call){.nr = nr, .name = b->call[nr].name, .read = read_call, .pass = CONTINUE_BASELINE, .tests = tests};
    b->rows[b->nrows] = (struct call){.name = NULL};
}

static struct filter_test *one_test(int arg, enum filter_op op, uint64_t mask, uint64_t value)
{
    struct filter_test *t = xcalloc(2, sizeof *t);
    t[0] = (struct filter_test){arg, op, mask, value};
    t[1] = (struct filter_test){.arg = -1};
    return t;
}

/* Allowed under one condition only, whose opposite BPF can say: then what is allowed is not even trapped. */
static bool opposite_rows(struct baseline *b, int nr)
{
    const struct baseline_call *c = &b->call[nr];
    const struct baseline_test *t = c->rule ? c->rule->test : NULL;
    if (nr == SYS_unshare || c->rules != 1 || c->rule->errnum || c->rule->tests != 1)
        return false;
    if (t->op == OP_EQ) {
        add_row(b, nr, one_test(t->arg, FILTER_NE, 0, t->value));
    } else if (t->op == OP_NE) {
        add_row(b, nr, one_test(t->arg, FILTER_EQ, 0, t->value));
    } else if (t->op == OP_MASKED_EQ && !t->value) {
        for (int bit = 0; bit < 64; bit++)
            if (t->mask >> bit & 1)
                add_row(b, nr, one_test(t->arg, FILTER_MASKED_EQ, 1ULL << bit, 1ULL << bit));
    } else {
        return false;
    }
    return true;
}

/* Is the call allowed whatever its arguments? */
static bool never_refused(const struct baseline_call *c)
{
    bool allowed = !c->otherwise;
    for (size_t i = 0; i < c->rules; i++) {
        if (c->rule[i].errnum)
            return false;
        allowed = allowed || !c->rule[i].tests;
    }
    return allowed;
}

void baseline_finish(struct baseline *b)
{
    b->rows = xcalloc(1, sizeof *b->rows);
    for (int nr = 0; nr <= FILTER_NEWEST; nr++) {
        struct baseline_call *c = &b->call[nr];
        if (!c->name || baseline_vital(nr) || never_refused(c) || (c->otherwise && opposite_rows(b, nr)))
            continue;
        /* The launcher makes that one behind the filter, when nobody listens yet. */
        add_row(b, nr, nr == SYS_unshare ? one_test(0, FILTER_NE, 0, CLONE_FILES) : NULL);
    }
}

void baseline_free(struct baseline *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->nrows; i++)
        free((void *)b->rows[i].tests);
    for (int nr = 0; nr <= FILTER_NEWEST; nr++)
        free(b->call[nr].rule);
    free(b->rows);
    free(b->name);
    free(b->label);
    free(b);
}

/* ---- lines */

static bool number(const char *word, uint64_t *ret)
{
    char *end;
    errno = 0;
    *ret = word ? strtoull(word, &end, 0) : 0;
    return word && *word >= '0' && *word <= '9' && !*end && !errno;
}

static bool errnum_of(const char *word, int *ret)
{
    uint64_t n;
    if (!number(word, &n) || n > 4095) /* MAX_ERRNO */
        return false;
    *ret = (int)n;
    return true;
}

static bool read_test(char **save, const char *arg, struct baseline_test *ret)
{
    uint64_t n;
    const char *op = strtok_r(NULL, " ", save);
    if (!number(arg, &n) || n > 5 || !op)
        return false;
    ret->arg = (int)n;
    int i = 0;
    while (baseline_op_names[i] && strcmp(baseline_op_names[i], op))
        i++;
    ret->op = (enum baseline_op)i;
    return baseline_op_names[i] && number(strtok_r(NULL, " ", save), &ret->value) &&
           (ret->op != OP_MASKED_EQ || number(strtok_r(NULL, " ", save), &ret->mask));
}

static int read_rule(struct baseline *b, char **save, const char *why, struct err *err)
{
    struct baseline_rule rule = {0};
    const char *name = strtok_r(NULL, " ", save), *word;
    if (!name || !errnum_of(strtok_r(NULL, " ", save), &rule.errnum))
        return err_set(err, 0, "a line that is no rule");
    while ((word = strtok_r(NULL, " ", save)))
        if (rule.tests == 6 || !read_test(save, word, &rule.test[rule.tests++]))
            return err_set(err, 0, "a condition on %s that is none", name);
    int nr = filter_number(name);
    if (nr == FILTER_UNKNOWN && rule.errnum)
        return err_set(err, 0, "`%.60s`, which is refused, is no system call that this version knows", name);
    if (nr < 0 || nr > FILTER_NEWEST)
        return 0; /* another machine's, or one that is too new and answered with ENOSYS */
    if ((nr == SYS_socket || nr == SYS_socketpair) && rule.tests)
        for (int i = 0; i < rule.tests; i++)
            if (rule.test[i].arg)
                return err_set(err, 0, "%s: a condition on argument %d; only the family (argument 0) can be told apart", name, rule.test[i].arg);
    baseline_add(b, nr, filter_name(nr), why, &rule);
    return 0;
}

/* Everything that the file does not name. */
static void add_rest(struct baseline *b, const char *why)
{
    for (int nr = 0; b->otherwise && nr <= FILTER_NEWEST; nr++)
        if (!b->call[nr].name && filter_name(nr))
            baseline_add(b, nr, filter_name(nr), why, NULL);
}

struct baseline *baseline_read(const char *name, const char *lines, size_t len, struct err *err)
{
    static const char why[] = "the baseline's file does not allow it";
    struct baseline *b = xcalloc(1, sizeof *b);
    const char *slash = strrchr(name, '/');
    b->name = xstrdup(name);
    b->label = xasprintf("baseline:%s", slash ? slash + 1 : name);
    STR_AUTO text = xstrndup(lines, len);
    char *save = NULL, *words = NULL;
    bool said = false;
    int r = 0;
    for (char *line = strtok_r(text, "\n", &save); !r && line; line = strtok_r(NULL, "\n", &save)) {
        const char *kind = strtok_r(line, " ", &words);
        if (kind && !strcmp(kind, "otherwise") && !said)
            r = (said = errnum_of(strtok_r(NULL, " ", &words), &b->otherwise)) ? 0 : err_set(err, 0, "no default");
        else if (kind && !strcmp(kind, "call") && said)
            r = read_rule(b, &words, why, err);
        else
            r = err_set(err, 0, "a line that is neither a default nor a rule");
    }
    if (!r && !said)
        r = err_set(err, 0, "nothing");
    if (r) {
        baseline_free(b);
        return NULL;
    }
    add_rest(b, why);
    baseline_finish(b);
    return b;
}
