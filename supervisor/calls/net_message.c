#include "net_message.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define RW_MAX ((size_t)INT_MAX & ~(size_t)4095) /* MAX_RW_COUNT of the kernel */

int net_message_decode(const struct msghdr *h, struct net_message *ret, int *later)
{
    int64_t len = (int)h->msg_namelen;

    *later = 0;
    if (!h->msg_name)
        len = 0;
    if (len < 0)
        return EINVAL;
    if (len > (int64_t)sizeof(struct sockaddr_storage))
        len = sizeof(struct sockaddr_storage);
    *ret = (struct net_message){.name = (uint64_t)(uintptr_t)h->msg_name,
                                .name_len = (uint64_t)len,
                                .iov = (uint64_t)(uintptr_t)h->msg_iov,
                                .iovs = h->msg_iovlen,
                                .control = (uint64_t)(uintptr_t)h->msg_control,
                                .control_len = h->msg_control ? h->msg_controllen : 0};
    if (h->msg_iovlen > IOV_MAX)
        *later = EMSGSIZE;
    else if (h->msg_controllen > INT_MAX)
        *later = ENOBUFS;
    return 0;
}

int net_parts_decode(struct iovec *part, size_t parts, bool sendto, size_t *total)
{
    size_t sum = 0;

    for (size_t i = 0; i < parts; i++) {
        struct iovec *v = &part[i];

        if (v->iov_len > SSIZE_MAX && !sendto)
            return EINVAL;
        if (v->iov_len > RW_MAX - sum)
            v->iov_len = RW_MAX - sum;
        sum += v->iov_len;
    }
    *total = sum;
    return 0;
}

int net_control_next(const char *data, size_t n, size_t *at, struct net_control_message *ret, bool *more)
{
    struct cmsghdr h;

    *more = *at <= n && n - *at >= sizeof h;
    if (!*more)
        return 0;
    memcpy(&h, data + *at, sizeof h);
    if (h.cmsg_len < sizeof h || h.cmsg_len > n - *at)
        return EINVAL;
    /* Between the header and the aligned body lies nothing on 64 bits, but CMSG_LEN(0) is what the kernel says. */
    size_t before = CMSG_LEN(0), step = CMSG_ALIGN(h.cmsg_len);
    *ret = (struct net_control_message){.level = h.cmsg_level,
                                        .type = h.cmsg_type,
                                        .body = data + *at + before,
                                        .len = h.cmsg_len > before ? h.cmsg_len - before : 0};
    *at = step > n - *at ? n : *at + step;
    return 0;
}
