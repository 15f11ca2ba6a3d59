#include "resolve_name.h"
#include "buf.h"
#include "fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000
#endif
#define DELETED " (deleted)"

char *resolve_join(const char *base, const char *rest)
{
    BUF_AUTO b = {0};
    const char *const parts[] = {base, rest};
    for (int i = 0; i < 2; i++)
        for (const char *p = parts[i]; *p;) {
            size_t n = strcspn(p, "/");
            if (n == 2 && !memcmp(p, "..", 2)) {
                while (b.len && b.data[--b.len] != '/')
                    ;
            } else if (n && !(n == 1 && *p == '.')) {
                buf_putc(&b, '/');
                buf_put(&b, p, n);
            }
            p += n;
            p += *p == '/';
        }
    if (!b.len)
        return xstrdup("/");
    b.data[b.len] = 0;
    return buf_steal(&b);
}

bool resolve_same(int a, int b)
{
    struct statx x, y;
    unsigned want = STATX_INO | STATX_MNT_ID;
    if (statx(a, "", AT_EMPTY_PATH, want, &x) || statx(b, "", AT_EMPTY_PATH, want, &y))
        return false;
    return x.stx_ino == y.stx_ino && x.stx_dev_major == y.stx_dev_major && x.stx_dev_minor == y.stx_dev_minor &&
           x.stx_mnt_id == y.stx_mnt_id;
}

bool resolve_nameless(const char *name, const struct stat *st)
{
    return *name != '/' || (!st->st_nlink && !strncmp(name, "/memfd:", 7));
}

/* The name of the entry of `parent` that is the folder st. */
static char *entry_of(int parent, const struct stat *st)
{
    int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        fd_close(&fd);
        return NULL;
    }
    char *found = NULL;
    for (struct dirent *e; !found && (e = readdir(d));) {
        struct stat one;
        /* Not by d_ino: where something is mounted on the entry it is the number beneath. */
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) &&
            !fstatat(parent, e->d_name, &one, AT_SYMLINK_NOFOLLOW) && one.st_ino == st->st_ino && one.st_dev == st->st_dev)
            found = xstrdup(e->d_name);
    }
    closedir(d);
    if (!found)
        errno = ENOENT;
    return found;
}

static char *short_name(int fd)
{
    char link[40], name[PATH_MAX + sizeof DELETED];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, sizeof name - 1);
    if (n < 0)
        return NULL;
    name[n] = 0;
    size_t tail = sizeof DELETED - 1;
    struct stat st, named;
    if ((size_t)n > tail && !strcmp(name + n - tail, DELETED) && *name == '/' && !fstat(fd, &st) &&
        (lstat(name, &named) || named.st_ino != st.st_ino || named.st_dev != st.st_dev))
        n -= (ssize_t)tail;
    return xstrndup(name, (size_t)n);
}

char *resolve_name(int fd)
{
    char *name = short_name(fd);
    if (name || errno != ENAMETOOLONG)
        return name;
    /* Upwards until it is short enough, noting the names. */
    BUF_AUTO rest = {0};
    FD_AUTO at = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    struct stat st;
    while (at >= 0 && !fstat(at, &st) && S_ISDIR(st.st_mode)) {
        FD_AUTO parent = openat(at, "..", O_PATH | O_CLOEXEC);
        STR_AUTO entry = parent < 0 ? NULL : entry_of(parent, &st);
        if (!entry)
            return NULL;
        STR_AUTO below = buf_steal(&rest);
        buf_printf(&rest, "%s/%s", entry, below ? below : "");
        fd_close(&at);
        at = fd_steal(&parent);
        STR_AUTO base = short_name(at);
        if (base)
            return resolve_join(base, rest.data);
        if (errno != ENAMETOOLONG)
            return NULL;
    }
    errno = ENAMETOOLONG;
    return NULL;
}
