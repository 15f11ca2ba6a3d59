#include "own.h"
#include "fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#define UNIX_MAX 256 /* socket files and names remembered: the oldest goes first */
#define FIRST_SWEEP 1024
#define TCP_STATE_LISTEN 10
#define ANY_STATE (~UINT32_C(0))

struct name {
    uint64_t cookie;
    uint32_t sock_ino;
    int path; /* O_PATH of the socket file, -1 when only the kernel knows where it is */
    dev_t dev;
    ino_t ino;
    char *abstract;
    size_t abstract_len;
};

struct owned {
    pthread_mutex_t lock;
    bool used;
    bool shares; /* some socket of the agent's may have SO_REUSEPORT */
    int diag, route;
    int lo;
    uint64_t *cookie; /* open addressing, 0 is empty (the kernel's cookies start at 1) */
    size_t size, count, sweep_at;
    struct name names[UNIX_MAX];
    unsigned next;
};

struct owned *owned_new(bool used)
{
    struct owned *o = xcalloc(1, sizeof *o);

    pthread_mutex_init(&o->lock, NULL);
    o->used = used;
    o->diag = fd_high(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    o->route = fd_high(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (o->diag < 0) {
        int e = errno;

        owned_free(o);
        errno = e;
        return NULL;
    }
    o->lo = (int)if_nametoindex("lo");
    o->size = 64;
    o->cookie = xcalloc(o->size, sizeof *o->cookie);
    o->sweep_at = FIRST_SWEEP;
    for (int i = 0; i < UNIX_MAX; i++)
        o->names[i].path = -1;
    return o;
}

static void forget(struct name *n)
{
    fd_close(&n->path);
    free(n->abstract);
    *n = (struct name){.path = -1};
}

void owned_free(struct owned *o)
{
    if (!o)
        return;
    for (int i = 0; o->cookie && i < UNIX_MAX; i++)
        forget(&o->names[i]);
    fd_close(&o->diag);
    fd_close(&o->route);
    free(o->cookie);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

/* ---- the set of cookies */

static size_t slot(const struct owned *o, uint64_t cookie)
{
    size_t i = (size_t)(cookie * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (o->size - 1);

    while (o->cookie[i] && o->cookie[i] != cookie)
        i = (i + 1) & (o->size - 1);
    return i;
}

static bool knows(const struct owned *o, uint64_t cookie)
{
    return cookie && o->cookie[slot(o, cookie)] == cookie;
}

static void insert(struct owned *o, uint64_t cookie)
{
    if (2 * (o->count + 1) > o->size) {
        uint64_t *old = o->cookie;
        size_t n = o->size;

        o->size *= 2;
        o->cookie = xcalloc(o->size, sizeof *o->cookie);
        for (size_t i = 0; i < n; i++)
            if (old[i])
                o->cookie[slot(o, old[i])] = old[i];
        free(old);
    }
    o->cookie[slot(o, cookie)] = cookie;
    o->count++;
}

static uint64_t cookie_of(int sock)
{
    uint64_t cookie = 0;
    socklen_t len = sizeof cookie;

    return getsockopt(sock, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0 ? 0 : cookie;
}

/* ---- asking the kernel */

struct inet_request {
    struct nlmsghdr h;
    struct inet_diag_req_v2 r;
};

static struct inet_request inet_request(int family, int proto, uint32_t states, int flags)
{
    struct inet_request q = {.h = {.nlmsg_len = sizeof q, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)},
                             .r = {.sdiag_family = (uint8_t)family, .sdiag_protocol = (uint8_t)proto, .idiag_states = states}};

    q.r.id.idiag_cookie[0] = q.r.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return q;
}

static uint64_t message_cookie(const uint32_t c[2])
{
    return c[0] | (uint64_t)c[1] << 32;
}

/* Sends one request and calls each() for every message of the answer until the end. each() may be NULL. The number of
 * messages, or -errno of the kernel's answer. */
static int ask(int sock, struct nlmsghdr *request, bool dump, void (*each)(void *arg, const struct nlmsghdr *h), void *arg)
{
    _Alignas(struct nlmsghdr) char answer[16384];
    static uint32_t seq; /* under the lock */
    int messages = 0;

    request->nlmsg_seq = ++seq;
    if (send(sock, request, request->nlmsg_len, MSG_NOSIGNAL) < 0)
        return -errno;
    for (;;) {
        ssize_t got = recv(sock, answer, sizeof answer, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        bool stale = false;
        for (struct nlmsghdr *h = (struct nlmsghdr *)answer; NLMSG_OK(h, got); h = NLMSG_NEXT(h, got)) {
            if ((stale = h->nlmsg_seq != request->nlmsg_seq)) /* the rest of an answer that ended in an error */
                continue;
            if (h->nlmsg_type == NLMSG_DONE)
                return messages;
            if (h->nlmsg_type == NLMSG_ERROR)
                return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
            messages++;
            if (each)
                each(arg, h);
        }
        if (!dump && !stale)
            return messages;
    }
}

static void keep_cookie(void *arg, const struct nlmsghdr *h)
{
    const struct inet_diag_msg *m = NLMSG_DATA(h);

    *(uint64_t *)arg = message_cookie(m->id.idiag_cookie);
}

/* ---- forgetting */

struct sweep {
    struct owned *o;
    uint64_t *alive;
    size_t n, cap;
};

static void keep_alive(void *arg, const struct nlmsghdr *h)
{
    const struct inet_diag_msg *m = NLMSG_DATA(h);
    struct sweep *s = arg;
    uint64_t cookie = message_cookie(m->id.idiag_cookie);

    if (!knows(s->o, cookie))
        return;
    if (s->n == s->cap)
        s->alive = xrealloc(s->alive, (s->cap = s->cap ? 2 * s->cap : 64) * sizeof *s->alive);
    s->alive[s->n++] = cookie;
}

static void sweep(struct owned *o)
{
    struct sweep s = {.o = o};
    static const int protos[] = {IPPROTO_TCP, IPPROTO_UDP};

    for (int i = 0; i < 4; i++) {
        struct inet_request q = inet_request(i & 1 ? AF_INET6 : AF_INET, protos[i / 2], ANY_STATE, NLM_F_DUMP);

        if (ask(o->diag, &q.h, true, keep_alive, &s) < 0) {
            s.n = 0; /* what is not known to live is not own */
            break;
        }
    }
    memset(o->cookie, 0, o->size * sizeof *o->cookie);
    o->count = 0;
    for (size_t i = 0; i < s.n; i++)
        insert(o, s.alive[i]);
    free(s.alive);
    o->sweep_at = 2 * o->count + FIRST_SWEEP;
}

void owned_shares(struct owned *o)
{
    if (!o)
        return;
    pthread_mutex_lock(&o->lock);
    o->shares = true;
    pthread_mutex_unlock(&o->lock);
}

/* A socket that was bound, but neither listens nor is connected, stands in no dump of TCP: so sweeping may forget a server
 * between bind and listen. listen() remembers it again. */
void owned_socket(struct owned *o, int sock)
{
    uint64_t cookie;

    if (!o || !o->used || !(cookie = cookie_of(sock)))
        return;
    int shares = 0;
    socklen_t len = sizeof shares;
    if (getsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &shares, &len) < 0 || shares) /* inherited or received with it, perhaps */
        owned_shares(o);
    pthread_mutex_lock(&o->lock);
    if (!knows(o, cookie)) {
        if (o->count >= o->sweep_at)
            sweep(o);
        insert(o, cookie);
    }
    pthread_mutex_unlock(&o->lock);
}

void owned_unix(struct owned *o, int sock, int path, const struct address *name)
{
    struct name n = {.cookie = cookie_of(sock), .path = path};
    struct stat st;

    if (!o || !o->used || !n.cookie || fstat(sock, &st) < 0) {
        fd_close(&path);
        return;
    }
    n.sock_ino = (uint32_t)st.st_ino;
    if (path >= 0 && fstat(path, &st) == 0) {
        n.dev = st.st_dev;
        n.ino = st.st_ino;
    }
    if (name->kind == ADDRESS_ABSTRACT) {
        n.abstract = xmalloc(name->name_len + 1);
        memcpy(n.abstract, name->name, name->name_len);
        n.abstract_len = name->name_len;
    }
    pthread_mutex_lock(&o->lock);
    if (o->next % 16 == 0) /* files that were removed need not be held until their turn comes */
        for (int i = 0; i < UNIX_MAX; i++)
            if (o->names[i].path >= 0 && fstat(o->names[i].path, &st) == 0 && !st.st_nlink)
                forget(&o->names[i]);
    forget(&o->names[o->next]);
    o->names[o->next] = n;
    o->next = (o->next + 1) % UNIX_MAX;
    pthread_mutex_unlock(&o->lock);
}

/* ---- unix */

struct unix_facts {
    bool has_file, has_name;
    uint32_t dev, ino;
    char name[108];
    size_t name_len;
};

static void keep_unix(void *arg, const struct nlmsghdr *h)
{
    struct unix_facts *f = arg;
    const struct unix_diag_msg *m = NLMSG_DATA(h);
    const struct rtattr *a = (const struct rtattr *)(m + 1);
    int left = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof *m));

    for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == UNIX_DIAG_VFS && RTA_PAYLOAD(a) >= sizeof(struct unix_diag_vfs)) {
            const struct unix_diag_vfs *v = RTA_DATA(a);

            f->has_file = true;
            f->ino = v->udiag_vfs_ino;
            f->dev = v->udiag_vfs_dev;
        } else if (a->rta_type == UNIX_DIAG_NAME && RTA_PAYLOAD(a) <= sizeof f->name) {
            f->has_name = true;
            f->name_len = RTA_PAYLOAD(a);
            memcpy(f->name, RTA_DATA(a), f->name_len);
        }
    }
}

