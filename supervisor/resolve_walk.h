/* resolve_walk - floor 2: a path followed component by component, with the caller's eyes. What resolve.c falls back to.
 *
 * Each component is opened by itself with no link followed, and links are expanded by us, so that
 *   - in the root of a procfs (its magic number, inode 1: any mount of it) `self` and `thread-self` are the caller's;
 *   - a link on procfs below a process's folder is magic and followed only when that process belongs to the tree;
 *   - a root other than ours, and openat2's RESOLVE_BENEATH, IN_ROOT, NO_XDEV, hold as for the caller;
 *   - fs.protected_symlinks and nosymfollow mounts hold, which the kernel would have applied.
 */
#ifndef SW_RESOLVE_WALK_H
#define SW_RESOLVE_WALK_H

#include "resolve.h"
#include <limits.h>

#define PROC_SUPER_MAGIC 0x9fa0

struct walk {
    const struct resolver *r;
    int cur;        /* where it stands */
    int dir;        /* the folder in which cur was found by name; -1 after a jump */
    char last[NAME_MAX + 1];
    int start;      /* borrowed: where relative paths begin */
    int root;       /* borrowed: no way above it; -1: ours */
    bool beneath;   /* RESOLVE_BENEATH: leaving the root is EXDEV */
    bool slow;      /* may not wait, and there are file systems that would make it: RESOLVE_LATER */
    int links;
    bool on_proc;   /* cur lies on a procfs */
    pid_t owner;    /* ... in this process's folder; 0: not known */
    char *jumped;   /* the magic link that led to cur, when nothing was walked since; owned */
};

/* base: a folder or AT_FDCWD (the path is absolute); root: the caller's, or -1. Both stay the caller's of this. */
void resolve_walk_begin(struct walk *w, const struct resolver *r, int base, int root);
int resolve_walk(struct walk *w, const char *path, unsigned flags, struct place *ret);
void resolve_walk_end(struct walk *w);

/* The process in whose folder of a procfs something lies: asked of the folder `dir` (its own status file tells), or
 * read from the name when there is none. 0: none. */
pid_t resolve_owner(int dir, const char *name);
/* Fills foreign, and writes the caller's own folder as /proc/self. */
void resolve_whose(const struct resolver *r, struct place *p);
bool resolve_hurries(const struct resolver *r); /* may not wait, and something mounted would make it */
int resolve_open(int dir, const char *path, uint64_t flags, uint64_t how); /* openat2 with O_PATH; or -errno */

#endif
