/* settle_act: an allowed act, and all the places where it may wait. turn.h.
 *
 *   this thread -> done, or asleep: in the waits (a descriptor tells when to go on) -> done, or asleep again
 *                                   on a hand (only the kernel knows), behind others that wait for the same -> done
 *
 * Wherever it is, a signal to its caller ends the waiting: the call is restarted as the kernel would (turn_restart).
 */
#include "turn.h"
#include "rights.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#define ERESTARTNOINTR 513

/* By this thread, with the caller's umask and rights. */
static void act(struct stage *s, struct request *r, struct reply *reply)
{
    *reply = (struct reply){.fd = -1, .wait_fd = -1};
    struct proc_ids ids;
    if (r->call->creates || r->creates) {
        if (proc_status(r->tid, &ids)) {
            reply->error = ESRCH;
            return;
        }
        umask(ids.umask);
    }
    int e = rights_differ() ? rights_assume(r->tid) : 0;
    if (e)
        reply->error = EACCES;
    else if ((hand_self() || r->waited) && !notify_valid(s->env.listener, r->notice.id))
        reply->error = ESRCH; /* nothing is done for a caller that has gone; and the rights may be those of who got its number */
    else
        r->call->carry_out(&s->env, r, reply);
    if (rights_differ())
        rights_restore();
}

/* ---- interrupted */

/* Natively some calls end with EINTR when a signal comes, others go on: the row knows (signal(7)). */
static int restart_code(const struct request *r)
{
    return r->restart ? r->restart : r->call->restart ? r->call->restart : ERESTARTNOINTR;
}

static void on_restarted(struct trace_job *j, enum trace_end how)
{
    (void)how; /* the call comes again when the handler has run, or returns EINTR, or its caller is gone: no record yet */
    turn_end(j->arg);
}

void turn_restart(struct turn *t, int code)
{
    struct request *r = t->request;
    if (t->answered && notify_valid(t->stage->env.listener, r->notice.id))
        approval_again(t->stage->approval, r, &t->decision, t->answered, t->handler);
    t->job = (struct trace_job){.id = r->notice.id,
                                .tid = r->tid,
                                .tgid = r->process->pid,
                                .restart = code ? code : restart_code(r),
                                .done = on_restarted,
                                .arg = t};
    trace_restart(t->stage->trace, &t->job);
}

/* From here to unwatch, w may be told of a signal, or that the caller has gone, at any moment. */
static void watch(struct turn *t, void (*told)(struct waiter *w))
{
    const struct request *r = t->request;
    t->waiter = (struct waiter){.id = r->notice.id, .tid = r->tid, .uid = r->process->uid, .on_signal = told, .on_gone = told};
    trace_watch(t->stage->trace, &t->waiter);
}

static void unwatch(struct turn *t)
{
    trace_unwatch(t->stage->trace, &t->waiter);
}

static struct turn *turn_of(struct waiter *w)
{
    return (struct turn *)((char *)w - offsetof(struct turn, waiter));
}

static struct turn *turn_in_line(struct stander *s)
{
    return (struct turn *)((char *)s - offsetof(struct turn, stander));
}

/* ---- asleep in the waits */

static void go_to_hand(struct turn *t);
static void sleep_on(struct turn *t, const struct reply *reply);

/* What an act has come to on a thread that does not sleep. */
static void came_to(struct turn *t, struct reply *reply, bool on_receiver)
{
    if (reply->asleep)
        sleep_on(t, reply);
    else if (t->request->waited == WAIT_STOPPED && reply->error == EINTR)
        turn_restart(t, reply->restart);
    else if (!turn_start_over(t, reply, on_receiver))
        turn_finish(t, reply);
}

static void on_wait_over(struct wait *w, enum wait_end how)
{
    struct turn *t = (struct turn *)((char *)w - offsetof(struct turn, wait));
    struct reply reply;
    unwatch(t);
    t->request->waited = how;
    act(t->stage, t->request, &reply);
    came_to(t, &reply, false);
}

