/* own - floor 2: what the agent's own programs have bound, and the proof of it when one of them is reached.
 *
 * The policy's word `own`: a dev server and its tests. What was bound is remembered by socket cookie (SO_COOKIE: never
 * reused), a unix path by an O_PATH of its socket file (so its inode number cannot be reused either). When somebody connects,
 * SOCK_DIAG (as any user may) is asked which socket listens at exactly this address, and that one's cookie must be
 * remembered; a port that was given back and taken by another program is not `own`. What cannot be proved is not.
 *
 * - Only addresses of this machine: asked for 8.8.8.8, the kernel names a listener of 0.0.0.0 too.
 * - idiag_if is lo, because that is where a connection to an own address arrives.
 * - With SO_REUSEPORT the kernel picks a socket by hash: every socket of that port must be ours, in the dumps of AF_INET and
 *   AF_INET6 (a dual-stack socket is shown in the second only). A dump walks through all listeners' buckets, 10 us; so for TCP, where
 *   both sides must have set the option, only once one of the agent's sockets has it (owned_shares). Two UDP sockets share a
 *   port by SO_REUSEADDR too.
 * - For UDP the receiver's address stands in idiag_dst (the kernel looks up as for a packet).
 *
 * Thread-safe. Memory is bounded by what is alive: cookies that no socket has any more are forgotten when the table has
 * doubled.
 */
#ifndef SW_OWN_H
#define SW_OWN_H

#include "address.h"
#include <sys/stat.h>

struct owned;
/* In the agent's network namespace. NULL and errno: then nothing is ever own. used: does anybody ask? Otherwise nothing is
 * remembered and nothing is own, and only owned_where works. */
struct owned *owned_new(bool used);
void owned_free(struct owned *o);

void owned_socket(struct owned *o, int sock); /* an IP socket that has, or is about to get, an address */
/* A socket that was bound to a path or to an abstract name. path: O_PATH of the socket file, taken over; -1: abstract, or
 * not known (log mode). */
void owned_unix(struct owned *o, int sock, int path, const struct address *name);

/* A socket of the agent's has got, or is about to get, SO_REUSEPORT: from now on its ports may be shared with another program's. */
void owned_shares(struct owned *o);

/* Would a connection (or packet) from sock to this address reach a socket that is remembered? */
bool owned_reaches(struct owned *o, int sock, const struct address *to);
bool owned_file(struct owned *o, dev_t dev, ino_t ino); /* ... and the one behind this socket file? */

/* Where a unix socket was bound, as the kernel remembers it: device, inode (the low 32 bits). 0, or -errno. */
int owned_where(struct owned *o, int sock, dev_t *dev, uint32_t *ino);

#endif
