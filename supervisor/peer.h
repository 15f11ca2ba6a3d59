/* peer - floor 1: who is at the other end of a unix socket, and is it below a supervisor? */
#ifndef SW_PEER_H
#define SW_PEER_H

#include "buf.h"
#include <sys/types.h>

/* NULL: may be an interface. Else why it is refused (a constant). comm gets the peer's program name, "" when unknown.
 *
 * Refused is another user, every sentinel-watch supervisor (a connect that one carries out for its agent shows the supervisor
 * here) and every descendant of one. Supervisors are known by their name: nobody but themselves can change it, and a program that takes
 * that name only refuses itself. */
const char *peer_refused(int sock, char comm[16], pid_t *ret_pid);

#endif
