#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { SIN6_LEN_RFC2133 = 24 }; /* the kernel takes a sockaddr_in6 without its scope (net/ipv6.h) */

bool address_embedded(uint8_t ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(ip, mapped, sizeof mapped) && memcmp(ip, nat64, sizeof nat64))
        return false;
    memmove(ip, ip + 12, 4);
    memset(ip + 4, 0, 12);
    return true;
}

/* To the one name of a place on a network. In a bind 0.0.0.0 and :: keep their meaning: every address of the machine. */
static void normalise(struct address *a, enum address_use use)
{
    bool is_nat64 = !a->ip[0] && a->ip[1] == 0x64, is_ours = !a->ip[12] || a->ip[12] == 127;
    if (a->kind == ADDRESS_INET6 && !(is_nat64 && is_ours) && address_embedded(a->ip))
        a->kind = ADDRESS_INET;
    /* the kernel looks at the scope of these only (__ipv6_addr_needs_scope_id) */
    bool link_local = a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
    if (!link_local && !(a->ip[0] == 0xff && ((a->ip[1] & 0x0f) == 1 || (a->ip[1] & 0x0f) == 2)))
        a->scope = 0;
    static const uint8_t zero[16];
    a->wildcard = !memcmp(a->ip, zero, a->kind == ADDRESS_INET ? 4 : 16);
    if (a->wildcard && use != ADDRESS_BIND) {
        if (a->kind == ADDRESS_INET)
            memcpy(a->ip, (uint8_t[]){127, 0, 0, 1}, 4);
        else
            a->ip[15] = 1;
    }
}

static void from_in(const struct sockaddr *sa, struct address *a)
{
    struct sockaddr_in in;
    memcpy(&in, sa, sizeof in);
    a->kind = ADDRESS_INET;
    memcpy(a->ip, &in.sin_addr, 4);
    a->port = ntohs(in.sin_port);
}

/* inet_bind, tcp_v4_connect, __ip4_datagram_connect, udp_sendmsg. */
static int decode_inet(enum address_use use, const struct sockaddr *sa, socklen_t len, int family, struct address *a)
{
    if (use == ADDRESS_CONNECT && family == AF_UNSPEC)
        return 0;
    if (len < sizeof(struct sockaddr_in))
        return EINVAL;
    from_in(sa, a);
    if (family == AF_INET || (use == ADDRESS_SEND && family == AF_UNSPEC))
        return 0;
    static const uint8_t zero[4];
    if (use == ADDRESS_BIND && family == AF_UNSPEC && !memcmp(a->ip, zero, sizeof zero))
        return 0;
    return EAFNOSUPPORT;
}

/* inet6_bind, tcp_v6_connect, __ip6_datagram_connect, udpv6_sendmsg. An AF_INET address on an IPv6 socket is good for
 * datagrams; for TCP the length is looked at before the family. */
static int decode_inet6(enum address_use use, const struct sockaddr *sa, socklen_t len, int family, int proto, struct address *a)
{
    if (family == AF_UNSPEC && use != ADDRESS_BIND)
        return 0;
    if (family == AF_INET && use != ADDRESS_BIND && proto != IPPROTO_TCP) {
        if (len < sizeof(struct sockaddr_in))
            return EINVAL;
        from_in(sa, a);
        return 0;
    }
    if (len < SIN6_LEN_RFC2133)
        return EINVAL;
    if (family != AF_INET6)
        return use == ADDRESS_SEND ? EINVAL : EAFNOSUPPORT;
    struct sockaddr_in6 in6 = {0};
    memcpy(&in6, sa, len < sizeof in6 ? len : sizeof in6);
    a->kind = ADDRESS_INET6;
    memcpy(a->ip, &in6.sin6_addr, 16);
    a->port = ntohs(in6.sin6_port);
    a->scope = in6.sin6_scope_id;
    return 0;
}

/* unix_validate_addr, unix_mkname_bsd, unix_autobind. */
static int decode_unix(enum address_use use, const struct sockaddr *sa, socklen_t len, int family, int proto, struct address *a)
{
    const size_t head = offsetof(struct sockaddr_un, sun_path);
    if (use == ADDRESS_BIND && len == head && family == AF_UNIX) {
        a->kind = ADDRESS_UNNAMED;
        return 0;
    }
    /* Datagram sockets disconnect; stream sockets give EINVAL by themselves: either way nothing is reached. */
    if (use == ADDRESS_CONNECT && family == AF_UNSPEC)
        return 0;
    if (len <= head || len > sizeof(struct sockaddr_un) || family != AF_UNIX)
        return EINVAL;
    const char *name = (const char *)sa + head;
    size_t n = len - head;
    if (*name) {
        a->kind = ADDRESS_UNIX;
        a->name_len = strnlen(name, n);
        a->name = xstrndup(name, a->name_len);
    } else {
        a->kind = ADDRESS_ABSTRACT; /* every byte counts, NULs too */
        a->name_len = n - 1;
        a->name = xmalloc(n);
        memcpy(a->name, name + 1, n - 1);
        a->name[n - 1] = 0;
    }
    return 0;
}

int address_decode_for(enum address_use use, const struct sockaddr *sa, socklen_t len, int socket_family, int proto,
                       struct address *ret)
{
    struct address a = {.kind = ADDRESS_NONE};
    sa_family_t family;
    if (len > sizeof(struct sockaddr_storage) || len < sizeof family)
        return EINVAL;
    memcpy(&family, sa, sizeof family);
    a.family = family;
    int e = 0;
    switch (socket_family) {
    case AF_INET:
        e = decode_inet(use, sa, len, family, &a);
        break;
    case AF_INET6:
        e = decode_inet6(use, sa, len, family, proto, &a);
        break;
    case AF_UNIX:
        e = decode_unix(use, sa, len, family, proto, &a);
        break;
    default:
        a.kind = ADDRESS_OTHER;
    }
    if (e)
        return e;
    if (a.kind == ADDRESS_INET || a.kind == ADDRESS_INET6) {
        a.proto = (uint8_t)proto;
        normalise(&a, use);
    }
    *ret = a;
    return 0;
}

int address_decode(const struct sockaddr *sa, socklen_t len, int socket_family, int proto, struct address *ret)
{
    return address_decode_for(ADDRESS_CONNECT, sa, len, socket_family, proto, ret);
}

void address_free(struct address *a)
{
    free(a->name);
    *a = (struct address){.kind = ADDRESS_NONE};
}

void address_text(const struct address *a, struct buf *b)
{
    char ip[INET6_ADDRSTRLEN];
    switch (a->kind) {
    case ADDRESS_NONE:
        buf_puts(b, "none");
        break;
    case ADDRESS_INET:
        buf_printf(b, "%s:%u", inet_ntop(AF_INET, a->ip, ip, sizeof ip), a->port);
        break;
    case ADDRESS_INET6:
        inet_ntop(AF_INET6, a->ip, ip, sizeof ip);
        if (a->scope)
            buf_printf(b, "[%s%%%u]:%u", ip, a->scope, a->port);
        else
            buf_printf(b, "[%s]:%u", ip, a->port);
        break;
    case ADDRESS_UNIX:
        buf_puts(b, "unix:");
        buf_escape(b, a->name, a->name_len);
        break;
    case ADDRESS_ABSTRACT:
        buf_puts(b, "unix:@");
        buf_escape(b, a->name, a->name_len);
        break;
    case ADDRESS_UNNAMED:
        buf_puts(b, "unix:");
        break;
    case ADDRESS_OTHER:
        buf_printf(b, "family %d", a->family);
        break;
    }
}
