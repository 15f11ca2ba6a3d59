/* exec: execve and execveat. The facts: which files would be run, by which interpreters, with which arguments.
 *
 * The act is the kernel's own (CONTINUE), so what is found here is compared at PTRACE_EVENT_EXEC, before the new program has
 * run: verify().
 */
#include "binfmt.h"
#include "buf.h"
#include "calls/pinned.h"
#include "calls_tables.h"
#include "fd.h"
#include "memory.h"
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef AT_EXECVE_CHECK /* Linux 6.14 */
#define AT_EXECVE_CHECK 0x10000
#endif

/* Kept of the arguments: enough for every rule and for the log. The rest is the kernel's own business. */
#define ARGS_MAX 1024
#define ARGS_BYTES ((size_t)64 * 1024)

#define FILES_MAX (BINFMT_REWRITES + 1)

struct exec {
    struct place file[FILES_MAX]; /* pinned: the file of the call, then each interpreter; the last one is what runs */
    int files;
    char *loader;     /* PT_INTERP of the last file; NULL: none */
    char *name;       /* what an interpreter gets as the path of the file: the kernel's bprm->filename */
    bool cut;         /* there were more arguments than what is kept */
    struct buf stack; /* the arguments as they must stand on the new stack, each with its NUL */
};

static void drop(struct request *r)
{
    struct exec *x = r->own;
    if (!x)
        return;
    for (int i = 0; i < x->files; i++)
        place_finish(&x->file[i]);
    free(x->loader);
    free(x->name);
    buf_free(&x->stack);
    free(x);
    r->own = NULL;
}

static void refuse(struct request *r, const char *why)
{
    r->refuse = EACCES;
    r->why = why;
}

/* ---- the arguments */

static void keep_arg(struct request *r, const char *s, size_t n)
{
    if (!(r->argc & (r->argc - 1))) /* 0, 1, 2, 4...: room for twice as many, and the NULL */
        r->argv = xrealloc(r->argv, (size_t)(2 * r->argc + 2) * sizeof *r->argv);
    r->argv[r->argc++] = xstrndup(s, n);
    r->argv[r->argc] = NULL;
}

/* Most arguments stand side by side: one copy has them all. */
struct block {
    uint64_t at;
    size_t n;
    char bytes[4096];
};

static void read_block(pid_t tid, const uint64_t *p, size_t n, struct block *ret)
{
    uint64_t low = UINT64_MAX, high = 0;
    for (size_t i = 0; i < n && p[i]; i++) {
        low = p[i] < low ? p[i] : low;
        high = p[i] > high ? p[i] : high;
    }
    ret->at = low;
    ret->n = 0;
    if (high < low || high - low > sizeof ret->bytes - 256)
        return;
    ssize_t got = memory_read_some(tid, low, ret->bytes, high - low + 256);
    ret->n = got > 0 ? (size_t)got : 0;
}

/* The string at this address when all of it is in the block, else NULL. */
static const char *in_block(const struct block *b, uint64_t at, size_t room)
{
    if (at < b->at || at - b->at >= b->n)
        return NULL;
    size_t left = b->n - (size_t)(at - b->at);
    const char *s = b->bytes + (at - b->at);
    return memchr(s, 0, left < room ? left : room) ? s : NULL;
}

/* One argument of at most *room bytes, its NUL included; what is longer is cut and leaves no room. 0 or EFAULT. */
static int read_arg(struct request *r, struct exec *x, const struct block *b, uint64_t at, size_t *room)
{
    const char *known = in_block(b, at, *room);
    if (known) {
        size_t len = strlen(known);
        keep_arg(r, known, len);
        *room -= len + 1;
        return 0;
    }
    char small[256];
    STR_AUTO large = NULL;
    size_t max = *room < sizeof small ? *room : sizeof small;
    char *s = small;
    ssize_t n = memory_string(r->tid, at, s, max);
    if (n == -ENAMETOOLONG && *room > max) {
        max = *room;
        s = large = xmalloc(max);
        n = memory_string(r->tid, at, s, max);
    }
    if (n == -ENAMETOOLONG) {
        x->cut = true;
        keep_arg(r, s, max);
        *room = 0;
        return 0;
    }
    if (n < 0)
        return EFAULT;
    keep_arg(r, s, (size_t)n);
    *room -= (size_t)n + 1;
    return 0;
}

