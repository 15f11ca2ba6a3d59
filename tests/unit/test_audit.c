#include "audit.h"
#include "audit_line.h"
#include "calls.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct call openat_row = {.name = "openat"};

static struct process agent = {
    .refs = 1, .pid = 42, .ppid = 41, .uid = 1000, .exe = (char *)"/usr/bin/tool", .comm = "tool"};

/* A request to open `path` for writing, as a family would have filled it; the strings are constants. */
static struct request by_hand(const char *path)
{
    static struct need need[3];
    memset(need, 0, sizeof need);
    struct request r = {.call = &openat_row,
                        .need = need,
                        .process = &agent,
                        .tid = 43,
                        .cwd = (char *)"/w",
                        .needs = 1,
                        .moved_from = -1,
                        .moved_to = -1,
                        .eval_ns = 2500};
    r.need[0] = (struct need){
        .verb = VERB_WRITE,
        .target = {.kind = TARGET_PATH, .raw = (char *)"x", .raw_len = 1, .path = (char *)path, .flags = 577}};
    return r;
}

static struct outcome allowed(void)
{
    return (struct outcome){
        .allowed = true, .by = BY_DEFAULT, .safe = SAFE_EMULATED, .result_known = true, .result = 3};
}

Test(audit_line, every_field_of_a_simple_call)
{
    struct request r = by_hand("/w/x");
    struct outcome o = allowed();
    BUF_AUTO b = {0};
    audit_line(&b, MODE_ENFORCE, &r, &o);
    cr_assert_str_eq(
        b.data,
        "\"pid\":42,\"tid\":43,\"ppid\":41,\"exe\":\"/usr/bin/tool\",\"comm\":\"tool\",\"cwd\":\"/w\",\"uid\":1000,"
        "\"syscall\":\"openat\",\"verb\":\"write\",\"target\":{\"raw\":\"x\",\"path\":\"/w/x\",\"resolved\":false,"
        "\"flags\":577},\"decision\":\"allow\",\"rule\":null,\"rule_at\":null,\"decided_by\":\"default\","
        "\"safe\":\"emulated\",\"handler\":null,\"waited_us\":0,\"eval_us\":2,\"result\":3");
}

Test(audit_line, log_mode_says_what_enforce_had_decided)
{
    struct request r = by_hand("/w/x");
    struct outcome o = allowed();
    o.would = EFFECT_ASK;
    o.safe = SAFE_HINT;
    o.result_known = false;
    BUF_AUTO b = {0};
    audit_line(&b, MODE_LOG, &r, &o);
    cr_assert(strstr(b.data, "\"decision\":\"allow\",\"would\":\"ask\""));
    cr_assert(strstr(b.data, "\"safe\":\"hint\""));
    cr_assert(strstr(b.data, "\"result\":null"));
}

Test(audit_line, nothing_known_does_not_crash)
{
    struct request r = {.tid = 7, .moved_from = -1, .moved_to = -1, .notice = {.nr = 999}};
    struct outcome o = {.by = BY_ERROR};
    BUF_AUTO b = {0};
    audit_line(&b, MODE_ENFORCE, &r, &o);
    cr_assert(strstr(b.data, "\"pid\":7,\"tid\":7,\"ppid\":null,\"exe\":null"));
    cr_assert(strstr(b.data, "\"syscall\":999,\"verb\":null,\"target\":null"));
    BUF_AUTO d = {0};
    audit_denial_line(&d, "t", &r, &o);
    cr_assert(strstr(d.data, "\"decided_by\":\"error\""));
}

Test(audit_line, a_name_forges_nothing)
{
    const char *name = "/w/\n{\"seq\":1,\"decision\":\"allow\"}\",\"hash\":\"\\x41\xff\xc2\x9b";
    struct request r = by_hand(name);
    struct outcome o = allowed();
    BUF_AUTO b = {0};
    audit_line(&b, MODE_ENFORCE, &r, &o);
    cr_assert_null(strchr(b.data, '\n'));
    const char *from = strstr(b.data, "\"path\":\"") + 8, *to = strstr(from, "\",\"resolved\"");
    cr_assert_not_null(to);
    /* Undo JSON's quoting (only \" and \\ can occur), then ours: the very bytes come back. */
    BUF_AUTO text = {0};
    for (const char *p = from; p < to; p++) {
        if (*p == '\\')
            p++;
        else
            cr_assert_neq(*p, '"', "a quote of the name ends the string");
        buf_putc(&text, *p);
    }
    BUF_AUTO back = {0};
    cr_assert_eq(buf_unescape(&back, text.data, text.len), 0);
    cr_assert_str_eq(back.data, name);
}

