/* attempts: one program, many ways to get what a policy refuses. Without us each of them gets it; in enforce none does.
 *
 *   attempts serve DIR            the outside: servers on two ports and sockets in DIR, a victim for what acts on processes
 *   attempts try DIR [NAME...]    all (or those named), each in a child of its own; one line each:
 *                                 NAME \t GOT or the errno \t pid \t what the log must say \t when it cannot be shown plainly
 *
 * What the log must say: the name of a rule; `protected`; `silent` (refused in BPF, by its errno and without a record); `kernel`
 * (the kernel itself refuses it: a right that the child gave away, Landlock); `any`. DIR has sec/ (denied), pub/. Everything ends by alarm.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

static char dir[300], secret[400];
static int port, open_port, victim, victim_group;

static int get(int r) { return r < 0 ? -1 : 0; }

static char *at(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *at(const char *fmt, ...)
{
    static char text[8][600];
    static int n;
    va_list ap;
    va_start(ap, fmt);
    char *s = text[n++ % 8];
    vsnprintf(s, sizeof *text, fmt, ap);
    va_end(ap);
    return s;
}

static int opens(const char *path, int flags)
{
    return get(open(path, flags | O_CLOEXEC, 0600));
}

static int reads_secret(const char *path)
{
    char b[7] = "";
    int fd = open(path, O_RDONLY);
    return fd < 0 || read(fd, b, 6) != 6 || strcmp(b, "SECRET") ? -1 : 0;
}

/* ---- other processes */

static int pidfd(void) { return (int)syscall(SYS_pidfd_open, victim, 0); }
static struct rlimit64 same_limit;
static int limit(int what) { prlimit64(getpid(), what, NULL, &same_limit); return prlimit64(victim, what, &same_limit, NULL); }
static int limit_sup(void)
{
    /* Whoever started us: in enforce the supervisor. */
    prlimit64(getpid(), RLIMIT_FSIZE, NULL, &same_limit);
    return prlimit64(victim_group ? victim : getppid(), RLIMIT_FSIZE, &same_limit, NULL);
}
static int affinity(void) { cpu_set_t s; sched_getaffinity(0, sizeof s, &s); return sched_setaffinity(victim, sizeof s, &s); }
static int scheduler(void) { struct sched_param p = {0}; return sched_setscheduler(victim, SCHED_BATCH, &p); }
static int param(void) { struct sched_param p = {0}; return sched_setparam(victim, &p); }
static int attr(void)
{
    struct { unsigned size, policy; unsigned long flags; int nice; unsigned prio; unsigned long t[3]; } a = {.size = 48, .nice = 19};
    return (int)syscall(SYS_sched_setattr, victim, &a, 0);
}
static int ioprio(int which, int who) { return (int)syscall(SYS_ioprio_set, which, who, 2 << 13 | 5); }
/* What would change every program of this user is tried under supervision only, and then with what already holds. */
static int supervised(void)
{
    if (prctl(PR_GET_SECCOMP) == 2)
        return 1;
    errno = ECANCELED;
    return 0;
}
static int priority_of_user(void)
{
    return supervised() ? setpriority(PRIO_USER, getuid(), getpriority(PRIO_PROCESS, 0)) : -1;
}
static int ioprio_of_user(void) { return supervised() ? (int)syscall(SYS_ioprio_set, 3, getuid(), 0) : -1; }
static siginfo_t info(void) { siginfo_t i = {.si_signo = SIGURG, .si_code = SI_QUEUE, .si_pid = getpid(), .si_uid = getuid()}; return i; }
static int queue_info(void) { siginfo_t i = info(); return (int)syscall(SYS_rt_sigqueueinfo, victim, SIGURG, &i); }
static int tgqueue_info(void) { siginfo_t i = info(); return (int)syscall(SYS_rt_tgsigqueueinfo, victim, victim, SIGURG, &i); }
static int by_owner(void)
{
    /* SIGKILL by way of SIGIO: F_SETSIG takes any signal. Here one that does no harm, and the victim says that it came. */
    int s[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) || fcntl(s[0], F_SETOWN, victim) || fcntl(s[0], F_SETSIG, SIGUSR2) ||
        fcntl(s[0], F_SETFL, O_ASYNC))
        return -1;
    char *mark = at("%s/pub/sigusr2", dir);
    unlink(mark);
    if (write(s[1], "x", 1) != 1)
        return -1;
    for (int i = 0; i < 100; i++, usleep(5000))
        if (!access(mark, F_OK))
            return 0;
    errno = EPERM;
    return -1;
}
static int owner_memory(void)
{
    struct { int type, pid; } o = {1 /* F_OWNER_PID */, victim};
    int s[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) || fcntl(s[0], 15 /* F_SETOWN_EX */, &o) || fcntl(s[0], F_SETSIG, SIGUSR2) ||
        fcntl(s[0], F_SETFL, O_ASYNC))
        return -1;
    char *mark = at("%s/pub/sigusr2", dir);
    unlink(mark);
    if (write(s[1], "x", 1) != 1)
        return -1;
    for (int i = 0; i < 100; i++, usleep(5000))
        if (!access(mark, F_OK))
            return 0;
    errno = EPERM;
    return -1;
}
static int seize(void) { return ptrace(0x4206 /* SEIZE */, victim, 0, 0) ? -1 : ptrace(PTRACE_DETACH, victim, 0, 0) ? 0 : 0; }
static int vm(int nr)
{
    char mine[8];
    struct iovec a = {mine, 8}, b = {NULL, 8};
    FILE *f = fopen(at("/proc/%d/maps", victim), "r");
    unsigned long lo;
    if (!f || fscanf(f, "%lx", &lo) != 1)
        lo = 4096;
    if (f)
        fclose(f);
    b.iov_base = (void *)lo;
    long r = syscall(nr, victim, &a, 1, &b, 1, 0);
    return r == 8 || (nr == SYS_process_vm_writev && r < 0 && errno == EFAULT) ? 0 : -1; /* read only text: it was reached */
}
static int madvise_other(void)
{
    struct iovec v = {(void *)4096, 0};
    return get((int)syscall(SYS_process_madvise, pidfd(), &v, 0, 20 /* MADV_COLD */, 0));
}
static int take_fd(void) { return get((int)syscall(SYS_pidfd_getfd, pidfd(), 0, 0)); }
static int compare(void) { return get((int)syscall(SYS_kcmp, victim, victim, 0, 0, 0)); }
static int pages(void)
{
    unsigned long first = 1;
    return get((int)syscall(SYS_migrate_pages, victim, sizeof first * 8, &first, &first));
}
static int moves(void) { return get((int)syscall(SYS_move_pages, victim, 0, NULL, NULL, NULL, 0)); }
static int of_proc(const char *what, int flags) { return opens(at("/proc/%d/%s", victim, what), flags); }
static int writes_proc(const char *what, const char *text)
{
    int fd = open(at("/proc/%d/%s", victim, what), O_WRONLY);
    return fd < 0 ? -1 : get((int)write(fd, text, strlen(text)));
}
static int through_proc(const char *what) { return reads_secret(at("/proc/%d/%s%s", victim, what, secret)); }

