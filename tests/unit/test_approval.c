/* The desk, driven through the protocol over a socket pair as the line interface drives it. */
#include "approval.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct process cat = {.refs = 1, .pid = 11, .exe = (char *)"/usr/bin/cat", .comm = "cat", .lineage_known = true};

struct result { struct request *r; bool allowed, interrupted; enum decided_by by; char handler[40]; };

struct world {
    struct approval *a;
    struct policy policy;
    struct grants *grants;
    int iface; /* our end of the interface */
    FILE *lines;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct result result[400];
    int results;
    bool stopped;
};

static void answered(void *arg, struct request *r, const struct decision *d, bool allowed, enum decided_by by, const char *handler)
{
    struct world *w = arg;
    pthread_mutex_lock(&w->lock);
    struct result *x = &w->result[w->results++];
    *x = (struct result){.r = r, .allowed = allowed, .by = by};
    snprintf(x->handler, sizeof x->handler, "%s", handler ? handler : "");
    pthread_cond_broadcast(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

static void stop_agent(void *arg)
{
    struct world *w = arg;
    pthread_mutex_lock(&w->lock);
    w->stopped = true;
    pthread_cond_broadcast(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

static struct world *world_with(struct approval_config c, bool attach)
{
    struct world *w = calloc(1, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->cond, NULL);
    if (c.policy)
        w->policy = *c.policy;
    for (int v = 0; v < VERB_COUNT; v++)
        w->policy.defaults.effect[v] = EFFECT_ASK;
    w->grants = grants_new();
    c.session = "test";
    c.policy = &w->policy;
    c.grants = w->grants;
    c.console_fd = c.desktop_fd = -1;
    c.ops = (struct approval_ops){.answered = answered, .stop_agent = stop_agent, .arg = w};
    int sp[2];
    if (attach) {
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp), 0);
        *(c.how == APPROVAL_DESKTOP ? &c.desktop_fd : &c.console_fd) = sp[1];
        w->iface = sp[0];
        w->lines = fdopen(dup(sp[0]), "r");
    }
    struct err err;
    cr_assert_eq(approval_start(&c, &w->a, &err), 0);
    return w;
}

static void world_end(struct world *w)
{
    approval_stop(w->a);
    approval_free(w->a);
    for (int i = 0; i < w->results; i++)
        free(w->result[i].r);
    grants_free(w->grants);
    if (w->lines) {
        fclose(w->lines);
        close(w->iface);
    }
    free(w);
}

static void say(struct world *w, const char *line)
{
    cr_assert_eq(write(w->iface, line, strlen(line)), (ssize_t)strlen(line));
}

/* The next line that holds text; NULL after two seconds without. */
static char *hear(struct world *w, const char *text)
{
    static char line[65536];
    struct pollfd q = {w->iface, POLLIN, 0};
    setvbuf(w->lines, NULL, _IONBF, 0);
    while (poll(&q, 1, 2000) > 0 && fgets(line, sizeof line, w->lines))
        if (strstr(line, text))
            return line;
    return NULL;
}

static struct request *request(const char *path, int64_t timeout)
{
    (void)timeout;
    struct request *r = calloc(1, sizeof *r + sizeof *r->need); /* freed as one */
    *r = (struct request){.process = &cat, .tid = 11, .cwd = (char *)"/w", .need = (struct need *)(r + 1), .needs = 1, .moved_from = -1, .moved_to = -1};
    r->need[0].verb = VERB_READ;
    r->need[0].target = (struct target){.kind = TARGET_PATH, .path = (char *)path, .exists = true, .dev = 1, .ino = 2};
    return r;
}

static const struct decision ask = {.effect = EFFECT_ASK, .asks = 1, .timeout_ms = -1};

static struct request *open_ask(struct world *w, const char *path)
{
    struct request *r = request(path, 0);
    approval_open(w->a, r, &ask);
    return r;
}

static struct result *wait_result(struct world *w, int n)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 3;
    pthread_mutex_lock(&w->lock);
    int e = 0;
    while (w->results < n && !e)
        e = pthread_cond_timedwait(&w->cond, &w->lock, &t);
    struct result *x = w->results >= n ? &w->result[n - 1] : NULL;
    pthread_mutex_unlock(&w->lock);
    return x;
}

static bool nothing_yet(struct world *w, int n)
{
    usleep(60000);
    pthread_mutex_lock(&w->lock);
    bool same = w->results == n;
    pthread_mutex_unlock(&w->lock);
    return same;
}

Test(approval, once_settles_the_card_and_nothing_after)
{
    struct world *w = world_with((struct approval_config){.has_terminal = true}, true);
    cr_assert(hear(w, "\"hello\""));
    say(w, "subscribe asks me\n");
    open_ask(w, "/x");
    cr_assert(hear(w, "\"id\":1,\"count\":1"));
    open_ask(w, "/x");
    cr_assert(hear(w, "\"id\":1,\"count\":2"), "the second call joins the card");
    cr_assert(nothing_yet(w, 0));
    say(w, "answer 1 allow once\n");
    cr_assert(hear(w, "\"closed\",\"id\":1,\"how\":\"allowed\",\"by\":\"me\""));
    for (int i = 1; i <= 2; i++) {
        struct result *x = wait_result(w, i);
        cr_assert(x && x->allowed && x->by == BY_USER && !strcmp(x->handler, "me"));
    }
    open_ask(w, "/x");
    cr_assert(hear(w, "\"id\":2"), "once is remembered nowhere");
    world_end(w);
}

Test(approval, denied_is_denied_again_for_a_while)
{
    struct world *w = world_with((struct approval_config){.has_terminal = true}, true);
    say(w, "subscribe asks\n");
    open_ask(w, "/x");
    cr_assert(hear(w, "\"id\":1"));
    say(w, "answer 1 deny once\n");
    struct result *x = wait_result(w, 1);
    cr_assert(x && !x->allowed && x->by == BY_USER);
    open_ask(w, "/x");
    x = wait_result(w, 2);
    cr_assert(x && !x->allowed && x->by == BY_ANSWER, "the same again: not asked");
    open_ask(w, "/y");
    cr_assert(hear(w, "\"target\":\"/y\""), "another target is asked");
    world_end(w);
}

Test(approval, session_answers_settle_everything_that_they_cover)
{
    struct world *w = world_with((struct approval_config){.has_terminal = true}, true);
    say(w, "subscribe asks\n");
    open_ask(w, "/d/x");
    open_ask(w, "/d/e/y");
    open_ask(w, "/other");
    cr_assert(hear(w, "\"/other\""));
    say(w, "answer 1 allow session tree any\n");
    for (int i = 1; i <= 2; i++) {
        struct result *x = wait_result(w, i);
        cr_assert(x && x->allowed);
    }
    cr_assert(hear(w, "\"closed\",\"id\":2,\"how\":\"settled\""));
    cr_assert(nothing_yet(w, 2), "what it does not cover still waits");
    open_ask(w, "/d/z");
    struct result *x = wait_result(w, 3);
    cr_assert(x && x->allowed && x->by == BY_ANSWER);
    world_end(w);
}

Test(approval, an_exact_answer_is_bound_to_the_very_file)
{
    struct world *w = world_with((struct approval_config){.has_terminal = true}, true);
    say(w, "subscribe asks\n");
    open_ask(w, "/x");
    cr_assert(hear(w, "\"id\":1"));
    say(w, "answer 1 allow session\n");
    cr_assert(wait_result(w, 1));
    open_ask(w, "/x");
    struct result *x = wait_result(w, 2);
    cr_assert(x && x->allowed && x->by == BY_ANSWER);
    struct request *other = request("/x", 0);
    other->need[0].target.ino = 3; /* put in its place meanwhile */
    approval_open(w->a, other, &ask);
    cr_assert(hear(w, "\"id\":2"), "another file of that name is asked about");
    world_end(w);
}

Test(approval, a_timeout_denies_one_call_and_writes_no_rule)
{
    struct world *w = world_with((struct approval_config){.has_terminal = true, .timeout_ms = 100}, true);
    say(w, "subscribe asks\n");
    open_ask(w, "/x");
    struct result *x = wait_result(w, 1);
    cr_assert(x && !x->allowed && x->by == BY_TIMEOUT);
    cr_assert(hear(w, "\"how\":\"timeout\""));
    open_ask(w, "/x");
    cr_assert(hear(w, "\"id\":2"), "asked again");
    world_end(w);
}

Test(approval, nobody_there)
{
    struct world *w = world_with((struct approval_config){.has_terminal = false}, true);
    open_ask(w, "/x");
    struct result *x = wait_result(w, 1);
    cr_assert(x && !x->allowed && x->by == BY_UNATTENDED);
    cr_assert(strstr(x->r->why, "--approval"));
    say(w, "subscribe asks\nping\n");
    cr_assert(hear(w, "pong"));
    open_ask(w, "/x");
    cr_assert(hear(w, "\"ask\""), "an interface has attached: somebody is there");
    cr_assert(nothing_yet(w, 1));
    world_end(w);
    w = world_with((struct approval_config){.has_terminal = true, .how = APPROVAL_REJECT}, false);
    open_ask(w, "/x");
    x = wait_result(w, 1);
    cr_assert(x && !x->allowed && x->by == BY_UNATTENDED);
    world_end(w);
}

/* The desktop interface that the session starts: until it has spoken or gone, somebody may be there. */
Test(approval, an_interface_that_is_coming)
{
    struct world *w = world_with((struct approval_config){.how = APPROVAL_DESKTOP}, true);
    open_ask(w, "/a");
    cr_assert(hear(w, "\"hello\""));
    usleep(50000);
    cr_assert_eq(w->results, 0, "it waits");
    shutdown(w->iface, SHUT_RDWR); /* no notification server: it ends without a word */
    cr_assert_eq(wait_result(w, 1)->by, BY_UNATTENDED);
    open_ask(w, "/b");
    cr_assert_eq(wait_result(w, 2)->by, BY_UNATTENDED);
    world_end(w);

    w = world_with((struct approval_config){.how = APPROVAL_DESKTOP}, true);
    say(w, "subscribe asks desktop\n");
    open_ask(w, "/a");
    cr_assert(hear(w, "\"ask\",\"id\":1"));
    say(w, "subscribe nothing desktop\n"); /* not to be disturbed: the question is taken away, and waits */
    cr_assert(hear(w, "\"how\":\"elsewhere\""));
    say(w, "subscribe asks desktop\n");
    cr_assert(hear(w, "\"ask\",\"id\":1"));
    say(w, "answer 1 allow once\n");
    cr_assert(wait_result(w, 1)->allowed);
    world_end(w);
}

Test(approval, who_follows_is_told_what_is_settled_and_the_hits_of_rules)
{
    struct rule keep = {.label = (char *)"p:keep", .at = (char *)"p.yaml:4", .effect = EFFECT_DENY, .verbs = 1u << VERB_READ, .hard = true};
    struct rule never = {.label = (char *)"p:never", .at = (char *)"p.yaml:5", .effect = EFFECT_ALLOW, .verbs = 1u << VERB_EXEC, .number = 1};
    struct rule stranger = {.label = (char *)"x", .at = (char *)"x", .number = 1}; /* a protection: numbered apart */
    struct rule *rules[] = {&keep, &never};
    struct policy p = {.rules = rules, .nrules = 2};
    struct world *w = world_with((struct approval_config){.policy = &p, .has_terminal = true}, true);
    struct request *r = request("/etc/\"x\n", 0);
    struct outcome o = {.by = BY_HARD, .decision = {.effect = EFFECT_DENY, .rule = &keep, .label = keep.label, .at = keep.at}};
    approval_record(w->a, r, &o); /* nobody follows: counted all the same */
    say(w, "subscribe events log\nping\n");
    cr_assert(hear(w, "pong"));
    say(w, "ping\n");
    cr_assert(hear(w, "pong"));
    approval_record(w->a, r, &o);
    o.decision.rule = &stranger;
    approval_record(w->a, r, &o);
    char *line = hear(w, "\"record\"");
    cr_assert(line && strstr(line, "\"path\":\"/etc/\\\"x\\\\x0a\"") && strstr(line, "\"rule\":\"p:keep\"") && strstr(line, "\"decision\":\"deny\""), "%s", line);
    say(w, "rules\n");
    line = hear(w, "\"number\":0");
    cr_assert(line && strstr(line, "\"label\":\"p:keep\"") && strstr(line, "\"hard\":true") && strstr(line, "\"hits\":2}"), "%s", line);
    line = hear(w, "\"number\":1");
    cr_assert(line && strstr(line, "\"hits\":0}"), "%s", line);
    cr_assert(hear(w, "\"event\":\"rules\",\"count\":2"));
    free(r);
    world_end(w);
}

Test(approval, nonsense_is_refused_and_closed)
{
    static const char *const bad[] = {"answer 1 allow once \xe2\x80\xae\n", "hello\n", "\n", "answer 1 allow\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct world *w = world_with((struct approval_config){.has_terminal = true}, true);
        say(w, bad[i]);
        cr_assert(hear(w, "\"bye\""), "%zu", i);
        cr_assert_null(hear(w, "x"), "and the connection is closed");
        world_end(w);
    }
    struct world *w = world_with((struct approval_config){.has_terminal = true}, true);
    char long_line[5000];
    memset(long_line, 'a', sizeof long_line);
    long_line[sizeof long_line - 1] = 0;
    say(w, long_line);
    cr_assert(hear(w, "4096"));
    world_end(w);
}

Test(approval, rungs_that_are_not_offered_change_nothing)
{
    struct world *w = world_with((struct approval_config){.has_terminal = true, .home = "/home/u"}, true);
    say(w, "subscribe asks\n");
    open_ask(w, "/etc/passwd");
    cr_assert(hear(w, "\"id\":1"));
    say(w, "answer 1 allow session tree\n");
    cr_assert(hear(w, "\"refused\",\"id\":1"));
    say(w, "answer 1 allow always\n");
    cr_assert(hear(w, "keeps no answers"));
    say(w, "answer 99 allow session\n"); /* already gone: ignored */
    cr_assert(nothing_yet(w, 0));
    say(w, "stop\n");
    usleep(50000);
    cr_assert(w->stopped);
    world_end(w);
}

Test(approval, everybody_gets_exactly_one_answer_when_it_ends)
{
    struct world *w = world_with((struct approval_config){.has_terminal = true}, true);
    say(w, "subscribe asks\n");
    char path[300][8];
    for (int i = 0; i < 300; i++) {
        snprintf(path[i], sizeof path[i], "/p%d", i);
        open_ask(w, path[i]);
    }
    char want[32];
    snprintf(want, sizeof want, "\"id\":256,");
    cr_assert(hear(w, want));
    say(w, "answer 3 allow once\n");
    cr_assert(hear(w, "\"id\":257,"), "the next in order is shown when one goes");
    approval_stop(w->a);
    cr_assert_eq(w->results, 300);
    int gone = 0;
    for (int i = 0; i < 300; i++)
        gone += w->result[i].by == BY_GONE && !w->result[i].allowed;
    cr_assert_eq(gone, 299);
    for (int i = 0; i < 300; i++)
        free(w->result[i].r);
    grants_free(w->grants);
    fclose(w->lines);
    close(w->iface);
    free(w);
}

Test(approval, always_is_written_as_shown)
{
    char dir[] = "/tmp/sw-answers-XXXXXX";
    cr_assert(mkdtemp(dir));
    char path[100], text[4096] = "";
    snprintf(path, sizeof path, "%s/a/b/p-cat.yaml", dir);
    struct world *w = world_with((struct approval_config){.has_terminal = true, .answers = path}, true);
    say(w, "subscribe asks tui\n");
    open_ask(w, "/d/it's");
    cr_assert(hear(w, "\"always\":true"));
    say(w, "answer 1 allow always\n");
    cr_assert(wait_result(w, 1)->allowed);
    open_ask(w, "/d/2");
    cr_assert(hear(w, "\"id\":2"));
    say(w, "answer 2 deny always dir any\n");
    cr_assert(!wait_result(w, 2)->allowed);
    FILE *f = fopen(path, "r");
    cr_assert(f);
    cr_assert(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    const char *one = strstr(text, "\n  - {allow: [read], path: ['/d/it''s'], by: ['/usr/bin/cat']}\n");
    const char *two = strstr(text, "\n  - {deny: [read], path: ['/d/*']}\n");
    cr_assert(one && two && one < two, "%s", text);
    cr_assert(strstr(text, "session test, answered at tui"));
    struct stat st;
    cr_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    char rm[120];
    snprintf(rm, sizeof rm, "rm -r %s", dir);
    cr_assert_eq(system(rm), 0);
    world_end(w);
}

Test(approval, the_socket_is_private_and_several_attach)
{
    char dir[] = "/tmp/sw-socket-XXXXXX";
    cr_assert(mkdtemp(dir));
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s/s.sock", dir);
    struct world *w = world_with((struct approval_config){.has_terminal = true, .socket = a.sun_path}, true);
    struct stat st;
    cr_assert(stat(a.sun_path, &st) == 0 && (st.st_mode & 07777) == 0600);
    /* This process is the supervisor here, so its own connect is what an agent's looks like: refused. */
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    char text[200] = "";
    cr_assert(recv(fd, text, sizeof text - 1, 0) > 0);
    cr_assert(strstr(text, "\"bye\"") && strstr(text, "supervised"), "%s", text);
    cr_assert_eq(recv(fd, text, sizeof text, 0), 0);
    close(fd);
    struct approval *second;
    struct err err;
    struct approval_config c = {.session = "test", .socket = a.sun_path, .console_fd = -1, .desktop_fd = -1};
    cr_assert_eq(approval_start(&c, &second, &err), -1, "a socket in use is not taken over");
    world_end(w);
    cr_assert_eq(access(a.sun_path, F_OK), -1, "the socket goes with the session");
    rmdir(dir);
}
