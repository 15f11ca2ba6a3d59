/* path: the calls that change what a path names or its attributes, and the same by descriptor.
 *
 * `write` is needed on every path that is touched. Names are changed in their pinned folder; what changes an object is done
 * through our /proc/self/fd to the pinned object, whatever it is (a symbolic link too: such a link leads to the very
 * object and is not followed further). So what was judged is what is changed.
 *
 * By descriptor (fchmod and its kin): done on our copy of it, because another thread may put something else at that number
 * meanwhile. A descriptor that was opened for writing was judged when it was opened and is not judged again; one that
 * has no place in the file system (a pipe, a memfd) touches no right.
 *
 * How each call passes its arguments is one line of CALLS; how each kind is read and done is below.
 */
#include "calls/pinned.h"
#include "calls_tables.h"
#include "fd.h"
#include "memory.h"
#include "still.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

/* Newer than Debian 12's headers (Linux 6.1); the same number on every architecture. */
#define NR_fchmodat2 452
#define NR_setxattrat 463
#define NR_removexattrat 466
#define NR_file_setattr 469

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#define RENAME_WHITEOUT 4
#endif

struct change {
    struct place a, b;      /* b: the new name of rename and link */
    uint64_t flags;
    uint64_t arg[2];        /* mode and device, owner and group, length */
    char *text;             /* the target of a link, the name of an attribute */
    void *data;             /* an attribute's value */
    size_t size;
    int xflags;
    struct timespec times[2];
    bool now;               /* no times were given */
};

/* Where the arguments stand: of the folder's descriptor, the path, the same of the second path, flags, the first of the
 * others. -1: none. Without a path the first number is the descriptor of the object itself. */
struct shape {
    int dir, path, dir2, path2, flags, arg;
    bool nofollow;
};

static void drop(struct request *r)
{
    struct change *c = r->own;
    if (!c)
        return;
    place_finish(&c->a);
    place_finish(&c->b);
    free(c->text);
    free(c->data);
    free(c);
    r->own = NULL;
}

static const struct shape *shape_of(const struct request *r);

/* ---- reading */

static uint64_t arg(const struct request *r, int n)
{
    return n < 0 ? 0 : r->notice.args[n];
}

static int dirfd_of(const struct request *r, int n)
{
    return n < 0 ? AT_FDCWD : (int)r->notice.args[n];
}

static struct change *begin(struct request *r)
{
    struct change *c = xcalloc(1, sizeof *c);
    c->a = c->b = (struct place){.fd = -1, .dir = -1};
    c->flags = (unsigned)arg(r, shape_of(r)->flags);
    r->own = c;
    return c;
}

static int writable(const struct calls_env *env, const struct request *r, const struct place *p)
{
    return env->enforce ? pinned_permits(r, p->dir, &(struct stat){0}, W_OK | X_OK) : 0;
}

/* The name of something that is made, removed or moved. 0, an errno in r->native (1), or -1: the caller has gone. */
static int read_name(const struct calls_env *env, struct request *r, int dir, int path, struct place *ret)
{
    STR_AUTO text = NULL;
    int got = calls_path(env, r, arg(r, path), &text);
    if (got)
        return got == -2 ? -1 : 1;
    r->native = pinned_resolve(env, r, dirfd_of(r, dir), text, RESOLVE_PARENT, 0, ret);
    pinned_need(r, VERB_WRITE, ret, text, 0);
    pinned_refuse_proc(env, r, ret, true);
    return r->native ? 1 : 0;
}

/* The name must be there (EXISTS), or free, and its folder be open to the caller. */
static int name_native(const struct calls_env *env, const struct request *r, const struct place *p, bool exists)
{
    if (exists != p->exists)
        return exists ? ENOENT : EEXIST;
    if (!exists && p->procfs)
        return ENOENT; /* what the look-up itself says there */
    return writable(env, r, p);
}

static bool special(const char *name)
{
    size_t n = strcspn(name, "/");
    return !n || !strncmp(name, ".", n) || (n == 2 && !strncmp(name, "..", n));
}

