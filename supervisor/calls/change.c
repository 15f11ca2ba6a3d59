#include "calls/change.h"
#include "resolve_folders.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void change_drop(struct request *r)
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

bool change_may_block(const struct request *r)
{
    const struct change *c = r->own;
    return c && (pinned_is_remote(&c->a) || pinned_is_remote(&c->b));
}

uint64_t change_arg(const struct request *r, int n)
{
    return n < 0 ? 0 : r->notice.args[n];
}

int change_dirfd(const struct request *r, int n)
{
    return n < 0 ? AT_FDCWD : (int)r->notice.args[n];
}

struct change *change_new(struct request *r, const struct shape *s)
{
    struct change *c = xcalloc(1, sizeof *c);
    c->a = c->b = (struct place){.fd = -1, .dir = -1};
    c->flags = (unsigned)change_arg(r, s->flags);
    r->own = c;
    return c;
}

int change_writable(const struct calls_env *env, const struct request *r, const struct place *p)
{
    return env->enforce ? pinned_permits(r, p->dir, &(struct stat){0}, W_OK | X_OK) : 0;
}

int change_name(const struct calls_env *env, struct request *r, int dir, int path, struct place *ret)
{
    if (!env->enforce)
        folders_forget();
    STR_AUTO text = NULL;
    int got = calls_path(env, r, change_arg(r, path), &text);
    if (got)
        return got == -2 ? -1 : 1;
    r->native = pinned_resolve(env, r, change_dirfd(r, dir), text, RESOLVE_PARENT, 0, ret);
    pinned_need(r, VERB_WRITE, ret, text, 0);
    pinned_refuse_proc(env, r, ret, true);
    return r->native ? 1 : 0;
}

int change_name_native(const struct calls_env *env, const struct request *r, const struct place *p, bool exists)
{
    if (exists != p->exists)
        return exists ? ENOENT : EEXIST;
    if (!exists && p->procfs)
        return ENOENT; /* what the look-up itself says there */
    return change_writable(env, r, p);
}

bool change_special(const char *name)
{
    size_t n = strcspn(name, "/");
    return !n || !strncmp(name, ".", n) || (n == 2 && !strncmp(name, "..", n));
}

int change_object(const struct calls_env *env, struct request *r, const struct shape *s, unsigned valid, struct place *ret)
{
    struct change *c = r->own;
    if (c->flags & ~(uint64_t)valid) {
        r->native = EINVAL;
        return 1;
    }
    int nr = r->call->nr;
    bool times = nr == SYS_utimensat || nr == SYS_futimesat, newest = nr >= NR_setxattrat && nr <= NR_file_setattr;
    bool may_null = (times && (int)change_arg(r, s->dir) != AT_FDCWD) || (newest && c->flags & AT_EMPTY_PATH);
    if (s->path >= 0 && (change_arg(r, s->path) || !may_null)) {
        STR_AUTO text = NULL;
        int got = calls_path(env, r, change_arg(r, s->path), &text);
        if (got)
            return got == -2 ? -1 : 1;
        unsigned how = c->flags & AT_EMPTY_PATH ? RESOLVE_EMPTY : 0;
        if (s->nofollow || c->flags & AT_SYMLINK_NOFOLLOW)
            how |= RESOLVE_NOFOLLOW_LAST;
        r->native = pinned_resolve(env, r, change_dirfd(r, s->dir), text, how, 0, ret);
        pinned_need(r, VERB_WRITE, ret, text, c->flags);
        pinned_refuse_proc(env, r, ret, true);
        return r->native ? 1 : 0;
    }
    return pinned_descriptor(env, r, (int)change_arg(r, s->dir), s->path < 0, ret);
}

enum next change_next(int got)
{
    return got < 0 ? NEXT_GONE : got == 2 ? NEXT_PERFORM : NEXT_JUDGE;
}

int change_copy(const struct calls_env *env, struct request *r, uint64_t addr, void *to, size_t n)
{
    bool bad = memory_read(r->tid, addr, to, n);
    if (!notify_valid(env->listener, r->notice.id))
        return -1;
    r->native = bad ? EFAULT : 0;
    return bad;
}

struct proc_path change_path(const struct change *c)
{
    struct proc_path p;
    snprintf(p.text, sizeof p.text, "/proc/self/fd/%d", c->a.fd);
    return p;
}
