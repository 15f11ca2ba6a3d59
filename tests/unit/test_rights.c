#include "rights.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t effective(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    syscall(SYS_capget, &head, data);
    return data[0].effective | (uint64_t)data[1].effective << 32;
}

static uint64_t permitted(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    syscall(SYS_capget, &head, data);
    return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* A child that has become somebody and waits. */
static pid_t child(uid_t uid, uid_t fsuid, gid_t gid, int ngroups, gid_t *groups)
{
    int p[2];
    char c;
    pid_t pid;

    cr_assert_eq(pipe(p), 0);
    if ((pid = fork()) == 0) {
        if (rights_drop(rights_agent_caps()) < 0 || setgroups((size_t)ngroups, groups) || setresgid(gid, gid, gid) ||
            setresuid(uid, uid, uid))
            _exit(1);
        if (fsuid != uid)
            setfsuid(fsuid);
        if (write(p[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(p[1]);
    cr_assert_eq(read(p[0], &c, 1), 1, "the child could not become uid %d", (int)uid);
    close(p[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static bool has(gid_t g)
{
    gid_t list[1000];
    int n = getgroups(1000, list);

    for (int i = 0; i < n; i++)
        if (list[i] == g)
            return true;
    return false;
}

#define NEEDS_ROOT() \
    do { \
        if (geteuid() != 0 || !(effective() & (1u << CAP_SETUID)) || !(effective() & (1u << CAP_SETGID))) \
            cr_skip_test("not root with CAP_SETUID and CAP_SETGID"); \
    } while (0)

Test(rights, what_is_dropped_is_what_the_manual_says)
{
    uint64_t keep = rights_agent_caps();
    static const int gone[] = {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_DAC_READ_SEARCH,
                               CAP_NET_ADMIN, CAP_NET_RAW, CAP_MKNOD, CAP_BPF, CAP_PERFMON};

    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        cr_assert_not(keep >> gone[i] & 1, "capability %d is kept", gone[i]);
    cr_assert(keep >> CAP_SETUID & 1);
}

Test(rights, drop_takes_every_set)
{
    NEEDS_ROOT();
    pid_t pid = fork();
    if (!pid) {
        if (rights_drop(rights_agent_caps()) < 0)
            _exit(1);
        if ((effective() | permitted()) & ~rights_agent_caps())
            _exit(2);
        for (int c = 0, r; (r = prctl(PR_CAPBSET_READ, c, 0, 0, 0)) >= 0; c++)
            if (r && !(rights_agent_caps() >> c & 1))
                _exit(3);
        execl("/bin/sh", "sh", "-c", "exec awk '/^Cap(Prm|Eff|Bnd|Inh|Amb)/{print $2}' /proc/self/status >/tmp/caps.$PPID", NULL);
        _exit(4);
    }
    int st;
    waitpid(pid, &st, 0);
    char name[64];
    snprintf(name, sizeof name, "/tmp/caps.%d", (int)getpid());
    cr_assert(WIFEXITED(st) && WEXITSTATUS(st) == 0, "wait status %x", st);
    FILE *f = fopen(name, "r");
    unsigned long long v;
    int n = 0;
    cr_assert_not_null(f);
    for (; fscanf(f, "%llx", &v) == 1; n++)
        cr_assert_eq(v & ~rights_agent_caps(), 0, "set %d after an exec: %llx", n, v);
    cr_assert_eq(n, 5);
    unlink(name);
}

Test(rights, nothing_is_switched_before_something_changed)
{
    rights_init(true);
    rights_thread_start();
    uint64_t before = effective();
    cr_assert_not(rights_differ());
    cr_assert_eq(before & ~rights_agent_caps(), 0, "a thread at rest holds more than the agent: %llx", (unsigned long long)before);
    cr_assert_eq(rights_assume(getpid()), 0);
    cr_assert_eq(effective(), before);
    cr_assert_eq(rights_restore(), 0);
}

Test(rights, log_mode_switches_nothing)
{
    rights_init(false);
    uint64_t before = effective();
    rights_thread_start();
    rights_changed();
    cr_assert_not(rights_differ());
    cr_assert_eq(effective(), before);
}

Test(rights, an_ordinary_user_never_differs)
{
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
        cr_skip_test("cannot become an ordinary user");
    if (permitted())
        cr_skip_test("this user has capabilities");
    rights_init(true);
    rights_thread_start();
    rights_changed();
    cr_assert_not(rights_differ());
    cr_assert_eq(rights_assume(getppid()), 0);
    cr_assert_eq(rights_restore(), 0);
}

Test(rights, there_and_back)
{
    NEEDS_ROOT();
    gid_t groups[] = {100, 777};
    pid_t pid = child(65534, 65534, 65533, 2, groups);
    struct stat st;
    char name[] = "/tmp/rights.XXXXXX", file[64];

    rights_init(true);
    rights_thread_start();
    rights_changed();
    cr_assert(rights_differ());
    uint64_t full = effective();
    cr_assert_eq(full, permitted(), "a thread at rest has everything once something changed");
    bool had = has(777);

    cr_assert_not_null(mkdtemp(name));
    chmod(name, 01777);
    umask(022);
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(rights_assume(pid), 0);
        cr_assert_eq(effective(), 0);
        cr_assert_eq(geteuid(), 65534);
        cr_assert_eq(getegid(), 65533);
        cr_assert_eq(getuid(), 0, "the real id stays ours");
        cr_assert(has(777));
        snprintf(file, sizeof file, "%s/f%d", name, i);
        int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
        cr_assert_geq(fd, 0);
        cr_assert_eq(fchown(fd, 0, 0), -1);
        cr_assert_eq(errno, EPERM);
        close(fd);
        cr_assert_eq(open("/proc/sys/kernel/hostname", O_RDWR | O_CLOEXEC), -1);
        int sp[2];
        struct ucred peer;
        socklen_t len = sizeof peer;
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp), 0);
        cr_assert_eq(getsockopt(sp[0], SOL_SOCKET, SO_PEERCRED, &peer, &len), 0);
        cr_assert_eq(peer.uid, 65534);
        close(sp[0]);
        close(sp[1]);
        cr_assert_eq(rights_restore(), 0);

        cr_assert_eq(geteuid(), 0);
        cr_assert_eq(getegid(), 0);
        cr_assert_eq((uid_t)setfsuid((uid_t)-1), 0);
        cr_assert_eq(effective(), full);
        cr_assert_eq(has(777), had);
        cr_assert_eq(stat(file, &st), 0);
        cr_assert_eq(st.st_uid, 65534);
        cr_assert_eq(st.st_gid, 65533);
        unlink(file);
    }
    rmdir(name);
    end(pid);
}

Test(rights, nested_pairs_switch_once)
{
    NEEDS_ROOT();
    pid_t pid = child(65534, 65534, 65534, 0, NULL);

    rights_init(true);
    rights_thread_start();
    rights_changed();
    cr_assert_eq(rights_assume(pid), 0);
    cr_assert_eq(rights_assume(pid), 0);
    cr_assert_eq(rights_restore(), 0);
    cr_assert_eq(geteuid(), 65534, "the inner pair's end gave our rights back");
    cr_assert_eq(rights_restore(), 0);
    cr_assert_eq(geteuid(), 0);
    end(pid);
}

Test(rights, same_uid_with_fewer_capabilities)
{
    NEEDS_ROOT();
    int p[2];
    char c;
    pid_t pid;

    cr_assert_eq(pipe(p), 0);
    if ((pid = fork()) == 0) {
        if (rights_drop(1u << CAP_CHOWN) < 0 || write(p[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    cr_assert_eq(read(p[0], &c, 1), 1);
    rights_init(true);
    rights_thread_start();
    rights_changed();
    cr_assert_eq(rights_assume(pid), 0);
    cr_assert_eq(effective(), 1u << CAP_CHOWN);
    cr_assert_eq(rights_restore(), 0);
    cr_assert_eq(effective(), permitted());
    end(pid);
}

Test(rights, a_caller_with_file_ids_of_its_own)
{
    NEEDS_ROOT();
    pid_t pid = child(0, 65534, 0, 0, NULL);

    rights_init(true);
    rights_thread_start();
    rights_changed();
    cr_assert_eq(rights_assume(pid), 0);
    cr_assert_eq(geteuid(), 0);
    cr_assert_eq((uid_t)setfsuid((uid_t)-1), 65534);
    cr_assert_eq(effective() & ((1u << CAP_DAC_OVERRIDE) | (1u << CAP_CHOWN)), 0);
    cr_assert_eq(rights_restore(), 0);
    cr_assert_eq((uid_t)setfsuid((uid_t)-1), 0);
    cr_assert_eq(effective(), permitted());
    end(pid);
}

Test(rights, a_caller_that_is_gone)
{
    NEEDS_ROOT();
    pid_t pid = fork();

    if (!pid)
        _exit(0);
    waitpid(pid, NULL, 0);
    rights_init(true);
    rights_changed();
    uint64_t full = effective();
    cr_assert_lt(rights_assume(pid), 0);
    cr_assert_eq(geteuid(), 0);
    cr_assert_eq(effective(), full);
}

static void *other_thread(void *arg)
{
    pid_t pid = *(pid_t *)arg;

    rights_thread_start();
    rights_turn();
    if (rights_assume(pid) < 0)
        return (void *)(uintptr_t)"assume failed";
    for (int i = 0; i < 2000; i++)
        if (geteuid() != 65534)
            return (void *)(uintptr_t)"another thread's switch reached this one";
    return rights_restore() < 0 ? (void *)(uintptr_t)"restore failed" : NULL;
}

Test(rights, each_thread_alone)
{
    NEEDS_ROOT();
    pid_t pid = child(65534, 65534, 65534, 0, NULL);
    pthread_t t;
    void *r;

    rights_init(true);
    rights_thread_start();
    rights_changed();
    cr_assert_eq(pthread_create(&t, NULL, other_thread, &pid), 0);
    for (int i = 0; i < 2000; i++)
        cr_assert_eq(geteuid(), 0);
    pthread_join(t, &r);
    cr_assert_null(r, "%s", (char *)r);
    end(pid);
}