static void stop_wait(struct waiter *w)
{
    struct turn *t = turn_of(w);
    waits_stop(t->stage->waits, &t->wait);
}

static void sleep_on(struct turn *t, const struct reply *reply)
{
    if (reply->wait_fd < 0) {
        go_to_hand(t);
        return;
    }
    t->wait = (struct wait){.fd = reply->wait_fd, .events = reply->wait_for, .until_ns = reply->wait_until, .over = on_wait_over};
    watch(t, stop_wait);
    if (waits_add(t->stage->waits, &t->wait) == 0)
        return;
    unwatch(t);
    go_to_hand(t);
}

/* ---- on a hand, and in the line of those who would wait there for the same */

void turn_stop_hand(struct waiter *w)
{
    hand_interrupt(turn_of(w)->hand);
}

static void on_hand(struct hand *self, void *arg);

static void submit(struct turn *t)
{
    while (t && hands_submit(t->stage->hands, on_hand, t)) {
        struct stander *next = lines_next(t->stage->lines, &t->stander);
        unwatch(t);
        t->by = BY_ERROR;
        t->request->why = "no thread could be had to carry it out";
        settle_deny(t, EAGAIN);
        t = next ? turn_in_line(next) : NULL;
    }
}

/* What they waited for has come for the first, and stays while he is not answered. Those for whom it is gone again already (writers
 * of a FIFO whose reader only looked in) are returned: they wait on. */
static struct turn *let_go(struct stage *s, struct turn *first)
{
    struct turn *left = NULL;
    for (struct stander *i = lines_let_go(s->lines, &first->stander), *next; i; i = next) {
        struct turn *t = turn_in_line(i);
        struct reply reply;
        next = i->next;
        unwatch(t);
        t->request->waited = WAIT_LET_GO;
        act(s, t->request, &reply);
        if (reply.asleep) {
            t->stander.next = left ? &left->stander : NULL;
            left = t;
        } else {
            came_to(t, &reply, false);
        }
    }
    return left;
}

static void on_hand(struct hand *self, void *arg)
{
    struct turn *t = arg;
    struct stage *s = t->stage;
    struct reply reply;
    unwatch(t);
    t->hand = self;
    t->request->waited = WAIT_NOT;
    watch(t, turn_stop_hand);
    act(s, t->request, &reply);
    unwatch(t);
    struct turn *left = !reply.error && !reply.asleep ? let_go(s, t) : NULL;
    struct stander *next = lines_next(s->lines, &t->stander);
    if (next)
        submit(turn_in_line(next));
    while (left) {
        struct turn *after = left->stander.next ? turn_in_line(left->stander.next) : NULL;
        go_to_hand(left);
        left = after;
    }
    if (reply.error == EINTR && hand_interrupted(self))
        turn_restart(t, reply.restart);
    else
        came_to(t, &reply, false);
}

static void leave_line(struct waiter *w)
{
    struct turn *t = turn_of(w);
    if (!lines_leave(t->stage->lines, &t->stander))
        return; /* whoever has it now watches it himself */
    unwatch(t);
    turn_restart(t, 0);
}

static void go_to_hand(struct turn *t)
{
    const struct request *r = t->request;
    struct line_key key = {0};
    if (!r->call->line || !r->call->line(r, &key)) {
        submit(t);
        return;
    }
    watch(t, leave_line);
    switch (lines_join(t->stage->lines, &key, &t->stander)) {
    case LINE_FIRST:
        submit(t);
        break;
    case LINE_BEHIND:
        break;
    case LINE_STOPPED:
        unwatch(t);
        turn_restart(t, 0);
        break;
    }
}

void turn_act(struct turn *t, bool on_receiver)
{
    struct request *r = t->request;
    struct reply reply;
    if (!on_receiver || (r->call->may_block && r->call->may_block(r))) {
        go_to_hand(t);
        return;
    }
    act(t->stage, r, &reply);
    if (!reply.error && reply.fd >= 0 && !reply.late)
        reply.late = inject_in_two_steps(&t->stage->inject, r->tid, r->received_ns);
    came_to(t, &reply, on_receiver);
}
