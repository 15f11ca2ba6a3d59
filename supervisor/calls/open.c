/* open: open, openat, openat2, creat.
 *
 * read() pins the file with O_PATH and names it; carry_out() opens the *pinned* file, through our /proc/self/fd, so what was
 * judged is what is opened. A file that does not exist is created with O_EXCL in its pinned folder; when somebody
 * was faster it is pinned anew, and opened only when nothing about it can differ from what was judged.
 *
 * Our own reference must not be seen by the agent: with the one-step answer the caller runs on while our ioctl still holds the
 * file, and after its close() flock, leases, ETXTBSY and the end of a FIFO were wrong (tests/agents/late_reference.c). So
 * everything opened for writing or created, and all that is no plain file or folder, is answered `late`. A plain
 * file that is only read keeps the quick form: a lock taken through it may outlive its close() by some microseconds.
 *
 * Not as natively: fcntl(F_GETFL) does not show O_NOFOLLOW (the reopening goes through a link of ours); a file opened
 * as /dev/tty is the terminal itself by name; a session leader does not get its terminal by opening it (TIOCSCTTY
 * works, and is what forkpty uses); before Linux 6.2, when the caller's descriptors are used up, EMFILE comes after a new file was made.
 */
#include "calls/pinned.h"
#include "calls_tables.h"
#include "fd.h"
#include "hands.h"
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

struct opening {
    struct place place;
    struct open_how how;
    bool creates; /* the file is missing and will be made */
    bool tmpfile;
};

static void drop(struct request *r)
{
    struct opening *o = r->own;
    if (!o)
        return;
    place_finish(&o->place);
    free(o);
    r->own = NULL;
}

/* ---- reading */

/* The kernel checks the flags before it looks at anything else: so ask it, with a folder that is none. 0 or EINVAL. */
static int flags_refused(const struct open_how *how, bool newer)
{
    struct open_how h = *how;
    long fd = newer ? syscall(SYS_openat2, -1, "x", &h, sizeof h) : syscall(SYS_openat, -1, "x", (int)h.flags, (mode_t)h.mode);
    if (fd >= 0) { /* cannot be: x is relative to nothing */
        close((int)fd);
        return EINVAL;
    }
    return errno == EBADF ? 0 : errno;
}

/* may_create_in_sticky() of the kernel: O_CREAT does not open what somebody else put into a shared folder. */
static int sticky_refuses(const struct request *r, const struct opening *o)
{
    const struct stat *st = &o->place.st;
    bool fifo = S_ISFIFO(st->st_mode);
    if ((!fifo && !S_ISREG(st->st_mode)) || st->st_uid == r->process->uid)
        return 0;
    FD_AUTO f = open(fifo ? "/proc/sys/fs/protected_fifos" : "/proc/sys/fs/protected_regular", O_RDONLY | O_CLOEXEC);
    char level = '0';
    if (f < 0 || read(f, &level, 1) != 1 || level == '0')
        return 0;
    STR_AUTO folder = xstrdup(o->place.path);
    *(strrchr(folder, '/') + (strrchr(folder, '/') == folder)) = 0;
    struct stat dir;
    if (stat(folder, &dir) || !(dir.st_mode & S_ISVTX) || st->st_uid == dir.st_uid)
        return 0;
    return dir.st_mode & S_IWOTH || (dir.st_mode & S_IWGRP && level == '2') ? EACCES : 0;
}

/* /dev/tty is whatever the caller's terminal is. 0 or errno. */
static int find_terminal(struct request *r, struct place *p)
{
    int nr;
    if (proc_stat(r->process->pid, NULL, NULL, NULL, NULL, &nr, NULL) || !nr)
        return ENXIO;
    unsigned major_nr = ((unsigned)nr >> 8) & 0xfff, minor_nr = ((unsigned)nr & 0xff) | (((unsigned)nr >> 12) & 0xfff00);
    dev_t dev = makedev(major_nr, minor_nr);
    /* The caller's own descriptors first: two instances of devpts use the same numbers. */
    char try[6][64];
    int n = 0;
    for (; n < 3; n++)
        snprintf(try[n], sizeof *try, "/proc/%d/fd/%d", r->tid, n);
    if (major_nr >= 136 && major_nr <= 143)
        snprintf(try[n++], sizeof *try, "/dev/pts/%u", (major_nr - 136) * 256 + minor_nr);
    else if (major_nr == 4)
        snprintf(try[n++], sizeof *try, minor_nr < 64 ? "/dev/tty%u" : "/dev/ttyS%u", minor_nr < 64 ? minor_nr : minor_nr - 64);
    snprintf(try[n++], sizeof *try, "/dev/console");
    for (int i = 0; i < n; i++) {
        FD_AUTO fd = open(try[i], O_PATH | O_CLOEXEC);
        struct stat st;
        if (fd >= 0 && !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == dev) {
            fd_close(&p->fd);
            p->fd = fd_steal(&fd);
            return 0;
        }
    }
    return ENXIO;
}

