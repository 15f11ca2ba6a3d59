#include "turn.h"
#include "clock.h"
#include "fd.h"
#include "log.h"
#include "memory.h"
#include "rights.h"
#include "summary.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct turn *turn_new(struct stage *s, struct request *r, const struct decision *d, enum decided_by by)
{
    struct turn *t = xcalloc(1, sizeof *t);
    s->acting++;
    *t = (struct turn){.stage = s, .request = r, .decision = *d, .by = by};
    return t;
}

/* Its request has another owner now. */
static void turn_drop(struct turn *t)
{
    struct stage *s = t->stage;
    free(t);
    s->acting--;
}

void turn_end(struct turn *t)
{
    request_free(t->request);
    turn_drop(t);
}

static void record(struct turn *t, bool allowed, enum safe safe, bool known, int64_t result)
{
    struct request *r = t->request;
    if (t->quiet)
        return;
    if (t->by == BY_ERROR) { /* no rule decided this: our own reason did */
        t->decision.rule = NULL;
        t->decision.label = t->decision.at = t->decision.message = NULL;
    }
    struct outcome o = {.allowed = allowed,
                        .would = t->decision.effect,
                        .by = t->by,
                        .decision = t->decision,
                        .safe = safe,
                        .handler = t->handler,
                        .result_known = known,
                        .result = result,
                        .waited_ns = r->asked_ns ? now_ns() - r->asked_ns : 0};
    if (t->stage->mode == MODE_LOG)
        o.allowed = true;
    audit_request(t->stage->audit, r, &o);
    summary_count(t->stage->summary, r, &o);
    approval_record(t->stage->approval, r, &o);
}

/* Hands the outcome of an act to the caller. Its result as the caller saw it: a value, or -errno. -ENOENT of the listener
 * (gone) is told apart by *gone. */
static int64_t answer(const struct stage *s, struct request *r, struct reply *reply, bool *gone)
{
    int l = s->env.listener;
    uint64_t id = r->notice.id;
    int e = 0;
    int64_t result = reply->error ? -reply->error : reply->value;
    if (reply->error) {
        fd_close(&reply->fd);
        if (reply->sigpipe) /* before the answer, so that it is delivered when the call returns, as natively */
            syscall(SYS_tgkill, r->process->pid, r->tid, reply->sigpipe);
        e = notify_error(l, id, reply->error);
    } else if (reply->fd >= 0) {
        int n = reply->late ? notify_add_fd(l, id, reply->fd, reply->cloexec)
                            : notify_add_fd_send(l, id, reply->fd, reply->cloexec);
        fd_close(&reply->fd);
        result = n;
        if (n == -ENOENT)
            e = n;
        else if (n < 0)
            e = notify_error(l, id, -n); /* EMFILE, as the kernel counts */
        else if (reply->late)
            e = notify_value(l, id, n);
    } else {
        e = notify_value(l, id, reply->value);
    }
    *gone = e == -ENOENT;
    return result;
}

const char *settle_used_up(int errnum)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    if ((errnum != EMFILE && errnum != ENFILE) || !fd_used_up())
        return NULL;
    if (!atomic_flag_test_and_set(&said))
        log_warn("no descriptor is left for us (ulimit -Hn): calls that need one are denied");
    return "no descriptor was left in the supervisor";
}

void turn_finish(struct turn *t, struct reply *reply)
{
    bool gone;
    const char *used_up = settle_used_up(reply->error);
    if (used_up) {
        t->by = BY_ERROR;
        t->request->why = used_up;
    }
    int64_t result = answer(t->stage, t->request, reply, &gone);
    record(t, t->by != BY_ERROR, SAFE_EMULATED, true, result);
    turn_end(t);
}

/* The call's facts once more from the start. false: the caller has gone, or its rights could not be assumed. */
static bool read_anew(struct stage *s, struct request *r, enum next *ret)
{
    request_forget(r);
    bool switched = rights_differ();
    if (switched && rights_assume(r->tid)) {
        rights_restore();
        return false;
    }
    *ret = r->call->read(&s->env, r);
    if (switched)
        rights_restore();
    return *ret != NEXT_GONE && notify_valid(s->env.listener, r->notice.id);
}

void settle_read(struct stage *s, struct request *r, enum next next, bool on_receiver)
{
    bool log = s->mode == MODE_LOG; /* answered already: only what is judged is written down */
    if (r->later) {
        settle_later(s, r);
    } else if (next == NEXT_JUDGE) {
        settle_judge(s, r, on_receiver);
    } else if (next == NEXT_PERFORM && !log) {
        settle_perform(s, r);
    } else {
        if (next == NEXT_PASS && !log)
            notify_continue(s->env.listener, r->notice.id, r->call->pass);
        request_free(r);
    }
}

