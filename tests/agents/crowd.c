/* crowd: many callers at once.
 *
 *   crowd mixed DIR SECONDS THREADS   opens, connects, renames, programs from many threads, each with a verdict that is known
 *                                     before: prints how many there were and how many came out wrong; exit 1 when one did.
 *                                     DIR/pub/N holds N, DIR/sec/N is denied
 *   crowd fifos DIR N                 N threads wait in opens of FIFOs that nobody opens; meanwhile verdicts stay right
 *   crowd killed DIR N                N children are killed in the middle of their calls
 *   crowd execs DIR N                 N programs are replaced, by any of their threads, while the others are in the middle of calls
 *   crowd comet DIR                   leaves a process behind that forks and exits for two seconds, to outrun whoever ends it
 *
 * Everything ends by alarm.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILES 32

static char *dir;
static time_t end;
static _Atomic long done, wrong;

static void report(const char *what, int n)
{
    wrong++;
    fprintf(stderr, "wrong: %s %d (%s)\n", what, n, strerror(errno));
}

static void *mixed(void *arg)
{
    unsigned seed = (unsigned)(unsigned long)arg * 7919 + 1;
    char path[400], other[400], b[16];
    while (time(NULL) < end) {
        int n = rand_r(&seed) % FILES, k = rand_r(&seed) % 8;
        done++;
        snprintf(path, sizeof path, "%s/%s/%d", dir, k == 1 || k == 3 ? "sec" : "pub", n);
        if (k <= 1 || k == 6) {
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            ssize_t got = fd < 0 ? -1 : read(fd, b, sizeof b - 1);
            b[got > 0 ? got : 0] = 0;
            if (k != 1 ? fd < 0 || atoi(b) != n : fd >= 0 || errno != EACCES)
                report(path, n);
            if (fd >= 0)
                close(fd);
        } else if (k <= 3) { /* a mode that says which file it is */
            if (k == 2 ? chmod(path, 0600 | (mode_t)(n & 077)) : !chmod(path, 0777) || errno != EACCES)
                report("chmod", n);
        } else if (k == 4) {
            snprintf(path, sizeof path, "%s/pub/t%lu", dir, (unsigned long)arg);
            snprintf(other, sizeof other, "%s/sec/t%lu", dir, (unsigned long)arg);
            int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
            if (fd < 0)
                report("create", n);
            else
                close(fd);
            if (!rename(path, other) || errno != EACCES)
                report("rename", n);
        } else if (k == 5) {
            struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000001)};
            int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            a.sin_port = htons((unsigned short)(n & 1 ? 9 : 10)); /* 9 is denied */
            int r = connect(s, (void *)&a, sizeof a);
            if (n & 1 ? !r || errno != EACCES : r)
                report("connect", n);
            close(s);
        } else if (rand_r(&seed) % 20 == 0) {
            pid_t c = vfork();
            if (!c) {
                execl(n & 1 ? "/usr/bin/id" : "/bin/true", "x", NULL);
                _exit(errno == EACCES ? 13 : 14);
            }
            int status;
            if (waitpid(c, &status, 0) != c || (n & 1 ? status != 13 << 8 : status))
                report("exec", status);
        }
    }
    return arg;
}

static char fifo[400];
static _Atomic int waiting, refused_;
static void *wait_fifo(void *arg)
{
    waiting++;
    int fd = open(fifo, O_RDONLY);
    if (fd < 0)
        refused_++;
    return arg;
}

static void start(pthread_attr_t *small)
{
    pthread_attr_init(small);
    pthread_attr_setstacksize(small, 32768);
    pthread_attr_setdetachstate(small, PTHREAD_CREATE_DETACHED);
}

static int fifos(int n)
{
    pthread_attr_t small;
    pthread_t t;
    start(&small);
    snprintf(fifo, sizeof fifo, "%s/pub/fifo", dir);
    mkfifo(fifo, 0600);
    int made = 0;
    for (; made < n; made++)
        if (pthread_create(&t, &small, wait_fifo, NULL))
            break;
    while (waiting < made)
        usleep(1000);
    sleep(1 + (unsigned)n / 1000);
    end = time(NULL) + 2;
    pthread_t m;
    pthread_create(&m, NULL, mixed, (void *)99);
    pthread_join(m, NULL);
    printf("fifos: %d threads, %d begun, %d refused, %ld calls beside them, %ld wrong\n", made, waiting, refused_, done, wrong);
    return wrong || !done ? 1 : 0;
}

