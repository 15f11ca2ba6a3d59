#include "calls/pinned.h"
#include "fd.h"
#include "hands.h"
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct resolver eyes_of(const struct calls_env *env, const struct request *r)
{
    return (struct resolver){.procs = env->procs, .tid = r->tid, .tgid = r->process->pid, .enforce = env->enforce, .quick = !hand_self()};
}

int pinned_resolve(const struct calls_env *env, struct request *r, int dirfd, const char *text, unsigned flags, uint64_t how,
                   struct place *ret)
{
    struct resolver eyes = eyes_of(env, r);
    eyes.how_resolve = how;
    int e = resolve(&eyes, dirfd, text, flags, ret);
    if (ret->cwd && !r->cwd) {
        r->cwd = ret->cwd;
        ret->cwd = NULL;
    }
    if (e == RESOLVE_LATER) {
        r->later = true;
        return EAGAIN;
    }
    if (e == EACCES && ret->foreign) {
        r->refuse = EACCES;
        r->why = "leads through a process outside of this session";
    }
    return e;
}

void pinned_need(struct request *r, enum verb verb, const struct place *p, const char *raw, uint64_t flags)
{
    if (!p->path)
        return;
    struct need *n = request_add(r, verb, TARGET_PATH);
    if (!n) {
        r->refuse = EACCES;
        r->why = "more rights in one call than can be judged";
        return;
    }
    n->target.path = xstrdup(p->path);
    if (raw) {
        n->target.raw = xstrdup(raw);
        n->target.raw_len = strlen(raw);
    }
    n->target.flags = (unsigned)flags;
    if (p->exists)
        target_stat(&n->target, &p->st);
}

int pinned_descriptor(const struct calls_env *env, struct request *r, int number, bool opened, struct place *ret)
{
    int fd = procs_getfd(env->procs, r->tid, number);
    if (fd == -EBADF) {
        r->native = EBADF;
        return 1;
    }
    if (fd < 0) {
        r->refuse = EACCES;
        r->why = "the caller's descriptor could not be taken (pidfd_getfd)";
        return 1;
    }
    struct resolver eyes = eyes_of(env, r);
    int mode = fcntl(fd, F_GETFL);
    r->native = resolve_fd(&eyes, fd, number, ret);
    if (r->native == RESOLVE_LATER) {
        r->later = true;
        r->native = EAGAIN;
    }
    if (!r->native && (mode < 0 || (opened && mode & O_PATH)))
        r->native = EBADF;
    if (r->native)
        return 1;
    if (ret->nameless || (mode & O_ACCMODE) != O_RDONLY)
        return 2;
    pinned_need(r, VERB_WRITE, ret, NULL, 0);
    pinned_refuse_proc(env, r, ret, true);
    return 0;
}

void pinned_refuse_proc(const struct calls_env *env, struct request *r, const struct place *p, bool write)
{
    static const char *const private[] = {"mem",    "fd",           "root",      "cwd",   "exe",     "map_files", "environ", "maps", "smaps",
                                          "auxv",   "smaps_rollup", "numa_maps", "stack", "syscall", "pagemap",   "task",    "fdinfo"};
    if (!p->procfs || !p->owner || !p->path)
        return;
    const char *last = strrchr(p->path, '/') + 1;
    if (p->foreign) {
        bool hit = write;
        /* Any component, because the folder itself may be mounted anywhere. */
        for (const char *c = p->path; !hit && (c = strchr(c, '/'));) {
            size_t n = strcspn(++c, "/");
            for (size_t i = 0; i < sizeof private / sizeof *private; i++)
                hit |= strlen(private[i]) == n && !memcmp(private[i], c, n);
        }
        if (hit) {
            r->refuse = EACCES;
            r->why = write ? "changes a process outside of this session" : "looks into a process outside of this session";
        }
    } else if (!env->debug_allow && !strcmp(last, "mem") && (write || p->owner != r->process->pid)) {
        r->refuse = EACCES;
        r->why = "a program's memory through /proc (debug: refuse)";
    }
}

int pinned_permits(const struct request *r, int fd, const struct stat *st, int mode)
{
    /* Most files are open to everybody; then the kernel need not be asked. An access list that takes away from somebody
     * by name is found when it is opened. */
    mode_t everybody = st->st_mode & (st->st_mode >> 3) & 7;
    if (!(mode & W_OK) && ((everybody & (mode_t)mode) == (mode_t)mode))
        return 0;
    bool differ = rights_differ();
    if (differ && rights_assume(r->tid))
        return EACCES;
    int e = syscall(SYS_faccessat2, fd, "", mode, AT_EACCESS | AT_EMPTY_PATH) ? errno : 0;
    if (differ && rights_restore())
        abort(); /* it would go on with somebody else's rights */
    return e == ENOSYS ? 0 : e;
}

bool pinned_is_remote(const struct place *p)
{
    static const unsigned remote[] = {0x6969 /* nfs */,         0xff534d42 /* cifs */, 0xfe534d42 /* smb2 */, 0x517b /* smb */,
                                      0x65735546 /* fuse */,    0x01021997 /* 9p */,   0x00c36400 /* ceph */, 0x5346414f /* afs */,
                                      0x6b414653 /* kafs */,    0x73757245 /* coda */, 0x0187 /* autofs */,   0x47504653 /* gpfs */,
                                      0x0bd00bd0 /* lustre */,  0x19830326 /* fhgfs */, 0x013661 /* ocfs2 */};
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if ((unsigned long)p->fs_type == remote[i])
            return true;
    return false;
}

uint64_t pinned_limit(const struct request *r, int resource, const char *name)
{
    struct rlimit limit;
    if (!prlimit(r->tid, (enum __rlimit_resource)resource, NULL, &limit))
        return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
    /* Of another user's process only a capability may ask; but it stands in a file that everybody may read. */
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/limits", r->tid);
    STR_AUTO text = NULL;
    const char *at = fd_read_file(AT_FDCWD, path, 65536, &text, NULL) ? NULL : strstr(text, name);
    at = at ? at + strcspn(at, "0123456789u\n") : NULL;
    /* The name itself may hold a "u" ("Max cpu time"): not those that are asked for here. */
    return at && *at != 'u' && *at != '\n' ? strtoull(at, NULL, 10) : UINT64_MAX;
}
