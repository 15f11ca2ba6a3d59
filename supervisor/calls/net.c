/* net: the table of the calls that reach or take an address, and what they share. net.h says how they are made safe. */
#include "net.h"
#include "calls_tables.h"
#include "fd.h"
#include "hands.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_ERESTARTSYS 512

/* ---- the socket */

static int option(int fd, int name)
{
    int v = -1;
    socklen_t len = sizeof v;

    return getsockopt(fd, SOL_SOCKET, name, &v, &len) < 0 ? -1 : v;
}

int net_socket_take(const struct calls_env *env, struct request *r, int number, struct net_socket *ret, int *later)
{
    *ret = (struct net_socket){.fd = -1};
    *later = 0;
    int fd = procs_getfd(env->procs, r->tid, number);
    if (fd == -EBADF)
        return EBADF;
    if (fd < 0) {
        if (!env->enforce)
            return 0; /* a hint needs no socket; the address says most of it */
        r->refuse = EACCES;
        r->why = "the caller's socket could not be taken (pidfd_getfd)";
        return -1;
    }
    ret->fd = fd;
    ret->domain = option(fd, SO_DOMAIN);
    if (ret->domain < 0) {
        *later = errno; /* ENOTSOCK; EBADF for an O_PATH descriptor */
        return 0;
    }
    ret->type = option(fd, SO_TYPE);
    ret->proto = ret->domain == AF_UNIX ? 0 : option(fd, SO_PROTOCOL);
    int flags = fcntl(fd, F_GETFL);
    ret->blocking = flags >= 0 && !(flags & O_NONBLOCK);
    /* New ones are refused in BPF; these were inherited or received. */
    bool known = ret->domain == AF_UNIX || ret->domain == AF_INET || ret->domain == AF_INET6 ||
                 (ret->domain == AF_NETLINK && ret->proto == NETLINK_ROUTE);
    if (!known && env->enforce) {
        r->refuse = EAFNOSUPPORT;
        r->why = "a socket of a family that has no rules";
        return -1;
    }
    return 0;
}

void net_socket_finish(struct net_socket *s)
{
    fd_close(&s->fd);
}

void net_netlink_name(const struct net_socket *s, const struct request *r)
{
    struct sockaddr_nl have = {0}, mine = {.nl_family = AF_NETLINK, .nl_pid = (uint32_t)r->process->pid};
    socklen_t len = sizeof have;

    if (s->domain != AF_NETLINK || getsockname(s->fd, (struct sockaddr *)&have, &len) < 0 || have.nl_pid)
        return;
    mine.nl_groups = have.nl_groups;
    if (bind(s->fd, (struct sockaddr *)&mine, sizeof mine) < 0)
        return; /* taken, by another socket of the caller: the kernel then chooses a number, natively too */
}

/* ---- addresses */

int net_endpoint_read(struct request *r, uint64_t addr, int64_t len, struct endpoint *ret)
{
    *ret = (struct endpoint){.place = {.fd = -1, .dir = -1}};
    if (len < 0 || len > (int64_t)sizeof ret->raw.storage)
        return EINVAL;
    ret->len = (socklen_t)len;
    return len && memory_read(r->tid, addr, &ret->raw, (size_t)len) ? EFAULT : 0;
}

/* Would the kernel refuse the pinned file by itself? unix_find_bsd(): write permission first, then what it is. The caller's
 * rights are assumed here. */
static int socket_file(const struct place *p)
{
    bool owner = p->st.st_uid == geteuid() && p->st.st_mode & S_IWUSR; /* then nothing else counts, an ACL neither */

    if (!owner && syscall(SYS_faccessat2, p->fd, "", W_OK, AT_EACCESS | AT_EMPTY_PATH) < 0 && errno == EACCES)
        return EACCES;
    return S_ISSOCK(p->st.st_mode) ? 0 : ECONNREFUSED;
}

static int reach_path(const struct resolver *v, struct endpoint *e, const char *path)
{
    int err = resolve(v, AT_FDCWD, path, 0, &e->place);
    if (!err) {
        e->pinned = true;
        return socket_file(&e->place);
    }
    return err;
}

/* unix_bind_bsd(): kern_path_create(), where EEXIST becomes EADDRINUSE. */
static int new_path(const struct resolver *v, struct endpoint *e, const char *path)
{
    int err = resolve(v, AT_FDCWD, path, RESOLVE_PARENT, &e->place);
    const char *name = e->place.name;

    if (err)
        return err;
    if (e->place.exists || !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "/"))
        return EADDRINUSE;
    if (e->place.trailing_slash || e->place.fs_type == PROC_SUPER_MAGIC)
        return ENOENT; /* procfs: its look-up fails before permissions are asked */
    if (syscall(SYS_faccessat2, e->place.dir, "", W_OK | X_OK, AT_EACCESS | AT_EMPTY_PATH) < 0 && (errno == EACCES || errno == EROFS))
        return errno;
    return 0;
}

