/* change - floor 2: what the calls share that change what a path names (names.c) or a file's attributes (metadata.c).
 *
 * `write` is needed on every path that is touched. Names are changed in their pinned folder; what changes an object is done
 * through our /proc/self/fd to the pinned object, whatever it is (a symbolic link too: such a link leads to the very
 * object and is not followed further). So what was judged is what is changed.
 *
 * By descriptor (fchmod and its kin): done on our copy of it, because another thread may put something else at that number
 * meanwhile. A descriptor that was opened for writing was judged when it was opened and is not judged again; one that
 * has no place in the file system (a pipe, a memfd) touches no right.
 *
 * How each call passes its arguments is one line of its file's CALLS: kind, name, number; then a struct shape.
 */
#ifndef SW_CALLS_CHANGE_H
#define SW_CALLS_CHANGE_H

#include "calls/pinned.h"
#include "calls_tables.h"
#include "still.h"

#include <sys/syscall.h>
#include <time.h>

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

uint64_t change_arg(const struct request *r, int n); /* 0 for a missing one */
int change_dirfd(const struct request *r, int n);    /* AT_FDCWD for a missing one */
struct change *change_new(struct request *r, const struct shape *s);
void change_drop(struct request *r);
bool change_may_block(const struct request *r);
enum next change_next(int got);

/* The next return 0; 1: r->native says how it ends; -1: the caller has gone; change_object also 2: no right is touched. */

/* The name of something that is made, removed or moved. */
int change_name(const struct calls_env *env, struct request *r, int dir, int path, struct place *ret);
/* The object at a path, or behind a descriptor. valid: the flags that the call knows. */
int change_object(const struct calls_env *env, struct request *r, const struct shape *s, unsigned valid, struct place *ret);
int change_copy(const struct calls_env *env, struct request *r, uint64_t addr, void *to, size_t n);

/* 0 or the errno: the name must be there (exists), or free, and its folder be open to the caller. */
int change_name_native(const struct calls_env *env, const struct request *r, const struct place *p, bool exists);
int change_writable(const struct calls_env *env, const struct request *r, const struct place *p);
bool change_special(const char *name); /* ".", ".." and "/": no call makes, moves or removes them */

struct proc_path {
    char text[40];
};
struct proc_path change_path(const struct change *c); /* our link to the pinned object */

/* carry_KIND(change, reply) as a row wants it. The pins go before the answer: a removed folder or a mount would stay busy as
 * long as they stand. still.h: binds wait meanwhile. */
#define CHANGE_CARRY(kind)                                                                                             \
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
#define CHANGE_SHAPE(kind, text, number, dir, path, dir2, path2, flags, arg, nofollow)                                 \
    {dir, path, dir2, path2, flags, arg, nofollow},
#define CHANGE_ROW(kind, text, number, dir, path, dir2, path2, flags, arg, nofollow)                                   \
    {.nr = number,                                                                                                     \
     .name = text,                                                                                                     \
     .read = read_##kind,                                                                                              \
     .may_block = change_may_block,                                                                                    \
     .carry_out = carry_out_##kind,                                                                                    \
     .drop = change_drop,                                                                                              \
     .restart = 513},

/* Newer than Debian 12's headers (Linux 6.1); the same number on every architecture. */
#define NR_fchmodat2 452
#define NR_setxattrat 463
#define NR_removexattrat 466
#define NR_file_setattr 469

/* Architectures younger than x86-64 do not have these. */
#ifndef SYS_rmdir
#define SYS_rmdir (-1)
#endif
#ifndef SYS_futimesat
#define SYS_futimesat (-1)
#endif

#endif
