/* connect: judged on our copy of the address, done on our copy of the socket.
 *
 * Nothing blocks the loop. A connect of a socket that is non-blocking, or of datagrams, is done at once. One that may wait is
 * a hand's; where it is nearly always done at once (loopback, unix) the receiver tries it first for a moment (hand_try of hands.h),
 * because handing it over costs more than the call itself.
 *
 * One that waits. Whether a connect waits stands in O_NONBLOCK, which is the socket's and not the call's: set for a moment, the agent
 * could see it. But an interrupted TCP connect goes on in the kernel: so it is tried for a millisecond or two, then the socket waits
 * (waits.h) until poll(2) says that it is decided, and a second connect() collects what came of it. With SO_SNDTIMEO the end of
 * the time is ours to tell: EINPROGRESS, or EALREADY when somebody had begun it before. Room in the backlog of a unix listener is
 * told by nothing: callers stand in a line and the first sleeps on a hand (one with SO_SNDTIMEO on a hand of its own).
 *
 * An interrupted connect. For TCP the kernel goes on in the background and says ERESTARTSYS: with SA_RESTART the call is made
 * again, and a blocking connect() of a socket that is connecting just waits on (__inet_stream_connect: EALREADY is for
 * non-blocking sockets); without, the program sees EINTR, and SO_ERROR, poll and a second connect() tell it the
 * rest. We interrupt our own connect() on the same socket, so all that is the kernel's own state, and answer ERESTARTSYS (EINTR when
 * SO_SNDTIMEO is set, as the kernel does). A unix connect that waits for room in the backlog has begun nothing and is simply made again.
 */
#include "net.h"
#include "clock.h"
#include "fd.h"
#include "hands.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define HESITATE_NS UINT64_C(50000000)

/* When a try last fell asleep: it cost the receiver a millisecond or two, so for a while none is made (a thousand threads that
 * connect to a full backlog hold nobody up). */
static _Atomic uint64_t slept;

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

static bool is_tcp(const struct net_socket *s)
{
    return s->type == SOCK_STREAM && s->proto == IPPROTO_TCP;
}

bool net_connect_may_block(const struct request *r)
{
    const struct net_call *c = r->own;

    return !immediate(&c->socket) && (!is_near(r) || now_ns() - slept < HESITATE_NS);
}

bool net_connect_line(const struct request *r, struct line_key *ret)
{
    const struct net_call *c = r->own;
    const struct endpoint *e = &c->to;

    if (c->socket.domain != AF_UNIX || immediate(&c->socket) || net_timeout(c->socket.fd))
        return false;
    if (e->pinned) {
        ret->n = (size_t)snprintf(ret->name, sizeof ret->name, "unix %ju %ju", (uintmax_t)e->place.st.st_dev, (uintmax_t)e->place.st.st_ino);
        return true;
    }
    ret->n = e->len; /* an abstract name; a path that is not pinned does not get here */
    memcpy(ret->name, &e->raw, e->len);
    return true;
}

/* Had somebody begun to connect it before this call? */
static bool is_connecting(int fd)
{
    struct tcp_info i = {0};
    socklen_t len = sizeof i;

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len) == 0 && (i.tcpi_state == TCP_SYN_SENT || i.tcpi_state == TCP_SYN_RECV);
}

static void give_back(struct net_call *c, struct reply *reply, int e)
{
    reply->error = e;
    if (e == EINTR)
        reply->restart = net_restart(c->socket.fd);
    net_socket_finish(&c->socket);
    net_endpoint_finish(&c->to);
}

void net_connect_carry(const struct calls_env *env, struct request *r, struct reply *reply)
{
    struct net_call *c = r->own;
    struct sockaddr_storage to;
    socklen_t len = net_endpoint_act(&c->to, &to);
    bool tcp = is_tcp(&c->socket), trying = !immediate(&c->socket) && (tcp || !hand_self());
    int e;

    if (r->waited == WAIT_EXPIRED || r->waited == WAIT_STOPPED) {
        give_back(c, reply, r->waited == WAIT_STOPPED ? EINTR : c->begun_before ? EALREADY : EINPROGRESS);
        return;
    }
    if (trying && !r->waited && tcp) {
        uint64_t timeout = net_timeout(c->socket.fd);

        if (timeout) {
            c->until = now_ns() + timeout;
            c->begun_before = is_connecting(c->socket.fd);
        }
    }
    if (trying && !hand_try()) {
        if (!hand_self()) {
            reply->asleep = true;
            return;
        }
        trying = false;
    }
    net_netlink_name(&c->socket, r);
    do
        e = connect(c->socket.fd, (struct sockaddr *)&to, len) < 0 ? errno : 0;
    while (e == EINTR && hand_self() && !trying && !net_interrupted());
    if (trying)
        hand_try_end();
    if (e == EINTR && trying && !net_interrupted()) {
        if (!hand_self())
            slept = now_ns();
        reply->asleep = true;
        if (tcp) {
            reply->wait_fd = c->socket.fd;
            reply->wait_for = EPOLLOUT;
            reply->wait_until = c->until;
        }
        return;
    }
    if (!e && c->socket.proto == IPPROTO_UDP)
        owned_socket(env->owned, c->socket.fd); /* it has a port now, and may be answered there */
    give_back(c, reply, e);
}
