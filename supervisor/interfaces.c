#include "interfaces.h"
#include "fd.h"
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define OWED_MAX (8u << 20) /* 256 cards of some KiB, many times over */

static int address_of(const char *path, struct sockaddr_un *a, struct err *err)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a->sun_path)
        return err_set(err, 0, "the socket's path is longer than the %zu bytes that a socket can have: %s",
                       sizeof a->sun_path - 1, path);
    strcpy(a->sun_path, path);
    return 0;
}

int interfaces_open(struct interfaces *s, const char *path, struct err *err)
{
    struct sockaddr_un a;
    if (address_of(path, &a, err))
        return -1;
    FD_AUTO fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(err, errno, "making the session's socket");
    if (bind(fd, (struct sockaddr *)&a, sizeof a)) {
        if (errno != EADDRINUSE)
            return err_set(err, errno, "making the session's socket %s", path);
        FD_AUTO probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (probe < 0 || !connect(probe, (struct sockaddr *)&a, sizeof a) || errno != ECONNREFUSED)
            return err_set(err, 0, "a session of this name is running: %s", path);
        if (unlink(path) || bind(fd, (struct sockaddr *)&a, sizeof a))
            return err_set(err, errno, "making the session's socket %s", path);
    }
    if (chmod(path, 0600) || listen(fd, 64)) {
        err_set(err, errno, "making the session's socket %s", path);
        unlink(path);
        return -1;
    }
    s->path = xstrdup(path);
    s->listener = fd_high(fd_steal(&fd));
    return 0;
}

struct interface *interfaces_add(struct interfaces *s, int fd, const char *name, const struct buf *hello)
{
    unsigned slot = 0;
    while (slot < INTERFACES_MAX && s->slots & 1ull << slot)
        slot++;
    if (slot == INTERFACES_MAX) {
        BUF_AUTO b = {0};
        wire_bye(&b, "there are too many interfaces");
        (void)!send(fd, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        return NULL;
    }
    struct interface *i = xcalloc(1, sizeof *i);
    i->fd = fd_high(fd);
    fcntl(i->fd, F_SETFL, O_NONBLOCK);
    i->slot = slot;
    s->slots |= 1ull << slot;
    snprintf(i->name, sizeof i->name, "%s", name);
    i->next = s->first;
    s->first = i;
    interface_send(i, hello->data, hello->len);
    return i;
}

void interfaces_accept(struct interfaces *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    char comm[16];
    pid_t pid;
    const char *why = peer_refused(fd, comm, &pid);
    if (why) {
        BUF_AUTO b = {0};
        wire_bye(&b, why);
        (void)!send(fd, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        return;
    }
    struct interface *i = interfaces_add(s, fd, comm, &s->hello);
    if (i)
        i->pid = pid;
}

static void owed(struct interface *i)
{
    while (!i->dead && i->out_at < i->out.len) {
        ssize_t n = send(i->fd, i->out.data + i->out_at, i->out.len - i->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            i->dead = true;
            return;
        }
        i->out_at += (size_t)n;
    }
    buf_clear(&i->out);
    i->out_at = 0;
}

void interface_send(struct interface *i, const char *text, size_t n)
{
    if (i->dead)
        return;
    if (i->out.len - i->out_at + n > OWED_MAX) {
        i->dead = true;
        return;
    }
    if (i->out_at > OWED_MAX / 2) { /* what was sent long ago is not kept */
        memmove(i->out.data, i->out.data + i->out_at, i->out.len - i->out_at);
        i->out.len -= i->out_at;
        i->out_at = 0;
    }
    buf_put(&i->out, text, n);
    owed(i);
}

void interface_bye(struct interface *i, const char *why)
{
    BUF_AUTO b = {0};
    wire_bye(&b, why);
    interface_send(i, b.data, b.len);
    i->dead = true;
}

static void lines(struct interface *i, void (*line)(void *arg, struct interface *i, const struct wire_line *l), void *arg)
{
    size_t at = 0;
    while (!i->dead) {
        char *nl = i->in.len > at ? memchr(i->in.data + at, '\n', i->in.len - at) : NULL;
        if (!nl)
            break;
        size_t n = (size_t)(nl - (i->in.data + at));
        struct wire_line l;
        const char *why;
        if (wire_parse(i->in.data + at, n, &l, &why))
            interface_bye(i, why);
        else
            line(arg, i, &l);
        at += n + 1;
    }
    if (i->dead)
        return;
    memmove(i->in.data, i->in.data + at, i->in.len - at);
    i->in.len -= at;
    if (i->in.len >= WIRE_LINE_MAX)
        interface_bye(i, "a line is at most 4096 bytes");
}

void interface_turn(struct interface *i, short revents, void (*line)(void *arg, struct interface *i, const struct wire_line *l),
                    void *arg)
{
    if (revents & POLLOUT)
        owed(i);
    if (i->dead || !(revents & (POLLIN | POLLHUP | POLLERR)))
        return;
    char chunk[WIRE_LINE_MAX];
    ssize_t n = recv(i->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (n <= 0) {
        i->dead = true;
        return;
    }
    buf_put(&i->in, chunk, (size_t)n);
    lines(i, line, arg);
}

static void bury(struct interfaces *s, struct interface *i)
{
    s->slots &= ~(1ull << i->slot);
    close(i->fd);
    buf_free(&i->in);
    buf_free(&i->out);
    free(i);
}

void interfaces_bury(struct interfaces *s, void (*gone)(void *arg, const struct interface *i), void *arg)
{
    for (struct interface **p = &s->first; *p;) {
        struct interface *i = *p;
        if (!i->dead) {
            p = &i->next;
            continue;
        }
        *p = i->next;
        gone(arg, i);
        bury(s, i);
    }
}

void interfaces_close(struct interfaces *s, const char *why)
{
    while (s->first) {
        struct interface *i = s->first;
        s->first = i->next;
        if (!i->dead)
            interface_bye(i, why);
        bury(s, i);
    }
    if (s->path)
        unlink(s->path);
    fd_close(&s->listener);
    free(s->path);
    s->path = NULL;
    buf_free(&s->hello);
}

unsigned interfaces_rank(const struct interfaces *s)
{
    unsigned rank = UINT_MAX;
    for (const struct interface *i = s->first; i; i = i->next)
        if (i->asks && !i->dead && i->rank < rank)
            rank = i->rank;
    return rank;
}
