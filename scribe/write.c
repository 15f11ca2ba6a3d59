/* The scribe at work: lines come in on descriptor 3, chained lines go to the log.
 *
 * From the supervisor: `rFIELDS\n`, a record; `lFIELDS\n`, the last one; before the first record `hTEXT\n`, a line of the policy files
 * as they were read, `HTEXT\n`, one without a newline of its own: their SHA-256 goes into the first record. To it: `ready` or `error TEXT`, once; `failed
 * TEXT` when the log cannot be written (there is still room for what is on its way), `again` when it can, `lost N`: so
 * many lines were not written so far. An end of the stream without a last line means that the supervisor died, and the
 * log says so.
 */
#include "scribe.h"
#include "buf.h"
#include "chain.h"
#include "fd.h"
#include "room.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOCKET 3
#define CHECKPOINT_LINES 1000
#define CHECKPOINT_MS 2000
#define AGAIN_MS 1000

struct scribe {
    struct room room;
    struct chain chain;
    struct key *key;
    const char *session, *mode;
    struct buf in, out;
    struct buf policy; /* the policy files, one after the other, until the first record */
    uint64_t lost, lost_told; /* lines not written; what a line of the log already admits */
    uint64_t unsigned_lines;
    bool failing, ended;
};

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
    char text[2300];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text - 1, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '\n' ? ' ' : text[i];
    text[len++] = '\n';
    /* The supervisor may be gone or not listening; a log matters more than telling. */
    send(SOCKET, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void set_failing(struct scribe *s, int e)
{
    if (s->failing)
        return;
    s->failing = true;
    say("failed %s", strerror(e));
}

/* Writes what stands in `out`, `lines` of them; before is the chain as it was without them. */
static void commit(struct scribe *s, const struct chain *before, bool last)
{
    if (!s->out.len)
        return;
    uint64_t lines = s->chain.lines - before->lines;
    int e = room_ahead(&s->room, s->out.len);
    if (e < 0)
        set_failing(s, -e);
    e = room_write(&s->room, s->out.data, s->out.len, last);
    if (e < 0) {
        set_failing(s, -e);
        s->chain = *before;
        s->lost += lines;
        say("lost %llu", (unsigned long long)s->lost);
    }
    buf_clear(&s->out);
}

static void chain_line(struct scribe *s, const char *fields, size_t n, bool sign)
{
    if (chain_put(&s->chain, fields, n, sign ? s->key : NULL, &s->out) < 0) {
        say("error libcrypto refuses to hash or sign");
        _exit(125); /* nothing can be chained any more: the supervisor sees the end of the stream */
    }
    s->unsigned_lines = sign ? 0 : s->unsigned_lines + 1;
}

/* A line of our own. */
static void own_line(struct scribe *s, const char *event, const char *more, bool last)
{
    struct timespec t;
    struct tm tm;
    char day[32];
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    BUF_AUTO b = {0};
    buf_printf(&b, "\"ts\":\"%s.%09ldZ\",\"event\":\"%s\",\"session\":", day, t.tv_nsec, event);
    json_str(&b, s->session);
    buf_printf(&b, ",\"mode\":\"%s\"%s", s->mode, more);
    struct chain before = s->chain;
    chain_line(s, b.data, b.len, true);
    commit(s, &before, last);
}

static void checkpoint(struct scribe *s)
{
    if (s->key && s->unsigned_lines)
        own_line(s, "checkpoint", "", false);
}

/* Room is back, or may be. What was lost meanwhile stands in the log itself, not only in its last line. */
static void try_again(struct scribe *s)
{
    if (room_ahead(&s->room, 0) < 0)
        return;
    s->failing = false;
    if (s->lost > s->lost_told) {
        BUF_AUTO more = {0};
        buf_printf(&more, ",\"lost\":%llu", (unsigned long long)(s->lost - s->lost_told));
        uint64_t telling = s->lost;
        own_line(s, "lost", more.data, false);
        if (!s->failing)
            s->lost_told = telling;
    }
    if (!s->failing)
        say("again");
}

/* What the first line gets from here: can the log's room be kept, and the hash of the policy (null: there is none, mode off). */
static void first_more(struct scribe *s, struct buf *fields)
{
    char hash[HASH_TEXT + 1];
    bool hashed = s->policy.len && chain_hash(s->policy.data, s->policy.len, hash) == 0;
    buf_printf(fields, ",\"policy_sha256\":%s%s%s", hashed ? "\"" : "", hashed ? hash : "null", hashed ? "\"" : "");
    buf_puts(fields, s->room.keeps ? ",\"room\":true" : ",\"room\":false");
    buf_free(&s->policy);
}

static void last_line(struct scribe *s, const char *fields, size_t n)
{
    BUF_AUTO b = {0};
    buf_put(&b, fields, n);
    buf_printf(&b, ",\"dropped\":%llu", (unsigned long long)s->lost);
    struct chain before = s->chain;
    chain_line(s, b.data, b.len, true);
    commit(s, &before, true);
    s->ended = true;
}

/* The whole lines that came in; a part of one stays for later. */
static void take(struct scribe *s)
{
    const char *event = "\"event\":\"start\"";
    struct chain before = s->chain;
    size_t from = 0;
    char *nl;
    while (!s->ended && (nl = memchr(s->in.data + from, '\n', s->in.len - from))) {
        const char *line = s->in.data + from;
        size_t n = (size_t)(nl - line);
        from += n + 1;
        if (line[0] == 'l') {
            commit(s, &before, false);
            last_line(s, line + 1, n - 1);
            before = s->chain;
        } else if (line[0] == 'r') {
            /* "ts" has a fixed length, so what kind of line this is stands at a fixed place (chain.h). */
            bool start = n > 60 && !memcmp(line + 1 + 38, event, strlen(event));
            BUF_AUTO fields = {0};
            buf_put(&fields, line + 1, n - 1);
            if (start)
                first_more(s, &fields);
            chain_line(s, fields.data, fields.len, start);
        } else if (line[0] == 'h' || line[0] == 'H') {
            buf_put(&s->policy, line + 1, line[0] == 'h' ? n : n - 1);
        }
    }
    commit(s, &before, false);
    memmove(s->in.data, s->in.data + from, s->in.len - from);
    s->in.len -= from;
    if (s->unsigned_lines >= CHECKPOINT_LINES)
        checkpoint(s);
}

static void work(struct scribe *s)
{
    char chunk[64 * 1024];
    while (!s->ended) {
        struct pollfd p = {.fd = SOCKET, .events = POLLIN};
        bool unsigned_yet = s->key && s->unsigned_lines;
        int ready = poll(&p, 1, s->failing ? AGAIN_MS : unsigned_yet ? CHECKPOINT_MS : -1);
        if (s->failing)
            try_again(s);
        if (ready == 0 && unsigned_yet && !s->failing)
            checkpoint(s);
        if (ready <= 0)
            continue;
        ssize_t n = recv(SOCKET, chunk, sizeof chunk, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        buf_put(&s->in, chunk, (size_t)n);
        take(s);
    }
    if (!s->ended) {
        BUF_AUTO more = {0};
        buf_printf(&more, ",\"end\":\"supervisor died\",\"dropped\":%llu", (unsigned long long)s->lost);
        own_line(s, "end", more.data, true);
    }
    room_close(&s->room);
}

int cmd_write(int argc, char **argv)
{
    static const struct option options[] = {
        {"log", 1, 0, 'l'}, {"session", 1, 0, 's'}, {"mode", 1, 0, 'm'}, {"key", 1, 0, 'k'}, {0}};
    const char *log = NULL, *key = NULL;
    struct scribe s = {.session = "", .mode = "enforce"};
    struct err err;
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'l':
            log = optarg;
            break;
        case 's':
            s.session = optarg;
            break;
        case 'm':
            s.mode = optarg;
            break;
        case 'k':
            key = optarg;
            break;
        default:
            return 2;
        }
    }
    int type;
    socklen_t len = sizeof type;
    if (!log || getsockopt(SOCKET, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        fprintf(stderr, "sentinel-scribe: `write` is started by sentinel-watch, with a socket as descriptor 3\n");
        return 2;
    }
    if ((key && key_open(key, true, &s.key, &err) < 0) || room_open(log, s.key, &s.room, &s.chain, &err) < 0) {
        say("error %s", err.text);
        return 125;
    }
    if (chdir("/") < 0) { /* not to keep somebody's folder busy; harmless when it fails */
    }
    say("ready");
    work(&s);
    /* No exit handlers: OpenSSL's clean-up costs more than a short run's whole log. */
    _exit(0);
}
