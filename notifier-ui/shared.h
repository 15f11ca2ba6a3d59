/* shared - the terminal that the agent runs on: when may a question be printed there, and an answer read?
 *
 * We are a child of the front (the shell's job) in a session of our own, so the terminal's job control does not stop us when we read
 * or write; the price is that nothing else keeps us from disturbing: so it is looked at each time. Ready means that lines are
 * edited by the kernel (not raw: over a full screen nothing is ever printed) and that the foreground group belongs to the
 * agent or the front (not suspended, not in the background of the user's shell). Ctrl-C goes to that group as ever.
 */
#ifndef SW_SHARED_H
#define SW_SHARED_H

#include <stdbool.h>
#include <sys/types.h>

bool shared_ready(int tty, pid_t front);

#endif