static int judge_path(const struct calls_env *env, struct request *r, enum address_use use, struct endpoint *e, struct need *n)
{
    struct resolver v = {.procs = env->procs, .tid = r->tid, .tgid = r->process->pid, .enforce = env->enforce};
    char path[sizeof e->raw.un.sun_path + 1];
    size_t len = e->len - offsetof(struct sockaddr_un, sun_path);

    memcpy(path, e->raw.un.sun_path, len);
    path[len] = 0;
    n->target.raw = xstrdup(path);
    n->target.raw_len = strlen(path);
    int err = use == ADDRESS_BIND ? new_path(&v, e, path) : reach_path(&v, e, path);
    if (e->place.foreign && env->enforce) {
        r->refuse = EACCES;
        r->why = "leads through the /proc of a process outside this session";
        return -1;
    }
    if (e->place.path)
        n->target.path = xstrdup(e->place.path);
    if (e->place.exists) {
        target_stat(&n->target, &e->place.st);
        if (use != ADDRESS_BIND && !err)
            n->target.own = owned_file(env->owned, e->place.st.st_dev, e->place.st.st_ino);
    }
    /* A path that leads nowhere and has no name cannot be judged; one with a name is, and then has its native error. */
    if (!n->target.path && !err)
        err = EACCES;
    return err;
}

static int too_many(struct request *r)
{
    r->refuse = EACCES;
    r->why = "more rights in one call than can be judged";
    return -1;
}

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96 */

/* Where does 0.0.0.0 or `::` lead? The kernel goes to the socket's own IPv4 address when it is bound to one
 * (ip_route_output_key: daddr = saddr), and `::` of a socket that is bound to a v4-mapped address means 127.0.0.1
 * (tcp_v6_connect, udpv6_sendmsg). Until we act the agent may bind it, and IP_PKTINFO and SO_BINDTODEVICE choose a source as
 * well: so the place that is judged is also written out for the act. */
static void make_exact(const struct net_socket *s, struct endpoint *e, struct address *a)
{
    struct sockaddr_in6 mine = {0}; /* the first half of it is a sockaddr_in's */
    socklen_t len = sizeof mine;
    bool six = e->raw.sa.sa_family == AF_INET6, four_of_six;

    if (getsockname(s->fd, (struct sockaddr *)&mine, &len) < 0)
        mine.sin6_family = AF_UNSPEC;
    four_of_six = mine.sin6_family == AF_INET6 && !memcmp(&mine.sin6_addr, mapped, sizeof mapped);
    if (a->kind == ADDRESS_INET6 && four_of_six) {
        a->kind = ADDRESS_INET;
        memcpy(a->ip, (uint8_t[16]){127, 0, 0, 1}, 16);
    } else if (a->kind == ADDRESS_INET && (four_of_six || mine.sin6_family == AF_INET)) {
        static const uint8_t zero[4];
        const void *ip = four_of_six ? (uint8_t *)&mine.sin6_addr + 12 : (void *)&((struct sockaddr_in *)&mine)->sin_addr;

        if (memcmp(ip, zero, sizeof zero))
            memcpy(a->ip, ip, 4);
    }
    if (six && a->kind == ADDRESS_INET) {
        memcpy(e->exact, mapped, sizeof mapped);
        memcpy(e->exact + 12, a->ip, 4);
    } else {
        memcpy(e->exact, a->ip, sizeof e->exact);
    }
    e->is_exact = true;
}

int net_endpoint_judge(const struct calls_env *env, struct request *r, const struct net_socket *s, enum address_use use,
                       struct endpoint *e)
{
    struct address a;
    sa_family_t family = AF_UNSPEC;

    if (e->len >= sizeof family)
        memcpy(&family, &e->raw, sizeof family);
    int err = address_decode_for(use, &e->raw.sa, e->len, s->domain ? s->domain : family, s->proto, &a);
    if (err)
        return err;
    if (a.kind == ADDRESS_NONE || a.kind == ADDRESS_OTHER)
        return 0; /* nothing is reached: a disconnect, or netlink, whose addresses always pass */
    struct need *n = request_add(r, use == ADDRESS_BIND ? VERB_BIND : VERB_CONNECT, TARGET_ADDRESS);
    if (!n) {
        address_free(&a);
        return too_many(r);
    }
    if (a.wildcard && use != ADDRESS_BIND)
        make_exact(s, e, &a);
    n->target.addr = a;
    e->reaches = true;
    if (a.kind != ADDRESS_UNIX) {
        if (use != ADDRESS_BIND)
            n->target.own = owned_reaches(env->owned, s->fd, &n->target.addr);
        return 0;
    }
    err = judge_path(env, r, use, e, n);
    if (use == ADDRESS_BIND && err >= 0) { /* a socket file is also a new file */
        struct need *w = request_add(r, VERB_WRITE, TARGET_PATH);

        if (!w)
            return too_many(r);
        n = w - 1; /* adding one may have moved them */
        if (n->target.path)
            w->target.path = xstrdup(n->target.path);
        w->target.raw = xstrdup(n->target.raw);
        w->target.raw_len = n->target.raw_len;
        if (e->place.exists)
            target_stat(&w->target, &e->place.st);
    }
    return err;
}

