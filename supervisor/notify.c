#include "notify.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <unistd.h>

/* Linux 6.6; Debian 12's headers are 6.1. The flags are passed by value. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/* The kernel writes sizes.seccomp_notif bytes: more than our struct on a newer kernel (SECCOMP_GET_NOTIF_SIZES). */
#define NOTIF_ROOM 512
static size_t notif_size = sizeof(struct seccomp_notif);
static bool sync_wakes;

int notify_prepare(int listener)
{
    struct seccomp_notif_sizes sizes;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
        return -errno;
    if (sizes.seccomp_notif > NOTIF_ROOM || sizes.seccomp_notif_resp > sizeof(struct seccomp_notif_resp))
        return -EOVERFLOW;
    notif_size = sizes.seccomp_notif;
    sync_wakes = !ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP); /* without it only slower */
    return 0;
}

bool notify_sync_wakes(void)
{
    return sync_wakes;
}

int notify_receive(int listener, struct notice *ret)
{
    union {
        struct seccomp_notif n;
        char room[NOTIF_ROOM];
    } u;
    memset(&u, 0, notif_size); /* the kernel refuses one that is not zeroed */
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &u.n)) {
        int e = errno;
        struct pollfd p = {.fd = listener, .events = POLLIN};
        /* ENOENT: a caller died meanwhile. When there is nobody left that could call, RECV says it again and again. */
        return e == ENOENT && poll(&p, 1, 0) > 0 && p.revents & POLLHUP ? -ENOTCONN : -e;
    }
    *ret = (struct notice){.id = u.n.id, .tid = (pid_t)u.n.pid, .arch = u.n.data.arch, .nr = u.n.data.nr};
    for (int i = 0; i < 6; i++)
        ret->args[i] = u.n.data.args[i];
    return 0;
}

bool notify_valid(int listener, uint64_t id)
{
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static int answer(int listener, uint64_t id, int64_t value, int errnum, uint32_t flags)
{
    struct seccomp_notif_resp r = {.id = id, .val = value, .error = errnum, .flags = flags};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r) ? -errno : 0;
}

int notify_value(int listener, uint64_t id, int64_t value)
{
    return answer(listener, id, value, 0, 0);
}

int notify_error(int listener, uint64_t id, int errnum)
{
    return answer(listener, id, 0, -errnum, 0);
}

int notify_continue(int listener, uint64_t id, enum continue_reason why)
{
    (void)why; /* named at each call, so that every CONTINUE can be found and argued about */
    return answer(listener, id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static int add_fd(int listener, uint64_t id, int fd, bool cloexec, uint32_t flags)
{
    struct seccomp_notif_addfd a = {
        .id = id, .srcfd = (uint32_t)fd, .flags = flags, .newfd_flags = cloexec ? O_CLOEXEC : 0};
    int n = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
    return n < 0 ? -errno : n;
}

int notify_add_fd(int listener, uint64_t id, int fd, bool cloexec)
{
    return add_fd(listener, id, fd, cloexec, 0);
}

int notify_add_fd_send(int listener, uint64_t id, int fd, bool cloexec)
{
    return add_fd(listener, id, fd, cloexec, SECCOMP_ADDFD_FLAG_SEND);
}
