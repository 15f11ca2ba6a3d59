#include "replay.h"
#include "pattern.h"
#include "verbs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the places of a run */

static void follow(char **place, const struct record *r, const char *field)
{
    BUF_AUTO b = {0};
    if (record_bytes(r->json, field, &b) && b.data[0] == '/' && b.data[1]) {
        free(*place);
        *place = buf_steal(&b);
    }
}

static void first_line(struct replay *p, const struct record *r)
{
    p->runs++;
    follow(&p->workspace, r, "workspace");
    follow(&p->home, r, "home");
    follow(&p->tmpdir, r, "tmpdir");
}

/* The longest of the run's places that path lies in gives way to ours. */
static char *moved(const struct replay *p, const char *path)
{
    const char *from[] = {p->workspace, p->tmpdir, p->home};
    const char *to[] = {p->places->workspace, p->places->tmpdir, p->places->home};
    int best = -1;
    for (int i = 0; i < 3; i++)
        if (from[i] && path_within(path, from[i]) && (best < 0 || strlen(from[i]) > strlen(from[best])))
            best = i;
    return best < 0 ? xstrdup(path) : xasprintf("%s%s", to[best], path + strlen(from[best]));
}

int replay_places(char *const *logs, const char *workspace, struct places *ret, struct err *err)
{
    struct replay p = {0};
    for (char *const *log = logs; *log && !p.runs; log++) {
        struct record_reader reader = {.file = fopen(*log, "re")};
        if (!reader.file)
            continue; /* replay_logs says it */
        struct record r;
        while (!p.runs && record_read(&reader, &r)) {
            if (r.event && !strcmp(r.event, "start"))
                first_line(&p, &r);
            record_free(&r);
        }
        record_reader_end(&reader);
    }
    if (p.home)
        setenv("HOME", p.home, 1);
    if (p.tmpdir)
        setenv("TMPDIR", p.tmpdir, 1);
    /* The run's workspace need not be here any more: a log may come from another machine. */
    int e = places_find(ret, workspace ? workspace : p.workspace ? "/" : NULL, err);
    if (e == 0 && !workspace && p.workspace) {
        static char *volatile kept; /* like every string of struct places it lives as long as the process */
        ret->workspace = kept = xstrdup(p.workspace);
    }
    replay_end(&p);
    return e;
}

void replay_end(struct replay *p)
{
    free(p->workspace);
    free(p->home);
    free(p->tmpdir);
}

/* ---- from a record to a question */

static int verb_of(const char *name)
{
    for (int v = 0; name && v < VERB_COUNT; v++)
        if (!strcmp(name, verb_names[v]))
            return v;
    return -1;
}

static bool flag(const json_t *t, const char *name)
{
    return json_is_true(json_object_get(t, name));
}

static bool read_address(const struct replay *p, const json_t *t, struct target *ret)
{
    BUF_AUTO text = {0};
    const char *proto = record_text(t, "proto");
    struct address *a = &ret->addr;
    if (!record_bytes(t, "addr", &text))
        return false;
    *a = (struct address){.port = (uint16_t)json_integer_value(json_object_get(t, "port")),
                          .scope = (uint32_t)json_integer_value(json_object_get(t, "scope")),
                          .wildcard = flag(t, "wildcard"),
                          .proto = !proto                  ? 0
                                   : !strcmp(proto, "udp") ? IPPROTO_UDP
                                                           : IPPROTO_TCP};
    ret->own = flag(t, "own");
    if (text.len > 6 && !memcmp(text.data, "unix:@", 6)) {
        a->kind = ADDRESS_ABSTRACT;
        a->family = AF_UNIX;
        a->name_len = text.len - 6;
        a->name = xcalloc(1, a->name_len + 1);
        memcpy(a->name, text.data + 6, a->name_len);
    } else if (text.len > 5 && !memcmp(text.data, "unix:", 5)) {
        a->kind = ADDRESS_UNIX;
        a->family = AF_UNIX;
        a->name = xstrdup(text.data + 5);
        a->name_len = strlen(a->name);
        ret->path = moved(p, a->name);
    } else if (inet_pton(AF_INET, text.data, a->ip) == 1) {
        a->kind = ADDRESS_INET;
        a->family = AF_INET;
    } else if (inet_pton(AF_INET6, text.data, a->ip) == 1) {
        a->kind = ADDRESS_INET6;
        a->family = AF_INET6;
    } else {
        return false;
    }
    return true;
}

static bool read_need(const struct replay *p, const char *verb, const json_t *t, struct need *ret)
{
    int v = verb_of(verb);
    if (v < 0 || !json_is_object(t))
        return false;
    *ret = (struct need){.verb = (enum verb)v};
    BUF_AUTO path = {0};
    if (flag(t, "anonymous")) {
        ret->target.kind = TARGET_ANONYMOUS;
    } else if (record_bytes(t, "path", &path)) {
        ret->target.kind = TARGET_PATH;
        ret->target.path = moved(p, path.data);
    } else {
        ret->target.kind = TARGET_ADDRESS;
        if (!read_address(p, t, &ret->target))
            return false;
    }
    ret->target.exists = flag(t, "resolved");
    ret->target.is_dir = flag(t, "dir");
    ret->target.nlink = 1;
    ret->target.mode = flag(t, "socket") ? S_IFSOCK : ret->target.is_dir ? S_IFDIR : S_IFREG;
    return true;
}

