#include "launch.h"
#include "buf.h"
#include "fd.h"
#include "landlock.h"
#include "rights.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STAGE_WAIT, STAGE_READY, STAGE_FAILED, STAGE_GO };

/* Shared between launcher and supervisor: the one way to talk that needs no call which could be trapped. */
struct launch_page {
    _Atomic int stage;
    int listener;
    int landlock;
    const char *failed_at; /* a literal: both processes have the same program at the same place */
    int failed_errno;
    _Atomic int exec_errno;
};

static void stage_set(struct launch_page *p, int stage)
{
    atomic_store(&p->stage, stage);
    syscall(SYS_futex, &p->stage, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void stage_wait(struct launch_page *p, int while_stage, const struct timespec *timeout)
{
    syscall(SYS_futex, &p->stage, FUTEX_WAIT, while_stage, timeout, NULL, 0);
}

static void fail(struct launch_page *p, const char *what, int errnum)
{
    p->failed_at = what;
    p->failed_errno = errnum;
    stage_set(p, STAGE_FAILED);
    _exit(125);
}

/* The launcher's life. sh_argv: for a file without a format of its own, which execvp(3) gives to the shell. */
static void launcher(const struct launch *l, char **sh_argv, struct launch_page *p)
{
    int r;
    setrlimit(RLIMIT_NOFILE, &l->nofile);
    if (l->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        fail(p, "setting no_new_privs", errno);
    if (l->landlock) {
        static const struct rlimit no_core = {0, 0};
        p->landlock = landlock_enter();
        if (p->landlock < 0)
            fail(p, "entering the Landlock domain", -p->landlock);
        if (!(p->landlock & LANDLOCK_FILES))
            setrlimit(RLIMIT_CORE, &no_core);
    }
    if (l->keep_caps != ~0ULL && (r = rights_drop(l->keep_caps)))
        fail(p, "dropping capabilities", -r);
    p->listener = filter_install(l->filter);
    if (p->listener < 0)
        fail(p, "installing the system call filter", -p->listener);
    if (unshare(CLONE_FILES))
        fail(p, "taking a descriptor table of its own", errno);
    close(p->listener);
    close_range((unsigned)fd_base(), ~0U, 0);
    stage_set(p, STAGE_READY);
    while (atomic_load(&p->stage) != STAGE_GO)
        stage_wait(p, STAGE_READY, NULL);
    /* Raw: glibc's wrapper would take its own two signals (32, 33) out of a mask that had them. */
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, l->mask, NULL, 8);
    execve(l->path, l->argv, l->envp);
    if (errno == ENOEXEC)
        execve(sh_argv[0], sh_argv, l->envp);
    atomic_store(&p->exec_errno, errno);
    _exit(errno == ENOENT ? 127 : 126);
}

static void leave_job(bool new_session)
{
    if (new_session && setsid() >= 0)
        return;
    setpgid(0, 0);
}

/* Waits for the launcher's word. It may also be killed before it can say anything. */
static int wait_ready(pid_t pid, struct launch_page *p)
{
    const struct timespec look = {0, 50 * 1000 * 1000};
    while (atomic_load(&p->stage) == STAGE_WAIT) {
        stage_wait(p, STAGE_WAIT, &look);
        siginfo_t si = {0};
        if (atomic_load(&p->stage) == STAGE_WAIT && !waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) && si.si_pid)
            return -1;
    }
    return atomic_load(&p->stage) == STAGE_READY ? 0 : -1;
}

int launch_start(const struct launch *l, struct launched *ret, struct err *err)
{
    struct launch_page *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return err_set(err, errno, "launching: a page to share");

    size_t n = 0;
    while (l->argv[n])
        n++;
    char **sh_argv = xcalloc(n + 2, sizeof *sh_argv);
    static char sh[] = "/bin/sh";
    sh_argv[0] = sh;
    sh_argv[1] = l->path;
    for (size_t i = 1; i < n; i++)
        sh_argv[i + 1] = l->argv[i];
    fd_base(); /* computed here: the launcher must not open /proc */

    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (!pid)
        launcher(l, sh_argv, p);
    int e = errno;
    free(sh_argv);
    if (pid < 0) {
        munmap(p, sizeof *p);
        return err_set(err, e, "launching: clone");
    }
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored, children would vanish unseen */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    leave_job(l->new_session);

    if (wait_ready(pid, p)) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        int r = atomic_load(&p->stage) == STAGE_FAILED ? err_set(err, p->failed_errno, "launching: %s", p->failed_at)
                                                       : err_set(err, 0, "launching: the launcher was killed");
        munmap(p, sizeof *p);
        return r;
    }
    *ret = (struct launched){.pid = pid, .listener = fd_high(p->listener), .landlock = (unsigned)p->landlock, .page = p};
    return 0;
}

void launch_go(struct launched *l)
{
    stage_set(l->page, STAGE_GO);
}

int launch_exec_error(const struct launched *l)
{
    return atomic_load(&l->page->exec_errno);
}
