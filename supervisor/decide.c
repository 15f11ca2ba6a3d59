#include "decide.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const decided_by_names[] = {
    [BY_POLICY] = "policy",   [BY_DEFAULT] = "default", [BY_HARD] = "hard",       [BY_PROTECTED] = "protected",
    [BY_ANSWER] = "answer",   [BY_USER] = "user",       [BY_TIMEOUT] = "timeout", [BY_UNATTENDED] = "unattended",
    [BY_KERNEL] = "kernel",   [BY_ERROR] = "error",     [BY_GONE] = "gone",
};

/* What judging one right needs to know, and to whom its steps are told. */
struct judge {
    const struct policy *policy;
    const struct grants *grants;
    char *const *argv;
    const struct process *process;
    bool any_caller; /* what a rename would open to others: policy.h */
    void (*trace)(void *arg, const char *step);
    void *arg;
};

struct verdict {
    enum effect effect;
    enum decided_by by;
    const struct rule *rule; /* NULL: the default of the verb, or what is built in */
    bool fallback;           /* no rule: the verb's default decided, and its label stands */
};

struct question question_of(const struct request *r)
{
    return (struct question){.need = r->need, .needs = r->needs, .moved_from = r->moved_from, .moved_to = r->moved_to,
                             .exchange = r->exchange, .argv = r->argv, .process = r->process};
}

/* ---- telling */

static void say(const struct judge *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct judge *j, const char *fmt, ...)
{
    if (!j->trace)
        return;
    va_list ap;
    va_start(ap, fmt);
    char *s;
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    j->trace(j->arg, s);
    free(s);
}

static const char *label_of(const struct rule *r)
{
    return r->label ? r->label : r->name ? r->name : "an unnamed rule";
}

static const char *at_of(const struct rule *r)
{
    return r->at ? r->at : "built in";
}

static const char *does(enum effect e)
{
    static const char *const words[] = {"allows", "asks about", "denies"};
    return words[e];
}

static void say_rule(const struct judge *j, const char *step, const struct rule *r)
{
    say(j, "%s: %s (%s) %s it", step, label_of(r), at_of(r), does(r->effect));
}

static void say_need(const struct judge *j, const struct need *n)
{
    if (!j->trace)
        return;
    BUF_AUTO b = {0};
    const struct target *t = &n->target;
    if (t->kind == TARGET_ANONYMOUS)
        buf_puts(&b, "anonymous");
    else if (t->path && t->kind == TARGET_ADDRESS)
        buf_puts(&b, "unix:");
    if (t->path)
        buf_escape(&b, t->path, strlen(t->path));
    else if (t->name)
        buf_escape(&b, t->name, strlen(t->name));
    if (t->kind == TARGET_ADDRESS && !t->path && t->addr.kind != ADDRESS_NONE) {
        buf_puts(&b, t->name ? ", " : "");
        address_text(&t->addr, &b);
    } else if (t->name) {
        buf_printf(&b, ":%u", t->addr.port);
    }
    say(j, "%s %s%s", verb_names[n->verb], b.data ? b.data : "", t->own ? " (its own)" : "");
}

/* ---- one right */

/* A file of a literal deny tree, reached by another of its hard links. Where the rule covers the name itself, the order of the
 * rules says what holds; a name that it does not cover is denied whatever allows that name. */
static const struct rule *by_identity(const struct judge *j, const struct need *n, enum rule_set set)
{
    const struct policy *p = j->policy;
    const struct target *t = &n->target;
    if (!p->nidentity || set == SET_STRICTER || !t->exists || t->nlink == 1 || t->kind == TARGET_ANONYMOUS)
        return NULL;
    const struct policy_identity *end;
    for (const struct policy_identity *f = policy_same_file(p, t->dev, t->ino, &end); f < end; f++) {
        const struct rule *r = f->rule;
        if (f->ino != t->ino || f->dev != t->dev || rule_names(r, n))
            continue;
        bool protection = false;
        for (size_t k = 0; k < p->nprotections && !protection; k++)
            protection = p->protections[k] == r;
        if (protection == (set == SET_PROTECTIONS) && (set != SET_HARD || r->hard) &&
            rule_matches_file(r, n, j->argv, j->process, j->any_caller))
            return r;
    }
    return NULL;
}

/* The first rule of the set that matches. */
static const struct rule *first(const struct judge *j, const struct need *n, enum rule_set set)
{
    const struct rule *linked = by_identity(j, n, set);
    return linked ? linked : policy_first(j->policy, set, n, j->argv, j->process, j->any_caller);
}

static struct verdict by_rule(const struct rule *r, enum decided_by by)
{
    return (struct verdict){.effect = r->effect, .by = by, .rule = r};
}

