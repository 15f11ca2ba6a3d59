#include "front.h"
#include "buf.h"
#include "fd.h"
#include "log.h"
#include "proc.h"
#include "witness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define W_EXITED(status) ((status) << 8)

struct front {
    int sock, signals, child_fd;
    pid_t child, supervisor, agent, group;
    pid_t terminal_group; /* had the terminal when the agent stopped, and gets it back */
    struct witness *witness;
    bool over;
    int status, bits;
};

pid_t front_job_keeper(void)
{
    /* The kernel's will_become_orphaned_pgrp(): what counts is a parent in another group of the same session. */
    pid_t p = getppid(), up;
    while (p > 0 && getpgid(p) == getpgrp()) {
        if (proc_stat(p, NULL, &up, NULL, NULL, NULL, NULL))
            return 0;
        p = up;
    }
    return p > 0 && getsid(p) == getsid(0) ? p : 0;
}

void front_prepare(sigset_t *ret_mask)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, ret_mask);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* An orphan of the tree becomes a child of the nearest subreaper, of any of its threads. */
int front_kill_children(pid_t except, bool reap)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char path[64];
        STR_AUTO text = NULL;
        snprintf(path, sizeof path, "/proc/self/task/%d/children", atoi(e->d_name));
        if (atoi(e->d_name) <= 0 || fd_read_file(AT_FDCWD, path, 16 << 20, &text, NULL))
            continue;
        char *save = NULL;
        for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
            pid_t pid = atoi(w);
            if (pid <= 0 || pid == except)
                continue;
            kill(pid, SIGKILL);
            if (reap)
                waitpid(pid, NULL, WNOHANG); /* by number: waitpid(-1) could take `except` */
            n++;
        }
    }
    if (d)
        closedir(d);
    return n;
}

void front_end_tree(pid_t except)
{
    long pause_ns = 100 * 1000;
    while (front_kill_children(except, true)) { /* each child that dies leaves its own children to us */
        nanosleep(&(struct timespec){0, pause_ns}, NULL);
        if (pause_ns < 5 * 1000 * 1000)
            pause_ns *= 2;
    }
}

static void tell(struct front *f, enum front_what what, int value)
{
    struct front_msg m = {what, value, 0};
    send(f->sock, &m, sizeof m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void stop_self(int sig)
{
    sigset_t pending, one;
    sigpending(&pending);
    /* Overtaken: raising a stop signal now would throw the SIGCONT away. One that slips through is undone by the supervisor
     * when it sees the agent go on. */
    if (sigismember(&pending, SIGCONT))
        return;
    sigemptyset(&one);
    sigaddset(&one, sig);
    raise(sig);
    sigprocmask(SIG_UNBLOCK, &one, NULL); /* stands still here */
    sigprocmask(SIG_BLOCK, &one, NULL);
}

/* `fg`: the shell gave the terminal to the job's group; it belongs to the group inside that had it. After `bg` it is not ours. */
static void give_terminal_back(struct front *f)
{
    if (!f->terminal_group)
        return;
    FD_AUTO tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty >= 0 && tcgetpgrp(tty) == f->group)
        tcsetpgrp(tty, f->terminal_group);
}

static void on_signal(struct front *f, const struct signalfd_siginfo *s)
{
    int sig = (int)s->ssi_signo;
    if (sig == SIGCHLD)
        return;
    if ((pid_t)s->ssi_pid == f->supervisor && s->ssi_code <= 0)
        return; /* to wake us; what it says stands in its messages */
    if (s->ssi_code > 0) { /* the terminal's, for the whole foreground group */
        tell(f, FRONT_NUDGE, sig);
        return;
    }
    bool group = witness_saw(f->witness, sig, (pid_t)s->ssi_pid);
    if (sig == SIGCONT)
        give_terminal_back(f);
    if (!group || getpgid(f->agent) != f->group)
        tell(f, FRONT_SIGNAL, sig);
    else
        tell(f, FRONT_NUDGE, sig);
}

/* 0 or -1: nothing more will come. */
static int on_message(struct front *f)
{
    struct front_msg m;
    ssize_t n = recv(f->sock, &m, sizeof m, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n != (ssize_t)sizeof m)
        return -1;
    if (m.what == FRONT_AGENT) {
        f->agent = m.value;
        f->supervisor = m.value2;
    } else if (m.what == FRONT_STOPPED) {
        f->terminal_group = m.value2;
        stop_self(m.value);
    } else if (m.what == FRONT_EXIT) {
        f->over = true;
        f->status = m.value;
        f->bits = m.value2;
    }
    return 0;
}

static int pidfd(pid_t pid)
{
    return fd_high((int)syscall(SYS_pidfd_open, pid, 0));
}

/* Waits for one child, `seconds` at the most; false: it is still there. */
static bool wait_child(pid_t pid, int seconds)
{
    FD_AUTO fd = pidfd(pid);
    struct pollfd p = {fd, POLLIN, 0};
    if (fd >= 0 && poll(&p, 1, seconds * 1000) == 0)
        return false;
    waitpid(pid, NULL, 0);
    return true;
}

/* The supervisor did not come to it. A socket of that name on which somebody answers is another session's. */
static void remove_files(const struct front_files *files)
{
    if (files->denials)
        unlink(files->denials);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    FD_AUTO probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!files->socket || strlen(files->socket) >= sizeof a.sun_path || probe < 0)
        return;
    strcpy(a.sun_path, files->socket);
    if (connect(probe, (struct sockaddr *)&a, sizeof a) && errno == ECONNREFUSED)
        unlink(files->socket);
}

