/* settle - floor 5: from a judged request to its reply and its record. The one place where an allow happens.
 *
 * A `struct turn` is a request on its way: the session makes it, then exactly one of approval, a hand or the ptrace machine
 * holds it, and settle ends it. All functions may be called from any thread; the turn is gone after each of them.
 */
#ifndef SW_SETTLE_H
#define SW_SETTLE_H

#include "approval.h"
#include "calls.h"
#include "hands.h"
#include "inject.h"
#include "trace.h"

struct stage { /* what settling needs of the session; immutable once the agent runs, but for the count */
    struct calls_env env;
    enum mode mode;
    struct policy *policy;
    struct grants *grants;
    struct audit *audit;
    struct approval *approval;
    struct trace *trace;
    struct hands *hands;
    struct waits *waits;
    struct lines *lines;
    struct summary *summary;
    struct inject inject; /* the receiver's own */
    _Atomic int acting; /* turns, and the receiver with a notice: they may have replied and not recorded yet */
};

struct turn {
    struct stage *stage;
    struct request *request;
    struct decision decision;
    enum decided_by by;    /* who allowed it */
    const char *handler;
    uint64_t answered; /* calls_identity(), when a user allowed it: should a signal interrupt it, it is not asked about again */
    bool quiet;            /* no right was touched: no record */
    struct waiter waiter;
    struct trace_job job;
    struct hand *hand;
    struct wait wait;
    struct stander stander;
};

/* What follows from the facts that row->read() has found. */
void settle_read(struct stage *s, struct request *r, enum next next, bool on_receiver);
void settle_judge(struct stage *s, struct request *r, bool on_receiver); /* decide, then whatever follows from that */
void settle_deny(struct turn *t, int errnum);        /* refuse, record */
void settle_later(struct stage *s, struct request *r); /* r->later: its facts are read again on a hand, which may wait for them */
/* Log mode: the kernel goes on with the call, once all that is to be written down of it was read. false: the caller has gone. */
bool settle_let_go(struct stage *s, struct request *r, enum next next);
void settle_perform(struct stage *s, struct request *r); /* NEXT_PERFORM: no right is touched, no record */
void settle_error(struct stage *s, struct request *r, int errnum, const char *why); /* our own failure: deny and record it so */

/* The approval system's answers. */
struct approval_ops settle_approval_ops(struct stage *s);

/* An errno that says that descriptors are used up: are they ours? Then why it is denied (said on stderr once); NULL: the caller's. */
const char *settle_used_up(int errnum);

#endif
