/* many_opens: 64 threads open, create, rename and remove at once; each looks that every answer was its own.
 *   many_opens DIR N       DIR/deny/fN is denied by a rule, DIR/own is not. Prints how many answers were wrong; exit status 0: none. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 64
static int rounds, denied;
static _Atomic int wrong;

static void check(int ok, const char *what, int t)
{
    if (!ok && wrong++ < 5)
        printf("thread %d: %s: %s\n", t, what, strerror(errno));
}

static void *work(void *arg)
{
    int t = (int)(long)arg;
    char mine[64], moved[64], sec[64], text[64], want[64];
    snprintf(mine, sizeof mine, "own/f%d", t);
    snprintf(moved, sizeof moved, "own/g%d", t);
    snprintf(sec, sizeof sec, "deny/f%d", t);
    snprintf(want, sizeof want, "thread %d", t);
    for (int i = 0; i < rounds; i++) {
        int fd = open(mine, O_RDWR | O_CREAT | O_EXCL, 0600);
        check(fd >= 0 && write(fd, want, strlen(want) + 1) > 0, "making", t);
        close(fd);
        fd = open(mine, O_RDONLY);
        check(fd >= 0 && read(fd, text, sizeof text) > 0 && !strcmp(text, want), "reading", t);
        close(fd);
        fd = open(sec, O_RDONLY);
        check(denied ? fd < 0 && errno == EPERM : fd >= 0, "what is denied", t);
        close(fd);
        fd = open("own/missing", O_RDONLY);
        check(fd < 0 && errno == ENOENT, "what is missing", t);
        check(!rename(mine, moved), "renaming", t);
        check(rename(moved, sec) && errno == (denied ? EPERM : EISDIR), "renaming over", t);
        check(!unlink(moved), "removing", t);
        check(unlink(moved) && errno == ENOENT, "removing again", t);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 3 || chdir(argv[1]))
        return 2;
    rounds = atoi(argv[2]);
    denied = argc > 3;
    pthread_t th[THREADS];
    for (long t = 0; t < THREADS; t++)
        pthread_create(&th[t], NULL, work, (void *)t);
    for (int t = 0; t < THREADS; t++)
        pthread_join(th[t], NULL);
    printf("%d answers of %d were wrong\n", wrong, THREADS * rounds * 8);
    return wrong != 0;
}