/* ---- the kernel, namespaces, mounts */

static int unshares(int flag) { return unshare(flag); }
static int clones(unsigned long flag)
{
    long c = syscall(SYS_clone, flag | SIGCHLD, 0, 0, 0, 0);
    if (!c)
        _exit(0);
    return c < 0 ? -1 : waitpid((pid_t)c, NULL, __WALL) < 0 ? -1 : 0;
}
static int clone_three(void)
{
    unsigned long args[11] = {CLONE_NEWUTS};
    args[4] = SIGCHLD;
    long c = syscall(SYS_clone3, args, 64);
    if (!c)
        _exit(0);
    return c < 0 ? -1 : waitpid((pid_t)c, NULL, __WALL) < 0 ? -1 : 0;
}
static int mounts(void) { return mount("none", at("%s/pub", dir), "tmpfs", 0, NULL) ? -1 : umount2(at("%s/pub", dir), MNT_DETACH); }
static int binds(void) { return mount(at("%s/sec", dir), at("%s/pub", dir), NULL, MS_BIND, NULL) ? -1 : umount2(at("%s/pub", dir), MNT_DETACH); }
static int roots(void) { return chroot(at("%s/sec", dir)) ? -1 : reads_secret("/file"); }
static int pivots(void) { return get((int)syscall(SYS_pivot_root, ".", ".")); }
static int tree(void) { return get((int)syscall(428, AT_FDCWD, at("%s/sec", dir), 1 /* CLONE */)); }
static int tree_plain(void)
{
    int fd = (int)syscall(428, AT_FDCWD, at("%s/sec", dir), 0);
    return fd < 0 ? -1 : 0;
}
static int fs(int nr, unsigned long a, unsigned long b, unsigned long c) { return get((int)syscall(nr, a, b, c, 0, 0)); }
static int handle(void)
{
    struct { struct file_handle h; char more[128]; } h = {.h.handle_bytes = 128};
    int id, top = open(dir, O_RDONLY | O_DIRECTORY);
    if (name_to_handle_at(AT_FDCWD, secret, &h.h, &id, 0))
        return -1;
    return get(open_by_handle_at(top, &h.h, O_RDONLY));
}
static int bpf_map(void)
{
    union bpf_attr a = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return get((int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof a));
}
static int perf(void)
{
    struct perf_event_attr a = {.type = PERF_TYPE_SOFTWARE, .size = sizeof a, .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1};
    return get((int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0));
}
static int fault(void) { return get((int)syscall(SYS_userfaultfd, 1 /* USER_MODE_ONLY */)); }
static int key(void) { return get((int)syscall(SYS_add_key, "user", "sw", "x", 1, -2)); }
static int key_ask(void) { syscall(SYS_add_key, "user", "sw", "x", 1, -2); return get((int)syscall(SYS_request_key, "user", "sw", NULL, -2)); }
static int key_ctl(void) { return get((int)syscall(SYS_keyctl, 0, -3, 1)); }
static int listener(int how)
{
    struct sock_filter f[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog p = {1, f};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return get((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, how, &p));
}
static int uring(void) { char p[120] = {0}; return get((int)syscall(SYS_io_uring_setup, 4, p)); }
static int landlock(void)
{
    unsigned long handled = 1;
    return get((int)syscall(444, &handled, sizeof handled, 0));
}
static int old_gate(void)
{
#ifdef __x86_64__
    long r = 5 /* open, i386 */;
    char *low = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    strcpy(low, secret);
    __asm__ volatile("int $0x80" : "+a"(r) : "b"((int)(uintptr_t)low), "c"(O_RDONLY) : "memory", "r8", "r9", "r10", "r11");
    errno = r < 0 ? (int)-r : 0;
    return r < 0 ? -1 : 0;
#else
    return -1;
#endif
}
static int x32(void) { return get((int)syscall(0x40000000 + SYS_getppid)); }
static int types(int request)
{
    int m, s;
    char c = 2;
    if (openpty(&m, &s, NULL, NULL, NULL))
        return -1;
    if (!fork()) {
        alarm(5);
        setsid();
        _exit(ioctl(s, TIOCSCTTY, 0) || (request ? ioctl(s, (unsigned long)request, &c) : ioctl(s, TIOCSTI | 0xff00000000ul, &c)) ? errno : 0);
    }
    int status;
    if (wait(&status) < 0)
        return -1;
    errno = WEXITSTATUS(status);
    return status ? -1 : 0;
}
static int fake_name(void)
{
    int fd = open("/bin/true", O_RDONLY);
    /* EBUSY: the kernel got as far as looking at our mappings, so nobody stood in between. */
    return !prctl(35 /* PR_SET_MM */, 13 /* EXE_FILE */, fd, 0, 0) || errno == EBUSY ? 0 : -1;
}
static int hidden(void)
{
    /* Would make it invisible to an ordinary user's supervisor: says done, and is not. */
    if (prctl(PR_SET_DUMPABLE, 0) || prctl(PR_GET_DUMPABLE))
        return -1;
    return 0;
}

/* ---- rights given away (started as root) */

static int foreign_file(char *ret, size_t n)
{
    snprintf(ret, n, "%s/pub/foreign", dir);
    return 0;
}
static int after(int (*lower)(void), int (*then)(const char *))
{
    char f[400];
    foreign_file(f, sizeof f);
    return lower() ? -1 : then(f);
}
static int reads(const char *f) { return opens(f, O_RDONLY); }
static int modes(const char *f) { return chmod(f, 0); }
static int owners(const char *f) { return chown(f, 4321, 4321); }
static int replaced_owner(const char *f) { return unlink(at("%s.gone", f)) && errno != ENOENT ? -1 : rename(f, at("%s.gone", f)) ? -1 : rename(at("%s.gone", f), f); }
static int caps_away(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0}};
    return (int)syscall(SYS_capset, &h, d);
}
static int raw_uid(void) { return (int)syscall(SYS_setresuid, -1, 4322, -1); }
static int raw_fsuid(void) { syscall(SYS_setfsuid, 4322); return 0; }
static int user(void) { return setgroups(0, NULL) || setgid(4322) || setuid(4322) ? -1 : 0; }
static int at_exec(int securebits, const char *tail)
{
    /* These take effect at the next exec only. */
    if (securebits ? prctl(PR_SET_SECUREBITS, 1 | 2) : (prctl(PR_CAPBSET_DROP, 1) || prctl(PR_CAPBSET_DROP, 2) || prctl(PR_CAPBSET_DROP, 3)))
        return -1;
    char self[300];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    execl(self, "attempts", "then", dir, tail, NULL);
    return -1;
}

