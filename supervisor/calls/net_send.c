/* sendto, sendmsg, sendmmsg: an address in memory is judged, and all of it is sent by us on our copies, TCP included.
 *
 * - A name that the kernel would not look at (TCP without MSG_FASTOPEN, SOCK_SEQPACKET) is left out: so nothing can be reached by
 *   it. One that it refuses (a unix stream) is passed on, for its error.
 * - Data is not judged, so it is copied when it is sent. A datagram is copied whole (8 MiB at most: EMSGSIZE, as the kernel says
 *   of far smaller ones); a stream goes in pieces of 128 KiB, as the kernel itself copies piece by piece: what is
 *   sent when an error or a signal comes counts as a partial send.
 * - MSG_ZEROCOPY would pin our buffer and not the agent's: on a socket with SO_ZEROCOPY it gets ENOBUFS, which programs know as
 *   "copy instead"; without SO_ZEROCOPY the flag means nothing and is dropped.
 * - Sending is tried without sleeping (MSG_DONTWAIT is per call). What would sleep waits until poll(2) says that there is room
 *   (waits.h): room in the socket; for a datagram to a unix path whose queue is full, which a socket that is not connected to
 *   it is not told of, on a socket of ours that is. Where poll(2) and the kernel do not agree (kernel memory is short) it
 *   sleeps on a hand.
 * - SIGPIPE belongs to the caller: MSG_NOSIGNAL for us, then the signal for it.
 * - sendmmsg: every address is judged before anything is sent; entries past the one that cannot be read or judged are left to
 *   the caller's next call, as natively (it returns how many were sent).
 */
#include "net.h"
#include "clock.h"
#include "fd.h"
#include "hands.h"
#include "memory.h"
#include "net_message.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PIECE (128 * 1024)
#define DATAGRAM_MAX (8u << 20)
#define CMSG_COMPAT 0x80000000u

struct message {
    int to;             /* index into send_call.to, -1: no address */
    uint64_t iov, iovs; /* the caller's array; sendto: one buffer and its length */
    uint64_t control, control_len;
    uint64_t entry;     /* sendmmsg: the caller's struct mmsghdr */
};

struct send_call {
    struct net_socket socket; /* first: net_object() */
    struct endpoint *to;
    int endpoints;
    struct message *m;
    int count;
    unsigned flags;
    bool buffer;   /* sendto: message.iov is the data itself */
    int at;        /* messages done */
    size_t sent;   /* of message `at` (streams) */
    uint64_t until; /* when the SO_SNDTIMEO of message `at` is over, once it has waited; 0: never */
    int probe;     /* connected to the full queue; -1 */
    int in_vain;   /* how often it was woken and found no room */
    bool may_sleep; /* ... too often: on a hand */
};

/* ---- reading */

static bool is_stream(const struct net_socket *s)
{
    return s->type == SOCK_STREAM;
}

/* The name of one message: which endpoint, or why not. */
static int read_name(const struct calls_env *env, struct request *r, struct send_call *c, uint64_t name, int64_t len, int *ret)
{
    struct net_socket *s = &c->socket;
    struct endpoint e;
    int err = net_endpoint_read(r, name, len, &e);

    *ret = -1;
    if (err)
        return err;
    bool ip = s->domain == AF_INET || s->domain == AF_INET6, fastopen = c->flags & MSG_FASTOPEN;
    if ((ip && is_stream(s) && !fastopen) || s->type == SOCK_SEQPACKET)
        return 0;
    for (int i = 0; i < c->endpoints; i++) /* most sendmmsg calls have one address, or two */
        if (c->to[i].len == e.len && !memcmp(&c->to[i].raw, &e.raw, e.len)) {
            *ret = i;
            return 0;
        }
    if (!(s->domain == AF_UNIX && is_stream(s)))
        err = net_endpoint_judge(env, r, s, is_stream(s) ? ADDRESS_CONNECT : ADDRESS_SEND, &e);
    /* AF_UNSPEC: as if no address was given, and so none is passed on. IPV6_ADDRFORM can make an IPv4 socket of this one until we
     * act, and for that the same bytes are an address. */
    if (!err && s->domain == AF_INET6 && !is_stream(s) && e.raw.sa.sa_family == AF_UNSPEC && e.len >= sizeof e.raw.sa.sa_family)
        return 0;
    c->to = xrealloc(c->to, (size_t)(c->endpoints + 1) * sizeof *c->to);
    c->to[c->endpoints] = e;
    *ret = c->endpoints++;
    return err;
}