static int killed(int n)
{
    for (int i = 0; i < n; i++) {
        end = time(NULL) + 2;
        pid_t c = fork();
        if (!c) {
            alarm(5);
            pthread_t t;
            for (unsigned long k = 0; k < 4; k++)
                pthread_create(&t, NULL, mixed, (void *)(k + 1));
            mixed((void *)9);
            _exit(0);
        }
        usleep(1000 + (unsigned)(i * 37 % 5000));
        kill(c, SIGKILL);
        waitpid(c, NULL, 0);
    }
    end = time(NULL) + 1;
    mixed((void *)1);
    printf("killed: %d children, %ld calls afterwards, %ld wrong\n", n, done, wrong);
    return wrong || !done ? 1 : 0;
}

static void *exec_later(void *arg)
{
    usleep(500 + (unsigned)(unsigned long)arg % 3000);
    execl("/bin/sh", "sh", "-c", "exit 7", NULL);
    _exit(1);
}

static int execs(int n)
{
    snprintf(fifo, sizeof fifo, "%s/pub/fifo", dir);
    mkfifo(fifo, 0600);
    for (int i = 0; i < n; i++) {
        end = time(NULL) + 3;
        pid_t c = fork();
        if (!c) {
            alarm(10);
            pthread_t t;
            for (unsigned long k = 0; k < 6; k++)
                pthread_create(&t, NULL, k & 1 ? wait_fifo : mixed, (void *)(k + 1));
            for (int k = 0; k < 3; k++) /* three at once */
                pthread_create(&t, NULL, exec_later, (void *)(unsigned long)(i * 977 + k * 31));
            exec_later((void *)(unsigned long)(i * 613));
        }
        int status;
        if (waitpid(c, &status, 0) != c || status != 7 << 8)
            report("exec", status);
        done++;
    }
    printf("execs: %d programs, %ld wrong\n", n, wrong);
    return wrong ? 1 : 0;
}

static int comet(void)
{
    if (fork())
        return 0;
    time_t stop = time(NULL) + 2;
    for (;;) {
        setsid();
        if (time(NULL) > stop)
            _exit(0);
        usleep(100); /* or the machine runs out of numbers */
        if (fork())
            _exit(0);
        alarm(5);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    dir = argv[2];
    alarm(300);
    signal(SIGPIPE, SIG_IGN);
    if (!strcmp(argv[1], "comet"))
        return comet();
    if (!strcmp(argv[1], "prepare")) {
        for (int d = 0; d < 2; d++)
            for (int i = -1; i < FILES; i++) {
                char path[400];
                snprintf(path, sizeof path, "%s/%s", dir, d ? "sec" : "pub");
                if (i < 0) {
                    mkdir(path, 0755);
                    continue;
                }
                snprintf(path + strlen(path), 20, "/%d", i);
                FILE *f = fopen(path, "w");
                fprintf(f, "%d\n", i);
                fclose(f);
            }
        return 0;
    }
    int n = argc > 3 ? atoi(argv[3]) : 100;
    if (!strcmp(argv[1], "fifos"))
        return fifos(n);
    if (!strcmp(argv[1], "execs"))
        return execs(n);
    if (!strcmp(argv[1], "killed"))
        return killed(n);
    int threads = argc > 4 ? atoi(argv[4]) : 32;
    pthread_t t[512];
    end = time(NULL) + n;
    for (int i = 0; i < threads && i < 512; i++)
        pthread_create(&t[i], NULL, mixed, (void *)(unsigned long)(i + 1));
    for (int i = 0; i < threads && i < 512; i++)
        pthread_join(t[i], NULL);
    printf("mixed: %ld calls, %ld wrong\n", done, wrong);
    return wrong || !done ? 1 : 0;
}