/* The object at a path, or behind a descriptor. 0, 1: r->native, -1: gone, 2: no right is touched. */
static int read_object(const struct calls_env *env, struct request *r, const struct shape *s, unsigned valid, struct place *ret)
{
    struct change *c = r->own;
    if (c->flags & ~(uint64_t)valid) {
        r->native = EINVAL;
        return 1;
    }
    int nr = r->call->nr;
    bool times = nr == SYS_utimensat || nr == SYS_futimesat, newest = nr >= NR_setxattrat && nr <= NR_file_setattr;
    bool may_null = (times && (int)arg(r, s->dir) != AT_FDCWD) || (newest && c->flags & AT_EMPTY_PATH);
    if (s->path >= 0 && (arg(r, s->path) || !may_null)) {
        STR_AUTO text = NULL;
        int got = calls_path(env, r, arg(r, s->path), &text);
        if (got)
            return got == -2 ? -1 : 1;
        unsigned how = c->flags & AT_EMPTY_PATH ? RESOLVE_EMPTY : 0;
        if (s->nofollow || c->flags & AT_SYMLINK_NOFOLLOW)
            how |= RESOLVE_NOFOLLOW_LAST;
        r->native = pinned_resolve(env, r, dirfd_of(r, s->dir), text, how, 0, ret);
        pinned_need(r, VERB_WRITE, ret, text, c->flags);
        pinned_refuse_proc(env, r, ret, true);
        return r->native ? 1 : 0;
    }
    return pinned_descriptor(env, r, (int)arg(r, s->dir), s->path < 0, ret);
}

static enum next next_of(int got)
{
    return got < 0 ? NEXT_GONE : got == 2 ? NEXT_PERFORM : NEXT_JUDGE;
}

/* Copies from the caller. 0, 1: r->native is set, -1: gone. */
static int copy(const struct calls_env *env, struct request *r, uint64_t addr, void *to, size_t n)
{
    bool bad = memory_read(r->tid, addr, to, n);
    if (!notify_valid(env->listener, r->notice.id))
        return -1;
    r->native = bad ? EFAULT : 0;
    return bad;
}

static enum next read_remove(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    if (r->call->nr == SYS_rmdir)
        c->flags = AT_REMOVEDIR;
    if (c->flags & ~(uint64_t)AT_REMOVEDIR) {
        r->native = EINVAL;
        return NEXT_JUDGE;
    }
    int got = read_name(env, r, s->dir, s->path, &c->a);
    if (got)
        return next_of(got);
    const struct place *p = &c->a;
    bool folder = p->exists && S_ISDIR(p->st.st_mode);
    if (special(p->name))
        r->native = !c->flags ? EISDIR : *p->name == '/' ? EBUSY : p->name[1] == '.' ? ENOTEMPTY : EINVAL;
    else
        r->native = name_native(env, r, p, true);
    if (!r->native && c->flags && !folder)
        r->native = ENOTDIR;
    else if (!r->native && !c->flags && (folder || p->trailing_slash))
        r->native = folder ? EISDIR : ENOTDIR;
    return NEXT_JUDGE;
}

static void carry_remove(const struct change *c, struct reply *reply)
{
    reply->error = unlinkat(c->a.dir, c->a.name, (int)c->flags) ? errno : 0;
}

static enum next read_make(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    c->arg[0] = (mode_t)arg(r, s->arg);
    c->arg[1] = (unsigned)arg(r, s->arg + 1);
    int got = read_name(env, r, s->dir, s->path, &c->a);
    if (got)
        return next_of(got);
    r->native = special(c->a.name) ? EEXIST : name_native(env, r, &c->a, false);
    r->creates = true;
    return NEXT_JUDGE;
}

static void carry_mkdir(const struct change *c, struct reply *reply)
{
    reply->error = mkdirat(c->a.dir, c->a.name, (mode_t)c->arg[0]) ? errno : 0;
}

static void carry_mknod(const struct change *c, struct reply *reply)
{
    reply->error = syscall(SYS_mknodat, c->a.dir, c->a.name, (mode_t)c->arg[0], (unsigned)c->arg[1]) ? errno : 0;
}

static enum next read_symlink(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    int got = calls_path(env, r, arg(r, s->arg), &c->text);
    if (!got && !*c->text) {
        r->native = ENOENT;
        got = -1;
    }
    if (got)
        return got == -2 ? NEXT_GONE : NEXT_JUDGE;
    got = read_name(env, r, s->dir, s->path, &c->a);
    if (got)
        return next_of(got);
    r->native = special(c->a.name) ? EEXIST : name_native(env, r, &c->a, false);
    return NEXT_JUDGE;
}

static void carry_symlink(const struct change *c, struct reply *reply)
{
    reply->error = symlinkat(c->text, c->a.dir, c->a.name) ? errno : 0;
}

