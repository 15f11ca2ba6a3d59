#include "options.h"
#include "baseline_words.h"
#include "duration.h"
#include "mistakes.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* from: the flag or the variable as the user knows it, for messages. */
typedef int take_fn(struct options *o, const char *from, const char *value, struct err *err);

struct option_row {
    const char *name;
    char letter;
    const char *value; /* NULL: a switch */
    take_fn *take;
    const char *env, *older_env;
    size_t flag; /* a switch: offset of its bool */
};

#define BAD(...) err_status(err, 2, __VA_ARGS__)
#define NOT_YET "is not built in this version"

static int take_mode(struct options *o, const char *from, const char *value, struct err *err)
{
    for (size_t i = 0; mode_names[i]; i++)
        if (!strcmp(value, mode_names[i])) {
            o->mode = (enum mode)i;
            o->mode_set = true;
            return 0;
        }
    STR_AUTO found = found_text(value);
    STR_AUTO near = nearest_text(value, mode_names);
    return BAD("%s: found %s, expected log, enforce or off%s", from, found, near);
}

/* ncurses, popup and tkinter are the names of the system that this one follows. */
static const struct {
    const char *name;
    enum approval_how how;
} approvals[] = {
    {"auto", APPROVAL_AUTO},   {"desktop", APPROVAL_DESKTOP}, {"tui", APPROVAL_TUI},       {"console", APPROVAL_CONSOLE},
    {"reject", APPROVAL_REJECT}, {"ncurses", APPROVAL_TUI},     {"popup", APPROVAL_DESKTOP}, {"tkinter", APPROVAL_DESKTOP},
};
static const char *const approval_names[] = {"auto", "desktop", "tui", "console", "reject", NULL};

static bool find_approval(const char *text, enum approval_how *ret)
{
    for (size_t i = 0; i < sizeof approvals / sizeof *approvals; i++)
        if (!strcmp(text, approvals[i].name)) {
            *ret = approvals[i].how;
            return true;
        }
    return false;
}

static int take_approval(struct options *o, const char *from, const char *value, struct err *err)
{
    if (!find_approval(value, &o->approval)) {
        STR_AUTO found = found_text(value);
        STR_AUTO near = nearest_text(value, approval_names);
        return BAD("%s: found %s, expected auto, desktop, tui, console or reject%s", from, found, near);
    }
    o->approval_set = true;
    return 0;
}

