/* baseline FILE: what the supervisor runs to read a baseline's file (baseline_words.h has the lines): an OCI seccomp profile in JSON, or
 * {version, allow, deny} in YAML. The lines go to stdout; or one, `error ` and what is wrong, with status 1.
 *
 * OCI (runtime-spec, linux.seccomp; Docker's and Podman's own files have `archMap`, `includes` and `excludes` too): ALLOW and LOG
 * allow; ERRNO, KILL, KILL_THREAD, KILL_PROCESS and TRAP refuse, with the errno that the rule gives, else EPERM: the call is denied
 * and recorded, and nobody is killed. TRACE and NOTIFY need somebody else who answers, so they are an error. An agent has none of
 * the capabilities that such files ask for, so what they include for one is left out.
 */
#include "baseline_words.h"
#include "fd.h"
#include "policy_find.h"
#include "policy_yaml.h"
#include "verbs.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#if defined(__x86_64__)
static const char *const our_names[] = {"amd64", "x86_64", "SCMP_ARCH_X86_64"};
#elif defined(__aarch64__)
static const char *const our_names[] = {"arm64", "aarch64", "SCMP_ARCH_AARCH64"};
#endif

struct reader {
    struct buf out;
    struct err err;
};

#define BAD(r, ...) err_set(&(r)->err, 0, __VA_ARGS__)

static bool is_ours(const char *arch)
{
    for (size_t i = 0; arch && i < sizeof our_names / sizeof *our_names; i++)
        if (!strcmp(arch, our_names[i]))
            return true;
    return false;
}

/* Letters, digits and `_`: nothing that the lines are cut at. */
static bool is_call_name(const char *s)
{
    return s && *s && strlen(s) < 64 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

/* ---- JSON */

static int known_keys(struct reader *r, json_t *map, const char *what, const char *const *keys)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        size_t i = 0;
        while (keys[i] && strcmp(keys[i], key))
            i++;
        if (!keys[i])
            return BAD(r, "found the key `%.60s` in %s, which this version does not know", key, what);
    }
    return 0;
}

static int action_errno(struct reader *r, json_t *action, json_t *given, int *ret)
{
    static const struct {
        const char *name;
        bool refuses;
    } actions[] = {{"SCMP_ACT_ALLOW", false}, {"SCMP_ACT_LOG", false}, {"SCMP_ACT_ERRNO", true}, {"SCMP_ACT_KILL", true},
                   {"SCMP_ACT_KILL_THREAD", true}, {"SCMP_ACT_KILL_PROCESS", true}, {"SCMP_ACT_TRAP", true}};
    const char *name = json_string_value(action);
    json_int_t e = given && !json_is_null(given) ? json_integer_value(given) : EPERM;
    if (e < 1 || e > 4095)
        return BAD(r, "found an errno that is none, expected 1 to 4095");
    for (size_t i = 0; name && i < sizeof actions / sizeof *actions; i++)
        if (!strcmp(name, actions[i].name)) {
            *ret = actions[i].refuses ? (int)e : 0;
            return 0;
        }
    return BAD(r, "found the action %.60s, expected SCMP_ACT_ALLOW, LOG, ERRNO, KILL, KILL_THREAD, KILL_PROCESS or TRAP", name ? name : "(no text)");
}

/* Is one of these texts ours? */
static bool has_our_arch(json_t *list)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
        if (is_ours(json_string_value(v)))
            return true;
    return false;
}

static bool kernel_is(const char *least)
{
    struct utsname u;
    unsigned a = 0, b = 0, x = 0, y = 0;
    uname(&u);
    sscanf(u.release, "%u.%u", &a, &b);
    return least && sscanf(least, "%u.%u", &x, &y) >= 1 && (a > x || (a == x && b >= y));
}

/* Docker's filters: does the rule count on this machine, for an agent without capabilities? */
static bool counts(json_t *rule)
{
    json_t *in = json_object_get(rule, "includes"), *out = json_object_get(rule, "excludes"), *v;
    if ((v = json_object_get(in, "caps")) && json_array_size(v))
        return false;
    if ((v = json_object_get(in, "arches")) && json_array_size(v) && !has_our_arch(v))
        return false;
    if ((v = json_object_get(in, "minKernel")) && !kernel_is(json_string_value(v)))
        return false;
    if ((v = json_object_get(out, "arches")) && has_our_arch(v))
        return false;
    return !(v = json_object_get(out, "minKernel")) || !kernel_is(json_string_value(v));
}

