/* sessions - the connections of one interface: to the session that was named, or to every one that runs. */
#ifndef SW_SESSIONS_H
#define SW_SESSIONS_H

#include "client.h"
#include <stdbool.h>
#include <stdint.h>

struct sessions {
    const char *wanted;    /* NULL: all */
    const char *name;      /* of this interface */
    bool events;           /* follow what is settled too */
    struct client *first;
    char **refused;        /* tried in vain: not again while their socket stands */
    size_t nrefused;
    int64_t looked_ms;
};

/* Looks (at most twice a second) for sessions that are not connected yet. How many are new. */
int sessions_look(struct sessions *s, int64_t now_ms);
/* The connection is over: frees it. */
void sessions_lost(struct sessions *s, struct client *c);
void sessions_leave(struct sessions *s, struct client *c); /* by our own wish: it may be connected to again */
void sessions_finish(struct sessions *s);

#endif
