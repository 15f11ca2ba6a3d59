/* resolve - floor 2: an agent's path to what the kernel would open for it, pinned.
 *
 * Resolving belongs to the calling thread: its root, cwd and descriptors, its /proc/self. (boundary in docs/threat-model.md:
 * resolved plainly by us, /dev/fd/3 would be *our* descriptor 3 and /proc/mounts our mounts.) No side effect. The
 * caller's rights must be assumed by the acting thread (rights.h) where they differ from ours.
 */
#ifndef SW_RESOLVE_H
#define SW_RESOLVE_H

#include "proc.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum {
    RESOLVE_NOFOLLOW_LAST = 1, /* the last component is not followed (O_NOFOLLOW, lstat-like calls) */
    RESOLVE_PARENT = 2,        /* creations and removals: pin the folder too; a missing last component is no error */
    RESOLVE_EMPTY = 4,         /* AT_EMPTY_PATH: an empty path is dirfd itself */
    RESOLVE_WANT_DIR = 8,      /* O_DIRECTORY: ENOTDIR for anything else */
    RESOLVE_FOLLOW_NEW = 16,   /* with PARENT: a dangling last link leads to the name that it would create (O_CREAT) */
};

struct place {
    int fd;       /* O_PATH of the object; -1 when it does not exist (only with RESOLVE_PARENT) */
    int dir;      /* O_PATH of the folder that holds it; -1 unless RESOLVE_PARENT */
    char *name;   /* last component in dir; NULL unless RESOLVE_PARENT; may be "." or ".." as given */
    char *path;   /* canonical, absolute; the caller's own /proc/PID is written /proc/self */
    bool trailing_slash;
    bool exists;
    bool procfs;  /* lies on a procfs */
    bool foreign; /* below /proc/PID of a process outside the supervised tree */
    struct stat st; /* valid when exists */
};

struct resolver {        /* whose eyes */
    struct procs *procs;
    pid_t tid;
    pid_t tgid;
    uint64_t how_resolve; /* openat2's RESOLVE_* bits of the call itself, 0 otherwise */
};

/* 0, or the errno > 0 that the kernel would give. dirfd is the agent's number or AT_FDCWD. place is released by
 * place_finish in either case. */
int resolve(const struct resolver *r, int dirfd, const char *path, unsigned flags, struct place *ret);
/* A descriptor of ours (from procs_getfd) as a place: for calls by descriptor. */
int resolve_fd(const struct resolver *r, int fd, struct place *ret);
void place_finish(struct place *p);

#endif