int options_approval(const char *text, enum approval_how *ret, unsigned *handlers, struct err *err)
{
    *handlers = APPROVAL_ALL;
    if (text && strchr(text, ',')) { /* of a list, whichever can be had: what auto does, with these */
        *ret = APPROVAL_AUTO;
        *handlers = 0;
        STR_AUTO words = xstrdup(text);
        char *save = NULL;
        enum approval_how one;
        for (char *w = strtok_r(words, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
            if (!find_approval(w, &one))
                return err_set(err, 0, "the policy's approval.handlers: `%s` is no interface", w);
            *handlers |= 1u << one;
        }
        return 0;
    }
    if (!text)
        *ret = APPROVAL_AUTO;
    else if (!find_approval(text, ret))
        return err_set(err, 0, "the policy's approval.handlers: `%s` is no interface", text);
    return 0;
}

static int take_policy(struct options *o, const char *from, const char *value, struct err *err)
{
    o->policies = xrealloc(o->policies, (o->npolicies + 2) * sizeof *o->policies);
    o->policies[o->npolicies++] = value;
    o->policies[o->npolicies] = NULL;
    return 0;
}

static int take_adhoc(struct options *o, const char *from, const char *value, struct err *err)
{
    const char *colon = strchr(value, ':');
    STR_AUTO verb = xstrndup(value, colon ? (size_t)(colon - value) : strlen(value));
    bool known = false;
    for (size_t i = 0; verb_names[i]; i++)
        known |= !strcmp(verb, verb_names[i]);
    STR_AUTO found = found_text(value);
    if (!colon || !colon[1])
        return BAD("%s: found %s, expected VERB:TARGET, as in %s write:/srv/data/**", from, found, from);
    if (!known) {
        STR_AUTO near = nearest_text(verb, verb_names);
        return BAD("%s: found %s, expected a verb (read, write, exec, connect, bind) before the colon%s", from, found, near);
    }
    enum effect effect = from[2] == 'd' ? EFFECT_DENY : from[3] == 's' ? EFFECT_ASK : EFFECT_ALLOW;
    o->adhoc = xrealloc(o->adhoc, (o->nadhoc + 1) * sizeof *o->adhoc);
    o->adhoc[o->nadhoc++] = (struct adhoc){effect, value};
    return 0;
}

static int take_timeout(struct options *o, const char *from, const char *value, struct err *err)
{
    if (!duration_parse(value, &o->approval_timeout_ms))
        return 0;
    STR_AUTO found = found_text(value);
    return BAD("%s: found %s, expected `0` or whole numbers with d, h, m, s in that order (90s, 1h30m)", from, found);
}

static int take_workspace(struct options *o, const char *from, const char *value, struct err *err)
{
    o->workspace = value;
    return 0;
}

static int take_audit(struct options *o, const char *from, const char *value, struct err *err)
{
    o->audit = value;
    return 0;
}

static int take_key(struct options *o, const char *from, const char *value, struct err *err)
{
    o->audit_key = value;
    return 0;
}

static int take_session(struct options *o, const char *from, const char *value, struct err *err)
{
    o->session = value;
    return 0;
}

static int take_baseline(struct options *o, const char *from, const char *value, struct err *err)
{
    if (!strcmp(value, "custom"))
        return BAD("%s: `custom` of the older system is now a file: --baseline FILE, an OCI seccomp profile", from);
    o->baseline = value;
    if (!strcmp(value, "none"))
        o->baseline = "off";
    for (size_t i = 0; baseline_names[i]; i++)
        if (!strcmp(o->baseline, baseline_names[i]))
            return 0;
    if (baseline_is_file(value))
        return 0;
    STR_AUTO found = found_text(value);
    STR_AUTO near = nearest_text(value, baseline_names);
    return BAD("%s: found %s, expected strict, mvp, datasci, off or a file (with a / or a dot in its name)%s", from, found, near);
}

static int take_record(struct options *o, const char *from, const char *value, struct err *err)
{
    return BAD("%s: counting every system call " NOT_YET ": the audit log has the supervised ones", from);
}

#define SWITCH(field) .flag = offsetof(struct options, field)
static const struct option_row rows[] = {
    {"--mode", 'm', "log|enforce|off", take_mode, "SENTINEL_MODE", "SENTINEL_SECCOMP_MODE", 0},
    {"--policy", 'p', "FILE|NAME", take_policy, "SENTINEL_POLICY", NULL, 0},
    {"--allow", 0, "VERB:TARGET", take_adhoc, NULL, NULL, 0},
    {"--ask", 0, "VERB:TARGET", take_adhoc, NULL, NULL, 0},
    {"--deny", 0, "VERB:TARGET", take_adhoc, NULL, NULL, 0},
    {"--workspace", 'w', "DIR", take_workspace, "SENTINEL_WORKSPACE", NULL, 0},
    {"--approval", 'a', "auto|desktop|tui|console|reject", take_approval, "SENTINEL_APPROVAL_MODE", NULL, 0},
    {"--approval-timeout", 0, "DUR", take_timeout, NULL, NULL, 0},
    {"--audit", 'o', "FILE", take_audit, NULL, NULL, 0},
    {"--audit-key", 0, "FILE", take_key, NULL, NULL, 0},
    {"--session", 0, "NAME", take_session, NULL, NULL, 0},
    {"--baseline", 0, "NAME|FILE", take_baseline, "SENTINEL_SECCOMP_PROFILE", NULL, 0},
    {"--record-syscalls", 0, NULL, take_record, NULL, NULL, 0},
    {"--linger", 0, NULL, NULL, NULL, NULL, SWITCH(linger)},
    {"--fail-on-denied", 0, NULL, NULL, NULL, NULL, SWITCH(fail_on_denied)},
    {"--json", 0, NULL, NULL, NULL, NULL, SWITCH(json)},
    {"--quiet", 'q', NULL, NULL, NULL, NULL, SWITCH(quiet)},
    {"--verbose", 'v', NULL, NULL, NULL, NULL, SWITCH(verbose)},
    {"--no-color", 0, NULL, NULL, NULL, NULL, SWITCH(no_color)},
    {"--version", 'V', NULL, NULL, NULL, NULL, SWITCH(version)},
    {"--help", 'h', NULL, NULL, NULL, NULL, SWITCH(help)},
};
enum { ROWS = sizeof rows / sizeof *rows };

const char *options_name(size_t i, char *ret_letter, const char **ret_value)
{
    if (i >= ROWS)
        return NULL;
    *ret_letter = rows[i].letter;
    *ret_value = rows[i].value;
    return rows[i].name;
}

static int take(struct options *o, const struct option_row *r, const char *from, const char *value, struct err *err)
{
    if (r->take)
        return r->take(o, from, value, err);
    *((bool *)((char *)o + r->flag)) = true;
    return 0;
}

static int no_value(const struct option_row *r, const char *from, struct err *err)
{
    return BAD("%s needs a value: %s", from, r->value);
}

/* --name, --name=VALUE, --name VALUE. i is moved on by what was taken. */
static int parse_long(struct options *o, int argc, char **argv, int *i, struct err *err)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    STR_AUTO name = equals ? xstrndup(word, (size_t)(equals - word)) : xstrdup(word);
    for (size_t k = 0; k < ROWS; k++) {
        const struct option_row *r = &rows[k];
        if (strcmp(name, r->name))
            continue;
        if (!r->value)
            return equals ? BAD("%s takes no value", r->name) : take(o, r, r->name, NULL, err);
        const char *value = equals ? equals + 1 : *i + 1 < argc && strcmp(argv[*i + 1], "--") ? argv[++*i] : "";
        return *value ? take(o, r, r->name, value, err) : no_value(r, r->name, err);
    }
    const char *names[ROWS + 1] = {0};
    for (size_t k = 0; k < ROWS; k++)
        names[k] = rows[k].name;
    STR_AUTO found = found_text(name);
    STR_AUTO near = nearest_text(name, names);
    return BAD("unknown option %s%s (sentinel-watch --help lists them)", found, near);
}