/* What stands there now was not judged: once more from the start, a few times at most. */
bool turn_start_over(struct turn *t, const struct reply *reply, bool on_receiver)
{
    struct request *r = t->request;
    struct stage *s = t->stage;
    enum next next = NEXT_GONE;
    if (!reply->again || ++r->again > 8)
        return false;
    if (read_anew(s, r, &next))
        settle_read(s, r, next, on_receiver);
    else
        request_free(r);
    turn_drop(t);
    return true;
}

bool settle_let_go(struct stage *s, struct request *r, enum next next)
{
    if (notify_continue(s->env.listener, r->notice.id, CONTINUE_LOG_MODE) == -ENOENT)
        return false;
    if (next == NEXT_JUDGE && r->call->carry && r->call->carry(r) == CARRY_EXEC)
        procs_exec(s->env.procs, r->tid, r->needs ? r->need[0].target.raw : NULL);
    return true;
}

static void read_on_hand(struct hand *self, void *arg)
{
    struct turn *t = arg;
    struct request *r = t->request;
    struct stage *s = t->stage;
    enum next next = NEXT_GONE;
    bool log = s->mode == MODE_LOG;
    t->hand = self;
    t->waiter = (struct waiter){.id = r->notice.id, .tid = r->tid, .uid = r->process->uid, .on_signal = turn_stop_hand, .on_gone = turn_stop_hand};
    trace_watch(s->trace, &t->waiter);
    bool here = read_anew(s, r, &next);
    trace_unwatch(s->trace, &t->waiter);
    if (log) { /* now that everything is read; a signal that came meanwhile is the kernel's to deliver */
        here = settle_let_go(s, r, next) && here;
        r->native = r->native == EINTR ? 0 : r->native;
    }
    if (here && r->native == EINTR && hand_interrupted(self)) {
        turn_restart(t, 0);
        return;
    }
    if (here)
        settle_read(s, r, next, false);
    else
        request_free(r);
    turn_drop(t);
}

void settle_later(struct stage *s, struct request *r)
{
    struct turn *t = turn_new(s, r, &(struct decision){.effect = EFFECT_DENY, .by = BY_ERROR, .timeout_ms = -1}, BY_ERROR);
    if (hands_submit(s->hands, read_on_hand, t) == 0)
        return;
    r->why = "no thread could be had to look at a slow file system";
    if (s->mode != MODE_LOG) {
        settle_deny(t, EAGAIN);
        return;
    }
    turn_drop(t);
    if (settle_let_go(s, r, NEXT_JUDGE))
        settle_judge(s, r, false);
    else
        request_free(r);
}

static bool exec_verify_job(struct trace_job *j, pid_t tgid)
{
    struct turn *t = j->arg;
    const struct request *r = t->request;
    bool right = r->call->verify && r->call->verify(&t->stage->env, t->request, tgid);
    /* Here, while the new program has not run yet: its first call must be seen as its own. */
    const char *exe = right && r->call->program ? r->call->program(r) : NULL;
    procs_became(t->stage->env.procs, tgid, exe, exe ? r->need[0].target.raw : NULL);
    return right;
}

static void on_exec_done(struct trace_job *j, enum trace_end how)
{
    struct turn *t = j->arg;
    switch (how) {
    case TRACE_DONE:
        record(t, true, SAFE_VERIFIED, true, 0);
        break;
    case TRACE_FAILED:
        record(t, true, SAFE_VERIFIED, false, 0);
        break;
    case TRACE_DENIED:
        t->by = BY_ERROR;
        t->request->why = "somebody else traces this program, so its exec cannot be verified";
        record(t, false, SAFE_NONE, true, -EACCES);
        break;
    case TRACE_KILLED:
        t->by = BY_ERROR;
        if (!t->request->why)
            t->request->why = "the program changed between the decision and the exec: killed before it ran";
        record(t, false, SAFE_VERIFIED, false, 0);
        break;
    case TRACE_GONE:
        t->by = BY_GONE;
        record(t, true, SAFE_NONE, false, 0);
        break;
    }
    turn_end(t);
}

/* Carry out or let the kernel, reply, record. */
static void settle_allow(struct turn *t, bool on_receiver)
{
    struct stage *s = t->stage;
    struct request *r = t->request;
    switch (r->call->carry ? r->call->carry(r) : CARRY_OUT) {
    case CARRY_PASS:
        notify_continue(s->env.listener, r->notice.id, r->call->pass);
        record(t, true, SAFE_KERNEL, false, 0);
        turn_end(t);
        return;
    case CARRY_EXEC:
        t->job = (struct trace_job){.id = r->notice.id,
                                    .tid = r->tid,
                                    .tgid = r->process->pid,
                                    .verify = exec_verify_job,
                                    .done = on_exec_done,
                                    .arg = t};
        trace_exec(s->trace, &t->job);
        return;
    case CARRY_OUT:
        break;
    }
    turn_act(t, on_receiver);
}

