/* bind_race LINK OK BAD MILLISECONDS: binds LINK/sN while another thread lets LINK lead to OK or to BAD. Prints how many binds
 * succeeded, and how many sockets lie in BAD. */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char **arg;
static atomic_int stop;

static void *flip(void *none)
{
    char next[4096];
    unsigned random = 1;
    snprintf(next, sizeof next, "%s.next", arg[1]);
    while (!stop) {
        random = random * 1103515245u + 12345u;
        unlink(next);
        if (symlink(arg[random >> 16 & 1 ? 3 : 2], next) || rename(next, arg[1]))
            continue;
    }
    return NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    arg = argv;
    pthread_t t;
    int done = 0, n = 0, there = 0;
    double end = now() + atof(argv[4]);
    pthread_create(&t, NULL, flip, NULL);
    for (; now() < end; n++) {
        struct sockaddr_un u = {.sun_family = AF_UNIX};
        int s = socket(AF_UNIX, SOCK_STREAM, 0);
        snprintf(u.sun_path, sizeof u.sun_path, "%s/s%d", argv[1], n);
        done += bind(s, (void *)&u, sizeof u) == 0;
        close(s);
    }
    stop = 1;
    pthread_join(t, NULL);
    DIR *d = opendir(argv[3]);
    for (struct dirent *e; d && (e = readdir(d));)
        there += e->d_name[0] == 's';
    printf("tries %d bound %d there %d\n", n, done, there);
    return 0;
}