/* -q, -qv, -mlog, -m log */
static int parse_short(struct options *o, int argc, char **argv, int *i, struct err *err)
{
    for (const char *c = argv[*i] + 1; *c; c++) {
        const struct option_row *r = NULL;
        for (size_t k = 0; k < ROWS; k++)
            if (rows[k].letter == *c)
                r = &rows[k];
        char from[] = {'-', *c, 0};
        if (!r) {
            STR_AUTO found = found_text(argv[*i]);
            return BAD("unknown option %s (sentinel-watch --help lists them)", found);
        }
        if (r->value) {
            const char *value = c[1] ? c + 1 : *i + 1 < argc && strcmp(argv[*i + 1], "--") ? argv[++*i] : "";
            return *value ? take(o, r, from, value, err) : no_value(r, from, err);
        }
        if (take(o, r, from, NULL, err))
            return -1;
    }
    return 0;
}

static void put_word(struct buf *b, const char *word)
{
    BUF_AUTO text = {0};
    buf_escape(&text, word, strlen(word));
    buf_shell(b, text.data);
}

/* The same line with `--` before the word that starts the program. */
static int no_dashes(int argc, char **argv, int at, struct err *err)
{
    BUF_AUTO b = {0};
    buf_puts(&b, "sentinel-watch");
    for (int i = 1; i < argc; i++) {
        if (i == at)
            buf_puts(&b, " --");
        if (i > at && !strcmp(argv[i], "--"))
            continue;
        buf_putc(&b, ' ');
        put_word(&b, argv[i]);
    }
    STR_AUTO found = found_text(argv[at]);
    return BAD("found %s, expected `--` before the program: %s", found, b.data);
}

