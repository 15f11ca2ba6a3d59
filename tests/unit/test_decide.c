#include "rules.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The decision of one right in short: "deny hard #2". */
static const char *verdict(const struct policy *p, struct need n)
{
    static char s[128];
    struct decision d = judge_one(p, n);
    snprintf(s, sizeof s, "%s %s%s%s", effect_names[d.effect], decided_by_names[d.by], d.label ? " " : "", d.label ? d.label : "");
    cr_expect_eq(d.asks, d.effect == EFFECT_ASK ? 1u : 0u);
    cr_expect_eq(d.errnum != 0, d.effect == EFFECT_DENY);
    return s;
}

#define EXPECT(p, need, text) cr_expect_str_eq(verdict(p, need), text)

Test(decide, the_order_of_judgement)
{
    struct policy *p = a_policy();
    add(p, a_rule(EFFECT_ALLOW, V(READ) | V(WRITE), "/w/**"));              /* #1 */
    add(p, a_rule(EFFECT_DENY, V(READ), "/w/s/**"));                        /* #2: never, #1 is first */
    add(p, a_rule(EFFECT_DENY, V(READ) | V(WRITE), "/w/keys/**"))->hard = true; /* #3 */
    add(p, a_rule(EFFECT_DENY, V(WRITE), "/etc/**"));                       /* #4 */
    protect(p, a_rule(EFFECT_DENY, V(WRITE), "/w/keys/ours /w/policy"));    /* P1 */
    EXPECT(p, path_need(VERB_READ, "/w/s/x"), "allow policy #1");
    EXPECT(p, path_need(VERB_READ, "/w/keys/x"), "deny hard #3");
    EXPECT(p, path_need(VERB_WRITE, "/w/keys/ours"), "deny protected P1");
    EXPECT(p, path_need(VERB_READ, "/w/policy"), "allow policy #1");
    EXPECT(p, path_need(VERB_WRITE, "/w/policy"), "deny protected P1");
    EXPECT(p, path_need(VERB_WRITE, "/etc/passwd"), "deny policy #4");
    EXPECT(p, path_need(VERB_WRITE, "/opt"), "ask default");
    EXPECT(p, path_need(VERB_READ, "/opt"), "allow default");
    p->defaults.effect[VERB_WRITE] = EFFECT_DENY;
    p->defaults.label[VERB_WRITE] = xstrdup("my:defaults");
    p->defaults.at[VERB_WRITE] = xstrdup("my.yaml:9");
    EXPECT(p, path_need(VERB_WRITE, "/opt"), "deny default my:defaults");
    cr_expect_str_eq(judge_one(p, path_need(VERB_WRITE, "/opt")).at, "my.yaml:9");
    policy_free(p);
}

Test(decide, what_a_rule_gives_the_record)
{
    struct policy *p = a_policy();
    struct rule *deny = add(p, a_rule(EFFECT_DENY, V(READ), "/a")), *ask = add(p, a_rule(EFFECT_ASK, V(READ), "/b"));
    deny->errnum = ENOENT;
    deny->message = xstrdup("no");
    ask->timeout_ms = 120000;
    struct decision d = judge_one(p, path_need(VERB_READ, "/a"));
    cr_expect(d.errnum == ENOENT && !strcmp(d.message, "no") && d.rule == deny && !strcmp(d.at, "test.yaml:1") && d.timeout_ms == -1);
    d = judge_one(p, path_need(VERB_READ, "/b"));
    cr_expect(d.timeout_ms == 120000 && !d.errnum);
    cr_expect_eq(judge_one(p, path_need(VERB_WRITE, "/b")).timeout_ms, -1);
    policy_free(p);
}

Test(decide, except_takes_places_out)
{
    struct policy *p = a_policy();
    add(p, a_rule(EFFECT_DENY, V(READ), "/h/.ssh/**"))->except = paths("/h/.ssh/known_hosts /h/.ssh/*.pub");
    add(p, a_rule(EFFECT_ASK, V(READ), "/h/**"));
    EXPECT(p, path_need(VERB_READ, "/h/.ssh/id"), "deny policy #1");
    EXPECT(p, path_need(VERB_READ, "/h/.ssh/id.pub"), "ask policy #2");
    EXPECT(p, path_need(VERB_READ, "/h/.ssh/known_hosts"), "ask policy #2");
    policy_free(p);
}

