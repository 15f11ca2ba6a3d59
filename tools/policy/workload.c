#include "workload.h"
#include "pattern.h"

#include <stdlib.h>
#include <string.h>

static void right_key(const struct need *n, struct buf *b)
{
    replay_right_text(n, b);
    if (n->target.kind == TARGET_ADDRESS)
        buf_printf(b, " %d%s%s", n->target.addr.proto, n->target.own ? " own" : "",
                   n->target.addr.wildcard ? " every" : "");
}

static void need_copy(struct need *to, const struct need *n)
{
    *to = *n;
    to->target.raw = NULL;
    to->target.path = n->target.path ? xstrdup(n->target.path) : NULL;
    to->target.name = NULL;
    if (n->target.addr.name) {
        to->target.addr.name = xcalloc(1, n->target.addr.name_len + 1);
        memcpy(to->target.addr.name, n->target.addr.name, n->target.addr.name_len);
    }
}

static struct right *add(struct workload *w, const struct need *n)
{
    BUF_AUTO key = {0};
    right_key(n, &key);
    struct tally_entry *e = tally_add(&w->keys, key.data);
    if (!e->data) {
        struct right *r = e->data = xcalloc(1, sizeof *r);
        need_copy(&r->need, n);
        r->seen.names = 1;
    }
    return e->data;
}

struct right *workload_find(struct workload *w, const struct need *n)
{
    BUF_AUTO key = {0};
    right_key(n, &key);
    const struct tally_entry *e = tally_find(&w->keys, key.data);
    return e ? e->data : NULL;
}

static char **argv_copy(char *const *argv)
{
    size_t n = 0;
    while (argv[n])
        n++;
    char **ret = xcalloc(n + 1, sizeof *ret);
    for (size_t i = 0; i < n; i++)
        ret[i] = xstrdup(argv[i]);
    return ret;
}

/* NULL, or why a person has to look at what this record was told. Nobody there, or a question that enforce would have
 * asked, is no answer: that is what a new policy is made for. */
static char *refusal(const struct record *r)
{
    const char *by = r->decided_by ? r->decided_by : "";
    bool denied = r->decision && !strcmp(r->decision, "deny") && strcmp(by, "unattended") != 0;
    if (!denied && !(r->would && !strcmp(r->would, "deny")))
        return NULL;
    if (!strcmp(by, "user") || !strcmp(by, "answer"))
        return xstrdup("the user said no");
    if (!strcmp(by, "timeout"))
        return xstrdup("it was asked, and nobody answered");
    return xasprintf("refused by %s", r->rule ? r->rule : by);
}

static void read_one(void *arg, const struct record *r, size_t log)
{
    struct workload *w = arg;
    struct replayed c;
    (void)log;
    replay_read(&w->replay, r, &c);
    const char *level = r->event ? record_text(r->json, "level") : NULL;
    w->partial |= level && strcmp(level, "all") != 0;
    if (c.kind == REPLAY_FIXED)
        tally_add(&w->fixed, r->syscall ? r->syscall : "?");
    if (c.kind == REPLAY_CALL) {
        const char *slash = c.process.exe ? strrchr(c.process.exe, '/') : NULL;
        w->records++;
        for (int i = 0; i < c.question.needs; i++) {
            struct right *right = add(w, &c.need[i]);
            right->seen.calls++;
            right->seen.runs |= 1ull << (w->replay.runs ? (w->replay.runs - 1) % 64 : 0);
            if (slash)
                tally_add(&right->seen.programs, slash + 1);
            if (c.argv && !right->argv && c.need[i].verb == VERB_EXEC)
                right->argv = argv_copy(c.argv);
            char *why = i == 0 && !right->refused ? refusal(r) : NULL;
            if (why) {
                right->refused = true;
                right->why = why;
            }
        }
    }
    replayed_free(&c);
}

int workload_read(struct workload *w, char *const *logs)
{
    w->replay.places = &w->places;
    int status = replay_logs(logs, read_one, w);
    w->runs = w->replay.runs ? w->replay.runs : 1;
    if (!status && w->partial)
        fprintf(stderr, "sentinel-watch: not everything was recorded (audit level below `all`): what was allowed and "
                        "left out of the "
                        "logs gets no rule; record with --mode log for a whole picture\n");
    return status;
}

static struct decision judge(const struct policy *p, const struct right *r)
{
    struct question q = {.need = &r->need, .needs = 1, .moved_from = -1, .moved_to = -1, .argv = r->argv};
    return decide(p, NULL, &q, NULL, NULL);
}

