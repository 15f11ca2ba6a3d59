#include "policy_file.h"
#include "duration.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const effect_words[] = {"allow", "ask", "deny", NULL};
const char *const expose_words[] = {"dbus", "x11", "wayland", "tmux", "docker", "systemd", "ssh-agent", "gpg-agent", NULL};
static const char *const bool_words[] = {"false", "true", NULL};
static const char *const mode_words[] = {"enforce", "log", "off", NULL};

/* ---- what every reader needs */

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

static void said_add(struct said_list *l, const char *text, const struct yaml_node *node)
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

static const char *key_name(const struct yaml_node *map, size_t i)
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
        int w = read_word(r, items[i], expose_words);
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

static void read_default(struct file_reader *r, const struct yaml_node *node, enum verb v)
{
    int effect = read_word(r, node, effect_words);
    if (effect >= 0) {
        r->file->defaults[v].line = node->line;
        r->file->defaults[v].effect = (enum effect)effect;
    }
}

static void default_read(struct file_reader *r, const struct yaml_node *n, void *i) { read_default(r, n, VERB_READ); }
static void default_write(struct file_reader *r, const struct yaml_node *n, void *i) { read_default(r, n, VERB_WRITE); }
static void default_exec(struct file_reader *r, const struct yaml_node *n, void *i) { read_default(r, n, VERB_EXEC); }
static void default_connect(struct file_reader *r, const struct yaml_node *n, void *i) { read_default(r, n, VERB_CONNECT); }
static void default_bind(struct file_reader *r, const struct yaml_node *n, void *i) { read_default(r, n, VERB_BIND); }

#define SCHEMA_EFFECT "{\"enum\":[\"allow\",\"ask\",\"deny\"]}"
static const struct file_key defaults_keys[] = {
    {"read", default_read, SCHEMA_EFFECT},       {"write", default_write, SCHEMA_EFFECT}, {"exec", default_exec, SCHEMA_EFFECT},
    {"connect", default_connect, SCHEMA_EFFECT}, {"bind", default_bind, SCHEMA_EFFECT},   {0},
};

static void read_defaults(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_map(r, node, defaults_keys, NULL, "the defaults");
}

static void read_mode(struct file_reader *r, const struct yaml_node *node, void *into)
{
    r->file->mode = read_word(r, node, mode_words);
}

static void read_baseline(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const known[] = {"mvp", "off", "none", NULL};
    if (!read_text(r, node, "mvp or off", &r->file->baseline))
        return;
    if (!strcmp(node->text, "none"))
        memcpy(r->file->baseline, "off", 4);
    else if (!strcmp(node->text, "strict") || !strcmp(node->text, "datasci") || strpbrk(node->text, "/."))
        wrong(r, node, "found the baseline `%.60s`, expected mvp or off: the others are not built yet", node->text);
    else
        read_word(r, node, known);
}

static void read_handlers(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const alone[] = {"auto", "reject", "desktop", "tui", "console", NULL};
    static const char *const several[] = {"desktop", "tui", "console", NULL};
    struct buf b = {0};
    if (node->kind != YAML_LIST) {
        int w = read_word(r, node, alone);
        if (w >= 0)
            buf_puts(&b, alone[w]);
    } else if (!node->n) {
        wrong(r, node, "found an empty list, expected auto, reject, or a list of desktop, tui, console");
    }
    for (size_t i = 0; node->kind == YAML_LIST && i < node->n; i++) {
        int w = read_word(r, node->item[i], several);
        if (w >= 0)
            buf_printf(&b, "%s%s", b.len ? "," : "", several[w]);
    }
    if (b.len) {
        free(r->file->approval);
        r->file->approval = xstrdup(b.data);
    }
    buf_free(&b);
}

static void read_approval_timeout(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_duration(r, node, &r->file->approval_timeout_ms);
}

static const struct file_key approval_keys[] = {
    {"handlers", read_handlers,
     "{\"anyOf\":[{\"enum\":[\"auto\",\"reject\",\"desktop\",\"tui\",\"console\"]},"
     "{\"type\":\"array\",\"items\":{\"enum\":[\"desktop\",\"tui\",\"console\"]},\"minItems\":1}]}"},
    {"timeout", read_approval_timeout, SCHEMA_DURATION},
    {0},
};

static void read_approval(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_map(r, node, approval_keys, NULL, "the approval settings");
}

