#include "resolve.h"
#include "resolve_folders.h"
#include "resolve_name.h"
#include "resolve_walk.h"
#include "buf.h"
#include "fd.h"
#include "mounts.h"
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000 /* Linux 5.8 */
#endif
#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12 */
#endif
#define MAX_LINKS 40 /* MAXSYMLINKS of the kernel */

int resolve_open(int dir, const char *path, uint64_t flags, uint64_t how)
{
    struct open_how h = {.flags = flags | O_PATH | O_CLOEXEC, .resolve = how};
    long fd = syscall(SYS_openat2, dir, path, &h, sizeof h);
    return fd < 0 ? -errno : (int)fd;
}

bool resolve_hurries(const struct resolver *r)
{
    static _Atomic int cached; /* RESOLVE_CACHED: 1 this kernel has it, -1 not (before 5.12): then all is waited for */
    if (!r->quick || !mounts_any_slow())
        return false;
    if (!cached) {
        FD_AUTO fd = resolve_open(AT_FDCWD, "/", 0, RESOLVE_CACHED);
        cached = fd == -EINVAL ? -1 : 1;
    }
    return cached > 0;
}

void place_finish(struct place *p)
{
    fd_close(&p->fd);
    fd_close(&p->dir);
    free(p->name);
    free(p->path);
    free(p->cwd);
    p->name = p->path = p->cwd = NULL;
}

/* ---- where a path begins */

struct eyes {
    const struct resolver *r;
    uint64_t cached; /* RESOLVE_CACHED: fail rather than wait for a slow file system */
    bool cwd; /* base is the working folder */
    int base; /* a folder of the caller, AT_FDCWD for our own root (then the path is absolute) */
    int root; /* the caller's root, -1: ours */
};

static int open_link(pid_t tid, const char *name)
{
    char path[64];
    uint64_t before;
    snprintf(path, sizeof path, "/proc/%d/%s", tid, name);
    bool lifted = rights_lift(&before);
    int fd = open(path, O_PATH | O_CLOEXEC), e = errno;
    if (lifted)
        rights_lower(before);
    return fd < 0 ? -e : fd;
}

static atomic_bool roots_may_differ;

void resolve_roots_may_differ(void)
{
    atomic_store(&roots_may_differ, true);
}

/* The caller's root when it is another than ours, else -1: only in log mode. */
static int other_root(const struct resolver *r, int *ret)
{
    static _Atomic uint64_t ours[3];
    *ret = -1;
    if (r->enforce || !atomic_load_explicit(&roots_may_differ, memory_order_relaxed))
        return 0;
    char path[40];
    struct statx x;
    snprintf(path, sizeof path, "/proc/%d/root", r->tid);
    if (!ours[0] && !statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &x)) {
        ours[2] = x.stx_mnt_id;
        ours[1] = makedev(x.stx_dev_major, x.stx_dev_minor);
        ours[0] = x.stx_ino;
    }
    if (!statx(AT_FDCWD, path, 0, STATX_INO | STATX_MNT_ID, &x) && x.stx_ino == ours[0] &&
        makedev(x.stx_dev_major, x.stx_dev_minor) == ours[1] && x.stx_mnt_id == ours[2])
        return 0;
    *ret = open_link(r->tid, "root");
    return *ret < 0 ? -*ret : 0;
}

static int look(const struct resolver *r, int dirfd, bool absolute, struct eyes *ret)
{
    *ret = (struct eyes){.r = r, .base = AT_FDCWD, .root = -1};
    if (resolve_hurries(r))
        ret->cached = RESOLVE_CACHED;
    int e = other_root(r, &ret->root);
    if (e)
        return e;
    bool scoped = r->how_resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH);
    if (absolute && !scoped)
        return 0;
    int fd = dirfd == AT_FDCWD ? open_link(r->tid, "cwd") : procs_getfd(r->procs, r->tid, dirfd);
    if (fd < 0)
        return fd == -EBADF ? EBADF : EACCES;
    ret->base = fd;
    ret->cwd = dirfd == AT_FDCWD;
    return 0;
}

static void look_away(struct eyes *e)
{
    fd_close(&e->base);
    fd_close(&e->root);
}

/* ---- one path, followed to its end */