/* ---- bytes to a port that is denied */

static struct sockaddr_in to4(const char *ip)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    inet_pton(AF_INET, ip, &a.sin_addr);
    return a;
}
static struct sockaddr_in6 to6(const char *ip)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};
    inet_pton(AF_INET6, ip, &a.sin6_addr);
    return a;
}
static int tcp(const char *ip)
{
    if (strchr(ip, ':')) {
        struct sockaddr_in6 a = to6(ip);
        return connect(socket(AF_INET6, SOCK_STREAM, 0), (void *)&a, sizeof a);
    }
    struct sockaddr_in a = to4(ip);
    return connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof a);
}
static int tcp_long(socklen_t len)
{
    struct sockaddr_storage s = {0};
    struct sockaddr_in a = to4("127.0.0.1");
    memcpy(&s, &a, sizeof a);
    return connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&s, len);
}
static int tcp_mixed(void) /* an IPv6 socket takes an IPv4 address for a disconnect, an IPv4 one takes AF_UNSPEC for AF_INET at bind only */
{
    struct sockaddr_in6 a = to6("::ffff:127.0.0.1");
    a.sin6_scope_id = 7;
    a.sin6_flowinfo = htonl(5);
    return connect(socket(AF_INET6, SOCK_STREAM, 0), (void *)&a, sizeof a);
}
static int tcp_async(void)
{
    struct sockaddr_in a = to4("127.0.0.1");
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(s, (void *)&a, sizeof a) && errno != EINPROGRESS)
        return -1;
    struct pollfd p = {s, POLLOUT, 0};
    return poll(&p, 1, 2000) == 1 && !(p.revents & POLLERR) ? 0 : -1;
}
static int fast(int how)
{
    struct sockaddr_in a = to4("127.0.0.1");
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct iovec v = {"x", 1};
    struct mmsghdr m = {.msg_hdr = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1}};
    return get((int)(how == 0   ? sendto(s, "x", 1, MSG_FASTOPEN, (void *)&a, sizeof a)
                     : how == 1 ? sendmsg(s, &m.msg_hdr, MSG_FASTOPEN)
                                : sendmmsg(s, &m, 1, MSG_FASTOPEN)));
}
static int fast_connect(void)
{
    struct sockaddr_in a = to4("127.0.0.1");
    int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one);
    return connect(s, (void *)&a, sizeof a) || send(s, "x", 1, 0) != 1 ? -1 : 0;
}
static int udp(int how)
{
    struct sockaddr_in a = to4("127.0.0.1"), allowed = a;
    allowed.sin_port = htons((unsigned short)open_port);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct iovec v = {"x", 1};
    struct mmsghdr m[2] = {{.msg_hdr = {.msg_name = &allowed, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1}},
                           {.msg_hdr = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1}}};
    switch (how) {
    case 0:
        return get((int)sendto(s, "x", 1, 0, (void *)&a, sizeof a));
    case 1:
        return get((int)sendmsg(s, &m[1].msg_hdr, 0));
    case 2:
        return sendmmsg(s, m, 2, 0) == 2 ? 0 : -1;
    case 3:
        return connect(s, (void *)&a, sizeof a) ? -1 : get((int)send(s, "x", 1, 0));
    case 4: /* connected where it may, then somewhere else at once */
        return connect(s, (void *)&allowed, sizeof a) ? -1 : get((int)sendto(s, "x", 1, 0, (void *)&a, sizeof a));
    case 5: /* the upper half of the address pointer alone is not zero */
    {
        void *high = mmap((void *)0x500000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        memcpy(high, &a, sizeof a);
        return get((int)sendto(s, "x", 1, 0, high, sizeof a));
    }
    case 6: /* AF_UNSPEC is AF_INET for a datagram */
        a.sin_family = AF_UNSPEC;
        return get((int)sendto(s, "x", 1, 0, (void *)&a, sizeof a));
    case 7:
        a = to4("0.0.0.0");
        return get((int)sendto(s, "x", 1, 0, (void *)&a, sizeof a));
    case 8:
        a = to4("127.255.0.3");
        return get((int)sendto(s, "x", 1, 0, (void *)&a, sizeof a));
    }
    return -1;
}
static int udp6(const char *ip)
{
    struct sockaddr_in6 a = to6(ip);
    return get((int)sendto(socket(AF_INET6, SOCK_DGRAM, 0), "x", 1, 0, (void *)&a, sizeof a));
}
static struct sockaddr_un un(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    return a;
}
static int unix_to(const char *path)
{
    struct sockaddr_un a = un(path);
    return connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a);
}
static int unix_link(void)
{
    char *l = at("%s/pub/l%d", dir, getpid());
    return symlink(at("%s/sec/sock", dir), l) ? -1 : unix_to(l);
}
static int unix_up(void) { return chdir(at("%s/pub", dir)) ? -1 : unix_to("../sec/sock"); }
static int unix_fd(void)
{
    int d = open(at("%s/sec", dir), O_PATH);
    return unix_to(at("/proc/self/fd/%d/sock", d));
}
static int unix_whole(void) /* no NUL in it: the length says where it ends */
{
    struct sockaddr_un a = un(at("%s/sec/sock", dir));
    return connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(a.sun_path)));
}
static int unix_dgram(int how)
{
    struct sockaddr_un a = un(at("%s/sec/dgram", dir));
    int s = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1};
    return get((int)(how == 0   ? sendto(s, "x", 1, 0, (void *)&a, sizeof a)
                     : how == 1 ? sendmsg(s, &m, 0)
                                : connect(s, (void *)&a, sizeof a) ? -1 : send(s, "x", 1, 0)));
}
static int unix_abstract(const char *more, size_t n)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t len = (size_t)snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "sw-attempts-%d", port);
    memcpy(a.sun_path + 1 + len, more, n);
    return connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len + n));
}
static int unix_moved(void)
{
    char *mine = at("%s/pub/s%d", dir, getpid()), *theirs = at("%s/sec/sock", dir);
    return link(theirs, mine) ? -1 : unix_to(mine);
}
static int bound(const char *path)
{
    struct sockaddr_un a = un(path);
    return bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a);
}
static int family(int domain, int type, int proto) { return get(socket(domain, type, proto)); }
static int route(int level, int name)
{
    static const unsigned char lsrr[] = {131, 11, 4, 127, 0, 0, 2, 127, 0, 0, 3, 0};
    static const unsigned char none[8] = {0, 0, 2, 0};
    int s = socket(level == IPPROTO_IP ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
    return level == IPPROTO_IP ? setsockopt(s, level, name, lsrr, 12) : setsockopt(s, level, name, none, 0);
}
static int route_message(void)
{
    static const unsigned char lsrr[] = {131, 11, 4, 127, 0, 0, 2, 127, 0, 0, 3, 0};
    struct sockaddr_in a = to4("127.0.0.1");
    a.sin_port = htons((unsigned short)open_port);
    union { struct cmsghdr h; char b[CMSG_SPACE(12)]; } c = {.h = {CMSG_LEN(12), IPPROTO_IP, IP_RETOPTS}};
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
    memcpy(CMSG_DATA(&c.h), lsrr, 12);
    return get((int)sendmsg(socket(AF_INET, SOCK_DGRAM, 0), &m, 0));
}

/* ---- files in ways that attack_read and attack_write do not try */

static int queue(int flags) { return get((int)mq_open("/sw-attempts", flags, 0600, NULL)); }
static int queue_raw(void) { return get((int)syscall(SYS_mq_open, "sw-attempts", O_RDWR, 0, NULL)); }
static int queue_away(void) { return mq_unlink("/sw-attempts"); }
static int core_file(void)
{
    char *mine = at("%s/pub/core%d", dir, getpid());
    struct rlimit r;
    if (mkdir(mine, 0700) || chdir(mine) || getrlimit(RLIMIT_CORE, &r))
        return -1;
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_CORE, &r))
        return -1;
    if (!fork())
        abort();
    int status;
    wait(&status);
    return WCOREDUMP(status) ? 0 : -1;
}
static int disk(void) { return opens("/dev/loop0", O_RDONLY); }
static int removed_cwd(void)
{
    char *d = at("%s/pub/d%d", dir, getpid());
    return mkdir(d, 0700) || chdir(d) || rmdir(d) ? -1 : reads_secret(at("%s%s", "/proc/self/cwd/../../../../../../../../../..", secret)) && reads_secret(secret);
}
static int deep(void)
{
    if (chdir(at("%s/pub", dir)))
        return -1;
    char name[201];
    memset(name, 'n', 200);
    name[200] = 0;
    int d = 0;
    for (; d < 30; d++)
        if ((mkdir(name, 0700) && errno != EEXIST) || chdir(name))
            return -1;
    char up[200] = "";
    for (int i = 0; i <= 30; i++)
        strcat(up, "../");
    strcat(up, "sec/file");
    return reads_secret(up);
}
static void *other_folder(void *arg)
{
    *(int *)arg = unshare(CLONE_FS) || chdir(at("%s/sec", dir)) ? -1 : reads_secret("file");
    return NULL;
}
static int thread_folder(void)
{
    pthread_t t;
    int r = -1;
    pthread_create(&t, NULL, other_folder, &r);
    pthread_join(t, NULL);
    errno = EACCES;
    return r;
}
static int table_fd;
static void *other_table(void *arg)
{
    /* The number means another file in this thread's own table. */
    if (unshare(CLONE_FILES))
        return NULL;
    int d = open(at("%s/sec", dir), O_PATH);
    dup2(d, table_fd);
    int f = openat(table_fd, "file", O_RDONLY);
    *(int *)arg = f < 0 ? -1 : 0;
    return NULL;
}
static int thread_table(void)
{
    pthread_t t;
    int r = -1;
    table_fd = open(at("%s/pub", dir), O_PATH);
    pthread_create(&t, NULL, other_table, &r);
    pthread_join(t, NULL);
    errno = EACCES;
    return r;
}
static int vfork_shares(void)
{
    volatile int r = -1;
    static char path[400];
    strcpy(path, secret);
    pid_t c = vfork();
    if (!c) {
        r = reads_secret(path);
        _exit(0);
    }
    waitpid(c, NULL, 0);
    errno = EACCES;
    return r;
}
static int self_memory(void)
{
    static char here[] = "AAAA";
    int fd = open("/proc/self/mem", O_RDWR);
    return fd < 0 ? -1 : pwrite(fd, "B", 1, (off_t)(uintptr_t)here) == 1 && *here == 'B' ? 0 : -1;
}
static int child_memory(void)
{
    pid_t c = fork();
    if (!c) {
        alarm(5);
        pause();
    }
    int r = opens(at("/proc/%d/mem", c), O_RDONLY);
    int e = errno;
    kill(c, SIGKILL);
    waitpid(c, NULL, 0);
    errno = e;
    return r;
}
static int runs(const char *path)
{
    pid_t c = vfork();
    int e = 0;
    if (!c) {
        execl(path, path, "-u", NULL);
        e = errno;
        _exit(99);
    }
    int status;
    waitpid(c, &status, 0);
    errno = e ? e : EACCES;
    return status ? -1 : 0;
}

