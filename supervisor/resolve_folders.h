/* resolve_folders - floor 2: log mode only: folders whose real name was found a moment ago.
 *
 * A file in such a folder is named by one lstat(2) instead of being opened, looked at and closed: a third of what naming a file
 * costs. What is remembered is forgotten after a tenth of a second, and at once when the tree changes a name (folders_forget);
 * what is recorded in log mode is a hint, and enforce never comes here. Each thread remembers for itself.
 */
#ifndef SW_RESOLVE_FOLDERS_H
#define SW_RESOLVE_FOLDERS_H

#include <stdbool.h>
#include <sys/stat.h>

/* The real name of the file at an absolute path, and what it is; NULL: not known that way (a symbolic link, an unknown folder). */
char *folders_name(const char *path, struct stat *ret);
/* path was found to be the file `name`. plain: no symbolic link was met. */
void folders_learn(const char *path, const char *name, bool plain);
void folders_forget(void); /* any thread */

#endif
