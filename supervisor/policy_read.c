#include "policy_file.h"
#include "duration.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void wrong(struct file_reader *r, const struct yaml_node *node, const char *fmt, ...)
{
    va_list ap;
    char text[1024];
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mistakes_add(r->mistakes, r->file->shown, node->line, node->column, "%s", text);
}

char *shown_node(const struct yaml_node *node)
{
    return node->kind == YAML_TEXT && *node->text ? found_text(node->text) : xstrdup(yaml_kind_text(node));
}

static bool expect_text(struct file_reader *r, const struct yaml_node *node, const char *expected)
{
    if (node->kind == YAML_TEXT && *node->text)
        return true;
    STR_AUTO shown = shown_node(node);
    bool hash = node->kind == YAML_TEXT && !node->quoted;
    wrong(r, node, "found %s, expected %s%s", shown, expected,
          hash ? " (a value that starts with # wants single quotes)" : "");
    return false;
}

bool read_text(struct file_reader *r, const struct yaml_node *node, const char *expected, char **ret)
{
    if (!expect_text(r, node, expected))
        return false;
    if (strchr(node->text, '\n')) {
        wrong(r, node, "found a text of several lines, expected %s", expected);
        return false;
    }
    free(*ret);
    *ret = xstrdup(node->text);
    return true;
}

bool read_prose(struct file_reader *r, const struct yaml_node *node, char **ret)
{
    if (!expect_text(r, node, "a text"))
        return false;
    free(*ret);
    *ret = xstrdup(node->text);
    for (size_t n = strlen(*ret); n && (*ret)[n - 1] == '\n';)
        (*ret)[--n] = 0;
    return true;
}

bool read_name(struct file_reader *r, const struct yaml_node *node, const char *letters, const char *expected, char **ret)
{
    if (!expect_text(r, node, expected))
        return false;
    if (strspn(node->text, letters) != strlen(node->text) || strlen(node->text) > 64) {
        STR_AUTO shown = shown_node(node);
        wrong(r, node, "found %s, expected %s", shown, expected);
        return false;
    }
    free(*ret);
    *ret = xstrdup(node->text);
    return true;
}

int read_word(struct file_reader *r, const struct yaml_node *node, const char *const *names)
{
    if (node->kind == YAML_TEXT)
        for (int i = 0; names[i]; i++)
            if (!strcmp(names[i], node->text))
                return i;
    STR_AUTO shown = shown_node(node);
    STR_AUTO expected = names_text(names);
    STR_AUTO nearest = node->kind == YAML_TEXT ? nearest_text(node->text, names) : xstrdup("");
    wrong(r, node, "found %s, expected %s%s", shown, expected, nearest);
    return -1;
}

void said_list_free(struct said_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->item[i].text);
    free(l->item);
    *l = (struct said_list){0};
}

void said_add(struct said_list *l, const char *text, const struct yaml_node *node)
{
    l->item = xrealloc(l->item, (l->n + 1) * sizeof *l->item);
    l->item[l->n++] = (struct said){xstrdup(text), node->line, node->column + node->quoted};
}

bool read_list(struct file_reader *r, const struct yaml_node *node, const char *expected, struct said_list *ret)
{
    ret->given = true;
    if (node->kind == YAML_MAP || (node->kind == YAML_LIST && !node->n)) {
        wrong(r, node, "found %s, expected %s or a list of them", node->n ? "a map" : "an empty list", expected);
        return false;
    }
    if (node->kind == YAML_TEXT) {
        char *text = NULL;
        bool fine = read_text(r, node, expected, &text);
        if (fine)
            said_add(ret, text, node);
        free(text);
        return fine;
    }
    bool fine = true;
    for (size_t i = 0; i < node->n; i++) {
        char *text = NULL;
        if (read_text(r, node->item[i], expected, &text))
            said_add(ret, text, node->item[i]);
        else
            fine = false;
        free(text);
    }
    return fine;
}

bool read_duration(struct file_reader *r, const struct yaml_node *node, int64_t *ret)
{
    static const char expected[] = "`0` or a duration with a unit (`90s`, `1h30m`)";
    if (!expect_text(r, node, expected))
        return false;
    if (duration_parse(node->text, ret)) {
        STR_AUTO shown = shown_node(node);
        wrong(r, node, "found %s, expected %s", shown, expected);
        return false;
    }
    return true;
}

const char *key_name(const struct yaml_node *map, size_t i)
{
    return map->key[i]->kind == YAML_TEXT ? map->key[i]->text : "";
}

void read_map(struct file_reader *r, const struct yaml_node *node, const struct file_key *keys, void *into, const char *what)
{
    if (node->kind != YAML_MAP) {
        STR_AUTO shown = shown_node(node);
        wrong(r, node, "found %s, expected %s: keys and values", shown, what);
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const char *names[32] = {NULL};
        size_t n = 0;
        const struct file_key *k = keys;
        for (; k->name && strcmp(k->name, key_name(node, i)); k++)
            if (n < 31)
                names[n++] = k->name;
        if (k->name) {
            k->read(r, node->item[i], into);
        } else if (node->key[i]->kind == YAML_TEXT && strcmp(key_name(node, i), "<<")) { /* the others were told of */
            STR_AUTO shown = shown_node(node->key[i]);
            STR_AUTO nearest = nearest_text(key_name(node, i), names);
            STR_AUTO known = names_text(names);
            wrong(r, node->key[i], "found the key %s, expected a key of %s: %s%s", shown, what, known, nearest);
        }
    }
}

void schema_object(struct buf *out, const struct file_key *keys, const char *more)
{
    buf_puts(out, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (const struct file_key *k = keys; k->name; k++)
        buf_printf(out, "%s\"%s\":%s", k == keys ? "" : ",", k->name, k->schema);
    buf_printf(out, "}%s}", more);
}
