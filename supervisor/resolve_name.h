/* resolve_name - floor 2: what a pinned object is called.
 *
 * The kernel's name of a descriptor is the link in /proc/self/fd. It has no room for more than a page (ENAMETOOLONG;
 * a folder is then named step by step, as getcwd(3) falls back to), and marks a removed name with " (deleted)".
 */
#ifndef SW_RESOLVE_NAME_H
#define SW_RESOLVE_NAME_H

#include <stdbool.h>
#include <sys/stat.h>

char *resolve_name(int fd); /* NULL and errno; a name that was removed is given as it was */
/* No place in the file system: a pipe, a socket, a memfd, ... */
bool resolve_nameless(const char *name, const struct stat *st);
/* base/rest without ".", ".." and doubled slashes, by text alone. */
char *resolve_join(const char *base, const char *rest);
bool resolve_same(int a, int b); /* the very same place: object and mount */

#endif
