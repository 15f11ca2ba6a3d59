#include "front_link.h"
#include "fd.h"
#include "proc.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int pidfd(pid_t pid)
{
    return pid > 0 ? fd_high((int)syscall(SYS_pidfd_open, pid, 0)) : -1;
}

void front_link_init(struct front_link *l, int sock, pid_t front, pid_t keeper)
{
    *l = (struct front_link){.sock = sock, .front = front, .front_fd = pidfd(front), .shell_fd = pidfd(keeper), .group = getpgrp()};
    pthread_mutex_init(&l->lock, NULL);
}

void front_link_close(struct front_link *l)
{
    pthread_mutex_lock(&l->lock);
    fd_close(&l->sock);
    fd_close(&l->front_fd);
    fd_close(&l->shell_fd);
    l->front = 0;
    pthread_mutex_unlock(&l->lock);
}

/* With the lock held: a number that was closed may be something else's already. */
static void send_msg(struct front_link *l, enum front_what what, int value, int value2)
{
    struct front_msg m = {what, value, value2};
    while (send(l->sock, &m, sizeof m, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

void front_tell_agent(struct front_link *l, pid_t agent)
{
    pthread_mutex_lock(&l->lock);
    send_msg(l, FRONT_AGENT, agent, getpid());
    pthread_mutex_unlock(&l->lock);
}

/* A program inside (bash -i) may have given the terminal to a group of its own. That group, when it still holds it. */
static pid_t terminal_group(const struct front_link *l, pid_t agent)
{
    pid_t pgrp, tpgid;
    if (proc_stat(agent, NULL, NULL, &pgrp, NULL, NULL, &tpgid))
        return 0;
    return pgrp != l->group && pgrp == tpgid ? pgrp : 0;
}

void front_tell_stopped(struct front_link *l, pid_t agent, int sig)
{
    pthread_mutex_lock(&l->lock);
    l->stopped = true;
    send_msg(l, FRONT_STOPPED, sig, terminal_group(l, agent));
    pthread_mutex_unlock(&l->lock);
}

static void continued(struct front_link *l)
{
    l->stopped = false;
    if (l->front > 0)
        kill(l->front, SIGCONT);
}

void front_tell_continued(struct front_link *l)
{
    pthread_mutex_lock(&l->lock);
    continued(l);
    pthread_mutex_unlock(&l->lock);
}

void front_tell_exit(struct front_link *l, int wait_status, int bits)
{
    pthread_mutex_lock(&l->lock);
    if (l->stopped)
        continued(l); /* killed while stopped: the front must wake to read this */
    send_msg(l, FRONT_EXIT, wait_status, bits);
    pthread_mutex_unlock(&l->lock);
}

/* SIGCONT goes to the agent's group where that is its own: the shell can only have reached the job's. */
static void pass_on(const struct front_link *l, pid_t agent, int sig)
{
    pid_t g = getpgid(agent);
    kill(sig == SIGCONT && g > 1 && g != l->group ? -g : agent, sig);
}

int front_link_turn(struct front_link *l, pid_t agent)
{
    struct front_msg m;
    ssize_t n = recv(l->sock, &m, sizeof m, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n != sizeof m)
        return -1;
    if (m.what == FRONT_SIGNAL && agent > 0)
        pass_on(l, agent, m.value);
    return m.what;
}

void front_link_shell_died(struct front_link *l, pid_t agent)
{
    pthread_mutex_lock(&l->lock);
    bool stopped = l->stopped;
    pthread_mutex_unlock(&l->lock);
    if (!stopped)
        return; /* as the kernel: only a group with stopped members is told */
    pid_t g = getpgid(agent);
    if (g > 1) {
        kill(-g, SIGHUP);
        kill(-g, SIGCONT);
    }
    if (g != l->group && l->front > 0) {
        kill(l->front, SIGHUP);
        kill(l->front, SIGCONT);
    }
}
