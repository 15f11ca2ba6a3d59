/* One line a case of connect, sends, bind and listen: what it returned. The same natively, in log mode and in enforce.
 * Runs in an empty folder of its own, which must be the working folder. Names no port, pid or path that differs between runs. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD offsetof(struct sockaddr_un, sun_path)
#define SAY(text, call)                                                                                                \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        long r_ = (long)(call);                                                                                        \
        printf("%-44s %ld %s\n", text, r_, r_ < 0 ? strerrorname_np(errno) : "");                                     \
    } while (0)

static struct sockaddr_in in4(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct sockaddr_un un(const char *path)
{
    struct sockaddr_un u = {.sun_family = AF_UNIX};
    memcpy(u.sun_path, path, strlen(path) < sizeof u.sun_path ? strlen(path) : sizeof u.sun_path);
    return u;
}

static uint16_t port_of(int s)
{
    struct sockaddr_in6 a;
    socklen_t n = sizeof a;
    getsockname(s, (void *)&a, &n);
    return ntohs(a.sin6_port);
}

static int tcp_listener(uint16_t *port, int backlog)
{
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = in4(0);
    bind(s, (void *)&a, sizeof a);
    listen(s, backlog);
    *port = port_of(s);
    return s;
}

static int cun(int s, const char *path)
{
    struct sockaddr_un u = un(path);
    return connect(s, (void *)&u, HEAD + strlen(path) + 1);
}

static int bun(int s, const char *path)
{
    struct sockaddr_un u = un(path);
    return bind(s, (void *)&u, HEAD + strlen(path) + 1);
}

static void name_of(const char *what, int s, int peer)
{
    struct sockaddr_un u;
    memset(&u, 0, sizeof u);
    socklen_t n = sizeof u;
    int r = peer ? getpeername(s, (void *)&u, &n) : getsockname(s, (void *)&u, &n);
    printf("%-44s %d len %u", what, r, n);
    for (size_t i = 0; r == 0 && n > HEAD && i < n - HEAD && i < sizeof u.sun_path; i++)
        printf(u.sun_path[i] > 32 ? " %c" : " %d", u.sun_path[i]);
    puts("");
}

static void nothing(int sig)
{
}

static volatile sig_atomic_t pipes;
static void on_pipe(int sig)
{
    pipes++;
}

static void tcp(void)
{
    uint16_t port, closed;
    int l = tcp_listener(&port, 5), c = tcp_listener(&closed, 5), s, e = -1;
    close(c);
    socklen_t n = sizeof e;
    struct sockaddr_in a = in4(port), no = in4(closed), unspec = {.sin_family = AF_UNSPEC};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    unsigned char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 4096, 4096);

    SAY("tcp connect fd -1", connect(-1, (void *)&a, sizeof a));
    SAY("tcp connect fd 1000", connect(1000, (void *)&a, sizeof a));
    int file = open("/dev/null", O_RDONLY), path = open("/dev/null", O_PATH);
    SAY("tcp connect no socket", connect(file, (void *)&a, sizeof a));
    SAY("tcp connect O_PATH", connect(path, (void *)&a, sizeof a));
    SAY("tcp connect no socket, bad address", connect(file, (void *)8, sizeof a));
    s = socket(AF_INET, SOCK_STREAM, 0);
    SAY("tcp connect NULL", connect(s, NULL, sizeof a));
    SAY("tcp connect unmapped", connect(s, (void *)8, sizeof a));
    SAY("tcp connect over the edge of a page", connect(s, (void *)(page + 4090), sizeof a));
    memcpy(page + 4096 - sizeof a, &a, sizeof a);
    SAY("tcp connect length -1", connect(s, (void *)&a, -1));
    SAY("tcp connect length 0", connect(s, (void *)&a, 0));
    SAY("tcp connect length 1", connect(s, (void *)&a, 1));
    SAY("tcp connect length 15", connect(s, (void *)&a, 15));
    char big[300] = {0};
    memcpy(big, &a, sizeof a);
    SAY("tcp connect length 129", connect(s, (void *)big, 129));
    SAY("tcp connect v6 address", connect(s, (void *)&six, sizeof six));
    struct sockaddr_un u = un("x");
    SAY("tcp connect unix address", connect(s, (void *)&u, sizeof u));
    SAY("tcp connect unspec when unconnected", connect(s, (void *)&unspec, sizeof unspec));
    SAY("tcp connect refused", connect(s, (void *)&no, sizeof no));
    SAY("tcp connect at the edge of a page", connect(s, (void *)(page + 4096 - sizeof a), sizeof a));
    SAY("tcp connect again", connect(s, (void *)&a, sizeof a));
    SAY("tcp connect unspec", connect(s, (void *)&unspec, sizeof unspec));
    SAY("tcp connect after unspec", connect(s, (void *)&a, sizeof a));
    close(s);
    s = socket(AF_INET, SOCK_STREAM, 0);
    SAY("tcp connect length 128", connect(s, (void *)big, 128));
    close(s);
    s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = a;
    any.sin_addr.s_addr = 0;
    SAY("tcp connect 0.0.0.0", connect(s, (void *)&any, sizeof any));
    close(s);
    s = socket(AF_INET6, SOCK_STREAM, 0);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &six.sin6_addr);
    SAY("tcp6 connect v4 address", connect(s, (void *)&a, sizeof a));
    SAY("tcp6 connect length 23", connect(s, (void *)&six, 23));
    SAY("tcp6 connect mapped, length 24", connect(s, (void *)&six, 24));
    close(s);
    s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SAY("tcp non-blocking connect", connect(s, (void *)&a, sizeof a));
    struct pollfd q = {s, POLLOUT, 0};
    SAY("tcp non-blocking poll", poll(&q, 1, 2000));
    SAY("tcp non-blocking SO_ERROR", getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n) ? -1 : e);
    SAY("tcp non-blocking connect again", connect(s, (void *)&a, sizeof a));
    SAY("tcp non-blocking connect a third time", connect(s, (void *)&a, sizeof a));
    close(s);
    s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SAY("tcp non-blocking connect, refused", connect(s, (void *)&no, sizeof no));
    q.fd = s;
    poll(&q, 1, 2000);
    SAY("tcp non-blocking refused SO_ERROR", getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n) ? -1 : e);
    SAY("tcp non-blocking SO_ERROR once only", getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n) ? -1 : e);
    close(s);
    SAY("tcp connect a listener", connect(l, (void *)&a, sizeof a));
    close(l);

    /* A listener whose backlog is full: SYNs are dropped. */
    l = tcp_listener(&port, 0);
    a = in4(port);
    int fill[4];
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fill[i], (void *)&a, sizeof a);
    }
    s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SAY("tcp full: non-blocking", connect(s, (void *)&a, sizeof a));
    SAY("tcp full: non-blocking again", connect(s, (void *)&a, sizeof a));
    close(s);
    s = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval t = {0, 100000};
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
    SAY("tcp full: SO_SNDTIMEO", connect(s, (void *)&a, sizeof a));
    SAY("tcp full: SO_SNDTIMEO again", connect(s, (void *)&a, sizeof a));
    close(s);
    for (int restart = 0; restart < 2; restart++) {
        struct sigaction sa = {.sa_handler = nothing, .sa_flags = restart ? SA_RESTART : 0};
        sigaction(SIGALRM, &sa, NULL);
        s = socket(AF_INET, SOCK_STREAM, 0);
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 100000}, NULL);
        pid_t pid = 0;
        for (int i = 0; restart && i < 4; i++)
            close(fill[i]); /* nobody else wants the room that the child makes after the signal came */
        if (restart && !(pid = fork())) {
            usleep(300000);
            for (int i = 0; i < 6; i++) {
                fcntl(l, F_SETFL, O_NONBLOCK);
                close(accept(l, NULL, NULL));
            }
            _exit(0);
        }
        SAY(restart ? "tcp full: a signal with SA_RESTART" : "tcp full: a signal", connect(s, (void *)&a, sizeof a));
        if (!restart) {
            fcntl(s, F_SETFL, O_NONBLOCK);
            SAY("tcp full: then once more, non-blocking", connect(s, (void *)&a, sizeof a));
        }
        if (pid)
            waitpid(pid, NULL, 0);
        close(s);
        if (restart)
            continue;
        s = socket(AF_INET, SOCK_STREAM, 0);
        t = (struct timeval){5, 0};
        setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
        sa.sa_flags = SA_RESTART;
        sigaction(SIGALRM, &sa, NULL);
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 100000}, NULL);
        SAY("tcp full: a signal, SA_RESTART, SO_SNDTIMEO", connect(s, (void *)&a, sizeof a));
        close(s);
    }
    close(l);
    close(file);
    close(path);
    munmap(page, 4096);
}

