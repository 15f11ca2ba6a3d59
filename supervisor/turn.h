/* turn - floor 5: the inside of settle.h, shared by its two files.
 *
 * settle.c decides what happens to a turn and ends it; settle_act.c carries an allowed one out: on this thread, on a hand, asleep in the
 * waits or in a line, and interrupted by a signal to its caller. Whoever is given a turn here owns it, and has none afterwards.
 */
#ifndef SW_TURN_H
#define SW_TURN_H

#include "settle.h"

/* settle.c */
void turn_finish(struct turn *t, struct reply *reply); /* answers and records */
/* reply->again: what stands there now was not judged; read and judged once more from the start, a few times at most. false: it
 * stays the caller's. */
bool turn_start_over(struct turn *t, const struct reply *reply, bool on_receiver);
void turn_end(struct turn *t); /* without a word */

/* settle_act.c */
void turn_act(struct turn *t, bool on_receiver); /* here only what does not wait */
void turn_restart(struct turn *t, int code);     /* the caller has a signal to handle. 0: the row's code */
void turn_stop_hand(struct waiter *w);           /* on_signal of a turn that is on a hand */

#endif
