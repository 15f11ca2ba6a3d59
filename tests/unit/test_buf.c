/* buf: what a terminal shows of names that the agent chose. */
#include "buf.h"

#include <criterion/criterion.h>
#include <string.h>

Test(buf, escape_shows_what_is_there_and_can_be_undone)
{
    static const struct { const char *in, *out; } t[] = {
        {"plain name", "plain name"},
        {"a\nb\x1b[2J", "a\\x0a" "b\\x1b[2J"},
        {"\\x41", "\\\\x41"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xc2\x9b" "2J", "\\xc2\\x9b" "2J"},               /* C1: CSI */
        {"fdp.\xe2\x80\xae" "exe", "fdp.\\xe2\\x80\\xaeexe"}, /* right-to-left override */
        {"\xe2\x80\x8b", "\\xe2\\x80\\x8b"},                /* zero width space */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "\\xe2\\x81\\xa6x\\xe2\\x81\\xa9"}, /* isolates */
        {"\xd8\x9c", "\\xd8\\x9c"},                         /* Arabic letter mark */
        {"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},                /* byte order mark */
        {"\xc3\xa9\xe2\x82\xac\xd8\xa7", "\xc3\xa9\xe2\x82\xac\xd8\xa7"}, /* letters stay letters */
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        BUF_AUTO b = {0};
        BUF_AUTO back = {0};
        buf_escape(&b, t[i].in, strlen(t[i].in));
        cr_assert_str_eq(b.data, t[i].out);
        cr_assert_eq(buf_unescape(&back, b.data, b.len), 0);
        cr_assert_eq(back.len, strlen(t[i].in));
        cr_assert(!memcmp(back.data, t[i].in, back.len));
    }
}
