/* flip: races against the check of an open. Something that decides which file is opened is changed again and again while the call
 * is made: tries to read a file that a rule denies, by asking for one that it allows.
 *   flip KIND DIR N [until]      DIR/pub/file may be read, DIR/sec/file may not; its content begins with "SECRET".
 * until: stop at the first. Prints how many of N tries read the secret (or got a descriptor that writes); exit status 0 when there was one. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *kind, *dir;
static volatile struct shared {
    char path[4096];
    char pad[64];
    struct open_how how;
    int stop, started;
} *s;
static char pub[512], sec[512], pubdir[512], secdir[512], owndir[512], link_[512], spare[512];
static int pubfd, secfd;
#define NUMBER 200

static void put(const char *from)
{
    for (int i = 0; from[i]; i++)
        s->path[i] = from[i]; /* the same length: only some bytes differ */
}

/* Each state stands for a while, so that the call begins in one and ends in another. */
static void dwell(void)
{
    static unsigned seed;
    seed = seed * 1103515245 + 12345;
    for (volatile int i = seed >> 16 & 2047; i; i--)
        ;
}

static void flip_once(void)
{
    if (!strcmp(kind, "dirfd")) {
        dup2(secfd, NUMBER);
        dwell();
        dup2(pubfd, NUMBER);
    } else if (!strcmp(kind, "link")) {
        symlink(secdir, spare);
        rename(spare, link_);
        dwell();
        symlink(pubdir, spare);
        rename(spare, link_);
    } else if (!strcmp(kind, "exchange")) {
        syscall(SYS_renameat2, AT_FDCWD, spare, AT_FDCWD, link_, 2);
    } else if (!strcmp(kind, "newname") || !strcmp(kind, "mkdir")) {
        syscall(SYS_renameat2, AT_FDCWD, spare, AT_FDCWD, link_, 2);
    } else if (!strcmp(kind, "create")) {
        unlink(link_);
        dwell();
        symlink(sec, link_);
    } else if (!strcmp(kind, "flags")) {
        s->how.flags = O_RDWR;
        dwell();
        s->how.flags = O_RDONLY;
    } else if (!strcmp(kind, "opath")) {
        s->how.flags = O_RDWR;
        dwell();
        s->how.flags = O_PATH;
    } else if (!strcmp(kind, "cwd")) {
        if (chdir(secdir))
            return;
        dwell();
        if (chdir(pubdir))
            return;
    } else {
        put(sec);
        dwell();
        put(pub);
    }
    dwell();
    s->started = 1;
}

static void *flipper(void *arg)
{
    (void)arg;
    while (!s->stop)
        flip_once();
    return NULL;
}

static int child(void *arg)
{
    flipper(arg);
    _exit(0);
}

static int one_open(void)
{
    if (!strcmp(kind, "create"))
        return open(link_, O_RDWR | O_CREAT, 0600);
    if (!strcmp(kind, "dirfd"))
        return openat(NUMBER, "file", O_RDONLY);
    if (!strcmp(kind, "link") || !strcmp(kind, "exchange")) {
        char path[600];
        snprintf(path, sizeof path, "%s/file", link_);
        return open(path, O_RDONLY);
    }
    if (!strcmp(kind, "cwd"))
        return open("file", O_RDONLY);
    if (!strcmp(kind, "flags") || !strcmp(kind, "opath"))
        return (int)syscall(SYS_openat2, AT_FDCWD, pub, &s->how, sizeof s->how);
    return open((char *)s->path, O_RDONLY);
}

/* Makes a name through the link that changes. 1 when it came to be in the denied folder, 0 in the other, -1 nowhere. */
static int one_name(void)
{
    char path[600], there[600], here[600];
    snprintf(path, sizeof path, "%s/new", link_);
    snprintf(there, sizeof there, "%s/new", secdir);
    snprintf(here, sizeof here, "%s/new", owndir);
    if (!strcmp(kind, "mkdir"))
        mkdir(path, 0700);
    else
        close(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
    int got = !access(there, F_OK) ? 1 : !access(here, F_OK) ? 0 : -1;
    remove(here);
    remove(there);
    return got;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    kind = argv[1];
    dir = argv[2];
    int n = atoi(argv[3]), got = 0, allowed = 0;
    s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(pub, sizeof pub, "%s/pub/file", dir);
    snprintf(sec, sizeof sec, "%s/sec/file", dir);
    snprintf(pubdir, sizeof pubdir, "%s/pub", dir);
    snprintf(secdir, sizeof secdir, "%s/sec", dir);
    snprintf(owndir, sizeof owndir, "%s/own", dir);
    snprintf(link_, sizeof link_, "%s/turn", dir);
    snprintf(spare, sizeof spare, "%s/spare", dir);
    pubfd = open(pubdir, O_PATH);
    secfd = open(secdir, O_PATH);
    dup2(pubfd, NUMBER);
    unlink(link_);
    unlink(spare);
    int names = !strcmp(kind, "newname") || !strcmp(kind, "mkdir");
    if (symlink(names ? owndir : pubdir, link_) || ((names || !strcmp(kind, "exchange")) && symlink(secdir, spare)))
        return 2;
    put(pub);
    s->how.flags = strcmp(kind, "opath") ? O_RDONLY : O_PATH;
    pthread_t t;
    pid_t c = 0;
    if (!strcmp(kind, "vm"))
        c = clone(child, (char *)malloc(65536) + 65536, CLONE_VM | SIGCHLD, NULL);
    else if (!strcmp(kind, "shared"))
        c = fork() ? : child(NULL);
    else
        pthread_create(&t, NULL, flipper, NULL);
    while (!s->started)
        sched_yield();
    for (int i = 0; i < n && !(got && argc > 4); i++) {
        if (names) {
            int r = one_name();
            got += r == 1;
            allowed += r == 0;
            continue;
        }
        int fd = one_open();
        if (fd < 0)
            continue;
        char text[16] = "";
        if (!strcmp(kind, "flags") || !strcmp(kind, "opath")) {
            int flags = fcntl(fd, F_GETFL);
            got += (flags & O_ACCMODE) == O_RDWR && !(flags & O_PATH);
            allowed += (flags & O_ACCMODE) == O_RDONLY;
        } else if (read(fd, text, 6) == 6 || !strcmp(kind, "create")) {
            got += !memcmp(text, "SECRET", 6);
            allowed += !!memcmp(text, "SECRET", 6);
        }
        close(fd);
    }
    s->stop = 1;
    if (c > 0)
        kill(c, SIGKILL), waitpid(c, NULL, 0);
    printf("%s: %d of %d reached what was denied, %d what was allowed\n", kind, got, n, allowed);
    return got ? 0 : 1;
}