static enum next read_rename(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    uint64_t f = c->flags;
    if (f & ~7u || (f & RENAME_EXCHANGE && f & (RENAME_NOREPLACE | RENAME_WHITEOUT))) {
        r->native = EINVAL;
        return NEXT_JUDGE;
    }
    int got = read_name(env, r, s->dir, s->path, &c->a);
    if (got)
        return next_of(got);
    got = read_name(env, r, s->dir2, s->path2, &c->b);
    if (got)
        return next_of(got);
    const struct place *a = &c->a, *b = &c->b;
    bool never = special(a->name) || special(b->name);
    if (r->needs == 2 && !never) {
        r->moved_from = 0;
        r->moved_to = 1;
        r->exchange = f & RENAME_EXCHANGE;
    }
    if (never)
        r->native = EBUSY;
    else if (!a->exists || (f & RENAME_EXCHANGE && !b->exists))
        r->native = ENOENT;
    else if (f & RENAME_NOREPLACE && b->exists)
        r->native = EEXIST;
    else if (!(r->native = writable(env, r, a)))
        r->native = writable(env, r, b);
    if (r->native || !b->exists || f & RENAME_EXCHANGE)
        return NEXT_JUDGE;
    if (S_ISDIR(a->st.st_mode) && !S_ISDIR(b->st.st_mode))
        r->native = ENOTDIR;
    else if (!S_ISDIR(a->st.st_mode) && S_ISDIR(b->st.st_mode))
        r->native = EISDIR;
    return NEXT_JUDGE;
}

static void carry_rename(const struct change *c, struct reply *reply)
{
    reply->error = syscall(SYS_renameat2, c->a.dir, c->a.name, c->b.dir, c->b.name, (unsigned)c->flags) ? errno : 0;
}

static enum next read_link(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    if (c->flags & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
        r->native = EINVAL;
        return NEXT_JUDGE;
    }
    STR_AUTO text = NULL;
    int got = calls_path(env, r, arg(r, s->path), &text);
    if (got)
        return got == -2 ? NEXT_GONE : NEXT_JUDGE;
    unsigned how = (c->flags & AT_SYMLINK_FOLLOW ? 0 : RESOLVE_NOFOLLOW_LAST) | (c->flags & AT_EMPTY_PATH ? RESOLVE_EMPTY : 0);
    r->native = pinned_resolve(env, r, dirfd_of(r, s->dir), text, how, 0, &c->a);
    pinned_need(r, VERB_WRITE, &c->a, text, c->flags);
    pinned_refuse_proc(env, r, &c->a, true);
    if (r->native)
        return NEXT_JUDGE;
    got = read_name(env, r, s->dir2, s->path2, &c->b);
    if (got)
        return next_of(got);
    if (r->needs == 2) {
        r->moved_from = 0;
        r->moved_to = 1;
    }
    r->native = special(c->b.name) ? EEXIST : name_native(env, r, &c->b, false);
    if (!r->native && S_ISDIR(c->a.st.st_mode))
        r->native = EPERM;
    return NEXT_JUDGE;
}

struct proc_path {
    char text[40];
};

static struct proc_path object(const struct change *c)
{
    struct proc_path p;
    snprintf(p.text, sizeof p.text, "/proc/self/fd/%d", c->a.fd);
    return p;
}

static void carry_link(const struct change *c, struct reply *reply)
{
    reply->error = linkat(AT_FDCWD, object(c).text, c->b.dir, c->b.name, AT_SYMLINK_FOLLOW) ? errno : 0;
}

/* The caller's RLIMIT_FSIZE: ours is another. Not by prlimit(2), which wants a capability for another user's process. */
static uint64_t size_limit(pid_t tid)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/limits", tid);
    STR_AUTO text = NULL;
    const char *at = fd_read_file(AT_FDCWD, path, 65536, &text, NULL) ? NULL : strstr(text, "Max file size");
    at = at ? at + strcspn(at, "0123456789u\n") : NULL;
    return at && *at != 'u' && *at != '\n' ? strtoull(at, NULL, 10) : UINT64_MAX;
}

static enum next read_truncate(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    c->arg[0] = arg(r, s->arg);
    if ((int64_t)c->arg[0] < 0) {
        r->native = EINVAL;
        return NEXT_JUDGE;
    }
    int got = read_object(env, r, s, 0, &c->a);
    if (got)
        return next_of(got);
    mode_t type = c->a.st.st_mode & S_IFMT;
    r->native = type == S_IFDIR ? EISDIR : type != S_IFREG ? EINVAL : env->enforce ? pinned_permits(r, c->a.fd, &c->a.st, W_OK) : 0;
    c->size = size_limit(r->tid);
    return NEXT_JUDGE;
}