static void udp(void)
{
    int r = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in a = in4(0), unspec = {.sin_family = AF_UNSPEC}, v;
    bind(r, (void *)&a, sizeof a);
    a = in4(port_of(r));
    static char big[70000];
    char b[100];
    struct iovec iov = {(void *)"hello", 5}, bad = {(void *)8, 5}, many[2] = {{(void *)"ab", 2}, {(void *)"cd", 2}};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &iov, .msg_iovlen = 1};

    SAY("udp send without an address", send(s, "x", 1, 0));
    SAY("udp sendto", sendto(s, "hello", 5, 0, (void *)&a, sizeof a));
    SAY("udp it came", recv(r, b, sizeof b, MSG_DONTWAIT));
    SAY("udp sendto nothing", sendto(s, "", 0, 0, (void *)&a, sizeof a));
    SAY("udp it came", recv(r, b, sizeof b, MSG_DONTWAIT));
    SAY("udp sendto too long", sendto(s, big, sizeof big, 0, (void *)&a, sizeof a));
    SAY("udp sendto bad data", sendto(s, (void *)8, 5, 0, (void *)&a, sizeof a));
    SAY("udp sendto bad address", sendto(s, "hello", 5, 0, (void *)8, sizeof a));
    SAY("udp sendto length 0", sendto(s, "hello", 5, 0, (void *)&a, 0));
    SAY("udp sendto length 8", sendto(s, "hello", 5, 0, (void *)&a, 8));
    SAY("udp sendto length -1", sendto(s, "hello", 5, 0, (void *)&a, -1));
    v = a;
    v.sin_family = AF_UNSPEC;
    SAY("udp sendto AF_UNSPEC is AF_INET", sendto(s, "hello", 5, 0, (void *)&v, sizeof v));
    SAY("udp it came", recv(r, b, sizeof b, MSG_DONTWAIT));
    v.sin_family = AF_UNIX;
    SAY("udp sendto wrong family", sendto(s, "hello", 5, 0, (void *)&v, sizeof v));
    v = a;
    v.sin_port = 0;
    SAY("udp sendto port 0", sendto(s, "hello", 5, 0, (void *)&v, sizeof v));
    SAY("udp6 sendto v4 address", sendto(six, "hello", 5, 0, (void *)&a, sizeof a));
    SAY("udp it came", recv(r, b, sizeof b, MSG_DONTWAIT));
    SAY("udp sendmsg", sendmsg(s, &m, 0));
    SAY("udp it came", recv(r, b, sizeof b, MSG_DONTWAIT));
    SAY("udp sendmsg NULL", sendmsg(s, NULL, 0));
    SAY("udp sendmsg fd -1", sendmsg(-1, &m, 0));
    SAY("udp sendmsg fd -1, NULL", sendmsg(-1, NULL, 0));
    SAY("udp sendmsg no socket", sendmsg(0, &m, 0));
    m.msg_iov = &bad;
    SAY("udp sendmsg bad data", sendmsg(s, &m, 0));
    m.msg_iov = (void *)8;
    SAY("udp sendmsg bad iovec", sendmsg(s, &m, 0));
    m.msg_iov = &iov;
    m.msg_iovlen = IOV_MAX + 1;
    SAY("udp sendmsg too many", sendmsg(s, &m, 0));
    m.msg_iov = many;
    m.msg_iovlen = 2;
    SAY("udp sendmsg of two parts", sendmsg(s, &m, 0));
    SAY("udp it came", recv(r, b, sizeof b, MSG_DONTWAIT));
    m.msg_iovlen = 0;
    SAY("udp sendmsg of no part", sendmsg(s, &m, 0));
    SAY("udp it came", recv(r, b, sizeof b, MSG_DONTWAIT));
    m.msg_iovlen = 1;
    m.msg_namelen = 500;
    struct sockaddr_storage wide = {0};
    memcpy(&wide, &a, sizeof a);
    m.msg_name = &wide;
    SAY("udp sendmsg a name length beyond all", sendmsg(s, &m, 0));
    SAY("udp it came", recv(r, b, sizeof b, MSG_DONTWAIT));
    m.msg_name = NULL;
    SAY("udp sendmsg no name", sendmsg(s, &m, 0));
    m.msg_control = b;
    m.msg_controllen = 8;
    SAY("udp sendmsg short control", sendmsg(s, &(struct msghdr){&a, sizeof a, &iov, 1, b, 8, 0}, 0));
    struct cmsghdr h = {.cmsg_len = 3, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    SAY("udp sendmsg bad control", sendmsg(s, &(struct msghdr){&a, sizeof a, &iov, 1, &h, sizeof h, 0}, 0));
    while (recv(r, b, sizeof b, MSG_DONTWAIT) >= 0)
        ;
    struct mmsghdr mm[3] = {{{&a, sizeof a, &iov, 1, NULL, 0, 0}, 99}, {{&a, sizeof a, many, 2, NULL, 0, 0}, 99}, {{(void *)8, sizeof a, &iov, 1, NULL, 0, 0}, 99}};
    SAY("udp sendmmsg", sendmmsg(s, mm, 2, 0));
    printf("udp sendmmsg lengths %u %u %u\n", mm[0].msg_len, mm[1].msg_len, mm[2].msg_len);
    SAY("udp sendmmsg, the third cannot be read", sendmmsg(s, mm, 3, 0));
    SAY("udp sendmmsg, the first cannot be read", sendmmsg(s, mm + 2, 1, 0));
    SAY("udp sendmmsg of none", sendmmsg(s, mm, 0, 0));
    int got = 0;
    while (recv(r, b, sizeof b, MSG_DONTWAIT) >= 0)
        got++;
    printf("udp of these came %d\n", got);
    SAY("udp connect", connect(s, (void *)&a, sizeof a));
    SAY("udp connect again", connect(s, (void *)&a, sizeof a));
    SAY("udp send", send(s, "x", 1, 0));
    m.msg_control = NULL;
    m.msg_controllen = 0;
    SAY("udp sendmsg connected", sendmsg(s, &m, 0));
    SAY("udp connect unspec", connect(s, (void *)&unspec, sizeof unspec));
    SAY("udp send after that", send(s, "x", 1, 0));
    close(r);
    close(s);
    close(six);
}

