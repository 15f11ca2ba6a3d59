/* card - floor 4: what the user is shown for the calls that one answer would settle, and the stack of all cards.
 *
 * Two calls share a card when their keys are equal: the same rule asks, for the same rights on the same objects, of the same
 * program (and for an exec with the same arguments, from the same folder). A card keeps copies of what it shows, so it
 * outlives each of its calls: a call that was interrupted by a signal leaves a `left` behind and joins again. At most
 * CARDS_SHOWN cards are shown; the others wait in order. Times are passed in (CLOCK_MONOTONIC ns). No lock: the desk's own.
 */
#ifndef SW_CARD_H
#define SW_CARD_H

#include "rungs.h"
#include "trace.h"
#include <stdatomic.h>

#define CARDS_SHOWN 256

/* One call that waits. Owned by its card. */
struct ask {
    struct waiter waiter; /* first: the machine's callbacks get it */
    struct request *request;
    struct decision decision;
    uint64_t deadline_ns; /* 0: none */
    atomic_bool signalled, gone; /* set on the machine's thread */
    void *desk;
    struct ask *next;
};

/* A call that a signal interrupted: the kernel restarts it in a moment, and it is not to be asked about twice. */
struct left {
    pid_t tgid, tid;
    uint64_t call; /* calls_identity() */
    uint64_t asked_ns, deadline_ns, until_ns;
    struct left *next;
};

struct card {
    uint64_t id;
    char *key;
    char *fields;       /* JSON of the ask but for its head; NULL, like the rungs, until it is described */
    struct rungs *rungs;
    struct ask *asks;
    unsigned count;
    struct left *left;
    uint64_t since_ns;
    bool shown, dirty;
    uint64_t said_ns;   /* when news of it was last sent */
    uint64_t sent;      /* a bit for each interface that was told */
    struct card *next, *prev; /* oldest first */
};

struct cards {
    struct card *first, *last;
    uint64_t last_id;
    unsigned shown;
};

/* Fresh texts of a call that asks. cmdline: /proc/PID/cmdline as read, n bytes; may be NULL. */
char *card_key(const struct request *r, const struct decision *d);
char *card_fields(const struct request *r, const struct decision *d, const struct rungs *g, const char *cmdline, size_t n,
                  const char *not_always);

struct card *cards_by_key(const struct cards *c, const char *key);
struct card *cards_by_id(const struct cards *c, uint64_t id);
struct card *cards_add(struct cards *c, char *key, uint64_t since_ns); /* takes key; shown when there is room */
void cards_remove(struct cards *c, struct card *card); /* frees it; its asks must be gone; the next in order is shown */
void card_join(struct card *card, struct ask *ask);    /* takes up what an interrupted call of the same thread left */
struct ask *card_take(struct card *card, struct ask *ask); /* out of the card; the caller owns it */
void card_leave(struct card *card, const struct ask *ask, uint64_t until_ns);
uint64_t card_deadline(const struct card *card); /* the first of its calls' and lefts'; 0: none */

#endif
