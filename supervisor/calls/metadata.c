/* metadata: the calls that change a file's attributes or its length by its path or descriptor: truncate, chmod, chown, utimes,
 * extended attributes, file_setattr in all their forms. change.h says how; through ioctl: attributes.c.
 */
#include "calls/change.h"
#include "fd.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static const struct shape *shape_of(const struct request *r); /* from the table at the end */

static enum next read_truncate(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = change_new(r, s);
    c->arg[0] = change_arg(r, s->arg);
    if ((int64_t)c->arg[0] < 0) {
        r->native = EINVAL;
        return NEXT_JUDGE;
    }
    int got = change_object(env, r, s, 0, &c->a);
    if (got)
        return change_next(got);
    mode_t type = c->a.st.st_mode & S_IFMT;
    r->native = type == S_IFDIR ? EISDIR : type != S_IFREG ? EINVAL : env->enforce ? pinned_permits(r, c->a.fd, &c->a.st, W_OK) : 0;
    c->size = pinned_limit(r, RLIMIT_FSIZE, "Max file size"); /* ours is another */
    return NEXT_JUDGE;
}

static void carry_truncate(const struct change *c, struct reply *reply)
{
    if (c->arg[0] > c->size && (off_t)c->arg[0] > c->a.st.st_size) {
        reply->error = EFBIG;
        reply->sigpipe = SIGXFSZ;
        return;
    }
    reply->error = truncate(change_path(c).text, (off_t)c->arg[0]) ? errno : 0;
}

static enum next read_chmod(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = change_new(r, s);
    c->arg[0] = (mode_t)change_arg(r, s->arg);
    return change_next(change_object(env, r, s, s->flags < 0 ? 0 : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a));
}

static void carry_chmod(const struct change *c, struct reply *reply)
{
    reply->error = chmod(change_path(c).text, (mode_t)c->arg[0]) ? errno : 0;
}

static enum next read_chown(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = change_new(r, s);
    c->arg[0] = (uid_t)change_arg(r, s->arg);
    c->arg[1] = (gid_t)change_arg(r, s->arg + 1);
    return change_next(change_object(env, r, s, s->flags < 0 ? 0 : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a));
}

static void carry_chown(const struct change *c, struct reply *reply)
{
    reply->error = chown(change_path(c).text, (uid_t)c->arg[0], (gid_t)c->arg[1]) ? errno : 0;
}

/* The three ways to say times, as nanoseconds. 0, 1: r->native, -1: gone. */
static int copy_times(const struct calls_env *env, struct request *r, uint64_t addr, struct change *c)
{
    c->now = !addr;
    if (!addr)
        return 0;
    long raw[4];
    bool seconds = false;
#ifdef SYS_utime
    seconds = r->call->nr == SYS_utime;
#endif
    int got = change_copy(env, r, addr, raw, seconds ? 2 * sizeof *raw : sizeof raw);
    if (got)
        return got;
    bool nanoseconds = r->call->nr == SYS_utimensat;
    for (int i = 0; i < 2; i++) {
        c->times[i].tv_sec = raw[seconds ? i : 2 * i];
        long part = seconds ? 0 : raw[2 * i + 1];
        bool bad = part < 0 || part >= (nanoseconds ? 1000000000 : 1000000);
        if (bad && !(nanoseconds && (part == UTIME_NOW || part == UTIME_OMIT))) {
            r->native = EINVAL;
            return 1;
        }
        c->times[i].tv_nsec = nanoseconds ? part : part * 1000;
    }
    return 0;
}

static enum next read_times(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = change_new(r, s);
    int got = copy_times(env, r, change_arg(r, s->arg), c);
    if (!got)
        got = change_object(env, r, s, s->flags < 0 ? 0 : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a);
    return change_next(got);
}

static void carry_times(const struct change *c, struct reply *reply)
{
    reply->error = utimensat(AT_FDCWD, change_path(c).text, c->now ? NULL : c->times, 0) ? errno : 0;
}

/* An attribute's name, as strncpy_from_user() of the kernel copies it. 0, 1: r->native, -1: gone. */
static int copy_name(const struct calls_env *env, struct request *r, uint64_t addr, struct change *c)
{
    char name[XATTR_NAME_MAX + 1];
    ssize_t n = memory_string(r->tid, addr, name, sizeof name);
    if (!notify_valid(env->listener, r->notice.id))
        return -1;
    if (n <= 0) {
        r->native = !n || n == -ENAMETOOLONG ? ERANGE : EFAULT;
        return 1;
    }
    c->text = xstrndup(name, (size_t)n);
    return 0;
}

static int copy_value(const struct calls_env *env, struct request *r, uint64_t addr, uint64_t size, uint64_t flags, struct change *c)
{
    c->xflags = (int)flags;
    if (flags & ~(uint64_t)(XATTR_CREATE | XATTR_REPLACE))
        r->native = EINVAL;
    else if (size > XATTR_SIZE_MAX)
        r->native = E2BIG;
    if (r->native)
        return 1;
    c->size = size;
    c->data = xmalloc(size + 1);
    return size ? change_copy(env, r, addr, c->data, size) : 0;
}

