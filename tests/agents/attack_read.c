/* attack_read: every way to read DIR/sec/file, which a rule denies; its content begins with "SECRET". Prints one line an attempt.
 * Exit status 0 when all got it, 1 when none did, 3 for some.
 *   attack_read DIR [N]     DIR/sec/file, DIR/hard (a hard link to it, made before), DIR/pub (the agent's own) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[400], f[500], tmp[500], text[64];

static int secret(long fd)
{
    memset(text, 0, sizeof text);
    if (fd < 0)
        return -1;
    int n = (int)pread((int)fd, text, 6, 0);
    int e = errno;
    close((int)fd);
    errno = e;
    return n == 6 && !memcmp(text, "SECRET", 6) ? 0 : -1;
}

static int rd(const char *fmt, ...)
{
    char path[1000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(path, sizeof path, fmt, ap);
    va_end(ap);
    return secret(open(path, O_RDONLY));
}

static int link_to(const char *target, const char *rest)
{
    unlink(tmp);
    return symlink(target, tmp) ? -1 : rd("%s%s", tmp, rest);
}

static int opath(void)
{
    int fd = open(f, O_PATH);
    return fd < 0 ? -1 : rd("/proc/self/fd/%d", fd);
}
static int opath_dev(void)
{
    int fd = open(f, O_PATH);
    return fd < 0 ? -1 : rd("/dev/fd/%d", fd);
}
static int opath_empty(void)
{
    int fd = open(f, O_PATH), dir = open(top, O_PATH);
    struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
    close(fd);
    return secret(syscall(SYS_openat2, dir, "/sec/file", &how, sizeof how));
}
static int opath_folder(void)
{
    char dir[500];
    snprintf(dir, sizeof dir, "%s/sec", top);
    int fd = open(dir, O_PATH);
    return secret(openat(fd, "file", O_RDONLY));
}
static int opath_up(void)
{
    char dir[500];
    snprintf(dir, sizeof dir, "%s/sec/folder", top);
    int fd = open(dir, O_PATH);
    return secret(openat(fd, "../file", O_RDONLY));
}
static int openat2_(void)
{
    struct open_how how = {.flags = O_RDONLY};
    return secret(syscall(SYS_openat2, AT_FDCWD, f, &how, sizeof how));
}
static int opath2(void)
{
    struct open_how how = {.flags = O_PATH};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, f, &how, sizeof how);
    if (fd < 0)
        fd = open(f, O_PATH);
    return rd("/proc/self/fd/%d", fd);
}
static int cwd(void)
{
    char dir[500];
    snprintf(dir, sizeof dir, "%s/sec", top);
    int r = chdir(dir) ? -1 : rd("file"), e = errno;
    if (chdir(top))
        abort();
    errno = e;
    return r;
}
static int proc_cwd(void)
{
    char dir[500];
    snprintf(dir, sizeof dir, "%s/sec", top);
    int r = chdir(dir) ? -1 : rd("/proc/self/cwd/file"), e = errno;
    if (chdir(top))
        abort();
    errno = e;
    return r;
}
static int child_cwd(void)
{
    char dir[500];
    int p[2], r;
    snprintf(dir, sizeof dir, "%s/sec", top);
    if (pipe(p))
        return -1;
    pid_t c = fork();
    if (!c) {
        if (chdir(dir) || write(p[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    r = read(p[0], text, 1) == 1 ? rd("/proc/%d/cwd/file", c) : -1;
    int e = errno;
    kill(c, SIGKILL);
    waitpid(c, NULL, 0);
    errno = e;
    return r;
}
static int child_fd(void)
{
    int p[2], r;
    if (pipe(p))
        return -1;
    pid_t c = fork();
    if (!c) {
        int fd = open(f, O_PATH);
        dup2(fd, 77);
        if (write(p[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    r = read(p[0], text, 1) == 1 ? rd("/proc/%d/fd/77", c) : -1;
    int e = errno;
    kill(c, SIGKILL);
    waitpid(c, NULL, 0);
    errno = e;
    return r;
}
static int passed(void)
{
    int s[2], fd = open(f, O_PATH);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
        return -1;
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(int))];
    } u = {0};
    char c = 'x';
    struct iovec io = {&c, 1};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u};
    u.h.cmsg_level = SOL_SOCKET;
    u.h.cmsg_type = SCM_RIGHTS;
    u.h.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&u.h), &fd, sizeof fd);
    if (sendmsg(s[0], &m, 0) != 1 || recvmsg(s[1], &m, 0) != 1)
        return -1;
    memcpy(&fd, CMSG_DATA(&u.h), sizeof fd);
    return rd("/proc/self/fd/%d", fd);
}
static int renamed(void)
{
    unlink(tmp);
    if (rename(f, tmp))
        return -1;
    int r = rd("%s", tmp);
    return rename(tmp, f) ? -1 : r;
}
static int folder_renamed(void)
{
    char dir[500];
    snprintf(dir, sizeof dir, "%s/sec", top);
    unlink(tmp);
    if (rename(dir, tmp))
        return -1;
    int r = rd("%s/file", tmp);
    return rename(tmp, dir) ? -1 : r;
}
static int exchanged(void)
{
    char dir[500], mine[500];
    snprintf(dir, sizeof dir, "%s/sec", top);
    snprintf(mine, sizeof mine, "%s/pub/dir", top);
    mkdir(mine, 0700);
    if (syscall(SYS_renameat2, AT_FDCWD, mine, AT_FDCWD, dir, 2))
        return -1;
    int r = rd("%s/file", mine);
    return syscall(SYS_renameat2, AT_FDCWD, mine, AT_FDCWD, dir, 2) ? -1 : r;
}
static int linked(void)
{
    unlink(tmp);
    return link(f, tmp) ? -1 : rd("%s", tmp);
}
static int linked_fd(void)
{
    char path[64];
    int fd = open(f, O_PATH);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    unlink(tmp);
    return linkat(AT_FDCWD, path, AT_FDCWD, tmp, AT_SYMLINK_FOLLOW) ? -1 : rd("%s", tmp);
}
static int map_files(void)
{
    /* Only what is mapped shows there, and mapping needs the open that is denied: so by a child that would map it. */
    int fd = open(f, O_RDONLY);
    char *p = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    return p == MAP_FAILED ? -1 : memcmp(p, "SECRET", 6) ? -1 : 0;
}
static int sent(void)
{
    int fd = open(f, O_RDONLY), p[2];
    if (fd < 0 || pipe(p) || sendfile(p[1], fd, NULL, 6) != 6 || read(p[0], text, 6) != 6)
        return -1;
    return memcmp(text, "SECRET", 6) ? -1 : 0;
}
static int boundary(void)
{
    /* The path ends with the page; the next one is not mapped. */
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page + 4096, 4096, PROT_NONE);
    char *at = page + 4096 - strlen(f) - 1;
    strcpy(at, f);
    return secret(open(at, O_RDONLY));
}
static int crossing(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *at = page + 4096 - strlen(f) / 2;
    strcpy(at, f);
    return secret(open(at, O_RDONLY));
}
static int lengthy(void)
{
    char path[4096];
    size_t n = (size_t)snprintf(path, sizeof path, "%s", top);
    while (n + 20 < sizeof path)
        n += (size_t)snprintf(path + n, sizeof path - n, "/.");
    snprintf(path + n, sizeof path - n, "/sec/file");
    return secret(open(path, O_RDONLY));
}
static int high_bits(void) /* the kernel reads the flags and the descriptor as 32 bits */
{
    return secret(syscall(SYS_openat, 0xdeadbeef00000000ull | (unsigned)AT_FDCWD, f, 0xffffffff00000000ull | O_RDONLY));
}
static int unshared(void)
{
    char dir[500];
    snprintf(dir, sizeof dir, "%s/sec", top);
    pid_t c = fork();
    if (!c) {
        if (unshare(CLONE_FS | CLONE_FILES) || chdir(dir))
            _exit(1);
        _exit(rd("file") ? 1 : 0);
    }
    int status;
    waitpid(c, &status, 0);
    errno = EACCES;
    return status ? -1 : 0;
}