void settle_deny(struct turn *t, int errnum)
{
    struct reply reply = {.fd = -1, .error = errnum};
    bool gone;
    if (t->request->call->drop) /* what was pinned or taken goes first: a socket that the caller then closes is closed */
        t->request->call->drop(t->request);
    t->request->own = NULL;
    answer(t->stage, t->request, &reply, &gone);
    record(t, false, SAFE_EMULATED, true, -errnum);
    turn_end(t);
}

void settle_error(struct stage *s, struct request *r, int errnum, const char *why)
{
    struct decision d = {.effect = EFFECT_DENY, .by = BY_ERROR, .errnum = errnum, .timeout_ms = -1};
    r->why = why;
    settle_deny(turn_new(s, r, &d, BY_ERROR), errnum);
}

void settle_perform(struct stage *s, struct request *r)
{
    struct turn *t = turn_new(s, r, &(struct decision){.effect = EFFECT_ALLOW, .timeout_ms = -1}, BY_KERNEL);
    t->quiet = true;
    turn_act(t, true);
}

static struct decision judge(struct stage *s, const struct request *r, uint64_t now)
{
    struct question q = question_of(r);
    grants_set_now(s->grants, now);
    return decide(s->policy, s->grants, &q, NULL, NULL);
}

static struct decision kernel_says(int errnum)
{
    return (struct decision){.effect = EFFECT_ALLOW, .by = BY_KERNEL, .errnum = errnum, .timeout_ms = -1};
}

void settle_judge(struct stage *s, struct request *r, bool on_receiver)
{
    struct decision d;
    uint64_t before = now_ns();
    const char *used_up = s->mode == MODE_LOG ? NULL : settle_used_up(r->native);
    if (used_up) {
        settle_error(s, r, r->native, used_up);
        return;
    }
    if (s->mode != MODE_LOG && audit_failed(s->audit)) {
        settle_error(s, r, EIO, "the audit log cannot be written, and nothing goes unrecorded");
        return;
    }
    if (r->refuse)
        d = (struct decision){.effect = EFFECT_DENY, .by = BY_PROTECTED, .label = r->label, .errnum = r->refuse, .timeout_ms = -1};
    else if (r->needs)
        d = judge(s, r, before);
    else
        d = kernel_says(r->native);
    /* What the kernel would refuse anyway is never asked about; a denied path gives the rule's errno whether it exists or
     * not. (A protection hides nothing: whether nscd runs is no secret, and every program that asks would show as denied.) */
    if (r->native && !r->refuse && (d.effect != EFFECT_DENY || d.by == BY_PROTECTED))
        d = kernel_says(r->native);
    r->eval_ns = now_ns() - before;
    struct outcome likely = {.allowed = d.effect != EFFECT_DENY, .would = d.effect, .by = d.by, .decision = d};
    if (!r->cwd && (d.effect == EFFECT_ASK || audit_wants(s->audit, r, &likely)))
        r->cwd = procs_cwd(s->env.procs, r->tid); /* while the caller still waits */
    struct turn *t = turn_new(s, r, &d, d.by);
    if (s->mode == MODE_LOG) { /* answered already: only written down */
        record(t, true, SAFE_HINT, false, 0);
        turn_end(t);
    } else if (d.effect == EFFECT_DENY) {
        settle_deny(t, d.errnum ? d.errnum : EACCES);
    } else if (r->native) {
        struct reply reply = {.fd = -1, .error = r->native};
        turn_finish(t, &reply);
    } else if (d.effect == EFFECT_ASK) {
        r->asked_ns = now_ns();
        turn_drop(t);
        approval_open(s->approval, r, &d);
    } else {
        settle_allow(t, on_receiver);
    }
}

static void on_answered(void *arg, struct request *r, const struct decision *d, bool allowed, enum decided_by by, const char *handler)
{
    struct stage *s = arg;
    struct turn *t = turn_new(s, r, d, by);
    t->handler = handler;
    if (!allowed)
        settle_deny(t, d->errnum ? d->errnum : EACCES);
    else if (audit_failed(s->audit))
        settle_deny(t, EIO);
    else {
        t->answered = by == BY_USER ? calls_identity(r) : 0;
        settle_allow(t, false);
    }
}

static void on_interrupted(void *arg, struct request *r, const struct decision *d)
{
    turn_restart(turn_new(arg, r, d, BY_USER), 0);
}

struct approval_ops settle_approval_ops(struct stage *s)
{
    return (struct approval_ops){.answered = on_answered, .interrupted = on_interrupted, .arg = s};
}
