/* chaos_work DIR SEED MS FLAGS: everything at once, for MS milliseconds; each call's outcome is compared with what DIR's policy (tests/chaos) says.
 *
 * DIR/open may be used, DIR/secret gives EPERM, DIR/ask is asked about, whoami may not run, 127.0.0.1:9 gives EHOSTUNREACH.
 * FLAGS: k siblings are killed and stopped, d daemons are left behind, a asks, f faults are expected (ours are killed meanwhile:
 * calls may also fail).
 * 0: every outcome was right; 3: one was wrong (said on stderr). `chaos_work DIR count CALLS PROCESSES`: that many, and nothing else. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 8

extern char **environ;
static const char *dir;
static int faults, kills, daemons, asks;
static long long end_ms;
static struct shared {
    pid_t worker[WORKERS];
    volatile int wrong;
    volatile long calls;
} *shared;

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int on(void)
{
    return now_ms() < end_ms && !shared->wrong;
}

static void wrong(const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text - 1, fmt, ap);
    va_end(ap);
    if (!__atomic_exchange_n(&shared->wrong, 1, __ATOMIC_SEQ_CST)) {
        text[n++] = '\n';
        if (write(2, text, (size_t)n) < 0)
            _exit(4);
    }
}

/* got: 0 or an errno; wanted: -1 stands for anything. */
static void expect(const char *what, int got, int wanted, int or_else)
{
    shared->calls++;
    if (got == wanted || got == or_else || wanted < 0 || got == EINTR)
        return;
    /* Memory and process limits of the machine are nobody's mistake; a fault of ours denies, and never allows. */
    if (got == EAGAIN || got == ENOMEM || got == EMFILE || got == ENFILE)
        return;
    if (faults && got)
        return;
    wrong("%s: %s instead of %s", what, strerrorname_np(got), wanted ? strerrorname_np(wanted) : "success");
}

static int try_open(const char *where, const char *name, int flags)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", dir, where, name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    int e = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return e;
}

static void files(unsigned *seed)
{
    char name[64], path[4096], other[4200];
    snprintf(name, sizeof name, "f%d.%u", (int)gettid(), rand_r(seed) % 4);
    snprintf(path, sizeof path, "%s/open/%s", dir, name);
    switch (rand_r(seed) % 8) {
    case 0:
        expect("create", try_open("open", name, O_RDWR | O_CREAT), 0, 0);
        break;
    case 1:
        expect("read what is there", try_open("open", "here", O_RDONLY), 0, 0);
        break;
    case 2:
        expect("read what is not there", try_open("open", "nothing", O_RDONLY), ENOENT, ENOENT);
        break;
    case 3:
        expect("read a secret", try_open("secret", "key", O_RDONLY), EPERM, EPERM);
        break;
    case 4:
        expect("write a secret", try_open("secret", "key", O_WRONLY), EPERM, EPERM);
        break;
    case 5:
        snprintf(other, sizeof other, "%s/secret/key", dir);
        expect("link a secret", link(other, path) ? errno : 0, EPERM, EEXIST);
        break;
    case 6:
        snprintf(other, sizeof other, "%s.moved", path);
        expect("rename", rename(path, other) ? errno : 0, 0, ENOENT);
        break;
    default:
        expect("unlink", unlink(path) ? errno : 0, 0, ENOENT);
    }
}

static void *files_thread(void *arg)
{
    unsigned seed = (unsigned)(size_t)arg;
    for (int i = 0; i < 200 && on(); i++)
        files(&seed);
    return NULL;
}

static void threads(unsigned *seed)
{
    pthread_t t[6];
    int n = 0;
    for (; n < 6; n++)
        if (pthread_create(&t[n], NULL, files_thread, (void *)(size_t)rand_r(seed)))
            break;
    while (n)
        pthread_join(t[--n], NULL);
}

/* Runs it as a child; its status, or that of being killed. */
static void run(const char *program, int how, int wanted)
{
    char *argv[] = {(char *)program, NULL};
    pid_t pid;
    int status, e = 0;
    if (how == 0) {
        if ((e = posix_spawn(&pid, program, NULL, NULL, argv, environ))) {
            expect(program, e, wanted, wanted);
            return;
        }
    } else {
        pid = how == 1 ? vfork() : fork();
        if (pid < 0)
            return;
        if (!pid) {
            execv(program, argv);
            _exit(errno == EAGAIN || errno == ENOMEM ? 99 : 100 + (errno & 63));
        }
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) != 99)
        expect(program, WEXITSTATUS(status) >= 100 ? WEXITSTATUS(status) - 100 : 0, wanted, wanted);
}

