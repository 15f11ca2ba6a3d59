/* errnos: what dozens of good and bad arguments of the open family and of the path-changing calls give. Prints one line each,
 * and nothing that differs from run to run, so that plain, log and enforce can be compared. Argument: an empty folder. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wnonnull"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

static void say(const char *what, long r)
{
    int e = errno;
    printf("%-64s %s\n", what, r < 0 ? strerrorname_np(e) ? strerrorname_np(e) : strerror(e) : "ok");
}

static void look(const char *name)
{
    struct stat st;
    if (lstat(name, &st)) {
        say(name, -1);
        return;
    }
    printf("    %s: mode %o uid %u gid %u size %ld links %ld mtime %ld.%09ld\n", name, st.st_mode, st.st_uid, st.st_gid,
           S_ISDIR(st.st_mode) ? 0 : (long)st.st_size, S_ISDIR(st.st_mode) ? 0 : (long)st.st_nlink,
           st.st_mtim.tv_sec < 2000000 ? (long)st.st_mtim.tv_sec : 0, st.st_mtim.tv_sec < 2000000 ? st.st_mtim.tv_nsec : 0);
}

/* An open: its errno, or the number, the flags that fcntl shows, the kind of file and where it stands. */
static void opened(const char *what, long fd)
{
    if (fd < 0) {
        say(what, fd);
        return;
    }
    struct stat st;
    fstat((int)fd, &st);
    printf("%-64s fd %ld flags %o cloexec %d kind %o at %ld\n", what, fd, fcntl((int)fd, F_GETFL) & ~O_NOFOLLOW, fcntl((int)fd, F_GETFD),
           st.st_mode & S_IFMT, (long)lseek((int)fd, 0, SEEK_CUR));
    close((int)fd);
}
#define OPEN(...) opened("open(" #__VA_ARGS__ ")", open(__VA_ARGS__))
#define OPENAT(...) opened("openat(" #__VA_ARGS__ ")", openat(__VA_ARGS__))
#define RAW(...) opened("syscall(" #__VA_ARGS__ ")", syscall(__VA_ARGS__))
#define DO(...) say(#__VA_ARGS__, (errno = 0, (long)(__VA_ARGS__)))

static long open2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t how, size_t size)
{
    struct {
        struct open_how h;
        uint64_t more[600];
    } h = {.h = {flags, mode, how}};
    if (size == 999) {
        h.more[0] = 1;
        size = 32;
    }
    return syscall(SYS_openat2, dir, path, &h, size);
}
#define OPEN2(...) opened("openat2(" #__VA_ARGS__ ")", open2(__VA_ARGS__))
#define V0 sizeof(struct open_how)

static void leases(void)
{
    int lease = open("g", O_RDONLY | O_CREAT, 0600);
    signal(SIGIO, SIG_IGN);
    DO(fcntl(lease, F_SETLEASE, F_RDLCK));
    pid_t c = fork();
    if (!c) {
        int fd = open("g", O_WRONLY); /* waits for the lease to go */
        _exit(fd < 0 || fcntl(fd, F_GETFL) & O_NONBLOCK);
    }
    usleep(200000);
    int fd = open("f", O_RDONLY), status;
    printf("while one waits for a lease another opens: %s\n", fd < 0 ? strerror(errno) : "ok");
    close(fd);
    DO(fcntl(lease, F_SETLEASE, F_UNLCK));
    waitpid(c, &status, 0);
    printf("the one that waited: %d\n", status);
    close(lease);
    unlink("g");
}

