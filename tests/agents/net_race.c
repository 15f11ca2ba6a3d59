/* net_race KIND OK DENIED MILLISECONDS: reaches port DENIED of 127.0.0.1 by changing what a call points at while it is looked at.
 *
 * Each try uses an address that is either the allowed or the denied port, whichever the other thread left there, so
 * without a supervisor about half of them reach the denied one. Prints "tries N reached M"; reached is what
 * really arrived: the peer of a connected socket, or an answer from the denied port (the test's server echoes datagrams).
 *
 * KIND: thread vm shared (connect; who changes it)   udp sendto sendmsg name mmsg (what is changed)   dup (the descriptor)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
    struct sockaddr_in a;       /* what calls point at */
    struct sockaddr_in ok, bad; /* for a pointer that is changed */
    struct msghdr m;
    struct mmsghdr mm[2];
    struct iovec iov;
    atomic_int stop;
};
static struct shared *sh;
static uint16_t ok_port, bad_port;
static int number = 400, udp_fd, tcp_fd;
static const char *kind;

static struct sockaddr_in at(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int flip(void *arg)
{
    volatile uint16_t *port = &sh->a.sin_port;
    void *volatile *name = &sh->m.msg_name, *volatile *mname = &sh->mm[1].msg_hdr.msg_name;
    unsigned random = 1;
    while (!sh->stop) {
        int bad = random >> 16 & 1; /* either stands there for half of the time */
        if (!strcmp(kind, "dup"))
            dup2(bad ? tcp_fd : udp_fd, number);
        else if (!strcmp(kind, "name"))
            *name = bad ? &sh->bad : &sh->ok;
        else if (!strcmp(kind, "mmsg"))
            *mname = bad ? &sh->bad : &sh->ok;
        else
            *port = htons(bad ? bad_port : ok_port);
        random = random * 1103515245u + 12345u;
        for (unsigned i = 0; i < (random >> 8 & 63); i++)
            __asm__ volatile("");
        if (random >> 8 & 1 && random >> 9 & 1 && random >> 10 & 1)
            sched_yield();
    }
    return 0;
}

static void *thread(void *arg)
{
    flip(arg);
    return NULL;
}

/* One connect: did it arrive at the denied port? */
static int try_connect(void)
{
    int s = socket(AF_INET, SOCK_STREAM, 0), r = 0;
    struct sockaddr_in peer;
    socklen_t n = sizeof peer;
    struct linger l = {1, 0}; /* no TIME_WAIT: ports do not run out */
    setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    if (connect(s, (void *)&sh->a, sizeof sh->a) == 0 && getpeername(s, (void *)&peer, &n) == 0)
        r = peer.sin_port == htons(bad_port);
    close(s);
    return r;
}

static int try_dup(void)
{
    struct sockaddr_in a = at(bad_port), peer;
    socklen_t n = sizeof peer;
    connect(number, (void *)&a, sizeof a);
    if (getpeername(tcp_fd, (void *)&peer, &n))
        return 0;
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    connect(tcp_fd, &none, sizeof none);
    return 1;
}

static void send_one(int s)
{
    if (!strcmp(kind, "sendto"))
        sendto(s, "x", 1, 0, (void *)&sh->a, sizeof sh->a);
    else if (!strcmp(kind, "mmsg"))
        sendmmsg(s, sh->mm, 2, 0);
    else
        sendmsg(s, &sh->m, 0);
}

static int answers(int s, int wait)
{
    struct sockaddr_in from;
    socklen_t n = sizeof from;
    char b[16];
    int r = 0;
    struct pollfd q = {s, POLLIN, 0};
    while (poll(&q, 1, wait) > 0) {
        if (recvfrom(s, b, sizeof b, MSG_DONTWAIT, (void *)&from, &n) < 0)
            break;
        r += from.sin_port == htons(bad_port);
    }
    return r;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    kind = argv[1];
    ok_port = (uint16_t)atoi(argv[2]);
    bad_port = (uint16_t)atoi(argv[3]);
    double end = now() + atof(argv[4]);
    int by_process = !strcmp(kind, "shared"), by_vm = !strcmp(kind, "vm");
    sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | (by_process ? MAP_SHARED : MAP_PRIVATE), -1, 0);
    sh->a = sh->ok = at(ok_port);
    sh->bad = at(bad_port);
    sh->iov = (struct iovec){(void *)"x", 1};
    sh->m = (struct msghdr){.msg_name = &sh->a, .msg_namelen = sizeof sh->a, .msg_iov = &sh->iov, .msg_iovlen = 1};
    if (!strcmp(kind, "name"))
        sh->m.msg_name = &sh->ok;
    sh->mm[0].msg_hdr = sh->mm[1].msg_hdr = (struct msghdr){.msg_name = &sh->ok, .msg_namelen = sizeof sh->ok, .msg_iov = &sh->iov, .msg_iovlen = 1};
    udp_fd = socket(AF_INET, SOCK_DGRAM, 0);
    tcp_fd = socket(AF_INET, SOCK_STREAM, 0);
    dup2(udp_fd, number);

    pthread_t t;
    pid_t pid = 0;
    if (by_process && !(pid = fork()))
        _exit(flip(NULL));
    if (by_vm) {
        char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pid = clone(flip, stack + 65536, CLONE_VM | SIGCHLD, NULL);
    }
    if (!pid)
        pthread_create(&t, NULL, thread, NULL);

    int s = socket(AF_INET, SOCK_DGRAM, 0), tries = 0, reached = 0, streams = by_process || by_vm || !strcmp(kind, "thread");
    while (now() < end) {
        tries++;
        if (streams) {
            reached += try_connect();
        } else if (!strcmp(kind, "dup")) {
            reached += try_dup();
        } else {
            send_one(s);
            reached += answers(s, 0);
        }
    }
    sh->stop = 1;
    if (!streams && strcmp(kind, "dup"))
        reached += answers(s, 300);
    if (pid)
        waitpid(pid, NULL, 0);
    else
        pthread_join(t, NULL);
    printf("tries %d reached %d\n", tries, reached);
    return 0;
}
