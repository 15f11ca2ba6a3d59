/* bind and listen: done by us on our copies; what was bound is remembered for the policy's word `own`.
 *
 * A unix path. getsockname() must show what the program passed, so its own string is bound, by a hand that stands in the
 * caller's folder with its umask. The kernel resolves that string once more, and two things make that the place that was judged:
 * no path-changing call of the tree is carried out meanwhile (still.h: all of them are ours), and the folder that
 * the string leads to *for us* must be the pinned one (a string through /proc/self or /dev/fd would be ours: refused). After the
 * bind, the socket file in the pinned folder and the kernel's own note of where the socket was bound (UNIX_DIAG_VFS) must
 * agree. Undoing a wrong bind by unlink is not reliable, so none is attempted: the call is denied and says so.
 *
 * listen() without bind takes a port by itself, so it is judged as a bind to port 0.
 */
#include "net.h"
#include "fd.h"
#include "hands.h"
#include "rights.h"
#include "still.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct net_call *call_new(struct request *r)
{
    struct net_call *c = xcalloc(1, sizeof *c);

    *c = (struct net_call){.socket = {.fd = -1}, .to.place = {.fd = -1, .dir = -1}, .cwd = -1};
    r->own = c;
    return c;
}

static int open_cwd(pid_t tid)
{
    char path[64];
    uint64_t before;

    snprintf(path, sizeof path, "/proc/%d/cwd", (int)tid);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && rights_lift(&before)) {
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        rights_lower(before);
    }
    return fd_high(fd);
}

/* Log mode: we do not see how it ends, but a cookie that never gets an address proves nothing either. */
static void remember_hint(const struct calls_env *env, struct request *r, struct net_call *c)
{
    const struct address *a = r->needs ? &r->need[0].target.addr : NULL;

    if (c->socket.fd < 0 || !a)
        return;
    if (a->kind == ADDRESS_INET || a->kind == ADDRESS_INET6)
        owned_socket(env->owned, c->socket.fd);
    else
        owned_unix(env->owned, c->socket.fd, -1, a);
}

enum next net_bind_read(const struct calls_env *env, struct request *r)
{
    struct net_call *c = call_new(r);
    int later, err;

    if (!(err = net_socket_take(env, r, (int)r->notice.args[0], &c->socket, &later)) &&
        !(err = net_endpoint_read(r, r->notice.args[1], (int)r->notice.args[2], &c->to)) && !(err = later))
        err = net_endpoint_judge(env, r, &c->socket, ADDRESS_BIND, &c->to);
    if (!err && c->to.place.dir >= 0 && (c->cwd = open_cwd(r->tid)) < 0) {
        r->refuse = EACCES;
        r->why = "the caller's working folder could not be opened";
        err = -1;
    }
    if (!env->enforce) {
        remember_hint(env, r, c);
        net_socket_finish(&c->socket);
    }
    if (err > 0)
        r->native = err;
    return err || c->to.reaches ? NEXT_JUDGE : NEXT_PERFORM;
}

bool net_bind_may_block(const struct request *r)
{
    const struct net_call *c = r->own;

    return c->to.place.dir >= 0; /* not that it blocks: it needs a working folder of its own */
}

