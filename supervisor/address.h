/* address - floor 2: a socket address, normalised, so that each place on a network has one name.
 *
 * ::ffff:a.b.c.d and NAT64 (64:ff9b::/96) become the IPv4 address they lead to; 0.0.0.0 and :: become loopback, which is
 * where Linux sends them. The raw bytes of the call are kept elsewhere (the act uses them); this is for judging
 * and for showing.
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
};

/* Reads what the kernel would read from len bytes. 0, or the errno the kernel gives by itself (EINVAL, EAFNOSUPPORT). */
int address_decode(const struct sockaddr *sa, socklen_t len, int socket_family, int proto, struct address *ret);
void address_free(struct address *a);
void address_text(const struct address *a, struct buf *b); /* "10.1.2.3:443", "[::1]:80", "unix:/p", "unix:@name", escaped */

#endif