/* ---- what belongs to us; given in the environment by the test */

static char *our(const char *name) { char *v = getenv(name); return v ? v : at("%s/pub/none", dir); }
static int renames(const char *p)
{
    char *q = at("%s.x", p);
    return rename(p, q) ? -1 : rename(q, p);
}
static int above(const char *p, int up)
{
    char *q = at("%s", p);
    while (up--)
        *strrchr(q, '/') = 0;
    return renames(q);
}
static int links(const char *p) { char *q = at("%s/pub/our%d", dir, getpid()); return link(p, q) ? -1 : opens(q, O_WRONLY); }
static int exchanges(const char *p)
{
    char *q = at("%s/pub/mine%d", dir, getpid());
    close(open(q, O_CREAT | O_WRONLY, 0600));
    return syscall(SYS_renameat2, AT_FDCWD, q, AT_FDCWD, p, 2) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, q, AT_FDCWD, p, 2);
}
static int lists(const char *p)
{
    char *q = at("%s", p);
    *strrchr(q, '/') = 0;
    return opens(q, O_RDONLY | O_DIRECTORY);
}
static int new_policies(void)
{
    char *fake = at("%s/pub/fake", dir), *config = our("OUR_CONFIG");
    mkdir(fake, 0700);
    unlink(config);
    return symlink(fake, config);
}

