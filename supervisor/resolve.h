/* resolve - floor 2: an agent's path to what the kernel would open for it, pinned.
 *
 * Resolving belongs to the calling thread: its root, cwd and descriptors, its /proc/self. Resolved plainly by us,
 * /dev/fd/3 would be *our* descriptor 3 and /proc/mounts our mounts (tests/unit/test_resolve.c). So the caller's cwd, root
 * or dirfd is opened first, then openat2(2) refuses magic links; what is left over (procfs, ELOOP, an error behind
 * a link) is walked component by component. No side effect: everything is opened with O_PATH.
 *
 * The path is followed with the caller's rights (rights.h), which resolve() assumes where they differ and are not assumed
 * already; only what looks into the caller itself (its cwd, its descriptors) is lifted above them.
 */
#ifndef SW_RESOLVE_H
#define SW_RESOLVE_H

#include "proc.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum {
    RESOLVE_NOFOLLOW_LAST = 1, /* the last component is not followed (O_NOFOLLOW, lstat-like calls) */
    RESOLVE_PARENT = 2,        /* creations and removals: pin the folder too; a missing last component is no error. The
                                  last component is never followed, unless FOLLOW_NEW */
    RESOLVE_EMPTY = 4,         /* AT_EMPTY_PATH: an empty path is dirfd itself */
    RESOLVE_WANT_DIR = 8,      /* O_DIRECTORY: ENOTDIR for anything else */
    RESOLVE_FOLLOW_NEW = 16,   /* with PARENT: links are followed, a dangling one to the name that it would create
                                  (O_CREAT). The folder is only pinned when the file is missing */
    RESOLVE_NAME_ONLY = 32,    /* log mode: the name and what it is will do, place->fd may be -1 also when it exists */
};

struct place {
    int fd;       /* O_PATH of the object; -1 when it does not exist (only with RESOLVE_PARENT) */
    int dir;      /* O_PATH of the folder that holds it; -1 unless RESOLVE_PARENT */
    char *name;   /* last component in dir, as given, with its trailing slash; "." or ".." or "/" are possible. NULL
                     unless RESOLVE_PARENT */
    char *path;   /* canonical, absolute; the caller's own /proc/PID is written /proc/self. An object without a name (pipe,
                     memfd) is named by the link that led to it. Also set on most failures: what was looked for */
    char *cwd;     /* the name of the caller's working folder when resolving came to know it */
    bool nameless; /* no place in the file system: a pipe, a socket, a memfd */
    bool trailing_slash;
    bool exists;
    bool procfs;  /* lies on a procfs */
    pid_t owner;  /* procfs: the process in whose folder it lies; 0 when in none */
    bool foreign; /* that process is outside the supervised tree. With errno EACCES: a magic link of such a process */
    long fs_type; /* f_type of statfs(2) of the object, or of the folder when it does not exist; 0: some local disk */
    struct stat st; /* valid when exists */
};

struct resolver {        /* whose eyes */
    struct procs *procs;
    pid_t tid;
    pid_t tgid;
    bool enforce;         /* chroot and mount namespaces are refused, so the caller's root is ours; foreign magic links too */
    bool quick;           /* may not wait: RESOLVE_LATER when a network or user space file system would have to be asked */
    uint64_t how_resolve; /* openat2's RESOLVE_* bits of the call itself, 0 otherwise */
};

/* Log mode: until this was called (chroot, mount and the like were seen) every caller's root is taken for ours. */
void resolve_roots_may_differ(void);

#define RESOLVE_LATER (-1)

/* 0, or the errno > 0 that the kernel would give, or RESOLVE_LATER (nothing is known then: resolve again without `quick`). dirfd is the agent's number or AT_FDCWD. place is released by
 * place_finish in either case. */
int resolve(const struct resolver *r, int dirfd, const char *path, unsigned flags, struct place *ret);
/* A descriptor of ours (from procs_getfd), taken over, as a place: for calls by descriptor. number is the agent's. */
int resolve_fd(const struct resolver *r, int fd, int number, struct place *ret);
/* The last component of a creation came into being in the meantime: pins place->name in place->dir as place->fd. 0 or errno. */
int resolve_again(struct place *place);
void place_finish(struct place *p);

#endif