/* What goes around every rule: the bytes of a whole disk or of the machine's memory, and keys pressed for the user. */
static bool raw_device(const struct stat *st)
{
    unsigned kind = major(st->st_rdev), number = minor(st->st_rdev);
    if (S_ISBLK(st->st_mode))
        return true;
    return S_ISCHR(st->st_mode) && ((kind == 1 && (number == 1 || number == 2 || number == 4)) /* mem, kmem, port */ ||
                                    kind == 13 /* input events */ || kind == 21 /* SCSI generic */ || kind == 162 /* raw */ ||
                                    (kind == 10 && (number == 223 || number == 239)) /* uinput, uhid */);
}

static int terminal_of(pid_t pid)
{
    int nr;
    return proc_stat(pid, NULL, NULL, NULL, NULL, &nr, NULL) ? 0 : nr;
}

/* Does another program than ours work at this terminal? Who reads from it takes the user's keys, passwords and answers
 * to our questions among them, and who writes to it paints over our questions. The job's own and those that the tree made are left. */
static bool others_terminal(const struct calls_env *env, const struct request *r, const struct stat *st)
{
    unsigned kind = major(st->st_rdev), number = minor(st->st_rdev);
    if (!S_ISCHR(st->st_mode) || !(kind == 4 || (kind >= 136 && kind <= 143)))
        return false;
    int nr = (int)((number & 0xff) | kind << 8 | (number & ~0xffu) << 12); /* new_encode_dev() of the kernel, as in /proc/PID/stat */
    if (terminal_of(r->process->pid) == nr || terminal_of(getppid()) == nr)
        return false;
    DIR *d = opendir("/proc");
    bool found = !d;
    for (struct dirent *e; !found && (e = readdir(d));) {
        pid_t pid = atoi(e->d_name);
        found = pid > 0 && terminal_of(pid) == nr && !procs_descends(env->procs, pid);
    }
    if (d)
        closedir(d);
    return found;
}

static int native(const struct request *r, const struct opening *o, bool reads, bool writes)
{
    const struct place *p = &o->place;
    uint64_t flags = o->how.flags;
    mode_t type = p->st.st_mode & S_IFMT;
    if (o->creates && p->procfs)
        return ENOENT; /* what the look-up itself says there */
    if (o->creates)
        return pinned_permits(r, p->dir, &(struct stat){0}, W_OK | X_OK);
    if (o->tmpfile)
        return pinned_permits(r, p->fd, &p->st, W_OK | X_OK);
    if (flags & O_CREAT && flags & O_EXCL)
        return EEXIST;
    if (type == S_IFLNK)
        return ELOOP;
    if (type == S_IFDIR && (writes || flags & O_CREAT))
        return EISDIR;
    if (type == S_IFSOCK)
        return ENXIO;
    int e = flags & O_CREAT ? sticky_refuses(r, o) : 0;
    return e ? e : pinned_permits(r, p->fd, &p->st, (reads ? R_OK : 0) | (writes ? W_OK : 0));
}

/* Natively a number is taken before anything else is done, so nothing is made or emptied without one. How many are in use is
 * the size of /proc/TID/fd (Linux 6.2). */
static bool numbers_used_up(const struct request *r)
{
    char path[40];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/fd", r->tid);
    return !stat(path, &st) && (uint64_t)st.st_size >= pinned_limit(r, RLIMIT_NOFILE, "Max open files");
}

static enum next read_how(const struct calls_env *env, struct request *r, int dirfd, uint64_t addr, const struct open_how *how, bool newer)
{
    uint64_t flags = how->flags;
    bool tmpfile = flags & TMPFILE_BIT, create = !tmpfile && flags & O_CREAT;
    if (newer || tmpfile || (create && flags & O_DIRECTORY))
        r->native = flags_refused(how, newer);
    if (r->native)
        return NEXT_JUDGE;
    STR_AUTO text = NULL;
    int got = calls_path(env, r, addr, &text);
    if (got)
        return got == -2 ? NEXT_GONE : NEXT_JUDGE;

    struct opening *o = xcalloc(1, sizeof *o);
    r->own = o;
    o->how = *how;
    o->tmpfile = tmpfile;
    size_t len = strlen(text);
    bool slash = create && len && text[len - 1] == '/';
    unsigned to = (flags & O_NOFOLLOW ? RESOLVE_NOFOLLOW_LAST : 0) | (env->enforce ? 0 : RESOLVE_NAME_ONLY);
    if (create)
        to |= RESOLVE_PARENT | (flags & O_EXCL || slash ? 0 : RESOLVE_FOLLOW_NEW);
    if (flags & O_DIRECTORY)
        to |= RESOLVE_WANT_DIR;
    int e = pinned_resolve(env, r, dirfd, text, to, how->resolve, &o->place);