/* Kinds: A anybody gets it without us. R: only root does, the kernel itself refuses an ordinary user. K: only root can try, and the
 * kernel refuses it, because the right was given away: so must we, who could. N: cannot be shown here, for the reason in why_not. */
#define ATTEMPTS(X)                                                                                                    \
    X(A, "protected", prlimit_fsize, limit(RLIMIT_FSIZE))                                                              \
    X(A, "protected", prlimit_nofile, limit(RLIMIT_NOFILE))                                                            \
    X(A, "protected", prlimit_core, limit(RLIMIT_CORE))                                                                \
    X(A, "protected", prlimit_supervisor, limit_sup())                                                                 \
    X(A, "protected", sched_setaffinity, affinity())                                                                   \
    X(A, "protected", sched_setscheduler, scheduler())                                                                 \
    X(A, "protected", sched_setparam, param())                                                                         \
    X(A, "protected", sched_setattr, attr())                                                                           \
    X(A, "protected", setpriority_process, setpriority(PRIO_PROCESS, (id_t)victim, 19))                                 \
    X(A, "protected", setpriority_group, setpriority(PRIO_PGRP, (id_t)victim_group, 19))                                \
    X(N, "protected", setpriority_user, priority_of_user())                                                            \
    X(A, "protected", ioprio_process, ioprio(1, victim))                                                               \
    X(A, "protected", ioprio_group, ioprio(2, victim_group))                                                           \
    X(N, "protected", ioprio_user, ioprio_of_user())                                                                   \
    X(A, "signal", kill, kill(victim, SIGURG))                                                                         \
    X(A, "signal", kill_group, kill(-victim_group, SIGURG))                                                            \
    X(A, "signal", tkill, (int)syscall(SYS_tkill, victim, SIGURG))                                                     \
    X(A, "signal", tgkill, (int)syscall(SYS_tgkill, victim, victim, SIGURG))                                           \
    X(A, "signal", sigqueueinfo, queue_info())                                                                         \
    X(A, "signal", tgsigqueueinfo, tgqueue_info())                                                                     \
    X(A, "signal", pidfd_signal, (int)syscall(SYS_pidfd_send_signal, pidfd(), SIGURG, NULL, 0))                        \
    X(A, "signal", sigio_owner, by_owner())                                                                            \
    X(A, "signal", sigio_owner_ex, owner_memory())                                                                     \
    X(A, "protected", ptrace_attach, seize())                                                                          \
    X(A, "protected", process_vm_readv, vm(SYS_process_vm_readv))                                                      \
    X(A, "protected", process_vm_writev, vm(SYS_process_vm_writev))                                                    \
    X(R, "protected", process_madvise, madvise_other())                                                                \
    X(A, "protected", pidfd_getfd, take_fd())                                                                          \
    X(A, "protected", kcmp, compare())                                                                                 \
    X(A, "protected", migrate_pages, pages())                                                                          \
    X(A, "protected", move_pages, moves())                                                                             \
    X(A, "protected", proc_mem, of_proc("mem", O_RDWR))                                                                \
    X(A, "protected", proc_mem_task, of_proc(at("task/%d/mem", victim), O_RDONLY))                                     \
    X(A, "protected", proc_environ, of_proc("environ", O_RDONLY))                                                      \
    X(A, "protected", proc_maps, of_proc("maps", O_RDONLY))                                                            \
    X(A, "protected", proc_fd, of_proc("fd/0", O_RDONLY))                                                              \
    X(A, "protected", proc_fd_folder, of_proc("fd", O_RDONLY | O_DIRECTORY))                                           \
    X(A, "any", proc_root, through_proc("root"))                                                                       \
    X(A, "any", proc_task_root, through_proc(at("task/%d/root", victim)))                                              \
    X(A, "any", proc_cwd, through_proc("cwd"))                                                                         \
    X(A, "protected", proc_exe, of_proc("exe", O_RDONLY))                                                              \
    X(A, "protected", oom_score, writes_proc("oom_score_adj", "500"))                                                  \
    X(A, "protected", proc_auxv, of_proc("auxv", O_RDONLY))                                                            \
    X(A, "protected", coredump_filter, writes_proc("coredump_filter", "0x33"))                                         \
    X(A, "protected", clear_refs, writes_proc("clear_refs", "1"))                                                      \
    X(R, "protected", unshare_mount, unshares(CLONE_NEWNS))                                                            \
    X(R, "protected", unshare_uts, unshares(CLONE_NEWUTS))                                                             \
    X(R, "protected", unshare_ipc, unshares(CLONE_NEWIPC))                                                             \
    X(A, "protected", unshare_user, unshares(CLONE_NEWUSER))                                                           \
    X(R, "protected", unshare_pid, unshares(CLONE_NEWPID))                                                             \
    X(R, "protected", unshare_net, unshares(CLONE_NEWNET))                                                             \
    X(R, "protected", unshare_cgroup, unshares(0x02000000))                                                            \
    X(A, "protected", unshare_user_all, unshares(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET))                          \
    X(A, "protected", clone_user, clones(CLONE_NEWUSER))                                                               \
    X(R, "protected", clone_mount, clones(CLONE_NEWNS))                                                                \
    X(R, "protected", clone_pid, clones(CLONE_NEWPID))                                                                 \
    X(R, "protected", clone_net, clones(CLONE_NEWNET))                                                                 \
    X(R, "silent", clone3_uts, clone_three())                                                                          \
    X(R, "protected", setns, setns(open("/proc/1/ns/uts", O_RDONLY) < 0 ? open("/proc/self/ns/uts", O_RDONLY) : 3, 0)) \
    X(R, "protected", mount, mounts())                                                                                 \
    X(R, "protected", mount_bind, binds())                                                                             \
    X(R, "protected", chroot, roots())                                                                                 \
    X(N, "protected", pivot_root, pivots())                                                                            \
    X(R, "protected", open_tree_clone, tree())                                                                         \
    X(A, "protected", open_tree, tree_plain())                                                                         \
    X(R, "protected", fsopen, fs(430, (unsigned long)"tmpfs", 0, 0))                                                   \
    X(R, "protected", fspick, fs(433, (unsigned long)AT_FDCWD, (unsigned long)"/proc", 0))                             \
    X(R, "protected", handle, handle())                                                                                \
    X(R, "protected", bpf, bpf_map())                                                                                  \
    X(A, "protected", perf_event_open, perf())                                                                         \
    X(A, "protected", userfaultfd, fault())                                                                            \
    X(A, "protected", add_key, key())                                                                                  \
    X(A, "protected", request_key, key_ask())                                                                          \
    X(A, "protected", keyctl, key_ctl())                                                                               \
    X(A, "protected", own_listener, listener(8))                                                                       \
    X(A, "protected", own_listener_flags, listener(8 | 32))                                                            \
    X(A, "silent", io_uring, uring())                                                                                  \
    X(A, "protected", landlock, landlock())                                                                            \
    X(A, "protected", int_80, old_gate())                                                                              \
    X(N, "protected", x32, x32())                                                                                      \
    X(A, "protected", tiocsti, types(TIOCSTI))                                                                         \
    X(A, "protected", tiocsti_high_bits, types(0))                                                                     \
    X(N, "protected", tioclinux, types(TIOCLINUX))                                                                     \
    X(N, "protected", set_mm_exe, fake_name())                                                                         \
    X(A, "quiet", dumpable, hidden())                                                                                  \
    X(K, "kernel", caps_read, after(caps_away, reads))                                                                 \
    X(K, "kernel", caps_chmod, after(caps_away, modes))                                                                \
    X(K, "kernel", caps_chown, after(caps_away, owners))                                                               \
    X(K, "kernel", uid_read, after(user, reads))                                                                       \
    X(K, "kernel", uid_chmod, after(user, modes))                                                                      \
    X(K, "kernel", uid_rename, after(user, replaced_owner))                                                            \
    X(K, "kernel", euid_read, after(raw_uid, reads))                                                                   \
    X(K, "kernel", fsuid_read, after(raw_fsuid, reads))                                                                \
    X(K, "kernel", bounding_read, at_exec(0, "read"))                                                                  \
    X(K, "kernel", bounding_chmod, at_exec(0, "chmod"))                                                                \
    X(K, "kernel", securebits_read, at_exec(1, "read"))                                                                \
    X(A, "p:port", tcp4, tcp("127.0.0.1"))                                                                             \
    X(A, "p:port", tcp4_any, tcp("0.0.0.0"))                                                                           \
    X(A, "p:port", tcp_mapped, tcp("::ffff:127.0.0.1"))                                                                \
    X(A, "p:port", tcp_mapped_any, tcp("::ffff:0.0.0.0"))                                                              \
    X(A, "p:port", tcp_mapped_scope, tcp_mixed())                                                                      \
    X(A, "p:port", tcp_long, tcp_long(sizeof(struct sockaddr_storage)))                                                \
    X(A, "p:port", tcp_async, tcp_async())                                                                             \
    X(A, "p:port", fastopen_sendto, fast(0))                                                                           \
    X(A, "p:port", fastopen_sendmsg, fast(1))                                                                          \
    X(A, "p:port", fastopen_sendmmsg, fast(2))                                                                         \
    X(A, "p:port", fastopen_connect, fast_connect())                                                                   \
    X(A, "p:port", udp_sendto, udp(0))                                                                                 \
    X(A, "p:port", udp_sendmsg, udp(1))                                                                                \
    X(A, "p:port", udp_sendmmsg, udp(2))                                                                               \
    X(A, "p:port", udp_connect, udp(3))                                                                                \
    X(A, "p:port", udp_connected_sendto, udp(4))                                                                       \
    X(A, "p:port", udp_high_pointer, udp(5))                                                                           \
    X(A, "p:port", udp_unspec, udp(6))                                                                                 \
    X(A, "p:port", udp_any, udp(7))                                                                                    \
    X(A, "p:port", udp_other_loopback, udp(8))                                                                         \
    X(A, "p:port", udp_mapped, udp6("::ffff:127.0.0.1"))                                                               \
    X(A, "p:sock", unix_path, unix_to(at("%s/sec/sock", dir)))                                                         \
    X(A, "p:sock", unix_dots, unix_to(at("%s/pub/.././sec//sock", dir)))                                               \
    X(A, "p:sock", unix_symlink, unix_link())                                                                          \
    X(A, "p:sock", unix_relative, unix_up())                                                                           \
    X(A, "p:sock", unix_proc_fd, unix_fd())                                                                            \
    X(A, "p:sock", unix_proc_root, unix_to(at("/proc/self/root%s/sec/sock", dir)))                                     \
    X(A, "p:sock", unix_no_nul, unix_whole())                                                                          \
    X(A, "p:sock", unix_sendto, unix_dgram(0))                                                                         \
    X(A, "p:sock", unix_sendmsg, unix_dgram(1))                                                                        \
    X(A, "p:sock", unix_dgram_connect, unix_dgram(2))                                                                  \
    X(A, "p:abstract", unix_abstract, unix_abstract("", 0))                                                            \
    X(A, "p:abstract", unix_abstract_nul, unix_abstract("\0x", 2))                                                     \
    X(A, "p:sec", unix_hard_link, unix_moved())                                                                        \
    X(A, "p:sec", unix_bind, bound(at("%s/sec/new%d", dir, getpid())))                                                 \
    X(R, "silent", packet, family(AF_PACKET, SOCK_RAW, 0))                                                             \
    X(R, "kernel", raw_socket, family(AF_INET, SOCK_RAW, IPPROTO_UDP))                                                 \
    X(A, "silent", netlink_diag, family(AF_NETLINK, SOCK_RAW, 4))                                                      \
    X(A, "silent", netlink_uevent, family(AF_NETLINK, SOCK_DGRAM, 15))                                                 \
    X(A, "silent", mptcp, family(AF_INET, SOCK_STREAM, 262))                                                           \
    X(N, "silent", sctp, family(AF_INET, SOCK_STREAM, 132))                                                            \
    X(N, "silent", sctp_by_type, family(AF_INET, SOCK_SEQPACKET | SOCK_CLOEXEC, 0))                                    \
    X(N, "silent", vsock, family(AF_VSOCK, SOCK_STREAM, 0))                                                            \
    X(N, "silent", alg, family(38, SOCK_SEQPACKET, 0))                                                                 \
    X(R, "protected", source_route, route(IPPROTO_IP, IP_OPTIONS))                                                     \
    X(A, "protected", source_route6, route(IPPROTO_IPV6, IPV6_RTHDR))                                                  \
    X(R, "any", source_route_message, route_message())                                                                 \
    X(A, "p:mq", mq_create, queue(O_CREAT | O_RDWR))                                                                   \
    X(A, "p:mq", mq_open, queue(O_RDONLY))                                                                             \
    X(A, "p:mq", mq_open_raw, queue_raw())                                                                             \
    X(A, "p:mq", mq_unlink, queue_away())                                                                              \
    X(A, "no core", core_file, core_file())                                                                            \
    X(R, "protected", disk, disk())                                                                                    \
    X(R, "protected:kernel", core_pattern, opens("/proc/sys/kernel/core_pattern", O_WRONLY))                           \
    X(N, "protected:kernel", sysrq, opens("/proc/sysrq-trigger", O_WRONLY))                                            \
    X(N, "protected:kernel", cgroup, opens("/sys/fs/cgroup/cgroup.procs", O_WRONLY))                                   \
    X(N, "protected:kernel", userfault_device, opens("/dev/userfaultfd", O_RDWR))                                      \
    X(A, "p:sec", removed_cwd, removed_cwd())                                                                          \
    X(A, "p:sec", deep_relative, deep())                                                                               \
    X(A, "p:sec", thread_folder, thread_folder())                                                                      \
    X(A, "p:sec", thread_table, thread_table())                                                                        \
    X(A, "p:sec", vfork_child, vfork_shares())                                                                         \
    X(A, "protected", self_mem_write, self_memory())                                                                   \
    X(A, "protected", child_mem, child_memory())                                                                       \
    X(A, "p:prog", exec, runs("/usr/bin/id"))                                                                          \
    X(A, "protected:own-files", audit_write, opens(our("OUR_AUDIT"), O_WRONLY | O_APPEND))                             \
    X(A, "protected:own-files", audit_truncate, truncate(our("OUR_AUDIT"), 0))                                         \
    X(A, "protected:own-files", audit_rename, renames(our("OUR_AUDIT")))                                               \
    X(A, "protected:own-files", audit_folder_rename, above(our("OUR_AUDIT"), 1))                                       \
    X(A, "protected:own-files", audit_hard_link, links(our("OUR_AUDIT")))                                              \
    X(A, "protected:own-files", audit_exchange, exchanges(our("OUR_AUDIT")))                                           \
    X(A, "protected:own-files", audit_chmod, chmod(our("OUR_AUDIT"), 0666))                                            \
    X(A, "protected:own-files", audit_unlink, unlink(our("OUR_AUDIT")))                                                \
    X(A, "protected:own-files", denials_write, opens(our("SENTINEL_WATCH_DENIALS"), O_WRONLY))                         \
    X(A, "protected:own-files", denials_rename, renames(our("SENTINEL_WATCH_DENIALS")))                                \
    X(A, "protected:own-files", denials_truncate, truncate(our("SENTINEL_WATCH_DENIALS"), 0))                          \
    X(A, "protected:own-files", policy_write, opens(our("OUR_POLICY"), O_WRONLY))                                      \
    X(A, "protected:own-files", policy_rename, renames(our("OUR_POLICY")))                                             \
    X(A, "protected:own-files", policy_hard_link, links(our("OUR_POLICY")))                                            \
    X(A, "protected:own-files", policy_folder_rename, above(our("OUR_POLICY"), 1))                                     \
    X(A, "protected:own-files", config_link, new_policies())                                                           \
    X(A, "protected:own-sockets", socket_connect, unix_to(our("OUR_SOCKET")))                                          \
    X(A, "protected:own-sockets", socket_list, lists(our("OUR_SOCKET")))          \
    X(A, "protected:own-sockets", socket_hard_link, link(our("OUR_SOCKET"), at("%s/pub/socket", dir)))                                          \
    X(A, "protected:own-sockets", socket_folder_rename, above(our("OUR_SOCKET"), 1))