Test(decide, connect_and_bind)
{
    struct policy *p = a_policy();
    add(p, a_rule(EFFECT_ALLOW, V(CONNECT), "own"));
    add(p, a_rule(EFFECT_DENY, V(CONNECT), "metadata private"));
    add(p, a_rule(EFFECT_ALLOW, V(CONNECT), "any:443 unix:/run/x"));
    add(p, a_rule(EFFECT_ALLOW, V(BIND), "loopback"));
    add(p, a_rule(EFFECT_DENY, V(BIND), "any"));
    add(p, a_rule(EFFECT_ASK, V(BIND), NULL))->path = paths("/run/**");
    struct need own = ip_need(VERB_CONNECT, "10.0.0.1:1");
    own.target.own = true;
    EXPECT(p, own, "allow policy #1");
    EXPECT(p, ip_need(VERB_CONNECT, "10.0.0.1:443"), "deny policy #2");
    EXPECT(p, ip_need(VERB_CONNECT, "[64:ff9b::a9fe:a9fe]:80"), "deny policy #2");
    EXPECT(p, ip_need(VERB_CONNECT, "1.1.1.1:443"), "allow policy #3");
    EXPECT(p, ip_need(VERB_CONNECT, "1.1.1.1:80"), "ask default");
    EXPECT(p, unix_need(VERB_CONNECT, "/run/x"), "allow policy #3");
    EXPECT(p, unix_need(VERB_CONNECT, "/run/y"), "ask default");
    EXPECT(p, ip_need(VERB_BIND, "127.0.0.1:80"), "allow policy #4");
    EXPECT(p, ip_need(VERB_BIND, "0.0.0.0:80"), "deny policy #5"); /* every address is not only loopback */
    EXPECT(p, ip_need(VERB_BIND, "[::]:80"), "deny policy #5");
    EXPECT(p, unix_need(VERB_BIND, "/run/z"), "ask policy #6");
    EXPECT(p, unix_need(VERB_BIND, "/z"), "allow default");
    policy_free(p);
}

Test(decide, a_bind_to_every_address_is_a_bind_to_each)
{
    struct policy *p = a_policy();
    p->defaults.effect[VERB_BIND] = EFFECT_ASK;
    add(p, a_rule(EFFECT_DENY, V(BIND), "10.0.0.1:22"));
    add(p, a_rule(EFFECT_ALLOW, V(BIND), "0.0.0.0:80 [::]:81 10.0.0.0/8:82 any:83"));
    EXPECT(p, ip_need(VERB_BIND, "0.0.0.0:22"), "deny policy #1");
    EXPECT(p, ip_need(VERB_BIND, "[::]:22"), "deny policy #1"); /* :: takes IPv4 too */
    EXPECT(p, ip_need(VERB_BIND, "0.0.0.0:80"), "allow policy #2");
    EXPECT(p, ip_need(VERB_BIND, "[::]:80"), "ask default");
    EXPECT(p, ip_need(VERB_BIND, "[::]:81"), "allow policy #2");
    EXPECT(p, ip_need(VERB_BIND, "0.0.0.0:82"), "ask default");
    EXPECT(p, ip_need(VERB_BIND, "0.0.0.0:83"), "allow policy #2");
    policy_free(p);
}

Test(decide, a_program_without_a_file)
{
    struct need memfd = {VERB_EXEC, {.kind = TARGET_ANONYMOUS}};
    struct policy *p = a_policy();
    add(p, a_rule(EFFECT_ALLOW, V(EXEC), NULL));
    EXPECT(p, memfd, "ask default");
    EXPECT(p, path_need(VERB_EXEC, "/bin/true"), "allow policy #1");
    add(p, a_rule(EFFECT_ALLOW, V(EXEC), "anonymous"));
    EXPECT(p, memfd, "allow policy #2");
    policy_free(p);

    p = a_policy();
    add(p, a_rule(EFFECT_DENY, V(EXEC), "/x anonymous"));
    EXPECT(p, memfd, "deny policy #1");
    EXPECT(p, path_need(VERB_EXEC, "/y"), "allow default");
    policy_free(p);

    p = a_policy(); /* stricter than a question stays stricter */
    p->defaults.effect[VERB_EXEC] = EFFECT_DENY;
    EXPECT(p, memfd, "deny default");
    add(p, a_rule(EFFECT_DENY, V(EXEC), NULL));
    EXPECT(p, memfd, "deny policy #1");
    policy_free(p);
}

