/* fifo_wait: opens that wait. Prints what happened; the same plain and supervised. Argument: an empty folder. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t signals;

static void handler(int sig)
{
    (void)sig;
    signals++;
}

static void on_alarm(int flags)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGALRM, &sa, NULL);
    signals = 0;
}

static void *reader(void *arg)
{
    int fd = open("fifo", O_RDONLY);
    char c = 0;
    long n = read(fd, &c, 1);
    close(fd);
    return n == 1 && c == 'x' ? arg : NULL;
}

static pid_t writer(int after_ms)
{
    pid_t c = fork();
    if (!c) {
        usleep(after_ms * 1000u);
        int fd = open("fifo", O_WRONLY);
        _exit(write(fd, "x", 1) != 1);
    }
    return c;
}

int main(int argc, char **argv)
{
    int status;
    if (argc != 2 || chdir(argv[1]) || mkfifo("fifo", 0600))
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);

    on_alarm(0);
    ualarm(200000, 0);
    int fd = open("fifo", O_RDONLY);
    printf("interrupted: %s after %d signals\n", fd < 0 ? strerror(errno) : "opened", signals);

    on_alarm(SA_RESTART);
    pid_t c = writer(600);
    ualarm(200000, 0);
    fd = open("fifo", O_RDONLY);
    printf("restarted: %s after %d signals\n", fd < 0 ? strerror(errno) : "opened", signals);
    close(fd);
    waitpid(c, &status, 0);

    pthread_t t[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&t[i], NULL, reader, handler);
    usleep(100000);
    int opened = 0;
    for (int i = 0; i < 1000; i++) {
        fd = open("/dev/null", O_RDONLY);
        opened += fd >= 0;
        close(fd);
    }
    fd = open("fifo", O_WRONLY);
    printf("while 8 threads wait %d of 1000 opens went on; wrote %ld\n", opened, (long)write(fd, "xxxxxxxx", 8));
    int got = 0;
    for (int i = 0; i < 8; i++) {
        void *r;
        pthread_join(t[i], &r);
        got += r != NULL;
    }
    close(fd);
    printf("%d of 8 readers got their byte\n", got);

    c = fork();
    if (!c) {
        open("fifo", O_RDONLY);
        _exit(0);
    }
    usleep(200000);
    kill(c, SIGTERM);
    waitpid(c, &status, 0);
    printf("a waiting one is ended by signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    usleep(500000); /* that a caller died is seen a moment later */
    printf("and nobody reads any more: %s\n", open("fifo", O_WRONLY | O_NONBLOCK) < 0 ? strerror(errno) : "opened");
    return 0;
}
