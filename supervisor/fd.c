#include "fd.h"
#include "buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
    if (*fd >= 0) {
        int e = errno;
        close(*fd);
        errno = e;
    }
    *fd = -1;
}

void fd_cleanup(int *fd)
{
    fd_close(fd);
}

int fd_write_all(int fd, const void *p, size_t n)
{
    const char *s = p;
    while (n) {
        ssize_t r = write(fd, s, n);
        if (r < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        s += r;
        n -= (size_t)r;
    }
    return 0;
}

ssize_t fd_read_all(int fd, void *p, size_t n)
{
    size_t have = 0;
    while (have < n) {
        ssize_t r = read(fd, (char *)p + have, n - have);
        if (r < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (!r)
            break;
        have += (size_t)r;
    }
    return (ssize_t)have;
}

int fd_base(void)
{
    static int base;
    if (base)
        return base;
    int top = 99;
    DIR *d = opendir("/proc/self/fd");
    if (d) {
        struct dirent *e;
        while ((e = readdir(d))) {
            int n = atoi(e->d_name);
            if (n > top && n != dirfd(d))
                top = n;
        }
        closedir(d);
    }
    return base = top + 1;
}

int fd_high(int fd)
{
    if (fd < 0 || fd >= fd_base())
        return fd;
    int h = fcntl(fd, F_DUPFD_CLOEXEC, fd_base());
    if (h < 0)
        return fd;
    close(fd);
    return h;
}

void fd_close_inherited(void)
{
    close_range(0, (unsigned)fd_base() - 1, 0);
    for (int i = 0; i < 3; i++)
        if (open("/dev/null", O_RDWR | O_NOCTTY) < 0) /* the lowest free numbers: 0, 1, 2 */
            break;
}

bool fd_used_up(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool none = fd < 0 && (errno == EMFILE || errno == ENFILE);
    fd_close(&fd);
    return none;
}

int fd_read_rest(int fd, size_t max, char **ret, size_t *ret_len)
{
    BUF_AUTO b = {0};
    char chunk[8192];
    for (;;) {
        ssize_t r = fd_read_all(fd, chunk, sizeof chunk);
        if (r < 0)
            return (int)r;
        if (!r)
            break;
        if (b.len + (size_t)r > max)
            return -EFBIG;
        buf_put(&b, chunk, (size_t)r);
    }
    if (ret_len)
        *ret_len = b.len;
    *ret = buf_steal(&b);
    return 0;
}

int fd_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len)
{
    FD_AUTO fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? -errno : fd_read_rest(fd, max, ret, ret_len);
}

int fd_mkdir_private(const char *path)
{
    struct stat st;
    if (mkdir(path, 0700))
        return -1;
    if (lstat(path, &st) || (st.st_mode & 0700) == 0700)
        return 0;
    return chmod(path, 0700);
}

int fd_make_folders(const char *path)
{
    STR_AUTO p = xstrdup(path);
    for (char *end = p;;) {
        end += 1 + strcspn(end + 1, "/");
        char here = *end;
        *end = 0;
        if (fd_mkdir_private(p) && errno != EEXIST)
            return -errno;
        if (!here)
            return 0;
        *end = here;
    }
}