Test(audit_line, addresses)
{
    struct request r = by_hand("/");
    struct outcome o = allowed();
    r.need[0] = (struct need){.verb = VERB_CONNECT, .target = {.kind = TARGET_ADDRESS}};
    struct address *a = &r.need[0].target.addr;
    *a = (struct address){.kind = ADDRESS_INET6, .family = AF_INET6, .port = 443, .proto = IPPROTO_TCP};
    inet_pton(AF_INET6, "fd00::1", a->ip);
    BUF_AUTO b = {0};
    audit_line(&b, MODE_ENFORCE, &r, &o);
    cr_assert(strstr(b.data, "\"family\":\"inet6\",\"addr\":\"fd00::1\",\"port\":443,\"proto\":\"tcp\""));
    *a = (struct address){.kind = ADDRESS_ABSTRACT, .family = AF_UNIX, .name = (char *)"a\0b", .name_len = 3};
    buf_clear(&b);
    audit_line(&b, MODE_ENFORCE, &r, &o);
    cr_assert(strstr(b.data, "\"addr\":\"unix:@a\\\\x00b\""));
}

Test(audit_line, the_right_that_decided_comes_first)
{
    struct request r = by_hand("/old");
    r.needs = 3;
    r.need[1] = (struct need){.verb = VERB_WRITE, .target = {.kind = TARGET_PATH, .path = (char *)"/new"}};
    r.need[2] = (struct need){.verb = VERB_READ, .target = {.kind = TARGET_PATH, .path = (char *)"/third"}};
    r.moved_from = 0;
    r.moved_to = 1;
    struct outcome o = allowed();
    o.decision.need = 1;
    BUF_AUTO b = {0};
    audit_line(&b, MODE_ENFORCE, &r, &o);
    const char *at = strstr(b.data, "\"path\":\"/new\"");
    cr_assert_not_null(at);
    cr_assert(at < strstr(b.data, "\"also\":["));
    cr_assert(strstr(b.data, "\"/old\"") < strstr(b.data, "\"/third\""));
    cr_assert(strstr(b.data, "\"moved\":[1,0]"));
}

Test(audit_line, levels)
{
    struct request r = by_hand("/x");
    struct outcome o = allowed();
    cr_assert(audit_keeps(AUDIT_ALL, MODE_ENFORCE, &r, &o));
    cr_assert_not(audit_keeps(AUDIT_DECISIONS, MODE_ENFORCE, &r, &o));
    o.by = BY_USER;
    cr_assert(audit_keeps(AUDIT_DECISIONS, MODE_ENFORCE, &r, &o), "what was asked is a decision");
    cr_assert_not(audit_keeps(AUDIT_DENIALS, MODE_ENFORCE, &r, &o));
    o.by = BY_DEFAULT;
    r.need[0].verb = VERB_CONNECT;
    cr_assert(audit_keeps(AUDIT_DECISIONS, MODE_ENFORCE, &r, &o), "only reads and writes are left out");
    o.allowed = false;
    r.need[0].verb = VERB_READ;
    cr_assert(audit_keeps(AUDIT_DENIALS, MODE_ENFORCE, &r, &o));
    o.allowed = true;
    o.would = EFFECT_DENY;
    cr_assert(audit_keeps(AUDIT_DENIALS, MODE_LOG, &r, &o), "in log mode a denial is what enforce had denied");
}

/* ---- with a real scribe, from the build folder that this program lies in */

static char folder[] = "/tmp/sw-audit-XXXXXX", log_path[128], scribe[4096];

static void setup(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(log_path, sizeof log_path, "%s/log.jsonl", folder);
    ssize_t n = readlink("/proc/self/exe", scribe, sizeof scribe - 32);
    cr_assert_gt(n, 0);
    scribe[n] = 0;
    strcpy(strrchr(scribe, '/') + 1, "sentinel-scribe");
}

static void teardown(void)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

static struct audit_config config(void)
{
    return (struct audit_config){.path = log_path,
                                 .state_home = folder,
                                 .session = "s",
                                 .scribe = scribe,
                                 .mode = MODE_ENFORCE,
                                 .level = AUDIT_ALL};
}

