/* The sends as an agent may pass them. The fuzzer is its own agent: the bytes are laid out as msghdrs, names, iovecs and control
 * messages in this process, and the rows' own read() copies them from here.
 *
 * Checked: nothing is read beyond its length, the cut data fits the kernel's bound, what goes to the kernel as control messages is
 * well formed by its rules and names no descriptor that was not translated, and every descriptor is closed again. */
#include "calls/net.h"
#include "calls/net_message.h"
#include "calls_tables.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct calls_env env;
static struct process self;
static int sockets[6];

static void start(void)
{
    calls_prepare(NULL);
    self = (struct process){.refs = 1 << 20, .pid = getpid(), .exe = (char *)"/fuzz"};
    env = (struct calls_env){.listener = -1, .procs = procs_new(getppid()), .enforce = true, .supervisor = 4242};
    sockets[0] = socket(AF_INET, SOCK_DGRAM, 0);
    sockets[1] = socket(AF_INET, SOCK_STREAM, 0);
    sockets[2] = socket(AF_INET6, SOCK_DGRAM, 0);
    sockets[3] = socket(AF_UNIX, SOCK_DGRAM, 0);
    sockets[4] = socket(AF_UNIX, SOCK_STREAM, 0);
    sockets[5] = open("/dev/null", O_RDONLY);
}

static int lowest(void)
{
    int fd = dup(sockets[5]);
    close(fd);
    return fd;
}

static const struct call *row(int nr)
{
    struct notice notice = {.nr = nr, .args = {0, 0, 0, 0, 1}};
    return calls_find(&notice);
}

static void one_control(const uint8_t *data, size_t n, int domain)
{
    struct request r = {.tid = self.pid, .process = &self};
    struct net_control c;
    char *copy = xmalloc(n); /* an exact copy: one byte too far is seen */
    memcpy(copy, data, n);
    if (net_control_make(&env, &r, domain, copy, n, &c) == 0) {
        struct msghdr m = {.msg_control = c.data, .msg_controllen = c.len};
        size_t seen = 0;
        for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
            if (h->cmsg_len < sizeof *h || (char *)h + h->cmsg_len > c.data + c.len)
                abort();
            seen += CMSG_ALIGN(h->cmsg_len);
            if (domain != AF_UNIX || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
                continue;
            for (size_t i = 0; i < (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                int number, ours = 0;
                memcpy(&number, CMSG_DATA(h) + i * sizeof number, sizeof number);
                for (int k = 0; k < c.fds; k++)
                    ours |= c.fd[k] == number;
                if (!ours)
                    abort();
            }
        }
        if (seen != c.len)
            abort(); /* something would reach the kernel that this walk does not see */
    }
    net_control_finish(&c);
    free(copy);
}

static void parts(const uint8_t *data, size_t n, bool sendto)
{
    struct iovec part[32];
    size_t k = n / sizeof *part < 32 ? n / sizeof *part : 32, total = SIZE_MAX, sum = 0;
    memcpy(part, data, k * sizeof *part);
    if (net_parts_decode(part, k, sendto, &total))
        return;
    for (size_t i = 0; i < k; i++)
        sum += part[i].iov_len;
    if (sum != total || total > INT_MAX)
        abort();
}

/* Up to four messages; each: where its pieces lie among the bytes, and how long it says that they are. */
static void send_call(const uint8_t *data, size_t n)
{
    struct shape {
        uint8_t name_at, name_len, iov_at, iovs, control_at, control_len, null, wild;
    } shape;
    struct mmsghdr m[4];
    char *bytes = xmalloc(512);
    unsigned count = data[0] & 3;
    int fd = sockets[(data[0] >> 2) % 6], nr = (int[]){SYS_sendmsg, SYS_sendmmsg, SYS_sendto}[(data[0] >> 5) % 3];
    unsigned flags = data[1] | (data[0] & 16 ? MSG_FASTOPEN : 0);
    memset(bytes, 0, 512);
    data += 2, n -= 2;
    memset(m, 0, sizeof m);
    for (unsigned i = 0; i <= count && n >= sizeof shape; i++, data += sizeof shape, n -= sizeof shape) {
        memcpy(&shape, data, sizeof shape);
        m[i].msg_hdr = (struct msghdr){.msg_name = shape.null & 1 ? NULL : bytes + shape.name_at,
                                       .msg_namelen = shape.wild & 1 ? 0xfffffff0u + shape.name_len : shape.name_len,
                                       .msg_iov = (void *)(bytes + shape.iov_at),
                                       .msg_iovlen = shape.wild & 2 ? (size_t)shape.iovs << 28 : shape.iovs,
                                       .msg_control = shape.null & 2 ? NULL : bytes + shape.control_at,
                                       .msg_controllen = shape.wild & 4 ? (size_t)shape.control_len << 24 : shape.control_len};
    }
    memcpy(bytes, data, n < 512 ? n : 512);
    struct request r = {.tid = self.pid, .process = &self, .moved_from = -1, .moved_to = -1};
    r.call = row(nr);
    r.notice = (struct notice){.nr = nr, .tid = self.pid};
    uint64_t *a = r.notice.args;
    a[0] = (uint64_t)fd;
    a[1] = (uint64_t)(uintptr_t)m;
    a[2] = nr == SYS_sendmmsg ? count + 1 : flags;
    a[3] = flags;
    if (nr == SYS_sendto)
        a[1] = (uint64_t)(uintptr_t)bytes, a[2] = 512, a[4] = (uint64_t)(uintptr_t)m[0].msg_hdr.msg_name, a[5] = m[0].msg_hdr.msg_namelen;
    enum next next = r.call->read(&env, &r);
    if (next != NEXT_JUDGE && next != NEXT_PERFORM)
        abort();
    if (r.needs > NEEDS_MAX || r.native < 0)
        abort();
    for (int i = 0; i < r.needs; i++)
        if (r.need[i].verb != VERB_CONNECT || r.need[i].target.kind != TARGET_ADDRESS)
            abort();
    request_forget(&r);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int kept;
    if (!self.pid)
        start();
    if (n < 3)
        return 0;
    int before = lowest();
    switch (data[0] % 4) {
    case 0:
        one_control(data + 1, n - 1, AF_UNIX);
        break;
    case 1:
        one_control(data + 1, n - 1, AF_INET);
        break;
    case 2:
        parts(data + 2, n - 2, data[1] & 1);
        break;
    default:
        send_call(data + 1, n - 1);
    }
    if (lowest() != before && ++kept > 8)
        abort(); /* descriptors stay open: more than the few that are kept (a pidfd, a SOCK_DIAG socket) */
    return 0;
}
