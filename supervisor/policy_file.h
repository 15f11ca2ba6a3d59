/* policy_file - floor 4: one policy as it was written: known keys, right types, values that exist. Nothing is looked up yet:
 * variables, patterns and other files come later (policy_compile, policy_load).
 *
 * The keys stand in tables (policy_file.c, policy_settings.c, policy_rule.c), each beside what reads it and its part of the JSON schema. A key or a
 * value whose feature is not built yet is known and refused in words, never accepted and ignored. Everything that
 * a later mistake could be about keeps its line and column (struct said).
 */
#ifndef SW_POLICY_FILE_H
#define SW_POLICY_FILE_H

#include "policy.h"
#include "policy_yaml.h"

struct said {
    char *text;
    int line, column; /* of the text's first byte */
};

struct said_list {
    struct said *item;
    size_t n;
    bool given;
};

struct rule_source {
    int line, column;
    char *name;
    enum effect effect;
    unsigned verbs;
    struct said_list path, except, to, by, under, argv;
    enum argv_match argv_match;
    bool hard;
    char *message;
    int errnum;         /* 0: not said */
    int64_t timeout_ms; /* -1: not said */
};

struct test_source {
    int line;
    enum verb verb;
    struct said target;
    struct said_list argv;
    enum effect expect;
    char *by_rule; /* NULL: any */
};

struct policy_file {
    char *shown; /* in mistakes and at rules */
    char *path;  /* absolute, resolved: which file it is */
    char *bytes; /* as read; policy_load's */
    size_t len;
    char *name;
    struct said_list extends, suits /* `for` */, without, vars_names, vars_values;
    unsigned expose;
    struct rule_source **rules;
    size_t nrules;
    struct test_source *tests;
    size_t ntests;
    struct { int line; enum effect effect; } defaults[VERB_COUNT]; /* line 0: not said */

    /* settings: -1 or NULL where the file does not say */
    int mode, audit_level, proxy_only, resolve, debug_allow, fast_reads;
    int64_t approval_timeout_ms;
    char *baseline, *approval, *advice;
    char *require_mode, *require_baseline, *require_approval;
    int require_line, require_column; /* 0: not said */
    struct said_list env_drop, env_keep;

    /* policy_load's */
    struct rule **compiled; /* nrules of them; an item is NULL when it could not be compiled, or once it was taken */
    bool *placed;
    bool used; /* its rules or settings count in this run */
};

/* The file, or NULL when nothing of it can be used. Its mistakes go to m; a file with mistakes is only good for finding more. */
struct policy_file *policy_file_read(const char *shown, const char *text, size_t len, struct mistakes *m);
void policy_file_free(struct policy_file *f);
void policy_file_schema(struct buf *out); /* JSON Schema (draft 2020-12) of a policy, from the same tables */

/* What the readers share (policy_read.c). */
struct file_reader {
    struct policy_file *file;
    struct mistakes *mistakes;
};

struct file_key {
    const char *name; /* NULL ends a table */
    void (*read)(struct file_reader *r, const struct yaml_node *value, void *into);
    const char *schema; /* JSON Schema of the value */
};

/* Each key by its table; `into` is what the readers fill. what: "a policy", "a rule"... */
void read_map(struct file_reader *r, const struct yaml_node *node, const struct file_key *keys, void *into, const char *what);
void wrong(struct file_reader *r, const struct yaml_node *node, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
char *shown_node(const struct yaml_node *node); /* "`text`", "a list", "a map", "nothing" */
bool read_text(struct file_reader *r, const struct yaml_node *node, const char *expected, char **ret); /* not empty, one line */
bool read_prose(struct file_reader *r, const struct yaml_node *node, char **ret); /* a text of several lines is fine */
/* The number of the word in names (NULL-terminated), or -1 and a mistake. */
int read_word(struct file_reader *r, const struct yaml_node *node, const char *const *names);
bool read_list(struct file_reader *r, const struct yaml_node *node, const char *expected, struct said_list *ret); /* one or more texts */
bool read_duration(struct file_reader *r, const struct yaml_node *node, int64_t *ret);
bool read_name(struct file_reader *r, const struct yaml_node *node, const char *letters, const char *expected, char **ret);
void said_add(struct said_list *l, const char *text, const struct yaml_node *node);
void said_list_free(struct said_list *l);
const char *key_name(const struct yaml_node *map, size_t i); /* "" when the key is no text */
void schema_object(struct buf *out, const struct file_key *keys, const char *more); /* {"type":"object",...} */

/* Rules and tests (policy_rule.c). */
extern const struct file_key rule_keys[], test_keys[];
void read_rules(struct file_reader *r, const struct yaml_node *node, void *file);
void read_tests(struct file_reader *r, const struct yaml_node *node, void *file);
void rule_source_free(struct rule_source *s);
/* An ad-hoc rule of the command line: VERB[,VERB...]:TARGET. The shape only; NULL and a mistake when it has none. */
struct rule_source *rule_source_adhoc(enum effect effect, const char *text, const char *shown, struct mistakes *m);

/* Settings (policy_settings.c). */
extern const struct file_key defaults_keys[], approval_keys[], network_keys[], env_keys[], audit_keys[], require_keys[];
void read_defaults(struct file_reader *r, const struct yaml_node *node, void *into);
void read_mode(struct file_reader *r, const struct yaml_node *node, void *into);
void read_baseline(struct file_reader *r, const struct yaml_node *node, void *into);
void read_approval(struct file_reader *r, const struct yaml_node *node, void *into);
void read_network(struct file_reader *r, const struct yaml_node *node, void *into);
void read_env(struct file_reader *r, const struct yaml_node *node, void *into);
void read_audit(struct file_reader *r, const struct yaml_node *node, void *into);
void read_debug(struct file_reader *r, const struct yaml_node *node, void *into);
void read_fast_reads(struct file_reader *r, const struct yaml_node *node, void *into);
void read_advice(struct file_reader *r, const struct yaml_node *node, void *into);
void read_require(struct file_reader *r, const struct yaml_node *node, void *into);

/* NULL-terminated lists of the words that a policy uses. */
extern const char *const verb_names[], *const effect_names[], *const expose_names[];

#define SCHEMA_TEXT "{\"type\":\"string\"}"
#define SCHEMA_LIST "{\"type\":[\"string\",\"array\"],\"items\":{\"type\":\"string\"},\"minItems\":1}"
#define SCHEMA_BOOL "{\"enum\":[true,false]}"
#define SCHEMA_DURATION "{\"type\":\"string\",\"pattern\":\"^(0|([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?)$\"}"

#endif