/* Step 4. A program without a file is at least asked about: no default was written with it in mind. */
static struct verdict by_default(const struct judge *j, const struct need *n)
{
    const struct defaults *d = &j->policy->defaults;
    struct verdict v = {.effect = d->effect[n->verb], .by = BY_DEFAULT, .fallback = true};
    if (n->target.kind == TARGET_ANONYMOUS && v.effect == EFFECT_ALLOW) {
        say(j, "4 defaults: no rule says `anonymous`, and a program without a file is asked about");
        return (struct verdict){.effect = EFFECT_ASK, .by = BY_DEFAULT};
    }
    say(j, "4 defaults: %s is %s (%s)", verb_names[n->verb], effect_names[v.effect], d->at[n->verb] ? d->at[n->verb] : "built in");
    return v;
}

/* Steps 3 to 5. */
static struct verdict ordinary(const struct judge *j, const struct need *n)
{
    struct verdict v;
    const struct rule *r = first(j, n, SET_RULES);
    if (r) {
        v = by_rule(r, r->hard && r->effect == EFFECT_DENY ? BY_HARD : BY_POLICY);
        say_rule(j, "3 rules", r);
    } else {
        say(j, "3 rules: none matches");
        v = by_default(j, n);
    }
    const struct rule *s = first(j, n, SET_STRICTER);
    if (s && s->effect > v.effect) {
        v = by_rule(s, BY_POLICY);
        say_rule(j, "5 the project's file, not trusted, makes it stricter", s);
    }
    return v;
}

static struct verdict judge(const struct judge *j, const struct need *n)
{
    say_need(j, n);
    const struct rule *r = first(j, n, SET_PROTECTIONS);
    if (r) {
        say_rule(j, "1 protections", r);
        return by_rule(r, BY_PROTECTED);
    }
    say(j, "1 protections: none matches");
    r = first(j, n, SET_HARD);
    if (r) {
        say_rule(j, "2 hard denies", r);
        return by_rule(r, BY_HARD);
    }
    say(j, "2 hard denies: none matches");
    struct verdict v = ordinary(j, n);
    if (v.effect != EFFECT_ASK)
        return v;
    const struct rule *answer = j->grants ? grants_match(j->grants, n, j->argv, j->process, grants_now(j->grants)) : NULL;
    if (answer && answer->effect != EFFECT_ASK) {
        say_rule(j, "6 answers", answer);
        return by_rule(answer, BY_ANSWER);
    }
    say(j, "6 answers: none given before");
    return v;
}

/* ---- rename and link: nothing is moved or linked out of a rule */

struct moving {
    const struct judge *judge; /* any_caller, without a trace */
    const struct judge *tell;
    const struct need *from, *to;
    struct verdict worst;    /* of what the old name refuses and the new one would give; ALLOW: nothing */
    enum verb worst_verb;
    unsigned asks;           /* bit per verb */
    bool known[VERB_COUNT];
    enum effect gives[VERB_COUNT]; /* by the new name */
};

static const enum verb moved_verbs[] = {VERB_READ, VERB_WRITE, VERB_EXEC, VERB_CONNECT};

static struct need renamed(const struct need *n, enum verb verb)
{
    struct need copy = *n; /* borrows the strings */
    copy.verb = verb;
    if (verb == VERB_CONNECT) {
        copy.target.kind = TARGET_ADDRESS;
        copy.target.addr = (struct address){.kind = ADDRESS_UNIX, .family = AF_UNIX};
    } else {
        copy.target.kind = TARGET_PATH;
    }
    return copy;
}

static enum effect new_name_gives(struct moving *m, enum verb verb)
{
    if (!m->known[verb]) {
        struct need n = renamed(m->to, verb);
        n.target.exists = false; /* the name alone: what is there now goes away */
        n.target.is_dir = m->from->target.is_dir;
        m->gives[verb] = judge(m->judge, &n).effect;
        m->known[verb] = true;
    }
    return m->gives[verb];
}

static void refused(struct moving *m, enum verb verb, struct verdict v)
{
    /* What an answer let out of a rule is worth a record (see consider()). */
    if (v.effect == EFFECT_ALLOW && v.by == BY_ANSWER && m->worst.effect == EFFECT_ALLOW) {
        m->worst = v;
        m->worst_verb = verb;
    }
    if (v.effect <= new_name_gives(m, verb))
        return;
    if (v.effect == EFFECT_ASK)
        m->asks |= 1u << verb;
    if (v.effect > m->worst.effect) {
        m->worst = v;
        m->worst_verb = verb;
    }
    say(m->tell, "moved: the old name %s %s, which the new name would give: %s", v.effect == EFFECT_DENY ? "denies" : "asks about",
        verb_names[verb], v.rule ? label_of(v.rule) : "by default");
}

static void refused_inside(struct moving *m, bool protections)
{
    const struct rule *r;
    size_t pos = 0;
    while ((r = policy_next_around(m->judge->policy, protections, m->from->target.path, &pos)))
        for (size_t k = 0; k < sizeof moved_verbs / sizeof *moved_verbs; k++)
            if (r->verbs & 1u << moved_verbs[k])
                refused(m, moved_verbs[k], by_rule(r, protections ? BY_PROTECTED : r->hard ? BY_HARD : BY_POLICY));
}