    unsigned access = flags & O_ACCMODE;
    o->creates = !e && create && !o->place.exists;
    bool reads = !tmpfile && access != O_WRONLY;
    bool writes = tmpfile || access != O_RDONLY || flags & O_TRUNC || o->creates;
    if (reads)
        pinned_need(r, VERB_READ, &o->place, text, flags);
    if (writes)
        pinned_need(r, VERB_WRITE, &o->place, text, flags);
    pinned_refuse_proc(env, r, &o->place, writes);
    if (!e && raw_device(&o->place.st)) {
        r->refuse = EPERM;
        r->why = "a raw device goes around every rule";
    }
    if (!e && others_terminal(env, r, &o->place.st)) {
        r->refuse = EACCES;
        r->why = "the terminal of a program outside this session";
    }
    if (!e && slash)
        e = EISDIR;
    if (!e && env->enforce)
        e = native(r, o, reads, writes);
    if (!e && env->enforce && S_ISCHR(o->place.st.st_mode) && o->place.st.st_rdev == makedev(5, 0))
        e = find_terminal(r, &o->place);
    if (!e && env->enforce && (o->creates || tmpfile || flags & O_TRUNC) && numbers_used_up(r))
        e = EMFILE;
    r->native = e;
    r->creates = o->creates || tmpfile;
    if (S_ISFIFO(o->place.st.st_mode) || S_ISCHR(o->place.st.st_mode))
        r->restart = 512;
    return NEXT_JUDGE;
}

static enum next read_open(const struct calls_env *env, struct request *r)
{
    const uint64_t *a = r->notice.args;
    struct open_how how = {.flags = (unsigned)a[1], .mode = (mode_t)a[2]};
    return read_how(env, r, AT_FDCWD, a[0], &how, false);
}

static enum next read_creat(const struct calls_env *env, struct request *r)
{
    struct open_how how = {.flags = O_CREAT | O_WRONLY | O_TRUNC, .mode = (mode_t)r->notice.args[1]};
    return read_how(env, r, AT_FDCWD, r->notice.args[0], &how, false);
}

static enum next read_openat(const struct calls_env *env, struct request *r)
{
    const uint64_t *a = r->notice.args;
    struct open_how how = {.flags = (unsigned)a[2], .mode = (mode_t)a[3]};
    return read_how(env, r, (int)a[0], a[1], &how, false);
}

/* copy_struct_from_user() of the kernel: what it does not know must be zero. 0, an errno, or -1: the caller has gone. */
static int copy_how(const struct calls_env *env, struct request *r, uint64_t addr, uint64_t size, struct open_how *ret)
{
    if (size < sizeof *ret)
        return EINVAL;
    long page = sysconf(_SC_PAGESIZE);
    if (size > (uint64_t)page)
        return E2BIG;
    char *all = xmalloc(size);
    int e = memory_read(r->tid, addr, all, size) ? EFAULT : 0;
    if (!notify_valid(env->listener, r->notice.id))
        e = -1;
    for (uint64_t i = sizeof *ret; !e && i < size; i++)
        e = all[i] ? E2BIG : 0;
    if (!e)
        memcpy(ret, all, sizeof *ret);
    free(all);
    return e;
}

static enum next read_openat2(const struct calls_env *env, struct request *r)
{
    const uint64_t *a = r->notice.args;
    struct open_how how;
    int e = copy_how(env, r, a[2], a[3], &how);
    if (e < 0)
        return NEXT_GONE;
    r->native = e ? e : flags_refused(&how, true);
    if (r->native)
        return NEXT_JUDGE;
    if (how.flags & O_PATH && env->enforce) {
        /* ADDFD refuses such a descriptor, and the flags stand in memory: while the call went on they were made read-write
         * (tests/agents/flip.c). Programs fall back to openat. */
        r->refuse = ENOSYS;
        r->why = "openat2 with O_PATH: its flags could change behind the check; openat works";
    }
    return read_how(env, r, (int)a[0], a[1], &how, true);
}

/* ---- carrying out */

static int open_again(int dir, const char *name, int flags, mode_t mode)
{
    for (;;) {
        int fd = openat(dir, name, flags, mode);
        struct hand *h = fd < 0 && errno == EINTR ? hand_self() : NULL;
        if (!h || hand_interrupted(h))
            return fd;
    }
}