static void read_argv(const struct record *r, struct replayed *c)
{
    const json_t *argv = json_object_get(r->json, "argv");
    if (!json_is_array(argv))
        return;
    size_t n = json_array_size(argv);
    c->argv = xcalloc(n + 1, sizeof *c->argv);
    for (size_t i = 0; i < n; i++) {
        const json_t *s = json_array_get(argv, i);
        BUF_AUTO b = {0};
        if (buf_unescape(&b, json_is_string(s) ? json_string_value(s) : "", json_string_length(s)) < 0)
            buf_clear(&b);
        c->argv[i] = buf_steal(&b);
    }
}

static int moved_place(const struct record *r, size_t i)
{
    const json_t *m = json_object_get(r->json, "moved");
    return json_is_array(m) ? (int)json_integer_value(json_array_get(m, i)) : -1;
}

void replay_read(struct replay *p, const struct record *r, struct replayed *c)
{
    *c = (struct replayed){.kind = REPLAY_NONE};
    if (r->event && !strcmp(r->event, "start"))
        first_line(p, r);
    if (r->event || !r->decided_by)
        return;
    static const char *const unjudged[] = {"kernel", "error", "gone"};
    for (size_t i = 0; i < sizeof unjudged / sizeof *unjudged; i++)
        if (!strcmp(r->decided_by, unjudged[i]))
            return;
    if (!r->verb) {
        c->kind = REPLAY_FIXED;
        return;
    }
    int n = read_need(p, r->verb, r->target, &c->need[0]);
    if (!n)
        return;
    size_t i;
    json_t *other;
    json_array_foreach(json_object_get(r->json, "also"), i, other)
    {
        if (n < NEEDS_MAX && read_need(p, record_text(other, "verb"), json_object_get(other, "target"), &c->need[n]))
            n++;
    }
    read_argv(r, c);
    BUF_AUTO exe = {0};
    if (record_bytes(r->json, "exe", &exe)) {
        c->process = (struct process){
            .refs = 1, .pid = (pid_t)json_integer_value(json_object_get(r->json, "pid")), .exe = buf_steal(&exe)};
        c->question.process = &c->process;
    }
    c->kind = REPLAY_CALL;
    c->question.need = c->need;
    c->question.needs = n;
    c->question.moved_from = moved_place(r, 0);
    c->question.moved_to = moved_place(r, 1);
    c->question.exchange = json_is_true(json_object_get(r->json, "exchange"));
    c->question.argv = c->argv;
    if (c->question.moved_from >= n || c->question.moved_to >= n)
        c->question.moved_from = c->question.moved_to = -1;
}

struct decision replay_decide(const struct policy *policy, const struct replayed *c)
{
    /* Copied with `process` pointing into the very copy that the caller holds. */
    struct question q = c->question;
    q.need = c->need;
    q.process = c->process.exe ? &c->process : NULL;
    return decide(policy, NULL, &q, NULL, NULL);
}

void replayed_free(struct replayed *c)
{
    for (int i = 0; i < c->question.needs; i++)
        target_free(&c->need[i].target);
    for (char **a = c->argv; a && *a; a++)
        free(*a);
    free(c->argv);
    free(c->process.exe);
    c->question.needs = 0;
}

/* ---- logs and policies */

int replay_logs(char *const *logs, void (*fn)(void *arg, const struct record *r, size_t log), void *arg)
{
    for (size_t i = 0; logs[i]; i++) {
        struct record_reader reader = {.file = fopen(logs[i], "re")};
        if (!reader.file) {
            fprintf(stderr, "sentinel-watch: the log %s: %s\n", logs[i], strerror(errno));
            return 125;
        }
        uint64_t records = 0;
        struct record r;
        while (record_read(&reader, &r)) {
            records++;
            fn(arg, &r, i);
            record_free(&r);
        }
        bool strange = reader.strange || !records;
        if (strange)
            fprintf(stderr, "sentinel-watch: %s: %llu of %llu lines are no records\n", logs[i],
                    (unsigned long long)reader.strange, (unsigned long long)reader.lines);
        record_reader_end(&reader);
        if (strange)
            return 125;
    }
    return 0;
}

struct policy *replay_policy(const char *name, const struct places *places)
{
    struct verb_args args = {.places = *places};
    BUF_AUTO mistakes = {0};
    BUF_AUTO warnings = {0};
    struct policy *p = verb_policy_alone(&args, name, &mistakes, &warnings);
    if (!p)
        fprintf(stderr, "%s", mistakes.data ? mistakes.data : "");
    return p;
}

void replay_right_text(const struct need *n, struct buf *b)
{
    buf_printf(b, "%s ", verb_names[n->verb]);
    if (n->target.kind == TARGET_ANONYMOUS)
        buf_puts(b, "anonymous");
    else if (n->target.path)
        buf_escape(b, n->target.path, strlen(n->target.path));
    else
        address_text(&n->target.addr, b);
}
