#include "address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static void expect_text(const struct address *a, const char *text)
{
    BUF_AUTO b = {0};
    address_text(a, &b);
    cr_expect_str_eq(b.data, text);
}

static struct sockaddr_in6 in6_of(const char *ip, int port)
{
    struct sockaddr_in6 s = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    inet_pton(AF_INET6, ip, &s.sin6_addr);
    return s;
}

Test(address, one_name_for_one_place)
{
    static const struct { const char *ip, *text, *bound; } t[] = {
        {"::ffff:10.1.2.3", "10.1.2.3:80", "10.1.2.3:80"}, {"64:ff9b::10.1.2.3", "10.1.2.3:80", "10.1.2.3:80"},
        {"::", "[::1]:80", "[::]:80"}, {"::ffff:0.0.0.0", "127.0.0.1:80", "0.0.0.0:80"}, {"2001:db8::1", "[2001:db8::1]:80", "[2001:db8::1]:80"},
        {"::1", "[::1]:80", "[::1]:80"},
        {"64:ff9b::127.0.0.1", "[64:ff9b::7f00:1]:80", "[64:ff9b::7f00:1]:80"}, {"64:ff9b::", "[64:ff9b::]:80", "[64:ff9b::]:80"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct sockaddr_in6 s = in6_of(t[i].ip, 80);
        struct address a;
        cr_assert_eq(address_decode((void *)&s, sizeof s, AF_INET6, IPPROTO_TCP, &a), 0);
        expect_text(&a, t[i].text);
        cr_assert_eq(address_decode_for(ADDRESS_BIND, (void *)&s, sizeof s, AF_INET6, IPPROTO_TCP, &a), 0);
        expect_text(&a, t[i].bound);
    }
}

Test(address, scopes)
{
    struct address a;
    struct sockaddr_in6 s = in6_of("fe80::1", 1);
    s.sin6_scope_id = 3;
    cr_assert_eq(address_decode((void *)&s, sizeof s, AF_INET6, IPPROTO_UDP, &a), 0);
    expect_text(&a, "[fe80::1%3]:1");
    cr_assert_eq(address_decode((void *)&s, 24, AF_INET6, IPPROTO_UDP, &a), 0); /* RFC 2133: without the scope */
    expect_text(&a, "[fe80::1]:1");
    s = in6_of("2001:db8::1", 1);
    s.sin6_scope_id = 3; /* nobody looks at it */
    cr_assert_eq(address_decode((void *)&s, sizeof s, AF_INET6, IPPROTO_UDP, &a), 0);
    expect_text(&a, "[2001:db8::1]:1");
}

Test(address, unix_names)
{
    struct sockaddr_un s = {.sun_family = AF_UNIX};
    const socklen_t head = offsetof(struct sockaddr_un, sun_path);
    struct address a;
    memset(s.sun_path, 'x', sizeof s.sun_path); /* no NUL at all is good */
    cr_assert_eq(address_decode((void *)&s, sizeof s, AF_UNIX, 0, &a), 0);
    cr_expect(a.kind == ADDRESS_UNIX && a.name_len == sizeof s.sun_path && !a.name[a.name_len]);
    address_free(&a);
    strcpy(s.sun_path, "/p\n");
    cr_assert_eq(address_decode((void *)&s, sizeof s, AF_UNIX, 0, &a), 0);
    expect_text(&a, "unix:/p\\x0a");
    address_free(&a);
    cr_assert_eq(address_decode((void *)&s, head + 2, AF_UNIX, 0, &a), 0); /* the length ends it too */
    expect_text(&a, "unix:/p");
    address_free(&a);
    memcpy(s.sun_path, "\0a\0b", 4);
    cr_assert_eq(address_decode((void *)&s, head + 4, AF_UNIX, 0, &a), 0);
    cr_expect(a.kind == ADDRESS_ABSTRACT && a.name_len == 3);
    expect_text(&a, "unix:@a\\x00b");
    address_free(&a);
    cr_expect_eq(address_decode((void *)&s, head, AF_UNIX, 0, &a), EINVAL);
    cr_expect_eq(address_decode_for(ADDRESS_BIND, (void *)&s, head, AF_UNIX, 0, &a), 0);
    cr_expect_eq(a.kind, ADDRESS_UNNAMED);
}

/* The kernel is the judge of what it makes of bytes: every family, length and use, against the real calls. Only what the address
 * itself decides is compared: EINVAL and EAFNOSUPPORT. Connects go to loopback, port 9, or are never started. */
static int native(enum address_use use, int family, int type, const void *sa, socklen_t len)
{
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    int r = use == ADDRESS_BIND      ? bind(fd, sa, len)
            : use == ADDRESS_CONNECT ? connect(fd, sa, len)
                                     : (int)sendto(fd, "x", 1, MSG_NOSIGNAL, sa, len);
    int e = r < 0 ? errno : 0;
    close(fd);
    return e;
}

Test(address, errors_are_the_kernels)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
    static const int inside[] = {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, 999};
    size_t refused = 0;
    for (size_t f = 0; f < 3; f++) {
        int probe = socket(families[f], SOCK_STREAM, 0);
        if (probe < 0)
            continue; /* a machine without IPv6 */
        close(probe);
        for (int stream = 0; stream < 2; stream++)
            for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
                for (int use = ADDRESS_CONNECT; use <= ADDRESS_BIND; use++)
                    for (socklen_t len = 1; len <= 129; len++) {
                        if (use == ADDRESS_SEND && stream)
                            continue; /* says EPIPE or EOPNOTSUPP before it looks */
                        char raw[129] = {0};
                        sa_family_t in = (sa_family_t)inside[i];
                        memcpy(raw, &in, sizeof in);
                        if (in == AF_UNIX && families[f] == AF_UNIX)
                            memcpy(raw + 2, "\0sentinel-test-nobody", 21);
                        if (in == AF_INET && families[f] != AF_UNIX && use != ADDRESS_BIND) {
                            raw[3] = 9; /* port */
                            raw[4] = 127;
                            raw[7] = 1;
                        }
                        if (in == AF_INET6 && use != ADDRESS_BIND) {
                            raw[3] = 9;
                            raw[23] = 1;
                        }
                        int e = native((enum address_use)use, families[f], stream ? SOCK_STREAM : SOCK_DGRAM, raw, len);
                        struct address a = {0};
                        int ours = address_decode_for((enum address_use)use, (void *)raw, len, families[f],
                                                      families[f] == AF_UNIX ? 0 : stream ? IPPROTO_TCP : IPPROTO_UDP, &a);
                        if (ours) {
                            refused++;
                            cr_expect_eq(ours, e, "socket %d %s, address of family %d, use %d, length %u: %d, the kernel %d", families[f],
                                         stream ? "stream" : "dgram", inside[i], use, len, ours, e);
                        } else {
                            if (a.kind != ADDRESS_NONE)
                                cr_expect(e != EAFNOSUPPORT, "socket %d %s, address of family %d, use %d, length %u: accepted, the kernel %d",
                                          families[f], stream ? "stream" : "dgram", inside[i], use, len, e);
                            address_free(&a);
                        }
                    }
    }
    cr_assert_gt(refused, 1000);
}

/* udp_sendmsg takes AF_UNSPEC for AF_INET: what is called no address is one. */
Test(address, a_datagram_to_nowhere_goes_somewhere)
{
    int there = socket(AF_INET, SOCK_DGRAM, 0), here = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in s = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof s;
    cr_assert_eq(bind(there, (void *)&s, sizeof s), 0);
    cr_assert_eq(getsockname(there, (void *)&s, &len), 0);
    s.sin_family = AF_UNSPEC;
    cr_assert_eq(sendto(here, "x", 1, 0, (void *)&s, sizeof s), 1);
    struct pollfd p = {there, POLLIN, 0};
    cr_assert_eq(poll(&p, 1, 2000), 1);
    struct address a;
    cr_assert_eq(address_decode_for(ADDRESS_SEND, (void *)&s, sizeof s, AF_INET, IPPROTO_UDP, &a), 0);
    cr_expect(a.kind == ADDRESS_INET && a.port == ntohs(s.sin_port) && a.ip[0] == 127);
    cr_assert_eq(address_decode((void *)&s, sizeof s, AF_INET, IPPROTO_UDP, &a), 0);
    cr_expect_eq(a.kind, ADDRESS_NONE);
    close(here);
    close(there);
}