static const char *const why_not[][2] = {
    {"pivot_root", "needs a mount to pivot to"},
    {"set_mm_exe", "needs CAP_SYS_RESOURCE"},
    {"x32", "this kernel may have no x32 calls"},
    {"tioclinux", "needs a virtual console"},
    {"setpriority_user", "would change every program of this user"},
    {"ioprio_user", "would change every program of this user"},
    {"sysrq", "no sysrq in this kernel"},
    {"cgroup", "no cgroups are mounted here"},
    {"userfault_device", "this kernel may not have it"},
    {"sctp", "no SCTP in this kernel"},
    {"sctp_by_type", "no SCTP in this kernel"},
    {"vsock", "no vsock in this kernel"},
    {"alg", "no AF_ALG in this kernel"},
};

static void one(char kind, const char *expect, const char *name, int (*act)(void))
{
    fflush(stdout);
    pid_t c = fork();
    if (!c) {
        alarm(15);
        int r = act();
        _exit(r ? errno ? errno : 255 : 0);
    }
    int status;
    waitpid(c, &status, 0);
    const char *why = "";
    for (size_t i = 0; kind == 'N' && i < sizeof why_not / sizeof *why_not; i++)
        if (!strcmp(why_not[i][0], name))
            why = why_not[i][1];
    if (kind == 'R' || kind == 'K')
        why = kind == 'R' ? "root" : "given away";
    const char *e = WIFEXITED(status) ? strerrorname_np(WEXITSTATUS(status)) : strsignal(WTERMSIG(status));
    printf("%s\t%s\t%d\t%s\t%s\n", name, status ? e ? e : "failed" : "GOT", c, expect, *why ? why : "-");
}