static void move_one_way(struct moving *m)
{
    const struct target *t = &m->from->target;
    for (size_t k = 0; k < sizeof moved_verbs / sizeof *moved_verbs; k++) {
        enum verb verb = moved_verbs[k];
        if (verb == VERB_CONNECT && !S_ISSOCK(t->mode))
            continue;
        struct need old = renamed(m->from, verb);
        refused(m, verb, judge(m->judge, &old));
    }
    if (t->is_dir) {
        refused_inside(m, true);
        refused_inside(m, false);
    }
}

/* A denied or protected place must not be renamed away by a folder above it. */
static const struct rule *denied_below(const struct policy *p, bool protections, const char *folder)
{
    const struct rule *r;
    size_t pos = 0;
    while ((r = policy_next_around(p, protections, folder, &pos)))
        if (r->effect == EFFECT_DENY && rule_place(r, folder) & RULE_BELOW)
            return r;
    return NULL;
}

static struct verdict above_denied(const struct judge *j, const char *folder)
{
    const struct rule *r = denied_below(j->policy, true, folder);
    enum decided_by by = BY_PROTECTED;
    if (!r && (r = denied_below(j->policy, false, folder)))
        by = r->hard ? BY_HARD : BY_POLICY;
    if (!r)
        return (struct verdict){.effect = EFFECT_ALLOW};
    say(j, "moved: %s (%s) denies a place below %s", label_of(r), at_of(r), folder);
    return by_rule(r, by);
}

/* ---- the call */

static void set(struct decision *d, const struct judge *j, const struct verdict *v, int need, enum verb verb)
{
    const struct defaults *def = &j->policy->defaults;
    d->effect = v->effect;
    d->by = v->by;
    d->need = need;
    d->rule = v->rule;
    d->label = v->rule ? v->rule->label : v->fallback ? def->label[verb] : NULL;
    d->at = v->rule ? v->rule->at : v->fallback ? def->at[verb] : NULL;
    d->message = v->rule ? v->rule->message : NULL;
    d->errnum = v->effect != EFFECT_DENY ? 0 : v->rule && v->rule->errnum ? v->rule->errnum : EACCES;
    d->timeout_ms = v->effect == EFFECT_ASK && v->rule ? v->rule->timeout_ms : -1;
}

static void consider(struct decision *d, const struct judge *j, const struct verdict *v, int need, enum verb verb)
{
    /* Of a call whose rights are all allowed, an answer is what is worth a record. */
    bool answered = v->effect == EFFECT_ALLOW && v->by == BY_ANSWER && d->by != BY_ANSWER;
    if (v->effect > d->effect || (v->effect == d->effect && answered))
        set(d, j, v, need, verb);
}

static void judge_move(struct decision *d, const struct judge *j, const struct question *q, int from, int to)
{
    struct judge quiet = *j;
    quiet.any_caller = true;
    quiet.argv = NULL;
    quiet.trace = NULL;
    struct moving m = {.judge = &quiet, .tell = j, .from = &q->need[from], .to = &q->need[to]};
    const char *names[] = {m.from->target.path, m.to->target.path};
    if (!names[0] || !names[1])
        return;
    for (int i = 0; i < 2; i++) {
        struct verdict v = above_denied(j, names[i]);
        consider(d, j, &v, i ? to : from, VERB_WRITE);
    }
    move_one_way(&m);
    consider(d, j, &m.worst, from, m.worst_verb);
    if (m.asks) {
        d->asks |= 1u << from;
        d->moved_asks |= m.asks;
    }
}

struct decision decide(const struct policy *p, const struct grants *g, const struct question *q,
                       void (*trace)(void *arg, const char *step), void *arg)
{
    struct judge j = {.policy = p, .grants = g, .argv = q->argv, .process = q->process, .trace = trace, .arg = arg};
    struct decision d = {.effect = EFFECT_DENY, .by = BY_ERROR, .errnum = EACCES, .timeout_ms = -1};
    for (int i = 0; i < q->needs; i++) { /* no right at all is a mistake of ours: denied */
        struct verdict v = judge(&j, &q->need[i]);
        if (v.effect == EFFECT_ASK)
            d.asks |= 1u << i;
        if (!i)
            set(&d, &j, &v, i, q->need[i].verb);
        else
            consider(&d, &j, &v, i, q->need[i].verb);
    }
    if (d.effect != EFFECT_DENY && q->moved_from >= 0 && q->moved_to >= 0 && q->moved_from != q->moved_to) {
        judge_move(&d, &j, q, q->moved_from, q->moved_to);
        if (q->exchange && d.effect != EFFECT_DENY)
            judge_move(&d, &j, q, q->moved_to, q->moved_from);
    }
    if (d.effect != EFFECT_DENY && q->moved_from < 0 && q->moved_to >= 0 && q->need[q->moved_to].target.path) {
        struct verdict v = above_denied(&j, q->need[q->moved_to].target.path);
        consider(&d, &j, &v, q->moved_to, VERB_WRITE);
    }
    if (d.effect == EFFECT_DENY)
        d.asks = d.moved_asks = 0;
    say(&j, "verdict: %s", effect_names[d.effect]);
    return d;
}
