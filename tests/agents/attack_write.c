/* attack_write: every way to change something below SEC, each with its own victim. Prints one line an attempt: its name and "done"
 * (the victim changed, whatever the call said) or the errno. Exit status 0 when all were done, 1 when none, 3 for some.
 *   attack_write DIR        DIR/sec holds the victims (made by: attack_write DIR prepare), DIR/pub is the agent's own
 *   attack_write DIR only N */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

static char v[600], pub[600], other[700]; /* the victim, a file of ours, a second name */
static struct timespec ts[2] = {{1000, 0}, {1000, 0}};
static struct timeval tv[2] = {{1000, 0}, {1000, 0}};

static long spill(long fd)
{
    if (fd < 0)
        return -1;
    long n = write((int)fd, "changed", 7);
    close((int)fd);
    return n;
}

static long with(int flags, long (*act)(int fd))
{
    int fd = open(v, flags);
    if (fd < 0)
        return -1;
    long r = act(fd);
    int e = errno;
    close(fd);
    errno = e;
    return r;
}

static char *in_folder(const char *name)
{
    static char path[700];
    char *slash = strrchr(v, '/');
    snprintf(path, sizeof path, "%.*s/new-%s", (int)(slash - v), v, name);
    return path;
}

static long via_link(void)
{
    unlink(other);
    return symlink(v, other) ? -1 : spill(open(other, O_WRONLY));
}
static long via_folder_link(void)
{
    char dir[600], path[800];
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(v, '/') - v), v);
    unlink(other);
    snprintf(path, sizeof path, "%s/%s", other, strrchr(v, '/') + 1);
    return symlink(dir, other) ? -1 : spill(open(path, O_WRONLY));
}
static long via_dangling(void)
{
    unlink(other);
    return symlink(in_folder("dangling"), other) ? -1 : spill(open(other, O_WRONLY | O_CREAT, 0600));
}
static long via_dots(void)
{
    char path[1400];
    snprintf(path, sizeof path, "%.*s/..//./sec/%s", (int)(strrchr(pub, '/') - pub), pub, strrchr(v, '/') + 1);
    return spill(open(path, O_WRONLY));
}
static long folder_fd(void)
{
    char dir[600];
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(v, '/') - v), v);
    int fd = open(dir, O_PATH);
    long r = spill(openat(fd, strrchr(v, '/') + 1, O_WRONLY));
    int e = errno;
    close(fd);
    errno = e;
    return r;
}
static long via_cwd(void)
{
    char dir[600], back[600];
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(v, '/') - v), v);
    if (!getcwd(back, sizeof back) || chdir(dir))
        return -1;
    long r = spill(open(strrchr(v, '/') + 1, O_WRONLY));
    int e = errno;
    if (chdir(back))
        abort();
    errno = e;
    return r;
}
static long reopen(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return spill(open(path, O_WRONLY));
}
static long reopen_dev(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    return spill(open(path, O_RDWR | O_TRUNC));
}
static long open2(void)
{
    struct open_how how = {.flags = O_WRONLY};
    return spill(syscall(SYS_openat2, AT_FDCWD, v, &how, sizeof how));
}
static long tmpfile_in(void)
{
    char dir[600], fdpath[64];
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(v, '/') - v), v);
    int fd = open(dir, O_TMPFILE | O_WRONLY, 0600);
    if (fd < 0)
        return -1;
    snprintf(fdpath, sizeof fdpath, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, fdpath, AT_FDCWD, in_folder("tmpfile"), AT_SYMLINK_FOLLOW);
}
static long tmpfile_linked_in(void)
{
    char fdpath[64], dir[600];
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(pub, '/') - pub), pub);
    int fd = open(dir, O_TMPFILE | O_WRONLY, 0600);
    if (fd < 0)
        return -1;
    snprintf(fdpath, sizeof fdpath, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, fdpath, AT_FDCWD, in_folder("linked"), AT_SYMLINK_FOLLOW);
}
static long hard_then_write(void)
{
    unlink(other);
    return link(v, other) ? -1 : spill(open(other, O_WRONLY));
}
static long out_then_write(void)
{
    unlink(other);
    return rename(v, other) ? -1 : spill(open(other, O_WRONLY));
}
static long folder_out(void)
{
    char dir[600];
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(v, '/') - v), v);
    if (rename(dir, other))
        return -1;
    long r = rename(other, dir); /* back, for the next attempts */
    return r ? -2 : 0;
}
static long do_fchmod(int fd) { return fchmod(fd, 0777); }
static long do_fchown(int fd) { return fchown(fd, getuid(), getgid()); }
static long do_futimens(int fd) { return futimens(fd, ts); }
static long do_futimes(int fd) { return futimes(fd, tv); }
static long do_fsetxattr(int fd) { return fsetxattr(fd, "user.x", "v", 1, 0); }
static long do_fremovexattr(int fd) { return fremovexattr(fd, "user.there"); }
static long do_setflags(int fd)
{
    int flags;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
        return -1;
    flags |= FS_NODUMP_FL;
    return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}
