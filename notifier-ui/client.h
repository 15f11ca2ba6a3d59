/* client - one connection to a session: find it, read its objects, answer. docs/protocol.md. */
#ifndef SW_CLIENT_H
#define SW_CLIENT_H

#include "buf.h"
#include "err.h"
#include <jansson.h>

struct client {
    int fd;          /* -1: not connected */
    char *session;   /* its name: of the socket, until hello says it */
    char *word;      /* what true questions of this session show, NULL */
    char *policy;    /* the name of its policy, NULL */
    char *why;       /* what `bye` said, NULL */
    struct buf in;
    struct client *next;
};

/* Names of the sessions whose sockets stand in the folder, sorted; NULL-terminated. */
char **client_sessions(void);
void client_sessions_free(char **names);
int client_socket(const char *session, struct err *err); /* a connected socket, -1 and err */
/* Connects and subscribes under `name`. NULL and err. */
struct client *client_connect(const char *session, const char *name, struct err *err);
struct client *client_from_fd(int fd, const char *name); /* a socket that was given to us; name NULL: subscribes to nothing yet */
void client_free(struct client *c);
/* Reads what is there and calls each() for every object (owned by the caller of each, valid during it). -1: the connection is over. */
int client_turn(struct client *c, void (*each)(void *arg, struct client *c, json_t *object), void *arg);
int client_say(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* one line, newline added */

#endif