static void read_proxy(struct file_reader *r, const struct yaml_node *node, void *into)
{
    wrong(r, node, "found a proxy, expected none: the proxy is not built yet; set the proxy variables in the environment");
}

static void read_proxy_only(struct file_reader *r, const struct yaml_node *node, void *into)
{
    r->file->proxy_only = read_word(r, node, bool_words);
    if (r->file->proxy_only == 1)
        wrong(r, node, "found `proxy_only: true`, expected false: the proxy is not built yet; "
                       "`deny: connect` and a rule that allows the proxy's address do it");
}

static void read_resolve(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const words[] = {"any", "listed", "offline", NULL};
    r->file->resolve = read_word(r, node, words);
    if (r->file->resolve > 0)
        wrong(r, node, "found `resolve: %s`, expected any: look-ups are not seen yet", words[r->file->resolve]);
}

static const struct file_key network_keys[] = {
    {"proxy", read_proxy, SCHEMA_TEXT},
    {"proxy_only", read_proxy_only, SCHEMA_BOOL},
    {"resolve", read_resolve, "{\"enum\":[\"any\",\"listed\",\"offline\"]}"},
    {0},
};

static void read_network(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_map(r, node, network_keys, NULL, "the network settings");
}

static void read_env_drop(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_list(r, node, "the name of a variable, with * and ?", &r->file->env_drop);
}

static void read_env_keep(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_list(r, node, "the name of a variable, with * and ?", &r->file->env_keep);
}

static const struct file_key env_keys[] = {{"drop", read_env_drop, SCHEMA_LIST}, {"keep", read_env_keep, SCHEMA_LIST}, {0}};

static void read_env(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_map(r, node, env_keys, NULL, "the environment's settings");
}

static void read_level(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const words[] = {"all", "decisions", "denials", NULL};
    static const enum audit_level levels[] = {AUDIT_ALL, AUDIT_DECISIONS, AUDIT_DENIALS};
    int w = read_word(r, node, words);
    if (w >= 0)
        r->file->audit_level = (int)levels[w];
}

static const struct file_key audit_keys[] = {{"level", read_level, "{\"enum\":[\"all\",\"decisions\",\"denials\"]}"}, {0}};

static void read_audit(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_map(r, node, audit_keys, NULL, "the audit settings");
}

static void read_debug(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const words[] = {"refuse", "allow", NULL};
    r->file->debug_allow = read_word(r, node, words);
}

static void read_fast_reads(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const words[] = {"auto", "on", "off", NULL};
    r->file->fast_reads = read_word(r, node, words);
    if (r->file->fast_reads == SETTING_ON)
        wrong(r, node, "found `fast_reads: on`, expected auto or off: the fast path for reads is not built yet");
}

static void read_advice(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_prose(r, node, &r->file->advice);
}

/* Each is a value that the run must have; which file may ask for it is policy_load's to know. */
static void require_word(struct file_reader *r, const struct yaml_node *node, const char *const *words, char **into)
{
    int w = read_word(r, node, words);
    if (w >= 0 && !*into)
        *into = xstrdup(words[w]);
}

static void require_mode(struct file_reader *r, const struct yaml_node *node, void *into)
{
    require_word(r, node, mode_words, &r->file->require_mode);
}

static void require_baseline(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const words[] = {"mvp", "off", NULL};
    require_word(r, node, words, &r->file->require_baseline);
}

static void require_approval(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const words[] = {"auto", "reject", "desktop", "tui", "console", NULL};
    require_word(r, node, words, &r->file->require_approval);
}

static const struct file_key require_keys[] = {
    {"mode", require_mode, "{\"enum\":[\"enforce\",\"log\",\"off\"]}"},
    {"baseline", require_baseline, SCHEMA_TEXT},
    {"approval", require_approval, "{\"enum\":[\"auto\",\"reject\",\"desktop\",\"tui\",\"console\"]}"},
    {0},
};

static void read_require(struct file_reader *r, const struct yaml_node *node, void *into)
{
    r->file->require_line = node->line;
    r->file->require_column = node->column;
    read_map(r, node, require_keys, NULL, "what is required");
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
        for (size_t i = 0; expose_words[i]; i++)
            buf_printf(out, "%s\"%s\"", i ? "," : "", expose_words[i]);
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
    char *texts[] = {f->shown, f->path, f->name, f->baseline, f->approval, f->advice,
                     f->require_mode, f->require_baseline, f->require_approval};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    free(f->rules);
    free(f->tests);
    free(f->compiled);
    free(f->placed);
    free(f);
}