/* copy_msghdr_from_user() and what comes before the sending. */
static int read_message(const struct calls_env *env, struct request *r, struct send_call *c, uint64_t addr, struct message *m)
{
    struct msghdr h;
    int err;

    *m = (struct message){.to = -1};
    if (memory_read(r->tid, addr, &h, sizeof h))
        return EFAULT;
    struct net_message d;
    int later;
    if ((err = net_message_decode(&h, &d, &later)))
        return err;
    if (d.name_len && (err = read_name(env, r, c, d.name, (int64_t)d.name_len, &m->to)))
        return err;
    if (later)
        return later;
    m->iov = d.iov;
    m->iovs = d.iovs;
    m->control = d.control;
    m->control_len = d.control_len;
    return 0;
}

static int read_many(const struct calls_env *env, struct request *r, struct send_call *c)
{
    uint64_t addr = r->notice.args[1], n = (unsigned)r->notice.args[2];

    if (n > IOV_MAX)
        n = IOV_MAX;
    c->m = xcalloc(n ? n : 1, sizeof *c->m);
    for (; (uint64_t)c->count < n; c->count++) {
        struct message *m = &c->m[c->count];
        uint64_t entry = addr + (uint64_t)c->count * sizeof(struct mmsghdr);
        int needs = r->needs;
        /* Room for the two rights of one more address must be left, or the rest waits for the caller's next call. */
        if (needs + 2 > NEEDS_MAX)
            return 0;
        int err = read_message(env, r, c, entry, m);
        m->entry = entry;
        if (err > 0 && c->count) { /* those before it are sent, and in the caller's next call it is the first */
            while (r->needs > needs)
                target_free(&r->need[--r->needs].target);
            return 0;
        }
        if (err)
            return err;
    }
    return 0;
}

static int read_all(const struct calls_env *env, struct request *r, struct send_call *c)
{
    uint64_t *a = r->notice.args;

    if (r->call->nr == SYS_sendmmsg) {
        c->flags = (unsigned)a[3];
        return read_many(env, r, c);
    }
    c->m = xcalloc(1, sizeof *c->m);
    c->count = 1;
    if (r->call->nr == SYS_sendmsg) {
        c->flags = (unsigned)a[2];
        return read_message(env, r, c, a[1], c->m);
    }
    c->flags = (unsigned)a[3] & ~CMSG_COMPAT; /* sendto ignores it, sendmsg says EINVAL */
    c->buffer = true;
    *c->m = (struct message){.to = -1, .iov = a[1], .iovs = a[2]};
    return read_name(env, r, c, a[4], (int)a[5], &c->m->to);
}

enum next net_send_read(const struct calls_env *env, struct request *r)
{
    struct send_call *c = xcalloc(1, sizeof *c);
    int later, err;

    r->own = c;
    c->socket.fd = c->probe = -1;
    if (!(err = net_socket_take(env, r, (int)r->notice.args[0], &c->socket, &later)) && !(err = later))
        err = read_all(env, r, c);
    if (!env->enforce)
        net_socket_finish(&c->socket);
    if (err > 0)
        r->native = err;
    return err || r->needs ? NEXT_JUDGE : NEXT_PERFORM;
}

void net_send_drop(struct request *r)
{
    struct send_call *c = r->own;

    if (!c)
        return;
    net_socket_finish(&c->socket);
    for (int i = 0; i < c->endpoints; i++)
        net_endpoint_finish(&c->to[i]);
    fd_close(&c->probe);
    free(c->to);
    free(c->m);
    free(c);
    r->own = NULL;
}

/* ---- sending */

/* The data of one message, found but not copied. */
struct data {
    struct iovec *part;
    size_t parts, total;
};

static int find_data(const struct request *r, const struct send_call *c, const struct message *m, struct data *ret)
{
    *ret = (struct data){.parts = c->buffer ? 1 : m->iovs};
    ret->part = xcalloc(ret->parts ? ret->parts : 1, sizeof *ret->part);
    if (c->buffer)
        *ret->part = (struct iovec){(void *)(uintptr_t)m->iov, m->iovs};
    else if (memory_read(r->tid, m->iov, ret->part, ret->parts * sizeof *ret->part))
        return EFAULT;
    return net_parts_decode(ret->part, ret->parts, c->buffer, &ret->total);
}

