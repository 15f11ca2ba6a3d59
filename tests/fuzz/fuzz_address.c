/* Bytes as an agent may pass them for a socket address: the family of the socket, the protocol and the use come first. Decoding must stay
 * inside the length, and what it accepts has one name that can be shown and read back. */
#include "address.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
    static const int protos[] = {IPPROTO_TCP, IPPROTO_UDP, 0, 255};
    if (!n)
        return 0;
    int family = families[data[0] & 3], proto = protos[data[0] >> 2 & 3];
    enum address_use use = (enum address_use)((data[0] >> 4) % 3);
    size_t len = n - 1;
    char *sa = xmalloc(len); /* an exact copy: one byte too far is seen */
    memcpy(sa, data + 1, len);
    struct address a;
    memset(&a, 0x55, sizeof a);
    int e = address_decode_for(use, (struct sockaddr *)sa, (socklen_t)len, family, proto, &a);
    if (e) {
        if (a.family != 0x55555555) /* written only on success */
            abort();
    } else {
        static const uint8_t zero[16];
        BUF_AUTO text = {0};
        address_text(&a, &text);
        if (!text.len || strlen(text.data) != text.len)
            abort();
        bool unix_name = a.kind == ADDRESS_UNIX || a.kind == ADDRESS_ABSTRACT;
        if (unix_name != (a.name != NULL) || a.name_len > 108 || (a.name && a.name[a.name_len]))
            abort();
        if (a.kind == ADDRESS_UNIX) {
            BUF_AUTO back = {0};
            if (buf_unescape(&back, text.data + 5, text.len - 5) || back.len != a.name_len || memcmp(back.data, a.name, a.name_len))
                abort();
        }
        /* normal form: nothing embedded (but NAT64 of this machine's own addresses, which is not this machine), nothing
         * unspecified unless bound */
        uint8_t ip[16];
        memcpy(ip, a.ip, 16);
        if (a.kind == ADDRESS_INET6 && address_embedded(ip) && (a.ip[1] != 0x64 || (ip[0] && ip[0] != 127)))
            abort();
        if (use != ADDRESS_BIND && (a.kind == ADDRESS_INET || a.kind == ADDRESS_INET6) &&
            !memcmp(a.ip, zero, a.kind == ADDRESS_INET ? 4 : 16))
            abort();
        address_free(&a);
    }
    free(sa);
    return 0;
}