static void carry_truncate(const struct change *c, struct reply *reply)
{
    if (c->arg[0] > c->size && (off_t)c->arg[0] > c->a.st.st_size) {
        reply->error = EFBIG;
        reply->sigpipe = SIGXFSZ;
        return;
    }
    reply->error = truncate(object(c).text, (off_t)c->arg[0]) ? errno : 0;
}

static enum next read_chmod(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    c->arg[0] = (mode_t)arg(r, s->arg);
    return next_of(read_object(env, r, s, s->flags < 0 ? 0 : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a));
}

static void carry_chmod(const struct change *c, struct reply *reply)
{
    reply->error = chmod(object(c).text, (mode_t)c->arg[0]) ? errno : 0;
}

static enum next read_chown(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    c->arg[0] = (uid_t)arg(r, s->arg);
    c->arg[1] = (gid_t)arg(r, s->arg + 1);
    return next_of(read_object(env, r, s, s->flags < 0 ? 0 : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a));
}

static void carry_chown(const struct change *c, struct reply *reply)
{
    reply->error = chown(object(c).text, (uid_t)c->arg[0], (gid_t)c->arg[1]) ? errno : 0;
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
    int got = copy(env, r, addr, raw, seconds ? 2 * sizeof *raw : sizeof raw);
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
    struct change *c = begin(r);
    int got = copy_times(env, r, arg(r, s->arg), c);
    if (!got)
        got = read_object(env, r, s, s->flags < 0 ? 0 : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a);
    return next_of(got);
}

static void carry_times(const struct change *c, struct reply *reply)
{
    reply->error = utimensat(AT_FDCWD, object(c).text, c->now ? NULL : c->times, 0) ? errno : 0;
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
    return size ? copy(env, r, addr, c->data, size) : 0;
}

static enum next read_setxattr(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    uint64_t value = arg(r, s->arg + 1), size = arg(r, s->arg + 2), flags = 0;
    int got = 0;
    if (r->call->nr == NR_setxattrat) { /* value points to struct xattr_args, size is that struct's */
        struct {
            uint64_t value;
            uint32_t size, flags;
        } a;
        r->native = size < sizeof a ? EINVAL : size > 4096 ? E2BIG : 0;
        got = r->native ? 1 : copy(env, r, value, &a, sizeof a);
        for (uint64_t at = sizeof a; !got && at < size; at++) {
            char c1;
            got = copy(env, r, value + at, &c1, 1);
            if (!got && c1) {
                r->native = E2BIG;
                got = 1;
            }
        }
        value = a.value;
        size = a.size;
        flags = a.flags;
    } else {
        flags = (unsigned)arg(r, s->arg + 3);
    }
    if (!got && flags & ~(uint64_t)(XATTR_CREATE | XATTR_REPLACE)) {
        r->native = EINVAL;
        got = 1;
    }
    if (!got)
        got = copy_name(env, r, arg(r, s->arg), c);
    if (!got)
        got = copy_value(env, r, value, size, flags, c);
    if (!got)
        got = read_object(env, r, s, s->flags < 0 ? 0 : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a);
    return next_of(got);
}

static void carry_setxattr(const struct change *c, struct reply *reply)
{
    reply->error = setxattr(object(c).text, c->text, c->data, c->size, c->xflags) ? errno : 0;
}

static enum next read_removexattr(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    int got = copy_name(env, r, arg(r, s->arg), c);
    if (!got)
        got = read_object(env, r, s, s->flags < 0 ? 0 : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a);
    return next_of(got);
}

static void carry_removexattr(const struct change *c, struct reply *reply)
{
    reply->error = removexattr(object(c).text, c->text) ? errno : 0;
}

static enum next read_file_setattr(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = begin(r);
    c->size = arg(r, s->arg + 1);
    r->native = c->size < 24 /* FILE_ATTR_SIZE_VER0 */ ? EINVAL : c->size > 4096 ? E2BIG : 0;
    if (r->native)
        return NEXT_JUDGE;
    c->data = xmalloc(c->size);
    int got = copy(env, r, arg(r, s->arg), c->data, c->size);
    if (!got)
        got = read_object(env, r, s, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &c->a);
    return next_of(got);
}

static void carry_file_setattr(const struct change *c, struct reply *reply)
{
    reply->error = syscall(NR_file_setattr, c->a.fd, "", c->data, c->size, AT_EMPTY_PATH) ? errno : 0;
}

/* ---- the table */