socklen_t net_endpoint_act(const struct endpoint *e, struct sockaddr_storage *ret)
{
    struct sockaddr_un *un = (struct sockaddr_un *)ret;

    if (!e->pinned) {
        memcpy(ret, &e->raw, e->len);
        if (e->is_exact && e->raw.sa.sa_family == AF_INET6)
            memcpy(&((struct sockaddr_in6 *)ret)->sin6_addr, e->exact, 16);
        else if (e->is_exact)
            memcpy(&((struct sockaddr_in *)ret)->sin_addr, e->exact, 4);
        return e->len;
    }
    un->sun_family = AF_UNIX;
    int n = snprintf(un->sun_path, sizeof un->sun_path, "/proc/self/fd/%d", e->place.fd);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + 1);
}

void net_endpoint_finish(struct endpoint *e)
{
    place_finish(&e->place);
}

/* ---- waiting */

bool net_interrupted(void)
{
    return hand_self() && hand_interrupted(hand_self());
}

uint64_t net_timeout(int fd)
{
    struct timeval t = {0};
    socklen_t len = sizeof t;

    if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, &len) < 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

uint64_t net_object(const struct request *r)
{
    const struct net_socket *s = r->own;
    uint64_t cookie = 0;
    socklen_t len = sizeof cookie;

    return getsockopt(s->fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0 ? 0 : cookie;
}

int net_restart(int fd)
{
    return net_timeout(fd) ? EINTR : SYS_ERESTARTSYS;
}

void net_call_drop(struct request *r)
{
    struct net_call *c = r->own;

    if (!c)
        return;
    net_socket_finish(&c->socket);
    net_endpoint_finish(&c->to);
    fd_close(&c->cwd);
    free(c);
    r->own = NULL;
}

/* ---- SO_REUSEPORT */

/* Passes: the level and the option stand in registers, and nothing is decided. Only the proof of `own` has to know of it. */
static enum next read_reuseport(const struct calls_env *env, struct request *r)
{
    owned_shares(env->owned);
    return NEXT_PASS;
}

#define LOW32(n, v) {(n), FILTER_MASKED_EQ, 0xffffffffu, (v)}

/* ---- the table */

#define SEND_ROW(number, text)                                                                                         \
    .nr = (number), .name = text, .read = net_send_read, .may_block = net_send_may_block, .object = net_object,        \
    .carry_out = net_send_carry, .drop = net_send_drop, .restart = SYS_ERESTARTSYS

const struct call calls_net_table[] = {
    {.nr = SYS_connect,
     .name = "connect",
     .read = net_connect_read,
     .may_block = net_connect_may_block,
     .line = net_connect_line,
     .object = net_object,
     .carry_out = net_connect_carry,
     .drop = net_call_drop,
     .restart = SYS_ERESTARTSYS},
    /* Without an address it reaches what was connected before: passed in BPF. Both halves of the pointer are compared. */
    {SEND_ROW(SYS_sendto, "sendto"), TESTS(NOT_ZERO(4))},
    {SEND_ROW(SYS_sendmsg, "sendmsg")},
    {SEND_ROW(SYS_sendmmsg, "sendmmsg")},
    {.nr = SYS_bind,
     .name = "bind",
     .read = net_bind_read,
     .may_block = net_bind_may_block,
     .carry_out = net_bind_carry,
     .drop = net_call_drop,
     .creates = true,
     .restart = SYS_ERESTARTSYS + 1},
    {.nr = SYS_listen,
     .name = "listen",
     .read = net_listen_read,
     .carry_out = net_listen_carry,
     .drop = net_call_drop,
     .restart = SYS_ERESTARTSYS + 1},
    {.nr = SYS_setsockopt,
     .name = "setsockopt",
     .read = read_reuseport,
     .pass = CONTINUE_NO_RIGHT,
     .restart = SYS_ERESTARTSYS + 1,
     .tests = (const struct filter_test[]){LOW32(1, SOL_SOCKET), LOW32(2, SO_REUSEPORT), {.arg = -1}}},
    {.name = NULL},
};