#define TRIES(X)                                                                                                       \
    X("open", rd("%s", f))                                                                                             \
    X("open O_RDWR", secret(open(f, O_RDWR)))                                                                          \
    X("open with O_CREAT", secret(open(f, O_RDONLY | O_CREAT, 0600)))                                                  \
    X("open access mode 3, reopened", secret(open(f, O_RDWR | O_APPEND)))                                              \
    X("raw open", secret(syscall(SYS_open, f, O_RDONLY)))                                                              \
    X("openat2", openat2_())                                                                                           \
    X("openat2 RESOLVE_IN_ROOT", opath_empty())                                                                        \
    X("high bits", high_bits())                                                                                        \
    X("dots and slashes", rd("%s//pub/..///sec/./file", top))                                                          \
    X("relative", rd("sec/file"))                                                                                      \
    X("from the folder", cwd())                                                                                        \
    X("by the folder's descriptor", opath_folder())                                                                    \
    X("upwards from a folder below", opath_up())                                                                       \
    X("a thread's own folder", unshared())                                                                             \
    X("through a link", link_to(f, ""))                                                                                \
    X("through a relative link", link_to("../sec/file", ""))                                                           \
    X("through a link to the folder", link_to("../sec", "/file"))                                                      \
    X("through a link to /", link_to("/", f))                                                                          \
    X("through /proc/self/root", rd("/proc/self/root%s", f))                                                           \
    X("through /proc/thread-self/root", rd("/proc/thread-self/root%s", f))                                             \
    X("through a link to /proc/self", link_to("/proc/self/root", f))                                                   \
    X("through /proc/self/cwd", proc_cwd())                                                                            \
    X("through a child's cwd", child_cwd())                                                                            \
    X("through a child's descriptor", child_fd())                                                                      \
    X("O_PATH, reopened by /proc", opath())                                                                            \
    X("O_PATH, reopened by /dev/fd", opath_dev())                                                                      \
    X("O_PATH by openat2, reopened", opath2())                                                                         \
    X("O_PATH, passed on, reopened", passed())                                                                         \
    X("a hard link from before", rd("%s/hard", top))                                                                   \
    X("a new hard link", linked())                                                                                     \
    X("a new hard link of a descriptor", linked_fd())                                                                  \
    X("renamed first", renamed())                                                                                      \
    X("the folder renamed first", folder_renamed())                                                                    \
    X("the folder exchanged first", exchanged())                                                                       \
    X("mapped", map_files())                                                                                           \
    X("sendfile", sent())                                                                                              \
    X("a path at the end of a page", boundary())                                                                       \
    X("a path across two pages", crossing())                                                                           \
    X("a path of almost PATH_MAX", lengthy())

int main(int argc, char **argv)
{
    if (argc < 2 || chdir(argv[1]) || !getcwd(top, sizeof top))
        return 2;
    int only = argc > 2 ? atoi(argv[2]) : -1, n = 0, tried = 0, done = 0;
    snprintf(f, sizeof f, "%s/sec/file", top);
    snprintf(tmp, sizeof tmp, "%s/pub/tmp", top);
#define TRY(name, call)                                                                                                \
    if (only < 0 || only == n) {                                                                                       \
        errno = 0;                                                                                                     \
        int r = call;                                                                                                  \
        done += !r;                                                                                                    \
        tried++;                                                                                                       \
        printf("%-36s %s\n", name, r ? errno ? strerrorname_np(errno) : "something else" : "READ IT");                \
    }                                                                                                                  \
    n++;
    TRIES(TRY)
    printf("%d attempts, %d done\n", tried, done);
    return done == tried ? 0 : done ? 3 : 1;
}