/* The socket with this inode number, and no other that has it now (the cookie says). Lock held. */
static int ask_unix(struct owned *o, uint32_t ino, uint64_t cookie, struct unix_facts *ret)
{
    struct {
        struct nlmsghdr h;
        struct unix_diag_req r;
    } q = {.h = {.nlmsg_len = sizeof q, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
           .r = {.sdiag_family = AF_UNIX, .udiag_states = ANY_STATE, .udiag_ino = ino, .udiag_show = UDIAG_SHOW_VFS | UDIAG_SHOW_NAME}};

    q.r.udiag_cookie[0] = (uint32_t)cookie;
    q.r.udiag_cookie[1] = (uint32_t)(cookie >> 32);
    *ret = (struct unix_facts){0};
    int r = ask(o->diag, &q.h, false, keep_unix, ret);
    return r < 0 ? r : 0;
}

/* unix_diag writes the superblock's device in the kernel's own encoding, major << 20 | minor. */
static dev_t kernel_dev(uint32_t dev)
{
    return makedev(dev >> 20, dev & 0xfffff);
}

int owned_where(struct owned *o, int sock, dev_t *dev, uint32_t *ino)
{
    struct unix_facts f;
    struct stat st;

    if (!o)
        return -ENOSYS;
    if (fstat(sock, &st) < 0)
        return -errno;
    pthread_mutex_lock(&o->lock);
    int r = ask_unix(o, (uint32_t)st.st_ino, cookie_of(sock), &f);
    pthread_mutex_unlock(&o->lock);
    if (r < 0 || !f.has_file)
        return r < 0 ? r : -ENOENT;
    *dev = kernel_dev(f.dev);
    *ino = f.ino;
    return 0;
}

bool owned_file(struct owned *o, dev_t dev, ino_t ino)
{
    bool found = false;

    if (!o || !o->used)
        return false;
    pthread_mutex_lock(&o->lock);
    for (int i = 0; i < UNIX_MAX && !found; i++) {
        const struct name *n = &o->names[i];
        struct unix_facts f;

        if (n->path >= 0)
            found = n->dev == dev && n->ino == ino; /* held, so the number is still that file's */
        else if (n->cookie && !n->abstract && ask_unix(o, n->sock_ino, n->cookie, &f) == 0 && f.has_file)
            found = kernel_dev(f.dev) == dev && f.ino == (uint32_t)ino;
    }
    pthread_mutex_unlock(&o->lock);
    return found;
}

static bool reaches_abstract(struct owned *o, const struct address *to)
{
    for (int i = 0; i < UNIX_MAX; i++) {
        const struct name *n = &o->names[i];
        struct unix_facts f;

        if (!n->abstract || n->abstract_len != to->name_len || memcmp(n->abstract, to->name, to->name_len))
            continue;
        /* Names are unique: while ours has it, nobody else does. The kernel shows it with its leading NUL. */
        if (ask_unix(o, n->sock_ino, n->cookie, &f) == 0 && f.has_name && f.name_len == to->name_len + 1 && !f.name[0] &&
            !memcmp(f.name + 1, to->name, to->name_len))
            return true;
    }
    return false;
}

/* ---- IP */

static void keep_type(void *arg, const struct nlmsghdr *h)
{
    const struct rtmsg *m = NLMSG_DATA(h);

    if (h->nlmsg_type == RTM_NEWROUTE)
        *(int *)arg = m->rtm_type;
}

/* An address of this machine? */
static bool is_local(struct owned *o, int family, const void *ip, size_t n)
{
    static const uint8_t six[16] = {[15] = 1};
    int type = RTN_UNSPEC;
    struct {
        struct nlmsghdr h;
        struct rtmsg m;
        struct rtattr a;
        uint8_t ip[16];
    } q = {.h = {.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
           .m = {.rtm_family = (uint8_t)family, .rtm_dst_len = (uint8_t)(n * 8)},
           .a = {.rta_type = RTA_DST, .rta_len = (uint16_t)RTA_LENGTH(n)}};

    if (family == AF_INET ? *(const uint8_t *)ip == 127 : !memcmp(ip, six, sizeof six))
        return true;
    memcpy(q.ip, ip, n);
    q.h.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof q.m) + RTA_LENGTH(n));
    return o->route >= 0 && ask(o->route, &q.h, false, keep_type, &type) > 0 && type == RTN_LOCAL;
}

