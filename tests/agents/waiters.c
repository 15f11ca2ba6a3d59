/* waiters THREADS SECRET: that many threads (as many as can be made) each open a FIFO of their own that has no writer, and which then
 * gets one. Prints how the opens ended, by errno, and what opening SECRET gives while they wait. 0 when each ended. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int ended[256];
static int total;

static void *wait_for_writer(void *arg)
{
    char name[32];
    snprintf(name, sizeof name, "waiters.%ld", (long)arg);
    int fd = open(name, O_RDONLY);
    __atomic_add_fetch(&ended[fd < 0 ? errno : 0], 1, __ATOMIC_SEQ_CST);
    if (fd >= 0)
        close(fd);
    __atomic_add_fetch(&total, 1, __ATOMIC_SEQ_CST);
    return arg;
}

int main(int argc, char **argv)
{
    pthread_attr_t small;
    pthread_t t;
    int made = 0, n = argc == 3 ? atoi(argv[1]) : 0;
    alarm(60);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    for (int i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "waiters.%d", i);
        mkfifo(name, 0600);
    }
    while (made < n && !pthread_create(&t, &small, wait_for_writer, (void *)(long)made))
        made++;
    sleep(1);
    int secret = open(argv[2], O_RDONLY), e = secret < 0 ? errno : 0;
    for (int i = 0; i < 500 && __atomic_load_n(&total, __ATOMIC_SEQ_CST) < made; i++) {
        for (int k = 0; k < made; k++) { /* whoever comes late finds one the next time */
            char name[32];
            snprintf(name, sizeof name, "waiters.%d", k);
            int fd = open(name, O_RDWR | O_NONBLOCK);
            if (fd >= 0)
                close(fd);
        }
        usleep(20000);
    }
    printf("%d threads:", made);
    for (int i = 0; i < 256; i++)
        if (ended[i])
            printf(" %d %s", ended[i], i ? strerrorname_np(i) : "opened");
    printf("; the secret: %s\n", e ? strerrorname_np(e) : "opened");
    fflush(stdout);
    _exit(total == made ? 0 : 1);
}