static void *exec_thread(void *arg)
{
    char *argv[] = {"true", NULL};
    execv(arg, argv);
    return NULL;
}

static void execs(unsigned *seed)
{
    int how = rand_r(seed) % 5;
    if (how < 3)
        run(rand_r(seed) % 3 ? "/usr/bin/true" : "/usr/bin/whoami", how, -1);
    if (how == 3)
        run("/usr/bin/whoami", rand_r(seed) % 3, EACCES);
    if (how == 4) {
        pid_t pid = fork();
        if (!pid) { /* three threads that exec at once */
            pthread_t t[3];
            for (int i = 0; i < 3; i++)
                if (pthread_create(&t[i], NULL, exec_thread, "/usr/bin/true"))
                    _exit(0);
            for (int i = 0; i < 3; i++)
                pthread_join(t[i], NULL);
            _exit(0);
        }
        while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
}

static void sockets(unsigned *seed)
{
    struct sockaddr_in mine = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, nine = mine;
    socklen_t len = sizeof mine;
    nine.sin_port = htons(9);
    int a = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), b = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
        t = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (a >= 0 && b >= 0 && t >= 0 && l >= 0) {
        int e = bind(a, (void *)&mine, len) ? errno : 0;
        expect("bind", e, 0, 0);
        expect("sendto port 9", sendto(b, "x", 1, 0, (void *)&nine, len) < 0 ? errno : 0, EHOSTUNREACH, EHOSTUNREACH);
        expect("connect to port 9", connect(t, (void *)&nine, len) ? errno : 0, EHOSTUNREACH, EHOSTUNREACH);
        if (!e && !getsockname(a, (void *)&mine, &len)) {
            struct iovec v = {"abc", 3};
            struct mmsghdr m[2] = {{{&mine, len, &v, 1, NULL, 0, 0}, 0}, {{&mine, len, &v, 1, NULL, 0, 0}, 0}};
            int n = sendmmsg(b, m, 2, 0);
            expect("sendmmsg", n < 0 ? errno : 0, 0, 0);
            if (rand_r(seed) % 2)
                m[1].msg_hdr.msg_name = &nine;
            n = sendmmsg(b, m + 1, 1, 0);
            expect("sendmmsg one", n < 0 ? errno : 0, m[1].msg_hdr.msg_name == &nine ? EHOSTUNREACH : 0, m[1].msg_hdr.msg_name == &nine ? EHOSTUNREACH : 0);
            struct sockaddr_in lo = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            if (!bind(l, (void *)&lo, sizeof lo) && !listen(l, 4) && !getsockname(l, (void *)&lo, &len))
                expect("connect to a listener", connect(t, (void *)&lo, len) ? errno : 0, 0, EISCONN);
        }
    }
    close(a), close(b), close(t), close(l);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s/open/s%d", dir, (int)getpid());
    int u = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), w = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (u >= 0 && w >= 0 && strlen(un.sun_path) < sizeof un.sun_path - 1) {
        unlink(un.sun_path);
        if (!bind(u, (void *)&un, sizeof un))
            expect("send to a socket of its own", sendto(w, "x", 1, MSG_DONTWAIT, (void *)&un, sizeof un) < 0 ? errno : 0, 0, 0);
        unlink(un.sun_path);
    }
    close(u), close(w);
}

static void nothing(int sig)
{
    (void)sig;
}

static void interrupted(unsigned *seed)
{
    struct sigaction sa = {.sa_handler = nothing, .sa_flags = rand_r(seed) % 2 ? SA_RESTART : 0};
    sigaction(SIGALRM, &sa, NULL);
    struct itimerval t = {{0, 300 + rand_r(seed) % 2000}, {0, 300}}, off = {0};
    setitimer(ITIMER_REAL, &t, NULL);
    for (int i = 0; i < 60 && on(); i++) {
        if (i % 3)
            files(seed);
        else
            sockets(seed);
        if (asks && i % 20 == 7)
            try_open("ask", "interrupted", O_RDONLY);
    }
    setitimer(ITIMER_REAL, &off, NULL);
}

