#include "room.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int continued(const char *path, int fd, const struct key *key, struct chain *ret_end, struct err *err)
{
    FILE *f = fdopen(dup(fd), "r");
    if (!f)
        return err_set(err, errno, "reading %s", path);
    struct chain_report r;
    chain_check(f, key, &r);
    fclose(f);
    if (r.empty) {
        *ret_end = chain_start;
        return 0;
    }
    if (r.state != CHAIN_WHOLE)
        return err_set(err, 0,
                       "%s is there already and is not a whole audit log (%s): move it away or name another file with "
                       "--audit",
                       path, r.text);
    *ret_end = r.end;
    return 0;
}

static int usable(const char *path, int fd, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_set(err, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, 0, "%s is there already and is not a file: name another one with --audit", path);
    if (st.st_uid != geteuid())
        return err_set(err, 0, "%s is there already and belongs to another user: name another file with --audit", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK
                   ? err_set(err, 0, "%s is being written by another session: name another file with --audit", path)
                   : err_set(err, errno, "locking %s", path);
    return 0;
}

int room_open(const char *path, const struct key *key, struct room *ret, struct chain *ret_end, struct err *err)
{
    bool made = true;
    /* O_NONBLOCK: whatever lies there, looking at it must not wait (a FIFO). */
    const int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    FD_AUTO fd = open(path, flags | O_CREAT | O_EXCL, 0600);
    if (fd < 0 && errno == EEXIST) {
        made = false;
        fd = open(path, flags);
    }
    if (fd < 0)
        return errno == ELOOP
                   ? err_set(err, 0, "%s is a symbolic link, which the audit log may not be", path)
                   : err_set(err, errno, "the audit log %s cannot be opened (name another file with --audit)", path);
    if (usable(path, fd, err) < 0 || continued(path, fd, key, ret_end, err) < 0)
        return -1;
    fchmod(fd, 0600);
    struct room r = {.fd = fd, .keeps = true};
    r.size = lseek(fd, 0, SEEK_END);
    r.taken = r.size;
    int e = room_ahead(&r, 0);
    if (e == -EOPNOTSUPP || e == -ENOSYS) {
        r.keeps = false;
    } else if (e < 0) {
        if (made)
            unlink(path);
        return err_set(err, -e, "no room for the audit log %s (name another file with --audit)", path);
    }
    r.fd = fd_steal(&fd);
    *ret = r;
    return 0;
}

int room_ahead(struct room *r, size_t coming)
{
    if (!r->keeps || r->taken - r->size >= (off_t)coming + ROOM)
        return 0;
    off_t want = r->size + (off_t)coming + 2 * ROOM;
    while (fallocate(r->fd, FALLOC_FL_KEEP_SIZE, r->taken, want - r->taken) < 0)
        if (errno != EINTR)
            return -errno;
    r->taken = want;
    return 0;
}

int room_write(struct room *r, const char *bytes, size_t n, bool last)
{
    if (r->keeps && r->taken - r->size < (off_t)n + (last ? 0 : ROOM_TAIL))
        return -ENOSPC;
    int e = fd_write_all(r->fd, bytes, n);
    if (e < 0) {
        /* Half a line must not stay: what comes later has to hang on a whole one. */
        if (ftruncate(r->fd, r->size) < 0)
            return -errno;
        r->taken = r->size; /* the truncation gave the room back */
        return e;
    }
    r->size += (off_t)n;
    return 0;
}

void room_close(struct room *r)
{
    /* Truncating to its own length is what gives room beyond the end back. A failure costs room, not lines. */
    if (r->keeps && r->taken > r->size && ftruncate(r->fd, r->size) == 0)
        r->taken = r->size;
    fd_close(&r->fd);
}
