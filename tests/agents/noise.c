/* noise: trapped calls with arguments that make no sense, from many processes: unreadable, unterminated, page-crossing, oversized and odd
 * memory, numbers of every kind. Nothing is checked here: the test looks whether the supervisor lives and DIR/sec is as it was.
 *
 *   noise DIR SECONDS [SEED]
 *
 * It would do to the machine what it does to DIR (its paths lead to / and /dev too), so it runs for an ordinary user without
 * capabilities only, inside of a session only, and under a policy that lets nothing but DIR be written.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned seed;
static char *edge, *soup; /* edge: the last byte of a page before one that cannot be read; soup: random bytes and pointers */
static char dir[200];
static int above; /* the supervisor */

static unsigned rnd(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static const char *path(void)
{
    static char text[8192];
    static const char *const parts[] = {"/", "sec", "pub", "..", ".", "file", "proc/self", "fd", "0", "root", "cwd", "dev/fd/3", "task", "\xff\xfe", "a\nb",
                                        "exe", "proc/1", "dev/stdin", "mem", "link", "proc/thread-self", "dev/tty", "fifo", "sock"};
    int n = (int)rnd(6);
    size_t at = (size_t)snprintf(text, sizeof text, "%s", rnd(3) ? dir : rnd(2) ? "" : "/");
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "/%s", parts[rnd(sizeof parts / sizeof *parts)]);
    if (!rnd(40))
        for (; at < 4090; at++)
            text[at] = 'x';
    if (!rnd(4)) { /* up to the edge */
        size_t len = strlen(text) + 1;
        char *p = edge + 1 - len;
        memcpy(p, text, len);
        if (!rnd(4))
            p[len - 1] = 'z'; /* and not terminated */
        return p;
    }
    return text;
}

static unsigned long value(void)
{
    static const unsigned long odd[] = {0, 1, 2, 3, 4, 5, 7, 8, 100, 128, 4096, 0x7fffffff, 0x80000000, 0xffffffff, 0xffffff9c /* AT_FDCWD */,
                                        0xfffffffffffffff, -1ul, -100ul, 0x1000, 0x800, 0x80000, 0x200000, 0x410000};
    switch (rnd(8)) {
    case 0:
        return (unsigned long)path();
    case 1:
        return (unsigned long)soup + rnd(4096 * 3);
    case 2:
        return (unsigned long)edge - rnd(128);
    case 3:
        return rnd(64);
    case 4:
        return 1ul << rnd(64);
    default:
        return odd[rnd(sizeof odd / sizeof *odd)];
    }
}

static void stir(void)
{
    for (int i = 0; i < 64; i++)
        ((unsigned long *)soup)[rnd(4096 * 3 / 8)] = value();
    struct sockaddr_in *in = (void *)(soup + 64 * rnd(60));
    *in = (struct sockaddr_in){.sin_family = (sa_family_t)rnd(45), .sin_port = htons((unsigned short)(rnd(3) + 9)), .sin_addr.s_addr = htonl(0x7f000001)};
}

static const int calls[] = {
    SYS_open, SYS_openat, SYS_creat, 437 /* openat2 */, SYS_unlink, SYS_unlinkat, SYS_rename, SYS_renameat2, SYS_link, SYS_linkat, SYS_symlink,
    SYS_symlinkat, SYS_mkdir, SYS_mkdirat, SYS_mknod, SYS_mknodat, SYS_rmdir, SYS_truncate, SYS_chmod, SYS_fchmod, SYS_fchmodat, 452, SYS_chown,
    SYS_fchown, SYS_fchownat, SYS_lchown, SYS_utime, SYS_utimes, SYS_utimensat, SYS_futimesat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, 463,
    SYS_removexattr, SYS_fremovexattr, 466, 469, SYS_connect, SYS_bind, SYS_listen, SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_setsockopt, SYS_execve, SYS_execveat,
    SYS_mq_open, SYS_mq_unlink, SYS_ioctl, SYS_prlimit64, SYS_setpriority, SYS_sched_setaffinity, SYS_ioprio_set, SYS_prctl, SYS_seccomp,
    SYS_unshare, SYS_setns, SYS_mount, SYS_ptrace, SYS_keyctl, SYS_bpf, SYS_socket, SYS_dup2, SYS_fchdir, SYS_chdir, SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_landlock_create_ruleset,
};

static void once(void)
{
    int nr = calls[rnd(sizeof calls / sizeof *calls)];
    unsigned long a[6];
    for (int i = 0; i < 6; i++)
        a[i] = value();
    if (nr == SYS_dup2)
        a[0] = rnd(32), a[1] = rnd(32) + 3;
    if ((nr == SYS_execve || nr == SYS_execveat) && rnd(30))
        return; /* it may work, and then this is another program */
    if (nr == SYS_prctl && (a[0] & 0xffffffff) == 22 /* SECCOMP */)
        return;
    if (nr == SYS_seccomp && !a[0])
        return; /* strict mode */
    if (nr == SYS_setpriority || nr == SYS_prlimit64)
        a[nr == SYS_setpriority] = (unsigned long)above;
    if (!rnd(16))
        stir();
    syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void *other(void *arg)
{
    for (;;)
        stir();
    return arg;
}

/* No root, no capability, and a filter above us. */
static int confined(void)
{
    char line[400];
    unsigned long caps = 1;
    int seccomp = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f)) {
        sscanf(line, "CapEff: %lx", &caps);
        sscanf(line, "Seccomp: %d", &seccomp);
    }
    if (f)
        fclose(f);
    return getuid() && geteuid() && !caps && seccomp == 2;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    snprintf(dir, sizeof dir, "%s", argv[1]);
    if (!confined()) {
        fprintf(stderr, "noise: only as an ordinary user, and only under sentinel-watch\n");
        return 2;
    }
    int seconds = atoi(argv[2]);
    above = getppid();
    unsigned from = argc > 3 ? (unsigned)atoi(argv[3]) : (unsigned)time(NULL);
    printf("noise: seed %u\n", from);
    fflush(stdout);
    time_t end = time(NULL) + seconds;
    alarm((unsigned)seconds + 30);
    long runs = 0;
    while (time(NULL) < end) {
        pid_t c[4];
        for (int i = 0; i < 4; i++) {
            seed = from + (unsigned)runs++;
            c[i] = fork();
            if (c[i])
                continue;
            alarm(2);
            int null = open("/dev/null", O_RDWR);
            for (int fd = 0; fd < 3; fd++)
                dup2(null, fd);
            soup = mmap(NULL, 4096 * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            char *page = mmap(NULL, 4096 * 5, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            mprotect(page + 4096 * 4, 4096, PROT_NONE);
            edge = page + 4096 * 4 - 1;
            for (int f = 0; f < 4; f++) {
                socket(AF_INET, f & 1 ? SOCK_STREAM : SOCK_DGRAM, 0);
                socket(AF_UNIX, f & 1 ? SOCK_STREAM : SOCK_DGRAM, 0);
                open(dir, O_RDONLY | O_DIRECTORY | (f & 1 ? O_PATH : 0));
            }
            for (int s = 1; s < 32; s++)
                if (s != SIGALRM)
                    signal(s, SIG_IGN);
            pthread_t t;
            if (rnd(2))
                pthread_create(&t, NULL, other, NULL);
            for (int n = 0; n < 400; n++)
                once();
            _exit(0);
        }
        for (int i = 0; i < 4; i++)
            waitpid(c[i], NULL, 0);
    }
    printf("noise: %ld processes\n", runs);
    return 0;
}
