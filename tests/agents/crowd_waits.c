/* crowd_waits KIND N: N threads wait for something at once, each gets a signal, then what they wait for comes. Prints how it went for
 * them; the same plain and supervised. In the file `threads`: how many threads the parent had meanwhile. Runs in an empty folder.
 *
 * KIND: tcp unix   connect() to a listener whose backlog is full
 *       dgram      sendto() a unix socket whose queue is full
 *       stream     sendmsg() on a unix stream that is full
 *       inet       sendmsg() on a TCP connection that is full
 *       reader writer   open() of a FIFO without the other end */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static const char *kind;
static int n, listener;
static struct sockaddr_storage where;
static socklen_t len;
static struct one { pthread_t thread; int fd, other; bool restart; _Atomic int state, interrupted, result; } *one;
static _Atomic int entered, done, ticks;

static bool is(const char *k)
{
    return !strcmp(kind, k);
}

static void on_signal(int sig)
{
    ticks++;
}

static int attempt(struct one *o)
{
    if (is("tcp") || is("unix"))
        return connect(o->fd, (void *)&where, len);
    if (is("dgram"))
        return sendto(o->fd, "x", 1, 0, (void *)&where, len) == 1 ? 0 : -1;
    if (is("stream") || is("inet")) {
        struct iovec v = {"x", 1};
        return sendmsg(o->fd, &(struct msghdr){.msg_iov = &v, .msg_iovlen = 1}, 0) == 1 ? 0 : -1;
    }
    int fd = open("fifo", is("reader") ? O_RDONLY : O_WRONLY);
    if (fd >= 0 && fcntl(fd, F_GETFL) & O_NONBLOCK)
        return -1;
    return fd < 0 ? -1 : 0;
}

static void *wait_here(void *arg)
{
    struct one *o = arg;
    entered++;
    while (attempt(o)) {
        if (errno != EINTR) {
            o->result = errno;
            break;
        }
        o->interrupted++;
    }
    done++;
    return NULL;
}

static void fill(int fd)
{
    static char big[4096];
    for (size_t k = sizeof big; k; k = k > 1 ? 1 : 0)
        while (send(fd, big, k, MSG_DONTWAIT) > 0)
            ;
}

static void prepare(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "sock"};
    bool tcp = is("tcp") || is("inet");
    int type = is("dgram") ? SOCK_DGRAM : SOCK_STREAM;
    if (is("reader") || is("writer")) {
        mkfifo("fifo", 0600);
        return;
    }
    listener = socket(tcp ? AF_INET : AF_UNIX, type, 0);
    len = tcp ? sizeof in : sizeof un;
    memcpy(&where, tcp ? (void *)&in : (void *)&un, len);
    bind(listener, (void *)&where, len);
    getsockname(listener, (void *)&where, &len);
    if (!is("dgram"))
        listen(listener, is("inet") ? 4096 : 0);
    for (int i = 0; i < n; i++) {
        struct one *o = &one[i];
        int pair[2];
        if (is("stream")) {
            socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
            o->fd = pair[0];
            o->other = pair[1];
            fill(o->fd);
            continue;
        }
        o->fd = socket(tcp ? AF_INET : AF_UNIX, type, 0);
        if (is("inet")) {
            int small = 4096;
            setsockopt(o->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
            connect(o->fd, (void *)&where, len);
            o->other = accept(listener, NULL, NULL);
            setsockopt(o->other, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
            fill(o->fd);
        }
    }
    for (int i = 0; i < 4 && (is("tcp") || is("unix")); i++) {
        int s = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(s, (void *)&where, len);
    }
    while (is("dgram")) {
        int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (sendto(s, "x", 1, 0, (void *)&where, len) < 0)
            break;
        close(s);
    }
}

static void *peer(void *arg)
{
    char b[65536];
    if (is("reader") || is("writer")) {
        close(open("fifo", is("reader") ? O_WRONLY : O_RDONLY)); /* it only looks in: natively all go on */
        usleep(500000);
        int fd = done < n ? open("fifo", is("reader") ? O_WRONLY | O_NONBLOCK : O_RDONLY | O_NONBLOCK) : -1;
        while (fd >= 0 && done < n)
            usleep(1000);
        return NULL;
    }
    if (is("tcp"))
        listen(listener, 4096);
    for (int i = 0; is("stream") || is("inet"); i = (i + 1) % n) {
        recv(one[i].other, b, sizeof b, MSG_DONTWAIT);
        if (done == n)
            return NULL;
    }
    for (;;)
        if (is("dgram"))
            recv(listener, b, 1, 0);
        else
            accept(listener, NULL, NULL);
}

static void parents_threads(void)
{
    char path[64], line[256];
    FILE *to = fopen("threads", "w");
    snprintf(path, sizeof path, "/proc/%d/status", getppid());
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "Threads:", 8) || !strncmp(line, "VmRSS:", 6))
            fputs(line, to);
    fclose(to);
}

int main(int argc, char **argv)
{
    kind = argv[1];
    n = atoi(argv[2]);
    one = calloc(n, sizeof *one);
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGUSR2, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART}, NULL);
    prepare();
    pthread_attr_t a;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 65536);
    for (int i = 0; i < n; i++) {
        one[i].restart = i & 1;
        if (pthread_create(&one[i].thread, &a, wait_here, &one[i]))
            return 2;
    }
    while (entered < n)
        usleep(1000);
    usleep(1500000);
    int early = done;
    parents_threads();
    for (int i = 0; i < n; i++)
        pthread_kill(one[i].thread, one[i].restart ? SIGUSR2 : SIGUSR1);
    for (int i = 0; i < 20000 && ticks < n; i++)
        usleep(1000);
    usleep(500000); /* and back in the call */
    pthread_t t;
    pthread_create(&t, NULL, peer, NULL);
    for (int i = 0; i < 40000 && done < n; i++)
        usleep(1000);
    int once = 0, more = 0, restarted = 0, failed = 0;
    for (int i = 0; i < n; i++) {
        once += !one[i].restart && one[i].interrupted == 1;
        restarted += one[i].restart && !one[i].interrupted;
        more += one[i].interrupted > 1;
        failed += one[i].result != 0;
        if (one[i].result && failed == 1)
            printf("failed: %s\n", strerror(one[i].result));
    }
    printf("%s: %d waited, %d handlers ran, %d got EINTR once, %d more often, %d were restarted, %d done, %d failed\n", kind, n - early, ticks,
           once, more, restarted, done, failed);
    fflush(stdout);
    _exit(0);
}
