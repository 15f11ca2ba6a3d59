/* resolve against the real file system: the "caller" is a forked child with a cwd, descriptors and a root of its own. */
#include "buf.h"
#include "fd.h"
#include "resolve.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[] = "/tmp/sw-resolve-XXXXXX";
static struct procs *procs;
static pid_t caller;
static struct resolver eyes;

static void put(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    cr_assert(fd >= 0, "%s", name);
    cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* top/a/b is the child's cwd; descriptor 50 is the file top/f, 51 a pipe, 52 the folder top/a, 53 a memfd, 54 top/gone. */
static void child_setup(void)
{
    int ready[2];
    cr_assert(!pipe(ready));
    caller = fork();
    if (!caller) {
        int p[2];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bool ok = !chdir("a/b") && dup2(open("../../f", O_RDWR), 50) == 50 && !pipe(p) && dup2(p[0], 51) == 51 &&
                  dup2(open("..", O_RDONLY | O_DIRECTORY), 52) == 52 && dup2(memfd_create("x", 0), 53) == 53 &&
                  dup2(open("../../gone", O_CREAT | O_RDWR, 0600), 54) == 54 && !unlink("../../gone");
        _exit(write(ready[1], ok ? "y" : "n", 1) == 1 && pause());
    }
    char c = 0;
    cr_assert(read(ready[0], &c, 1) == 1 && c == 'y');
}

static void setup(void)
{
    cr_assert(mkdtemp(top) && !chdir(top));
    cr_assert(!mkdir("a", 0755) && !mkdir("a/b", 0755));
    put("f", "f");
    put("a/b/here", "here");
    put("odd (deleted)", "odd");
    cr_assert(!symlink("f", "link") && !symlink("a/new", "dangling") && !symlink("loop", "loop") && !symlink("/proc/self", "self") &&
              !symlink("/dev/fd", "fds") && !symlink("a", "dirlink") && !symlink("/nowhere/x", "lost"));
    child_setup();
    procs = procs_new(getpid());
    procs_root(procs, caller);
    eyes = (struct resolver){.procs = procs, .tid = caller, .tgid = caller, .enforce = true};
}

static void teardown(void)
{
    kill(caller, SIGKILL);
    waitpid(caller, NULL, 0);
    procs_free(procs);
    STR_AUTO rm = xasprintf("rm -rf --one-file-system '%s'", top);
    cr_assert(!system(rm));
}

TestSuite(resolve, .init = setup, .fini = teardown);

/* %T in want is the test's folder. NULL: only the errno counts. */
static void expect(int dirfd, const char *path, unsigned flags, int err, const char *want)
{
    struct place p;
    STR_AUTO text = *path == '%' ? xasprintf("%s%s", top, path + 2) : xstrdup(path);
    int e = resolve(&eyes, dirfd, text, flags, &p);
    cr_expect_eq(e, err, "%s: %s, wanted %s", path, strerror(e), strerror(err));
    if (want) {
        STR_AUTO name = *want == '%' ? xasprintf("%s%s", top, want + 2) : xstrdup(want);
        cr_expect(p.path && !strcmp(p.path, name), "%s: named %s, wanted %s", path, p.path, name);
    }
    if (!e && p.exists && p.path && !p.procfs) {
        struct stat st;
        if (!lstat(p.path, &st))
            cr_expect(st.st_ino == p.st.st_ino, "%s: %s is another file", path, p.path);
    }
    cr_expect(e || p.fd >= 0 || flags & RESOLVE_PARENT, "%s: nothing pinned", path);
    place_finish(&p);
}

Test(resolve, the_callers_folders)
{
    expect(AT_FDCWD, "here", 0, 0, "%T/a/b/here");
    expect(AT_FDCWD, "../../link", 0, 0, "%T/f");
    expect(AT_FDCWD, "../../link", RESOLVE_NOFOLLOW_LAST, 0, "%T/link");
    expect(52, "b/../b/./here", 0, 0, "%T/a/b/here");
    expect(52, "%T/f", 0, 0, "%T/f");
    expect(999, "%T/f", 0, 0, "%T/f");
    expect(999, "here", 0, EBADF, NULL);
    expect(50, "here", 0, ENOTDIR, NULL);
    expect(50, "", RESOLVE_EMPTY, 0, "%T/f");
    expect(50, "", 0, ENOENT, NULL);
    expect(AT_FDCWD, "", RESOLVE_EMPTY, 0, "%T/a/b");
    expect(AT_FDCWD, "/", 0, 0, "/");
    expect(AT_FDCWD, "/..", 0, 0, "/");
    expect(AT_FDCWD, ".", 0, 0, "%T/a/b");
    expect(AT_FDCWD, "../", 0, 0, "%T/a");
}

Test(resolve, the_kernels_errors)
{
    char lengthy[300];
    memset(lengthy, 'x', sizeof lengthy);
    lengthy[299] = 0;
    expect(AT_FDCWD, "%T/missing", 0, ENOENT, "%T/missing");
    expect(AT_FDCWD, "missing/x", 0, ENOENT, "%T/a/b/missing/x");
    expect(AT_FDCWD, "%T/dirlink/missing", 0, ENOENT, "%T/a/missing");
    expect(AT_FDCWD, "%T/lost", 0, ENOENT, "/nowhere/x");
    expect(AT_FDCWD, "%T/loop", 0, ELOOP, NULL);
    expect(AT_FDCWD, "%T/loop", RESOLVE_NOFOLLOW_LAST, 0, "%T/loop");
    expect(AT_FDCWD, "%T/f/", 0, ENOTDIR, NULL);
    expect(AT_FDCWD, "%T/f/x", 0, ENOTDIR, NULL);
    expect(AT_FDCWD, "%T/f", RESOLVE_WANT_DIR, ENOTDIR, NULL);
    expect(AT_FDCWD, "%T/dirlink", RESOLVE_WANT_DIR, 0, "%T/a");
    expect(AT_FDCWD, "%T/dirlink", RESOLVE_WANT_DIR | RESOLVE_NOFOLLOW_LAST, ENOTDIR, NULL);
    expect(AT_FDCWD, "%T/dirlink/", RESOLVE_NOFOLLOW_LAST, 0, "%T/a");
    expect(AT_FDCWD, lengthy, 0, ENAMETOOLONG, NULL);
    expect(AT_FDCWD, "%T/odd (deleted)", 0, 0, "%T/odd (deleted)");
}

Test(resolve, proc_and_dev_are_the_callers)
{
    STR_AUTO status = xasprintf("/proc/%d/status", caller);
    put("ours", "ours");
    int trap = open("ours", O_RDONLY); /* a plain resolution would find this one */
    cr_assert(dup2(trap, 50) == 50);
    expect(AT_FDCWD, "/proc/self/status", 0, 0, "/proc/self/status");
    expect(AT_FDCWD, status, 0, 0, "/proc/self/status");
    expect(AT_FDCWD, "/proc/thread-self/status", 0, 0, NULL);
    expect(AT_FDCWD, "/proc/mounts", 0, 0, "/proc/self/mounts");
    expect(AT_FDCWD, "/proc/net/dev", 0, 0, "/proc/self/net/dev");
    expect(AT_FDCWD, "/proc/self/cwd/here", 0, 0, "%T/a/b/here");
    expect(AT_FDCWD, "/proc/self/cwd", 0, 0, "%T/a/b");
    expect(AT_FDCWD, "/proc/self/cwd", RESOLVE_NOFOLLOW_LAST, 0, "/proc/self/cwd");
    expect(AT_FDCWD, "/proc/self/root/etc/passwd", 0, 0, "/etc/passwd");
    expect(AT_FDCWD, "/dev/fd/50", 0, 0, "%T/f");
    expect(AT_FDCWD, "%T/fds/50", 0, 0, "%T/f");
    expect(AT_FDCWD, "%T/self/fd/50", 0, 0, "%T/f");
    expect(AT_FDCWD, "%T/self/status", 0, 0, "/proc/self/status");
    expect(AT_FDCWD, "%T/self/../self/fd/../status", 0, 0, "/proc/self/status");
    expect(AT_FDCWD, "/dev/fd/51", 0, 0, "/proc/self/fd/51");
    expect(AT_FDCWD, "/dev/fd/53", 0, 0, "/proc/self/fd/53");
    expect(AT_FDCWD, "/dev/fd/54", 0, 0, "%T/gone");
    expect(AT_FDCWD, "/dev/fd/99", 0, ENOENT, "/proc/self/fd/99");
    expect(AT_FDCWD, "/proc/uptime", 0, 0, "/proc/uptime");
    expect(AT_FDCWD, "/proc/self/..", 0, 0, "/proc");
    expect(52, "../self/fd/50", 0, 0, "%T/f");
    close(50);
    /* Now that we have none of that number: our own ENOENT must not be believed. */
    expect(AT_FDCWD, "%T/fds/50", 0, 0, "%T/f");
}

Test(resolve, other_processes)
{
    struct place p;
    STR_AUTO ours = xasprintf("/proc/%d/environ", getpid());
    STR_AUTO root = xasprintf("/proc/%d/cwd/f", getpid());
    cr_assert_eq(resolve(&eyes, AT_FDCWD, ours, 0, &p), 0);
    cr_expect(p.procfs && p.foreign && p.owner == getpid());
    place_finish(&p);
    cr_expect_eq(resolve(&eyes, AT_FDCWD, root, 0, &p), EACCES);
    cr_expect(p.foreign);
    place_finish(&p);
    cr_assert_eq(resolve(&eyes, AT_FDCWD, "/proc/self/environ", 0, &p), 0);
    cr_expect(p.procfs && !p.foreign && p.owner == caller);
    place_finish(&p);
    cr_assert_eq(resolve(&eyes, AT_FDCWD, "/proc/self/task/../../1/status", 0, &p), 0);
    cr_expect(p.foreign && p.owner == 1);
    place_finish(&p);
}

Test(resolve, creations)
{
    struct place p;
    expect(AT_FDCWD, "new", RESOLVE_PARENT, 0, "%T/a/b/new");
    expect(AT_FDCWD, "nowhere/new", RESOLVE_PARENT, ENOENT, "%T/a/b/nowhere/new");
    expect(AT_FDCWD, "%T/dirlink/new", RESOLVE_PARENT, 0, "%T/a/new");
    expect(AT_FDCWD, "%T/f/new", RESOLVE_PARENT, ENOTDIR, NULL);
    expect(AT_FDCWD, "%T/link", RESOLVE_PARENT, 0, "%T/link");
    expect(AT_FDCWD, "%T/link", RESOLVE_PARENT | RESOLVE_FOLLOW_NEW, 0, "%T/f");
    expect(AT_FDCWD, "%T/dangling", RESOLVE_PARENT | RESOLVE_FOLLOW_NEW, 0, "%T/a/new");
    expect(AT_FDCWD, "%T/lost", RESOLVE_PARENT | RESOLVE_FOLLOW_NEW, ENOENT, "/nowhere/x");
    expect(AT_FDCWD, "%T/loop", RESOLVE_PARENT | RESOLVE_FOLLOW_NEW, ELOOP, NULL);
    expect(AT_FDCWD, "/", RESOLVE_PARENT, 0, "/");
    cr_assert_eq(resolve(&eyes, AT_FDCWD, "../../newdir//", RESOLVE_PARENT, &p), 0);
    cr_expect(!p.exists && p.trailing_slash && p.dir >= 0 && !strcmp(p.name, "newdir//"));
    put("newdir", "came in between");
    cr_expect_eq(resolve_again(&p), 0);
    cr_expect(p.exists && p.fd >= 0);
    place_finish(&p);
}

Test(resolve, scopes_of_openat2)
{
    eyes.how_resolve = RESOLVE_BENEATH;
    expect(52, "b/here", 0, 0, "%T/a/b/here");
    expect(52, "b/../../f", 0, EXDEV, NULL);
    expect(52, "/etc/passwd", 0, EXDEV, NULL);
    eyes.how_resolve = RESOLVE_IN_ROOT;
    expect(52, "/b/here", 0, 0, "%T/a/b/here");
    expect(52, "../../b/here", 0, 0, "%T/a/b/here");
    eyes.how_resolve = RESOLVE_NO_SYMLINKS;
    expect(AT_FDCWD, "%T/link", 0, ELOOP, NULL);
    eyes.how_resolve = RESOLVE_NO_MAGICLINKS;
    expect(AT_FDCWD, "/proc/self/cwd/here", 0, ELOOP, NULL);
    expect(AT_FDCWD, "/proc/self/status", 0, 0, "/proc/self/status");
    eyes.how_resolve = RESOLVE_NO_XDEV;
    expect(AT_FDCWD, "/proc/self/status", 0, EXDEV, NULL);
}

Test(resolve, names_longer_than_a_page)
{
    char name[201];
    memset(name, 'd', 200);
    name[200] = 0;
    pid_t c = fork();
    if (!c) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < 30; i++)
            if (mkdir(name, 0755) || chdir(name))
                _exit(1);
        put("deep", "deep");
        pause();
    }
    eyes.tid = eyes.tgid = c;
    struct place p;
    for (int i = 0; i < 200 && resolve(&eyes, AT_FDCWD, "deep", 0, &p); i++) {
        place_finish(&p);
        poll(NULL, 0, 10);
    }
    cr_assert(p.exists && p.path);
    cr_expect_eq(strlen(p.path), strlen(top) + 30 * 201 + 5);
    place_finish(&p);
    kill(c, SIGKILL);
    waitpid(c, NULL, 0);
}

