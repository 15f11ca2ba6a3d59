/* Baselines: what is refused, and which rows the filter gets for it. */
#include "baseline.h"
#include "buf.h"
#include "trap.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static struct baseline *lines(const char *text)
{
    struct err err = {0};
    struct baseline *b = baseline_read("/x/mine.json", text, strlen(text), &err);
    cr_assert(b, "%s: %s", text, err.text);
    return b;
}

static int refused(const struct baseline *b, int nr, uint64_t a0, uint64_t a1)
{
    const uint64_t args[6] = {a0, a1};
    return baseline_refuses(b, nr, args);
}

static size_t rows_of(const struct baseline *b, int nr)
{
    size_t n = 0;
    for (size_t i = 0; i < b->nrows; i++)
        n += b->rows[i].nr == nr;
    return n;
}

Test(baseline, names)
{
    static const int vital[] = {SYS_execve, SYS_rseq, SYS_set_robust_list, SYS_futex, SYS_close_range, SYS_exit_group};
    for (size_t i = 0; baseline_names[i]; i++) {
        struct baseline *b = baseline_named(baseline_names[i]);
        for (size_t k = 0; k < sizeof vital / sizeof *vital; k++)
            cr_expect_eq(refused(b, vital[k], 0, 0), 0);
        for (size_t k = 0; k < b->nrows; k++)
            cr_expect_str_eq(b->rows[k].name, filter_name(b->rows[k].nr));
        cr_expect_eq(refused(b, SYS_unshare, CLONE_FILES, 0), 0, "the launcher's own");
        baseline_free(b);
    }
    struct baseline *off = baseline_named("none"), *mvp = baseline_named("mvp"), *strict = baseline_named("strict"), *datasci = baseline_named("datasci");
    cr_expect_str_eq(off->name, "off");
    cr_expect_eq(off->nrows, 0);
    cr_expect_str_eq(mvp->label, "baseline:mvp");
    cr_expect_null(baseline_named("custom"));
    for (int nr = 0; nr <= FILTER_NEWEST; nr++) {
        cr_expect(!rows_of(mvp, nr) || rows_of(datasci, nr), "%s of mvp is in datasci", filter_name(nr));
        cr_expect(!rows_of(datasci, nr) || rows_of(strict, nr), "%s of datasci is in strict", filter_name(nr));
    }
    cr_expect_eq(refused(strict, SYS_personality, 0xffffffff, 0), 0);
    cr_expect_eq(refused(strict, SYS_personality, 0x40000, 0), EPERM);
    cr_expect_eq(refused(mvp, SYS_personality, 0x40000, 0), 0);
    cr_expect_eq(refused(strict, SYS_mbind, 0, 0), EPERM);
    cr_expect_eq(refused(datasci, SYS_mbind, 0, 0), 0);
}

Test(baseline, conditions)
{
    static const struct {
        const char *words;
        uint64_t holds, fails;
    } op[] = {{"ne 5", 4, 5}, {"lt 5", 4, 5}, {"le 5", 5, 6}, {"eq 0x5", 5, 4}, {"ge 5", 5, 4}, {"gt 18446744073709551614", UINT64_MAX, 5},
              {"masked_eq 4 0xc", 0x14, 0xc}};
    for (size_t i = 0; i < sizeof op / sizeof *op; i++) {
        STR_AUTO allow = xasprintf("otherwise 13\ncall mkdir 0 1 %s\n", op[i].words);
        STR_AUTO deny = xasprintf("otherwise 0\ncall mkdir 38 1 %s\n", op[i].words);
        struct baseline *a = lines(allow), *d = lines(deny);
        cr_expect_eq(refused(a, SYS_mkdir, 0, op[i].holds), 0, "%s", allow);
        cr_expect_eq(refused(a, SYS_mkdir, 0, op[i].fails), EACCES, "%s", allow);
        cr_expect_eq(refused(d, SYS_mkdir, 0, op[i].holds), ENOSYS, "%s", deny);
        cr_expect_eq(refused(d, SYS_mkdir, 0, op[i].fails), 0, "%s", deny);
        cr_expect_eq(refused(a, SYS_rmdir, 0, 0), EACCES);
        cr_expect_eq(refused(d, SYS_rmdir, 0, 0), 0);
        baseline_free(a);
        baseline_free(d);
    }
    struct baseline *b = lines("otherwise 1\ncall mkdir 0\ncall mkdir 2 0 eq 7 1 eq 8\ncall rmdir 0 0 eq 1\ncall rmdir 0 0 eq 2\ncall chdir 0 0 eq 1\ncall chdir 1\n");
    cr_expect_eq(refused(b, SYS_mkdir, 7, 8), ENOENT, "what refuses counts first");
    cr_expect_eq(refused(b, SYS_mkdir, 7, 9), 0);
    cr_expect(!refused(b, SYS_rmdir, 1, 0) && !refused(b, SYS_rmdir, 2, 0) && refused(b, SYS_rmdir, 3, 0), "alternatives");
    cr_expect_eq(refused(b, SYS_chdir, 1, 0), EPERM);
    baseline_free(b);
}

