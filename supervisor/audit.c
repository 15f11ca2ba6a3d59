#include "audit_state.h"
#include "audit_line.h"
#include "clock.h"
#include "fd.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH (32 * 1024)
#define BATCH_NS (5 * 1000 * 1000)
#define STORM_NS (1000 * 1000)
#define STORM_BURST 16

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

const char *audit_path(const struct audit *a)
{
    return a->path;
}

const char *audit_denials(const struct audit *a)
{
    return a->denials;
}

/* ---- lines */

/* Line by line, as the stream is cut; H: the last one, which has no newline of its own. */
void audit_policy(struct audit *a, const char *bytes, size_t len)
{
    pthread_mutex_lock(&a->lock);
    for (const char *end = bytes + len, *nl; bytes < end && !a->dead; bytes = nl + 1) {
        nl = memchr(bytes, '\n', (size_t)(end - bytes));
        buf_putc(&a->batch, nl ? 'h' : 'H');
        nl = nl ? nl : end;
        buf_put(&a->batch, bytes, (size_t)(nl - bytes));
        buf_putc(&a->batch, '\n');
        if (a->batch.len >= BATCH)
            send_batch(a);
    }
    pthread_mutex_unlock(&a->lock);
}

void audit_first(struct audit *a, const char *fields)
{
    static const char *const levels[] = {
        [AUDIT_DEFAULT] = "default", [AUDIT_ALL] = "all", [AUDIT_DECISIONS] = "decisions", [AUDIT_DENIALS] = "denials"};
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

static pthread_key_t line_key;

static void free_line(void *line)
{
    buf_free(line);
    free(line);
}

static void make_line_key(void)
{
    if (pthread_key_create(&line_key, free_line))
        abort(); /* one of a thousand that a process may have */
}

/* Memory that a thread keeps as long as it lives: this is the path of every call. */
static struct buf *line_of_thread(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_line_key);
    struct buf *line = pthread_getspecific(line_key);
    if (!line) {
        line = xcalloc(1, sizeof *line);
        pthread_setspecific(line_key, line);
    }
    buf_clear(line);
    return line;
}

void audit_request(struct audit *a, const struct request *r, const struct outcome *o)
{
    struct buf *line = line_of_thread(); /* formatted outside the lock */
    bool keep = audit_keeps(a->level, a->mode, r, o);
    if (keep)
        audit_line(line, a->mode, r, o);

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
        buf_put(&a->batch, line->data, line->len);
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
    buf_printf(&a->batch, ",\"allowed\":%llu,\"denied\":%llu,\"asked\":%llu,\"records\":%llu",
               (unsigned long long)t->allowed, (unsigned long long)t->denied, (unsigned long long)t->asked,
               (unsigned long long)t->records);
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
    for (uint64_t end = now_ns() + AUDIT_PATIENCE_S * 1000000000ull; !a->dead && now_ns() < end;) {
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
