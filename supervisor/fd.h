/* fd - floor 0: descriptors that close with their scope, whole reads and writes, and where ours live.
 *
 * Every descriptor of ours is close-on-exec. Those that outlive a moment are moved above everything that was inherited
 * (fd_base), so that the inherited ones can be closed as a range and none of ours ever takes a number the agent
 * would have had. FD_AUTO closes at the end of the scope; fd_steal hands over visibly.
 */
#ifndef SW_FD_H
#define SW_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

void fd_cleanup(int *fd);
#define FD_AUTO __attribute__((cleanup(fd_cleanup))) int

static inline int fd_steal(int *fd)
{
    int v = *fd;
    *fd = -1;
    return v;
}

void fd_close(int *fd);                                 /* closes when >= 0, sets -1, keeps errno */
int fd_write_all(int fd, const void *p, size_t n);      /* 0 or -errno; EINTR and short writes are normal life */
ssize_t fd_read_all(int fd, void *p, size_t n);         /* bytes read up to n, or -errno */
int fd_base(void);                                      /* lowest number for ours; computed once from /proc/self/fd */
int fd_high(int fd);                                    /* moves fd to >= fd_base(), close-on-exec; -1 stays -1 */
/* Closes everything below fd_base() and puts /dev/null at 0, 1 and 2: what was inherited belongs to the agent alone (a pipe end
 * that we hold keeps its reader from the end of file). */
void fd_close_inherited(void);
/* Reads a whole file of at most max bytes into a fresh NUL-terminated string. 0, or -errno (EFBIG when larger). */
int fd_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len);
/* The same of an open one, from where it stands to its end. */
int fd_read_rest(int fd, size_t max, char **ret, size_t *ret_len);
/* mkdir(2) with 0700 whatever the umask is: one like 0177 would lock its owner out. */
int fd_mkdir_private(const char *path);
int fd_make_folders(const char *path); /* ... and those above it, as far as they are missing. 0 or -errno */

/* Is there no descriptor left for us? Asked when something failed with EMFILE or ENFILE, which may be somebody else's. */
bool fd_used_up(void);

#endif