#define FUNCTION(kind, expect, name, call)                                                                             \
    static int try_##name(void)                                                                                        \
    {                                                                                                                  \
        return call;                                                                                                   \
    }
ATTEMPTS(FUNCTION)

/* ---- the outside */

static volatile sig_atomic_t got;
static char mark[400];
static void on_usr2(int sig)
{
    (void)sig;
    got = 1;
    close(open(mark, O_CREAT | O_WRONLY, 0666));
}

static int listening(int domain, const struct sockaddr *a, socklen_t len, int type)
{
    int s = socket(domain, type, 0);
    if (bind(s, a, len) || (type == SOCK_STREAM && listen(s, 100))) {
        perror("attempts serve");
        exit(1);
    }
    return s;
}

static void serve(void) __attribute__((noreturn));
static void serve(void)
{
    alarm(300);
    if (getenv("OUR_SOCKET")) {
        struct sockaddr_un o = un(getenv("OUR_SOCKET"));
        listening(AF_UNIX, (void *)&o, sizeof o, SOCK_STREAM);
    }
    if (chdir("/"))
        exit(1);
    setpgid(0, 0);
    snprintf(mark, sizeof mark, "%s/pub/sigusr2", dir);
    signal(SIGUSR2, on_usr2);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    socklen_t len = sizeof a;
    /* Both stacks, TCP and UDP at the same number. */
    int t = listening(AF_INET6, (void *)&a, sizeof a, SOCK_STREAM), fast_open = 16;
    setsockopt(t, IPPROTO_TCP, TCP_FASTOPEN, &fast_open, sizeof fast_open);
    getsockname(t, (void *)&a, &len);
    port = ntohs(a.sin6_port);
    listening(AF_INET6, (void *)&a, sizeof a, SOCK_DGRAM);
    struct sockaddr_in6 b = {.sin6_family = AF_INET6};
    int u = listening(AF_INET6, (void *)&b, sizeof b, SOCK_STREAM);
    getsockname(u, (void *)&b, &len);
    listening(AF_INET6, (void *)&b, sizeof b, SOCK_DGRAM);
    struct sockaddr_un s = un(at("%s/sec/sock", dir));
    listening(AF_UNIX, (void *)&s, sizeof s, SOCK_STREAM);
    s = un(at("%s/sec/dgram", dir));
    listening(AF_UNIX, (void *)&s, sizeof s, SOCK_DGRAM);
    for (int nul = 0; nul < 2; nul++) {
        struct sockaddr_un x = {.sun_family = AF_UNIX};
        size_t n = (size_t)snprintf(x.sun_path + 1, 60, "sw-attempts-%d", port) + 1;
        x.sun_path[n + 1] = 'x';
        listening(AF_UNIX, (void *)&x, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (nul ? 2 : 0)), SOCK_STREAM);
    }
    FILE *f = fopen(at("%s/pub/served.new", dir), "w");
    fprintf(f, "%d %d %d\n", port, ntohs(b.sin6_port), getpid());
    fclose(f);
    rename(at("%s/pub/served.new", dir), at("%s/pub/served", dir));
    for (;;)
        pause();
}