/* Is the absolute text its own canonical form, once no link was met? */
static bool clean(const char *path)
{
    if (path[0] == '.' && (path[1] == '/' || !path[1] || (path[1] == '.' && (path[2] == '/' || !path[2]))))
        return false;
    for (const char *p = path; *p; p++)
        if (*p == '/' && (p[1] == '/' || !p[1] || (p[1] == '.' && (p[2] == '/' || !p[2] || (p[2] == '.' && (p[3] == '/' || !p[3]))))))
            return false;
    return true;
}

/* The name of what could not be found. No link was met on the way, so the text says it. */
static char *name_of_missing(const struct eyes *e, const char *path)
{
    if (e->base == AT_FDCWD)
        return resolve_join("", path);
    STR_AUTO base = resolve_name(e->base);
    return base ? resolve_join(base, path) : NULL;
}

static int walk_whole(const struct eyes *e, const char *path, unsigned flags, struct place *ret)
{
    struct walk w;
    resolve_walk_begin(&w, e->r, e->base, e->root);
    int err = resolve_walk(&w, path, flags, ret);
    resolve_walk_end(&w);
    return err;
}

static int is_on(int fd, long *ret)
{
    struct statfs s;
    if (fstatfs(fd, &s))
        return errno;
    *ret = (long)s.f_type;
    return 0;
}

/* Types of file systems by their device, as log mode remembers them; what enforce decides on is looked up each time. */
#define TYPES 16
static _Thread_local struct {
    dev_t dev;
    long type;
} types[TYPES];

static size_t type_slot(dev_t dev)
{
    return (size_t)(dev ^ dev >> 8) % TYPES;
}

static bool known_type(dev_t dev, long *ret)
{
    size_t k = type_slot(dev);
    *ret = types[k].type;
    return types[k].type && types[k].dev == dev;
}

/* A disk of this machine: neither procfs nor anything that makes wait, whatever its type. */
static bool on_disk(dev_t dev, long *ret)
{
    *ret = 0;
    return major(dev) && !mounts_any_slow();
}

static int type_of(const struct eyes *e, int fd, const struct stat *st, long *ret)
{
    if (on_disk(st->st_dev, ret) || (!e->r->enforce && known_type(st->st_dev, ret)))
        return 0;
    int err = is_on(fd, ret);
    if (!err) {
        types[type_slot(st->st_dev)].dev = st->st_dev;
        types[type_slot(st->st_dev)].type = *ret;
    }
    return err;
}

/* Splits before the last component. "/" has none: it is its own folder and name. */
static char *split(const char *path, const char **last)
{
    size_t end = strlen(path);
    while (end && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start && path[start - 1] != '/')
        start--;
    *last = end ? path + start : "/";
    return end ? xstrndup(path, start) : xstrdup("/");
}

/* Something is missing behind a link. When the folder is there, and is no procfs, and only the last name is not, then nobody's
 * /proc/self had a part in it: spares the walk. */
static bool plainly_missing(const struct eyes *e, const char *path, struct place *ret)
{
    const char *last;
    STR_AUTO folder = split(path, &last);
    if (!*folder || *last == '/' || !strncmp(last, "..", 2) || strchr(last, '/'))
        return false;
    FD_AUTO dir = resolve_open(e->base, folder, O_DIRECTORY, e->r->how_resolve | e->cached | RESOLVE_NO_MAGICLINKS);
    struct stat st;
    long type = 0;
    if (dir < 0 || (e->cached && mounts_slow(dir)) || is_on(dir, &type) || type == PROC_SUPER_MAGIC || !fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) || errno != ENOENT)
        return false;
    STR_AUTO name = resolve_name(dir);
    ret->path = name ? resolve_join(name, last) : NULL;
    return ret->path;
}

/* Log mode: the name alone, where the folder is known. */
static bool named(const char *path, struct place *ret)
{
    ret->path = folders_name(path, &ret->st);
    if (ret->path && !on_disk(ret->st.st_dev, &ret->fs_type) && !known_type(ret->st.st_dev, &ret->fs_type)) {
        free(ret->path);
        ret->path = NULL;
    }
    ret->exists = ret->path && ret->fs_type != PROC_SUPER_MAGIC;
    if (!ret->exists) {
        free(ret->path);
        ret->path = NULL;
    }
    return ret->exists;
}

