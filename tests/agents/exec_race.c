/* exec_race WAY GOOD EVIL TRIES: execs GOOD while something else flips the path to EVIL and back: a `thread`, a process that
 * shares the memory (`vm`), or one that shares only a page of it (`shared`). GOOD ends with 0, EVIL with another status. GOOD and
 * EVIL are of the same length. Prints how often each of them ran, and how often the kernel or somebody else refused or killed. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char *good, *evil;
static volatile char *path;
static size_t at;

static void flip(void)
{
    /* One byte at a time, the one that differs: whatever is read is either of the two. For some milliseconds: nobody else ends
     * the process that shares the memory of one that has become another program. */
    for (int i = 0; i < 5000000; i++) {
        path[at] = evil[at];
        path[at] = good[at];
    }
}

static void *flip_thread(void *arg)
{
    flip();
    return NULL;
}

static int flip_process(void *arg)
{
    flip();
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc != 5 || strlen(argv[2]) != strlen(argv[3]))
        return 2;
    good = argv[2], evil = argv[3];
    while (good[at] == evil[at])
        at++;
    if (strcmp(good + at + 1, evil + at + 1))
        return 2; /* may differ in one byte only */
    path = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ran_good = 0, ran_evil = 0, refused = 0, killed = 0;
    for (int i = 0, tries = atoi(argv[4]); i < tries; i++) {
        strcpy((char *)path, good);
        pid_t other = 0;
        if (!strcmp(argv[1], "shared") && !(other = fork()))
            flip_process(NULL);
        pid_t p = fork();
        if (!p) {
            pthread_t t;
            if (!strcmp(argv[1], "thread"))
                pthread_create(&t, NULL, flip_thread, NULL);
            else if (!strcmp(argv[1], "vm"))
                clone(flip_process, (char *)malloc(65536) + 65536, CLONE_VM, NULL);
            usleep(1 + i % 40);
            for (int k = 0; k < 10; k++)
                execl((const char *)path, "x", (char *)NULL);
            _exit(99);
        }
        int st;
        waitpid(p, &st, 0);
        if (other) {
            kill(other, SIGKILL);
            waitpid(other, NULL, 0);
        }
        ran_good += !st;
        killed += WIFSIGNALED(st);
        refused += WIFEXITED(st) && WEXITSTATUS(st) == 99;
        ran_evil += WIFEXITED(st) && WEXITSTATUS(st) && WEXITSTATUS(st) != 99;
    }
    printf("good %d evil %d refused %d killed %d\n", ran_good, ran_evil, refused, killed);
    return 0;
}
