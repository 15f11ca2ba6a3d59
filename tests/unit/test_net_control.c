#include "calls/net.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct calls_env env;
static struct process self;
static struct request request;

static void start(void)
{
    self = (struct process){.pid = getpid()};
    env = (struct calls_env){.procs = procs_new(getppid()), .enforce = true, .supervisor = 4242};
    request = (struct request){.tid = getpid(), .process = &self};
}

static size_t put(char *to, size_t at, int level, int type, const void *data, size_t n)
{
    struct cmsghdr h = {.cmsg_len = CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type};

    memset(to + at, 0, CMSG_SPACE(n));
    memcpy(to + at, &h, sizeof h);
    memcpy(to + at + CMSG_LEN(0), data, n);
    return at + CMSG_SPACE(n);
}

Test(net_control, numbers_become_ours, .init = start)
{
    char raw[256];
    struct net_control c;
    struct stat a, b;
    int numbers[2] = {open("/dev/null", O_RDONLY), open("/", O_PATH)}, ttl = 7;
    size_t n = put(raw, 0, SOL_IP, IP_TTL, &ttl, sizeof ttl);

    n = put(raw, n, SOL_SOCKET, SCM_RIGHTS, numbers, sizeof numbers);
    cr_assert_eq(net_control_make(&env, &request, AF_UNIX, raw, n, &c), 0);
    cr_assert_eq(c.fds, 2);
    cr_assert_eq(c.len, n);
    for (int i = 0; i < 2; i++) {
        cr_assert_neq(c.fd[i], numbers[i]);
        cr_assert(fstat(c.fd[i], &a) == 0 && fstat(numbers[i], &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    }
    cr_assert_arr_eq(c.data, raw, CMSG_SPACE(sizeof ttl));
    cr_assert_arr_eq(c.data + CMSG_SPACE(sizeof ttl) + CMSG_LEN(0), c.fd, sizeof numbers);
    int first = c.fd[0];
    net_control_finish(&c);
    cr_assert_eq(fcntl(first, F_GETFD), -1);
}

Test(net_control, the_kernels_errors, .init = start)
{
    char raw[4096];
    struct net_control c;
    int bad = 9999, many[254] = {0};
    struct cmsghdr h = {.cmsg_len = 3};

    size_t n = put(raw, 0, SOL_SOCKET, SCM_RIGHTS, &bad, sizeof bad);
    cr_assert_eq(net_control_make(&env, &request, AF_UNIX, raw, n, &c), EBADF);
    net_control_finish(&c);
    n = put(raw, 0, SOL_SOCKET, SCM_RIGHTS, many, sizeof many);
    cr_assert_eq(net_control_make(&env, &request, AF_UNIX, raw, n, &c), EINVAL);
    net_control_finish(&c);
    memcpy(raw, &h, sizeof h);
    cr_assert_eq(net_control_make(&env, &request, AF_UNIX, raw, sizeof h, &c), EINVAL);
    h.cmsg_len = sizeof h + 1;
    memcpy(raw, &h, sizeof h);
    cr_assert_eq(net_control_make(&env, &request, AF_UNIX, raw, sizeof h, &c), EINVAL);
    cr_assert_eq(net_control_make(&env, &request, AF_UNIX, raw, sizeof h - 1, &c), 0, "too short for a header: none at all");
    cr_assert_eq(c.len, 0);
}

Test(net_control, credentials_are_the_callers_or_nobodys, .init = start)
{
    char raw[256];
    struct net_control c;
    struct ucred mine = {getpid(), getuid(), getgid()}, other = {1, getuid(), getgid()}, got;
    size_t n = put(raw, 0, SOL_SOCKET, SCM_CREDENTIALS, &mine, sizeof mine);

    cr_assert_eq(net_control_make(&env, &request, AF_UNIX, raw, n, &c), 0);
    memcpy(&got, c.data + CMSG_LEN(0), sizeof got);
    cr_assert_eq(got.pid, 4242);
    cr_assert_eq(got.uid, getuid());
    net_control_finish(&c);
    n = put(raw, 0, SOL_SOCKET, SCM_CREDENTIALS, &other, sizeof other);
    cr_assert_eq(net_control_make(&env, &request, AF_UNIX, raw, n, &c), EPERM);
    net_control_finish(&c);
}

/* Whatever bytes come: what goes to the kernel, read by its rules, names no descriptor that was not translated. */
Test(net_control, no_number_slips_through, .init = start)
{
    unsigned seed = 12345;
    int seen = 0;

    for (int round = 0; round < 30000; round++) {
        _Alignas(struct cmsghdr) char raw[160];
        struct net_control c;
        size_t n = 0;

        srand(seed + (unsigned)round);
        for (size_t i = 0; i < sizeof raw; i += sizeof(int))
            memcpy(raw + i, &(int){rand() % 20 ? rand() % 3 : rand()}, sizeof(int));
        while (n + sizeof(struct cmsghdr) <= sizeof raw) { /* headers where they are read, near the truth */
            struct cmsghdr h = {.cmsg_len = sizeof h + (size_t)(rand() % 40), .cmsg_level = rand() % 4 ? SOL_SOCKET : SOL_IP,
                                .cmsg_type = rand() % 4 ? SCM_RIGHTS : rand() % 5};

            memcpy(raw + n, &h, sizeof h);
            n += CMSG_ALIGN(h.cmsg_len) + (rand() % 8 ? 0 : 8);
        }
        n = (size_t)rand() % sizeof raw;
        if (net_control_make(&env, &request, AF_UNIX, raw, n, &c) == 0) {
            struct msghdr m = {.msg_control = c.data, .msg_controllen = c.len};

            for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
                if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
                    continue;
                size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < count; i++) {
                    int number, ours = 0;

                    memcpy(&number, CMSG_DATA(h) + i * sizeof number, sizeof number);
                    for (int k = 0; k < c.fds; k++)
                        ours |= c.fd[k] == number;
                    cr_assert(ours, "round %d: number %d was not translated", round, number);
                    seen++;
                }
            }
        }
        net_control_finish(&c);
    }
    cr_assert_gt(seen, 1000, "the random messages hold too few descriptors to show anything: %d", seen);
}