/* Who supervises us: our parent, the front above it, and the front's child that writes the log. */
static int field(int pid, const char *format)
{
    char line[400];
    int n = -1;
    FILE *f = fopen(at("/proc/%d/status", pid), "r");
    while (f && fgets(line, sizeof line, f) && sscanf(line, format, &n) != 1)
        ;
    if (f)
        fclose(f);
    return n;
}

static int find_victim(const char *who)
{
    int supervisor = getppid(), front = field(supervisor, "PPid: %d");
    if (!strcmp(who, "supervisor"))
        return supervisor;
    if (!strcmp(who, "front"))
        return front;
    for (int pid = 2; pid < 4 << 20; pid++) {
        char name[40] = "";
        FILE *f = fopen(at("/proc/%d/comm", pid), "r");
        if (f && fgets(name, sizeof name, f) && !strncmp(name, "sentinel-scribe", 15) && field(pid, "PPid: %d") == front)
            return pid;
        if (f)
            fclose(f);
    }
    return -1;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    snprintf(dir, sizeof dir, "%s", argv[2]);
    snprintf(secret, sizeof secret, "%s/sec/file", dir);
    if (!strcmp(argv[1], "serve"))
        serve();
    if (!strcmp(argv[1], "then")) { /* behind at_exec() */
        char f[400];
        foreign_file(f, sizeof f);
        alarm(10);
        return (strcmp(argv[3], "read") ? modes(f) : reads(f)) ? errno : 0;
    }
    alarm(240);
    FILE *f = fopen(at("%s/pub/served", dir), "r");
    if (!f || fscanf(f, "%d %d %d", &port, &open_port, &victim) != 3)
        return 2;
    fclose(f);
    victim_group = victim;
    if (getenv("VICTIM"))
        victim = find_victim(getenv("VICTIM"));
#define RUN(kind, expect, name, call)                                                                                  \
    {                                                                                                                  \
        int wanted = argc == 3;                                                                                        \
        for (int i = 3; i < argc; i++)                                                                                 \
            wanted |= !strcmp(argv[i], #name);                                                                         \
        if (wanted)                                                                                                    \
            one(#kind[0], expect, #name, try_##name);                                                                  \
    }
    ATTEMPTS(RUN)
    return 0;
}
