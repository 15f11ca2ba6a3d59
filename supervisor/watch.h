/* watch - floor 1: calls that wait: has a signal come for the caller, or has it gone?
 *
 * Nothing announces a signal for a thread that waits in a received call (no event of pidfd, listener or ptrace does), so it is
 * looked for. SigQ of one caller counts what is queued for all processes of its uid: one look covers all of them; only when
 * it changed, and every second anyway, is each caller looked at (SigPnd and ShdPnd less SigBlk). A caller that was just
 * added is always looked at once: its signal may have come before.
 *
 * A stop signal that another thread of the group took leaves no pending bit at a thread that waits here, and the group
 * never becomes stopped: a group with a stopped thread therefore counts as one with a signal.
 *
 * Used by trace.c alone; struct waiter and the rules for its callbacks stand in trace.h.
 */
#ifndef SW_WATCH_H
#define SW_WATCH_H

#include "trace.h"

struct watch;

/* interrupted(tid): does the machine hold an interrupt on tid that only takes effect once its call is answered? */
struct watch *watch_new(int listener, bool (*interrupted)(void *arg, pid_t tid), void *arg);
void watch_free(struct watch *w);
void watch_add(struct watch *w, struct waiter *waiter);    /* any thread */
void watch_remove(struct watch *w, struct waiter *waiter); /* any thread; waits for a callback that runs on another */
void watch_hurry(struct watch *w);                         /* any thread: the next turn looks at everybody */

/* The machine's thread only. */
void watch_turn(struct watch *w, uint64_t now);
uint64_t watch_due(struct watch *w); /* when the next turn is wanted, CLOCK_MONOTONIC ns; UINT64_MAX: nobody waits */

#endif