static void unix_paths(void)
{
    umask(027);
    int l = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0), s, k;
    struct stat st;
    mkdir("d", 0755);
    SAY("unix bind", bun(l, "d/s"));
    SAY("unix listen", listen(l, 2));
    name_of("unix getsockname", l, 0);
    stat("d/s", &st);
    printf("unix mode %o\n", st.st_mode);
    SAY("unix bind again", bun(l, "d/t"));
    printf("unix d/t is left behind: %d\n", lstat("d/t", &st) == 0);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    SAY("unix bind what exists", bun(s, "d/s"));
    SAY("unix bind in a missing folder", bun(s, "no/s"));
    SAY("unix bind below a file", bun(s, "d/s/t"));
    SAY("unix bind with a slash", bun(s, "d/x/"));
    SAY("unix bind .", bun(s, "d/."));
    SAY("unix bind ..", bun(s, "d/.."));
    SAY("unix bind /", bun(s, "/"));
    SAY("unix bind in /proc", bun(s, "/proc/x"));
    symlink("nowhere", "dangling");
    SAY("unix bind a link that leads nowhere", bun(s, "dangling"));
    symlink("loop", "loop");
    SAY("unix bind through a loop", bun(s, "loop/x"));
    symlink("d", "ln");
    SAY("unix bind through a link", bun(s, "ln/linked"));
    name_of("unix getsockname", s, 0);
    printf("unix it lies there: %d\n", lstat("d/linked", &st) == 0);
    close(s);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    chdir("d");
    SAY("unix bind relative, up and down", bun(s, "../d/rel"));
    chdir("..");
    name_of("unix getsockname", s, 0);
    close(s);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un u;
    memset(&u, 'x', sizeof u);
    u.sun_family = AF_UNIX;
    SAY("unix bind 108 bytes without a NUL", bind(s, (void *)&u, sizeof u));
    name_of("unix getsockname", s, 0);
    close(s);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    SAY("unix connect 108 bytes without a NUL", connect(s, (void *)&u, sizeof u));
    u = un("e");
    SAY("unix bind length 2 (autobind)", bind(s, (void *)&u, 2));
    socklen_t n = sizeof u;
    getsockname(s, (void *)&u, &n);
    printf("unix autobind length %u first %d\n", n, u.sun_path[0]);
    close(s);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    SAY("unix bind length 1", bind(s, (void *)&u, 1));
    SAY("unix bind length 111", bind(s, (void *)&u, 111));
    SAY("unix listen unbound", listen(s, 1));
    SAY("unix listen datagrams", listen(d, 1));

    SAY("unix connect missing", cun(s, "d/none"));
    SAY("unix connect missing folder", cun(s, "none/s"));
    SAY("unix connect below a file", cun(s, "d/s/x"));
    SAY("unix connect a loop", cun(s, "loop"));
    SAY("unix connect a dangling link", cun(s, "dangling"));
    SAY("unix connect with a slash", cun(s, "d/s/"));
    SAY("unix connect an empty name", cun(s, ""));
    SAY("unix connect a folder", cun(s, "d"));
    close(open("file", O_CREAT | O_WRONLY, 0666));
    SAY("unix connect a file", cun(s, "file"));
    char longer[100];
    memset(longer, 'y', 99);
    longer[99] = 0;
    SAY("unix connect a long name", cun(s, longer));
    SAY("unix connect what listens no more", cun(s, "d/rel"));
    bun(d, "d/dgram");
    SAY("unix connect a datagram socket", cun(s, "d/dgram"));
    SAY("unix connect", cun(s, "d/s"));
    name_of("unix getpeername", s, 1);
    SAY("unix connect again", cun(s, "d/s"));
    close(s);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    SAY("unix connect through a link", cun(s, "ln/s"));
    name_of("unix getpeername", s, 1);
    close(accept(l, NULL, NULL));
    close(accept(l, NULL, NULL));
    close(s);
    chdir("d");
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    SAY("unix connect relative", cun(s, "../ln/./s"));
    chdir("..");
    char c = 7;
    k = accept(l, NULL, NULL);
    SAY("unix it is the one", write(k, &c, 1) == 1 && read(s, &c, 1) == 1 && c == 7);
    close(k);
    close(s);
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    SAY("unix connect AF_UNSPEC", connect(s, &none, sizeof none));
    struct sockaddr_in a = in4(1);
    SAY("unix connect an IP address", connect(s, (void *)&a, sizeof a));
    close(s);
    int fill[5];
    for (int i = 0; i < 5; i++) {
        fill[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        SAY("unix fill the backlog", cun(fill[i], "d/s"));
    }
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    struct timeval t = {0, 100000};
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
    SAY("unix full: SO_SNDTIMEO", cun(s, "d/s"));
    close(s);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sigaction sa = {.sa_handler = nothing};
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 100000}, NULL);
    SAY("unix full: a signal", cun(s, "d/s"));
    pid_t pid = fork();
    if (!pid) {
        usleep(200000);
        close(accept(l, NULL, NULL));
        _exit(0);
    }
    SAY("unix full: until there is room", cun(s, "d/s"));
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 5; i++)
        close(fill[i]);
    close(s);
    close(l);

    /* datagrams */
    s = socket(AF_UNIX, SOCK_DGRAM, 0);
    u = un("d/dgram");
    SAY("unix sendto", sendto(s, "hello", 5, 0, (void *)&u, sizeof u));
    char b[100];
    SAY("unix it came", recv(d, b, sizeof b, MSG_DONTWAIT));
    static char big[9 << 20];
    SAY("unix sendto too long", sendto(s, big, 1 << 20, 0, (void *)&u, sizeof u));
    SAY("unix sendto far too long", sendto(s, big, sizeof big, 0, (void *)&u, sizeof u));
    struct sockaddr_un no = un("d/none");
    SAY("unix sendto missing", sendto(s, "hello", 5, 0, (void *)&no, sizeof no));
    no = un("d/s");
    SAY("unix sendto a stream socket", sendto(s, "hello", 5, 0, (void *)&no, sizeof no));
    SAY("unix sendto NULL data", sendto(s, NULL, 5, 0, (void *)&u, sizeof u));
    SAY("unix connect datagrams", cun(s, "d/dgram"));
    SAY("unix send", send(s, "hello", 5, 0));
    SAY("unix it came", recv(d, b, sizeof b, MSG_DONTWAIT));
    SAY("unix datagrams AF_UNSPEC", connect(s, &none, sizeof none));
    SAY("unix send after that", send(s, "hello", 5, 0));
    close(d);
    SAY("unix sendto what is closed", sendto(s, "hello", 5, 0, (void *)&u, sizeof u));
    close(s);
}