static char *contents(const char *path)
{
    BUF_AUTO b = {0};
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s is not there", path);
    for (int c; (c = fgetc(f)) != EOF;)
        buf_putc(&b, (char)c);
    fclose(f);
    return buf_steal(&b);
}

static int verify(void)
{
    char command[8192];
    snprintf(command, sizeof command, "'%s' audit verify '%s' >'%s/verify' 2>&1", scribe, log_path, folder);
    return WEXITSTATUS(system(command));
}

TestSuite(audit, .init = setup, .fini = teardown, .timeout = 60);

Test(audit, a_run_from_first_to_last_line)
{
    struct audit_config c = config();
    struct audit *a;
    pid_t pid;
    struct err err;
    cr_assert_eq(audit_start(&c, &a, &pid, &err), 0, "%s", err.text);
    cr_assert_eq(getsid(pid), pid, "the scribe is not in a session of its own");
    audit_first(a, "\"version\":\"x\"");
    struct request r = by_hand("/w/x");
    struct outcome o = allowed();
    for (int i = 0; i < 1000; i++)
        audit_request(a, &r, &o);
    o.allowed = false;
    o.decision.message = "Ask.";
    audit_request(a, &r, &o);
    char *seen = contents(audit_denials(a));
    cr_assert(strstr(seen, "\"path\":\"/w/x\"") && strstr(seen, "\"message\":\"Ask.\""),
              "the agent does not see its denial: %s", seen);
    struct stat st;
    cr_assert_eq(stat(audit_denials(a), &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    audit_last(a, 0, NULL);
    struct audit_totals t;
    audit_totals(a, &t);
    cr_assert_eq(t.allowed, 1000);
    cr_assert_eq(t.denied, 1);
    cr_assert_eq(t.dropped, 0);
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(status, 0);
    cr_assert_eq(verify(), 0);
    cr_assert_eq(stat(log_path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    cr_assert_leq(st.st_blocks * 512, st.st_size + 65536, "the room ahead was not given back");
    char *text = contents(log_path);
    size_t lines = 0;
    for (char *p = text; *p; p++)
        lines += *p == '\n';
    cr_assert_eq(lines, 1003);
}

Test(audit, a_dead_scribe_is_noticed)
{
    struct audit_config c = config();
    struct audit *a;
    pid_t pid;
    struct err err;
    cr_assert_eq(audit_start(&c, &a, &pid, &err), 0, "%s", err.text);
    cr_assert_eq(audit_serve(a), 0);
    cr_assert_not(audit_failed(a));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 1000 && !audit_failed(a); i++)
        usleep(1000);
    cr_assert(audit_failed(a));
    struct request r = by_hand("/w/x");
    struct outcome o = allowed();
    audit_request(a, &r, &o);
    audit_flush(a);
    struct audit_totals t;
    audit_totals(a, &t);
    cr_assert_eq(t.dropped, 1);
}

Test(audit, a_batch_is_sent_in_time)
{
    struct audit_config c = config();
    struct audit *a;
    pid_t pid;
    struct err err;
    cr_assert_eq(audit_start(&c, &a, &pid, &err), 0, "%s", err.text);
    cr_assert_eq(audit_serve(a), 0);
    struct request r = by_hand("/w/in-time");
    struct outcome o = allowed();
    audit_request(a, &r, &o);
    bool there = false;
    for (int i = 0; i < 2000 && !there; i++, usleep(1000)) {
        char *text = contents(log_path);
        there = strstr(text, "in-time");
        free(text);
    }
    cr_assert(there);
    kill(pid, SIGKILL);
}

Test(audit, what_cannot_be_opened_is_said)
{
    struct audit_config c = config();
    struct audit *a;
    pid_t pid;
    struct err err;
    c.path = "/nowhere/at/all.jsonl";
    cr_assert_eq(audit_start(&c, &a, &pid, &err), -1);
    cr_assert(strstr(err.text, "/nowhere/at/all.jsonl") && strstr(err.text, "--audit"), "%s", err.text);
    cr_assert_eq(err.status, 125);
    c.path = log_path;
    c.scribe = "/nowhere/scribe";
    cr_assert_eq(audit_start(&c, &a, &pid, &err), -1);
    cr_assert(strstr(err.text, "/nowhere/scribe"), "%s", err.text);
}
