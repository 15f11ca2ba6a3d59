#include "policy_yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define QUOTE_IT                                                                                                        \
    "put the value in single quotes when it starts with one of * & ! @ ` % [ { | > # ? -, holds `: ` or ` #`, or, "    \
    "inside [] or {}, one of { } [ ] ,"

struct reading {
    yaml_parser_t parser;
    const char *file;
    struct mistakes *mistakes;
    bool broken; /* libyaml cannot go on, or the document is no use */
};

static int line_of(yaml_mark_t mark)
{
    return (int)mark.line + 1;
}

static int column_of(yaml_mark_t mark)
{
    return (int)mark.column + 1;
}

static void mistake(struct reading *r, yaml_mark_t at, const char *text)
{
    mistakes_add(r->mistakes, r->file, line_of(at), column_of(at), "%s", text);
}

/* Line and column of a byte: libyaml's reader tells only the offset. */
static yaml_mark_t mark_of(const char *text, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset; i++)
        if (text[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else {
            mark.column++;
        }
    return mark;
}

static bool indented_by_tab(const char *text, size_t len, size_t line)
{
    size_t at = 0;
    for (; line && at < len; at++)
        line -= text[at] == '\n';
    while (at < len && text[at] == ' ')
        at++;
    return at < len && text[at] == '\t';
}

/* libyaml's words, and after them what usually helps. Scanner and parser errors in a policy are nearly always a value
 * that wanted quotes, so the rule for quotes is told with each. */
static void parser_mistake(struct reading *r, const char *text, size_t len)
{
    const yaml_parser_t *p = &r->parser;
    r->broken = true;
    if (p->error == YAML_READER_ERROR) {
        yaml_mark_t at = mark_of(text, p->problem_offset < len ? p->problem_offset : len);
        mistakes_add(r->mistakes, r->file, line_of(at), column_of(at), "found a byte that is not text (%s), expected UTF-8",
                     p->problem ? p->problem : "unreadable");
        return;
    }
    const char *problem = p->problem ? p->problem : "a syntax error";
    if (indented_by_tab(text, len, p->problem_mark.line)) {
        mistake(r, p->problem_mark, "found a tab where YAML wants spaces, expected spaces for the indentation");
        return;
    }
    mistakes_add(r->mistakes, r->file, line_of(p->problem_mark), column_of(p->problem_mark),
                 "found what YAML does not take (%s%s%s), expected YAML: %s", problem, p->context ? " " : "", p->context ? p->context : "",
                 QUOTE_IT);
}

static struct yaml_node *node_new(enum yaml_kind kind, yaml_mark_t at)
{
    struct yaml_node *n = xcalloc(1, sizeof *n);
    n->kind = kind;
    n->line = line_of(at);
    n->column = column_of(at);
    return n;
}

void yaml_node_free(struct yaml_node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->n; i++) {
        if (node->key)
            yaml_node_free(node->key[i]);
        yaml_node_free(node->item[i]);
    }
    free(node->key);
    free(node->item);
    free(node->text);
    free(node);
}

const char *yaml_kind_text(const struct yaml_node *node)
{
    return node->kind == YAML_LIST ? "a list" : node->kind == YAML_MAP ? "a map" : *node->text ? "text" : node->quoted ? "an empty text" : "nothing";
}

static struct yaml_node *scalar(struct reading *r, const yaml_event_t *e)
{
    struct yaml_node *n = node_new(YAML_TEXT, e->start_mark);
    const char *value = (const char *)e->data.scalar.value;
    if (memchr(value, 0, e->data.scalar.length))
        mistake(r, e->start_mark, "found a NUL byte inside a text, expected none");
    n->text = xstrdup(value);
    yaml_scalar_style_t style = e->data.scalar.style;
    n->quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    n->block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
    return n;
}

/* Anchors and tags can stand before any node. */
static void no_decoration(struct reading *r, yaml_mark_t at, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        mistake(r, at, "found an anchor (&), expected a value without one: " QUOTE_IT);
    if (tag)
        mistake(r, at, "found a tag (!), expected a value without one: " QUOTE_IT);
}

static struct yaml_node *read_node(struct reading *r, const char *text, size_t len, int depth, bool *end);

/* The next event, or false after a syntax error. */
static bool next_event(struct reading *r, yaml_event_t *e, const char *text, size_t len)
{
    if (yaml_parser_parse(&r->parser, e))
        return true;
    parser_mistake(r, text, len);
    return false;
}