static int open_pinned(const struct opening *o, enum wait_end waited, struct reply *reply)
{
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", o->place.fd);
    int flags = ((int)o->how.flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_NOCTTY | O_CLOEXEC;
    /* A lease that somebody holds (fcntl(2), F_SETLEASE) makes an open wait for up to lease-break-time, 45 s; whether there is
     * one only the open tells. So this thread, when it is no hand, does not wait. Nor does the open of a FIFO whose other end has
     * come for another one that waited (lines.h): if it has left since, a reader goes on all the same, as natively. */
    bool fifo = waited == WAIT_LET_GO && S_ISFIFO(o->place.st.st_mode);
    bool quick = fifo || (S_ISREG(o->place.st.st_mode) && !(flags & O_NONBLOCK) && !hand_self());
    int fd = open_again(AT_FDCWD, link, quick ? flags | O_NONBLOCK : flags, (mode_t)o->how.mode);
    if (!quick)
        return fd;
    if (fd < 0)
        reply->asleep = errno == (fifo ? ENXIO : EWOULDBLOCK);
    else
        fcntl(fd, F_SETFL, flags);
    return fd;
}

static int create(struct opening *o, struct reply *reply)
{
    int flags = (int)o->how.flags | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC;
    for (int tries = 0; tries < 100; tries++) {
        int fd = open_again(o->place.dir, o->place.name, flags & ~O_TRUNC, (mode_t)o->how.mode & 07777);
        if (fd >= 0 || errno != EEXIST || o->how.flags & O_EXCL)
            return fd;
        int e = resolve_again(&o->place);
        if (e) {
            errno = e;
            return -1;
        }
        if (!o->place.exists)
            continue;
        /* The name was judged. A link, or a file with other names, leads to what was not. */
        if (!S_ISREG(o->place.st.st_mode) || o->place.st.st_nlink > 1)
            break;
        return open_pinned(o, WAIT_NOT, reply);
    }
    reply->again = true;
    errno = EACCES;
    return -1;
}

static void carry_out(const struct calls_env *env, struct request *r, struct reply *reply)
{
    struct opening *o = r->own;
    (void)env;
    reply->fd = o->creates ? create(o, reply) : open_pinned(o, r->waited, reply);
    if (reply->asleep)
        return;
    reply->error = reply->fd < 0 ? errno : 0;
    reply->cloexec = o->how.flags & O_CLOEXEC;
    mode_t type = o->place.st.st_mode & S_IFMT;
    reply->late = o->creates || o->tmpfile || o->how.flags & (O_ACCMODE | O_TRUNC) || (type != S_IFREG && type != S_IFDIR);
    /* The pins too: a mount or a removed folder stays busy as long as they stand. */
    fd_close(&o->place.fd);
    fd_close(&o->place.dir);
}

static bool may_block(const struct request *r)
{
    const struct opening *o = r->own;
    if (!o)
        return false;
    mode_t type = o->place.st.st_mode & S_IFMT;
    unsigned kind = major(o->place.st.st_rdev);
    if (type == S_IFIFO)
        return !(o->how.flags & O_NONBLOCK) && (o->how.flags & O_ACCMODE) != O_RDWR;
    if (type == S_IFCHR) /* memory, tty and ptmx, pseudo terminals: never wait */
        return kind != 1 && kind != 5 && !(kind >= 136 && kind <= 143);
    return type == S_IFBLK || pinned_is_remote(&o->place);
}

/* Who opens the same end of the same FIFO waits for the same. */
static bool line(const struct request *r, struct line_key *ret)
{
    const struct opening *o = r->own;
    if (o->creates || !S_ISFIFO(o->place.st.st_mode) || !may_block(r))
        return false;
    ret->together = true;
    ret->n = (size_t)snprintf(ret->name, sizeof ret->name, "fifo %ju %ju %u", (uintmax_t)o->place.st.st_dev,
                              (uintmax_t)o->place.st.st_ino, (unsigned)(o->how.flags & O_ACCMODE));
    return true;
}

/* ---- the table */

/* O_PATH stands in a register there, and every later use of such a descriptor is judged: only log mode looks at it. */
#define PATH_ONLY(n) TESTS({(n), FILTER_MASKED_EQ, O_PATH, O_PATH})
#define NOT_PATH_ONLY(n) TESTS({(n), FILTER_MASKED_EQ, O_PATH, 0})
#define ROW(number, text, function)                                                                                    \
    .nr = (number), .name = text, .read = function, .may_block = may_block, .line = line, .carry_out = carry_out,      \
    .drop = drop, .restart = 513

const struct call calls_open_table[] = {
    {ROW(SYS_openat, "openat", read_openat), NOT_PATH_ONLY(2)},
    {ROW(SYS_openat, "openat", read_openat), PATH_ONLY(2), .log_only = true},
    {ROW(SYS_openat2, "openat2", read_openat2)},
#ifdef SYS_open
    {ROW(SYS_open, "open", read_open), NOT_PATH_ONLY(1)},
    {ROW(SYS_open, "open", read_open), PATH_ONLY(1), .log_only = true},
#endif
#ifdef SYS_creat
    {ROW(SYS_creat, "creat", read_creat)},
#endif
    {0},
};
