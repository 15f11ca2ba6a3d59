/* The plain reads of proc.h: what /proc says of a thread just now. */
#include "proc.h"
#include "buf.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t slurp(pid_t pid, const char *name, char *buf, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = fd_read_all(fd, buf, size - 1);
    if (n >= 0)
        buf[n] = 0;
    return n;
}

static const char *field(const char *text, const char *name)
{
    const char *p = strstr(text, name);
    return p ? p + strlen(name) : NULL;
}

static uint64_t number(const char *text, const char *name, int base)
{
    const char *p = field(text, name);
    return p ? strtoull(p, NULL, base) : 0;
}

int proc_status(pid_t tid, struct proc_ids *ret)
{
    char text[8192];
    if (slurp(tid, "status", text, sizeof text) <= 0)
        return -1;
    /* The name is the program's to choose, but the kernel escapes newlines in it, so "\nTgid:" is the kernel's own. */
    *ret = (struct proc_ids){.umask = (unsigned)number(text, "\nUmask:\t", 8),
                             .tgid = (pid_t)number(text, "\nTgid:\t", 10),
                             .ppid = (pid_t)number(text, "\nPPid:\t", 10),
                             .cap_eff = number(text, "\nCapEff:\t", 16),
                             .sig_pending = number(text, "\nSigPnd:\t", 16) | number(text, "\nShdPnd:\t", 16),
                             .sig_blocked = number(text, "\nSigBlk:\t", 16),
                             .sigq = (unsigned)number(text, "\nSigQ:\t", 10),
                             .seccomp = (int)number(text, "\nSeccomp:\t", 10),
                             .no_new_privs = (int)number(text, "\nNoNewPrivs:\t", 10)};
    const char *p = field(text, "\nUid:\t");
    if (!p || !field(text, "\nTgid:\t"))
        return -1;
    unsigned real, effective;
    if (sscanf(p, "%u %u", &real, &effective) != 2)
        return -1;
    ret->euid = effective;
    p = field(text, "\nGid:\t");
    if (!p || sscanf(p, "%u %u", &real, &effective) != 2)
        return -1;
    ret->egid = effective;
    p = field(text, "\nGroups:\t");
    while (p && *p && *p != '\n') {
        char *end;
        unsigned long g = strtoul(p, &end, 10);
        if (end == p)
            break;
        if (ret->ngroups == (int)(sizeof ret->groups / sizeof *ret->groups)) {
            ret->ngroups = -1;
            break;
        }
        ret->groups[ret->ngroups++] = (gid_t)g;
        p = end;
        while (*p == ' ')
            p++;
    }
    return 0;
}

char *proc_link(pid_t tid, const char *name)
{
    char path[64], target[4096];
    snprintf(path, sizeof path, "/proc/%d/%s", tid, name);
    ssize_t n = readlink(path, target, sizeof target);
    return n < 0 || n == sizeof target ? NULL : xstrndup(target, (size_t)n);
}

int proc_stat(pid_t pid, char *state, pid_t *ppid, pid_t *pgrp, pid_t *session, int *tty_nr, pid_t *tpgid)
{
    char text[1024], s;
    int f[5];
    if (slurp(pid, "stat", text, sizeof text) <= 0)
        return -1;
    const char *p = strrchr(text, ')'); /* comm may hold anything, a ")" included; nothing after it does */
    if (!p || sscanf(p + 1, " %c %d %d %d %d %d", &s, &f[0], &f[1], &f[2], &f[3], &f[4]) != 6)
        return -1;
    if (state)
        *state = s;
    pid_t *const out[] = {ppid, pgrp, session, tty_nr, tpgid};
    for (int i = 0; i < 5; i++)
        if (out[i])
            *out[i] = f[i];
    return 0;
}
