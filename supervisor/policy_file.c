#include "policy_file.h"

#include <stdlib.h>
#include <string.h>

/* ---- the keys of a policy */

static void read_version(struct file_reader *r, const struct yaml_node *node, void *into)
{
    if (node->kind == YAML_TEXT && !strcmp(node->text, "1"))
        return;
    STR_AUTO shown = shown_node(node);
    wrong(r, node, "found %s, expected `version: 1`: this program knows no other", shown);
}

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789._-"

static void read_policy_name(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_name(r, node, NAME_LETTERS, "a name of [a-z0-9._-], at most 64", &r->file->name);
}

static void read_extends(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_list(r, node, "the name of a profile or a file (with / or .yaml)", &r->file->extends);
}

static void read_for(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_list(r, node, "a command's base name", &r->file->suits);
    for (size_t i = 0; i < r->file->suits.n; i++)
        if (strchr(r->file->suits.item[i].text, '/')) {
            const struct said *s = &r->file->suits.item[i];
            STR_AUTO shown = found_text(s->text);
            mistakes_add(r->mistakes, r->file->shown, s->line, s->column, "found %s, expected a command's base name, without /", shown);
        }
}

static void read_without(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_list(r, node, "FILE:NAME of a rule", &r->file->without);
}

static void read_expose(struct file_reader *r, const struct yaml_node *node, void *into)
{
    const struct yaml_node *one = node;
    struct yaml_node *const *items = node->kind == YAML_LIST ? node->item : (struct yaml_node *const *)&one;
    for (size_t i = 0; i < (node->kind == YAML_LIST ? node->n : 1); i++) {
        int w = read_word(r, items[i], expose_names);
        if (w >= 0)
            r->file->expose |= 1u << w;
    }
}

static void read_vars(struct file_reader *r, const struct yaml_node *node, void *into)
{
    if (node->kind != YAML_MAP) {
        STR_AUTO shown = shown_node(node);
        wrong(r, node, "found %s, expected variables: {NAME: value}", shown);
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        char *name = NULL, *value = NULL;
        if (read_name(r, node->key[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", "a variable's name of [A-Z0-9_], at most 64", &name) &&
            read_text(r, node->item[i], "the variable's value", &value)) {
            said_add(&r->file->vars_names, name, node->key[i]);
            said_add(&r->file->vars_values, value, node->item[i]);
        }
        free(name);
        free(value);
    }
}

static const struct file_key policy_keys[] = {
    {"version", read_version, "{\"enum\":[1,\"1\"]}"},
    {"name", read_policy_name, "{\"type\":\"string\",\"pattern\":\"^[a-z0-9._-]{1,64}$\"}"},
    {"extends", read_extends, SCHEMA_LIST},
    {"for", read_for, SCHEMA_LIST},
    {"without", read_without, SCHEMA_LIST},
    {"expose", read_expose, NULL},
    {"vars", read_vars, "{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^[A-Z0-9_]+$\"},\"additionalProperties\":{\"type\":\"string\"}}"},
    {"rules", read_rules, NULL},
    {"defaults", read_defaults, NULL},
    {"mode", read_mode, "{\"enum\":[\"enforce\",\"log\",\"off\"]}"},
    {"baseline", read_baseline, SCHEMA_TEXT},
    {"approval", read_approval, NULL},
    {"network", read_network, NULL},
    {"env", read_env, NULL},
    {"audit", read_audit, NULL},
    {"debug", read_debug, "{\"enum\":[\"refuse\",\"allow\"]}"},
    {"fast_reads", read_fast_reads, "{\"enum\":[\"auto\",\"on\",\"off\"]}"},
    {"advice", read_advice, SCHEMA_TEXT},
    {"require", read_require, NULL},
    {"tests", read_tests, NULL},
    {0},
};

/* The maps and lists that hang below a key of the table. */
static void schema_below(struct buf *out, const char *key)
{
    static const struct { const char *key; const struct file_key *keys; const char *more; bool list; } below[] = {
        {"rules", rule_keys, "", true},       {"tests", test_keys, ",\"required\":[\"expect\"]", true},
        {"defaults", defaults_keys, "", false}, {"approval", approval_keys, "", false},
        {"network", network_keys, "", false},   {"env", env_keys, "", false},
        {"audit", audit_keys, "", false},       {"require", require_keys, "", false},
    };
    if (!strcmp(key, "expose")) {
        buf_puts(out, "{\"type\":[\"string\",\"array\"],\"items\":{\"enum\":[");
        for (size_t i = 0; expose_names[i]; i++)
            buf_printf(out, "%s\"%s\"", i ? "," : "", expose_names[i]);
        buf_puts(out, "]}}");
    }
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        if (strcmp(below[i].key, key))
            continue;
        if (below[i].list)
            buf_puts(out, "{\"type\":\"array\",\"items\":");
        schema_object(out, below[i].keys, below[i].more);
        if (below[i].list)
            buf_putc(out, '}');
    }
}

void policy_file_schema(struct buf *out)
{
    buf_puts(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"sentinel-watch policy\","
                  "\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"version\"],\"properties\":{");
    for (const struct file_key *k = policy_keys; k->name; k++) {
        buf_printf(out, "%s\"%s\":", k == policy_keys ? "" : ",", k->name);
        if (k->schema)
            buf_puts(out, k->schema);
        else
            schema_below(out, k->name);
    }
    buf_puts(out, "}}\n");
}

/* ---- the file */

/* The file's stem, in the letters that a name may have. */
static char *stem_name(const char *path)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    char *name = xstrndup(base, 64);
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = 0;
    for (char *c = name; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
        else if (!strchr(NAME_LETTERS, *c))
            *c = '-';
    return name;
}

struct policy_file *policy_file_read(const char *shown, const char *text, size_t len, struct mistakes *m)
{
    struct yaml_node *root = policy_yaml_read(shown, text, len, m);
    if (!root)
        return NULL;
    struct policy_file *f = xcalloc(1, sizeof *f);
    f->shown = xstrdup(shown);
    f->mode = f->audit_level = f->proxy_only = f->resolve = f->debug_allow = f->fast_reads = -1;
    f->approval_timeout_ms = -1;
    struct file_reader r = {f, m};
    read_map(&r, root, policy_keys, f, "a policy");
    if (root->kind == YAML_MAP) {
        bool version = false;
        for (size_t i = 0; i < root->n; i++)
            version = version || !strcmp(key_name(root, i), "version");
        if (!version)
            mistakes_add(m, shown, root->line, root->column, "found no `version`, expected `version: 1`");
    }
    if (!f->name)
        f->name = stem_name(shown);
    yaml_node_free(root);
    return f;
}

void policy_file_free(struct policy_file *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->nrules; i++)
        rule_source_free(f->rules[i]);
    for (size_t i = 0; i < f->ntests; i++) {
        free(f->tests[i].target.text);
        free(f->tests[i].by_rule);
        said_list_free(&f->tests[i].argv);
    }
    struct said_list *lists[] = {&f->extends, &f->suits, &f->without, &f->vars_names, &f->vars_values, &f->env_drop, &f->env_keep};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        said_list_free(lists[i]);
    char *texts[] = {f->shown, f->path, f->bytes, f->name, f->baseline, f->approval, f->advice,
                     f->require_mode, f->require_baseline, f->require_approval};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    free(f->rules);
    free(f->tests);
    free(f->compiled);
    free(f->placed);
    free(f);
}