static int put_condition(struct reader *r, json_t *arg, struct buf *b)
{
    static const char *const keys[] = {"index", "value", "valueTwo", "op", NULL};
    static const char *const ops[] = {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};
    const char *op = json_string_value(json_object_get(arg, "op"));
    json_t *index = json_object_get(arg, "index"), *value = json_object_get(arg, "value"), *two = json_object_get(arg, "valueTwo");
    if (!json_is_object(arg))
        return BAD(r, "found a condition that is no map");
    if (known_keys(r, arg, "a condition", keys))
        return -1;
    size_t i = 0, n = sizeof ops / sizeof *ops;
    while (i < n && (!op || strcmp(op, ops[i])))
        i++;
    if (i == n)
        return BAD(r, "found the comparison %.60s, expected SCMP_CMP_NE, LT, LE, EQ, GE, GT or MASKED_EQ", op ? op : "(no text)");
    if (!json_is_integer(index) || json_integer_value(index) < 0 || json_integer_value(index) > 5 || !json_is_integer(value) ||
        (two && !json_is_integer(two)))
        return BAD(r, "found a condition whose index (0 to 5), value or valueTwo is no number");
    unsigned long long v = (unsigned long long)json_integer_value(value), w = (unsigned long long)json_integer_value(two);
    buf_printf(b, " %d %s %llu", (int)json_integer_value(index), baseline_op_names[i], i == OP_MASKED_EQ ? w : v);
    if (i == OP_MASKED_EQ) /* OCI has the mask in value and what it is compared with in valueTwo */
        buf_printf(b, " %llu", v);
    return 0;
}

/* runc: several conditions on one argument are alternatives, each a rule of its own. */
static bool repeats_argument(json_t *args)
{
    unsigned seen = 0;
    size_t i;
    json_t *arg;
    json_array_foreach(args, i, arg) {
        unsigned bit = 1u << (json_integer_value(json_object_get(arg, "index")) & 31);
        if (seen & bit)
            return true;
        seen |= bit;
    }
    return false;
}

static int put_name(struct reader *r, const char *name, int errnum, json_t *args)
{
    if (!is_call_name(name))
        return BAD(r, "found the name `%.60s`, expected a system call's", name ? name : "");
    bool each = repeats_argument(args);
    size_t i;
    json_t *arg;
    if (!each)
        buf_printf(&r->out, "call %s %d", name, errnum);
    json_array_foreach(args, i, arg) {
        if (each)
            buf_printf(&r->out, "call %s %d", name, errnum);
        if (put_condition(r, arg, &r->out))
            return -1;
        if (each)
            buf_putc(&r->out, '\n');
    }
    if (!each)
        buf_putc(&r->out, '\n');
    return 0;
}

static int put_rule(struct reader *r, json_t *rule)
{
    static const char *const keys[] = {"names", "name", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes", NULL};
    json_t *names = json_object_get(rule, "names"), *one = json_object_get(rule, "name"), *args = json_object_get(rule, "args"), *v;
    int errnum;
    size_t i;
    if (!json_is_object(rule))
        return BAD(r, "found a rule that is no map");
    if (known_keys(r, rule, "a rule", keys) ||
        action_errno(r, json_object_get(rule, "action"), json_object_get(rule, "errnoRet"), &errnum))
        return -1;
    if ((args && !json_is_null(args) && !json_is_array(args)) || json_array_size(args) > 6)
        return BAD(r, "found `args` that are no list of at most six conditions");
    if (!counts(rule))
        return 0;
    if (!json_array_size(names) && !one)
        return BAD(r, "found a rule without `names`");
    if (one && put_name(r, json_string_value(one), errnum, args))
        return -1;
    json_array_foreach(names, i, v)
        if (put_name(r, json_string_value(v), errnum, args))
            return -1;
    return 0;
}

static int for_this_machine(struct reader *r, json_t *root)
{
    json_t *list = json_object_get(root, "architectures"), *map = json_object_get(root, "archMap"), *v;
    bool ours = !json_array_size(list) && !json_array_size(map);
    size_t i;
    ours = ours || has_our_arch(list);
    json_array_foreach(map, i, v)
        ours = ours || is_ours(json_string_value(json_object_get(v, "architecture")));
    return ours ? 0 : BAD(r, "it is made for other machines than this one (%s)", our_names[2]);
}

static int read_json(struct reader *r, const char *text, size_t len)
{
    static const char *const keys[] = {"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "syscalls",
                                       "flags", "comment", NULL};
    json_error_t where;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where), *rule;
    int otherwise, e = 0;
    size_t i;
    if (!root)
        return BAD(r, "line %d, column %d: %.200s", where.line, where.column, where.text);
    json_t *inner = json_object_get(json_object_get(root, "linux"), "seccomp"); /* a whole OCI config.json */
    json_t *profile = inner ? inner : root, *rules = json_object_get(profile, "syscalls");
    if (!json_is_object(profile) || !json_object_get(profile, "defaultAction"))
        e = BAD(r, "found no `defaultAction`, expected an OCI seccomp profile");
    else if (rules && !json_is_array(rules) && !json_is_null(rules))
        e = BAD(r, "found `syscalls` that is no list");
    else if (!known_keys(r, profile, "the profile", keys) && !for_this_machine(r, profile) &&
             !action_errno(r, json_object_get(profile, "defaultAction"), json_object_get(profile, "defaultErrnoRet"), &otherwise))
        buf_printf(&r->out, "otherwise %d\n", otherwise);
    else
        e = -1;
    json_array_foreach(rules, i, rule)
        if (!e && (e = put_rule(r, rule))) {
            struct err why = r->err;
            BAD(r, "syscalls[%zu]: %.300s", i, why.text);
        }
    json_decref(root);
    return e;
}

