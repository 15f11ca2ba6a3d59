/* address - floor 2: a socket address, normalised, so that each place on a network has one name.
 *
 * ::ffff:a.b.c.d and NAT64 (64:ff9b::/96) become the IPv4 address they lead to, but not NAT64 of 0/8 and 127/8, which leads to
 * a gateway and not to this machine; 0.0.0.0 and :: become loopback, which is where Linux sends them when the socket is bound
 * to no address (calls/net.c looks at that). The raw bytes of the call are kept elsewhere (the act uses them); this is for
 * judging and for showing.
 *
 * What a call makes of the same bytes differs, so the use is said: AF_UNSPEC ends a connection in connect, but is AF_INET
 * for an IPv4 sendto and for a bind to 0.0.0.0; 0.0.0.0 in a bind is every address of the machine, not loopback.
 */
#ifndef SW_ADDRESS_H
#define SW_ADDRESS_H

#include "buf.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum address_kind { ADDRESS_NONE, ADDRESS_INET, ADDRESS_INET6, ADDRESS_UNIX, ADDRESS_ABSTRACT, ADDRESS_UNNAMED, ADDRESS_OTHER };

struct address {
    enum address_kind kind;
    uint8_t ip[16];   /* INET: the first four bytes, network order */
    uint16_t port;    /* host order; 0 for unix */
    uint32_t scope;   /* INET6 link-local scope id */
    uint8_t proto;    /* IPPROTO_TCP, IPPROTO_UDP, 0 unknown or not IP */
    char *name;       /* UNIX: the path as passed, NUL-terminated; ABSTRACT: without the leading NUL; owned */
    size_t name_len;
    int family;       /* as passed */
    bool wildcard;    /* was 0.0.0.0 or ::; in a bind ip stays so */
};

enum address_use { ADDRESS_CONNECT, ADDRESS_SEND, ADDRESS_BIND };

/* Reads what the kernel would read from len bytes. 0, or the errno the kernel gives by itself (EINVAL, EAFNOSUPPORT). Kind
 * NONE: no address (connect and AF_UNSPEC: disconnect; sendto and AF_UNSPEC on an IPv6 socket: as if none was given).
 * UNNAMED: a unix bind that lets the kernel choose. OTHER: a family that has no rules. Written only on success. */
int address_decode_for(enum address_use use, const struct sockaddr *sa, socklen_t len, int socket_family, int proto,
                       struct address *ret);
/* The same for connect. */
int address_decode(const struct sockaddr *sa, socklen_t len, int socket_family, int proto, struct address *ret);
/* v4-mapped and NAT64 in ip[16] become the IPv4 address in its first four bytes: true. Otherwise false, ip untouched. */
bool address_embedded(uint8_t ip[16]);
void address_free(struct address *a);
void address_text(const struct address *a, struct buf *b); /* "10.1.2.3:443", "[::1]:80", "unix:/p", "unix:@name", escaped */

#endif
