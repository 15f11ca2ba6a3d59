/* net_message - floor 2: msghdr, iovec and control messages, decoded from bytes that were copied: pure, and fuzzed (tests/fuzz).
 *
 * Each follows the kernel's own rules, and its order of errors: copy_msghdr_from_user() of net/socket.c, import_iovec(),
 * for_each_cmsghdr() of include/linux/socket.h. Results are 0 or the kernel's errno. */
#ifndef SW_CALLS_NET_MESSAGE_H
#define SW_CALLS_NET_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct net_message { /* addresses are the caller's */
    uint64_t name, name_len; /* name_len 0: none */
    uint64_t iov, iovs;
    uint64_t control, control_len;
};
/* *later: an errno that comes after those of reading the name. */
int net_message_decode(const struct msghdr *h, struct net_message *ret, int *later);

/* Cuts the parts to what the kernel takes in one call. sendto: one part, whose length is cut and never refused. */
int net_parts_decode(struct iovec *part, size_t parts, bool sendto, size_t *total);

struct net_control_message {
    int level, type;
    const char *body; /* inside the data; len bytes */
    size_t len;
};
/* The message at *at, which moves on; *more false: there is none. Messages need not be aligned in `data`. */
int net_control_next(const char *data, size_t n, size_t *at, struct net_control_message *ret, bool *more);

#endif