static void map_key(struct reading *r, const struct yaml_node *map, const struct yaml_node *key)
{
    if (key->kind != YAML_TEXT) {
        mistakes_add(r->mistakes, r->file, key->line, key->column, "found %s as a key, expected a name", yaml_kind_text(key));
        return;
    }
    if (!key->quoted && !strcmp(key->text, "<<"))
        mistakes_add(r->mistakes, r->file, key->line, key->column, "found a merge key (<<), expected the keys written out");
    for (size_t i = 0; i < map->n; i++)
        if (map->key[i]->kind == YAML_TEXT && !strcmp(map->key[i]->text, key->text)) {
            STR_AUTO shown = found_text(key->text);
            mistakes_add(r->mistakes, r->file, key->line, key->column, "found the key %s twice (first in line %d), expected it once", shown,
                         map->key[i]->line);
            return;
        }
}

static void read_collection(struct reading *r, struct yaml_node *n, const char *text, size_t len, int depth)
{
    for (;;) {
        bool end = false;
        struct yaml_node *first = read_node(r, text, len, depth + 1, &end);
        if (end || r->broken) {
            yaml_node_free(first);
            return;
        }
        struct yaml_node *value = first;
        if (n->kind == YAML_MAP) {
            map_key(r, n, first);
            value = read_node(r, text, len, depth + 1, &end);
            if (!value) {
                yaml_node_free(first);
                return;
            }
            n->key = xrealloc(n->key, (n->n + 1) * sizeof *n->key);
            n->key[n->n] = first;
        }
        n->item = xrealloc(n->item, (n->n + 1) * sizeof *n->item);
        n->item[n->n++] = value;
    }
}

/* One node with all below it; NULL with *end at the end of the collection around it, NULL and r->broken on an error. */
static struct yaml_node *read_node(struct reading *r, const char *text, size_t len, int depth, bool *end)
{
    yaml_event_t e;
    if (!next_event(r, &e, text, len))
        return NULL;
    struct yaml_node *n = NULL;
    switch (e.type) {
    case YAML_ALIAS_EVENT:
        mistake(r, e.start_mark, "found an alias (*), expected a value: " QUOTE_IT);
        n = node_new(YAML_TEXT, e.start_mark);
        n->text = xasprintf("*%s", (const char *)e.data.alias.anchor);
        break;
    case YAML_SCALAR_EVENT:
        no_decoration(r, e.start_mark, e.data.scalar.anchor, e.data.scalar.tag);
        n = scalar(r, &e);
        break;
    case YAML_SEQUENCE_START_EVENT:
        no_decoration(r, e.start_mark, e.data.sequence_start.anchor, e.data.sequence_start.tag);
        n = node_new(YAML_LIST, e.start_mark);
        break;
    case YAML_MAPPING_START_EVENT:
        no_decoration(r, e.start_mark, e.data.mapping_start.anchor, e.data.mapping_start.tag);
        n = node_new(YAML_MAP, e.start_mark);
        break;
    default: /* the end of a list, a map or the document */
        *end = true;
        break;
    }
    if (n && n->kind != YAML_TEXT) {
        if (depth >= YAML_DEPTH) {
            mistakes_add(r->mistakes, r->file, n->line, n->column, "found more than %d levels, expected fewer", YAML_DEPTH);
            r->broken = true;
        } else {
            read_collection(r, n, text, len, depth);
        }
    }
    yaml_event_delete(&e);
    return n;
}

static struct yaml_node *read_document(struct reading *r, const char *text, size_t len)
{
    struct yaml_node *root = NULL;
    yaml_event_t e;
    for (bool more = true; more && !r->broken && next_event(r, &e, text, len);) {
        if (e.type == YAML_DOCUMENT_START_EVENT) {
            if (e.data.document_start.version_directive ||
                e.data.document_start.tag_directives.start != e.data.document_start.tag_directives.end)
                mistake(r, e.start_mark, "found a directive (%), expected a policy without one: " QUOTE_IT);
            if (root) {
                mistake(r, e.start_mark, "found a second document, expected one");
                more = false;
            } else {
                bool end = false;
                root = read_node(r, text, len, 0, &end);
            }
        }
        more = more && e.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&e);
    }
    return root;
}

struct yaml_node *policy_yaml_read(const char *file, const char *text, size_t len, struct mistakes *m)
{
    struct reading r = {.file = file, .mistakes = m};
    if (len > YAML_MAX) {
        mistakes_add(m, file, 0, 0, "found %zu bytes, expected at most %d", len, YAML_MAX);
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser)) {
        mistakes_add(m, file, 0, 0, "found no memory, expected some");
        return NULL;
    }
    /* Said beforehand, or a byte order mark would choose UTF-16. */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    struct yaml_node *root = read_document(&r, text, len);
    yaml_parser_delete(&r.parser);
    if (root && r.broken) {
        yaml_node_free(root);
        return NULL;
    }
    if (!r.broken && !root)
        mistakes_add(m, file, 1, 1, "found an empty file, expected a policy that begins with `version: 1`");
    return root;
}
