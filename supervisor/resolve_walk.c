#include "resolve_walk.h"
#include "resolve_name.h"
#include "buf.h"
#include "fd.h"
#include "mounts.h"
#include "rights.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12 */
#endif
#define MAX_LINKS 40
#define PROC_ROOT_INODE 1
#define NOSYMFOLLOW 0x2000 /* ST_NOSYMFOLLOW of statfs(2), Linux 5.10 */

void resolve_walk_begin(struct walk *w, const struct resolver *r, int base, int root)
{
    *w = (struct walk){.r = r, .cur = -1, .dir = -1, .start = base, .root = root};
    if (r->how_resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH))
        w->root = base;
    w->slow = resolve_hurries(r);
    w->beneath = r->how_resolve & RESOLVE_BENEATH;
}

void resolve_walk_end(struct walk *w)
{
    fd_close(&w->cur);
    fd_close(&w->dir);
    free(w->jumped);
    w->jumped = NULL;
}

/* ---- whose folder of /proc */

static pid_t all_digits(const char *s, size_t n)
{
    pid_t v = 0;
    if (!n || n > 9)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]))
            return 0;
        v = v * 10 + (s[i] - '0');
    }
    return v;
}

static bool on_procfs(int fd)
{
    struct statfs s;
    return !fstatfs(fd, &s) && s.f_type == PROC_SUPER_MAGIC;
}

/* One line of a status or stat file that belongs to a procfs folder. */
static ssize_t read_in(int dir, const char *name, char *buf, size_t size)
{
    FD_AUTO fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -1;
    ssize_t n = fd_read_all(fd, buf, size - 1);
    if (n >= 0)
        buf[n] = 0;
    return n;
}

pid_t resolve_owner(int dir, const char *name)
{
    if (dir >= 0) {
        FD_AUTO at = fcntl(dir, F_DUPFD_CLOEXEC, 0);
        for (int depth = 0; at >= 0 && depth < 16 && on_procfs(at); depth++) {
            char text[512];
            struct stat st;
            if (read_in(at, "status", text, sizeof text) > 0 && !strncmp(text, "Name:", 5)) {
                const char *p = strstr(text, "\nTgid:\t");
                return p ? (pid_t)atoi(p + 7) : 0;
            }
            if (fstat(at, &st) || st.st_ino == PROC_ROOT_INODE)
                return 0;
            int up = openat(at, "..", O_PATH | O_CLOEXEC);
            fd_close(&at);
            at = up;
        }
        return 0;
    }
    for (const char *p = name; p && (p = strchr(p, '/'));) {
        size_t n = strcspn(++p, "/");
        pid_t pid = all_digits(p, n);
        if (pid)
            return pid;
    }
    return 0;
}

void resolve_whose(const struct resolver *r, struct place *p)
{
    if (!p->owner)
        return;
    bool own = p->owner == r->tgid || p->owner == r->tid;
    p->foreign = !own && !procs_descends(r->procs, p->owner);
    char prefix[32];
    int n = snprintf(prefix, sizeof prefix, "/proc/%d", p->owner);
    if (own && p->path && !strncmp(p->path, prefix, (size_t)n) && (p->path[n] == '/' || !p->path[n])) {
        char *mine = xasprintf("/proc/self%s", p->path + n);
        free(p->path);
        p->path = mine;
    }
}

/* ---- the numbers of another procfs */

static dev_t our_procfs(void)
{
    static dev_t dev;
    struct stat st;
    if (!dev && !stat("/proc", &st))
        dev = st.st_dev;
    return dev;
}

