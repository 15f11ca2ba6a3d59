/* whose_proc: whose /proc entries a path leads to. One line a path; "mine" when it is this process's own. The same plain and
 * supervised, save the last lines, which look into the parent. Argument: an empty folder. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char text[65536];

static long slurp(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return -1;
    long n = read(fd, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    close(fd);
    return n;
}

static void status(const char *path)
{
    if (slurp(path) < 0) {
        printf("%-40s %s\n", path, strerror(errno));
        return;
    }
    char *p = strstr(text, "\nTgid:\t"), *q = strstr(text, "\nPid:\t");
    printf("%-40s %s %s\n", path, p && atoi(p + 7) == getpid() ? "mine" : "NOT MINE",
           q && atoi(q + 6) == gettid() ? "this thread" : "another thread");
}

static void *thread(void *arg)
{
    status("/proc/self/status");
    status("/proc/thread-self/status");
    status("self/status");
    return arg;
}

static void content(const char *path, const char *want)
{
    long n = slurp(path);
    printf("%-40s %s\n", path, n < 0 ? strerror(errno) : strncmp(text, want, strlen(want)) ? "NOT WHAT I HOLD" : "what I hold");
}

int main(int argc, char **argv)
{
    char top[4096];
    if (argc != 2 || chdir(argv[1]) || !getcwd(top, sizeof top))
        return 2;
    for (int i = 3; i < 1024; i++)
        close(i);
    const char *const links[][2] = {{"/proc/self", "self"},   {"/dev/fd", "fd"},     {"/dev/stdin", "in"},
                                    {"/proc", "p"},           {"/proc/mounts", "m"}, {"/proc/self/fd", "sfd"},
                                    {"self/fd/40", "forty"}};
    for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
        if (symlink(links[i][0], links[i][1]))
            return 2;
    int fd = open("held", O_CREAT | O_RDWR, 0600);
    if (write(fd, "held by me", 10) != 10 || dup2(fd, 40) != 40)
        return 2;
    close(fd);
    unlink("held");
    status("/proc/self/status");
    status("/proc/thread-self/status");
    status("self/status");
    status("self/../self/status");
    status("p/self/status");
    status("sfd/../status");
    status("fd/../status");
    status("/dev/fd/../status");
    status("/proc/self/task/../status");
    char path[200];
    snprintf(path, sizeof path, "/proc/%d/status", getpid());
    if (slurp(path) < 0)
        printf("by number: %s\n", strerror(errno));
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    content("/dev/fd/40", "held by me");
    content("/proc/self/fd/40", "held by me");
    content("/proc/thread-self/fd/40", "held by me");
    content("fd/40", "held by me");
    content("sfd/40", "held by me");
    content("forty", "held by me");
    content("p/self/fd/40", "held by me");
    if (chdir("/proc/self"))
        return 2;
    status("status");
    content("fd/40", "held by me");
    chdir("fd");
    content("40", "held by me");
    status("../status");
    chdir("/proc");
    status("self/status");
    if (chdir(top))
        return 2;
    /* Descriptors that I do not have: the supervisor's of that number would be found by a plain resolution. */
    int open_ones = 0;
    for (int i = 3; i < 1200; i++) {
        snprintf(path, sizeof path, i % 2 ? "/dev/fd/%d" : "sfd/%d", i);
        int got = open(path, O_RDONLY | O_NONBLOCK);
        if (got >= 0) {
            open_ones++;
            close(got);
        }
    }
    printf("of 1200 numbers %d could be opened\n", open_ones);
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += *e->d_name != '.';
    printf("%d descriptors are listed\n", n);
    const char *const names[] = {"environ", "maps", "mem", "fd", "root/etc/passwd", "cwd", "exe", "auxv", "syscall", "stack",
                                 "task",    "map_files", "pagemap", "oom_score_adj", "comm", "status"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        int mode = !strcmp(names[i], "oom_score_adj") || !strcmp(names[i], "comm") ? O_WRONLY : O_RDONLY;
        snprintf(path, sizeof path, "/proc/%d/%s", getppid(), names[i]);
        int got = open(path, mode);
        printf("the parent's %s: %s\n", names[i], got < 0 ? strerror(errno) : "opened");
        if (got >= 0)
            close(got);
    }
    return 0;
}