/* At most n bytes from offset on, as far as they can be read: their number, or -EFAULT. */
static ssize_t copy_data(const struct request *r, const struct data *d, size_t offset, char *to, size_t n)
{
    size_t have = 0;

    for (size_t i = 0; i < d->parts && have < n; i++) {
        const struct iovec *v = &d->part[i];

        if (offset >= v->iov_len) {
            offset -= v->iov_len;
            continue;
        }
        size_t want = v->iov_len - offset < n - have ? v->iov_len - offset : n - have;
        ssize_t got = memory_read_some(r->tid, (uint64_t)(uintptr_t)v->iov_base + offset, to + have, want);
        offset = 0;
        if (got > 0)
            have += (size_t)got;
        if (got < 0 || (size_t)got < want)
            return have ? (ssize_t)have : -EFAULT;
    }
    return (ssize_t)have;
}

static int take_control(const struct calls_env *env, const struct request *r, const struct send_call *c, const struct message *m,
                        struct net_control *ret)
{
    char small[512], *raw = small;
    int e = 0;

    *ret = (struct net_control){0};
    if (m->control_len > 1u << 20)
        return ENOBUFS; /* far beyond any optmem_max */
    if (m->control_len > sizeof small)
        raw = xmalloc(m->control_len);
    if (m->control_len && memory_read(r->tid, m->control, raw, m->control_len))
        e = EFAULT;
    if (!e)
        e = net_control_make(env, r, c->socket.domain, raw, m->control_len, ret);
    if (raw != small)
        free(raw);
    return e;
}

/* One piece. Bytes sent, or -errno; strays are tried again. */
static ssize_t send_piece(const struct send_call *c, const struct message *m, char *data, size_t n, const struct net_control *control,
                          unsigned flags)
{
    struct sockaddr_storage to;
    struct iovec v = {data, n};
    struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control->data, .msg_controllen = control->len};
    ssize_t k;

    if (m->to >= 0) {
        h.msg_name = &to;
        h.msg_namelen = net_endpoint_act(&c->to[m->to], &to);
    }
    do
        k = sendmsg(c->socket.fd, &h, (int)(flags | MSG_NOSIGNAL));
    while (k < 0 && errno == EINTR && hand_self() && !net_interrupted());
    return k < 0 ? -errno : k;
}

#define IN_VAIN_MAX 16

