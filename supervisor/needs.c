#include "needs.h"
#include "buf.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define YAMA "/proc/sys/kernel/yama/ptrace_scope"
#define CONTAINER "in a container: --cap-add SYS_PTRACE, or a seccomp profile that allows "

int needs_notify(struct err *err)
{
    unsigned action = SECCOMP_RET_USER_NOTIF;
    if (!syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action))
        return 0;
    return err_set(err, errno, "seccomp user notification (Linux 5.0) cannot be had, and nothing can be supervised without it");
}

int needs_yama(struct err *err)
{
    STR_AUTO text = NULL;
    if (fd_read_file(AT_FDCWD, YAMA, 16, &text, NULL))
        return 0; /* not in this kernel */
    int scope = atoi(text);
    if (scope <= 1 || (scope == 2 && !geteuid()))
        return 0;
    return err_set(err, 0, "Yama's ptrace_scope is %d, which keeps us from reading the command's memory: sysctl kernel.yama.ptrace_scope=1%s",
                   scope, scope > 2 ? " (after a restart: 3 cannot be undone)" : ", or start as root");
}

int needs_openat2(struct err *err)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
    FD_AUTO fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how);
    return fd >= 0 ? 0 : err_set(err, errno, "openat2(2) (Linux 5.6) is refused, and paths cannot be resolved for the command without it");
}

int needs_memory(pid_t child, struct err *err)
{
    static volatile const int mark = 4711; /* at the same address in the child */
    int seen = 0;
    struct iovec here = {&seen, sizeof seen}, there = {(void *)(uintptr_t)&mark, sizeof mark};
    if (process_vm_readv(child, &here, 1, &there, 1, 0) == (ssize_t)sizeof seen && seen == mark)
        return 0;
    return err_set(err, errno, "the command's memory cannot be read (" CONTAINER "process_vm_readv)");
}

int needs_ptrace(pid_t child, struct err *err)
{
    int status;
    if (ptrace(PTRACE_SEIZE, child, NULL, NULL))
        return err_set(err, errno, "ptrace(2) is refused, and every exec is verified with it (" CONTAINER "ptrace)");
    ptrace(PTRACE_INTERRUPT, child, NULL, NULL);
    if (waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status) || ptrace(PTRACE_DETACH, child, NULL, NULL))
        return err_set(err, errno, "ptrace(2): a child that was seized did not stop");
    return 0;
}

int needs_getfd(pid_t child, int fd, int *ret, struct err *err)
{
    FD_AUTO pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    if (pidfd < 0)
        return err_set(err, errno, "pidfd_open(2) (Linux 5.3) is refused (" CONTAINER "pidfd_open)");
    int got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    if (got < 0 && errno != EBADF)
        return err_set(err, errno, "pidfd_getfd(2) (Linux 5.6) is refused, and enforce takes the very socket and file with it (" CONTAINER
                                   "pidfd_getfd)");
    *ret = got;
    return 0;
}
