#include "audit.h"
#include "audit_line.h"
#include "fd.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH (32 * 1024)
#define BATCH_NS (5 * 1000 * 1000)
#define STORM_NS (1000 * 1000)
#define STORM_BURST 16
#define PATIENCE_S 10
/* What lies in the socket must fit the room that the scribe keeps ahead (scribe/room.h), so its size is ours to set. */
#define SOCKET_BYTES (64 * 1024)

struct audit {
    pthread_mutex_t lock;
    int sock, poll, timer, denials_fd;
    pid_t scribe;
    char *path, *denials;
    enum mode mode;
    enum audit_level level;
    struct buf prefix; /* ,"session":"...","mode":"..." */
    struct buf batch, denied, heard;
    bool due;          /* the timer runs */
    uint64_t calm_ns;  /* when all urgent sends so far are paid for, at one each STORM_NS */
    time_t second;     /* what stamp holds */
    char stamp[48];
    struct audit_totals totals;
    uint64_t unsent;     /* lines in batch */
    uint64_t lost;       /* lines that could not be handed over */
    uint64_t scribe_lost; /* lines that the scribe says it could not write */
    bool dead, ended;
    atomic_bool failed;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* RFC 3339 UTC with nanoseconds; the calendar part is made once a second. */
static const char *stamp(struct audit *a)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (t.tv_sec != a->second || !a->stamp[0]) {
        struct tm tm;
        gmtime_r(&t.tv_sec, &tm);
        strftime(a->stamp, sizeof a->stamp, "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
        a->second = t.tv_sec;
    }
    long ns = t.tv_nsec;
    for (int i = 28; i > 19; i--, ns /= 10)
        a->stamp[i] = (char)('0' + ns % 10);
    return a->stamp;
}

/* ---- sending; all with the lock held */

static void fail(struct audit *a, const char *why)
{
    if (!a->failed)
        log_warn("the audit log cannot be written: %s; %s", why,
                 a->mode == MODE_ENFORCE ? "every supervised call is denied from here on"
                                         : "the run goes on, and what is lost is counted");
    a->failed = true;
}

static void die(struct audit *a, const char *why)
{
    fail(a, why);
    a->dead = true;
    a->lost += a->unsent;
    a->unsent = 0;
    buf_clear(&a->batch);
}

static void disarm(struct audit *a)
{
    if (!a->due)
        return;
    struct itimerspec off = {0};
    timerfd_settime(a->timer, 0, &off, NULL);
    a->due = false;
}

static void send_batch(struct audit *a)
{
    if (a->denied.len) {
        fd_write_all(a->denials_fd, a->denied.data, a->denied.len);
        buf_clear(&a->denied);
    }
    disarm(a);
    if (!a->batch.len || a->dead)
        return;
    for (size_t done = 0; done < a->batch.len;) {
        ssize_t n = send(a->sock, a->batch.data + done, a->batch.len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            die(a, errno == EAGAIN ? "the scribe does not read" : "the scribe has died");
            return;
        }
        done += (size_t)n;
    }
    a->unsent = 0;
    buf_clear(&a->batch);
}

/* An urgent line may go out at once: some in a row may, then one each millisecond. */
static bool calm(struct audit *a)
{
    uint64_t now = now_ns();
    if (a->calm_ns > now + STORM_BURST * STORM_NS)
        return false;
    a->calm_ns = (a->calm_ns > now ? a->calm_ns : now) + STORM_NS;
    return true;
}

static void line_end(struct audit *a, bool urgent)
{
    buf_putc(&a->batch, '\n');
    if (a->dead || a->ended) {
        a->lost++;
        buf_clear(&a->batch);
        if (!a->denied.len)
            return;
    } else {
        a->unsent++;
    }
    if (a->batch.len >= BATCH || (urgent && calm(a))) {
        send_batch(a);
    } else if (!a->due) {
        struct itimerspec soon = {.it_value.tv_nsec = BATCH_NS};
        timerfd_settime(a->timer, 0, &soon, NULL);
        a->due = true;
    }
}

/* `kind`: r a record, l the last one. */
static void line_begin(struct audit *a, char kind, const char *event)
{
    buf_putc(&a->batch, kind);
    buf_puts(&a->batch, "\"ts\":\"");
    buf_puts(&a->batch, stamp(a));
    buf_putc(&a->batch, '"');
    if (event) {
        buf_puts(&a->batch, ",\"event\":");
        json_str(&a->batch, event);
    }
    buf_put(&a->batch, a->prefix.data, a->prefix.len);
}

/* ---- what the scribe says: `failed TEXT`, `again`, `lost N`, one a line */

static void hear_line(struct audit *a, char *line)
{
    if (!strncmp(line, "failed ", 7)) {
        fail(a, line + 7);
    } else if (!strncmp(line, "lost ", 5)) {
        a->scribe_lost = strtoull(line + 5, NULL, 10);
    } else if (!strcmp(line, "again") && !a->dead) {
        log_warn("the audit log can be written again");
        a->failed = false;
    }
}

/* false at the end of the stream */
static bool hear(struct audit *a)
{
    char chunk[1024];
    ssize_t n;
    while ((n = recv(a->sock, chunk, sizeof chunk, MSG_DONTWAIT)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        buf_put(&a->heard, chunk, (size_t)n);
        char *from = a->heard.data, *nl;
        while ((nl = strchr(from, '\n'))) {
            *nl = 0;
            hear_line(a, from);
            from = nl + 1;
        }
        BUF_AUTO rest = {0};
        buf_puts(&rest, from);
        buf_clear(&a->heard);
        buf_put(&a->heard, rest.data, rest.len);
    }
    return false;
}

/* ---- starting */

static int make_folders(const char *folder)
{
    STR_AUTO path = xstrdup(folder);
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return -errno;
        *p = '/';
    }
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* As the file will be known to others: its folder resolved, its own name kept (a link there is refused later). */
static char *absolute(const char *path)
{
    const char *slash = strrchr(path, '/');
    STR_AUTO folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    STR_AUTO real = realpath(folder, NULL);
    return real ? xasprintf("%s/%s", strcmp(real, "/") ? real : "", slash ? slash + 1 : path) : xstrdup(path);
}

/* A file of that name may be a running session's, or be left by one that was killed: it is never opened, and never taken away. */
static void make_denials(struct audit *a, const char *stem)
{
    for (int i = 0; i < 2; i++) {
        a->denials = i ? xasprintf("%s.%d.denials.jsonl", stem, (int)getpid()) : xasprintf("%s.denials.jsonl", stem);
        a->denials_fd = fd_high(open(a->denials, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (a->denials_fd >= 0)
            return;
        free(a->denials);
        a->denials = NULL;
    }
}

static int choose_paths(struct audit *a, const struct audit_config *c, struct err *err)
{
    STR_AUTO folder = c->state_home ? xasprintf("%s/sentinel-watch", c->state_home) : NULL;
    int e = folder ? make_folders(folder) : -ENOENT;
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

/* In the child: nothing of ours but the socket (3) and stderr goes along. Signals stay blocked over the exec: the end of a
 * scribe is the end of its socket, or SIGKILL. */
static void become_scribe(const struct audit_config *c, const struct audit *a, int sock)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    setsid();
    int null = open("/dev/null", O_RDWR);
    /* Not our stderr: in log mode the scribe outlives the command, and whoever reads that pipe would wait for its end. */
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        _exit(125);
    if (dup2(sock, 3) < 0)
        _exit(125);
    close_range(4, ~0u, 0);
    const char *argv[16] = {c->scribe, "write", "--log", a->path, "--session", c->session, "--mode", mode_names[c->mode]};
    int n = 8;
    if (c->key) {
        argv[n++] = "--key";
        argv[n++] = c->key;
    }
    execv(c->scribe, (char *const *)argv);
    dprintf(3, "error cannot start %s: %s\n", c->scribe, strerror(errno));
    _exit(125);
}

/* Of an audit that never began. */
static void audit_free(struct audit *a)
{
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
        audit_free(a);
        return -1;
    }
    int pair[2] = {-1, -1}, e = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        e = -errno;
    } else {
        a->sock = fd_high(pair[0]);
        pair[1] = fd_high(pair[1]); /* never 0 to 2, which the child fills */
        int bytes = SOCKET_BYTES;
        struct timeval patience = {.tv_sec = PATIENCE_S};
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
        audit_free(a);
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
    waitpid(a->scribe, NULL, 0);
    audit_free(a);
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

const char *audit_path(const struct audit *a)
{
    return a->path;
}

const char *audit_denials(const struct audit *a)
{
    return a->denials;
}

/* ---- lines */

void audit_first(struct audit *a, const char *fields)
{
    static const char *const levels[] = {[AUDIT_DEFAULT] = "default", [AUDIT_ALL] = "all", [AUDIT_DECISIONS] = "decisions",
                                         [AUDIT_DENIALS] = "denials"};
    STR_AUTO all = xasprintf("\"level\":\"%s\"%s%s", levels[a->level], *fields ? "," : "", fields);
    audit_event(a, "start", all);
}

void audit_event(struct audit *a, const char *event, const char *fields)
{
    pthread_mutex_lock(&a->lock);
    line_begin(a, 'r', event);
    if (fields && *fields) {
        buf_putc(&a->batch, ',');
        buf_puts(&a->batch, fields);
    }
    line_end(a, true);
    pthread_mutex_unlock(&a->lock);
}

static void count(struct audit *a, const struct outcome *o)
{
    if (o->allowed)
        a->totals.allowed++;
    else
        a->totals.denied++;
    if (o->by == BY_USER || o->by == BY_TIMEOUT || o->by == BY_UNATTENDED)
        a->totals.asked++;
    if (a->mode == MODE_LOG && o->would == EFFECT_DENY)
        a->totals.would_deny++;
    if (a->mode == MODE_LOG && o->would == EFFECT_ASK)
        a->totals.would_ask++;
}

void audit_request(struct audit *a, const struct request *r, const struct outcome *o)
{
    /* Formatted outside the lock, into memory that the thread keeps: this is the path of every call. */
    static _Thread_local struct buf line;
    bool keep = audit_keeps(a->level, a->mode, r, o);
    buf_clear(&line);
    if (keep)
        audit_line(&line, a->mode, r, o);

    pthread_mutex_lock(&a->lock);
    count(a, o);
    if (!o->allowed && a->denials_fd >= 0) {
        audit_denial_line(&a->denied, stamp(a), r, o);
        buf_putc(&a->denied, '\n');
    }
    if (keep) {
        a->totals.records++;
        line_begin(a, 'r', NULL);
        buf_putc(&a->batch, ',');
        buf_put(&a->batch, line.data, line.len);
        line_end(a, !o->allowed || o->by == BY_USER);
    }
    pthread_mutex_unlock(&a->lock);
}

bool audit_wants(const struct audit *a, const struct request *r, const struct outcome *o)
{
    return audit_keeps(a->level, a->mode, r, o);
}

bool audit_failed(struct audit *a)
{
    return a->failed;
}

int audit_poll_fd(struct audit *a)
{
    return a->poll;
}

void audit_turn(struct audit *a)
{
    pthread_mutex_lock(&a->lock);
    uint64_t ticks;
    if (read(a->timer, &ticks, sizeof ticks) == sizeof ticks) {
        a->due = false;
        send_batch(a);
    }
    if (!a->dead && !a->ended && !hear(a)) {
        die(a, "the scribe has died");
        epoll_ctl(a->poll, EPOLL_CTL_DEL, a->sock, NULL); /* an ended stream is readable for ever */
    }
    pthread_mutex_unlock(&a->lock);
}

void audit_flush(struct audit *a)
{
    pthread_mutex_lock(&a->lock);
    send_batch(a);
    pthread_mutex_unlock(&a->lock);
}

static void *serve(void *arg)
{
    struct audit *a = arg;
    for (;;) {
        struct pollfd p = {.fd = a->poll, .events = POLLIN};
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return NULL;
        audit_turn(a);
    }
}

int audit_serve(struct audit *a)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 * 1024);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int e = pthread_create(&thread, &attr, serve, a);
    pthread_attr_destroy(&attr);
    return -e;
}

void audit_totals(const struct audit *a, struct audit_totals *ret)
{
    struct audit *w = (struct audit *)a; /* only its lock */
    pthread_mutex_lock(&w->lock);
    *ret = a->totals;
    ret->dropped = a->lost + a->scribe_lost;
    pthread_mutex_unlock(&w->lock);
}

void audit_last(struct audit *a, int wait_status, const char *fields)
{
    pthread_mutex_lock(&a->lock);
    const struct audit_totals *t = &a->totals;
    line_begin(a, 'l', "end");
    buf_puts(&a->batch, ",\"end\":\"exited\"");
    if (WIFSIGNALED(wait_status))
        buf_printf(&a->batch, ",\"exit\":null,\"signal\":%d", WTERMSIG(wait_status));
    else
        buf_printf(&a->batch, ",\"exit\":%d,\"signal\":null", WEXITSTATUS(wait_status));
    buf_printf(&a->batch, ",\"allowed\":%llu,\"denied\":%llu,\"asked\":%llu,\"records\":%llu", (unsigned long long)t->allowed,
               (unsigned long long)t->denied, (unsigned long long)t->asked, (unsigned long long)t->records);
    if (a->mode == MODE_LOG)
        buf_printf(&a->batch, ",\"would_deny\":%llu,\"would_ask\":%llu", (unsigned long long)t->would_deny,
                   (unsigned long long)t->would_ask);
    if (fields && *fields) {
        buf_putc(&a->batch, ',');
        buf_puts(&a->batch, fields);
    }
    line_end(a, false);
    send_batch(a);
    a->ended = true;
    epoll_ctl(a->poll, EPOLL_CTL_DEL, a->sock, NULL);
    if (a->denials)
        unlink(a->denials);
    shutdown(a->sock, SHUT_WR);
    struct pollfd p = {.fd = a->sock, .events = POLLIN};
    for (uint64_t end = now_ns() + PATIENCE_S * 1000000000ull; !a->dead && now_ns() < end;) {
        poll(&p, 1, 100);
        if (!hear(a))
            break;
    }
    pthread_mutex_unlock(&a->lock);
}

void audit_forget(struct audit *a)
{
    fd_close(&a->sock);
    fd_close(&a->poll);
    fd_close(&a->timer);
    fd_close(&a->denials_fd);
}
