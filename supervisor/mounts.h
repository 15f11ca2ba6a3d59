/* mounts - floor 1: which mounted file systems may keep a caller waiting for long: network and user space ones.
 *
 * Looked up in /proc/self/mountinfo by device number, because asking such a file system itself (statfs) waits for it. Read
 * again when the kernel says that mounts changed (poll(2) on that file), looked at ten times a second at most.
 */
#ifndef SW_MOUNTS_H
#define SW_MOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

bool mounts_any_slow(void);
bool mounts_slow(int fd); /* does it lie on one? Does not wait */

#endif
