#include "cmd_doctor.h"
#include "fd.h"
#include "filter.h"
#include "landlock.h"
#include "log.h"
#include "needs.h"
#include "nested.h"
#include "notify.h"
#include "places.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_VALUE 4711 /* what the probe's trapped call is answered with */

static int failed;

static void line(const char *mark, const char *fmt, va_list ap)
{
    printf("%-5s", mark);
    vprintf(fmt, ap);
    putchar('\n');
}

__attribute__((format(printf, 1, 2))) static void good(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    line("ok", fmt, ap);
    va_end(ap);
}

__attribute__((format(printf, 1, 2))) static void note(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    line("note", fmt, ap);
    va_end(ap);
}

__attribute__((format(printf, 1, 2))) static void bad(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    line("FAIL", fmt, ap);
    va_end(ap);
    failed = 1;
}

/* The probe: a child with a listener and one trapped call, waiting for `go`. Tells the listener's number, or -errno. */
static void probe_child(const struct filter *f, int sock)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    int listener = filter_install(f);
    char go;
    if (write(sock, &listener, sizeof listener) != (ssize_t)sizeof listener || listener < 0 || read(sock, &go, 1) != 1)
        _exit(1);
    _exit(syscall(SYS_getppid) == PROBE_VALUE ? 0 : 1);
}

static void check(int failed_, const struct err *err, const char *what)
{
    if (failed_)
        bad("%s", err->text);
    else
        good("%s", what);
}

static void check_notify(pid_t child, int sock, int number)
{
    struct err err;
    FD_AUTO listener = -1;
    int e = needs_getfd(child, number, &listener, &err);
    check(e, &err, "pidfd_getfd: takes a descriptor out of a child");
    if (e)
        return;
    e = notify_prepare(listener);
    struct notice n;
    struct pollfd p = {listener, POLLIN, 0};
    if (e || write(sock, "g", 1) != 1 || poll(&p, 1, 2000) != 1 || (e = notify_receive(listener, &n)) ||
        (e = notify_value(listener, n.id, PROBE_VALUE))) {
        bad("seccomp notification: a trapped call could not be answered: %s", strerror(e ? -e : ETIMEDOUT));
        return;
    }
    good("seccomp notification: a trapped call was answered");
    if (notify_sync_wakes())
        good("SYNC_WAKE_UP: the kernel has it");
    else
        note("SYNC_WAKE_UP: not in this kernel (Linux 6.6 has it); each supervised call costs several times more");
}

static void check_kernel(void)
{
    struct utsname u;
    uname(&u);
    good("kernel %s (%s)", u.release, u.machine);
    static const struct filter_rule rule = {.nr = SYS_getppid, .action = FILTER_NOTIFY};
    struct filter f;
    struct err err;
    int pair[2], number = -1;
    check(needs_openat2(&err), &err, "openat2: the kernel has it");
    if (needs_notify(&err)) {
        bad("%s", err.text);
        return;
    }
    if (filter_build(&rule, 1, false, 0, &f, &err) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        bad("the probe: %s", err.text);
        return;
    }
    fflush(stdout);
    pid_t child = fork();
    if (!child)
        probe_child(&f, pair[1]);
    close(pair[1]);
    if (read(pair[0], &number, sizeof number) != (ssize_t)sizeof number)
        number = -ECHILD;
    if (number == -EBUSY) {
        bad("seccomp: this process has a listener already; start it outside of other supervisors");
    } else if (number < 0) {
        bad("seccomp: a listener cannot be had: %s (USER_NOTIF is of Linux 5.0)", strerror(-number));
    } else {
        check(needs_memory(child, &err), &err, "process_vm_readv: a child's memory can be read");
        check(needs_ptrace(child, &err), &err, "ptrace: a child can be seized and let go");
        check_notify(child, pair[0], number);
    }
    close(pair[0]);
    filter_free(&f);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* WAIT_KILLABLE_RECV keeps a received call from being restarted by every signal (5.19). The kernel looks at the flags before the
 * program: with none it says EFAULT when it knows them, EINVAL when not. */
static void check_wait_killable(void)
{
    unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | (1u << 5);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EINVAL)
        note("WAIT_KILLABLE_RECV: not in this kernel (Linux 5.19 has it); signals restart supervised calls");
    else
        good("WAIT_KILLABLE_RECV: the kernel has it");
}

/* What stands behind the supervisor, part by part. */
static void check_landlock(void)
{
    int abi = landlock_abi();
    unsigned can = landlock_can(abi);
    if (!can) {
        note("Landlock: not in this kernel or switched off (lsm=): no backstop of the kernel's own stands behind the supervisor; the agent "
             "writes no core files");
        return;
    }
    good("Landlock: ABI %d", abi);
    for (int i = 0; i < LANDLOCK_PARTS; i++) {
        const struct landlock_part *p = &landlock_parts[i];
        if (can & p->bit)
            good("held by the kernel itself: %s", p->what);
        else
            note("held by the supervisor alone (ABI %d, Linux %s, would hold it too): %s", p->abi, p->since, p->what);
    }
}

static void check_places(void)
{
    static struct places p;
    struct err err;
    if (places_find(&p, "/", &err)) {
        bad("places: %s", err.text);
        return;
    }
    STR_AUTO other = nested_session(&p);
    if (other)
        bad("already supervised by %s", other);
    static const char *const programs[] = {"sentinel-scribe", "sentinel-policy", "sentinel-notifier"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        STR_AUTO path = places_program(&p, programs[i]);
        if (path)
            good("%s: %s", programs[i], path);
        else
            bad("%s: not beside this program (%s), nor in ../lib/sentinel-watch", programs[i], p.own_programs);
    }
    STR_AUTO sockets = NULL;
    if (places_sockets(&p, &sockets, &err))
        note("sockets: %s; no interface can attach", err.text);
    else
        good("sockets: %s", sockets);
    if (p.profiles)
        good("profiles: %s", p.profiles);
    else
        bad("profiles: the built-in ones were not found");
}

int cmd_doctor(int argc, char **argv)
{
    log_init(LOG_NORMAL, NULL);
    if (argc > 1) {
        log_warn("doctor: found `%s`, expected nothing more", argv[1]);
        return 2;
    }
    check_kernel();
    check_wait_killable();
    check_landlock();
    struct err err;
    check(needs_yama(&err), &err, "Yama: lets us read and seize our descendants");
    check_places();
    return failed;
}
