/* threads64: 64 threads that open, read, create and remove files at once, each checking what it got. Prints one line. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define THREADS 64
#define ROUNDS 40
static atomic_int bad;

static void *work(void *arg)
{
    long me = (long)arg;
    for (int i = 0; i < ROUNDS; i++) {
        char path[64], text[64], got[64] = {0};
        snprintf(path, sizeof path, "t%ld.%d", me, i);
        int n = snprintf(text, sizeof text, "thread %ld round %d", me, i);
        int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0640);
        if (fd < 0 || write(fd, text, n) != n)
            bad++;
        close(fd);
        fd = open(path, O_RDONLY);
        if (fd < 0 || read(fd, got, sizeof got - 1) != n || strcmp(got, text))
            bad++;
        close(fd);
        if (open("no such file", O_RDONLY) >= 0 || errno != ENOENT)
            bad++;
        if (i % 2 && unlink(path))
            bad++;
    }
    return NULL;
}

int main(void)
{
    pthread_t t[THREADS];
    for (long i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    printf("bad %d\n", bad);
    return bad != 0;
}
