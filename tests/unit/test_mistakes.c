#include "mistakes.h"

#include <criterion/criterion.h>

Test(mistakes, nearest)
{
    static const char *const names[] = {"read", "write", "exec", "connect", "bind", NULL};
    cr_assert_str_eq(nearest_name("raed", names), "read");
    cr_assert_str_eq(nearest_name("writ", names), "write");
    cr_assert_str_eq(nearest_name("conect", names), "connect");
    cr_assert_str_eq(nearest_name("bnid", names), "bind");
    cr_assert_null(nearest_name("open", names));
    cr_assert_null(nearest_name("", names));
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    cr_assert_null(nearest_name(longer, names));
}

Test(mistakes, told_by_file_line_and_column_and_once)
{
    struct mistakes m = {0};
    struct buf out = {0};
    mistakes_add(&m, "b.yaml", 7, 1, "later");
    mistakes_add(&m, "a.yaml", 2, 9, "second");
    mistakes_add(&m, "b.yaml", 7, 1, "later");
    mistakes_add(&m, "a.yaml", 2, 3, "first");
    mistakes_add(&m, "b.yaml", 1, 1, "sooner %d", 1);
    mistakes_add(&m, "command line", 0, 0, "whole");
    mistakes_write(&m, &out);
    cr_assert_str_eq(out.data, "b.yaml:1:1: sooner 1\nb.yaml:7:1: later\na.yaml:2:3: first\na.yaml:2:9: second\ncommand line: whole\n");
    mistakes_free(&m);
    buf_free(&out);
}

Test(mistakes, what_was_found_is_escaped_and_bounded)
{
    char *s = found_text("a\x1b[31m\n");
    cr_assert_str_eq(s, "`a\\x1b[31m\\x0a`");
    free(s);
    char longer[300];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    s = found_text(longer);
    cr_assert_eq(strlen(s), 65);
    cr_assert_str_eq(s + 60, "x...`");
    free(s);
}

Test(mistakes, lists_of_names)
{
    static const char *const three[] = {"a", "b", "c", NULL}, *const one[] = {"a", NULL};
    char *s = names_text(three), *t = names_text(one);
    cr_assert_str_eq(s, "a, b or c");
    cr_assert_str_eq(t, "a");
    free(s);
    free(t);
}
