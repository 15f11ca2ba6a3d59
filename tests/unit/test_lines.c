#include "lines.h"
#include <criterion/criterion.h>
#include <stdio.h>

static struct line_key key(const char *name, bool together)
{
    struct line_key k = {.together = together};

    k.n = (size_t)snprintf(k.name, sizeof k.name, "%s", name);
    return k;
}

Test(lines, one_after_the_other)
{
    struct lines *l = lines_new();
    struct line_key a = key("a", false), b = key("b", false);
    struct stander s[4] = {0}, other = {0};

    cr_assert_eq(lines_join(l, &a, &s[0]), LINE_FIRST);
    cr_assert_eq(lines_join(l, &b, &other), LINE_FIRST, "another thing, another line");
    for (int i = 1; i < 4; i++)
        cr_assert_eq(lines_join(l, &a, &s[i]), LINE_BEHIND);
    cr_assert_null(lines_let_go(l, &s[0]), "it does not go together");
    cr_assert(lines_leave(l, &s[2]));
    cr_assert_not(lines_leave(l, &s[0]), "the first is with whoever acts for it");
    cr_assert_eq(lines_next(l, &s[0]), &s[1]);
    cr_assert_eq(lines_next(l, &s[1]), &s[3]);
    cr_assert_null(lines_next(l, &s[3]));
    cr_assert_null(lines_next(l, &s[3]), "in no line");
    cr_assert_eq(lines_join(l, &a, &s[1]), LINE_FIRST, "the line is gone, so it is the first again");
    cr_assert_null(lines_next(l, &other));
}

Test(lines, let_go_together)
{
    struct lines *l = lines_new();
    struct line_key a = key("a", true);
    struct stander s[5] = {0}, *all;
    int n = 0;

    for (int i = 0; i < 4; i++)
        lines_join(l, &a, &s[i]);
    all = lines_let_go(l, &s[0]);
    for (struct stander *i = all; i; i = i->next)
        cr_assert_eq(i, &s[++n]);
    cr_assert_eq(n, 3);
    cr_assert_not(lines_leave(l, &s[2]));
    cr_assert_eq(lines_join(l, &a, &s[4]), LINE_BEHIND, "who comes afterwards was not let go");
    cr_assert_eq(lines_next(l, &s[0]), &s[4]);
}

Test(lines, told_to_leave_before_it_stands)
{
    struct lines *l = lines_new();
    struct line_key a = key("a", false);
    struct stander first = {0}, s = {0};

    lines_join(l, &a, &first);
    cr_assert_not(lines_leave(l, &s));
    cr_assert_eq(lines_join(l, &a, &s), LINE_STOPPED);
    cr_assert_null(lines_next(l, &first));
}