struct port {
    struct owned *o;
    int family; /* of the address */
    const uint8_t *ip;
    bool foreign; /* somebody else stands there too */
};

static void look_for_foreign(void *arg, const struct nlmsghdr *h)
{
    static const uint8_t zero[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    const struct inet_diag_msg *m = NLMSG_DATA(h);
    const uint8_t *src = (const uint8_t *)m->id.idiag_src;
    struct port *p = arg;
    bool here;

    if (m->idiag_family == AF_INET)
        here = !memcmp(src, zero, 4) || (p->family == AF_INET && !memcmp(src, p->ip, 4));
    else
        here = !memcmp(src, zero, 16) || (p->family == AF_INET6 && !memcmp(src, p->ip, 16)) ||
               (!memcmp(src, mapped, sizeof mapped) && p->family == AF_INET && !memcmp(src + 12, p->ip, 4));
    if (here && !knows(p->o, message_cookie(m->id.idiag_cookie)))
        p->foreign = true;
}

/* The sender's own address and port: a connected UDP socket only takes packets from its peer. */
static uint16_t own_port(int sock)
{
    struct sockaddr_in6 a;
    socklen_t len = sizeof a;

    return getsockname(sock, (struct sockaddr *)&a, &len) < 0 ? 0 : a.sin6_port; /* at the same place in sockaddr_in */
}

static bool reaches_ip(struct owned *o, int sock, const struct address *to)
{
    int family = to->kind == ADDRESS_INET ? AF_INET : AF_INET6, bound = 0;
    size_t n = family == AF_INET ? 4 : 16;
    socklen_t len = sizeof bound;
    uint64_t cookie = 0;
    bool udp = to->proto == IPPROTO_UDP;

    if ((to->proto != IPPROTO_TCP && !udp) || !o->count)
        return false;
    if (sock >= 0 && getsockopt(sock, SOL_SOCKET, SO_BINDTOIFINDEX, &bound, &len) == 0 && bound)
        return false; /* then it goes out there, whatever the address */
    if (!is_local(o, family, to->ip, n))
        return false;

    struct inet_request q = inet_request(family, to->proto, ANY_STATE, 0);
    q.r.id.idiag_if = (uint32_t)o->lo;
    if (udp) {
        memcpy(q.r.id.idiag_dst, to->ip, n);
        q.r.id.idiag_dport = htons(to->port);
        memcpy(q.r.id.idiag_src, to->ip, n); /* what goes to an address of ours comes from it, unless bound otherwise */
        q.r.id.idiag_sport = sock >= 0 ? own_port(sock) : 0;
    } else {
        memcpy(q.r.id.idiag_src, to->ip, n);
        q.r.id.idiag_sport = htons(to->port);
    }
    if (ask(o->diag, &q.h, false, keep_cookie, &cookie) != 1 || !knows(o, cookie))
        return false;

    struct port p = {.o = o, .family = family, .ip = to->ip};
    for (int i = 0; i < 2 && (udp || o->shares); i++) {
        q = inet_request(i ? AF_INET6 : AF_INET, to->proto, udp ? ANY_STATE : UINT32_C(1) << TCP_STATE_LISTEN, NLM_F_DUMP);
        q.r.id.idiag_sport = htons(to->port);
        if (ask(o->diag, &q.h, true, look_for_foreign, &p) < 0 || p.foreign)
            return false;
    }
    return true;
}

bool owned_reaches(struct owned *o, int sock, const struct address *to)
{
    bool r = false;

    if (!o || !o->used)
        return false;
    pthread_mutex_lock(&o->lock);
    if (to->kind == ADDRESS_INET || to->kind == ADDRESS_INET6)
        r = reaches_ip(o, sock, to);
    else if (to->kind == ADDRESS_ABSTRACT)
        r = reaches_abstract(o, to);
    pthread_mutex_unlock(&o->lock);
    return r;
}
