/* The settings of a policy: what a run takes key by key from the first file that has it. */
#include "policy_file.h"
#include "baseline_words.h"

#include <stdlib.h>
#include <string.h>

static const char *const bool_words[] = {"false", "true", NULL};

static void read_default(struct file_reader *r, const struct yaml_node *node, enum verb v)
{
    int effect = read_word(r, node, effect_names);
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
const struct file_key defaults_keys[] = {
    {"read", default_read, SCHEMA_EFFECT},       {"write", default_write, SCHEMA_EFFECT}, {"exec", default_exec, SCHEMA_EFFECT},
    {"connect", default_connect, SCHEMA_EFFECT}, {"bind", default_bind, SCHEMA_EFFECT},   {0},
};

void read_defaults(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_map(r, node, defaults_keys, NULL, "the defaults");
}

void read_mode(struct file_reader *r, const struct yaml_node *node, void *into)
{
    r->file->mode = read_word(r, node, mode_names);
}

static const char *const baseline_words[] = {"mvp", "strict", "datasci", "off", "none", NULL};

/* A name, or a file: policy_place knows from where. */
void read_baseline(struct file_reader *r, const struct yaml_node *node, void *into)
{
    if (node->kind == YAML_TEXT && baseline_is_file(node->text)) {
        read_text(r, node, "a baseline", &r->file->baseline);
        return;
    }
    int w = read_word(r, node, baseline_words);
    if (w >= 0 && !r->file->baseline)
        r->file->baseline = xstrdup(!strcmp(baseline_words[w], "none") ? "off" : baseline_words[w]);
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

const struct file_key approval_keys[] = {
    {"handlers", read_handlers,
     "{\"anyOf\":[{\"enum\":[\"auto\",\"reject\",\"desktop\",\"tui\",\"console\"]},"
     "{\"type\":\"array\",\"items\":{\"enum\":[\"desktop\",\"tui\",\"console\"]},\"minItems\":1}]}"},
    {"timeout", read_approval_timeout, SCHEMA_DURATION},
    {0},
};

void read_approval(struct file_reader *r, const struct yaml_node *node, void *into)
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

const struct file_key network_keys[] = {
    {"proxy", read_proxy, SCHEMA_TEXT},
    {"proxy_only", read_proxy_only, SCHEMA_BOOL},
    {"resolve", read_resolve, "{\"enum\":[\"any\",\"listed\",\"offline\"]}"},
    {0},
};

void read_network(struct file_reader *r, const struct yaml_node *node, void *into)
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

const struct file_key env_keys[] = {{"drop", read_env_drop, SCHEMA_LIST}, {"keep", read_env_keep, SCHEMA_LIST}, {0}};

void read_env(struct file_reader *r, const struct yaml_node *node, void *into)
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

const struct file_key audit_keys[] = {{"level", read_level, "{\"enum\":[\"all\",\"decisions\",\"denials\"]}"}, {0}};

void read_audit(struct file_reader *r, const struct yaml_node *node, void *into)
{
    read_map(r, node, audit_keys, NULL, "the audit settings");
}

void read_debug(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const words[] = {"refuse", "allow", NULL};
    r->file->debug_allow = read_word(r, node, words);
}

void read_fast_reads(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const words[] = {"auto", "on", "off", NULL};
    r->file->fast_reads = read_word(r, node, words);
    if (r->file->fast_reads == SETTING_ON)
        wrong(r, node, "found `fast_reads: on`, expected auto or off: the fast path for reads is not built yet");
}

void read_advice(struct file_reader *r, const struct yaml_node *node, void *into)
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
    require_word(r, node, mode_names, &r->file->require_mode);
}

static void require_baseline(struct file_reader *r, const struct yaml_node *node, void *into)
{
    require_word(r, node, baseline_words, &r->file->require_baseline);
    if (r->file->require_baseline && !strcmp(r->file->require_baseline, "none"))
        memcpy(r->file->require_baseline, "off", 4);
}

static void require_approval(struct file_reader *r, const struct yaml_node *node, void *into)
{
    static const char *const words[] = {"auto", "reject", "desktop", "tui", "console", NULL};
    require_word(r, node, words, &r->file->require_approval);
}

const struct file_key require_keys[] = {
    {"mode", require_mode, "{\"enum\":[\"enforce\",\"log\",\"off\"]}"},
    {"baseline", require_baseline, "{\"enum\":[\"mvp\",\"strict\",\"datasci\",\"off\",\"none\"]}"},
    {"approval", require_approval, "{\"enum\":[\"auto\",\"reject\",\"desktop\",\"tui\",\"console\"]}"},
    {0},
};

void read_require(struct file_reader *r, const struct yaml_node *node, void *into)
{
    r->file->require_line = node->line;
    r->file->require_column = node->column;
    read_map(r, node, require_keys, NULL, "what is required");
}
