/* floor - the least that a supervisor of this kind can do, to measure ours against: no policy, no records, no protection.
 *
 *   floor MODE [late|late-writes] -- COMMAND [ARG...]
 *
 * It traps what opens, connects and runs programs, and
 *   continue  lets each call go on                  read   reads its path or address first, and sees that the caller still waits
 *   carry     opens and connects by itself          pin    pins the file (O_PATH), asks its name and what it is, then opens that
 * late: the descriptor is put in, our own closed, and only then is the caller woken; late-writes: so only where it is opened for
 * writing. Programs are run by the kernel in every mode. What a real one must see to (the caller's own /proc, umask, terminal,
 * relative folders of its threads) is passed by or let go on: a floor, not something to use.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#define SYNC_WAKE_UP 1UL
#ifdef __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH AUDIT_ARCH_X86_64
#endif

enum mode { CONTINUE, READ, CARRY, PIN };
enum late { AT_ONCE, LATE, LATE_WRITES };

static enum mode mode;
static enum late late;
static int listener;
static mode_t mask;

static void fail(const char *what)
{
    perror(what);
    _exit(125);
}

/* ---- the filter, and how its listener gets to us */

static int install(void)
{
    static const int trapped[] = {
#ifdef SYS_open
        SYS_open, SYS_creat,
#endif
        SYS_openat, SYS_connect, SYS_execve, SYS_execveat};
    struct sock_filter f[32];
    unsigned short n = 0;
    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof trapped / sizeof *trapped; i++) {
        f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)trapped[i], 0, 1);
        f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    }
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog p = {n, f};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &p);
}

static pid_t start(char **argv)
{
    int s[2], pidfd, number;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s))
        fail("socketpair");
    pid_t pid = fork();
    if (!pid) {
        number = install();
        if (number < 0 || write(s[1], &number, sizeof number) != sizeof number || read(s[1], &number, 1) != 1)
            fail("the filter");
        close(number);
        execvp(argv[0], argv);
        _exit(127);
    }
    if (pid < 0 || read(s[0], &number, sizeof number) != sizeof number || (pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) < 0 ||
        (listener = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0)) < 0 || write(s[0], "", 1) != 1)
        fail("the listener");
    close(pidfd);
    close(s[0]);
    close(s[1]);
    fcntl(listener, F_SETFD, FD_CLOEXEC);
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP);
    return pid;
}

/* ---- the caller's memory, the answers */

static ssize_t copy(pid_t pid, uint64_t at, void *to, size_t n)
{
    struct iovec mine = {to, n}, theirs = {(void *)(uintptr_t)at, n};
    return process_vm_readv(pid, &mine, 1, &theirs, 1, 0);
}

/* Up to the end of its page first: what lies behind may not be there. */
static bool copy_string(pid_t pid, uint64_t at, char *to, size_t max)
{
    for (size_t have = 0; have < max;) {
        size_t n = 4096 - ((at + have) & 4095);
        n = n < max - have ? n : max - have;
        n = have || n < 256 ? n : 256;
        ssize_t got = copy(pid, at + have, to + have, n);
        if (got <= 0)
            return false;
        if (memchr(to + have, 0, (size_t)got))
            return true;
        have += (size_t)got;
    }
    return false;
}