/* ---- YAML */

static int put_list(struct reader *r, const struct yaml_node *list, int errnum)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct yaml_node *v = list->item[i];
        if (v->kind != YAML_TEXT || !is_call_name(v->text))
            return BAD(r, "line %d: found %.60s, expected a system call's name", v->line, v->kind == YAML_TEXT ? v->text : yaml_kind_text(v));
        buf_printf(&r->out, "call %s %d\n", v->text, errnum);
    }
    return 0;
}

static int read_map_of_lists(struct reader *r, const struct yaml_node *root)
{
    const struct yaml_node *lists[2] = {NULL, NULL};
    static const char *const names[] = {"allow", "deny"};
    bool version = false;
    if (!root || root->kind != YAML_MAP)
        return BAD(r, "expected a map with `version` and `allow` or `deny`, or an OCI seccomp profile");
    for (size_t i = 0; i < root->n; i++) {
        const char *key = root->key[i]->text;
        const struct yaml_node *value = root->item[i];
        int which = key && !strcmp(key, "allow") ? 0 : key && !strcmp(key, "deny") ? 1 : -1;
        if (key && !strcmp(key, "version")) {
            if (value->kind != YAML_TEXT || strcmp(value->text, "1"))
                return BAD(r, "line %d: found another `version`, expected 1", value->line);
            version = true;
        } else if (which < 0) {
            return BAD(r, "line %d: found the key `%.60s`, expected version, allow or deny", root->key[i]->line, key ? key : "");
        } else if (value->kind != YAML_LIST) {
            return BAD(r, "line %d: found `%s: %s`, expected a list of system calls", value->line, key, yaml_kind_text(value));
        } else {
            lists[which] = value;
        }
    }
    if (!version || (!lists[0] && !lists[1]))
        return BAD(r, "found no `%s`, expected version: 1 and a list `allow` or `deny`", version ? names[0] : "version");
    buf_printf(&r->out, "otherwise %d\n", lists[0] ? EPERM : 0); /* with `allow`, the rest is refused */
    for (int i = 0; i < 2; i++)
        if (lists[i] && put_list(r, lists[i], i ? EPERM : 0))
            return -1;
    return 0;
}

static int read_yaml(struct reader *r, const char *path, const char *text, size_t len)
{
    struct mistakes m = {0};
    BUF_AUTO said = {0};
    struct yaml_node *root = policy_yaml_read(path, text, len, &m);
    int e = m.n ? -1 : read_map_of_lists(r, root);
    if (m.n) {
        mistakes_write(&m, &said);
        BAD(r, "%.*s", (int)strcspn(said.data, "\n"), said.data);
    }
    mistakes_free(&m);
    yaml_node_free(root);
    return e;
}

int baseline_lines(const char *path, struct buf *out, struct err *err)
{
    struct reader r = {0};
    char *bytes = NULL;
    size_t len = 0, at = 0;
    int e = policy_read_bytes(path, false, &bytes, &len);
    if (e) {
        BAD(&r, "%s", strerror(-e));
    } else {
        while (at < len && isspace((unsigned char)bytes[at]))
            at++;
        e = at < len && bytes[at] == '{' ? read_json(&r, bytes, len) : read_yaml(&r, path, bytes, len);
    }
    free(bytes);
    if (e)
        *err = r.err;
    else
        buf_put(out, r.out.data, r.out.len);
    buf_free(&r.out);
    return e ? -1 : 0;
}

int verb_baseline(int argc, char **argv)
{
    BUF_AUTO out = {0};
    struct err err;
    if (argc != 2)
        return 2;
    int bad = baseline_lines(argv[1], &out, &err);
    if (bad) {
        buf_clear(&out);
        buf_printf(&out, "error %s\n", err.text);
    }
    return fd_write_all(1, out.data, out.len) || bad ? 1 : 0;
}
