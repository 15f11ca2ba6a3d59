/* pinned - floor 2: a path argument as a pinned place, as a need, and what is refused of it. Shared by open and path.
 */
#ifndef SW_CALLS_PINNED_H
#define SW_CALLS_PINNED_H

#include "calls.h"
#include "resolve.h"

/* resolve() with the caller's eyes. What is refused whatever the policy says is set in r. 0 or the kernel's errno. */
int pinned_resolve(const struct calls_env *env, struct request *r, int dirfd, const char *text, unsigned flags, uint64_t how,
                   struct place *ret);
/* A need on that place; nothing when even its name is not known. raw: the call's own bytes, may be NULL. */
void pinned_need(struct request *r, enum verb verb, const struct place *p, const char *raw, uint64_t flags);
/* The file behind a descriptor of the caller's as a place, whose fd is our copy of it, and the need to write on it. 0; 1:
 * r->native or r->refuse is set; 2: no right is touched, for it was opened for writing (and judged then) or has no place in the file
 * system. opened: O_PATH is not enough (EBADF). */
int pinned_descriptor(const struct calls_env *env, struct request *r, int number, bool opened, struct place *ret);
/* Other processes' /proc, and `mem`: sets r->refuse. */
void pinned_refuse_proc(const struct calls_env *env, struct request *r, const struct place *p, bool write);
/* Would the kernel let the caller at it (R_OK, W_OK, X_OK)? 0 or errno. fd: pinned. */
int pinned_permits(const struct request *r, int fd, const struct stat *st, int mode);
/* A soft limit of the caller's, by number and by its name in /proc/PID/limits; UINT64_MAX when it has none. */
uint64_t pinned_limit(const struct request *r, int resource, const char *name);
/* May acts on it sleep for long: a network or user space file system? */
bool pinned_is_remote(const struct place *p);

#endif