static enum next read_setxattr(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = change_new(r, s);
    uint64_t value = change_arg(r, s->arg + 1), size = change_arg(r, s->arg + 2), flags = 0;
    int got = 0;
    if (r->call->nr == NR_setxattrat) { /* value points to struct xattr_args, size is that struct's */
        struct {
            uint64_t value;
            uint32_t size, flags;
        } a = {0};
        r->native = size < sizeof a ? EINVAL : size > 4096 ? E2BIG : 0;
        got = r->native ? 1 : change_copy(env, r, value, &a, sizeof a);
        for (uint64_t at = sizeof a; !got && at < size; at++) {
            char c1;
            got = change_copy(env, r, value + at, &c1, 1);
            if (!got && c1) {
                r->native = E2BIG;
                got = 1;
            }
        }
        value = a.value;
        size = a.size;
        flags = a.flags;
    } else {
        flags = (unsigned)change_arg(r, s->arg + 3);
    }
    if (!got && flags & ~(uint64_t)(XATTR_CREATE | XATTR_REPLACE)) {
        r->native = EINVAL;
        got = 1;
    }
    if (!got)
        got = copy_name(env, r, change_arg(r, s->arg), c);
    if (!got)
        got = copy_value(env, r, value, size, flags, c);
    if (!got)
        got = change_object(env, r, s, s->flags < 0 ? 0 : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a);
    return change_next(got);
}

static void carry_setxattr(const struct change *c, struct reply *reply)
{
    reply->error = setxattr(change_path(c).text, c->text, c->data, c->size, c->xflags) ? errno : 0;
}

static enum next read_removexattr(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = change_new(r, s);
    int got = copy_name(env, r, change_arg(r, s->arg), c);
    if (!got)
        got = change_object(env, r, s, s->flags < 0 ? 0 : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a);
    return change_next(got);
}

static void carry_removexattr(const struct change *c, struct reply *reply)
{
    reply->error = removexattr(change_path(c).text, c->text) ? errno : 0;
}

static enum next read_file_setattr(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = change_new(r, s);
    c->size = change_arg(r, s->arg + 1);
    r->native = c->size < 24 /* FILE_ATTR_SIZE_VER0 */ ? EINVAL : c->size > 4096 ? E2BIG : 0;
    if (r->native)
        return NEXT_JUDGE;
    c->data = xmalloc(c->size);
    int got = change_copy(env, r, change_arg(r, s->arg), c->data, c->size);
    if (!got)
        got = change_object(env, r, s, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a);
    return change_next(got);
}

static void carry_file_setattr(const struct change *c, struct reply *reply)
{
    reply->error = syscall(NR_file_setattr, c->a.fd, "", c->data, c->size, AT_EMPTY_PATH) ? errno : 0;
}

/* ---- the table */

/* kind, name, number; dir, path, dir2, path2, flags, first other argument; the last link is not followed */
#define CALLS(X)                                                                                                       \
    X(truncate, "truncate", SYS_truncate, -1, 0, -1, -1, -1, 1, false)                                                 \
    X(chmod, "fchmodat", SYS_fchmodat, 0, 1, -1, -1, -1, 2, false)                                                     \
    X(chmod, "fchmodat2", NR_fchmodat2, 0, 1, -1, -1, 3, 2, false)                                                     \
    X(chmod, "fchmod", SYS_fchmod, 0, -1, -1, -1, -1, 1, false)                                                        \
    X(chown, "fchownat", SYS_fchownat, 0, 1, -1, -1, 4, 2, false)                                                      \
    X(chown, "fchown", SYS_fchown, 0, -1, -1, -1, -1, 1, false)                                                        \
    X(times, "utimensat", SYS_utimensat, 0, 1, -1, -1, 3, 2, false)                                                    \
    X(setxattr, "setxattr", SYS_setxattr, -1, 0, -1, -1, -1, 1, false)                                                 \
    X(setxattr, "lsetxattr", SYS_lsetxattr, -1, 0, -1, -1, -1, 1, true)                                                \
    X(setxattr, "fsetxattr", SYS_fsetxattr, 0, -1, -1, -1, -1, 1, false)                                               \
    X(setxattr, "setxattrat", NR_setxattrat, 0, 1, -1, -1, 2, 3, false)                                                \
    X(removexattr, "removexattr", SYS_removexattr, -1, 0, -1, -1, -1, 1, false)                                        \
    X(removexattr, "lremovexattr", SYS_lremovexattr, -1, 0, -1, -1, -1, 1, true)                                       \
    X(removexattr, "fremovexattr", SYS_fremovexattr, 0, -1, -1, -1, -1, 1, false)                                      \
    X(removexattr, "removexattrat", NR_removexattrat, 0, 1, -1, -1, 2, 3, false)                                       \
    X(file_setattr, "file_setattr", NR_file_setattr, 0, 1, -1, -1, 4, 2, false)                                        \
    OLDER_CALLS(X)

/* Architectures younger than x86-64 have only the `at` forms. */
#ifdef SYS_unlink
#define OLDER_CALLS(X)                                                                                                 \
    X(chmod, "chmod", SYS_chmod, -1, 0, -1, -1, -1, 1, false)                                                          \
    X(chown, "chown", SYS_chown, -1, 0, -1, -1, -1, 1, false)                                                          \
    X(chown, "lchown", SYS_lchown, -1, 0, -1, -1, -1, 1, true)                                                         \
    X(times, "utime", SYS_utime, -1, 0, -1, -1, -1, 1, false)                                                          \
    X(times, "utimes", SYS_utimes, -1, 0, -1, -1, -1, 1, false)                                                        \
    X(times, "futimesat", SYS_futimesat, 0, 1, -1, -1, -1, 2, false)
#else
#define OLDER_CALLS(X)
#endif

static const struct shape shapes[] = {CALLS(CHANGE_SHAPE)};

static const struct shape *shape_of(const struct request *r)
{
    return &shapes[r->call - calls_metadata_table];
}

CHANGE_CARRY(truncate)
CHANGE_CARRY(chmod)
CHANGE_CARRY(chown)
CHANGE_CARRY(times)
CHANGE_CARRY(setxattr)
CHANGE_CARRY(removexattr)
CHANGE_CARRY(file_setattr)

const struct call calls_metadata_table[] = {CALLS(CHANGE_ROW){0}};
