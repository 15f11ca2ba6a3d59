/* decide - floor 3: (policy, grants, question) -> decision. Pure. Where the order of judgement is written, once.
 *
 * policy explain, policy test, the interfaces' preview and the supervisor all call decide().
 *
 *   1 protections   2 hard denies   3 first rule that matches   4 defaults   5 an untrusted project file may make it
 *   stricter   6 an ask may be settled by an answer that was given before (grants.h)
 *
 * A call that needs several rights is judged on each and the strictest verdict stands (deny, ask, allow); among equals the
 * first need in the order of the call, and the first rule in the order above.
 */
#ifndef SW_DECIDE_H
#define SW_DECIDE_H

#include "grants.h"
#include "policy.h"

enum decided_by { BY_POLICY, BY_DEFAULT, BY_HARD, BY_PROTECTED, BY_ANSWER, BY_USER, BY_TIMEOUT, BY_UNATTENDED, BY_KERNEL, BY_ERROR, BY_GONE };
extern const char *const decided_by_names[]; /* as in the log */

struct question {
    const struct need *need;
    int needs;
    int moved_from, moved_to; /* -1: not a rename or link; only moved_to: what is below this name may change all at once */
    bool exchange;            /* RENAME_EXCHANGE: both names move */
    char *const *argv;        /* exec */
    const struct process *process; /* by, under; NULL: unknown (explain) */
};

struct decision {
    enum effect effect;
    enum decided_by by;
    int need;                /* which need gave the verdict */
    const struct rule *rule; /* NULL: a default */
    const char *label;       /* "FILE:NAME" of rule or default; NULL when built in */
    const char *at;          /* file:line, NULL when built in */
    const char *message;
    int errnum;              /* deny */
    int64_t timeout_ms;      /* ask: -1 means the session's */
    unsigned asks;           /* bit per need that asks */
    unsigned moved_asks;     /* rename and link: bit per verb that the old name (need moved_from) asks about, though the new one gives it */
};

struct question question_of(const struct request *r);

/* trace: NULL, or a function that is told every step (policy explain prints them). */
struct decision decide(const struct policy *p, const struct grants *g, const struct question *q,
                       void (*trace)(void *arg, const char *step), void *arg);

#endif