/* 0, or the native errno. Without any argument the kernel of today passes one that is empty. */
static int read_args(struct request *r, struct exec *x, uint64_t at)
{
    size_t room = ARGS_BYTES;
    for (uint64_t p[64]; at; at += sizeof p) {
        ssize_t n = memory_read_some(r->tid, at, p, sizeof p);
        size_t got = n < 0 ? 0 : (size_t)n / sizeof *p;
        struct block block;
        read_block(r->tid, p, got, &block);
        for (size_t i = 0; i < got; i++) {
            if (!p[i])
                return 0;
            if (r->argc == ARGS_MAX || !room) {
                x->cut = true;
                return 0;
            }
            int e = read_arg(r, x, &block, p[i], &room);
            if (e)
                return e;
        }
        if (got < sizeof p / sizeof *p)
            return EFAULT; /* the list runs out of what is mapped */
    }
    return 0;
}

/* ---- the files */

/* With the caller's rights. Not pinned_permits(): the mode bits say nothing of a noexec mount. 0 or errno. */
static int permits(const struct request *r, const struct place *p, int mode)
{
    bool differ = rights_differ();
    if (differ && rights_assume(r->tid))
        return EACCES;
    int e = syscall(SYS_faccessat2, p->fd, "", mode, AT_EACCESS | AT_EMPTY_PATH) ? errno : 0;
    if (differ && rights_restore())
        abort(); /* it would go on with somebody else's rights */
    return e;
}

/* As do_open_execat() judges a file. 0 or errno. */
static int may_exec(const struct request *r, const struct place *p)
{
    if (S_ISLNK(p->st.st_mode))
        return ELOOP;
    if (!S_ISREG(p->st.st_mode))
        return EACCES;
    return permits(r, p, X_OK);
}

static void add_need(struct request *r, const struct place *p, const char *raw)
{
    int before = r->needs;
    pinned_need(r, VERB_EXEC, p, raw, 0);
    if (r->needs == before && p->exists && !r->refuse)
        refuse(r, "the program's name cannot be known");
    else if (r->needs > before && p->exists && !p->st.st_nlink) /* no name leads to it any more: a memfd, a deleted file */
        r->need[before].target.kind = TARGET_ANONYMOUS;
}

static int open_again(const struct place *p)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", p->fd);
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static void put_arg(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s) + 1);
}

/* The file of the call is pinned in x->file[0]: follows its interpreters, adds each as a need. */
static void follow(const struct calls_env *env, struct request *r, struct exec *x, const char *raw)
{
    BUF_AUTO rest = {0}; /* the arguments behind argv[0], as one interpreter after the other sees them */
    STR_AUTO script = xstrdup(x->name);
    STR_AUTO argv0 = xstrdup(r->argc ? r->argv[0] : "");
    for (int i = 1; i < r->argc; i++)
        put_arg(&rest, r->argv[i]);

    for (int depth = 0;; depth++) {
        struct place *p = &x->file[depth];
        char head[BINFMT_HEAD];
        struct binfmt f;
        add_need(r, p, depth ? script : raw);
        r->native = may_exec(r, p);
        if (r->native || r->refuse)
            return;
        /* The kernel hides a process whose program its owner may not read (mode 0111): nobody could supervise it. */
        FD_AUTO fd = permits(r, p, R_OK) ? -1 : open_again(p);
        memset(head, 0, sizeof head);
        if (fd < 0 || pread(fd, head, sizeof head, 0) < 0) {
            refuse(r, "the program cannot be read, so it could not be supervised");
            return;
        }
        binfmt_look(head, script, &f);
        if (f.kind == BINFMT_NONE) {
            r->native = ENOEXEC;
            return;
        }
        if (f.kind == BINFMT_ELF) {
            x->loader = binfmt_elf_loader(fd);
            break;
        }
        /* binfmt_script.c: argv[0] is replaced by the interpreter, its argument, and the path of the script. */
        BUF_AUTO next = {0};
        if (f.has_arg)
            put_arg(&next, f.arg);
        put_arg(&next, script);
        if (f.keep_argv0)
            put_arg(&next, argv0);
        buf_put(&next, rest.data, rest.len);
        buf_free(&rest);
        rest = next;
        next = (struct buf){0};
        free(script);
        script = xstrdup(f.interpreter);
        free(argv0);
        argv0 = xstrdup(f.interpreter);
        if (x->files == FILES_MAX) {
            r->native = ELOOP;
            return;
        }
        struct place *interpreter = &x->file[x->files++];
        r->native = pinned_resolve(env, r, AT_FDCWD, script, 0, 0, interpreter);
        if (r->native || r->refuse) {
            add_need(r, interpreter, script);
            return;
        }
    }
    put_arg(&x->stack, argv0);
    buf_put(&x->stack, rest.data, rest.len);
}

