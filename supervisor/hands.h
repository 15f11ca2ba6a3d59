/* hands - floor 1: acts that may block, off the loop, each thread with its own fs_struct (umask, cwd).
 *
 * A pool that grows while every hand is busy (small stacks, a bound of some thousands) and shrinks when idle. A hand that
 * is told to stop (hand_interrupt) gets a private signal whose handler does nothing and has no SA_RESTART, again and
 * again until the act returns, so an act that slept returns EINTR and one that finished keeps its result. Every other
 * signal is blocked in a hand. An EINTR without hand_interrupted() is a stray: the act may simply be tried again.
 */
#ifndef SW_HANDS_H
#define SW_HANDS_H

#include <stdbool.h>

struct hands;
struct hand;

struct hands *hands_new(void);
void hands_free(struct hands *h); /* waits for none: the process is about to end */
/* 0, or -1 when no thread can be had (the caller then denies). run is called once, on some hand, with our own rights
 * (rights_assume is the act's business). It may leave the hand's umask and cwd as it likes, never its rights. */
int hands_submit(struct hands *h, void (*run)(struct hand *self, void *arg), void *arg);
void hand_interrupt(struct hand *hand); /* any thread; only between the start and the end of its run() */
bool hand_interrupted(const struct hand *hand); /* was this run told to stop? Asked by run() itself */
struct hand *hand_self(void); /* the hand that is running this; NULL on any other thread */
/* What this thread (a hand, or one that lives as long as we) does until hand_try_end() is interrupted (EINTR) when it still sleeps
 * after one to two milliseconds, so that it can be handed over. false: cannot be had; then there is no end either. */
bool hand_try(void);
void hand_try_end(void);
int hands_count(struct hands *h); /* threads now: for tests and statistics */

#endif
