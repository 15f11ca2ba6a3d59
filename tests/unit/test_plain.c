#include "notifier-ui/plain.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

static void locale(void)
{
    cr_assert(setlocale(LC_ALL, "C.UTF-8"));
}

Test(plain, nothing_hostile_passes, .init = locale)
{
    static const struct { const char *in, *out; } t[] = {
        {"", ""}, {"/home/u/a b", "/home/u/a b"}, {"\xc3\xa4\xe6\x97\xa5", "\xc3\xa4\xe6\x97\xa5"},
        {"\x1b[2J\r\n\t\x7f", "\\x1b[2J\\x0d\\x0a\\x09\\x7f"}, {"\xff\xc3", "\\xff\\xc3"},
        {"\xc2\x9b" "31m", "\\u{009b}31m"},             /* C1: a control sequence in one character */
        {"a\xe2\x80\xae" "b", "a\\u{202e}b"},            /* right-to-left override */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u{2066}x\\u{2069}"},
        {"\xe2\x80\x8b\xef\xbb\xbf", "\\u{200b}\\u{feff}"}, /* no width */
        {"\xc2\xa0\xe3\x80\x80", "\\u{00a0}\\u{3000}"},     /* blanks that are no space */
        {"e\xcc\x81", "e\\u{0301}"},                        /* combining */
        {"\xf3\xa0\x81\x81", "\\u{e0041}"},                 /* a tag */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, {"\xc0\xaf", "\\xc0\\xaf"}, {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
        {"a\\x0a", "a\\x0a"}, /* what came escaped stays as it is */
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        BUF_AUTO b = {0};
        plain_put(&b, t[i].in);
        cr_assert_str_eq(b.data, t[i].out, "%zu: %s", i, b.data);
    }
}

Test(plain, a_terminal_without_utf8_gets_ascii)
{
    BUF_AUTO b = {0};
    cr_assert(setlocale(LC_ALL, "C"));
    plain_put(&b, "\xc3\xa4");
    cr_assert_str_eq(b.data, "\\u{00e4}");
}

Test(plain, elided_in_the_middle_with_its_length, .init = locale)
{
    char text[301];
    memset(text, 'a', 300);
    text[300] = 0;
    memcpy(text, "/begin/", 7);
    memcpy(text + 293, "/secret", 7);
    BUF_AUTO b = {0};
    plain_elide(&b, text, 60);
    cr_assert(strstr(b.data, "/begin/") == b.data && strstr(b.data, "[... 300 characters ...]"));
    cr_assert_str_eq(b.data + strlen(b.data) - 7, "/secret", "the end is what matters of a path");
    cr_assert_leq(plain_columns(b.data), 60u);
    buf_clear(&b);
    plain_elide(&b, "/short", 60);
    cr_assert_str_eq(b.data, "/short");
}

Test(plain, no_escape_is_cut_in_two, .init = locale)
{
    char text[200];
    for (int i = 0; i < 199; i++)
        text[i] = '\x01';
    text[199] = 0;
    for (size_t columns = 24; columns < 120; columns++) {
        BUF_AUTO b = {0};
        plain_elide(&b, text, columns);
        for (const char *s = b.data; *s;) {
            if (*s == '[') {
                s = strchr(s, ']') + 1;
                continue;
            }
            cr_assert_eq(strncmp(s, "\\x01", 4), 0, "%zu: %s", columns, b.data);
            s += 4;
        }
        cr_assert_leq(plain_columns(b.data), columns);
    }
}
