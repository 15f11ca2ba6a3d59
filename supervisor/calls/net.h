/* net - floor 2: what the rows of calls/net*.c share: the very socket, addresses copied once, and where they lead.
 *
 * The socket is taken with pidfd_getfd(2) before anything is decided, the address is copied once, and the act is done by us
 * on these two: another thread of the agent may write over its memory or dup2() something over the number, it
 * changes nothing. A unix path is pinned like a file, and reached through /proc/self/fd/N.
 *
 * Our copy of the socket keeps the connection open, so it is closed before the caller goes on (net_let_go): its own close()
 * must be the last one.
 */
#ifndef SW_CALLS_NET_H
#define SW_CALLS_NET_H

#include "calls.h"
#include "own.h"
#include "resolve.h"
#include <netinet/in.h>
#include <sys/un.h>

struct net_socket {
    int fd; /* ours; -1: log mode, and it could not be had */
    int domain, type, proto;
    bool blocking; /* the file has no O_NONBLOCK */
};

struct endpoint { /* one address of a call */
    union {
        struct sockaddr sa;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    } raw;
    socklen_t len;      /* as passed; never more than the storage */
    struct place place; /* a unix path; pinned by the judging */
    bool pinned;        /* place.fd is what the act uses */
    bool reaches;       /* a right was listed for it */
    bool is_exact;      /* 0.0.0.0 or :: was passed, and the act uses exact, the place that was judged */
    uint8_t exact[16];  /* an IPv4 address in the first four bytes, v4-mapped in an AF_INET6 address */
};

struct net_call { /* request.own of connect, bind, listen */
    struct net_socket socket; /* first: net_object() */
    struct endpoint to;
    int cwd;          /* bind to a path: the caller's, O_PATH; else -1 */
    uint64_t until;   /* connect that waits: when its SO_SNDTIMEO is over, CLOCK_MONOTONIC ns; 0: never */
    bool begun_before; /* ... and it was connecting already */
    uint16_t port;    /* listen: the port that the socket had when it was judged, network order */
};

/* Below, an int result is 0, the errno that the kernel gives by itself, or -1: r->refuse is set. */

/* Takes the caller's descriptor. EBADF and ENOTSOCK come late, as in the kernel (after the address was read): *later. */
int net_socket_take(const struct calls_env *env, struct request *r, int number, struct net_socket *ret, int *later);
void net_socket_finish(struct net_socket *s);

/* move_addr_to_kernel() of the kernel: EINVAL for a length beyond 128, EFAULT; length 0 reads nothing. */
int net_endpoint_read(struct request *r, uint64_t addr, int64_t len, struct endpoint *ret);
/* Where does it lead, and which right is that? Adds a need (none: no right is touched), pins a path. Needs on
 * native errors are still listed, so that a denied path gives the rule's errno whether it exists or not. */
int net_endpoint_judge(const struct calls_env *env, struct request *r, const struct net_socket *s, enum address_use use,
                       struct endpoint *e);
/* What the act passes to the kernel: the bytes as they were (0.0.0.0 and :: made exact), or the way to the pinned file. */
socklen_t net_endpoint_act(const struct endpoint *e, struct sockaddr_storage *ret);
void net_endpoint_finish(struct endpoint *e);

/* The kernel gives a netlink socket that has no address yet the process id of whoever uses it first: let it be the
 * caller's and not ours. */
void net_netlink_name(const struct net_socket *s, const struct request *r);

/* Carried out by this thread and told to stop? Strays are tried again by the caller. */
bool net_interrupted(void);
/* A call with a send timeout natively ends with EINTR and is never restarted (sock_intr_errno of the kernel). */
int net_restart(int fd);
uint64_t net_object(const struct request *r); /* the socket's cookie */
uint64_t net_timeout(int fd); /* SO_SNDTIMEO in ns; 0: none */

/* Control messages, copied and translated for us to send: descriptor numbers of the caller become ours (closed by
 * net_control_finish), the caller's own credentials ours, because the kernel wants the sender's pid. */
struct net_control {
    char *data; /* NULL: none */
    size_t len;
    int fd[256];
    int fds;
};
/* 0 or the kernel's errno. data: n bytes as the caller passed them. */
int net_control_make(const struct calls_env *env, const struct request *r, int domain, const char *data, size_t n,
                     struct net_control *ret);
void net_control_finish(struct net_control *c);

/* The rows, one function set per file. */
enum next net_connect_read(const struct calls_env *env, struct request *r);
bool net_connect_may_block(const struct request *r);
bool net_connect_line(const struct request *r, struct line_key *ret);
void net_connect_carry(const struct calls_env *env, struct request *r, struct reply *reply);
enum next net_bind_read(const struct calls_env *env, struct request *r);
bool net_bind_may_block(const struct request *r);
void net_bind_carry(const struct calls_env *env, struct request *r, struct reply *reply);
enum next net_listen_read(const struct calls_env *env, struct request *r);
void net_listen_carry(const struct calls_env *env, struct request *r, struct reply *reply);
void net_call_drop(struct request *r);
enum next net_send_read(const struct calls_env *env, struct request *r);
bool net_send_may_block(const struct request *r);
void net_send_carry(const struct calls_env *env, struct request *r, struct reply *reply);
void net_send_drop(struct request *r);

#endif