/* An ELF program may name any other as its loader, and the kernel starts that one. The system's own needs no right. */
static void judge_loader(const struct calls_env *env, struct request *r, const struct exec *x)
{
    if (!x->loader || ((!strncmp(x->loader, "/lib", 4) || !strncmp(x->loader, "/usr/lib", 8)) && !strstr(x->loader, "..") &&
                       binfmt_loader(x->loader)))
        return;
    struct place p;
    r->native = pinned_resolve(env, r, AT_FDCWD, x->loader, 0, 0, &p);
    add_need(r, &p, x->loader);
    if (!r->native)
        r->native = may_exec(r, &p);
    place_finish(&p);
}

/* `ld.so PROGRAM` runs PROGRAM: judged as such. The loader opens it by itself, which is judged as a read. */
static void follow_loader(const struct calls_env *env, struct request *r, struct exec *x, const char *raw)
{
    const char *path = x->file[x->files - 1].path;
    if (!(path && binfmt_loader(path)) && !(x->files == 1 && binfmt_loader(raw)))
        return;
    char *argv[ARGS_MAX + 1];
    int argc = 0;
    for (size_t at = 0; at < x->stack.len && argc < ARGS_MAX; at += strlen(argv[argc++]) + 1)
        argv[argc] = x->stack.data + at;
    int i = binfmt_loaded(argv, argc);
    if (!i) {
        if (x->cut)
            refuse(r, "too many arguments to see which program the loader would run");
        return;
    }
    if (!strchr(argv[i], '/')) { /* searched for along paths that we do not see */
        refuse(r, "a program that is given to the dynamic loader has to be named by a path");
        return;
    }
    struct place p;
    pinned_resolve(env, r, AT_FDCWD, argv[i], 0, 0, &p);
    add_need(r, &p, argv[i]);
    place_finish(&p);
}

static enum next look(const struct calls_env *env, struct request *r, int dirfd, uint64_t path_at, uint64_t argv_at, int flags)
{
    STR_AUTO path = NULL;
    int e = calls_path(env, r, path_at, &path);
    if (e)
        return e == -2 ? NEXT_GONE : NEXT_JUDGE;
    struct exec *x = r->own = xcalloc(1, sizeof *x);
    e = read_args(r, x, argv_at);
    if (!notify_valid(env->listener, r->notice.id))
        return NEXT_GONE;
    unsigned how = (flags & AT_EMPTY_PATH ? RESOLVE_EMPTY : 0) | (flags & AT_SYMLINK_NOFOLLOW ? RESOLVE_NOFOLLOW_LAST : 0);
    int failed = pinned_resolve(env, r, dirfd, path, how, 0, &x->file[0]);
    x->files = 1;
    if (failed || e) {
        add_need(r, &x->file[0], path);
        r->native = failed ? failed : e;
        return NEXT_JUDGE;
    }
    /* alloc_bprm(): a path that starts at a descriptor is given to an interpreter through /dev/fd. */
    x->name = dirfd == AT_FDCWD || path[0] == '/' ? xstrdup(path)
              : path[0]                           ? xasprintf("/dev/fd/%d/%s", dirfd, path)
                                                  : xasprintf("/dev/fd/%d", dirfd);
    follow(env, r, x, path);
    if (!r->native && !r->refuse)
        judge_loader(env, r, x);
    if (!r->native && !r->refuse)
        follow_loader(env, r, x, path);
    return NEXT_JUDGE;
}

static enum next read_execve(const struct calls_env *env, struct request *r)
{
    return look(env, r, AT_FDCWD, r->notice.args[0], r->notice.args[1], 0);
}

