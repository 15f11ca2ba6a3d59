/* policy generate LOG... [--base NAME] [--merge POLICY] [-o FILE] [-w DIR]: from what runs did to a policy that lets
 * them do it.
 *
 * What the base (or the policy to merge into) allows gets no rule. What the sensitive profile asks or denies, and what
 * a run was refused, becomes a rule in a comment. The text is loaded and replayed over its own logs before it is given
 * out; where a pattern missed something (a move needs more rights than it names), exactly that is added, and it is
 * replayed again.
 */
#include "fd.h"
#include "verbs.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SENSITIVE "agent-base"
#define ROUNDS 6

/* ---- replaying the result over its own logs */

struct check {
    struct workload *w;
    const struct policy *policy;
    struct replay replay;
    uint64_t calls, reviewed, denied, asked;
    bool changed;
    char *first; /* what is denied or asked */
};

static void mend(struct check *k, const struct replayed *c, const struct decision *d)
{
    for (int i = 0; i < c->question.needs; i++)
        if (d->asks & 1u << i && !(d->moved_asks && i == c->question.moved_from))
            k->changed |= workload_want(k->w, &c->need[i]);
    /* A move: the old name has to give every right that the new one gives, or the move would be a way around a
     * question. */
    const int ends[] = {c->question.moved_from, c->question.exchange ? c->question.moved_to : -1};
    for (size_t e = 0; d->moved_asks && e < 2; e++)
        for (enum verb v = 0; ends[e] >= 0 && v < VERB_COUNT; v++)
            if (d->moved_asks & 1u << v && v != VERB_CONNECT) {
                struct need n = c->need[ends[e]];
                n.verb = v;
                k->changed |= workload_want(k->w, &n);
            }
}

static void check_one(void *arg, const struct record *r, size_t log)
{
    struct check *k = arg;
    struct replayed c;
    (void)log;
    replay_read(&k->replay, r, &c);
    if (c.kind == REPLAY_CALL) {
        struct decision d = replay_decide(k->policy, &c);
        k->calls++;
        if (d.effect != EFFECT_ALLOW && workload_reviewed(k->w, &c)) {
            k->reviewed++;
        } else if (d.effect != EFFECT_ALLOW) {
            BUF_AUTO b = {0};
            replay_right_text(&c.need[d.need], &b);
            *(d.effect == EFFECT_DENY ? &k->denied : &k->asked) += 1;
            if (!k->first)
                k->first = buf_steal(&b);
            mend(k, &c, &d);
        }
    }
    replayed_free(&c);
}