int options_parse(struct options *o, int argc, char **argv, struct err *err)
{
    *o = (struct options){.approval_timeout_ms = -1};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!strcmp(word, "--")) {
            o->command = argv[i + 1] ? argv + i + 1 : NULL;
            return 0;
        }
        if (word[0] != '-' || !word[1])
            return no_dashes(argc, argv, i, err);
        if (word[1] == '-' ? parse_long(o, argc, argv, &i, err) : parse_short(o, argc, argv, &i, err))
            return -1;
    }
    return 0;
}

static const char *variable(const char *name)
{
    const char *v = name ? getenv(name) : NULL;
    return v && *v ? v : NULL;
}

static bool said(const struct options *o, const struct option_row *r)
{
    return (r->take == take_mode && o->mode_set) || (r->take == take_policy && o->npolicies) ||
           (r->take == take_workspace && o->workspace) || (r->take == take_approval && o->approval_set) ||
           (r->take == take_baseline && o->baseline);
}

static int truth(const char *name, bool *ret, struct err *err)
{
    const char *v = variable(name);
    *ret = v && !strcmp(v, "true");
    if (v && !*ret && strcmp(v, "false")) {
        STR_AUTO found = found_text(v);
        return BAD("%s: found %s, expected true or false", name, found);
    }
    return 0;
}

/* What pins a policy and hardens a run. Half of it would be worse than none. */
static int production(struct options *o, struct err *err)
{
    static const char *const hmac[] = {"SENTINEL_POLICY_HMAC_SHA256", "SENTINEL_POLICY_HMAC_KEY", NULL};
    for (size_t i = 0; hmac[i]; i++)
        if (variable(hmac[i]))
            return BAD("%s: signing with a shared key is gone: use SENTINEL_POLICY_SHA256 or an Ed25519 signature (policy sign)", hmac[i]);
    bool on;
    if (truth("SENTINEL_PRODUCTION", &on, err) || truth("SENTINEL_POLICY_IMMUTABLE", &o->immutable, err))
        return -1;
    if (on && o->mode_set && o->mode != MODE_ENFORCE)
        return BAD("SENTINEL_PRODUCTION=true: found mode %s, expected enforce", mode_names[o->mode]);
    if (on && o->baseline && !strcmp(o->baseline, "off"))
        return BAD("SENTINEL_PRODUCTION=true: found the baseline off, expected another");
    if (on)
        return BAD("SENTINEL_PRODUCTION=true: production mode wants a policy pinned by SENTINEL_POLICY_SHA256 or a signature, and pinning " NOT_YET
                   ": unset the variable");
    if (variable("SENTINEL_POLICY_SHA256"))
        return BAD("SENTINEL_POLICY_SHA256: pinning a policy by its hash " NOT_YET ": unset the variable");
    if (o->immutable && o->nadhoc)
        return BAD("SENTINEL_POLICY_IMMUTABLE=true: found a rule on the command line (%s), expected none", o->adhoc[0].text);
    return 0;
}

int options_environment(struct options *o, struct err *err)
{
    for (size_t k = 0; k < ROWS; k++) {
        const struct option_row *r = &rows[k];
        if (!r->env || said(o, r))
            continue;
        const char *from = variable(r->env) ? r->env : r->older_env;
        const char *value = variable(from);
        if (value && take(o, r, from, value, err))
            return -1;
    }
    if (variable("NO_COLOR"))
        o->no_color = true;
    return production(o, err);
}

void options_free(struct options *o)
{
    free(o->policies);
    free(o->adhoc);
}

char *options_session_name(const char *text)
{
    char *s = xstrndup(text, strnlen(text, 64));
    for (char *c = s; *c; c++)
        if (!(strchr("._-", *c) || (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z')))
            *c = '_';
    return s;
}

char *options_session_default(const char *command)
{
    const char *slash = strrchr(command, '/'), *base = slash && slash[1] ? slash + 1 : command;
    char when[32];
    time_t now = time(NULL);
    struct tm tm;
    strftime(when, sizeof when, "%Y%m%dT%H%M%S", localtime_r(&now, &tm));
    STR_AUTO text = xasprintf("%.30s-%s-%d", base, when, (int)getpid());
    return options_session_name(text);
}