static void ask(unsigned *seed)
{
    char name[16];
    if (!asks) {
        files(seed);
        return;
    }
    snprintf(name, sizeof name, "q%u", rand_r(seed) % 8);
    int e = try_open("ask", name, O_RDONLY);
    expect("ask", e, 0, EACCES);
}

static void tree(unsigned *seed, int depth)
{
    pid_t pid[3];
    for (int i = 0; i < 3; i++)
        if (!(pid[i] = fork())) {
            unsigned s = *seed + (unsigned)i * 77u + (unsigned)depth;
            if (daemons && rand_r(&s) % 4 == 0)
                setsid();
            files(&s);
            if (depth)
                tree(&s, depth - 1);
            if (daemons && depth == 0 && rand_r(&s) % 64 == 0) {
                prctl(PR_SET_NAME, "left-behind");
                if (rand_r(&s) % 2)
                    signal(SIGTERM, SIG_IGN);
                for (;;)
                    pause();
            }
            _exit(0);
        }
    for (int i = 0; i < 3; i++) { /* one that stays for good is not waited for */
        for (int k = 0; pid[i] > 0 && k < 400 && waitpid(pid[i], NULL, WNOHANG) == 0; k++)
            usleep(500);
    }
}

static void storm(unsigned *seed)
{
    static const int signals[] = {SIGUSR1, SIGSTOP, SIGCONT, SIGCONT, SIGKILL, SIGWINCH, SIGCHLD};
    int sig = signals[(unsigned)rand_r(seed) % (sizeof signals / sizeof *signals)], k = 1 + rand_r(seed) % (WORKERS - 1);
    pid_t pid = shared->worker[k];
    if (pid > 1)
        kill(pid, sig);
    if (pid > 1 && sig == SIGSTOP) {
        usleep(rand_r(seed) % 20000);
        kill(pid, SIGCONT);
    }
    usleep(rand_r(seed) % 30000);
}

static void work(int k, unsigned seed)
{
    signal(SIGUSR1, nothing);
    signal(SIGPIPE, SIG_IGN);
    while (on())
        switch (k) {
        case 0:
            if (kills)
                storm(&seed);
            else
                files(&seed);
            break;
        case 1:
            threads(&seed);
            break;
        case 2:
            execs(&seed);
            break;
        case 3:
            sockets(&seed);
            break;
        case 4:
            interrupted(&seed);
            break;
        case 5:
            ask(&seed);
            break;
        case 6:
            tree(&seed, 2);
            break;
        default:
            files(&seed);
        }
    _exit(0);
}

/* Only the leader's own pid is to be killed by a parent's end: the workers of a dead leader are the supervisor's to end. */
static void start(int k, unsigned seed)
{
    pid_t pid = fork();
    if (!pid)
        work(k, seed);
    shared->worker[k] = pid;
}

static int count(long calls, long processes)
{
    unsigned seed = 1;
    long done = 0;
    for (long i = 0; i < processes && !shared->wrong; i++) {
        run("/usr/bin/true", (int)(i % 3), 0);
        for (; done < calls / (processes ? processes : 1) * (i + 1) && !shared->wrong; done++)
            files(&seed);
    }
    for (; done < calls && !shared->wrong; done++)
        files(&seed);
    return shared->wrong ? 3 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    dir = argv[1];
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!strcmp(argv[2], "count")) {
        end_ms = 1LL << 60;
        return count(atol(argv[3]), atol(argv[4]));
    }
    unsigned seed = (unsigned)atoi(argv[2]);
    end_ms = now_ms() + atoi(argv[3]);
    faults = strchr(argv[4], 'f') != NULL;
    kills = strchr(argv[4], 'k') != NULL;
    daemons = strchr(argv[4], 'd') != NULL;
    asks = strchr(argv[4], 'a') != NULL;
    for (int k = 0; k < WORKERS; k++)
        start(k, seed + (unsigned)k);
    while (on()) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) {
            usleep(2000);
            continue;
        }
        for (int k = 0; k < WORKERS; k++)
            if (shared->worker[k] == pid && on())
                start(k, seed += 101);
    }
    for (int k = 0; k < WORKERS; k++)
        if (shared->worker[k] > 0) {
            kill(shared->worker[k], SIGKILL);
            while (waitpid(shared->worker[k], NULL, 0) < 0 && errno == EINTR)
                ;
        }
    printf("%ld calls\n", shared->calls);
    return shared->wrong ? 3 : 0;
}