static void review(struct right *r, const char *fmt, const char *what)
{
    r->fate = FATE_REVIEW;
    if (!r->why)
        r->why = xasprintf(fmt, what ? what : "");
}

/* Sensitive by what it is, whatever the profile's rules say. */
static const char *by_nature(const struct workload *w, const struct right *r)
{
    static const char *const system[] = {"/etc", "/usr", "/boot", "/bin", "/sbin", "/lib", "/lib64", "/sys"};
    const struct target *t = &r->need.target;
    if (r->need.verb == VERB_EXEC && t->kind == TARGET_ANONYMOUS)
        return "a program without a file";
    if (r->need.verb == VERB_EXEC && t->path && !path_within(t->path, w->places.workspace) &&
        (path_within(t->path, w->places.tmpdir) || path_within(t->path, "/tmp") || path_within(t->path, "/var/tmp") ||
         path_within(t->path, "/dev/shm")))
        return "a program in a folder for temporary files";
    for (size_t i = 0; r->need.verb == VERB_WRITE && t->path && i < sizeof system / sizeof *system; i++)
        if (path_within(t->path, system[i]) && !path_within(t->path, w->places.workspace))
            return "a change to the system";
    return NULL;
}

static void judge_right(const struct workload *w, struct right *r)
{
    static const struct policy nothing = {
        .defaults.effect = {EFFECT_ASK, EFFECT_ASK, EFFECT_ASK, EFFECT_ASK, EFFECT_ALLOW}};
    struct decision d = judge(w->base ? w->base : &nothing, r);
    r->base_allows = d.effect == EFFECT_ALLOW;
    if (r->refused) {
        r->fate = FATE_REVIEW;
        return;
    }
    if (r->base_allows) {
        r->fate = FATE_COVERED;
        return;
    }
    if (d.rule) {
        review(r, d.effect == EFFECT_DENY ? "denied by %s" : "asked by %s", d.label);
        return;
    }
    const char *nature = by_nature(w, r);
    d = judge(w->sensitive, r);
    if (nature)
        review(r, "sensitive: %s", nature);
    else if (d.effect != EFFECT_ALLOW && d.rule)
        review(r, "sensitive: %s", d.label);
    else
        r->fate = FATE_RULE;
}

void workload_judge(struct workload *w)
{
    for (size_t i = 0; i < w->keys.n; i++)
        judge_right(w, w->keys.entry[i].data);
}

const struct right *workload_leak(const struct workload *w, const struct policy *p)
{
    for (size_t i = 0; i < w->keys.n; i++) {
        const struct right *r = w->keys.entry[i].data;
        if (r->fate == FATE_REVIEW && !r->base_allows && judge(p, r).effect == EFFECT_ALLOW)
            return r;
    }
    return NULL;
}

char **workload_avoid(const struct workload *w, enum verb v)
{
    char **list = xcalloc(w->keys.n + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < w->keys.n; i++) {
        const struct right *r = w->keys.entry[i].data;
        if (r->fate == FATE_REVIEW && r->need.verb == v && r->need.target.path)
            list[n++] = r->need.target.path;
    }
    return list;
}

bool workload_want(struct workload *w, const struct need *n)
{
    struct right *r = workload_find(w, n);
    if (!r) {
        struct need change = *n;
        change.verb = VERB_WRITE; /* what moved it: the right that says where this one comes from */
        r = add(w, n);
        const struct right *moved = workload_find(w, &change);
        if (moved)
            seen_add(&r->seen, &moved->seen);
        r->seen.names = 1;
        judge_right(w, r);
        return r->fate != FATE_COVERED;
    }
    if (r->fate == FATE_REVIEW || r->exactly)
        return false;
    r->exactly = true;
    r->fate = FATE_RULE;
    return true;
}

bool workload_reviewed(struct workload *w, const struct replayed *c)
{
    for (int i = 0; i < c->question.needs; i++) {
        const struct right *r = workload_find(w, &c->need[i]);
        if (r && r->fate == FATE_REVIEW)
            return true;
    }
    return false;
}

void workload_free(struct workload *w)
{
    for (size_t i = 0; i < w->keys.n; i++) {
        struct right *r = w->keys.entry[i].data;
        target_free(&r->need.target);
        for (char **a = r->argv; a && *a; a++)
            free(*a);
        free(r->argv);
        free(r->why);
        tally_free(&r->seen.programs);
        free(r);
    }
    tally_free(&w->keys);
    tally_free(&w->fixed);
    replay_end(&w->replay);
    policy_free(w->base);
    policy_free(w->sensitive);
}