static void finish(struct front *f, pid_t scribe)
{
    if (f->bits & FRONT_LIVES_ON)
        return;
    if (!wait_child(f->child, 10)) {
        log_warn("the supervisor does not end; it is killed");
        kill(f->child, SIGKILL);
        front_end_tree(scribe);
    }
    if (scribe > 0 && !wait_child(scribe, 60))
        log_warn("the scribe has not finished writing the audit log; not waiting any longer");
}

static void serve(struct front *f)
{
    struct pollfd p[3] = {{f->sock, POLLIN, 0}, {f->signals, POLLIN, 0}, {f->child_fd, POLLIN, 0}};
    while (!f->over) {
        if (poll(p, 3, -1) < 0)
            continue;
        if (p[0].revents && on_message(f))
            return;
        if (f->over || p[0].revents)
            continue; /* messages first: what stopped, and who has the terminal */
        struct signalfd_siginfo s;
        if (p[1].revents && read(f->signals, &s, sizeof s) == (ssize_t)sizeof s)
            on_signal(f, &s);
        if (p[2].revents) { /* died. poll looks at one after the other: its last word may have come after it looked at the socket */
            for (int i = 0; i < 8 && !f->over && !on_message(f); i++)
                ;
            return;
        }
    }
}

int front_run(pid_t child, int sock, pid_t scribe, bool quiet, const struct front_files *files)
{
    sigset_t all;
    sigfillset(&all);
    struct front f = {.sock = sock, .child = child, .supervisor = child, .group = getpgrp()};
    f.signals = fd_high(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
    f.child_fd = pidfd(child);
    fd_close_inherited();
    if (quiet)
        log_close();
    /* Inherited as ignored, these would keep us from stopping, and children would vanish unseen. */
    static const int ours[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGCHLD};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        signal(ours[i], SIG_DFL);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* after the fork: the launcher must stay dumpable until it is released */
    f.witness = witness_start();

    serve(&f);
    witness_dismiss(f.witness);
    if (f.over) {
        finish(&f, scribe);
        witness_stop(f.witness);
    } else {
        witness_stop(f.witness);
        front_end_tree(scribe);
        log_warn("the supervisor has died: every process of the command was ended");
        f.status = W_EXITED(125);
        if (scribe > 0)
            wait_child(scribe, 60);
    }
    if (!f.over || f.bits & FRONT_OURS)
        remove_files(files);
    return f.status;
}

void front_guardian(int sock, const struct front_files *files)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    pid_t supervisor = fork();
    if (!supervisor)
        return;
    close(sock);
    setpgid(0, 0);
    fd_close_inherited();
    log_close();
    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (supervisor > 0)
        waitpid(supervisor, NULL, 0);
    front_end_tree(0);
    remove_files(files); /* nothing stands there any more when the supervisor ended by itself */
    _exit(0);
}

void front_end(int wait_status)
{
    if (!WIFSIGNALED(wait_status))
        exit(WEXITSTATUS(wait_status));
    int sig = WTERMSIG(wait_status);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* one core is enough: the program's own */
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, sig);
    signal(sig, SIG_DFL);
    raise(sig);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    _exit(128 + sig); /* pid 1 of a container is not killed by its own signals */
}
