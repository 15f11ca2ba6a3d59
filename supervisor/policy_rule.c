#include "policy_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>


enum { PATH_VERBS = 1 << VERB_READ | 1 << VERB_WRITE | 1 << VERB_EXEC, ADDRESS_VERBS = 1 << VERB_CONNECT };

static const struct { const char *name; int errnum; } errnos[] = {
    {"EACCES", EACCES}, {"EPERM", EPERM}, {"ENOENT", ENOENT},
    {"ECONNREFUSED", ECONNREFUSED}, {"EHOSTUNREACH", EHOSTUNREACH}, {"ENETUNREACH", ENETUNREACH},
};
static const char *const errno_words[] = {"EACCES", "EPERM", "ENOENT", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", NULL};

/* A rule while it is read: what was said beside what it means. */
struct rule_reading {
    struct rule_source *rule;
    int effects;
    bool errno_said, timeout_said, hard_said;
};

static void read_verbs(struct file_reader *r, const struct yaml_node *node, struct rule_reading *k, enum effect effect)
{
    k->effects++;
    k->rule->effect = effect;
    k->rule->verbs = 0;
    if (node->kind == YAML_MAP || (node->kind == YAML_LIST && !node->n)) {
        wrong(r, node, "found %s, expected a verb or a list of verbs: read, write, exec, connect, bind",
              node->n ? "a map" : "an empty list");
        return;
    }
    const struct yaml_node *one = node;
    struct yaml_node *const *items = node->kind == YAML_LIST ? node->item : (struct yaml_node *const *)&one;
    for (size_t i = 0; i < (node->kind == YAML_LIST ? node->n : 1); i++) {
        int verb = read_word(r, items[i], verb_names);
        if (verb >= 0 && k->rule->verbs & 1u << verb)
            wrong(r, items[i], "found `%s` twice, expected it once", verb_names[verb]);
        if (verb >= 0)
            k->rule->verbs |= 1u << verb;
    }
}

static void rule_allow(struct file_reader *r, const struct yaml_node *n, void *k) { read_verbs(r, n, k, EFFECT_ALLOW); }
static void rule_ask(struct file_reader *r, const struct yaml_node *n, void *k) { read_verbs(r, n, k, EFFECT_ASK); }
static void rule_deny(struct file_reader *r, const struct yaml_node *n, void *k) { read_verbs(r, n, k, EFFECT_DENY); }

static void rule_name(struct file_reader *r, const struct yaml_node *node, void *k)
{
    struct rule_source *rule = ((struct rule_reading *)k)->rule;
    if (!read_name(r, node, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", "a rule's name of [A-Za-z0-9._-], at most 64",
                   &rule->name))
        return;
    for (size_t i = 0; i < r->file->nrules; i++)
        if (r->file->rules[i] != rule && r->file->rules[i]->name && !strcmp(r->file->rules[i]->name, rule->name))
            wrong(r, node, "found the rule name `%s` twice (first in line %d), expected a name of its own", rule->name,
                  r->file->rules[i]->line);
}

#define PATH_EXPECTED "a path pattern (`/dir/**`, `~/file`, `${WORKSPACE}/**`, `**/name`)"

static void rule_path(struct file_reader *r, const struct yaml_node *node, void *k)
{
    read_list(r, node, PATH_EXPECTED, &((struct rule_reading *)k)->rule->path);
}

static void rule_except(struct file_reader *r, const struct yaml_node *node, void *k)
{
    read_list(r, node, PATH_EXPECTED, &((struct rule_reading *)k)->rule->except);
}

static void rule_to(struct file_reader *r, const struct yaml_node *node, void *k)
{
    read_list(r, node, "an address (`10.0.0.0/8:443`, `[::1]:80`, `unix:/path`, `loopback`)", &((struct rule_reading *)k)->rule->to);
}

static void rule_by(struct file_reader *r, const struct yaml_node *node, void *k)
{
    read_list(r, node, PATH_EXPECTED, &((struct rule_reading *)k)->rule->by);
}

static void rule_under(struct file_reader *r, const struct yaml_node *node, void *k)
{
    read_list(r, node, PATH_EXPECTED, &((struct rule_reading *)k)->rule->under);
}

static void read_argv(struct file_reader *r, const struct yaml_node *node, struct rule_source *rule, enum argv_match how)
{
    rule->argv_match = how;
    if (how == ARGV_EXACT && node->kind == YAML_LIST && !node->n) {
        rule->argv.given = true; /* exactly no argument */
        return;
    }
    read_list(r, node, "an argument", &rule->argv);
}

static void argv_exact(struct file_reader *r, const struct yaml_node *n, void *rule) { read_argv(r, n, rule, ARGV_EXACT); }
static void argv_prefix(struct file_reader *r, const struct yaml_node *n, void *rule) { read_argv(r, n, rule, ARGV_PREFIX); }
static void argv_glob(struct file_reader *r, const struct yaml_node *n, void *rule) { read_argv(r, n, rule, ARGV_GLOB); }

static const struct file_key argv_keys[] = {
    {"exact", argv_exact, SCHEMA_LIST}, {"prefix", argv_prefix, SCHEMA_LIST}, {"glob", argv_glob, SCHEMA_LIST}, {0}};

static void rule_argv(struct file_reader *r, const struct yaml_node *node, void *k)
{
    if (node->kind != YAML_MAP || node->n != 1) {
        STR_AUTO shown = node->kind == YAML_MAP ? xasprintf("%zu keys", node->n) : shown_node(node);
        wrong(r, node, "found %s, expected one of {exact: [...]}, {prefix: [...]}, {glob: [...]}", shown);
        return;
    }
    read_map(r, node, argv_keys, ((struct rule_reading *)k)->rule, "an argv match");
}

static void rule_hard(struct file_reader *r, const struct yaml_node *node, void *k)
{
    static const char *const words[] = {"false", "true", NULL};
    ((struct rule_reading *)k)->hard_said = true;
    ((struct rule_reading *)k)->rule->hard = read_word(r, node, words) == 1;
}

static void rule_message(struct file_reader *r, const struct yaml_node *node, void *k)
{
    read_prose(r, node, &((struct rule_reading *)k)->rule->message);
}

static void rule_errno(struct file_reader *r, const struct yaml_node *node, void *k)
{
    int w = read_word(r, node, errno_words);
    ((struct rule_reading *)k)->errno_said = true;
    for (size_t i = 0; w >= 0 && i < sizeof errnos / sizeof errnos[0]; i++)
        if (!strcmp(errnos[i].name, errno_words[w]))
            ((struct rule_reading *)k)->rule->errnum = errnos[i].errnum;
}

static void rule_timeout(struct file_reader *r, const struct yaml_node *node, void *k)
{
    ((struct rule_reading *)k)->timeout_said = true;
    read_duration(r, node, &((struct rule_reading *)k)->rule->timeout_ms);
}

#define SCHEMA_VERBS                                                                                                    \
    "{\"anyOf\":[{\"enum\":[\"read\",\"write\",\"exec\",\"connect\",\"bind\"]},{\"type\":\"array\",\"minItems\":1,"     \
    "\"items\":{\"enum\":[\"read\",\"write\",\"exec\",\"connect\",\"bind\"]}}]}"

const struct file_key rule_keys[] = {
    {"allow", rule_allow, SCHEMA_VERBS},
    {"ask", rule_ask, SCHEMA_VERBS},
    {"deny", rule_deny, SCHEMA_VERBS},
    {"name", rule_name, "{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9._-]{1,64}$\"}"},
    {"path", rule_path, SCHEMA_LIST},
    {"except", rule_except, SCHEMA_LIST},
    {"to", rule_to, SCHEMA_LIST},
    {"argv", rule_argv, "{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,\"additionalProperties\":false,\"properties\":"
                        "{\"exact\":" SCHEMA_LIST ",\"prefix\":" SCHEMA_LIST ",\"glob\":" SCHEMA_LIST "}}"},
    {"by", rule_by, SCHEMA_LIST},
    {"under", rule_under, SCHEMA_LIST},
    {"hard", rule_hard, SCHEMA_BOOL},
    {"message", rule_message, SCHEMA_TEXT},
    {"errno", rule_errno, "{\"enum\":[\"EACCES\",\"EPERM\",\"ENOENT\",\"ECONNREFUSED\",\"EHOSTUNREACH\",\"ENETUNREACH\"]}"},
    {"timeout", rule_timeout, SCHEMA_DURATION},
    {0},
};

/* What goes with what. */
static void check_rule(struct file_reader *r, const struct yaml_node *node, const struct rule_reading *k)
{
    const struct rule_source *s = k->rule;
    if (k->effects != 1) {
        wrong(r, node, "found a rule with %s of allow, ask, deny, expected exactly one", k->effects ? "several" : "none");
        return;
    }
    if (s->verbs & PATH_VERBS && s->verbs & ADDRESS_VERBS)
        wrong(r, node, "found verbs for paths and for addresses in one rule, expected read, write, exec in one and connect in another");
    else if (s->path.given && s->verbs & ADDRESS_VERBS)
        wrong(r, node, "found `path` with connect, expected `to` (a unix socket is `to: \"unix:/path\"`)");
    else if (s->to.given && s->verbs & PATH_VERBS)
        wrong(r, node, "found `to` with %s, expected `path`", s->verbs & 1 << VERB_READ ? "read" : s->verbs & 1 << VERB_WRITE ? "write" : "exec");
    if (s->path.given && s->to.given)
        wrong(r, node, "found `path` and `to` in one rule, expected one of them");
    if (s->except.given && (s->to.given || s->verbs & ADDRESS_VERBS))
        wrong(r, node, "found `except` with addresses, expected it with `path`: put a rule for the exception before this one");
    if (s->argv.given && s->verbs != 1u << VERB_EXEC)
        wrong(r, node, "found `argv` with a verb other than exec, expected it with exec alone");
    if (k->hard_said && s->effect != EFFECT_DENY)
        wrong(r, node, "found `hard` on a rule that does not deny, expected it with deny only");
    if (k->errno_said && s->effect != EFFECT_DENY)
        wrong(r, node, "found `errno` on a rule that does not deny, expected it with deny only");
    if (k->timeout_said && s->effect != EFFECT_ASK)
        wrong(r, node, "found `timeout` on a rule that does not ask, expected it with ask only");
    if (s->message && s->effect == EFFECT_ALLOW)
        wrong(r, node, "found `message` on a rule that allows, expected it with deny or ask");
    for (size_t i = 0; i < s->path.n; i++)
        if (!strcmp(s->path.item[i].text, "anonymous") && !(s->verbs & 1u << VERB_EXEC))
            mistakes_add(r->mistakes, r->file->shown, s->path.item[i].line, s->path.item[i].column,
                         "found `anonymous` without exec, expected it with exec: it means a program without a file");
}

static bool expect_list(struct file_reader *r, const struct yaml_node *node, const char *what)
{
    if (node->kind == YAML_LIST)
        return true;
    STR_AUTO shown = shown_node(node);
    wrong(r, node, "found %s, expected a list of %s", shown, what);
    return false;
}

void read_rules(struct file_reader *r, const struct yaml_node *node, void *into)
{
    struct policy_file *f = into;
    if (!expect_list(r, node, "rules"))
        return;
    for (size_t i = 0; i < node->n; i++) {
        struct rule_source *rule = xcalloc(1, sizeof *rule);
        rule->line = node->item[i]->line;
        rule->column = node->item[i]->column;
        rule->timeout_ms = -1;
        f->rules = xrealloc(f->rules, (f->nrules + 1) * sizeof *f->rules);
        f->rules[f->nrules++] = rule;
        struct rule_reading k = {.rule = rule};
        read_map(r, node->item[i], rule_keys, &k, "a rule");
        if (node->item[i]->kind == YAML_MAP)
            check_rule(r, node->item[i], &k);
    }
}

void rule_source_free(struct rule_source *s)
{
    if (!s)
        return;
    struct said_list *lists[] = {&s->path, &s->except, &s->to, &s->by, &s->under, &s->argv};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        said_list_free(lists[i]);
    free(s->name);
    free(s->message);
    free(s);
}

/* ---- tests */

struct test_reading {
    struct test_source *test;
    int verbs, expects;
};

static void test_verb(struct file_reader *r, const struct yaml_node *node, struct test_reading *k, enum verb verb)
{
    k->verbs++;
    k->test->verb = verb;
    k->test->target.line = node->line;
    k->test->target.column = node->column + node->quoted;
    read_text(r, node, verb == VERB_CONNECT ? "an address" : "a path", &k->test->target.text);
}

static void test_read(struct file_reader *r, const struct yaml_node *n, void *k) { test_verb(r, n, k, VERB_READ); }
static void test_write(struct file_reader *r, const struct yaml_node *n, void *k) { test_verb(r, n, k, VERB_WRITE); }
static void test_exec(struct file_reader *r, const struct yaml_node *n, void *k) { test_verb(r, n, k, VERB_EXEC); }
static void test_connect(struct file_reader *r, const struct yaml_node *n, void *k) { test_verb(r, n, k, VERB_CONNECT); }
static void test_bind(struct file_reader *r, const struct yaml_node *n, void *k) { test_verb(r, n, k, VERB_BIND); }

static void test_argv(struct file_reader *r, const struct yaml_node *node, void *k)
{
    read_list(r, node, "an argument", &((struct test_reading *)k)->test->argv);
}

static void test_expect(struct file_reader *r, const struct yaml_node *node, void *k)
{
    int effect = read_word(r, node, effect_names);
    ((struct test_reading *)k)->expects++;
    if (effect >= 0)
        ((struct test_reading *)k)->test->expect = (enum effect)effect;
}

static void test_by_rule(struct file_reader *r, const struct yaml_node *node, void *k)
{
    read_text(r, node, "the name of a rule", &((struct test_reading *)k)->test->by_rule);
}

const struct file_key test_keys[] = {
    {"read", test_read, SCHEMA_TEXT},       {"write", test_write, SCHEMA_TEXT}, {"exec", test_exec, SCHEMA_TEXT},
    {"connect", test_connect, SCHEMA_TEXT}, {"bind", test_bind, SCHEMA_TEXT},   {"argv", test_argv, SCHEMA_LIST},
    {"expect", test_expect, "{\"enum\":[\"allow\",\"ask\",\"deny\"]}"},         {"by_rule", test_by_rule, SCHEMA_TEXT},
    {0},
};

void read_tests(struct file_reader *r, const struct yaml_node *node, void *into)
{
    struct policy_file *f = into;
    if (!expect_list(r, node, "tests"))
        return;
    for (size_t i = 0; i < node->n; i++) {
        f->tests = xrealloc(f->tests, (f->ntests + 1) * sizeof *f->tests);
        struct test_source *t = &f->tests[f->ntests++];
        *t = (struct test_source){.line = node->item[i]->line};
        struct test_reading k = {.test = t};
        read_map(r, node->item[i], test_keys, &k, "a test");
        if (node->item[i]->kind != YAML_MAP)
            continue;
        if (k.verbs != 1)
            wrong(r, node->item[i], "found a test with %s, expected exactly one of read, write, exec, connect, bind",
                  k.verbs ? "several verbs" : "no verb");
        if (!k.expects)
            wrong(r, node->item[i], "found a test without `expect`, expected allow, ask or deny");
        if (t->argv.given && t->verb != VERB_EXEC)
            wrong(r, node->item[i], "found `argv` with a verb other than exec, expected it with exec");
    }
}

/* ---- the command line */

struct rule_source *rule_source_adhoc(enum effect effect, const char *text, const char *shown, struct mistakes *m)
{
    const char *colon = strchr(text, ':');
    STR_AUTO found = found_text(text);
    if (!colon || colon == text || !colon[1]) {
        mistakes_add(m, shown, 0, 0, "found %s, expected VERB:TARGET (`write:/tmp/**`, `connect:10.1.0.0/16:5432`)", found);
        return NULL;
    }
    struct rule_source *s = xcalloc(1, sizeof *s);
    s->effect = effect;
    s->timeout_ms = -1;
    for (const char *p = text; p < colon;) {
        size_t n = strcspn(p, ",:");
        STR_AUTO word = xstrndup(p, n);
        int verb = 0;
        while (verb_names[verb] && strcmp(verb_names[verb], word))
            verb++;
        if (!verb_names[verb]) {
            STR_AUTO nearest = nearest_text(word, verb_names);
            mistakes_add(m, shown, 0, 0, "found the verb `%.30s` in %s, expected read, write, exec, connect or bind%s", word, found, nearest);
            rule_source_free(s);
            return NULL;
        }
        s->verbs |= 1u << verb;
        p += n + 1;
    }
    if (s->verbs & PATH_VERBS && s->verbs & ADDRESS_VERBS) {
        mistakes_add(m, shown, 0, 0, "found verbs for paths and for addresses in %s, expected one kind", found);
        rule_source_free(s);
        return NULL;
    }
    const char *target = colon + 1;
    /* bind takes both kinds: a path looks like one */
    bool address = s->verbs & ADDRESS_VERBS || (!(s->verbs & PATH_VERBS) && !strchr("/~$*", *target));
    struct said_list *list = address ? &s->to : &s->path;
    list->given = true;
    list->item = xcalloc(1, sizeof *list->item);
    list->item[list->n++] = (struct said){xstrdup(target), 0, (int)(target - text)};
    return s;
}
