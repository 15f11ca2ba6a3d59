#include "mounts.h"
#include "buf.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static dev_t *slow;
static size_t nslow;
static _Atomic bool any;
static _Atomic int64_t looked_ms; /* 0: never */
static int watched = -1;

static bool slow_type(const char *type, size_t n)
{
    static const char *const types[] = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse", "fuseblk", "9p",  "virtiofs",
                                        "ceph", "afs",  "coda", "gpfs", "lustre", "ocfs2", "orangefs", "autofs"};
    if (n > 5 && !memcmp(type, "fuse.", 5))
        return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i]) == n && !memcmp(types[i], type, n))
            return true;
    return false;
}

/* proc(5): "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw"; the fields before " - " vary in number. */
static void read_all(void)
{
    STR_AUTO text = NULL;
    nslow = 0;
    if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &text, NULL))
        return;
    for (char *line = text; line && *line; line = strchr(line, '\n'), line += !!line) {
        unsigned major_nr, minor_nr;
        const char *end = strchr(line, '\n'), *type = strstr(line, " - ");
        if (!type || (end && type > end) || sscanf(line, "%*u %*u %u:%u", &major_nr, &minor_nr) != 2)
            continue;
        type += 3;
        if (slow_type(type, strcspn(type, " "))) {
            slow = xrealloc(slow, (nslow + 1) * sizeof *slow);
            slow[nslow++] = makedev(major_nr, minor_nr);
        }
    }
}

static bool changed(void)
{
    if (watched < 0) {
        watched = fd_high(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
        return true;
    }
    struct pollfd p = {watched, POLLPRI, 0};
    return poll(&p, 1, 0) > 0;
}

bool mounts_any_slow(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    int64_t now = t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
    if (looked_ms && now - looked_ms < 100)
        return any;
    pthread_mutex_lock(&lock);
    if (changed())
        read_all();
    any = nslow;
    looked_ms = now;
    pthread_mutex_unlock(&lock);
    return any;
}

bool mounts_slow(int fd)
{
    struct statx x;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &x))
        return true; /* whatever it is, not on the loop */
    dev_t dev = makedev(x.stx_dev_major, x.stx_dev_minor);
    bool is = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < nslow; i++)
        is |= slow[i] == dev;
    pthread_mutex_unlock(&lock);
    return is;
}
