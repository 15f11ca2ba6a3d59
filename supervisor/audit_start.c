#include "audit_state.h"
#include "fd.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What lies in the socket must fit the room that the scribe keeps ahead (scribe/room.h), so its size is ours to set. */
#define SOCKET_BYTES (64 * 1024)

/* As the file will be known to others: its folder resolved, its own name kept (a link there is refused later). */
static char *absolute(const char *path)
{
    const char *slash = strrchr(path, '/');
    STR_AUTO folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    STR_AUTO real = realpath(folder, NULL);
    return real ? xasprintf("%s/%s", strcmp(real, "/") ? real : "", slash ? slash + 1 : path) : xstrdup(path);
}

/* A file of that name may be a running session's, or be left by one that was killed: it is never opened, and never
 * taken away. */
static void make_denials(struct audit *a, const char *stem)
{
    for (int i = 0; i < 2; i++) {
        a->denials = i ? xasprintf("%s.%d.denials.jsonl", stem, (int)getpid()) : xasprintf("%s.denials.jsonl", stem);
        a->denials_fd =
            fd_high(open(a->denials, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (a->denials_fd >= 0)
            return;
        free(a->denials);
        a->denials = NULL;
    }
}

static int choose_paths(struct audit *a, const struct audit_config *c, struct err *err)
{
    STR_AUTO folder = c->state_home ? xasprintf("%s/sentinel-watch", c->state_home) : NULL;
    int e = folder ? fd_make_folders(folder) : -ENOENT;
    if (c->path) {
        a->path = absolute(c->path);
    } else {
        if (e < 0)
            return err_set(err, -e, "no place for the audit log: making %s (name a file with --audit)",
                           folder ? folder : "the state folder");
        a->path = xasprintf("%s/%s.jsonl", folder, c->session);
    }
    if (e == 0 && c->mode == MODE_ENFORCE) { /* nothing else denies */
        STR_AUTO stem = xasprintf("%s/%s", folder, c->session);
        make_denials(a, stem);
    }
    return 0;
}

/* In the child: nothing of ours but the socket (3) and stderr goes along. Signals stay blocked over the exec: the end
 * of a scribe is the end of its socket, or SIGKILL. */
static void become_scribe(const struct audit_config *c, const struct audit *a, int sock)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    setsid();
    int null = open("/dev/null", O_RDWR);
    /* Not our stderr: in log mode the scribe outlives the command, and whoever reads that pipe would wait for its end.
     */
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        _exit(125);
    if (dup2(sock, 3) < 0)
        _exit(125);
    close_range(4, ~0u, 0);
    const char *argv[16] = {c->scribe,   "write",    "--log",  a->path,
                            "--session", c->session, "--mode", mode_names[c->mode]};
    int n = 8;
    if (c->key) {
        argv[n++] = "--key";
        argv[n++] = c->key;
    }
    execv(c->scribe, (char *const *)argv);
    dprintf(3, "error cannot start %s: %s\n", c->scribe, strerror(errno));
    _exit(125);
}

void audit_abandon(struct audit *a)
{
    pid_t scribe = a->scribe;
    if (a->denials)
        unlink(a->denials);
    fd_close(&a->sock);
    fd_close(&a->poll);
    fd_close(&a->timer);
    fd_close(&a->denials_fd);
    buf_free(&a->prefix);
    buf_free(&a->batch);
    buf_free(&a->denied);
    buf_free(&a->heard);
    free(a->path);
    free(a->denials);
    free(a);
    if (scribe > 0) /* it has seen the end of its socket */
        waitpid(scribe, NULL, 0);
}

static int watch(struct audit *a)
{
    a->poll = fd_high(epoll_create1(EPOLL_CLOEXEC));
    a->timer = fd_high(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    struct epoll_event on = {.events = EPOLLIN};
    if (a->poll < 0 || a->timer < 0 || epoll_ctl(a->poll, EPOLL_CTL_ADD, a->timer, &on) < 0 ||
        epoll_ctl(a->poll, EPOLL_CTL_ADD, a->sock, &on) < 0)
        return -errno;
    return 0;
}

int audit_begin(const struct audit_config *c, struct audit **ret, pid_t *ret_pid, struct err *err)
{
    struct audit *a = xcalloc(1, sizeof *a);
    pthread_mutex_init(&a->lock, NULL);
    a->sock = a->poll = a->timer = a->denials_fd = -1;
    a->mode = c->mode;
    a->level = c->level;
    buf_puts(&a->prefix, ",\"session\":");
    json_str(&a->prefix, c->session);
    buf_puts(&a->prefix, ",\"mode\":");
    json_str(&a->prefix, mode_names[c->mode]);
    if (choose_paths(a, c, err) < 0) {
        audit_abandon(a);
        return -1;
    }
    int pair[2] = {-1, -1}, e = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        e = -errno;
    } else {
        a->sock = fd_high(pair[0]);
        pair[1] = fd_high(pair[1]); /* never 0 to 2, which the child fills */
        int bytes = SOCKET_BYTES;
        struct timeval patience = {.tv_sec = AUDIT_PATIENCE_S};
        setsockopt(a->sock, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
        setsockopt(a->sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        e = watch(a);
    }
    a->scribe = e < 0 ? -1 : fork();
    if (a->scribe == 0)
        become_scribe(c, a, pair[1]);
    if (a->scribe < 0)
        e = e < 0 ? e : -errno;
    fd_close(&pair[1]);
    if (e < 0) {
        audit_abandon(a);
        return err_set(err, -e, "starting the scribe");
    }
    *ret = a;
    *ret_pid = a->scribe;
    return 0;
}

int audit_ready(struct audit *a, struct err *err)
{
    BUF_AUTO said = {0};
    char c = 0;
    while (c != '\n') {
        ssize_t n = recv(a->sock, &c, 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (c != '\n')
            buf_putc(&said, c);
    }
    if (said.len && !strcmp(said.data, "ready"))
        return 0;
    if (said.len && !strncmp(said.data, "error ", 6))
        err_set(err, 0, "audit: %s", said.data + 6);
    else
        err_set(err, 0, "audit: the scribe ended without a word");
    audit_abandon(a);
    return -1;
}

int audit_start(const struct audit_config *c, struct audit **ret, pid_t *ret_pid, struct err *err)
{
    struct audit *a;
    pid_t pid;
    if (audit_begin(c, &a, &pid, err) < 0 || audit_ready(a, err) < 0)
        return -1;
    *ret = a;
    *ret_pid = pid;
    return 0;
}
