/* mqueue: POSIX message queues. mq_open and mq_unlink are opens and removals of /dev/mqueue/NAME, whether that is mounted or not.
 *
 * Carried out by us with our copy of the name; a queue is found by its name only and cannot be pinned first, but a name in that
 * flat folder can lead nowhere else (no link, no folder), so what was judged is what is opened. Not as natively: a new
 * queue counts against the supervisor's RLIMIT_MSGQUEUE (same user, same default).
 */
#include "calls/pinned.h"
#include "calls_tables.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct queue {
    char *name;
    int flags;
    mode_t mode;
    bool has_attr;
    long attr[8]; /* struct mq_attr of the kernel, its reserved part included */
};

static void drop(struct request *r)
{
    struct queue *q = r->own;
    if (!q)
        return;
    free(q->name);
    free(q);
    r->own = NULL;
}

static void need(struct request *r, enum verb verb, const struct queue *q, bool exists)
{
    struct need *n = request_add(r, verb, TARGET_PATH);
    n->target.raw = xstrdup(q->name);
    n->target.raw_len = strlen(q->name);
    n->target.path = xasprintf("/dev/mqueue/%s", q->name);
    n->target.flags = (unsigned)q->flags;
    n->target.exists = exists;
}

/* 0; 1: r->native is set; -1: gone. */
static int read_name(const struct calls_env *env, struct request *r, struct queue *q)
{
    int got = calls_path(env, r, r->notice.args[0], &q->name);
    if (got)
        return got == -2 ? -1 : 1;
    if (!*q->name)
        r->native = ENOENT;
    else if (strchr(q->name, '/') || !strcmp(q->name, ".") || !strcmp(q->name, ".."))
        r->native = EACCES; /* what the kernel's own look-up says */
    else if (strlen(q->name) > NAME_MAX)
        r->native = ENAMETOOLONG;
    return r->native ? 1 : 0;
}

/* Opening one for reading has no effect that anybody sees. */
static bool there(const struct queue *q)
{
    long fd = syscall(SYS_mq_open, q->name, O_RDONLY | O_NONBLOCK, 0, NULL);
    if (fd < 0)
        return errno != ENOENT;
    close((int)fd);
    return true;
}

static enum next read_open(const struct calls_env *env, struct request *r)
{
    const uint64_t *a = r->notice.args;
    struct queue *q = xcalloc(1, sizeof *q);
    r->own = q;
    q->flags = (int)a[1];
    q->mode = (mode_t)a[2];
    q->has_attr = a[3];
    if (q->has_attr) {
        bool bad = memory_read(r->tid, a[3], q->attr, sizeof q->attr);
        if (!notify_valid(env->listener, r->notice.id))
            return NEXT_GONE;
        if (bad) {
            r->native = EFAULT;
            return NEXT_JUDGE;
        }
    }
    int got = read_name(env, r, q);
    if (got)
        return got < 0 ? NEXT_GONE : NEXT_JUDGE;
    bool exists = there(q), create = q->flags & O_CREAT && !exists;
    int access = q->flags & O_ACCMODE;
    if (access != O_WRONLY)
        need(r, VERB_READ, q, exists);
    if (access != O_RDONLY || create)
        need(r, VERB_WRITE, q, exists);
    r->creates = create;
    if (!exists && !(q->flags & O_CREAT))
        r->native = ENOENT;
    else if (exists && q->flags & O_CREAT && q->flags & O_EXCL)
        r->native = EEXIST;
    return NEXT_JUDGE;
}

static void carry_open(const struct calls_env *env, struct request *r, struct reply *reply)
{
    struct queue *q = r->own;
    (void)env;
    reply->fd = (int)syscall(SYS_mq_open, q->name, q->flags, q->mode, q->has_attr ? q->attr : NULL);
    reply->error = reply->fd < 0 ? errno : 0;
    reply->cloexec = true; /* always, mq_overview(7) */
    reply->late = true;
}

static enum next read_unlink(const struct calls_env *env, struct request *r)
{
    struct queue *q = xcalloc(1, sizeof *q);
    r->own = q;
    int got = read_name(env, r, q);
    if (got)
        return got < 0 ? NEXT_GONE : NEXT_JUDGE;
    bool exists = there(q);
    need(r, VERB_WRITE, q, exists);
    r->native = exists ? 0 : ENOENT;
    return NEXT_JUDGE;
}

static void carry_unlink(const struct calls_env *env, struct request *r, struct reply *reply)
{
    struct queue *q = r->own;
    (void)env;
    reply->error = syscall(SYS_mq_unlink, q->name) ? errno : 0;
}

const struct call calls_mqueue_table[] = {
    {.nr = SYS_mq_open, .name = "mq_open", .read = read_open, .carry_out = carry_open, .drop = drop, .restart = 513},
    {.nr = SYS_mq_unlink, .name = "mq_unlink", .read = read_unlink, .carry_out = carry_unlink, .drop = drop, .restart = 513},
    {0},
};