static void opens(void)
{
    char lengthy[5000];
    memset(lengthy, 'x', sizeof lengthy);
    lengthy[4999] = 0;
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page + 4096, 4096, PROT_NONE);
    memset(page, '/', 4096);
    OPEN("f", O_RDONLY);
    OPEN("f", O_RDWR | O_APPEND | O_CLOEXEC);
    OPEN("f", O_WRONLY | O_TRUNC);
    OPEN("f", O_WRONLY | O_SYNC);
    OPEN("f", O_RDONLY | O_NONBLOCK | O_NOATIME);
    OPEN("f", 3);
    OPEN("f", O_RDONLY | O_DIRECTORY);
    OPEN("f", O_RDONLY | O_CREAT, 0600);
    OPEN("f", O_RDWR | O_CREAT | O_EXCL, 0600);
    OPEN("f", 0x40000000 | O_RDONLY);
    OPEN("f/", O_RDONLY);
    OPEN("f/x", O_RDONLY);
    OPEN("f/x", O_CREAT | O_WRONLY, 0600);
    OPEN("f/.", O_RDONLY);
    OPEN("f/..", O_RDONLY);
    OPEN("", O_RDONLY);
    OPEN("", O_CREAT | O_RDWR, 0600);
    OPEN("missing", O_RDONLY);
    OPEN("missing/x", O_CREAT | O_RDWR, 0600);
    OPEN("missing/", O_CREAT | O_RDWR, 0600);
    OPEN("missing", O_RDONLY | O_DIRECTORY);
    OPEN("d", O_RDONLY);
    OPEN("d/", O_RDONLY | O_DIRECTORY);
    OPEN("d", O_RDWR);
    OPEN("d", O_WRONLY);
    OPEN("d", O_RDONLY | O_TRUNC);
    OPEN("d", O_RDONLY | O_CREAT, 0600);
    OPEN("d", O_RDONLY | O_CREAT | O_DIRECTORY, 0600);
    OPEN("dx", O_RDONLY | O_CREAT | O_DIRECTORY, 0600);
    OPEN("d/", O_RDWR | O_CREAT, 0600);
    OPEN("d/.", O_RDWR | O_CREAT, 0600);
    OPEN("d/..", O_RDWR | O_CREAT, 0600);
    OPEN("d/.", O_RDWR | O_CREAT | O_EXCL, 0600);
    OPEN("link", O_RDONLY);
    OPEN("link", O_RDONLY | O_NOFOLLOW);
    OPEN("link", O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
    OPEN("link", O_RDWR | O_CREAT | O_EXCL, 0600);
    OPEN("link", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    OPEN("link/", O_RDONLY);
    OPEN("dlink", O_RDONLY | O_NOFOLLOW);
    OPEN("dlink", O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
    OPEN("dlink/", O_RDONLY | O_NOFOLLOW);
    OPEN("dlink/.", O_RDONLY | O_NOFOLLOW);
    OPEN("f", O_RDONLY | O_NOFOLLOW);
    OPEN("loop", O_RDONLY);
    OPEN("loop/x", O_RDONLY);
    OPEN("loop", O_RDWR | O_CREAT, 0600);
    OPEN("loop", O_RDWR | O_CREAT | O_EXCL, 0600);
    OPEN("dangling", O_RDONLY);
    OPEN("dangling", O_RDWR | O_CREAT | O_EXCL, 0600);
    OPEN("dangling", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    OPEN("dangling", O_RDWR | O_CREAT, 0640);
    look("d/made");
    unlink("d/made");
    OPEN("lost", O_RDWR | O_CREAT, 0640);
    OPEN("sock", O_RDONLY);
    OPEN("sock", O_WRONLY);
    OPEN("fifo", O_WRONLY | O_NONBLOCK);
    OPEN("fifo", O_RDONLY | O_NONBLOCK);
    OPEN("fifo", O_RDWR);
    OPEN("secret", O_RDONLY);
    OPEN("secret", O_WRONLY);
    OPEN("closed/x", O_RDONLY);
    OPEN("closed/x", O_CREAT | O_RDWR, 0600);
    OPEN("closed", O_RDONLY);
    OPEN("ro/x", O_CREAT | O_RDWR, 0600);
    if (!access("ro/x", F_OK))
        unlink("ro/x");
    OPEN(lengthy, O_RDONLY);
    OPEN(lengthy + 4500, O_RDONLY);
    OPEN(NULL, O_RDONLY);
    OPEN((char *)1, O_RDONLY);
    OPEN(page + 4000, O_RDONLY);
    OPEN("/dev/null", O_RDWR | O_TRUNC);
    OPEN("/dev/zero", O_RDWR | O_CREAT, 0600);
    OPEN("/dev/full", O_WRONLY);
    OPEN("/proc/self/status", O_RDONLY);
    OPEN("/proc/self/status", O_WRONLY);
    OPEN("/proc/self/nothing", O_RDONLY);
    OPEN("/proc/self/nothing", O_CREAT | O_RDWR, 0600);
    OPEN("/proc/self/exe", O_RDONLY);
    OPEN("/proc/self/exe", O_WRONLY);
    OPEN("/proc/self/exe", O_RDONLY | O_NOFOLLOW);
    OPEN("/proc/self/fd/77", O_RDONLY);
    OPEN("/proc/self/cwd/f", O_RDONLY);
    OPEN("/proc/thread-self/comm", O_RDWR);
    OPEN("/dev/fd", O_RDONLY | O_DIRECTORY);
    OPEN("/nowhere", O_CREAT | O_RDWR | O_DIRECTORY, 0600);
    opened("creat f2", creat("f2", 0666));
    look("f2");
    opened("creat f3 4777", creat("f3", 04777));
    look("f3");
    unlink("f2");
    unlink("f3");
    OPEN("none", O_RDONLY | O_CREAT, 0);
    look("none");
    OPEN("none", O_RDWR | O_CREAT | O_EXCL, 0);
    unlink("none");
    OPEN("unreadable", O_RDWR | O_CREAT | O_EXCL, 0);
    unlink("unreadable");

    int dir = open("d", O_RDONLY | O_DIRECTORY), file = open("f", O_RDONLY), path = open("d", O_PATH);
    OPENAT(dir, "../f", O_RDONLY);
    OPENAT(path, "../f", O_RDONLY);
    OPENAT(dir, "", O_RDONLY);
    OPENAT(dir, ".", O_RDONLY);
    OPENAT(file, "x", O_RDONLY);
    OPENAT(file, "/dev/null", O_RDONLY);
    OPENAT(file, "x", O_RDWR | O_CREAT, 0600);
    OPENAT(88, "f", O_RDONLY);
    OPENAT(-1, "f", O_RDONLY);
    OPENAT(88, "/dev/null", O_RDONLY);
    OPENAT(dir, ".", O_TMPFILE | O_RDWR, 0600);
    OPENAT(AT_FDCWD, "d", O_TMPFILE | O_WRONLY | O_EXCL, 0600);
    OPENAT(AT_FDCWD, "d", O_TMPFILE | O_RDONLY, 0600);
    OPENAT(AT_FDCWD, "f", O_TMPFILE | O_RDWR, 0600);
    OPENAT(AT_FDCWD, "missing", O_TMPFILE | O_RDWR, 0600);
    OPENAT(AT_FDCWD, "dlink", O_TMPFILE | O_RDWR, 0600);
    OPENAT(AT_FDCWD, "d", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600);
    OPENAT(AT_FDCWD, "d", O_TMPFILE | O_CREAT | O_RDWR, 0600);
    OPENAT(AT_FDCWD, "f", O_PATH);
    OPENAT(AT_FDCWD, "link", O_PATH | O_NOFOLLOW);
    OPENAT(AT_FDCWD, "missing", O_PATH);
    OPENAT(path, "made", O_RDWR | O_CREAT, 0600);
    DO(unlinkat(path, "made", 0));

    OPEN2(AT_FDCWD, "f", O_RDONLY, 0, 0, V0);
    OPEN2(AT_FDCWD, "f", O_RDWR | O_CLOEXEC, 0, 0, 64);
    OPEN2(AT_FDCWD, "f", O_RDONLY, 0, 0, 999);
    OPEN2(AT_FDCWD, "f", O_RDONLY, 0, 0, 8);
    OPEN2(AT_FDCWD, "f", O_RDONLY, 0, 0, 4097);
    OPEN2(AT_FDCWD, "f", O_RDONLY, 0600, 0, V0);
    OPEN2(AT_FDCWD, "f", O_RDONLY | 0x40000000, 0, 0, V0);
    OPEN2(AT_FDCWD, "f", O_RDONLY | 1ull << 40, 0, 0, V0);
    OPEN2(AT_FDCWD, "f", O_RDONLY, 0, 1ull << 40, V0);
    OPEN2(AT_FDCWD, "new2", O_RDWR | O_CREAT, 010600, 0, V0);
    OPEN2(AT_FDCWD, "new2", O_RDWR | O_CREAT, 0600, 0, V0);
    unlink("new2");
    OPEN2(AT_FDCWD, "link", O_RDONLY, 0, RESOLVE_NO_SYMLINKS, V0);
    OPEN2(AT_FDCWD, "dlink/../f", O_RDONLY, 0, RESOLVE_NO_SYMLINKS, V0);
    OPEN2(AT_FDCWD, "/proc/self/cwd/f", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS, V0);
    OPEN2(AT_FDCWD, "/proc/self/status", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS, V0);
    OPEN2(AT_FDCWD, "/proc/self/status", O_RDONLY, 0, RESOLVE_NO_XDEV, V0);
    OPEN2(AT_FDCWD, "../etc", O_RDONLY, 0, RESOLVE_BENEATH, V0);
    OPEN2(AT_FDCWD, "/etc", O_RDONLY, 0, RESOLVE_BENEATH, V0);
    OPEN2(AT_FDCWD, "d/../f", O_RDONLY, 0, RESOLVE_BENEATH, V0);
    OPEN2(AT_FDCWD, "/f", O_RDONLY, 0, RESOLVE_IN_ROOT, V0);
    OPEN2(dir, "../../f", O_RDONLY, 0, RESOLVE_IN_ROOT, V0);
    OPEN2(dir, "/made", O_RDWR | O_CREAT, 0600, RESOLVE_IN_ROOT, V0);
    OPEN2(dir, "made", O_RDWR | O_CREAT | O_EXCL, 0600, RESOLVE_BENEATH, V0);
    DO(unlinkat(dir, "made", 0));
    OPEN2(AT_FDCWD, "dangling", O_RDWR | O_CREAT, 0600, RESOLVE_BENEATH, V0);
    DO(unlink("d/made"));
    OPEN2(AT_FDCWD, "lost", O_RDWR | O_CREAT, 0600, RESOLVE_BENEATH, V0);
    OPEN2(AT_FDCWD, "f", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT, V0);
    OPEN2(AT_FDCWD, "f", O_RDWR | O_TRUNC, 0, RESOLVE_CACHED, V0);
    OPEN2(88, "f", O_RDONLY, 0, 0, V0);
    DO(syscall(SYS_openat2, AT_FDCWD, "f", (void *)1, V0));
    RAW(SYS_openat2, AT_FDCWD, (void *)1, &(struct open_how){0}, V0);
    close(dir);
    close(file);
    close(path);

    struct rlimit old, few = {16, 16};
    getrlimit(RLIMIT_NOFILE, &old);
    few.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_NOFILE, &few);
    int used[32], n = 0;
    while ((used[n] = open("f", O_RDONLY)) >= 0)
        n++;
    say("open when descriptors are used up", -1);
    OPEN("f", O_RDWR);
    OPEN("unmade", O_RDWR | O_CREAT, 0600);
    OPEN("f", O_RDWR | O_TRUNC);
    OPEN("d", O_RDWR | O_TMPFILE, 0600);
    look("unmade");
    while (n)
        close(used[--n]);
    setrlimit(RLIMIT_NOFILE, &old);

    int lease = open("f", O_RDONLY);
    DO(fcntl(lease, F_SETLEASE, F_RDLCK));
    OPEN("f", O_WRONLY | O_NONBLOCK);
    OPEN("f", O_RDONLY | O_NONBLOCK);
    DO(fcntl(lease, F_SETLEASE, F_UNLCK));
    close(lease);
}

static void changes(void)
{
    char lengthy[300], big[70000];
    memset(lengthy, 'x', sizeof lengthy);
    lengthy[299] = 0;
    memset(big, 0, sizeof big);
    DO(mkdir("m", 01777));
    look("m");
    DO(mkdir("m", 0700));
    DO(mkdir("m/", 0700));
    DO(mkdir("n/", 02755));
    look("n");
    DO(mkdir("link", 0700));
    DO(mkdir("dangling", 0700));
    DO(mkdir("/", 0700));
    DO(mkdir(".", 0700));
    DO(mkdir("..", 0700));
    DO(mkdir("d/.", 0700));
    DO(mkdir("missing/x", 0700));
    DO(mkdir("f/x", 0700));
    DO(mkdir("", 0700));
    DO(mkdir(NULL, 0700));
    DO(mkdir(lengthy, 0700));
    DO(mkdir("closed/x", 0700));
    DO(mkdir("/proc/self/x", 0700));
    DO(symlink("x", "/proc/x"));
    DO(mkdirat(88, "x", 0700));
    DO(rmdir("m"));
    DO(rmdir("n/"));
    DO(rmdir("m"));
    DO(rmdir("f"));
    DO(rmdir("dlink"));
    DO(rmdir("dlink/"));
    DO(rmdir("."));
    DO(rmdir("d/.."));
    DO(rmdir("/"));
    DO(rmdir("full"));
    DO(unlink("full"));
    DO(unlink("full/"));
    DO(unlink("f/"));
    DO(unlink("missing"));
    DO(unlink("missing/"));
    DO(unlink("."));
    DO(unlink(".."));
    DO(unlink("/"));
    DO(unlink("dlink/"));
    DO(unlink(""));
    DO(unlink("closed/x"));
    DO(unlinkat(AT_FDCWD, "full", AT_REMOVEDIR));
    DO(unlinkat(AT_FDCWD, "f", 1));
    DO(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
    DO(mknod("node", S_IFREG | 0640, 0));
    look("node");
    DO(mknod("node", S_IFREG | 0640, 0));
    DO(mknod("node/", S_IFREG | 0640, 0));
    DO(mknod("new/", S_IFREG | 0640, 0));
    DO(mknod("fifo2", S_IFIFO | 0666, 0));
    look("fifo2");
    DO(mknod("bad", 0170000, 0));
    DO(mknod("bad", S_IFDIR | 0700, 0));
    DO(mkfifoat(AT_FDCWD, "fifo2", 0600));
    DO(unlink("fifo2"));
    DO(symlink("anything at all", "s"));
    DO(symlink("x", "s"));
    DO(symlink("", "s2"));
    DO(symlink("x", ""));
    DO(symlink("x", "s2/"));
    DO(symlink("x", "missing/s"));
    DO(symlink((char *)1, "s2"));
    DO(symlinkat("x", 88, "s2"));
    DO(unlink("s"));
    DO(link("f", "h"));
    look("h");
    DO(link("f", "h"));
    DO(link("f", "d"));
    DO(link("d", "h2"));
    DO(link("missing", "h2"));
    DO(link("f", "missing/h2"));
    DO(link("f", "h2/"));
    DO(link("link", "hl"));
    look("hl");
    DO(linkat(AT_FDCWD, "link", AT_FDCWD, "hf", AT_SYMLINK_FOLLOW));
    look("hf");
    DO(linkat(AT_FDCWD, "link", AT_FDCWD, "hx", 1));
    DO(link("f", ""));
    DO(link("", "h2"));
    DO(unlink("hl"));
    DO(unlink("hf"));
    int tmp = open("d", O_TMPFILE | O_RDWR, 0604);
    char fd[40];
    snprintf(fd, sizeof fd, "/proc/self/fd/%d", tmp);
    DO(linkat(AT_FDCWD, fd, AT_FDCWD, "fromtmp", AT_SYMLINK_FOLLOW));
    look("fromtmp");
    DO(unlink("fromtmp"));
    close(tmp);
    DO(rename("h", "h2"));
    DO(rename("h", "h3"));
    DO(rename("h2", "d"));
    DO(rename("d", "h2"));
    DO(rename("d", "full"));
    DO(rename("d", "d/x"));
    DO(rename("d/x", "d"));
    DO(rename(".", "x"));
    DO(rename("h2", ".."));
    DO(rename("h2", "h2"));
    DO(rename("h2", "f"));
    DO(rename("h2/", "h3"));
    DO(rename("h2", "missing/x"));
    DO(rename("h2", "h3/"));
    DO(rename("d/", "dd/"));
    DO(rename("dd", "d"));
    DO(rename("", "x"));
    DO(rename("h2", ""));
    DO(rename("closed/x", "x"));
    DO(syscall(SYS_renameat2, AT_FDCWD, "h2", AT_FDCWD, "f", 1));
    DO(syscall(SYS_renameat2, AT_FDCWD, "h2", AT_FDCWD, "d", 2));
    look("d");
    DO(syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "h2", 2));
    DO(syscall(SYS_renameat2, AT_FDCWD, "h2", AT_FDCWD, "missing", 2));
    DO(syscall(SYS_renameat2, AT_FDCWD, "h2", AT_FDCWD, "f", 3));
    DO(syscall(SYS_renameat2, AT_FDCWD, "h2", AT_FDCWD, "f", 64));
    DO(unlink("h2"));
    DO(unlink("h"));

    DO(truncate("node", 1000));
    look("node");
    DO(truncate("node", -1));
    DO(truncate("d", 0));
    DO(truncate("fifo", 0));
    DO(truncate("missing", 0));
    DO(truncate("secret", 0));
    DO(truncate("/proc/self/exe", 0));
    struct rlimit old, small = {500, 500};
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    DO(truncate("node", 900));
    DO(truncate("node", 2000));
    setrlimit(RLIMIT_FSIZE, &old);
    DO(chmod("node", 04711));
    look("node");
    DO(chmod("link", 0664));
    look("f");
    look("link");
    DO(chmod("missing", 0600));
    DO(chmod("/", 0755 | 07000000));
    DO(fchmodat(AT_FDCWD, "node", 0600, 0));
    DO(syscall(SYS_fchmodat, 88, "node", 0600));
    DO(syscall(452, AT_FDCWD, "link", 0600, AT_SYMLINK_NOFOLLOW));
    DO(syscall(452, AT_FDCWD, "node", 0611, 0));
    DO(syscall(452, AT_FDCWD, "node", 0611, 1));
    look("node");
    int fdr = open("node", O_RDONLY), fdw = open("node", O_WRONLY), fdp = open("node", O_PATH), dirp = open("d", O_RDONLY), p[2];
    if (pipe(p))
        return;
    DO(syscall(452, fdr, "", 0640, AT_EMPTY_PATH));
    DO(syscall(452, fdp, "", 0644, AT_EMPTY_PATH));
    DO(syscall(452, fdp, NULL, 0644, AT_EMPTY_PATH));
    DO(fchmod(fdr, 0604));
    look("node");
    DO(fchmod(fdw, 0640));
    DO(fchmod(dirp, 0750));
    look("d");
    DO(fchmod(p[0], 0640));
    DO(fchmod(88, 0640));
    DO(syscall(SYS_fchmod, fdp, 0640));
    DO(chown("node", getuid(), getgid()));
    DO(chown("node", -1, -1));
    DO(lchown("link", getuid(), -1));
    DO(fchown(fdr, -1, getgid()));
    DO(syscall(SYS_fchown, fdp, -1, -1));
    DO(fchownat(fdp, "", -1, getgid(), AT_EMPTY_PATH));
    DO(fchownat(AT_FDCWD, "", -1, getgid(), AT_EMPTY_PATH));
    DO(fchownat(fdp, "", -1, getgid(), 0));
    DO(fchownat(AT_FDCWD, "link", -1, getgid(), AT_SYMLINK_NOFOLLOW));
    DO(fchownat(AT_FDCWD, "node", -1, getgid(), 1));
    DO(chown("missing", 0, 0));
    if (getuid()) {
        DO(chown("node", 0, 0));
        DO(chmod("/etc/passwd", 0644));
        DO(unlink("/etc/passwd"));
        DO(rename("/etc/passwd", "/etc/passwd2"));
        DO(mkdir("/etc/x", 0700));
        DO(link("/etc/passwd", "pw"));
        DO(utimes("/etc/passwd", NULL));
    }
    struct timeval tv[2] = {{100, 5}, {200, 999999}}, bad[2] = {{1, 1000000}, {1, 0}};
    struct timespec ts[2] = {{300, 5}, {400, 999999999}}, odd[2] = {{1, UTIME_OMIT}, {1, UTIME_OMIT}}, worse[2] = {{1, -1}, {1, 1}};
    struct utimbuf ut = {500, 600};
    DO(utimes("node", tv));
    look("node");
    DO(utimes("node", bad));
    DO(syscall(SYS_utime, "node", &ut));
    look("node");
    DO(syscall(SYS_futimesat, AT_FDCWD, "node", tv));
    look("node");
    DO(syscall(SYS_futimesat, fdr, NULL, tv));
    DO(utimensat(AT_FDCWD, "node", ts, 0));
    look("node");
    DO(utimensat(AT_FDCWD, "link", ts, AT_SYMLINK_NOFOLLOW));
    look("link");
    DO(utimensat(AT_FDCWD, "node", odd, 0));
    DO(utimensat(AT_FDCWD, "node", worse, 0));
    DO(utimensat(AT_FDCWD, "node", ts, 1));
    DO(utimensat(AT_FDCWD, "missing", ts, 0));
    DO(utimensat(AT_FDCWD, "node", (void *)1, 0));
    DO(futimens(fdr, tv[0].tv_sec ? ts : NULL));
    DO(syscall(SYS_utimensat, 88, NULL, ts, 0));
    DO(syscall(SYS_utimensat, AT_FDCWD, NULL, ts, 0));
    DO(utimensat(fdp, "", ts, AT_EMPTY_PATH));
    look("node");
    DO(utime("node", NULL));
    DO(setxattr("node", "user.a", "value", 5, 0));
    DO(setxattr("node", "user.a", "value", 5, XATTR_CREATE));
    DO(setxattr("node", "user.b", "value", 5, XATTR_REPLACE));
    DO(setxattr("node", "user.b", "value", 5, 4));
    DO(setxattr("node", "user.e", "", 0, 0));
    DO(setxattr("node", "user.big", big, sizeof big, 0));
    DO(setxattr("node", "", "v", 1, 0));
    DO(setxattr("node", lengthy, "v", 1, 0));
    DO(setxattr("node", (char *)1, "v", 1, 0));
    DO(setxattr("node", "user.a", (char *)1, 1, 0));
    DO(setxattr("node", "bogus.a", "v", 1, 0));
    DO(setxattr("missing", "user.a", "v", 1, 0));
    DO(lsetxattr("link", "user.a", "v", 1, 0));
    DO(fsetxattr(fdr, "user.c", "v", 1, 0));
    DO(fsetxattr(fdw, "user.d", "v", 1, 0));
    DO(syscall(SYS_fsetxattr, fdp, "user.d", "v", 1, 0));
    char names[500] = "", value[20] = "";
    long n = listxattr("node", names, sizeof names);
    printf("    %ld bytes of names; user.a %ld\n", n, (long)getxattr("node", "user.a", value, sizeof value));
    DO(removexattr("node", "user.a"));
    DO(removexattr("node", "user.a"));
    DO(lremovexattr("link", "user.a"));
    DO(fremovexattr(fdr, "user.c"));
    DO(fremovexattr(88, "user.c"));
    struct {
        uint64_t value;
        uint32_t size, flags;
    } args = {(uintptr_t)"v", 1, 0};
    DO(syscall(463, AT_FDCWD, "node", 0, "user.x", &args, sizeof args));
    DO(syscall(463, fdr, "", AT_EMPTY_PATH, "user.y", &args, sizeof args));
    DO(syscall(463, AT_FDCWD, "node", 0, "user.x", &args, 8));
    DO(syscall(463, AT_FDCWD, "node", 1, "user.x", &args, sizeof args));
    DO(syscall(466, AT_FDCWD, "node", 0, "user.x"));
    DO(syscall(466, AT_FDCWD, "node", 0, "user.x"));
    char attr[24] = {0};
    DO(syscall(469, AT_FDCWD, "node", attr, 8, 0));
    DO(syscall(469, AT_FDCWD, "node", attr, sizeof attr, 1));
    DO(syscall(469, AT_FDCWD, "missing", attr, sizeof attr, 0));
    close(fdr);
    close(fdw);
    close(fdp);
    close(dirp);
    unlink("node");
}

int main(int argc, char **argv)
{
    if (argc != 2 || chdir(argv[1]))
        return 2;
    umask(022);
    signal(SIGIO, SIG_IGN); /* a lease that is broken */
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int fd = 3; fd < 300; fd++)
        close(fd);
    int fd = creat("f", 0644), s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (write(fd, "text", 4) != 4)
        return 2;
    close(fd);
    struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "sock"};
    if (bind(s, (void *)&sun, sizeof sun))
        return 2;
    close(s);
    if (mkdir("d", 0755) || mkdir("full", 0755) || mkdir("full/x", 0755) || mkdir("closed", 0700) || mkdir("ro", 0555) ||
        close(creat("closed/x", 0644)) || chmod("closed", 0) || close(creat("secret", 0)) || mkfifo("fifo", 0644) ||
        symlink("f", "link") || symlink("d", "dlink") || symlink("loop", "loop") || symlink("d/made", "dangling") ||
        symlink("/nowhere/at/all", "lost"))
        return 2;
    opens();
    leases();
    umask(077);
    changes();
    umask(002);
    opened("creat under 002", creat("g", 0666));
    look("g");
    chmod("closed", 0700);
    return 0;
}