/* Message `at` found no room: what tells when there is some? false: nothing does, or it lies. */
static bool find_room(struct send_call *c, struct reply *reply)
{
    struct message *m = &c->m[c->at];
    struct pollfd q = {c->socket.fd, POLLOUT, 0};
    bool full = poll(&q, 1, 0) == 0;
    uint64_t timeout = c->until ? 0 : net_timeout(c->socket.fd);

    if (timeout)
        c->until = now_ns() + timeout;
    reply->wait_fd = c->socket.fd;
    reply->wait_for = EPOLLOUT;
    reply->wait_until = c->until;
    if (!full && c->socket.domain == AF_UNIX && c->socket.type == SOCK_DGRAM && m->to >= 0) {
        struct sockaddr_storage to;
        socklen_t len = net_endpoint_act(&c->to[m->to], &to);

        if (c->probe < 0)
            c->probe = fd_high(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        reply->wait_fd = c->probe;
        return c->probe >= 0 && connect(c->probe, (struct sockaddr *)&to, len) == 0;
    }
    return full || ++c->in_vain < IN_VAIN_MAX;
}

enum outcome_of_send { SENT, ASLEEP, FAILED };

bool net_send_may_block(const struct request *r)
{
    const struct send_call *c = r->own;

    /* The connect inside cannot be tried: with MSG_DONTWAIT it would say EINPROGRESS. */
    return c->socket.blocking && is_stream(&c->socket) && (c->flags & MSG_FASTOPEN) && !(c->flags & MSG_DONTWAIT);
}

/* Message `at`, from c->sent on. *result: bytes, or errno. */
static enum outcome_of_send send_message(const struct calls_env *env, const struct request *r, struct send_call *c, unsigned flags,
                                         int64_t *result)
{
    struct message *m = &c->m[c->at];
    struct data d;
    struct net_control control = {0};
    bool stream = is_stream(&c->socket), sleeps = c->socket.blocking && !(flags & MSG_DONTWAIT), here = !(hand_self() && (c->may_sleep || net_send_may_block(r)));
    enum outcome_of_send how = SENT;
    char *piece = NULL;
    int e = find_data(r, c, m, &d);

    if (!e && !c->sent)
        e = take_control(env, r, c, m, &control); /* they go with the first byte */
    if (!e && !stream && d.total > DATAGRAM_MAX)
        e = EMSGSIZE;
    size_t room = stream && d.total > PIECE ? PIECE : d.total;
    if (!e)
        piece = xmalloc(room ? room : 1);
    while (!e) {
        size_t want = d.total - c->sent < room ? d.total - c->sent : room;
        ssize_t got = copy_data(r, &d, c->sent, piece, want);
        if (got < 0 || (!stream && (size_t)got < want)) {
            e = EFAULT;
            break;
        }
        if (!notify_valid(env->listener, r->notice.id)) {
            e = ESRCH; /* nobody is left to be told, and whose bytes these are is not known */
            break;
        }
        bool more = stream && c->sent + (size_t)got < d.total;
        ssize_t k = send_piece(c, m, piece, (size_t)got, &control, flags | (more ? MSG_MORE : 0) | (here ? MSG_DONTWAIT : 0));
        if (k == -EAGAIN && sleeps && here) {
            how = ASLEEP;
            break;
        }
        if (k < 0) {
            e = (int)-k;
            break;
        }
        c->sent += (size_t)k;
        c->in_vain = 0;
        net_control_finish(&control);
        if (c->sent >= d.total || !stream)
            break;
        if (k < got && sleeps && here) {
            how = ASLEEP;
            break;
        }
        if (k < got || (size_t)got < want)
            break; /* non-blocking, out of time, a signal, or unreadable from here on: a partial send */
    }
    net_control_finish(&control);
    free(piece);
    free(d.part);
    if (e && !(stream && c->sent)) {
        *result = e;
        return FAILED;
    }
    *result = (int64_t)c->sent;
    return how;
}

static int zerocopy(struct send_call *c)
{
    int on = 0;
    socklen_t len = sizeof on;

    if (!(c->flags & MSG_ZEROCOPY))
        return 0;
    c->flags &= ~(unsigned)MSG_ZEROCOPY;
    return getsockopt(c->socket.fd, SOL_SOCKET, SO_ZEROCOPY, &on, &len) == 0 && on ? ENOBUFS : 0;
}

static void fail(struct send_call *c, struct reply *reply, int e)
{
    reply->error = e;
    if (e == EPIPE && is_stream(&c->socket) && !(c->flags & MSG_NOSIGNAL))
        reply->sigpipe = SIGPIPE;
    if (e == EINTR)
        reply->restart = net_restart(c->socket.fd);
}

void net_send_carry(const struct calls_env *env, struct request *r, struct reply *reply)
{
    struct send_call *c = r->own;
    int e = zerocopy(c);

    net_netlink_name(&c->socket, r);
    if (e)
        fail(c, reply, e);
    bool last = false; /* its time is over, or a signal has come */
    for (int64_t result; !e && !last && c->at < c->count; c->at++, c->sent = 0, c->until = 0) {
        struct message *m = &c->m[c->at];
        enum outcome_of_send how = send_message(env, r, c, c->flags, &result);
        uint32_t n = (uint32_t)result;

        if (how == ASLEEP && (r->waited == WAIT_EXPIRED || r->waited == WAIT_STOPPED)) {
            last = true;
            how = c->sent ? SENT : FAILED;
            result = c->sent ? result : r->waited == WAIT_STOPPED ? EINTR : EAGAIN;
        }
        if (how == ASLEEP) {
            reply->asleep = true;
            c->may_sleep = !find_room(c, reply);
            if (c->may_sleep)
                reply->wait_fd = -1;
            return;
        }
        if (how == SENT && m->entry && memory_write(r->tid, m->entry + offsetof(struct mmsghdr, msg_len), &n, sizeof n)) {
            how = FAILED;
            result = EFAULT;
        }
        if (how == FAILED) {
            e = (int)result;
            if (!c->at)
                fail(c, reply, e);
            break;
        }
        reply->value = result;
    }
    if (r->call->nr == SYS_sendmmsg)
        reply->value = c->at;
    if (c->at && c->socket.proto == IPPROTO_UDP)
        owned_socket(env->owned, c->socket.fd); /* it has a port now, and may be answered there */
    net_socket_finish(&c->socket);
    for (int i = 0; i < c->endpoints; i++)
        net_endpoint_finish(&c->to[i]);
}
