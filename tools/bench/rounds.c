/* rounds - the same command under each of several prefixes, in turn, so that what the machine does meanwhile hits them alike.
 *
 *   rounds N NAME=PREFIX... -- COMMAND [ARG...]
 *
 * PREFIX: words put before the command, none for plain. N rounds are counted after one that warms up. Prints for each
 * NAME<TAB>median in us<TAB>median of the rounds' ratios to the first name<TAB>least ratio<TAB>greatest; a prefix under which the
 * command fails (its status is not 0, or it takes more than 100 s) prints NAME<TAB>- once and is left out.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 16
#define ROUNDS 100
#define WORDS 64

struct way {
    const char *name;
    char *argv[WORDS];
    bool failed;
    double us[ROUNDS], ratio[ROUNDS];
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double once(struct way *w)
{
    double start = now();
    pid_t pid = fork();
    if (!pid) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        alarm(100);
        execvp(w->argv[0], w->argv);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
        w->failed = true;
    return now() - start;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static struct way ways[MOST];
    int rounds = argc > 1 ? atoi(argv[1]) : 0, n = 0, i = 2;
    for (; i < argc && strcmp(argv[i], "--") && n < MOST; i++, n++) {
        char *value = strchr(argv[i], '=');
        if (!value)
            break;
        *value++ = 0;
        ways[n].name = argv[i];
        int words = 0;
        for (char *save, *p = strtok_r(value, " ", &save); p && words < WORDS / 2; p = strtok_r(NULL, " ", &save))
            ways[n].argv[words++] = p;
        ways[n].argv[words] = NULL;
    }
    if (rounds < 1 || rounds > ROUNDS || !n || i + 1 >= argc || strcmp(argv[i], "--") || argc - i > WORDS / 2) {
        fprintf(stderr, "rounds N NAME=PREFIX... -- COMMAND [ARG...]\n");
        return 2;
    }
    for (int w = 0; w < n; w++) {
        int words = 0;
        while (ways[w].argv[words])
            words++;
        memcpy(&ways[w].argv[words], &argv[i + 1], (size_t)(argc - i - 1) * sizeof *argv);
    }
    for (int r = -1; r < rounds; r++)
        for (int w = 0; w < n; w++) {
            if (ways[w].failed)
                continue;
            double us = once(&ways[w]);
            if (r < 0)
                continue;
            ways[w].us[r] = us;
            ways[w].ratio[r] = us / ways[0].us[r];
        }
    for (int w = 0; w < n; w++) {
        struct way *x = &ways[w];
        qsort(x->us, (size_t)rounds, sizeof *x->us, by_size);
        qsort(x->ratio, (size_t)rounds, sizeof *x->ratio, by_size);
        if (x->failed)
            printf("%s\t-\n", x->name);
        else
            printf("%s\t%.1f\t%.3f\t%.3f\t%.3f\n", x->name, x->us[rounds / 2], x->ratio[rounds / 2], x->ratio[0], x->ratio[rounds - 1]);
    }
    return 0;
}
