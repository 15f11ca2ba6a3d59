/* witness - floor 1: tells a signal that was sent to one process from one that was sent to its whole group.
 *
 * A small child in the caller's process group that blocks every signal and notes who sent which. What it got too was sent
 * to the group. Asking it costs about a millisecond and happens only for signals that a process sent.
 */
#ifndef SW_WITNESS_H
#define SW_WITNESS_H

#include <stdbool.h>
#include <sys/types.h>

struct witness;
struct witness *witness_start(void);    /* NULL: none could be had; then nothing was sent to the group */
bool witness_saw(struct witness *w, int sig, pid_t sender); /* did the group get this signal? Each sighting counts once */
void witness_dismiss(struct witness *w); /* it may go: witness_stop then does not have to wait long */
void witness_stop(struct witness *w);

#endif