static void abstract(void)
{
    struct sockaddr_un u = {.sun_family = AF_UNIX};
    int n = sprintf(u.sun_path + 1, "nul%d", 1);
    memcpy(u.sun_path + 1 + n, "\0\0end", 5);
    socklen_t whole = HEAD + 1 + n + 5, shorter = HEAD + 1 + n;
    int l = socket(AF_UNIX, SOCK_STREAM, 0), m = socket(AF_UNIX, SOCK_STREAM, 0), s;
    SAY("abstract bind", bind(l, (void *)&u, whole));
    SAY("abstract bind twice", bind(m, (void *)&u, whole));
    SAY("abstract bind a shorter name", bind(m, (void *)&u, shorter));
    listen(l, 5);
    name_of("abstract getsockname", l, 0);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    SAY("abstract connect the one that does not listen", connect(s, (void *)&u, shorter));
    SAY("abstract connect another length", connect(s, (void *)&u, whole + 1));
    SAY("abstract connect", connect(s, (void *)&u, whole));
    name_of("abstract getpeername", s, 1);
    close(s);
    close(l);
    close(m);
}

static void messages(void)
{
    int sp[2], p[2], got;
    char b[100], control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {(void *)"fd", 2}, in = {b, sizeof b};
    socketpair(AF_UNIX, SOCK_STREAM, 0, sp);
    pipe(p);
    memset(control, 0, sizeof control);
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    *h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(h), &p[1], sizeof(int));
    SAY("rights sendmsg", sendmsg(sp[0], &m, 0));
    close(p[1]);
    struct msghdr r = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    SAY("rights recvmsg", recvmsg(sp[1], &r, 0));
    h = CMSG_FIRSTHDR(&r);
    memcpy(&got, CMSG_DATA(h), sizeof got);
    SAY("rights the pipe is the one", write(got, "y", 1) == 1 && read(p[0], b, 1) == 1 && b[0] == 'y');
    close(got);
    SAY("rights nobody else holds it", read(p[0], b, 1));
    got = 999;
    m.msg_controllen = sizeof control;
    h = CMSG_FIRSTHDR(&m);
    *h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(h), &got, sizeof got);
    SAY("rights a number that is no descriptor", sendmsg(sp[0], &m, 0));
    h->cmsg_len = 5;
    SAY("rights a header that is too short", sendmsg(sp[0], &m, 0));
    h->cmsg_len = 5000;
    SAY("rights a header that is too long", sendmsg(sp[0], &m, 0));
    int on = 1;
    struct ucred u = {getpid(), getuid(), getgid()}, other = {1, getuid(), getgid()};
    char cred[CMSG_SPACE(sizeof u)];
    setsockopt(sp[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    m.msg_control = cred;
    m.msg_controllen = sizeof cred;
    h = CMSG_FIRSTHDR(&m);
    *h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof u), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
    memcpy(CMSG_DATA(h), &u, sizeof u);
    SAY("credentials of my own", sendmsg(sp[0], &m, 0));
    if (getuid()) {
        memcpy(CMSG_DATA(h), &other, sizeof other);
        SAY("credentials of another", sendmsg(sp[0], &m, 0));
    }
    recv(sp[1], b, sizeof b, MSG_DONTWAIT);

    /* much, through a socket that fills up: blocking, all of it goes */
    static char big[3 << 20];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7);
    m = (struct msghdr){.msg_iov = &(struct iovec){big, sizeof big}, .msg_iovlen = 1};
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        size_t n = 0;
        close(sp[0]);
        for (ssize_t k; (k = read(sp[1], b, sizeof b)) > 0; n += (size_t)k)
            for (ssize_t i = 0; i < k; i++)
                if (b[i] != (char)((n + (size_t)i) * 7))
                    _exit(1);
        _exit(n == sizeof big ? 0 : 2);
    }
    SAY("stream sendmsg of 3 MiB", sendmsg(sp[0], &m, 0));
    shutdown(sp[0], SHUT_WR);
    int st;
    waitpid(pid, &st, 0);
    printf("stream all came, in order: %d\n", WEXITSTATUS(st));
    close(sp[0]);
    close(sp[1]);

    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sp);
    ssize_t part = sendmsg(sp[0], &m, 0);
    printf("stream non-blocking is partial: %d\n", part > 0 && part < (ssize_t)sizeof big);
    SAY("stream non-blocking and full", sendmsg(sp[0], &m, 0));
    struct sockaddr_un name = un("d/none");
    m.msg_name = &name;
    m.msg_namelen = sizeof name;
    SAY("stream with a name", sendmsg(sp[0], &m, 0));
    m.msg_name = NULL;
    signal(SIGPIPE, on_pipe);
    close(sp[1]);
    SAY("stream sendmsg, peer gone", sendmsg(sp[0], &m, 0));
    SAY("stream sendmsg, peer gone, MSG_NOSIGNAL", sendmsg(sp[0], &m, MSG_NOSIGNAL));
    printf("SIGPIPE came %d times\n", (int)pipes);
    close(sp[0]);
    fflush(stdout);
    if (!(pid = fork())) {
        signal(SIGPIPE, SIG_DFL);
        socketpair(AF_UNIX, SOCK_STREAM, 0, sp);
        close(sp[1]);
        sendmsg(sp[0], &m, 0);
        _exit(0);
    }
    waitpid(pid, &st, 0);
    printf("SIGPIPE by default: %d\n", WIFSIGNALED(st) ? WTERMSIG(st) : -1);

    /* a blocking send that a signal ends */
    for (int restart = 0; restart < 2; restart++) {
        struct sigaction sa = {.sa_handler = nothing, .sa_flags = restart ? SA_RESTART : 0};
        sigaction(SIGALRM, &sa, NULL);
        socketpair(AF_UNIX, SOCK_STREAM, 0, sp);
        fcntl(sp[0], F_SETFL, O_NONBLOCK);
        while (send(sp[0], big, 4096, 0) > 0)
            ;
        fcntl(sp[0], F_SETFL, 0);
        m.msg_iov = &(struct iovec){big, 10};
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 100000}, NULL);
        fflush(stdout);
        if (restart && !(pid = fork())) {
            usleep(300000);
            static char sink[1 << 20];
            if (read(sp[1], sink, sizeof sink) < 0)
                _exit(1);
            _exit(0);
        }
        SAY(restart ? "stream full: a signal with SA_RESTART" : "stream full: a signal", sendmsg(sp[0], &m, 0));
        if (restart)
            waitpid(pid, NULL, 0);
        close(sp[0]);
        close(sp[1]);
    }

    /* TCP: a name means nothing without MSG_FASTOPEN */
    uint16_t port;
    int l = tcp_listener(&port, 5), s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = in4(port), garbage = {.sin_family = 99};
    SAY("tcp sendto before connect", sendto(s, "x", 1, MSG_NOSIGNAL, (void *)&a, sizeof a));
    connect(s, (void *)&a, sizeof a);
    SAY("tcp sendto with any name", sendto(s, "x", 1, 0, (void *)&garbage, sizeof garbage));
    SAY("tcp sendto with a name that cannot be read", sendto(s, "x", 1, 0, (void *)8, sizeof garbage));
    close(s);
    s = socket(AF_INET, SOCK_STREAM, 0);
    SAY("tcp sendto MSG_FASTOPEN", sendto(s, "x", 1, MSG_FASTOPEN, (void *)&a, sizeof a));
    close(s);
    close(l);
}

