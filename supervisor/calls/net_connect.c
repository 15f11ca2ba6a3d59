/* connect: judged on our copy of the address, done on our copy of the socket.
 *
 * Nothing blocks the loop. A connect of a socket that is non-blocking, or of datagrams, is done at once. One that may wait is
 * a hand's; where it is nearly always done at once (loopback, unix) the receiver tries it first for a moment (hand_try of hands.h),
 * because handing it over costs more than the call itself.
 *
 * An interrupted connect. For TCP the kernel goes on in the background and says ERESTARTSYS: with SA_RESTART the call is made
 * again, and a blocking connect() of a socket that is connecting just waits on (__inet_stream_connect: EALREADY is for
 * non-blocking sockets); without, the program sees EINTR, and SO_ERROR, poll and a second connect() tell it the
 * rest. We interrupt our own connect() on the same socket, so all that is the kernel's own state, and answer ERESTARTSYS (EINTR when
 * SO_SNDTIMEO is set, as the kernel does). The same holds for the handing over from receiver to hand: the second connect() waits on
 * what the first began. A unix connect that waits for room in the backlog has begun nothing and is simply made again.
 */
#include "net.h"
#include "fd.h"
#include "hands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HESITATE_NS UINT64_C(50000000)

/* When a try last fell asleep: it cost the receiver a millisecond or two, so for a while none is made (a thousand threads that
 * connect to a full backlog hold nobody up). */
static _Atomic uint64_t slept;

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool immediate(const struct net_socket *s)
{
    return !s->blocking || s->type == SOCK_DGRAM || s->type == SOCK_RAW; /* SOCK_SEQPACKET waits like SOCK_STREAM */
}

static bool is_near(const struct request *r)
{
    const struct address *a = r->needs ? &r->need[0].target.addr : NULL;

    if (!a)
        return true;
    if (a->kind == ADDRESS_INET)
        return a->ip[0] == 127;
    if (a->kind == ADDRESS_INET6) {
        static const uint8_t one[16] = {[15] = 1};
        return !memcmp(a->ip, one, sizeof one);
    }
    return true;
}

enum next net_connect_read(const struct calls_env *env, struct request *r)
{
    struct net_call *c = xcalloc(1, sizeof *c);
    int later, err;

    r->own = c;
    *c = (struct net_call){.socket = {.fd = -1}, .to.place = {.fd = -1, .dir = -1}, .cwd = -1};
    if (!(err = net_socket_take(env, r, (int)r->notice.args[0], &c->socket, &later)) &&
        !(err = net_endpoint_read(r, r->notice.args[1], (int)r->notice.args[2], &c->to)) && !(err = later))
        err = net_endpoint_judge(env, r, &c->socket, ADDRESS_CONNECT, &c->to);
    if (!env->enforce)
        net_socket_finish(&c->socket); /* the kernel goes on at once: our copy must not be seen */
    if (err > 0)
        r->native = err;
    return err || c->to.reaches ? NEXT_JUDGE : NEXT_PERFORM;
}

bool net_connect_may_block(const struct request *r)
{
    const struct net_call *c = r->own;

    /* With SO_SNDTIMEO a second connect() that runs out of time says EALREADY, where the first says EINPROGRESS: no trying. */
    bool tcp = c->socket.domain != AF_UNIX;

    return !immediate(&c->socket) && (!is_near(r) || now_ns() - slept < HESITATE_NS || (tcp && net_restart(c->socket.fd) == EINTR));
}

void net_connect_carry(const struct calls_env *env, struct request *r, struct reply *reply)
{
    struct net_call *c = r->own;
    struct sockaddr_storage to;
    socklen_t len = net_endpoint_act(&c->to, &to);
    bool trying = !hand_self() && !immediate(&c->socket);
    int e;

    if (trying && !hand_try()) {
        reply->asleep = true;
        return;
    }
    net_netlink_name(&c->socket, r);
    do
        e = connect(c->socket.fd, (struct sockaddr *)&to, len) < 0 ? errno : 0;
    while (e == EINTR && hand_self() && !net_interrupted());
    if (trying)
        hand_try_end();
    if (e == EINTR && trying) {
        slept = now_ns();
        reply->asleep = true;
        return;
    }
    if (e == EINTR)
        reply->restart = net_restart(c->socket.fd);
    if (!e && c->socket.proto == IPPROTO_UDP)
        owned_socket(env->owned, c->socket.fd); /* it has a port now, and may be answered there */
    reply->error = e;
    net_socket_finish(&c->socket);
    net_endpoint_finish(&c->to);
}