/* Without following the last link that leads nowhere. */
static int pin(const struct eyes *e, const char *path, unsigned flags, struct place *ret)
{
    bool by_name = flags & RESOLVE_NAME_ONLY && !e->r->enforce && e->base == AT_FDCWD && e->root < 0 && !e->cached && !e->r->how_resolve;
    if (by_name && named(path, ret))
        return 0;
    uint64_t oflags = flags & RESOLVE_NOFOLLOW_LAST ? O_NOFOLLOW : 0, how = e->r->how_resolve;
    if (e->root >= 0)
        return walk_whole(e, path, flags, ret);
    how |= e->cached;
    bool plain = true; /* no link on the way: then nothing depends on who looks, and the text may be the name */
    int fd = resolve_open(e->base, path, oflags, how | RESOLVE_NO_SYMLINKS);
    if (fd == -ELOOP && !(how & RESOLVE_NO_SYMLINKS)) {
        plain = false;
        fd = resolve_open(e->base, path, oflags, how | RESOLVE_NO_MAGICLINKS);
    }
    if (fd == -EAGAIN && e->cached && !(e->r->how_resolve & RESOLVE_CACHED))
        return RESOLVE_LATER;
    if (fd < 0 && plain) {
        ret->path = name_of_missing(e, path);
        return -fd;
    }
    if (fd == -ENOENT && plainly_missing(e, path, ret))
        return ENOENT;
    if (fd < 0) /* a magic link, or an error that our own /proc/self may have made */
        return walk_whole(e, path, flags, ret);
    ret->fd = fd;
    if (e->cached && mounts_slow(fd))
        return RESOLVE_LATER;
    if (fstat(fd, &ret->st))
        return errno;
    int err = type_of(e, fd, &ret->st, &ret->fs_type);
    if (err)
        return err;
    if (ret->fs_type == PROC_SUPER_MAGIC) {
        fd_close(&ret->fd);
        return walk_whole(e, path, flags, ret);
    }
    ret->exists = true;
    bool below = plain && e->cwd && clean(path) && (ret->cwd = resolve_name(e->base)) && *ret->cwd == '/';
    if (plain && e->base == AT_FDCWD && clean(path))
        ret->path = xstrdup(path);
    else if (below && !strstr(ret->cwd, " (deleted)"))
        ret->path = resolve_join(ret->cwd, path); /* one look for two names */
    else if (!(ret->path = resolve_name(fd)) && errno == ENAMETOOLONG) {
        place_finish(ret);
        return walk_whole(e, path, flags, ret); /* the walk knows the folder, which can be named step by step */
    }
    if (by_name && ret->path)
        folders_learn(path, ret->path, plain);
    return ret->path ? 0 : EACCES;
}

/* ---- creations and removals: the folder and the last component */

static int pin_parent(const struct eyes *e, const char *path, struct place *ret)
{
    const char *last;
    STR_AUTO folder = split(path, &last);
    struct place dir = {.fd = -1, .dir = -1};
    ret->trailing_slash = path[strlen(path) - 1] == '/';
    int err = pin(e, *folder ? folder : ".", RESOLVE_WANT_DIR, &dir);
    if (!err && !S_ISDIR(dir.st.st_mode))
        err = ENOTDIR;
    ret->dir = fd_steal(&dir.fd);
    ret->fs_type = dir.fs_type;
    ret->procfs = dir.procfs;
    ret->owner = dir.owner;
    ret->foreign = dir.foreign;
    ret->name = xstrdup(last);
    if (dir.path)
        ret->path = resolve_join(dir.path, last);
    place_finish(&dir);
    return err ? err : resolve_again(ret);
}