static long do_fssetxattr(int fd)
{
    struct fsxattr x;
    if (ioctl(fd, FS_IOC_FSGETXATTR, &x))
        return -1;
    x.fsx_xflags |= FS_XFLAG_NODUMP;
    return ioctl(fd, FS_IOC_FSSETXATTR, &x);
}
static long do_chmod_empty(int fd) { return syscall(452, fd, "", 0777, AT_EMPTY_PATH); }
static long do_chown_empty(int fd) { return fchownat(fd, "", getuid(), getgid(), AT_EMPTY_PATH); }
static long do_utime_empty(int fd) { return utimensat(fd, "", ts, AT_EMPTY_PATH); }
static long do_link_fd(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    unlink(other);
    return linkat(AT_FDCWD, path, AT_FDCWD, other, AT_SYMLINK_FOLLOW) ? -1 : spill(open(other, O_WRONLY));
}
static long do_truncate_fd(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return truncate(path, 1);
}
static struct {
    uint64_t value;
    uint32_t size, flags;
} xargs;
static long setxattrat_(void)
{
    xargs.value = (uintptr_t)"v";
    xargs.size = 1;
    return syscall(463, AT_FDCWD, v, 0, "user.x", &xargs, sizeof xargs);
}

#define TRIES(X)                                                                                                       \
    X("open O_WRONLY", spill(open(v, O_WRONLY)))                                                                       \
    X("open O_RDWR", spill(open(v, O_RDWR)))                                                                           \
    X("open O_RDONLY|O_TRUNC", open(v, O_RDONLY | O_TRUNC))                                                            \
    X("open O_APPEND", spill(open(v, O_WRONLY | O_APPEND)))                                                            \
    X("open access mode 3", open(v, 3))                                                                                \
    X("open O_CREAT on it", spill(open(v, O_WRONLY | O_CREAT, 0600)))                                                  \
    X("raw open", spill(syscall(SYS_open, v, O_WRONLY)))                                                               \
    X("creat", spill(creat(v, 0600)))                                                                                  \
    X("openat2", open2())                                                                                              \
    X("openat of its folder", folder_fd())                                                                             \
    X("from its folder", via_cwd())                                                                                    \
    X("through a link", via_link())                                                                                    \
    X("through a link to the folder", via_folder_link())                                                               \
    X("through dots", via_dots())                                                                                      \
    X("reopen O_PATH by /proc", with(O_PATH, reopen))                                                                  \
    X("reopen O_RDONLY by /proc", with(O_RDONLY, reopen))                                                              \
    X("reopen by /dev/fd", with(O_RDONLY, reopen_dev))                                                                 \
    X("a new file", spill(open(in_folder("file"), O_WRONLY | O_CREAT, 0600)))                                          \
    X("a new file, exclusively", spill(open(in_folder("excl"), O_WRONLY | O_CREAT | O_EXCL, 0600)))                    \
    X("a new file, read only", open(in_folder("ro"), O_RDONLY | O_CREAT, 0600))                                        \
    X("a dangling link", via_dangling())                                                                               \
    X("O_TMPFILE there", tmpfile_in())                                                                                 \
    X("O_TMPFILE linked there", tmpfile_linked_in())                                                                   \
    X("truncate", truncate(v, 1))                                                                                      \
    X("truncate by /proc", with(O_RDONLY, do_truncate_fd))                                                             \
    X("unlink", unlink(v))                                                                                             \
    X("unlinkat", unlinkat(AT_FDCWD, v, 0))                                                                            \
    X("rename out", rename(v, other))                                                                                  \
    X("rename over it", rename(pub, v))                                                                                \
    X("renameat2 exchange", syscall(SYS_renameat2, AT_FDCWD, pub, AT_FDCWD, v, 2))                                     \
    X("exchange, the other way", syscall(SYS_renameat2, AT_FDCWD, v, AT_FDCWD, pub, 2))                                \
    X("rename out, then write", out_then_write())                                                                      \
    X("the folder renamed", folder_out())                                                                              \
    X("hard link, then write", hard_then_write())                                                                      \
    X("hard link of the descriptor", with(O_RDONLY, do_link_fd))                                                       \
    X("hard link into it", link(pub, in_folder("hard")))                                                               \
    X("symlink", symlink("x", in_folder("sym")))                                                                       \
    X("symlinkat", symlinkat("x", AT_FDCWD, in_folder("symat")))                                                       \
    X("mkdir", mkdir(in_folder("dir"), 0700))                                                                          \
    X("mkdirat", mkdirat(AT_FDCWD, in_folder("dirat"), 0700))                                                          \
    X("mknod", mknod(in_folder("node"), S_IFREG | 0600, 0))                                                            \
    X("mkfifo", mkfifo(in_folder("fifo"), 0600))                                                                       \
    X("chmod", chmod(v, 0777))                                                                                         \
    X("fchmodat", fchmodat(AT_FDCWD, v, 0777, 0))                                                                      \
    X("fchmodat2", syscall(452, AT_FDCWD, v, 0777, 0))                                                                 \
    X("fchmodat2 of a descriptor", with(O_PATH, do_chmod_empty))                                                       \
    X("fchmod", with(O_RDONLY, do_fchmod))                                                                             \
    X("chown", chown(v, getuid(), getgid()))                                                                           \
    X("lchown", lchown(v, getuid(), getgid()))                                                                         \
    X("fchownat", fchownat(AT_FDCWD, v, getuid(), getgid(), 0))                                                        \
    X("fchownat of a descriptor", with(O_PATH, do_chown_empty))                                                        \
    X("fchown", with(O_RDONLY, do_fchown))                                                                             \
    X("utime", utime(v, &(struct utimbuf){1, 1}))                                                                      \
    X("utimes", utimes(v, tv))                                                                                         \
    X("futimesat", syscall(SYS_futimesat, AT_FDCWD, v, tv))                                                            \
    X("utimensat", utimensat(AT_FDCWD, v, ts, 0))                                                                      \
    X("utimensat of a descriptor", with(O_PATH, do_utime_empty))                                                       \
    X("futimens", with(O_RDONLY, do_futimens))                                                                         \
    X("futimes", with(O_RDONLY, do_futimes))                                                                           \
    X("setxattr", setxattr(v, "user.x", "v", 1, 0))                                                                    \
    X("lsetxattr", lsetxattr(v, "user.x", "v", 1, 0))                                                                  \
    X("fsetxattr", with(O_RDONLY, do_fsetxattr))                                                                       \
    X("setxattrat", setxattrat_())                                                                                     \
    X("removexattr", removexattr(v, "user.there"))                                                                     \
    X("lremovexattr", lremovexattr(v, "user.there"))                                                                   \
    X("fremovexattr", with(O_RDONLY, do_fremovexattr))                                                                 \
    X("removexattrat", syscall(466, AT_FDCWD, v, 0, "user.there"))                                                     \
    X("FS_IOC_SETFLAGS", with(O_RDONLY, do_setflags))                                                                  \
    X("FS_IOC_FSSETXATTR", with(O_RDONLY, do_fssetxattr))

