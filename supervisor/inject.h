/* inject - floor 1: in one step or in two: which way of handing over a descriptor is quicker just now?
 *
 * ADDFD with its SEND flag wakes the caller wherever the scheduler puts it: 9 us when both sides share a CPU or the other one is
 * busy, 37 to 46 when an idle CPU has to be woken. ADDFD, then SEND costs 3 us more, but its last wake is the synchronous one, which
 * keeps both sides on one CPU: 13 to 22 us where the other form costs 59 to 64. Which one is better depends on what else runs, and
 * nothing tells that: so both are tried for a few calls, each time measured from a thread's call to its next one, and the quicker
 * one is kept for some hundred calls. Where calls of several threads mix, both CPUs are busy: one step.
 *
 * Pure; the receiver's own. Only for what may be handed over either way (calls.h, struct reply).
 */
#ifndef SW_INJECT_H
#define SW_INJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define INJECT_SAMPLES 15 /* of each form */
#define INJECT_KEEP 600   /* calls that keep the form which was found quicker */

struct inject { /* zeroed at first */
    int phase;  /* 0, 1: trying one step, two steps; 2: keeping `late` */
    int calls;  /* in this phase */
    int got[2];
    uint64_t took[2][INJECT_SAMPLES];
    pid_t tid; /* whose next call ends the sample; 0: none goes on */
    uint64_t since;
    bool late;
};

void inject_called(struct inject *i, pid_t tid, uint64_t now_ns); /* a call has come in */
bool inject_in_two_steps(struct inject *i, pid_t tid, uint64_t received_ns); /* its answer is a descriptor: how? */

#endif