int resolve_again(struct place *p)
{
    fd_close(&p->fd);
    p->exists = false;
    STR_AUTO bare = xstrdup(p->name);
    for (size_t n = strlen(bare); n > 1 && bare[n - 1] == '/';)
        bare[--n] = 0;
    int fd = resolve_open(p->dir, bare, O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
    if (fd < 0)
        return fd == -ENOENT ? 0 : -fd;
    p->fd = fd;
    if (fstat(fd, &p->st))
        return errno;
    p->exists = true;
    return is_on(fd, &p->fs_type);
}

/* O_CREAT: a link that leads nowhere is followed to the name that it would create. */
static int pin_new(struct eyes *e, const char *path, unsigned flags, struct place *ret)
{
    STR_AUTO text = xstrdup(path);
    for (int links = 0; links <= MAX_LINKS; links++) {
        int err = pin(e, text, flags, ret);
        if (err != ENOENT)
            return err;
        place_finish(ret);
        *ret = (struct place){.fd = -1, .dir = -1};
        err = pin_parent(e, text, ret);
        if (err || !ret->exists || !S_ISLNK(ret->st.st_mode) || flags & RESOLVE_NOFOLLOW_LAST)
            return err;
        char target[PATH_MAX];
        ssize_t n = readlinkat(ret->fd, "", target, sizeof target - 1);
        if (n < 0)
            return errno;
        target[n] = 0;
        if (*target != '/') { /* as text, so that a scope (RESOLVE_BENEATH) stays where it began */
            const char *last;
            STR_AUTO folder = split(text, &last);
            free(text);
            text = xasprintf("%s%s", folder, target);
        } else if (e->r->how_resolve & RESOLVE_BENEATH) {
            return EXDEV;
        } else {
            if (!(e->r->how_resolve & RESOLVE_IN_ROOT)) {
                fd_close(&e->base);
                e->base = AT_FDCWD;
            }
            free(text);
            text = xstrdup(target);
        }
        place_finish(ret);
        *ret = (struct place){.fd = -1, .dir = -1};
    }
    return ELOOP;
}

/* ---- the whole */

static int resolve_with(struct eyes *e, const char *path, unsigned flags, struct place *ret)
{
    int err = flags & RESOLVE_FOLLOW_NEW ? pin_new(e, path, flags, ret)
              : flags & RESOLVE_PARENT   ? pin_parent(e, path, ret)
                                         : pin(e, path, flags, ret);
    if (!err && flags & RESOLVE_WANT_DIR && !(ret->exists && S_ISDIR(ret->st.st_mode)))
        err = ENOTDIR;
    return err;
}

/* Log mode: a relative path as text behind the name of the caller's folder, which is known without a look at its /proc. What
 * does not come out plainly (somebody removed the folder, or we may not pass it) is resolved as always. */
static bool by_name_of_cwd(const struct resolver *r, const char *path, unsigned flags, struct place *ret)
{
    if (r->enforce || r->how_resolve || atomic_load_explicit(&roots_may_differ, memory_order_relaxed) || rights_differ())
        return false;
    STR_AUTO cwd = procs_cwd(r->procs, r->tid);
    if (!cwd || *cwd != '/' || strstr(cwd, " (deleted)"))
        return false;
    STR_AUTO whole = xasprintf("%s/%s", strcmp(cwd, "/") ? cwd : "", path);
    struct eyes e = {.r = r, .base = AT_FDCWD, .root = -1, .cached = r->quick && mounts_any_slow() ? RESOLVE_CACHED : 0};
    if (!resolve_with(&e, whole, flags, ret))
        return true;
    place_finish(ret);
    *ret = (struct place){.fd = -1, .dir = -1};
    return false;
}

int resolve(const struct resolver *r, int dirfd, const char *path, unsigned flags, struct place *ret)
{
    *ret = (struct place){.fd = -1, .dir = -1};
    if (!*path && !(flags & RESOLVE_EMPTY))
        return ENOENT;
    if (dirfd == AT_FDCWD && *path && *path != '/' && by_name_of_cwd(r, path, flags, ret))
        return 0;
    struct eyes e;
    int err = look(r, dirfd, *path == '/', &e);
    if (!err && !*path) {
        err = resolve_fd(r, fd_steal(&e.base), dirfd, ret);
    } else if (!err && e.cached && e.base >= 0 && mounts_slow(e.base)) {
        err = RESOLVE_LATER;
    } else if (!err) {
        bool differ = rights_differ();
        if (differ && rights_assume(r->tid))
            err = EACCES;
        if (!err) {
            err = resolve_with(&e, path, flags, ret);
            if (differ && rights_restore())
                abort(); /* it would go on with somebody else's rights */
        }
    }
    look_away(&e);
    return err;
}

int resolve_fd(const struct resolver *r, int fd, int number, struct place *ret)
{
    *ret = (struct place){.fd = fd, .dir = -1};
    if (resolve_hurries(r) && mounts_slow(fd))
        return RESOLVE_LATER;
    int err = is_on(fd, &ret->fs_type);
    if (err || fstat(fd, &ret->st))
        return err ? err : errno;
    ret->exists = true;
    ret->path = resolve_name(fd);
    if (ret->path && resolve_nameless(ret->path, &ret->st)) {
        free(ret->path);
        ret->path = xasprintf("/proc/self/fd/%d", number);
        ret->nameless = true;
        return 0;
    }
    if (ret->fs_type == PROC_SUPER_MAGIC) {
        ret->procfs = true;
        ret->owner = resolve_owner(S_ISDIR(ret->st.st_mode) ? fd : -1, ret->path);
        resolve_whose(r, ret);
    }
    return ret->path ? 0 : EACCES;
}
