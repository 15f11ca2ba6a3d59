/* interfaces - floor 4: the connections of a session's socket: who is attached, what they said, what they are owed.
 *
 * Owned by the desk's thread. Lines are cut to WIRE_LINE_MAX and given to `line`; what an interface does not read is kept up to a
 * bound, then the connection is dropped: a slow or hung interface never holds the desk.
 */
#ifndef SW_INTERFACES_H
#define SW_INTERFACES_H

#include "err.h"
#include "wire.h"
#include <poll.h>
#include <sys/types.h>

#define INTERFACES_MAX 32

struct interface {
    int fd;
    unsigned slot;     /* 0 .. INTERFACES_MAX: its bit in a card's `sent`; the last is the terminal's */
    bool asks, events; /* what it subscribed to */
    unsigned rank;     /* gets questions only while nobody of a lower rank takes them; 0: whoever attached */
    bool coming;       /* was started by the session and has said nothing yet */
    bool dead;         /* to be dropped by interfaces_bury */
    char name[WIRE_NAME_MAX + 1];
    pid_t pid;
    struct buf in, out;
    size_t out_at;
    unsigned missed;   /* event lines that were not sent: it does not read fast enough */
    struct interface *next;
};

struct interfaces {
    int listener; /* -1: none */
    char *path;
    struct buf hello; /* the first line for everybody who connects */
    struct interface *first;
    uint64_t slots;
};

/* Makes the socket at path (0600); what a dead session left there is removed. */
int interfaces_open(struct interfaces *s, const char *path, struct err *err);
void interfaces_close(struct interfaces *s, const char *why);
/* Takes fd; hello is its first line. NULL: no room, closed. */
struct interface *interfaces_add(struct interfaces *s, int fd, const char *name, const struct buf *hello);
void interfaces_accept(struct interfaces *s); /* one connection; refused ones get `bye` */
void interface_send(struct interface *i, const char *text, size_t n);
void interface_bye(struct interface *i, const char *why); /* says so and is dead */
/* Reads what is there; line() for each command. Writes what is owed. */
void interface_turn(struct interface *i, short revents, void (*line)(void *arg, struct interface *i, const struct wire_line *l),
                    void *arg);
void interfaces_bury(struct interfaces *s, void (*gone)(void *arg, const struct interface *i), void *arg);
unsigned interfaces_rank(const struct interfaces *s); /* the lowest of those that take questions; UINT_MAX: none does */

#endif