/* Is the folder of this string, for us and from here, the pinned one? */
static bool leads_there(const char *path, int dir)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
    STR_AUTO folder = xstrdup(path);
    struct stat a, b;
    char *slash = strrchr(folder, '/');

    if (slash)
        slash[slash == folder] = 0;
    FD_AUTO fd = (int)syscall(SYS_openat2, AT_FDCWD, slash ? folder : ".", &how, sizeof how);
    return fd >= 0 && fstat(fd, &a) == 0 && fstat(dir, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int bind_path(const struct calls_env *env, struct request *r, struct net_call *c)
{
    const char *path = r->need[0].target.addr.name;
    dev_t dev;
    uint32_t ino;
    struct stat st;

    if (!leads_there(path, c->to.place.dir)) {
        r->why = "the socket's path leads somewhere else when it is bound for the caller";
        return EACCES;
    }
    if (bind(c->socket.fd, &c->to.raw.sa, c->to.len) < 0)
        return errno;
    FD_AUTO file = fd_high(openat(c->to.place.dir, c->to.place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (file < 0 || fstat(file, &st) < 0 || !S_ISSOCK(st.st_mode) || owned_where(env->owned, c->socket.fd, &dev, &ino) ||
        dev != st.st_dev || ino != (uint32_t)st.st_ino) {
        r->why = "it could not be proved where the socket was bound";
        return EACCES;
    }
    owned_unix(env->owned, c->socket.fd, fd_steal(&file), &r->need[0].target.addr);
    return 0;
}

/* Number 0 means "whoever binds", and that is the caller; when that one is taken (by another socket of it) the kernel chooses. */
static int bind_netlink(const struct request *r, const struct net_call *c)
{
    struct sockaddr_nl a;

    if (c->to.len >= sizeof a) {
        memcpy(&a, &c->to.raw, sizeof a);
        if (!a.nl_pid) {
            a.nl_pid = (uint32_t)r->process->pid;
            if (bind(c->socket.fd, (struct sockaddr *)&a, sizeof a) == 0)
                return 0;
        }
    }
    return bind(c->socket.fd, &c->to.raw.sa, c->to.len) < 0 ? errno : 0;
}

void net_bind_carry(const struct calls_env *env, struct request *r, struct reply *reply)
{
    struct net_call *c = r->own;

    if (c->to.place.dir >= 0) {
        still_begin();
        reply->error = fchdir(c->cwd) < 0 ? errno : bind_path(env, r, c);
        still_end();
        if (chdir("/") < 0) /* or the hand would keep the caller's folder busy */
            reply->error = reply->error ? reply->error : errno;
    } else if (c->socket.domain == AF_NETLINK) {
        reply->error = bind_netlink(r, c);
    } else if (bind(c->socket.fd, &c->to.raw.sa, c->to.len) < 0) {
        reply->error = errno;
    } else if (c->socket.domain == AF_UNIX) {
        owned_unix(env->owned, c->socket.fd, -1, &r->need[0].target.addr);
    } else {
        owned_socket(env->owned, c->socket.fd);
    }
    net_socket_finish(&c->socket);
    net_endpoint_finish(&c->to);
    fd_close(&c->cwd);
}

/* ---- listen */

static uint16_t port_of(int sock)
{
    struct sockaddr_in6 a = {0};
    socklen_t len = sizeof a;

    return getsockname(sock, (struct sockaddr *)&a, &len) < 0 ? 0 : a.sin6_port; /* at the same place in sockaddr_in */
}

static bool takes_port(const struct net_socket *s)
{
    return (s->domain == AF_INET || s->domain == AF_INET6) && s->type == SOCK_STREAM;
}

/* Another thread can take the port away between the look and the listen (connect to AF_UNSPEC), and then listen takes a new one
 * that nobody judged: the kernel's own way back from listening is that same disconnect. */
static int listen_there(const struct net_call *c, int backlog, bool judged)
{
    static const struct sockaddr none = {.sa_family = AF_UNSPEC};

    if (listen(c->socket.fd, backlog) < 0)
        return errno;
    if (judged || !takes_port(&c->socket) || port_of(c->socket.fd) == c->port)
        return 0;
    while (connect(c->socket.fd, &none, sizeof none) < 0 && errno == EINTR)
        ;
    return EACCES;
}

enum next net_listen_read(const struct calls_env *env, struct request *r)
{
    struct net_call *c = call_new(r);
    struct need *n = NULL;
    int later, err = net_socket_take(env, r, (int)r->notice.args[0], &c->socket, &later);
    struct net_socket *s = &c->socket;

    if (!err)
        err = later;
    if (!err && s->fd >= 0 && takes_port(s) && !(c->port = port_of(s->fd))) {
        if ((n = request_add(r, VERB_BIND, TARGET_ADDRESS)))
            n->target.addr = (struct address){.kind = s->domain == AF_INET ? ADDRESS_INET : ADDRESS_INET6,
                                              .family = s->domain,
                                              .proto = (uint8_t)s->proto,
                                              .wildcard = true};
        if (!env->enforce)
            owned_socket(env->owned, s->fd);
    }
    if (!env->enforce)
        net_socket_finish(s);
    if (err > 0)
        r->native = err;
    return err || n ? NEXT_JUDGE : NEXT_PERFORM;
}

void net_listen_carry(const struct calls_env *env, struct request *r, struct reply *reply)
{
    struct net_call *c = r->own;

    reply->error = listen_there(c, (int)r->notice.args[1], r->needs > 0);
    if (!reply->error && takes_port(&c->socket))
        owned_socket(env->owned, c->socket.fd);
    net_socket_finish(&c->socket);
}