static int write_file(const char *path, const struct buf *text, struct err *err)
{
    STR_AUTO temporary = xasprintf("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "writing %s", path);
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    FILE *f = fdopen(fd, "w");
    bool ok = f && fwrite(text->data, 1, text->len, f) == text->len;
    ok = f && fclose(f) == 0 && ok;
    if (ok && rename(temporary, path) == 0)
        return 0;
    err_set(err, errno, "writing %s", path);
    unlink(temporary);
    return -1;
}

/* Loads the text from a file of its own. near: the policy that it is merged into, whose `extends` may name files beside
 * it. */
static struct policy *load_text(const struct workload *w, const struct buf *text, const char *near)
{
    const char *slash = near ? strrchr(near, '/') : NULL;
    STR_AUTO folder = slash ? xstrndup(near, (size_t)(slash - near)) : xstrdup(near ? "." : "/tmp");
    /* The stem is the policy's name: only [a-z0-9._-]. */
    STR_AUTO path = xasprintf("%s/.generated-%d.yaml", folder, (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        fprintf(stderr, "sentinel-watch: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    bool ok = write(fd, text->data, text->len) == (ssize_t)text->len;
    close(fd);
    struct policy *p = ok ? replay_policy(path, &w->places) : NULL;
    unlink(path);
    return p;
}

struct asked_for {
    const char *base, *merge, *out, *workspace;
};

static int make(struct workload *w, const struct asked_for *o, const char *old, struct buf *text, struct err *err)
{
    buf_clear(text);
    if (old)
        return words_merged(w, old, text, err);
    words_fresh(w, o->base, text);
    return 0;
}

static int generate(struct workload *w, const struct asked_for *o, char *const *logs, const char *old, struct buf *text)
{
    struct err err;
    for (int round = 0;; round++) {
        if (make(w, o, old, text, &err) < 0) {
            fprintf(stderr, "sentinel-watch: %s: %s\n", o->merge, err.text);
            return 1;
        }
        struct policy *p = load_text(w, text, o->merge);
        if (!p)
            return 125;
        struct check k = {.w = w, .policy = p, .replay = {.places = &w->places}};
        int status = replay_logs(logs, check_one, &k);
        const struct right *leak = workload_leak(w, p);
        policy_free(p);
        replay_end(&k.replay);
        STR_AUTO first = k.first;
        if (status)
            return status;
        if (k.changed && round < ROUNDS)
            continue;
        if (leak) { /* the patterns are made so that it cannot be; should it be, no policy is better than this one */
            BUF_AUTO b = {0};
            replay_right_text(&leak->need, &b);
            fprintf(stderr, "sentinel-watch: the rules would allow what is left to your review: %s\n", b.data);
            return 1;
        }
        fprintf(stderr,
                "sentinel-watch: replayed over its own logs: %llu calls, %llu denied, %llu asked; %llu left for your "
                "review\n",
                (unsigned long long)k.calls, (unsigned long long)k.denied, (unsigned long long)k.asked,
                (unsigned long long)k.reviewed);
        if (first)
            fprintf(stderr, "sentinel-watch: no rule could be made for %s\n", first);
        return 0;
    }
}

static int usage(void)
{
    fprintf(stderr, "usage: sentinel-watch policy generate LOG... [--base NAME] [--merge POLICY] [-o FILE] [-w DIR]\n");
    return 2;
}

int verb_generate(int argc, char **argv)
{
    static const struct option options[] = {
        {"base", 1, 0, 'b'}, {"merge", 1, 0, 'm'}, {"output", 1, 0, 'o'}, {"workspace", 1, 0, 'w'}, {0}};
    struct asked_for o = {0};
    int c;
    while ((c = getopt_long(argc, argv, "o:w:", options, NULL)) != -1) {
        switch (c) {
        case 'b':
            o.base = optarg;
            break;
        case 'm':
            o.merge = optarg;
            break;
        case 'o':
            o.out = optarg;
            break;
        case 'w':
            o.workspace = optarg;
            break;
        default:
            return usage();
        }
    }
    if (optind == argc || (o.base && o.merge))
        return usage();
    char **logs = argv + optind;
    struct err err;
    struct workload w = {0};
    STR_AUTO old = NULL;
    if (replay_places(logs, o.workspace, &w.places, &err) < 0 ||
        (o.merge && fd_read_file(AT_FDCWD, o.merge, 1 << 20, &old, NULL) < 0 && err_set(&err, errno, "%s", o.merge))) {
        fprintf(stderr, "sentinel-watch: %s\n", err.text);
        return 125;
    }
    w.sensitive = replay_policy(SENSITIVE, &w.places);
    if (w.sensitive && (o.base || o.merge))
        w.base = replay_policy(o.base ? o.base : o.merge, &w.places);
    int status = !w.sensitive || ((o.base || o.merge) && !w.base) ? 125 : workload_read(&w, logs);
    BUF_AUTO text = {0};
    if (!status) {
        workload_judge(&w);
        status = generate(&w, &o, logs, old, &text);
    }
    if (!status && o.out && write_file(o.out, &text, &err) < 0) {
        fprintf(stderr, "sentinel-watch: %s\n", err.text);
        status = 125;
    } else if (!status && !o.out) {
        fwrite(text.data, 1, text.len, stdout);
    }
    workload_free(&w);
    return status;
}
