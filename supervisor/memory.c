#include "memory.h"
#include "rights.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096u

static ssize_t copy(pid_t tid, uint64_t addr, void *buf, size_t n)
{
    struct iovec mine = {buf, n}, theirs = {(void *)(uintptr_t)addr, n};
    ssize_t r = process_vm_readv(tid, &mine, 1, &theirs, 1, 0);
    uint64_t before;
    if (r < 0 && errno == EPERM && rights_lift(&before)) {
        r = process_vm_readv(tid, &mine, 1, &theirs, 1, 0);
        r = r < 0 ? -errno : r;
        rights_lower(before);
        return r;
    }
    return r < 0 ? -errno : r;
}

int memory_read(pid_t tid, uint64_t addr, void *buf, size_t n)
{
    if (!n)
        return 0;
    ssize_t r = copy(tid, addr, buf, n);
    return r < 0 ? (int)r : (size_t)r < n ? -EFAULT : 0;
}

ssize_t memory_read_some(pid_t tid, uint64_t addr, void *buf, size_t n)
{
    size_t have = 0;
    /* Page by page, because one readv stops at the first element that faults and tells only whole elements. */
    while (have < n) {
        size_t part = PAGE - ((addr + have) & (PAGE - 1));
        if (part > n - have)
            part = n - have;
        ssize_t r = copy(tid, addr + have, (char *)buf + have, part);
        if (r < 0)
            return have ? (ssize_t)have : r;
        have += (size_t)r;
        if ((size_t)r < part)
            break;
    }
    return (ssize_t)have;
}

ssize_t memory_string(pid_t tid, uint64_t addr, char *buf, size_t max)
{
    size_t have = 0;
    while (have < max) {
        size_t n = PAGE - ((addr + have) & (PAGE - 1));
        if (n > max - have)
            n = max - have;
        if (!have && n > 256)
            n = 256; /* most paths are short: one small copy */
        ssize_t r = copy(tid, addr + have, buf + have, n);
        if (r <= 0)
            return r < 0 ? r : -EFAULT;
        char *end = memchr(buf + have, 0, (size_t)r);
        if (end)
            return end - buf;
        have += (size_t)r;
    }
    return -ENAMETOOLONG;
}

int memory_write(pid_t tid, uint64_t addr, const void *buf, size_t n)
{
    struct iovec mine = {(void *)(uintptr_t)buf, n}, theirs = {(void *)(uintptr_t)addr, n};
    ssize_t r = process_vm_writev(tid, &mine, 1, &theirs, 1, 0);
    uint64_t before;
    if (r < 0 && errno == EPERM && rights_lift(&before)) {
        r = process_vm_writev(tid, &mine, 1, &theirs, 1, 0);
        rights_lower(before);
    }
    return r < 0 ? -errno : (size_t)r < n ? -EFAULT : 0;
}
