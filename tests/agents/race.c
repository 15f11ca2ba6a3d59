/* race: what a call names changes while it is made, by a sibling thread: the memory of a path, or the file behind a number.
 *
 *   race KIND DIR SECONDS [until]    DIR/pub is the agent's, DIR/sec must not change; both are made with `prepare`
 *
 * Prints how often it was tried and how often DIR/sec was changed (or a name of it taken). Exit status 0: at least once. `until`: stop
 * at the first. The flipper ends with the process, and that by alarm.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static char dir[200], pub[300], sec[300], one[300], two[300], out[300], mine[300];
static char *volatile where; /* the three bytes that say pub or sec */
static int number = 200, pub_fd, sec_fd;
static struct stat before;

static void *flip_memory(void *arg)
{
    for (;;) {
        memcpy(where, "pub", 3);
        for (volatile int i = 0; i < 40; i++)
            ;
        memcpy(where, "sec", 3);
        for (volatile int i = 0; i < 40; i++)
            ;
    }
    return arg;
}

static void *flip_number(void *arg)
{
    for (;;) {
        dup2(pub_fd, number);
        dup2(sec_fd, number);
    }
    return arg;
}

static int changed(void)
{
    struct stat now;
    return stat(sec, &now) || now.st_mode != before.st_mode || now.st_size != before.st_size || now.st_ino != before.st_ino ||
           now.st_nlink != before.st_nlink || now.st_mtim.tv_sec != before.st_mtim.tv_sec || getxattr(sec, "user.x", NULL, 0) >= 0;
}

static int extra(const char *name)
{
    struct stat st;
    return !lstat(name, &st) || errno != ENOENT;
}

static void touch(const char *p)
{
    close(open(p, O_CREAT | O_WRONLY, 0600));
}

static int attempt(const char *kind) /* 1: sec was changed */
{
    static const struct timespec old[2] = {{1, 0}, {1, 0}};
    unsigned flags = 0x40; /* FS_NODUMP_FL */
    char new_name[420];
    snprintf(new_name, sizeof new_name, "%s/sec/new", dir);
    if (!strcmp(kind, "fchmod"))
        fchmod(number, 0777);
    else if (!strcmp(kind, "fchown"))
        fchown(number, getuid(), getgid()), fchmod(number, 0777);
    else if (!strcmp(kind, "futimens"))
        futimens(number, old);
    else if (!strcmp(kind, "fsetxattr"))
        fsetxattr(number, "user.x", "y", 1, 0);
    else if (!strcmp(kind, "setflags"))
        return ioctl(number, FS_IOC_SETFLAGS, &flags) ? 0 : !ioctl(sec_fd, FS_IOC_GETFLAGS, &flags) && flags & 0x40;
    else if (!strcmp(kind, "flink")) { /* the number's own file gets a name of ours */
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", number);
        unlink(out);
        linkat(AT_FDCWD, link, AT_FDCWD, out, AT_SYMLINK_FOLLOW);
    } else if (!strcmp(kind, "chmod"))
        chmod(one, 0777);
    else if (!strcmp(kind, "truncate"))
        truncate(one, 1);
    else if (!strcmp(kind, "utimensat"))
        utimensat(AT_FDCWD, one, old, 0);
    else if (!strcmp(kind, "setxattr"))
        setxattr(one, "user.x", "y", 1, 0);
    else if (!strcmp(kind, "unlink"))
        unlink(one), touch(mine);
    else if (!strcmp(kind, "rename_from"))
        rename(one, out), touch(mine);
    else if (!strcmp(kind, "rename_to"))
        rename(out, one), touch(out);
    else if (!strcmp(kind, "link"))
        unlink(out), link(one, out);
    else if (!strcmp(kind, "symlink"))
        return symlink("x", two), unlink(mine), extra(new_name);
    else if (!strcmp(kind, "mknod"))
        return mknod(two, S_IFREG | 0600, 0), unlink(mine), extra(new_name);
    else if (!strcmp(kind, "mkdir"))
        return mkdir(two, 0700), rmdir(mine), extra(new_name);
    else if (!strcmp(kind, "open_trunc"))
        close(open(one, O_RDONLY | O_TRUNC));
    else if (!strcmp(kind, "openat2")) {
        struct { unsigned long flags, mode, resolve; } how = {O_RDWR | O_TRUNC};
        close((int)syscall(437, AT_FDCWD, one, &how, sizeof how));
    } else
        exit(2);
    return changed();
}

static int argv_race(int until, double seconds)
{
    /* exec with an argument that a rule looks at: echo WORD, where `sec` is what the rule denies. */
    int got = 0, tries = 0;
    time_t end = time(NULL) + (time_t)(seconds + 1);
    while (time(NULL) < end && !(until && got)) {
        int p[2];
        if (pipe(p))
            return 2;
        pid_t c = fork();
        if (!c) {
            alarm(10);
            pthread_t t;
            static char word[] = "pub";
            where = word;
            pthread_create(&t, NULL, flip_memory, NULL);
            for (volatile int i = 0; i < 2000; i++)
                ;
            dup2(p[1], 1);
            execl("/bin/echo", "echo", word, NULL);
            _exit(1);
        }
        close(p[1]);
        char b[8] = "";
        if (read(p[0], b, 4) == 4 && !memcmp(b, "sec", 3))
            got++;
        close(p[0]);
        waitpid(c, NULL, 0);
        tries++;
    }
    printf("argv: %d tries, %d wrong\n", tries, got);
    return got ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    alarm(120);
    snprintf(dir, sizeof dir, "%s", argv[2]);
    snprintf(pub, sizeof pub, "%s/pub/file", dir);
    snprintf(sec, sizeof sec, "%s/sec/file", dir);
    snprintf(out, sizeof out, "%s/pub/out", dir);
    if (!strcmp(argv[1], "prepare")) {
        char p[300];
        snprintf(p, sizeof p, "%s/pub", dir);
        mkdir(p, 0755);
        snprintf(p, sizeof p, "%s/sec", dir);
        mkdir(p, 0755);
        touch(pub);
        touch(out);
        FILE *f = fopen(sec, "w");
        fputs("SECRET", f);
        fclose(f);
        chmod(sec, 0600);
        return 0;
    }
    double seconds = atof(argv[3]);
    int until = argc > 4, by_number = strchr("f", argv[1][0]) || !strcmp(argv[1], "setflags");
    if (!strcmp(argv[1], "argv"))
        return argv_race(until, seconds);
    if (stat(sec, &before))
        return 2;
    strcpy(one, pub);
    snprintf(two, sizeof two, "%s/pub/new", dir);
    int made = !strcmp(argv[1], "symlink") || !strcmp(argv[1], "mknod") || !strcmp(argv[1], "mkdir");
    snprintf(mine, sizeof mine, "%s", made ? two : pub);
    where = (made ? two : one) + strlen(dir) + 1;
    pub_fd = open(pub, O_RDONLY);
    sec_fd = open(sec, O_RDONLY);
    if (by_number && sec_fd < 0)
        return 2;
    dup2(pub_fd, number);
    pthread_t t;
    pthread_create(&t, NULL, by_number ? flip_number : flip_memory, NULL);
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    double stop = (double)end.tv_sec + (double)end.tv_nsec / 1e9 + seconds;
    int tries = 0, got = 0;
    do {
        got += attempt(argv[1]);
        tries++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)now.tv_sec + (double)now.tv_nsec / 1e9 < stop && !(until && got));
    printf("%s: %d tries, %d wrong\n", argv[1], tries, got);
    return got ? 0 : 1;
}