static const char *exec_verdict(const struct policy *p, const char *argv, const struct process *process)
{
    static char s[128];
    struct need n = path_need(VERB_EXEC, "/bin/x");
    char **v = argv ? words(argv) : NULL;
    struct question q = {.need = &n, .needs = 1, .moved_from = -1, .moved_to = -1, .argv = v, .process = process};
    struct decision d = decide(p, NULL, &q, NULL, NULL);
    snprintf(s, sizeof s, "%s %s", effect_names[d.effect], d.label ? d.label : "-");
    for (size_t i = 0; v && v[i]; i++)
        free(v[i]);
    free(v);
    return s;
}

Test(decide, argv_counts_from_the_second)
{
    static const struct { enum argv_match how; const char *want, *argv; bool yes; } t[] = {
        {ARGV_EXACT, "a b", "any a b", true}, {ARGV_EXACT, "a b", "a b", false}, {ARGV_EXACT, "a b", "x a b c", false}, {ARGV_EXACT, "a b", "x a", false},
        {ARGV_PREFIX, "a", "x a b", true}, {ARGV_PREFIX, "a b", "x a", false}, {ARGV_GLOB, "-* b?", "x -q bz", true},
        {ARGV_GLOB, "-*", "x -q z", false}, {ARGV_GLOB, "-* b?", "x -q b", false},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        for (enum effect e = EFFECT_ALLOW; e <= EFFECT_DENY; e++) {
            struct policy *p = a_policy();
            struct rule *r = add(p, a_rule(e, V(EXEC), "/bin/x"));
            r->argv_match = t[i].how;
            r->argv = words(t[i].want);
            const char *got = exec_verdict(p, t[i].argv, NULL);
            cr_expect_eq(strstr(got, "#1") != NULL, t[i].yes, "%s against %s: %s", t[i].want, t[i].argv, got);
            got = exec_verdict(p, NULL, NULL); /* unknown */
            cr_expect_eq(strstr(got, "#1") != NULL, e != EFFECT_ALLOW, "unknown: %s", got);
            policy_free(p);
        }
}

Test(decide, by_and_under)
{
    struct process agent = {.exe = (char *)"/bin/agent", .lineage_known = true};
    struct process sh = {.exe = (char *)"/bin/sh", .parent = &agent, .lineage_known = true};
    struct process child = {.exe = (char *)"/bin/child", .parent = &sh, .lineage_known = true};
    struct process daemon = {.exe = (char *)"/bin/child", .lineage_known = false};
    struct process hidden = {.exe = (char *)"", .lineage_known = true};
    for (enum effect e = EFFECT_ALLOW; e <= EFFECT_DENY; e++) {
        bool strict = e != EFFECT_ALLOW;
        struct policy *p = a_policy();
        add(p, a_rule(e, V(EXEC), NULL))->by = paths("/bin/child");
        cr_expect_eq(strstr(exec_verdict(p, "x", &child), "#1") != NULL, true);
        cr_expect_eq(strstr(exec_verdict(p, "x", &sh), "#1") != NULL, false);
        cr_expect_eq(strstr(exec_verdict(p, "x", &hidden), "#1") != NULL, strict);
        cr_expect_eq(strstr(exec_verdict(p, "x", NULL), "#1") != NULL, strict);
        policy_free(p);
        p = a_policy();
        add(p, a_rule(e, V(EXEC), NULL))->under = paths("/bin/ag* /bin/none");
        cr_expect_eq(strstr(exec_verdict(p, "x", &child), "#1") != NULL, true);
        cr_expect_eq(strstr(exec_verdict(p, "x", &sh), "#1") != NULL, true);
        cr_expect_eq(strstr(exec_verdict(p, "x", &agent), "#1") != NULL, false); /* not under itself */
        cr_expect_eq(strstr(exec_verdict(p, "x", &daemon), "#1") != NULL, strict);
        cr_expect_eq(strstr(exec_verdict(p, "x", NULL), "#1") != NULL, strict);
        policy_free(p);
    }
}

Test(decide, several_rights_are_judged_each)
{
    struct policy *p = a_policy();
    add(p, a_rule(EFFECT_ALLOW, V(WRITE), "/w/**"));
    add(p, a_rule(EFFECT_DENY, V(WRITE), "/d1 /d2"));
    struct need n[3] = {path_need(VERB_WRITE, "/w/a"), path_need(VERB_WRITE, "/q1"), path_need(VERB_WRITE, "/q2")};
    struct question q = {.need = n, .needs = 3, .moved_from = -1, .moved_to = -1};
    struct decision d = decide(p, NULL, &q, NULL, NULL);
    cr_expect(d.effect == EFFECT_ASK && d.need == 1 && d.asks == 6);
    n[0].target.path = (char *)"/d1";
    n[2].target.path = (char *)"/d2";
    d = decide(p, NULL, &q, NULL, NULL);
    cr_expect(d.effect == EFFECT_DENY && d.need == 0 && d.asks == 0);
    q.needs = 0;
    d = decide(p, NULL, &q, NULL, NULL);
    cr_expect(d.effect == EFFECT_DENY && d.by == BY_ERROR, "nothing to judge is nothing to allow");
    policy_free(p);
}

Test(decide, hard_links_of_denied_files)
{
    struct policy *p = a_policy();
    add(p, a_rule(EFFECT_ALLOW, V(READ) | V(WRITE), "/w/**"));
    struct rule *deny = add(p, a_rule(EFFECT_DENY, V(READ), "/s/**"));
    deny->except = paths("/w/excepted");
    p->identity = xcalloc(1, sizeof *p->identity);
    p->identity[0] = (struct policy_identity){7, 9, deny};
    p->nidentity = 1;
    struct need n = path_need(VERB_READ, "/w/link");
    EXPECT(p, n, "allow policy #1");
    n.target.exists = true;
    n.target.dev = 7;
    n.target.ino = 9;
    n.target.nlink = 2;
    EXPECT(p, n, "deny policy #2");
    n.verb = VERB_WRITE;
    EXPECT(p, n, "allow policy #1");
    n.verb = VERB_READ;
    n.target.path = (char *)"/w/excepted";
    EXPECT(p, n, "allow policy #1");
    n.target.path = (char *)"/w/link";
    n.target.ino = 10;
    EXPECT(p, n, "allow policy #1");
    n.target.ino = 9;
    deny->hard = true;
    EXPECT(p, n, "deny hard #2");
    policy_free(p);
}

Test(decide, an_untrusted_project_only_makes_it_stricter)
{
    struct policy *p = a_policy();
    add(p, a_rule(EFFECT_DENY, V(READ), "/w/a"))->stricter_only = true;
    add(p, a_rule(EFFECT_ASK, V(READ) | V(WRITE), "/w/** /d/**"))->stricter_only = true;
    add(p, a_rule(EFFECT_ALLOW, V(READ) | V(WRITE), "/etc/**"))->stricter_only = true; /* would be the loader's mistake */
    add(p, a_rule(EFFECT_ALLOW, V(READ) | V(WRITE), "/w/**"));
    add(p, a_rule(EFFECT_DENY, V(READ) | V(WRITE), "/d/**"));
    EXPECT(p, path_need(VERB_READ, "/w/a"), "deny policy #1");
    EXPECT(p, path_need(VERB_READ, "/w/b"), "ask policy #2");
    EXPECT(p, path_need(VERB_READ, "/d/b"), "deny policy #5");
    EXPECT(p, path_need(VERB_WRITE, "/etc/b"), "ask default");
    policy_free(p);
}

/* ---- rename and link */

static struct decision move(const struct policy *p, const char *from, const char *to, mode_t mode, bool exchange)
{
    struct need n[2] = {path_need(VERB_WRITE, from), path_need(VERB_WRITE, to)};
    n[0].target.exists = true;
    n[0].target.mode = mode;
    n[0].target.is_dir = S_ISDIR(mode);
    n[1].target.exists = exchange;
    n[1].target.mode = exchange ? mode : 0;
    n[1].target.is_dir = exchange && S_ISDIR(mode);
    struct question q = {.need = n, .needs = 2, .moved_from = 0, .moved_to = 1, .exchange = exchange};
    return decide(p, NULL, &q, NULL, NULL);
}

static void expect_move(const struct policy *p, const char *from, const char *to, mode_t mode, bool exchange, const char *text)
{
    struct decision d = move(p, from, to, mode, exchange);
    char s[128];
    snprintf(s, sizeof s, "%s %s", effect_names[d.effect], d.label ? d.label : "-");
    cr_expect_str_eq(s, text, "%s to %s%s: %s, expected %s", from, to, exchange ? " exchanged" : "", s, text);
    cr_expect_eq(d.asks != 0, d.effect == EFFECT_ASK);
}

Test(decide, nothing_is_moved_out_of_a_rule)
{
    struct policy *p = a_policy();
    add(p, a_rule(EFFECT_DENY, V(READ), "/w/secret/**"));      /* #1 */
    add(p, a_rule(EFFECT_ASK, V(READ), "/w/quiet/**"));        /* #2 */
    add(p, a_rule(EFFECT_DENY, V(EXEC), "/w/bin/**"));         /* #3 */
    add(p, a_rule(EFFECT_ASK, V(WRITE), "/w/.git/hooks/**"));  /* #4 */
    add(p, a_rule(EFFECT_DENY, V(CONNECT), "unix:/w/s/bus"));  /* #5 */
    add(p, a_rule(EFFECT_ALLOW, V(CONNECT), "unix:/w/**"));    /* #6 */
    add(p, a_rule(EFFECT_DENY, V(READ), "**/.env"));           /* #7: no literal part */
    add(p, a_rule(EFFECT_ALLOW, V(WRITE), "/w/**"));           /* #8 */
    protect(p, a_rule(EFFECT_DENY, V(WRITE), "/w/ours/policy"));
    expect_move(p, "/w/a", "/w/b", S_IFREG, false, "allow #8");
    expect_move(p, "/w/secret/x", "/w/x", S_IFREG, false, "deny #1");
    expect_move(p, "/w/secret/x", "/w/secret/y", S_IFREG, false, "allow #8"); /* the new name refuses as much */
    expect_move(p, "/w/x", "/w/secret/x", S_IFREG, false, "allow #8");
    expect_move(p, "/w/x", "/w/secret/x", S_IFREG, true, "deny #1");
    expect_move(p, "/w/quiet/x", "/w/x", S_IFREG, false, "ask #2");
    expect_move(p, "/w/quiet/x", "/w/secret/x", S_IFREG, false, "allow #8");
    expect_move(p, "/w/secret/x", "/w/quiet/x", S_IFREG, false, "deny #1");
    expect_move(p, "/w/bin/x", "/w/x", S_IFREG, false, "deny #3");
    expect_move(p, "/w/.env", "/w/env", S_IFREG, false, "deny #7");
    expect_move(p, "/w/s/bus", "/w/bus", S_IFSOCK, false, "deny #5");
    expect_move(p, "/w/s/bus", "/w/bus", S_IFREG, false, "allow #8");
    /* folders: what lies in them */
    expect_move(p, "/w/d", "/w/e", S_IFDIR, false, "allow #8");
    expect_move(p, "/w/secret", "/w/open", S_IFDIR, false, "deny #1");
    expect_move(p, "/w/.git", "/w/git", S_IFDIR, false, "ask #4");
    expect_move(p, "/w/ours", "/w/x", S_IFDIR, false, "deny P1");
    expect_move(p, "/w/x", "/w/ours", S_IFDIR, false, "deny P1"); /* nor put above a protected place */
    expect_move(p, "/w/x", "/w/ours", S_IFDIR, true, "deny P1");
    expect_move(p, "/w/s", "/w/x", S_IFDIR, false, "deny #5");
    expect_move(p, "/w", "/v", S_IFDIR, false, "deny P1");
    policy_free(p);
}

Test(decide, what_is_meant_for_one_caller_is_not_moved_out_by_another)
{
    struct policy *p = a_policy();
    struct process mv = {.exe = (char *)"/bin/mv", .lineage_known = true};
    add(p, a_rule(EFFECT_DENY, V(READ), "/w/s/**"))->by = paths("/bin/curl");
    add(p, a_rule(EFFECT_ALLOW, V(WRITE), "/w/**"));
    struct need n[2] = {path_need(VERB_WRITE, "/w/s/x"), path_need(VERB_WRITE, "/w/x")};
    struct question q = {.need = n, .needs = 2, .moved_from = 0, .moved_to = 1, .process = &mv};
    struct decision d = decide(p, NULL, &q, NULL, NULL);
    cr_expect(d.effect == EFFECT_DENY && d.rule == p->rules[0]);
    policy_free(p);
}

/* ---- explaining */

static void collect(void *arg, const char *step)
{
    buf_printf(arg, "%s\n", step);
}

Test(decide, the_steps_are_told)
{
    struct policy *p = a_policy();
    add(p, a_rule(EFFECT_ASK, V(READ), "/w/**"))->stricter_only = true;
    add(p, a_rule(EFFECT_ALLOW, V(READ), "/w/**"));
    struct need n = path_need(VERB_READ, "/w/a\n");
    struct question q = {.need = &n, .needs = 1, .moved_from = -1, .moved_to = -1};
    struct grants *g = grants_new();
    BUF_AUTO b = {0};
    decide(p, g, &q, collect, &b);
    cr_expect_str_eq(b.data, "read /w/a\\x0a\n"
                             "1 protections: none matches\n"
                             "2 hard denies: none matches\n"
                             "3 rules: #2 (test.yaml:2) allows it\n"
                             "5 the project's file, not trusted, makes it stricter: #1 (test.yaml:1) asks about it\n"
                             "6 answers: none given before\n"
                             "verdict: ask\n");
    grants_free(g);
    policy_free(p);
}

Test(decide, what_a_policy_mentions)
{
    struct policy *p = a_policy();
    cr_expect_not(policy_mentions_verb(p, VERB_READ));
    cr_expect(policy_mentions_verb(p, VERB_WRITE));
    add(p, a_rule(EFFECT_ALLOW, V(READ), "/w/**"));
    cr_expect_not(policy_mentions_verb(p, VERB_READ));
    protect(p, a_rule(EFFECT_DENY, V(READ), "/x"));
    cr_expect(policy_mentions_verb(p, VERB_READ));
    policy_free(p);
}

/* ---- the index: the same answers */

static char *random_words(const char *const *from, size_t n, int max)
{
    BUF_AUTO b = {0};
    for (int i = rand() % max + 1; i > 0; i--)
        buf_printf(&b, "%s ", from[(size_t)rand() % n]);
    return buf_steal(&b);
}

#define PICK(v) (v)[(size_t)rand() % (sizeof(v) / sizeof *(v))]

static const char *const some_paths[] = {"/", "/a", "/a/b", "/a/b/c", "/b", "/b/.env", "/a/x.c", "/b/c/x.c", "/ab", "/a/b/c/d", "/c/a/b"};
static const char *const some_patterns[] = {"/**", "/a", "/a/**", "/a/b/**", "/a/*", "/a/*.c", "**/.env", "**/b", "**/x*", "/*/b", "**/c/**", "/b/c/x.c",
                                            "/a/**/c", "/ab", "/a/b/c", "/b/**/x.c", "**/*.c"};
static const char *const some_unix[] = {"unix:**", "unix:/a/**", "unix:@n*", "unix:@name", "unix:**/b", "any", "own", "unix:/a/b"};
static const char *const some_nets[] = {"any", "any:80", "10.0.0.0/8", "10.0.0.0/8:80", "10.1.2.3", "10.1.2.3:80", "private", "private:80-90", "loopback",
                                        "0.0.0.0/0:81", "[::/0]", "[fd00::/8]:80", "metadata", "own", "own:80", "udp:any", "a.io:80", "*.io", "*.b.a.io",
                                        "127.0.0.1:80", "0.0.0.0", "tcp:any:80", "[::1]", "172.16.0.0/12"};
static const char *const some_addresses[] = {"10.1.2.3:80", "10.1.2.4:80", "10.1.2.3:81", "127.0.0.1:80", "0.0.0.0:80", "[::]:80", "[fd12::1]:80",
                                             "[::1]:81", "169.254.169.254:80", "8.8.8.8:80", "[::ffff:10.1.2.3]:85", "172.20.1.1:80"};
static const char *const some_names[] = {"a.io", "A.IO.", "x.b.a.io", "b.a.io", "io", "other"};

static struct rule *a_random_rule(void)
{
    enum effect e = (enum effect)(rand() % 3);
    struct rule *r;
    int kind = rand() % 8;
    if (kind < 4) {
        STR_AUTO text = random_words(some_patterns, sizeof some_patterns / sizeof *some_patterns, 3);
        r = a_rule(e, (unsigned)rand() % 8, text);
        r->anonymous = rand() % 8 == 0;
    } else if (kind < 7) {
        bool ip = rand() % 3;
        STR_AUTO text = ip ? random_words(some_nets, sizeof some_nets / sizeof *some_nets, 3)
                           : random_words(some_unix, sizeof some_unix / sizeof *some_unix, 3);
        r = a_rule(e, V(CONNECT) | (rand() % 2 ? V(BIND) : 0), text);
    } else {
        r = a_rule(e, 1u << rand() % VERB_COUNT, NULL);
        if (rand() % 2)
            r->by = paths("/bin/a*");
    }
    if (rand() % 6 == 0)
        r->except = paths(PICK(some_patterns));
    r->hard = e == EFFECT_DENY && rand() % 3 == 0;
    r->stricter_only = e != EFFECT_ALLOW && rand() % 5 == 0;
    return r;
}

static struct need a_random_need(void)
{
    struct need n;
    int kind = rand() % 6;
    if (kind < 3) {
        n = path_need((enum verb)(rand() % 3), PICK(some_paths));
        n.target.exists = rand() % 2;
        n.target.ino = (ino_t)(rand() % 4);
        n.target.dev = (dev_t)(rand() % 2);
        return n;
    }
    if (kind == 3)
        n = unix_need(rand() % 2 ? VERB_CONNECT : VERB_BIND, PICK(some_paths));
    else
        n = ip_need(rand() % 4 ? VERB_CONNECT : VERB_BIND, PICK(some_addresses));
    if (kind == 3 && rand() % 3 == 0) {
        n.target.path = NULL;
        n.target.addr = (struct address){.kind = rand() % 2 ? ADDRESS_ABSTRACT : ADDRESS_UNNAMED, .name = (char *)"name", .name_len = 4};
    }
    n.target.own = rand() % 4 == 0;
    if (n.verb == VERB_CONNECT && kind > 3 && rand() % 2) {
        n.target.name = (char *)PICK(some_names);
        if (rand() % 2) {
            n.target.addr.kind = ADDRESS_NONE;
            n.target.addr.wildcard = false;
        }
    }
    if (rand() % 20 == 0)
        n = (struct need){VERB_EXEC, {.kind = TARGET_ANONYMOUS}};
    return n;
}

static bool same(const struct decision *a, const struct decision *b)
{
    return a->effect == b->effect && a->by == b->by && a->rule == b->rule && a->need == b->need && a->asks == b->asks &&
           a->moved_asks == b->moved_asks;
}

Test(decide, the_index_changes_nothing)
{
    srand(11);
    size_t by_rule = 0, moved = 0;
    for (int i = 0; i < 1500; i++) {
        struct policy *p = a_policy();
        for (int k = rand() % 30; k > 0; k--)
            add(p, a_random_rule());
        for (int k = rand() % 4; k > 0; k--) {
            struct rule *r = protect(p, a_random_rule());
            r->effect = EFFECT_DENY;
        }
        p->identity = xcalloc(8, sizeof *p->identity);
        for (size_t k = 0; k < p->nrules && p->nidentity < 8; k++)
            if (p->rules[k]->effect == EFFECT_DENY)
                p->identity[p->nidentity++] = (struct policy_identity){(dev_t)(rand() % 2), (ino_t)(rand() % 4), p->rules[k]};
        policy_index(p);
        struct policy_index *index = p->index;
        for (int k = 0; k < 60; k++) {
            struct need n[2] = {a_random_need(), a_random_need()};
            struct question q = {.need = n, .needs = 1 + rand() % 2, .moved_from = -1, .moved_to = -1};
            if (rand() % 3 == 0) {
                n[0] = path_need(VERB_WRITE, PICK(some_paths));
                n[1] = path_need(VERB_WRITE, PICK(some_paths));
                n[0].target.is_dir = rand() % 2;
                n[0].target.mode = n[0].target.is_dir ? S_IFDIR : rand() % 2 ? S_IFSOCK : S_IFREG;
                q.needs = 2;
                q.moved_from = 0;
                q.moved_to = 1;
                q.exchange = rand() % 2;
            }
            p->index = index;
            struct decision fast = decide(p, NULL, &q, NULL, NULL);
            p->index = NULL;
            struct decision slow = decide(p, NULL, &q, NULL, NULL);
            cr_assert(same(&fast, &slow), "round %d.%d: verb %d path %s: indexed %s %s, plain %s %s", i, k, n[0].verb,
                      n[0].target.path ? n[0].target.path : "-", effect_names[fast.effect], fast.label ? fast.label : "-",
                      effect_names[slow.effect], slow.label ? slow.label : "-");
            by_rule += slow.rule != NULL;
            moved += q.moved_to == 1 && slow.rule != NULL;
        }
        p->index = index;
        policy_free(p);
    }
    cr_assert(by_rule > 20000 && moved > 5000, "%zu %zu", by_rule, moved);
}