/* Root only: another root, and procfs mounted in other places. */
Test(resolve, other_mounts_and_roots)
{
    if (geteuid())
        cr_skip_test("needs root: mounts");
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        cr_skip_test("mounts are not allowed here");
    kill(caller, SIGKILL);
    waitpid(caller, NULL, 0);
    resolve_roots_may_differ(); /* as the session says when it sees a mount or a chroot */
    cr_assert(!mkdir("proc", 0755) && !mkdir("mine", 0755) && !mkdir("root", 0755) && !mkdir("root/etc", 0755));
    put("root/etc/passwd", "another root");
    cr_assert(!mount("proc", "proc", "proc", 0, NULL));
    child_setup();
    eyes.tid = eyes.tgid = caller;
    STR_AUTO folder = xasprintf("/proc/%d", caller);
    cr_assert(!mount(folder, "mine", NULL, MS_BIND, NULL));
    struct place p;
    STR_AUTO status = xasprintf("%s/proc/self/status", top);
    cr_assert_eq(resolve(&eyes, AT_FDCWD, status, 0, &p), 0);
    cr_expect(p.procfs && p.owner == caller && !p.foreign, "%s", p.path);
    place_finish(&p);
    STR_AUTO other = xasprintf("%s/proc/%d/environ", top, getpid());
    cr_assert_eq(resolve(&eyes, AT_FDCWD, other, 0, &p), 0);
    cr_expect(p.owner == getpid() && p.foreign);
    place_finish(&p);
    STR_AUTO bound = xasprintf("%s/mine/status", top);
    cr_assert_eq(resolve(&eyes, AT_FDCWD, bound, 0, &p), 0);
    cr_expect(p.owner == caller && !p.foreign);
    place_finish(&p);
    expect(AT_FDCWD, "%T/proc/self/fd/50", 0, 0, "%T/f");
    pid_t c = fork();
    if (!c) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chroot("root") || chdir("/etc"))
            _exit(1);
        pause();
    }
    eyes.tid = eyes.tgid = c;
    eyes.enforce = false;
    poll(NULL, 0, 100);
    expect(AT_FDCWD, "/etc/passwd", 0, 0, "%T/root/etc/passwd");
    expect(AT_FDCWD, "../../../etc/passwd", 0, 0, "%T/root/etc/passwd");
    kill(c, SIGKILL);
    waitpid(c, NULL, 0);
    cr_assert(!umount2("mine", MNT_DETACH) && !umount2("proc", MNT_DETACH));
}
