/* names: the calls that make, remove and move names: unlink, rmdir, rename, link, symlink, mkdir, mknod in all their forms. change.h
 * says how.
 */
#include "calls/change.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#define RENAME_WHITEOUT 4
#endif

static const struct shape *shape_of(const struct request *r); /* from the table at the end */

static enum next read_remove(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = change_new(r, s);
    if (r->call->nr == SYS_rmdir)
        c->flags = AT_REMOVEDIR;
    if (c->flags & ~(uint64_t)AT_REMOVEDIR) {
        r->native = EINVAL;
        return NEXT_JUDGE;
    }
    int got = change_name(env, r, s->dir, s->path, &c->a);
    if (got)
        return change_next(got);
    const struct place *p = &c->a;
    bool folder = p->exists && S_ISDIR(p->st.st_mode);
    if (r->needs && p->exists && S_ISLNK(p->st.st_mode))
        r->moved_to = 0; /* what is reached through it now will be reached no more, and another can take its place */
    if (change_special(p->name))
        r->native = !c->flags ? EISDIR : *p->name == '/' ? EBUSY : p->name[1] == '.' ? ENOTEMPTY : EINVAL;
    else
        r->native = change_name_native(env, r, p, true);
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
    struct change *c = change_new(r, s);
    c->arg[0] = (mode_t)change_arg(r, s->arg);
    c->arg[1] = (unsigned)change_arg(r, s->arg + 1);
    int got = change_name(env, r, s->dir, s->path, &c->a);
    if (got)
        return change_next(got);
    r->native = change_special(c->a.name) ? EEXIST : change_name_native(env, r, &c->a, false);
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
    struct change *c = change_new(r, s);
    int got = calls_path(env, r, change_arg(r, s->arg), &c->text);
    if (!got && !*c->text) {
        r->native = ENOENT;
        got = -1;
    }
    if (got)
        return got == -2 ? NEXT_GONE : NEXT_JUDGE;
    got = change_name(env, r, s->dir, s->path, &c->a);
    if (got)
        return change_next(got);
    if (r->needs && !c->a.exists)
        r->moved_to = 0; /* what comes to lie below this name may be there already */
    r->native = change_special(c->a.name) ? EEXIST : change_name_native(env, r, &c->a, false);
    return NEXT_JUDGE;
}

static void carry_symlink(const struct change *c, struct reply *reply)
{
    reply->error = symlinkat(c->text, c->a.dir, c->a.name) ? errno : 0;
}

static enum next read_rename(const struct calls_env *env, struct request *r)
{
    const struct shape *s = shape_of(r);
    struct change *c = change_new(r, s);
    uint64_t f = c->flags;
    if (f & ~7u || (f & RENAME_EXCHANGE && f & (RENAME_NOREPLACE | RENAME_WHITEOUT))) {
        r->native = EINVAL;
        return NEXT_JUDGE;
    }
    int got = change_name(env, r, s->dir, s->path, &c->a);
    if (got)
        return change_next(got);
    got = change_name(env, r, s->dir2, s->path2, &c->b);
    if (got)
        return change_next(got);
    const struct place *a = &c->a, *b = &c->b;
    bool never = change_special(a->name) || change_special(b->name);
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
    else if (!(r->native = change_writable(env, r, a)))
        r->native = change_writable(env, r, b);
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
    struct change *c = change_new(r, s);
    if (c->flags & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
        r->native = EINVAL;
        return NEXT_JUDGE;
    }
    STR_AUTO text = NULL;
    int got = calls_path(env, r, change_arg(r, s->path), &text);
    if (got)
        return got == -2 ? NEXT_GONE : NEXT_JUDGE;
    unsigned how = (c->flags & AT_SYMLINK_FOLLOW ? 0 : RESOLVE_NOFOLLOW_LAST) | (c->flags & AT_EMPTY_PATH ? RESOLVE_EMPTY : 0);
    r->native = pinned_resolve(env, r, change_dirfd(r, s->dir), text, how, 0, &c->a);
    pinned_need(r, VERB_WRITE, &c->a, text, c->flags);
    pinned_refuse_proc(env, r, &c->a, true);
    if (r->native)
        return NEXT_JUDGE;
    got = change_name(env, r, s->dir2, s->path2, &c->b);
    if (got)
        return change_next(got);
    if (r->needs == 2) {
        r->moved_from = 0;
        r->moved_to = 1;
    }
    r->native = change_special(c->b.name) ? EEXIST : change_name_native(env, r, &c->b, false);
    if (!r->native && S_ISDIR(c->a.st.st_mode))
        r->native = EPERM;
    return NEXT_JUDGE;
}

static void carry_link(const struct change *c, struct reply *reply)
{
    reply->error = linkat(AT_FDCWD, change_path(c).text, c->b.dir, c->b.name, AT_SYMLINK_FOLLOW) ? errno : 0;
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
    X(mknod, "mknod", SYS_mknod, -1, 0, -1, -1, -1, 1, true)
#else
#define OLDER_CALLS(X)
#endif

#define read_mkdir read_make
#define read_mknod read_make

static const struct shape shapes[] = {CALLS(CHANGE_SHAPE)};

static const struct shape *shape_of(const struct request *r)
{
    return &shapes[r->call - calls_names_table];
}

CHANGE_CARRY(remove)
CHANGE_CARRY(rename)
CHANGE_CARRY(link)
CHANGE_CARRY(symlink)
CHANGE_CARRY(mkdir)
CHANGE_CARRY(mknod)

const struct call calls_names_table[] = {CALLS(CHANGE_ROW){0}};