static enum next read_execveat(const struct calls_env *env, struct request *r)
{
    int flags = (int)r->notice.args[4];
    if (flags & AT_EXECVE_CHECK) /* a question: the flag stands in a register, and nothing is run */
        return NEXT_PASS;
    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) {
        r->native = EINVAL;
        return NEXT_JUDGE;
    }
    return look(env, r, (int)r->notice.args[0], r->notice.args[1], r->notice.args[2], flags);
}

static enum carry carry(const struct request *r)
{
    return CARRY_EXEC;
}

/* ---- afterwards. Runs on the ptrace machine's thread and must not wait, least of all for a file system that the agent serves
 * itself: so everything is asked of what the kernel holds already (AT_STATX_DONT_SYNC, RESOLVE_CACHED). */

static bool same_file(const struct statx *sx, const struct stat *st)
{
    return sx->stx_ino == st->st_ino && makedev(sx->stx_dev_major, sx->stx_dev_minor) == st->st_dev;
}

/* While it runs nobody can write to it (ETXTBSY), so what stands in it now is what the kernel has read. */
static bool same_loader(const struct exec *x, const struct statx *sx)
{
    const struct place *p = &x->file[x->files - 1];
    if (sx->stx_ctime.tv_sec == p->st.st_ctim.tv_sec && sx->stx_ctime.tv_nsec == (unsigned)p->st.st_ctim.tv_nsec)
        return true;
    FD_AUTO fd = pinned_is_remote(p) ? -1 : open_again(p);
    if (fd < 0)
        return false;
    STR_AUTO loader = binfmt_elf_loader(fd);
    return loader && x->loader ? !strcmp(loader, x->loader) : loader == x->loader;
}

static bool same_args(const struct exec *x, pid_t tgid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)tgid);
    FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t want = x->stack.len - (x->cut ? 1 : 0); /* the NUL of a cut argument is ours */
    STR_AUTO got = xmalloc(want + 1);
    ssize_t n = fd_read_all(fd, got, want + 1); /* one more: nothing may follow */
    return n >= 0 && (size_t)n == want + (x->cut ? 1 : 0) && !memcmp(got, x->stack.data, want);
}

/* Where does the path that the interpreter was given lead now? Only a plain answer counts: magic links and what is not in the
 * kernel's cache are left to the read rules, which judge the interpreter's own open. */
static bool script_moved(const struct exec *x, pid_t tgid)
{
    char cwd[64];
    snprintf(cwd, sizeof cwd, "/proc/%d/cwd", (int)tgid);
    FD_AUTO at = open(cwd, O_PATH | O_CLOEXEC);
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED};
    FD_AUTO fd = at < 0 ? -1 : (int)syscall(SYS_openat2, at, x->name, &how, sizeof how);
    struct statx sx;
    return fd >= 0 && !statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &sx) && !same_file(&sx, &x->file[0].st);
}

static bool verify(const struct calls_env *env, struct request *r, pid_t tgid)
{
    const struct exec *x = r->own;
    char exe[64];
    snprintf(exe, sizeof exe, "/proc/%d/exe", (int)tgid);
    struct statx sx;
    if (statx(AT_FDCWD, exe, AT_STATX_DONT_SYNC, STATX_INO | STATX_CTIME, &sx) || !same_file(&sx, &x->file[x->files - 1].st))
        r->why = "another program than the one that was judged: killed before it ran";
    else if (!same_loader(x, &sx))
        r->why = "another loader than the one that was judged: killed before it ran";
    else if (!same_args(x, tgid))
        r->why = "other arguments than those that were judged: killed before it ran";
    else if (x->files > 1 && script_moved(x, tgid))
        r->why = "another script than the one that was judged: killed before it ran";
    else
        return true;
    return false;
}

static const char *program(const struct request *r)
{
    const struct exec *x = r->own;
    const struct place *p = &x->file[x->files - 1];
    return p->nameless || !p->st.st_nlink ? NULL : p->path;
}

const struct call calls_exec_table[] = {
    {.nr = SYS_execve, .name = "execve", .read = read_execve, .carry = carry, .verify = verify, .program = program, .drop = drop, .restart = 513},
    {.nr = SYS_execveat,
     .name = "execveat",
     .read = read_execveat,
     .carry = carry,
     .verify = verify,
     .program = program,
     .drop = drop,
     .restart = 513,
     .pass = CONTINUE_NO_RIGHT},
    {.name = NULL},
};