static void binds(void)
{
    int s = socket(AF_INET, SOCK_STREAM, 0), t = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in a = in4(0), b;
    SAY("bind fd -1", bind(-1, (void *)&a, sizeof a));
    SAY("bind no socket", bind(0, (void *)&a, sizeof a));
    SAY("bind unmapped", bind(s, (void *)8, sizeof a));
    SAY("bind length 4", bind(s, (void *)&a, 4));
    b = a;
    b.sin_addr.s_addr = htonl(0x08080808);
    SAY("bind an address of somebody else", bind(s, (void *)&b, sizeof b));
    b.sin_family = AF_INET6;
    SAY("bind wrong family", bind(s, (void *)&b, sizeof b));
    SAY("bind6 a v4 address", bind(six, (void *)&a, sizeof a));
    SAY("bind port 0", bind(s, (void *)&a, sizeof a));
    printf("bind got a port: %d\n", port_of(s) != 0);
    SAY("bind again", bind(s, (void *)&a, sizeof a));
    a = in4(port_of(s));
    listen(s, 1);
    SAY("bind what is taken", bind(t, (void *)&a, sizeof a));
    SAY("listen without bind", listen(t, 1));
    printf("listen got a port: %d\n", port_of(t) != 0);
    SAY("listen again", listen(t, 5));
    SAY("listen fd -1", listen(-1, 1));
    SAY("listen no socket", listen(0, 1));
    if (getuid()) {
        int u = socket(AF_INET, SOCK_STREAM, 0);
        a = in4(80);
        int r = bind(u, (void *)&a, sizeof a);
        printf("bind a low port: %d %s\n", r, r ? strerrorname_np(errno) : "");
        close(u);
    }
    close(six);
    close(s);
    close(t);
    int n = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
    socklen_t len = sizeof nl;
    SAY("netlink bind", bind(n, (void *)&nl, sizeof nl));
    getsockname(n, (void *)&nl, &len);
    printf("netlink has my number: %d\n", nl.nl_pid == (unsigned)getpid());
    struct {
        struct nlmsghdr h;
        struct rtgenmsg g;
    } q = {{sizeof q, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {AF_UNSPEC}};
    nl = (struct sockaddr_nl){.nl_family = AF_NETLINK};
    printf("netlink sendto: %d\n", sendto(n, &q, sizeof q, 0, (void *)&nl, sizeof nl) == sizeof q);
    char answer[8192];
    printf("netlink answers: %d\n", recv(n, answer, sizeof answer, 0) > 0);
    close(n);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    close(0);
    open("/dev/null", O_RDONLY);
    tcp();
    udp();
    unix_paths();
    abstract();
    messages();
    binds();
    return 0;
}