Test(baseline, what_bpf_can_say_is_not_notified)
{
    struct baseline *b = lines("otherwise 1\ncall getpid 0\ncall mkdir 0 1 eq 5\ncall rmdir 0 0 ne 5\ncall clone 0 0 masked_eq 0 0x60000000\ncall chdir 0 0 lt 5\n");
    cr_expect_eq(rows_of(b, SYS_getpid), 0);
    cr_expect_eq(rows_of(b, SYS_mkdir), 1);
    cr_expect_eq(rows_of(b, SYS_clone), 2);
    for (size_t i = 0; i < b->nrows; i++) {
        const struct filter_test *t = b->rows[i].tests;
        if (b->rows[i].nr == SYS_mkdir)
            cr_expect(t->arg == 1 && t->op == FILTER_NE && t->value == 5);
        if (b->rows[i].nr == SYS_rmdir)
            cr_expect(t->arg == 0 && t->op == FILTER_EQ && t->value == 5);
        if (b->rows[i].nr == SYS_chdir)
            cr_expect_null(t);
        if (b->rows[i].nr == SYS_unshare)
            cr_expect(t->op == FILTER_NE && t->value == CLONE_FILES);
    }
    /* Everything refused, and socket families in part: the filter can be made, in both modes. */
    struct baseline *all = lines("otherwise 1\n"), *some = lines("otherwise 1\ncall socket 0 0 eq 1\ncall socketpair 0 0 eq 1\n");
    const struct baseline *each[] = {b, all, some};
    for (int i = 0; i < 6; i++) {
        struct trap_config c = {.enforce = i % 2, .baseline = each[i / 2]};
        struct filter f;
        struct err err = {0};
        cr_assert_eq(trap_build(&c, &f, &err), 0, "%s", err.text);
        filter_free(&f);
    }
    cr_expect_eq(refused(some, SYS_socket, AF_UNIX, 0), 0);
    cr_expect_eq(refused(some, SYS_socket, AF_INET, 0), EPERM);
    baseline_free(b);
    baseline_free(all);
    baseline_free(some);
}

Test(baseline, lines_that_are_none)
{
    static const char *const bad[] = {"", "call mkdir 0\n", "otherwise\n", "otherwise x\n", "otherwise 1\notherwise 0\n", "otherwise 0\ncall\n",
                                      "otherwise 0\ncall mkdir\n", "otherwise 0\ncall mkdir 4096\n", "otherwise 0\ncall mkdir 1 6 eq 0\n",
                                      "otherwise 0\ncall mkdir 1 0 is 0\n", "otherwise 0\ncall mkdir 1 0 eq\n", "otherwise 0\ncall mkdir 1 0 masked_eq 1\n",
                                      "otherwise 0\ncall mkdir 1 0 eq -1\n", "otherwise 0\ncall no_such_call 1\n", "otherwise 0\nmore\n",
                                      "otherwise 0\ncall mkdir 1 0 eq 1 1 eq 1 2 eq 1 3 eq 1 4 eq 1 5 eq 1 0 eq 1\n",
                                      "otherwise 0\ncall socket 1 1 eq 1\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        cr_expect_null(baseline_read("b", bad[i], strlen(bad[i]), &err), "`%s` was accepted", bad[i]);
        cr_expect(err.text[0]);
    }
    struct baseline *b = lines("otherwise 1\ncall no_such_call 0\ncall arm_fadvise64_64 0\n"); /* others' and unknown ones may be allowed */
    baseline_free(b);
}