int main(int argc, char **argv)
{
    if (argc < 2 || chdir(argv[1]))
        return 2;
    char top[500];
    int n = 0, done = 0;
    if (!getcwd(top, sizeof top))
        return 2;
    int only = argc == 4 ? atoi(argv[3]) : -1;
    if (argc == 3) {
        mkdir("sec", 0755);
        mkdir("pub", 0755);
#define PREPARE(text, call)                                                                                            \
    snprintf(v, sizeof v, "sec/v%d", n++);                                                                             \
    close(creat(v, 0644));                                                                                             \
    setxattr(v, "user.there", "x", 1, 0);
        TRIES(PREPARE)
        mkdir("sec/folder", 0755);
        return 0;
    }
#define TRY(text, call)                                                                                                \
    if (only >= 0 && only != n) {                                                                                      \
        n++;                                                                                                           \
    } else {                                                                                                           \
        snprintf(v, sizeof v, "%s/sec/v%d", top, n);                                                                   \
        snprintf(pub, sizeof pub, "%s/pub/f%d", top, n);                                                               \
        snprintf(other, sizeof other, "%s/pub/o%d", top, n);                                                           \
        close(creat(pub, 0644));                                                                                       \
        n++;                                                                                                           \
        errno = 0;                                                                                                     \
        long r = call;                                                                                                 \
        done += r >= 0;                                                                                                \
        printf("%-32s %s\n", text, r >= 0 ? "done" : strerrorname_np(errno));                                          \
    }
    TRIES(TRY)
    printf("%d attempts, %d done\n", n, done);
    return done == (only < 0 ? n : 1) ? 0 : done ? 3 : 1;
}