static uint64_t start_time(const char *stat_line)
{
    const char *p = strrchr(stat_line, ')');
    for (int i = 0; p && i < 20; i++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

/* pid as the procfs whose root is `proc` numbers it; -1 when it does not show it. A mount of the same pid namespace
 * numbers as ours does; of the others (a container's, in log mode) the one whose start time fits is taken. */
static pid_t number_on(int proc, pid_t pid)
{
    struct stat st;
    if (fstat(proc, &st) || st.st_dev == our_procfs())
        return pid;
    char path[64], text[4096], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (read_in(AT_FDCWD, path, line, sizeof line) <= 0)
        return -1;
    uint64_t born = start_time(line);
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    if (read_in(AT_FDCWD, path, text, sizeof text) <= 0)
        return -1;
    const char *p = strstr(text, "\nNSpid:");
    for (p = p ? p + 7 : NULL; p && *p == '\t';) {
        char *end;
        pid_t n = (pid_t)strtol(p + 1, &end, 10);
        snprintf(path, sizeof path, "%d/stat", n);
        if (read_in(proc, path, line, sizeof line) > 0 && start_time(line) == born)
            return n;
        p = end;
    }
    return -1;
}

/* ---- steps */

static int go(struct walk *w, int fd) /* takes fd */
{
    fd_close(&w->dir);
    w->dir = w->cur;
    w->cur = fd;
    free(w->jumped);
    w->jumped = NULL;
    return 0;
}

static int jump(struct walk *w, int fd)
{
    go(w, fd);
    fd_close(&w->dir);
    w->owner = 0;
    w->on_proc = on_procfs(fd);
    return 0;
}

static bool same_mount(int a, int b)
{
    struct statx x, y;
#ifdef STATX_MNT_ID
    unsigned want = STATX_MNT_ID;
#else
    unsigned want = 0x1000;
#endif
    return !statx(a, "", AT_EMPTY_PATH, want, &x) && !statx(b, "", AT_EMPTY_PATH, want, &y) && x.stx_mnt_id == y.stx_mnt_id;
}

static int to_root(struct walk *w)
{
    if (w->beneath)
        return EXDEV;
    int fd = w->root >= 0 ? fcntl(w->root, F_DUPFD_CLOEXEC, 0) : open("/", O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno;
    if (w->cur >= 0 && w->r->how_resolve & RESOLVE_NO_XDEV && !same_mount(w->cur, fd)) {
        close(fd);
        return EXDEV;
    }
    return jump(w, fd);
}

static int to_start(struct walk *w)
{
    int fd = fcntl(w->start, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? errno : jump(w, fd);
}

static uint64_t step_how(const struct walk *w)
{
    return RESOLVE_NO_SYMLINKS | (w->slow ? RESOLVE_CACHED : 0) | (w->r->how_resolve & (RESOLVE_NO_XDEV | RESOLVE_CACHED));
}

static int step_up(struct walk *w)
{
    if (w->root >= 0 && resolve_same(w->cur, w->root))
        return w->beneath ? EXDEV : 0;
    int fd = resolve_open(w->cur, "..", 0, step_how(w));
    if (fd < 0)
        return -fd == EAGAIN && w->slow ? RESOLVE_LATER : -fd;
    return jump(w, fd);
}

/* may_follow_link() of the kernel: in a sticky folder that everybody may write to, only the follower's or the folder
 * owner's links. */
static bool link_refused(int dir, const struct stat *link)
{
    struct stat st;
    char on[8];
    if (link->st_uid == geteuid() || dir < 0 || fstat(dir, &st) || link->st_uid == st.st_uid)
        return false;
    if ((st.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH))
        return false;
    return read_in(AT_FDCWD, "/proc/sys/fs/protected_symlinks", on, sizeof on) > 0 && *on == '1';
}

/* A link on procfs. 0: *text is what it says. -1: it was magic and cur is what it leads to. Else an errno. */
static int proc_link_text(struct walk *w, int link, const char *name, char *text, size_t size, bool *foreign)
{
    struct stat dir;
    if (fstat(w->cur, &dir))
        return errno;
    if (dir.st_ino == PROC_ROOT_INODE && (!strcmp(name, "self") || !strcmp(name, "thread-self"))) {
        pid_t tgid = number_on(w->cur, w->r->tgid), tid = number_on(w->cur, w->r->tid);
        if (tgid < 0 || tid < 0)
            return ENOENT;
        if (*name == 's')
            snprintf(text, size, "%d", tgid);
        else
            snprintf(text, size, "%d/task/%d", tgid, tid);
        return 0;
    }
    pid_t owner = dir.st_ino == PROC_ROOT_INODE ? 0 : w->owner ? w->owner : resolve_owner(w->cur, NULL);
    if (!owner) {
        ssize_t n = readlinkat(link, "", text, size - 1);
        if (n < 0)
            return errno;
        text[n] = 0;
        return 0;
    }
    if (w->r->how_resolve & RESOLVE_NO_MAGICLINKS)
        return ELOOP;
    if (w->r->how_resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
        return EXDEV;
    w->owner = owner;
    if (owner != w->r->tgid && owner != w->r->tid && w->r->enforce && !procs_descends(w->r->procs, owner)) {
        *foreign = true;
        return EACCES;
    }
    /* Natively nobody needs a right to look into itself. */
    uint64_t before;
    bool lifted = owner == w->r->tgid && rights_lift(&before);
    FD_AUTO fd = openat(w->cur, name, O_PATH | O_CLOEXEC);
    int e = errno;
    if (lifted)
        rights_lower(before);
    if (fd < 0)
        return e;
    if (w->r->how_resolve & RESOLVE_NO_XDEV && !same_mount(w->cur, fd))
        return EXDEV;
    STR_AUTO here = resolve_name(w->cur);
    jump(w, fd_steal(&fd));
    w->jumped = here ? resolve_join(here, name) : NULL;
    return -1;
}

/* One component that is a name. *text is filled and *is_link set when it is a link to be followed. */
static int step_name(struct walk *w, const char *name, bool follow, char *text, size_t size, bool *is_link, bool *foreign)
{
    *is_link = false;
    FD_AUTO fd = resolve_open(w->cur, name, O_NOFOLLOW, step_how(w));
    if (fd < 0)
        return -fd == EAGAIN && w->slow ? RESOLVE_LATER : -fd;
    if (w->slow && mounts_slow(fd))
        return RESOLVE_LATER;
    struct stat st;
    struct statfs fs;
    if (fstat(fd, &st) || fstatfs(fd, &fs))
        return errno;
    bool proc = fs.f_type == PROC_SUPER_MAGIC;
    if (S_ISLNK(st.st_mode) && follow) {
        if (w->r->how_resolve & RESOLVE_NO_SYMLINKS || ++w->links > MAX_LINKS || fs.f_flags & NOSYMFOLLOW)
            return ELOOP;
        if (link_refused(w->cur, &st))
            return EACCES;
        int e;
        if (proc) {
            e = proc_link_text(w, fd, name, text, size, foreign);
        } else {
            ssize_t n = readlinkat(fd, "", text, size - 1);
            e = n < 0 ? errno : 0;
            if (!e)
                text[n] = 0;
        }
        if (e > 0)
            return e;
        *is_link = !e;
        return *is_link && !*text ? ENOENT : 0;
    }
    if (!proc) {
        w->owner = 0;
    } else if (!w->owner) {
        struct stat dir;
        if (w->on_proc && !fstat(w->cur, &dir) && dir.st_ino == PROC_ROOT_INODE)
            w->owner = all_digits(name, strlen(name));
    }
    w->on_proc = proc;
    snprintf(w->last, sizeof w->last, "%s", name);
    return go(w, fd_steal(&fd));
}

/* What stands now, as a place. */
static int arrive(struct walk *w, unsigned flags, struct place *ret)
{
    if (w->slow && mounts_slow(w->cur))
        return RESOLVE_LATER;
    if (fstat(w->cur, &ret->st))
        return errno;
    struct statfs fs;
    if (fstatfs(w->cur, &fs))
        return errno;
    ret->fs_type = (long)fs.f_type;
    ret->exists = true;
    ret->procfs = ret->fs_type == PROC_SUPER_MAGIC;
    ret->path = resolve_name(w->cur);
    if (!ret->path && errno == ENAMETOOLONG && w->dir >= 0) {
        STR_AUTO folder = resolve_name(w->dir);
        ret->path = folder ? resolve_join(folder, w->last) : NULL;
    }
    if (ret->path && resolve_nameless(ret->path, &ret->st)) {
        free(ret->path);
        ret->path = xstrdup(w->jumped ? w->jumped : "/proc/self/fd");
        ret->procfs = ret->nameless = true;
        ret->owner = resolve_owner(-1, ret->path);
    } else if (ret->procfs) {
        ret->owner = w->owner ? w->owner : resolve_owner(S_ISDIR(ret->st.st_mode) ? w->cur : w->dir, ret->path);
    }
    resolve_whose(w->r, ret);
    ret->fd = fd_steal(&w->cur);
    return ret->path ? 0 : EACCES;
}

int resolve_walk(struct walk *w, const char *path, unsigned flags, struct place *ret)
{
    STR_AUTO rest = xstrdup(path);
    const char *p = rest;
    int e = *p == '/' ? to_root(w) : to_start(w);
    bool must_dir = false, foreign = false;
    while (!e) {
        while (*p == '/') {
            must_dir = true;
            p++;
        }
        size_t n = strcspn(p, "/");
        if (!n)
            break;
        char name[NAME_MAX + 2], text[PATH_MAX];
        if (n > NAME_MAX) {
            e = ENAMETOOLONG;
            break;
        }
        memcpy(name, p, n);
        name[n] = 0;
        bool is_link = false;
        must_dir = false;
        if (!strcmp(name, ".")) { /* nothing moves, but it must be a folder that may be searched */
            int here = resolve_open(w->cur, ".", O_DIRECTORY, 0);
            e = here < 0 ? -here : 0;
            fd_close(&here);
        } else if (!strcmp(name, "..")) {
            e = step_up(w);
        } else {
            bool follow = p[n] || !(flags & RESOLVE_NOFOLLOW_LAST);
            e = step_name(w, name, follow, text, sizeof text, &is_link, &foreign);
        }
        if (e)
            break;
        p += n;
        if (is_link) {
            char *joined = xasprintf("%s%s", text, p);
            free(rest);
            rest = joined;
            p = rest;
            if (*p == '/')
                e = to_root(w);
        }
    }
    struct stat st;
    if (!e && must_dir && (fstat(w->cur, &st) || !S_ISDIR(st.st_mode)))
        e = ENOTDIR;
    if (!e)
        return arrive(w, flags, ret);
    STR_AUTO here = w->cur >= 0 ? resolve_name(w->cur) : NULL;
    ret->path = here ? resolve_join(here, p) : NULL;
    if (ret->path && w->on_proc) {
        ret->owner = w->owner ? w->owner : resolve_owner(w->cur, NULL);
        resolve_whose(w->r, ret);
    }
    ret->foreign = foreign;
    return e;
}
