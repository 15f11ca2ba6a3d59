/* calls - what one call costs, as the program that makes it sees it: make bench runs this plain and under each supervisor.
 *
 *   calls KIND N [FILE]     prints the median, the 10th and the 90th percentile in ns, and how many were measured
 *
 * KIND: open (absolute, for reading), openrel (relative to the working folder), openwrite (an existing file), denied (FILE is
 * refused: the errno is expected), unix, tcp (connect over loopback), fork, vfork, spawn (posix_spawn): exec and wait.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- opening */

static const char *file;
static int open_flags;

static uint64_t one_open(void)
{
    uint64_t a = now();
    int fd = openat(AT_FDCWD, file, open_flags | O_CLOEXEC);
    if (fd < 0)
        fail(file);
    close(fd);
    return now() - a;
}

static uint64_t one_denied(void)
{
    uint64_t a = now();
    int fd = openat(AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
    uint64_t b = now();
    if (fd >= 0) {
        fprintf(stderr, "calls: %s should be denied, and can be opened\n", file);
        exit(1);
    }
    return b - a;
}

/* ---- connecting; only connect itself is timed */

static struct sockaddr_storage peer;
static socklen_t peer_len;
static int listener;

static void listen_at(int family)
{
    struct sockaddr_un *un = (void *)&peer;
    struct sockaddr_in *in = (void *)&peer;
    peer.ss_family = (sa_family_t)family;
    if (family == AF_UNIX) {
        const char *dir = getenv("TMPDIR");
        snprintf(un->sun_path, sizeof un->sun_path, "%s/calls.%d", dir ? dir : "/tmp", getpid());
        unlink(un->sun_path);
        peer_len = sizeof *un;
    } else {
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        peer_len = sizeof *in;
    }
    listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (void *)&peer, peer_len) || listen(listener, 16))
        fail("listening");
    if (family == AF_INET)
        getsockname(listener, (void *)&peer, &peer_len);
}

static uint64_t one_connect(void)
{
    int fd = socket(peer.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct linger hard = {1, 0}; /* no TIME_WAIT: thousands of connections would use up the ports */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    uint64_t a = now();
    if (connect(fd, (void *)&peer, peer_len))
        fail("connect");
    uint64_t b = now();
    int got = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    close(fd);
    close(got);
    return b - a;
}

/* ---- running a program */

static char *const argv_true[] = {"/bin/true", "--one", "two", NULL};

static void await(pid_t pid)
{
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
        fail("running /bin/true");
}

static uint64_t one_fork(void)
{
    uint64_t a = now();
    pid_t pid = fork();
    if (!pid) {
        execve(argv_true[0], argv_true, environ);
        _exit(1);
    }
    await(pid);
    return now() - a;
}

static uint64_t one_vfork(void)
{
    uint64_t a = now();
    pid_t pid = vfork();
    if (!pid) {
        execve(argv_true[0], argv_true, environ);
        _exit(1);
    }
    await(pid);
    return now() - a;
}

static uint64_t one_spawn(void)
{
    pid_t pid;
    uint64_t a = now();
    if (posix_spawn(&pid, argv_true[0], NULL, NULL, argv_true, environ))
        fail("posix_spawn");
    await(pid);
    return now() - a;
}

/* ---- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint64_t (*one)(void);
        int detail; /* open flags, or the family */
    } kinds[] = {{"open", one_open, O_RDONLY},   {"openrel", one_open, O_RDONLY}, {"openwrite", one_open, O_WRONLY},
                 {"denied", one_denied, 0},      {"unix", one_connect, AF_UNIX},  {"tcp", one_connect, AF_INET},
                 {"fork", one_fork, 0},          {"vfork", one_vfork, 0},         {"spawn", one_spawn, 0}};
    long n = argc > 2 ? atol(argv[2]) : 0;
    for (size_t k = 0; n > 0 && k < sizeof kinds / sizeof *kinds; k++) {
        if (strcmp(kinds[k].name, argv[1]))
            continue;
        file = argc > 3 ? argv[3] : "/etc/passwd";
        open_flags = kinds[k].detail;
        if (kinds[k].one == one_connect)
            listen_at(kinds[k].detail);
        uint64_t *ns = calloc((size_t)n, sizeof *ns);
        for (long i = -n / 10 - 3; i < n; i++) { /* the first ones warm up */
            uint64_t t = kinds[k].one();
            if (i >= 0)
                ns[i] = t;
        }
        if (kinds[k].one == one_connect && peer.ss_family == AF_UNIX)
            unlink(((struct sockaddr_un *)&peer)->sun_path);
        qsort(ns, (size_t)n, sizeof *ns, by_size);
        printf("%llu %llu %llu %ld\n", (unsigned long long)ns[n / 2], (unsigned long long)ns[n / 10], (unsigned long long)ns[n * 9 / 10], n);
        return 0;
    }
    fprintf(stderr, "calls KIND N [FILE]: open openrel openwrite denied unix tcp fork vfork spawn\n");
    return 2;
}
