/* What a program finds when it is started: all that a supervisor could have left behind. Two runs from the same place must
 * print the same. Numbers that differ from run to run (pids, pipe inodes) are turned into relations or left out. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

static void descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    struct dirent *e;
    while (d && (e = readdir(d))) {
        int fd = atoi(e->d_name);
        if (e->d_name[0] == '.')
            continue;
        char link[4096], *colon;
        ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof link - 1);
        link[n > 0 ? n : 0] = 0;
        if ((colon = strchr(link, ':')) && colon[1] == '[')
            colon[1] = 0; /* pipe:[12345] */
        if (!strncmp(link, "/proc/", 6))
            strcpy(link, "(this listing)");
        printf("fd %d %s fdflags %x flags %x\n", fd, link, fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
    }
    if (d)
        closedir(d);
}

static void status_lines(void)
{
    static const char *const keep[] = {"SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "Uid", "Gid", "Groups", "Umask",
                                       "Threads", "Cpus_allowed:", "CoreDumping"};
    FILE *f = fopen("/proc/self/status", "r");
    char line[4096];
    while (f && fgets(line, sizeof line, f))
        for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
            if (!strncmp(line, keep[i], strlen(keep[i])))
                fputs(line, stdout);
    if (f)
        fclose(f);
}

static void limits(void)
{
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit l;
        if (!getrlimit(i, &l))
            printf("limit %d %llx %llx\n", i, (unsigned long long)l.rlim_cur, (unsigned long long)l.rlim_max);
    }
}

static void dispositions(void)
{
    for (int i = 1; i < 65; i++) { /* raw, for glibc hides 32 and 33 */
        struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } a = {0};
        if (!syscall(SYS_rt_sigaction, i, NULL, &a, 8) && a.handler)
            printf("signal %d %s flags %lx mask %lx\n", i, a.handler == (void *)1 ? "ignored" : "caught", a.flags, a.mask);
    }
}

static void terminal(void)
{
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios t;
    printf("tty %s", tty < 0 ? strerror(errno) : "open");
    if (tty >= 0 && !tcgetattr(tty, &t)) {
        printf(" iflag %x oflag %x cflag %x lflag %x cc", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
        for (int i = 0; i < NCCS; i++)
            printf(" %d", t.c_cc[i]);
        printf(" foreground %d", tcgetpgrp(tty) == getpgrp());
    }
    putchar('\n');
    if (tty >= 0)
        close(tty);
}

int main(int argc, char **argv)
{
    char cwd[4096];
    int sig = 0;
    descriptors();
    status_lines();
    limits();
    dispositions();
    terminal();
    printf("cwd %s\n", getcwd(cwd, sizeof cwd) ? cwd : strerror(errno));
    printf("nice %d scheduler %d personality %x\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0), personality(0xffffffff));
    prctl(PR_GET_PDEATHSIG, &sig);
    printf("pdeathsig %d dumpable %d keepcaps %d subreaper? timerslack %d\n", sig, prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS),
           prctl(PR_GET_TIMERSLACK));
    printf("session is that of the starter %d\n", getenv("STARTER_SID") ? getsid(0) == atoi(getenv("STARTER_SID")) : -1);
    for (int i = 0; i < argc; i++)
        printf("argv %s\n", i ? argv[i] : "-");
    for (char **e = environ; *e; e++)
        printf("env %s\n", *e);
    return 0;
}