/* kind, name, number; dir, path, dir2, path2, flags, first other argument; the last link is not followed */
#define CALLS(X)                                                                                                       \
    X(remove, "unlinkat", SYS_unlinkat, 0, 1, -1, -1, 2, -1, true)                                                     \
    X(rename, "renameat", SYS_renameat, 0, 1, 2, 3, -1, -1, true)                                                      \
    X(rename, "renameat2", SYS_renameat2, 0, 1, 2, 3, 4, -1, true)                                                     \
    X(link, "linkat", SYS_linkat, 0, 1, 2, 3, 4, -1, true)                                                             \
    X(symlink, "symlinkat", SYS_symlinkat, 1, 2, -1, -1, -1, 0, true)                                                  \
    X(mkdir, "mkdirat", SYS_mkdirat, 0, 1, -1, -1, -1, 2, true)                                                        \
    X(mknod, "mknodat", SYS_mknodat, 0, 1, -1, -1, -1, 2, true)                                                        \
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
    X(remove, "unlink", SYS_unlink, -1, 0, -1, -1, -1, -1, true)                                                       \
    X(remove, "rmdir", SYS_rmdir, -1, 0, -1, -1, -1, -1, true)                                                         \
    X(rename, "rename", SYS_rename, -1, 0, -1, 1, -1, -1, true)                                                        \
    X(link, "link", SYS_link, -1, 0, -1, 1, -1, -1, true)                                                              \
    X(symlink, "symlink", SYS_symlink, -1, 1, -1, -1, -1, 0, true)                                                     \
    X(mkdir, "mkdir", SYS_mkdir, -1, 0, -1, -1, -1, 1, true)                                                           \
    X(mknod, "mknod", SYS_mknod, -1, 0, -1, -1, -1, 1, true)                                                           \
    X(chmod, "chmod", SYS_chmod, -1, 0, -1, -1, -1, 1, false)                                                          \
    X(chown, "chown", SYS_chown, -1, 0, -1, -1, -1, 1, false)                                                          \
    X(chown, "lchown", SYS_lchown, -1, 0, -1, -1, -1, 1, true)                                                         \
    X(times, "utime", SYS_utime, -1, 0, -1, -1, -1, 1, false)                                                          \
    X(times, "utimes", SYS_utimes, -1, 0, -1, -1, -1, 1, false)                                                        \
    X(times, "futimesat", SYS_futimesat, 0, 1, -1, -1, -1, 2, false)
#else
#define OLDER_CALLS(X)
#define SYS_rmdir (-1)
#define SYS_futimesat (-1)
#endif

#define read_mkdir read_make
#define read_mknod read_make

static const struct shape shapes[] = {
#define SHAPE(kind, text, number, dir, path, dir2, path2, flags, arg, nofollow) {dir, path, dir2, path2, flags, arg, nofollow},
    CALLS(SHAPE)
};

static const struct shape *shape_of(const struct request *r)
{
    return &shapes[r->call - calls_path_table];
}

/* The pins go before the answer: a removed folder or a mount would stay busy as long as they stand. */
#define CARRY(kind)                                                                                                    \
    static void carry_out_##kind(const struct calls_env *env, struct request *r, struct reply *reply)                  \
    {                                                                                                                  \
        struct change *c = r->own;                                                                                     \
        (void)env;                                                                                                     \
        change_begin();                                                                                                \
        carry_##kind(c, reply);                                                                                        \
        change_end();                                                                                                  \
        place_finish(&c->a);                                                                                           \
        place_finish(&c->b);                                                                                           \
    }
CARRY(remove)
CARRY(rename)
CARRY(link)
CARRY(symlink)
CARRY(mkdir)
CARRY(mknod)
CARRY(truncate)
CARRY(chmod)
CARRY(chown)
CARRY(times)
CARRY(setxattr)
CARRY(removexattr)
CARRY(file_setattr)

static bool may_block(const struct request *r)
{
    const struct change *c = r->own;
    return c && (pinned_is_remote(&c->a) || pinned_is_remote(&c->b));
}

const struct call calls_path_table[] = {
#define ROW(kind, text, number, dir, path, dir2, path2, flags, arg, nofollow)                                          \
    {.nr = number,                                                                                                     \
     .name = text,                                                                                                     \
     .read = read_##kind,                                                                                              \
     .may_block = may_block,                                                                                           \
     .carry_out = carry_out_##kind,                                                                                    \
     .drop = drop,                                                                                                     \
     .restart = 513},
    CALLS(ROW)
    {0},
};
