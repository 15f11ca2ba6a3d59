#include "summary.h"
#include "buf.h"
#include "calls.h"
#include "fd.h"
#include "log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define LINES 32
#define SHOWN 8

struct entry {
    enum verb verb;
    char *target, *label, *at;
    const char *call, *call_key;
    enum effect effect;
    uint64_t count;
};

struct summary {
    pthread_mutex_t lock;
    struct entry entry[LINES];
    size_t entries;
    uint64_t denied, would_ask, other;
    const char *sandbox, *unseen; /* the first call of each kind; NULL: none */
};

struct summary *summary_new(void)
{
    struct summary *s = xcalloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void summary_free(struct summary *s)
{
    for (size_t i = 0; s && i < s->entries; i++) {
        free(s->entry[i].target);
        free(s->entry[i].label);
        free(s->entry[i].at);
    }
    free(s);
}

static char *target_text(const struct request *r, int need)
{
    BUF_AUTO b = {0};
    if (need < 0 || need >= r->needs) {
        buf_puts(&b, r->why ? r->why : "");
        return buf_steal(&b);
    }
    const struct target *t = &r->need[need].target;
    if (t->kind == TARGET_ANONYMOUS)
        buf_puts(&b, "anonymous");
    else if (t->path)
        buf_escape(&b, t->path, strlen(t->path));
    else if (t->kind == TARGET_ADDRESS)
        address_text(&t->addr, &b);
    else if (t->raw)
        buf_escape(&b, t->raw, t->raw_len);
    return buf_steal(&b);
}

/* One line a rule, with its first target; where only a default spoke, one line a target: there the target is the news. */
static bool same_line(const struct entry *e, const struct request *r, const struct decision *d, enum verb verb, const char *label,
                      const char *target)
{
    return e->effect == d->effect && e->verb == verb && !strcmp(e->label, label) && !strcmp(e->call_key, verb == VERB_COUNT ? r->call->name : "") &&
           (d->rule || !strcmp(e->target, target));
}

static void count_line(struct summary *s, const struct request *r, const struct decision *d, enum decided_by by)
{
    STR_AUTO target = target_text(r, r->needs ? d->need : -1);
    const char *label = d->label ? d->label : by == BY_ERROR && r->why ? r->why : decided_by_names[by];
    enum verb verb = r->needs ? r->need[d->need].verb : VERB_COUNT;
    for (size_t i = 0; i < s->entries; i++)
        if (same_line(&s->entry[i], r, d, verb, label, target)) {
            s->entry[i].count++;
            return;
        }
    if (s->entries == LINES) {
        s->other++;
        return;
    }
    s->entry[s->entries++] = (struct entry){.verb = verb,
                                            .target = xstrdup(target),
                                            .label = xstrdup(label),
                                            .at = d->at ? xstrdup(d->at) : NULL,
                                            .call = r->call->name,
                                            .call_key = verb == VERB_COUNT ? r->call->name : "",
                                            .effect = d->effect,
                                            .count = 1};
}

void summary_count(struct summary *s, const struct request *r, const struct outcome *o)
{
    bool would = o->allowed && o->safe == SAFE_HINT && o->would != EFFECT_ALLOW;
    if (o->allowed && !would && !r->call->unseen)
        return;
    pthread_mutex_lock(&s->lock);
    if (o->allowed && r->call->unseen && !s->unseen)
        s->unseen = r->call->name;
    if (!o->allowed && r->call->sandbox && !s->sandbox)
        s->sandbox = r->call->name;
    if (o->allowed && !would) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    if (!o->allowed)
        s->denied++;
    else if (o->would == EFFECT_ASK)
        s->would_ask++;
    struct decision d = o->decision;
    if (!o->allowed)
        d.effect = EFFECT_DENY;
    count_line(s, r, &d, o->by);
    pthread_mutex_unlock(&s->lock);
}

uint64_t summary_denied(const struct summary *s)
{
    return s->denied;
}

static const char *verb_of(const struct entry *e)
{
    return e->verb < VERB_COUNT ? verb_names[e->verb] : e->call;
}

static void print_json(const struct summary *s, const char *session, enum mode mode, const char *audit_path,
                       const struct audit_totals *t, int wait_status)
{
    BUF_AUTO b = {0};
    buf_putc(&b, '{');
    json_key(&b, "session");
    json_str(&b, session);
    json_key(&b, "mode");
    json_str(&b, mode_names[mode]);
    json_key(&b, WIFSIGNALED(wait_status) ? "signal" : "exit");
    buf_printf(&b, "%d", WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
    buf_printf(&b, ",\"allowed\":%lu,\"denied\":%lu,\"asked\":%lu,\"would_deny\":%lu,\"would_ask\":%lu,\"dropped\":%lu",
               (unsigned long)t->allowed, (unsigned long)t->denied, (unsigned long)t->asked, (unsigned long)t->would_deny,
               (unsigned long)t->would_ask, (unsigned long)t->dropped);
    json_key(&b, "audit");
    json_str(&b, audit_path);
    json_key(&b, "sandbox_refused");
    json_str(&b, s->sandbox);
    json_key(&b, "denials");
    buf_putc(&b, '[');
    for (size_t i = 0; i < s->entries; i++) {
        const struct entry *e = &s->entry[i];
        buf_printf(&b, "%s{\"verb\":\"%s\",\"syscall\":\"%s\",\"effect\":\"%s\",\"target\":", i ? "," : "", verb_of(e), e->call,
                   effect_names[e->effect]);
        json_str(&b, e->target);
        json_key(&b, "rule");
        json_str(&b, e->label);
        json_key(&b, "rule_at");
        json_str(&b, e->at);
        buf_printf(&b, ",\"count\":%lu}", (unsigned long)e->count);
    }
    buf_puts(&b, "]}\n");
    if (log_fd() >= 0)
        fd_write_all(log_fd(), b.data, b.len);
}

static void print_line(const struct entry *e, enum mode mode)
{
    const char *what = mode == MODE_LOG ? (e->effect == EFFECT_ASK ? "would ask" : "would deny") : "denied";
    char times[48] = "";
    if (e->count > 1)
        snprintf(times, sizeof times, " and %lu more of this rule", (unsigned long)e->count - 1);
    log_note("  %s %s %s%s (%s%s%s)", what, verb_of(e), e->target, times, e->label, e->at ? ", " : "", e->at ? e->at : "");
}

void summary_print(const struct summary *s, const char *advice, const char *session, enum mode mode, const char *audit_path,
                   const struct audit_totals *t, int wait_status, bool json)
{
    if (json) {
        print_json(s, session, mode, audit_path, t, wait_status);
        return;
    }
    const char *lost = t->dropped ? "; RECORDS WERE LOST" : "";
    if (mode == MODE_LOG)
        log_note("%s: %lu calls recorded; enforce would have denied %lu and asked about %lu%s", session,
                 (unsigned long)t->records, (unsigned long)t->would_deny, (unsigned long)t->would_ask, lost);
    else
        log_note("%s: %lu allowed, %lu denied, %lu asked%s", session, (unsigned long)t->allowed, (unsigned long)t->denied,
                 (unsigned long)t->asked, lost);
    size_t shown = 0;
    for (int asks = 0; asks < 2; asks++) /* what was denied stands first */
        for (size_t i = 0; i < s->entries && shown < SHOWN; i++)
            if ((s->entry[i].effect == EFFECT_ASK) == asks) {
                print_line(&s->entry[i], mode);
                shown++;
            }
    if (s->entries > shown || s->other)
        log_note("  and %lu more", (unsigned long)(s->entries - shown + s->other));
    if (s->sandbox)
        log_note("its own sandbox was refused (%s): %s", s->sandbox,
                 advice ? advice : "it cannot be built inside this one; turn it off in the program's settings");
    if (s->unseen)
        log_note("%s was used: calls made through it may be missing from this log", s->unseen);
    BUF_AUTO log = {0};
    if (audit_path)
        buf_shell(&log, audit_path);
    if (s->entries && mode == MODE_LOG)
        log_note("make it a policy: sentinel-watch policy generate %s", audit_path ? log.data : "LOG");
    else if (s->entries)
        log_note("what would allow these: sentinel-watch last %s", audit_path ? log.data : "");
}
