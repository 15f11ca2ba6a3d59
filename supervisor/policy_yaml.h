/* policy_yaml - floor 4: the text of one policy to a tree of nodes. The only user of libyaml.
 *
 * A strict part of YAML: one document; maps with plain names as keys, lists, and scalars, which are all text (`off` is off,
 * not false). Anchors, aliases, tags, merge keys, directives, a second document and repeated keys are mistakes. Whatever a
 * node came from is known by line and column, counted from 1. Bounded: YAML_MAX bytes, YAML_DEPTH levels.
 */
#ifndef SW_POLICY_YAML_H
#define SW_POLICY_YAML_H

#include "mistakes.h"
#include <stdbool.h>

enum { YAML_MAX = 1 << 20, YAML_DEPTH = 12 };

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    int line, column;
    char *text;  /* YAML_TEXT: NUL-terminated, without a NUL inside */
    bool quoted; /* in '' or "": the first byte of text stands one column further */
    bool block;  /* written with | or > */
    struct yaml_node **key;  /* YAML_MAP: texts */
    struct yaml_node **item; /* the values, or the list's items */
    size_t n;
};

/* The document, owned by the caller; NULL when there is none or its mistakes make it useless. Mistakes go to m. */
struct yaml_node *policy_yaml_read(const char *file, const char *text, size_t len, struct mistakes *m);
void yaml_node_free(struct yaml_node *node); /* NULL is fine */
const char *yaml_kind_text(const struct yaml_node *node); /* "text", "a list", "a map", "nothing" */

#endif
