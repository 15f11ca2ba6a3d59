#include "options.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse(struct options *o, const char *line, struct err *err)
{
    static char *argv[64], copy[1024];
    int n = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *save = NULL, *w = strtok_r(copy, " ", &save); w && n < 63; w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    argv[n] = NULL;
    return options_parse(o, n, argv, err);
}

static void clear_environment(void)
{
    static const char *const names[] = {"SENTINEL_MODE", "SENTINEL_SECCOMP_MODE", "SENTINEL_POLICY", "SENTINEL_WORKSPACE", "SENTINEL_APPROVAL_MODE",
                                        "SENTINEL_SECCOMP_PROFILE", "SENTINEL_PRODUCTION", "SENTINEL_POLICY_IMMUTABLE", "SENTINEL_POLICY_SHA256",
                                        "SENTINEL_POLICY_HMAC_SHA256", "SENTINEL_POLICY_HMAC_KEY", "NO_COLOR"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

Test(options, every_form_of_a_flag)
{
    struct options o;
    struct err err;
    cr_assert_eq(parse(&o, "sw -m log --policy=a -p b -pc --allow read:/x --deny connect:any -w /tmp -a ncurses2 -- x", &err), -1);
    cr_assert_eq(parse(&o, "sw -mlog --policy=a -p b -pc --allow read:/x --ask exec:/y --deny connect:any -w /tmp -a reject "
                           "--approval-timeout 1h30m --audit=f --session s --baseline none --linger --fail-on-denied --json -qv -- prog -m enforce --",
                       &err), 0, "%s", err.text);
    cr_assert(o.mode_set && o.mode == MODE_LOG);
    cr_assert_eq(o.npolicies, 3);
    cr_assert_str_eq(o.policies[0], "a");
    cr_assert_str_eq(o.policies[2], "c");
    cr_assert_null(o.policies[3]);
    cr_assert_eq(o.nadhoc, 3);
    cr_assert(o.adhoc[0].effect == EFFECT_ALLOW && o.adhoc[1].effect == EFFECT_ASK && o.adhoc[2].effect == EFFECT_DENY);
    cr_assert_str_eq(o.adhoc[2].text, "connect:any");
    cr_assert_str_eq(o.workspace, "/tmp");
    cr_assert(o.approval_set && o.approval == APPROVAL_REJECT);
    cr_assert_eq(o.approval_timeout_ms, 5400000);
    cr_assert_str_eq(o.audit, "f");
    cr_assert_str_eq(o.session, "s");
    cr_assert_str_eq(o.baseline, "off");
    cr_assert(o.linger && o.fail_on_denied && o.json && o.quiet && o.verbose && !o.help && !o.version);
    cr_assert_str_eq(o.command[0], "prog");
    cr_assert_str_eq(o.command[3], "--");
    options_free(&o);
}

Test(options, older_names_of_approvals)
{
    struct options o;
    struct err err;
    cr_assert(parse(&o, "sw -a ncurses -- x", &err) == 0 && o.approval == APPROVAL_TUI);
    cr_assert(parse(&o, "sw -a popup -- x", &err) == 0 && o.approval == APPROVAL_DESKTOP);
}

Test(options, the_last_wins_and_a_verb_after_the_dashes_is_a_program)
{
    struct options o;
    struct err err;
    cr_assert_eq(parse(&o, "sw -m log -m enforce --session a --session=b -- policy check", &err), 0);
    cr_assert_eq(o.mode, MODE_ENFORCE);
    cr_assert_str_eq(o.session, "b");
    cr_assert_str_eq(o.command[0], "policy");
}

Test(options, mistakes)
{
    static const struct {
        const char *line, *text;
    } bad[] = {
        {"sw claude --help", "expected `--` before the program: sentinel-watch -- claude --help"},
        {"sw -m log python3 x -- y", "expected `--` before the program: sentinel-watch -m log -- python3 x y"},
        {"sw -m", "-m needs a value: log|enforce|off"},
        {"sw --mode -- x", "--mode needs a value"},
        {"sw --mode= -- x", "--mode needs a value"},
        {"sw --mode enfroce -- x", "expected log, enforce or off (nearest: enforce)"},
        {"sw --mod log -- x", "unknown option `--mod` (nearest: --mode)"},
        {"sw -Z -- x", "unknown option `-Z`"},
        {"sw --linger=yes -- x", "--linger takes no value"},
        {"sw --approval-timeout 90 -- x", "expected `0` or whole numbers with d, h, m, s"},
        {"sw --approval-timeout 5m1h -- x", "--approval-timeout: found `5m1h`"},
        {"sw -a nobody -- x", "expected auto, desktop, tui, console or reject"},
        {"sw --allow read -- x", "expected VERB:TARGET"},
        {"sw --deny read: -- x", "expected VERB:TARGET"},
        {"sw --ask raed:/x -- x", "(nearest: read)"},
        {"sw --baseline custom -- x", "--baseline FILE"},
        {"sw --baseline nothing -- x", "expected strict, mvp, datasci, off or a file"},
        {"sw --record-syscalls -- x", "not built in this version"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct options o;
        struct err err = {0};
        cr_assert_eq(parse(&o, bad[i].line, &err), -1, "`%s` was accepted", bad[i].line);
        cr_assert_eq(err.status, 2, "%s: status %d", bad[i].line, err.status);
        cr_assert(strstr(err.text, bad[i].text), "%s: `%s` is not in: %s", bad[i].line, bad[i].text, err.text);
    }
}

Test(options, flags_beat_the_environment)
{
    struct options o;
    struct err err;
    clear_environment();
    setenv("SENTINEL_MODE", "log", 1);
    setenv("SENTINEL_POLICY", "env", 1);
    setenv("SENTINEL_APPROVAL_MODE", "console", 1);
    setenv("SENTINEL_SECCOMP_PROFILE", "off", 1);
    setenv("SENTINEL_WORKSPACE", "/srv", 1);
    cr_assert_eq(parse(&o, "sw -- x", &err) || options_environment(&o, &err), 0);
    cr_assert(o.mode_set && o.mode == MODE_LOG && o.approval == APPROVAL_CONSOLE);
    cr_assert_str_eq(o.policies[0], "env");
    cr_assert_str_eq(o.baseline, "off");
    cr_assert_str_eq(o.workspace, "/srv");
    cr_assert_eq(parse(&o, "sw -m enforce -p flag -a reject --baseline mvp -w / -- x", &err) || options_environment(&o, &err), 0);
    cr_assert(o.mode == MODE_ENFORCE && o.approval == APPROVAL_REJECT && o.npolicies == 1);
    cr_assert_str_eq(o.policies[0], "flag");
    cr_assert_str_eq(o.baseline, "mvp");
    cr_assert_str_eq(o.workspace, "/");
}

Test(options, variables)
{
    struct options o;
    struct err err;
    clear_environment();
    setenv("SENTINEL_SECCOMP_MODE", "log", 1); /* the older name */
    cr_assert_eq(parse(&o, "sw -- x", &err) || options_environment(&o, &err), 0);
    cr_assert(o.mode_set && o.mode == MODE_LOG);
    setenv("SENTINEL_MODE", "", 1); /* empty is unset */
    cr_assert_eq(parse(&o, "sw -- x", &err) || options_environment(&o, &err), 0);
    cr_assert(o.mode == MODE_LOG);
    setenv("SENTINEL_MODE", "enforce", 1);
    cr_assert_eq(parse(&o, "sw -- x", &err) || options_environment(&o, &err), 0);
    cr_assert(o.mode == MODE_ENFORCE);
    static const struct {
        const char *name, *value, *text;
    } bad[] = {
        {"SENTINEL_MODE", "on", "SENTINEL_MODE: found `on`"},
        {"SENTINEL_APPROVAL_MODE", "x", "SENTINEL_APPROVAL_MODE: found `x`"},
        {"SENTINEL_SECCOMP_PROFILE", "custom", "SENTINEL_SECCOMP_PROFILE: `custom`"},
        {"SENTINEL_PRODUCTION", "yes", "expected true or false"},
        {"SENTINEL_PRODUCTION", "true", "pinning is not built"},
        {"SENTINEL_POLICY_SHA256", "00", "not built in this version"},
        {"SENTINEL_POLICY_HMAC_SHA256", "00", "SENTINEL_POLICY_SHA256 or an Ed25519 signature"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        clear_environment();
        setenv(bad[i].name, bad[i].value, 1);
        memset(&err, 0, sizeof err);
        cr_assert_eq(parse(&o, "sw -- x", &err) || options_environment(&o, &err), 1, "%s=%s was accepted", bad[i].name, bad[i].value);
        cr_assert_eq(err.status, 2);
        cr_assert(strstr(err.text, bad[i].text), "%s=%s: %s", bad[i].name, bad[i].value, err.text);
    }
    clear_environment();
    setenv("SENTINEL_POLICY_IMMUTABLE", "true", 1);
    cr_assert_eq(parse(&o, "sw --deny read:/x -- x", &err) || options_environment(&o, &err), 1);
    cr_assert_eq(parse(&o, "sw -- x", &err) || options_environment(&o, &err), 0);
    cr_assert(o.immutable);
    clear_environment();
}

Test(options, session_names)
{
    STR_AUTO odd = options_session_name("a b/\xc3\xa9\n.-_Z9");
    cr_assert_str_eq(odd, "a_b____.-_Z9");
    char long_name[200];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    STR_AUTO cut = options_session_name(long_name);
    cr_assert_eq(strlen(cut), 64);
    STR_AUTO usual = options_session_default("/usr/bin/py thon");
    cr_assert_eq(strncmp(usual, "py_thon-2", 9), 0, "%s", usual);
    cr_assert_not_null(strchr(usual, 'T'));
}

Test(options, the_approval_of_a_policy)
{
    enum approval_how how;
    struct err err;
    unsigned may;
    cr_assert(options_approval(NULL, &how, &may, &err) == 0 && how == APPROVAL_AUTO && may == APPROVAL_ALL);
    cr_assert(options_approval("reject", &how, &may, &err) == 0 && how == APPROVAL_REJECT);
    cr_assert(options_approval("tui,console", &how, &may, &err) == 0 && how == APPROVAL_AUTO);
    cr_assert_eq(may, 1u << APPROVAL_TUI | 1u << APPROVAL_CONSOLE);
    cr_assert(options_approval("tui", &how, &may, &err) == 0 && how == APPROVAL_TUI);
    cr_assert(options_approval("desktop", &how, &may, &err) == 0 && how == APPROVAL_DESKTOP);
    cr_assert(options_approval("nonsense", &how, &may, &err) == -1 && err.status == 125);
    cr_assert(options_approval("tui,nonsense", &how, &may, &err) == -1 && err.status == 125);
}
