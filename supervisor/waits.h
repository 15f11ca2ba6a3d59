/* waits - floor 1: acts that wait for a descriptor, a thousand of them on one thread.
 *
 * What is not done yet and can be told by poll(2) (a connection under way, room in a socket) costs its descriptor and its
 * `struct wait`, not a thread. The thread starts with the first wait; it acts for the agent (rights.h, an fs of its own), so
 * `over` may go on with the act, but must not sleep.
 *
 * What poll(2) does not tell (room in a unix listener's backlog, the other end of a FIFO) still sleeps on a hand: lines.h.
 */
#ifndef SW_WAITS_H
#define SW_WAITS_H

#include <stdbool.h>
#include <stdint.h>

enum wait_end {
    WAIT_NOT,     /* it has not waited */
    WAIT_READY,   /* one of the events is there */
    WAIT_EXPIRED, /* until_ns has come */
    WAIT_STOPPED, /* somebody said waits_stop() */
    WAIT_LET_GO,  /* lines.h: what it waited for has come for the first of the line, and so for it */
};

struct wait {
    int fd;            /* stays open, and in nobody else's wait, until over() */
    uint32_t events;   /* of epoll(7) */
    uint64_t until_ns; /* CLOCK_MONOTONIC; 0: for ever */
    void (*over)(struct wait *w, enum wait_end how); /* on the waits' thread, exactly once; afterwards w is the caller's again */
    /* The waits' own. */
    struct wait *next, *prev, *next_stop;
    bool waits, stopped;
};

struct waits;
struct waits *waits_new(void);
/* 0, or -1: cannot be waited for like this. After 0 it may be over before this returns. */
int waits_add(struct waits *ws, struct wait *w);
/* Any thread, any number of times until over(), also before waits_add(). */
void waits_stop(struct waits *ws, struct wait *w);
int waits_count(struct waits *ws); /* for tests */

#endif
