#include "policy_yaml.h"

#include <criterion/criterion.h>
#include <string.h>

static struct yaml_node *read_text(const char *text, struct mistakes *m)
{
    return policy_yaml_read("t", text, strlen(text), m);
}

Test(policy_yaml, nodes_know_their_kind_and_place)
{
    struct mistakes m = {0};
    struct yaml_node *n = read_text("a: off\nb:\n  - 'x'\n  - {c: \"y\"}\nd: |\n  two\n  lines\n", &m);
    cr_assert(n && !m.n && n->kind == YAML_MAP && n->n == 3);
    cr_assert_str_eq(n->item[0]->text, "off");
    cr_assert_not(n->item[0]->quoted);
    const struct yaml_node *b = n->item[1];
    cr_assert(b->kind == YAML_LIST && b->n == 2 && b->item[0]->quoted);
    cr_assert(b->item[0]->line == 3 && b->item[0]->column == 5);
    cr_assert(b->item[1]->kind == YAML_MAP && b->item[1]->item[0]->line == 4 && b->item[1]->item[0]->column == 9);
    cr_assert(n->item[2]->block);
    cr_assert_str_eq(n->item[2]->text, "two\nlines\n");
    yaml_node_free(n);
}

Test(policy_yaml, repeated_keys_are_all_told)
{
    struct mistakes m = {0};
    struct yaml_node *n = read_text("a: 1\na: 2\nb: {c: 1, c: 2}\n", &m);
    cr_assert(n);
    cr_assert_eq(m.n, 2);
    cr_assert(m.mistake[0].line == 2 && m.mistake[1].line == 3 && m.mistake[1].column == 11);
    yaml_node_free(n);
    mistakes_free(&m);
}

static void refused(const char *text, size_t len)
{
    struct mistakes m = {0};
    struct yaml_node *n = policy_yaml_read("t", text, len, &m);
    cr_assert(m.n, "%.20s", text);
    yaml_node_free(n);
    mistakes_free(&m);
}

Test(policy_yaml, bytes_that_are_no_text)
{
    refused("a: \xff\n", 5);
    refused("a: \"\\0\"\n", 8);
    refused("\xff\xfe" "a\0:\0 \0b\0", 10); /* a byte order mark must not choose UTF-16 */
    refused("a: \x01\n", 5);
    refused("", 0);
}

Test(policy_yaml, too_much)
{
    struct buf b = {0};
    for (int i = 0; i < 100000; i++)
        buf_putc(&b, '[');
    refused(b.data, b.len);
    while (b.len <= YAML_MAX)
        buf_puts(&b, "# comment\n");
    refused(b.data, b.len);
    buf_free(&b);
}