static void answer(uint64_t id, int error, int64_t value, unsigned flags)
{
    struct seccomp_notif_resp r = {.id = id, .error = -error, .val = value, .flags = flags};
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static void go_on(uint64_t id)
{
    answer(id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static bool waits(uint64_t id)
{
    return !ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

static void put_in(uint64_t id, int fd, unsigned flags)
{
    bool step = late == LATE || (late == LATE_WRITES && flags & (O_ACCMODE | O_CREAT));
    struct seccomp_notif_addfd a = {
        .id = id, .srcfd = (unsigned)fd, .newfd_flags = flags & O_CLOEXEC, .flags = step ? 0 : SECCOMP_ADDFD_FLAG_SEND};
    int n = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a), e = errno;
    close(fd);
    if (n < 0 && e != ENOENT)
        answer(id, e, 0, 0);
    else if (step)
        answer(id, 0, n, 0);
}

/* ---- the calls */

/* A folder of the caller's for a relative path, AT_FDCWD for an absolute one. */
static int folder(pid_t pid, int dir, const char *path)
{
    char name[64];
    if (*path == '/')
        return AT_FDCWD;
    if (dir == AT_FDCWD)
        snprintf(name, sizeof name, "/proc/%d/cwd", pid);
    else
        snprintf(name, sizeof name, "/proc/%d/fd/%d", pid, dir);
    return open(name, O_PATH | O_CLOEXEC);
}

static int open_pinned(int at, const char *path, unsigned flags)
{
    char self[40], name[4096];
    struct stat st;
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | (flags & (O_NOFOLLOW | O_DIRECTORY))};
    int pin = (int)syscall(SYS_openat2, at, path, &how, sizeof how);
    if (pin < 0)
        return -1;
    snprintf(self, sizeof self, "/proc/self/fd/%d", pin);
    int fd = readlink(self, name, sizeof name) < 0 || fstat(pin, &st) ? -1 : open(self, (int)(flags & ~O_NOFOLLOW) | O_NOCTTY | O_CLOEXEC);
    int e = errno;
    close(pin);
    errno = e;
    return fd;
}

static void on_open(const struct seccomp_notif *n, int dir, uint64_t at, unsigned flags, mode_t perm)
{
    static const char *const theirs[] = {"/proc/self", "/proc/thread-self", "/dev/fd", "/dev/std", "/dev/tty"};
    char path[4096];
    bool got = copy_string((pid_t)n->pid, at, path, sizeof path);
    if (!waits(n->id))
        return;
    bool leave = mode == READ || !got || flags & O_PATH;
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        leave |= got && !strncmp(path, theirs[i], strlen(theirs[i]));
    if (leave) {
        go_on(n->id);
        return;
    }
    int base = folder((pid_t)n->pid, dir, path);
    int fd = mode == PIN && !(flags & (O_CREAT | O_TMPFILE)) ? open_pinned(base, path, flags)
                                              : openat(base, path, (int)flags | O_NOCTTY | O_CLOEXEC, perm & ~mask);
    int e = errno;
    if (base >= 0)
        close(base);
    if (fd < 0)
        answer(n->id, e, 0, 0);
    else
        put_in(n->id, fd, flags);
}

static void on_connect(const struct seccomp_notif *n)
{
    static pid_t last;
    static int pidfd = -1; /* of the caller before: mostly it is the same one */
    struct sockaddr_storage a = {0};
    struct sockaddr_un *un = (void *)&a, through = {.sun_family = AF_UNIX};
    socklen_t len = n->data.args[2] < sizeof a ? (socklen_t)n->data.args[2] : sizeof a;
    bool got = copy((pid_t)n->pid, n->data.args[1], &a, len) == (ssize_t)len;
    if (!waits(n->id))
        return;
    if (mode == READ || !got) {
        go_on(n->id);
        return;
    }
    if (last != (pid_t)n->pid) {
        if (pidfd >= 0)
            close(pidfd);
        last = (pid_t)n->pid;
        pidfd = (int)syscall(SYS_pidfd_open, last, O_EXCL /* PIDFD_THREAD */);
    }
    int fd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)n->data.args[0], 0), pin = -1;
    void *to = &a;
    if (fd >= 0 && mode == PIN && a.ss_family == AF_UNIX && un->sun_path[0]) {
        char name[4096];
        pin = open(un->sun_path, O_PATH | O_CLOEXEC);
        snprintf(through.sun_path, sizeof through.sun_path, "/proc/self/fd/%d", pin);
        if (pin >= 0 && readlink(through.sun_path, name, sizeof name) >= 0) {
            to = &through;
            len = sizeof through;
        }
    }
    int e = fd < 0 || connect(fd, to, len) ? errno : 0;
    answer(n->id, e, 0, 0);
    if (pin >= 0)
        close(pin);
    if (fd >= 0)
        close(fd);
}

static void on_exec(const struct seccomp_notif *n, int first)
{
    char path[4096], arg[256];
    uint64_t argv[32] = {0};
    bool got = copy_string((pid_t)n->pid, n->data.args[first], path, sizeof path);
    size_t room = 4096 - (n->data.args[first + 1] & 4095);
    got = got && copy((pid_t)n->pid, n->data.args[first + 1], argv, room < sizeof argv - 8 ? room : sizeof argv - 8) > 0;
    for (int i = 0; got && argv[i]; i++)
        got = copy_string((pid_t)n->pid, argv[i], arg, sizeof arg);
    if (waits(n->id))
        go_on(n->id);
}

static void on_notice(const struct seccomp_notif *n)
{
    const uint64_t *a = (const uint64_t *)n->data.args;
    if (mode == CONTINUE) {
        go_on(n->id);
        return;
    }
    switch (n->data.nr) {
#ifdef SYS_open
    case SYS_open:
        on_open(n, AT_FDCWD, a[0], (unsigned)a[1], (mode_t)a[2]);
        break;
    case SYS_creat:
        on_open(n, AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, (mode_t)a[1]);
        break;
#endif
    case SYS_openat:
        on_open(n, (int)a[0], a[1], (unsigned)a[2], (mode_t)a[3]);
        break;
    case SYS_connect:
        on_connect(n);
        break;
    default:
        on_exec(n, n->data.nr == SYS_execveat);
    }
}

int main(int argc, char **argv)
{
    static const char *const modes[] = {"continue", "read", "carry", "pin"};
    int i = 1, m = 0;
    while (argc > 1 && m < 4 && strcmp(argv[1], modes[m]))
        m++;
    if (argc > 2 && !strncmp(argv[2], "late", 4))
        late = strcmp(argv[i = 2], "late") ? LATE_WRITES : LATE;
    if (argc < 4 || m == 4 || strcmp(argv[++i], "--") || !argv[++i]) {
        fprintf(stderr, "floor continue|read|carry|pin [late|late-writes] -- COMMAND [ARG...]\n");
        return 2;
    }
    mode = (enum mode)m;
    mask = umask(0);
    umask(mask);
    pid_t pid = start(argv + i);
    umask(0);
    for (;;) {
        struct seccomp_notif n;
        struct pollfd p = {.fd = listener, .events = POLLIN};
        memset(&n, 0, sizeof n);
        if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n))
            on_notice(&n);
        else if (errno != EINTR && !(errno == ENOENT && poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP)))
            break;
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
