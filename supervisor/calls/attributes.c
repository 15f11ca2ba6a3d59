/* attributes: the ioctls that change a file which was opened only for reading: its flags (chattr), extended attributes of the
 * file system, verity, FAT's attributes; and those of btrfs that make or remove a subvolume by name.
 *
 * Judged as `write` on the file behind the descriptor and done on our copy of it, with our copy of the argument.
 */
#include "calls/pinned.h"
#include "calls_tables.h"
#include "memory.h"

#include <errno.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/msdos_fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define EXT4_IOC_SETVERSION _IOW('f', 4, long) /* in no header */
#define SIGNATURE_MAX 16128 /* FS_VERITY_MAX_SIGNATURE_SIZE */
#define SALT_MAX 32         /* FS_VERITY_MAX_SALT_SIZE */

struct attribute {
    struct place place;
    unsigned request;
    union {
        unsigned flags;
        uint64_t subvolume_flags;
        struct fsxattr fsx;
        struct fsverity_enable_arg verity;
    } value;
    char salt[SALT_MAX];
    char *signature;
};

static void drop(struct request *r)
{
    struct attribute *a = r->own;
    if (!a)
        return;
    place_finish(&a->place);
    free(a->signature);
    free(a);
    r->own = NULL;
}

/* 0 or the kernel's errno. */
static int copy_value(struct request *r, struct attribute *a)
{
    uint64_t addr = r->notice.args[2];
    size_t size = a->request == FS_IOC_FSSETXATTR       ? sizeof a->value.fsx
                  : a->request == BTRFS_IOC_SUBVOL_SETFLAGS ? sizeof a->value.subvolume_flags
                  : a->request == FS_IOC_ENABLE_VERITY ? sizeof a->value.verity
                                                       : sizeof a->value.flags;
    if (memory_read(r->tid, addr, &a->value, size))
        return EFAULT;
    if (a->request != FS_IOC_ENABLE_VERITY)
        return 0;
    struct fsverity_enable_arg *v = &a->value.verity;
    if (v->salt_size > SALT_MAX || v->sig_size > SIGNATURE_MAX)
        return EMSGSIZE;
    a->signature = xmalloc(v->sig_size + 1);
    if (memory_read(r->tid, v->salt_ptr, a->salt, v->salt_size) || memory_read(r->tid, v->sig_ptr, a->signature, v->sig_size))
        return EFAULT;
    v->salt_ptr = (uintptr_t)a->salt;
    v->sig_ptr = (uintptr_t)a->signature;
    return 0;
}

static enum next read_attribute(const struct calls_env *env, struct request *r)
{
    struct attribute *a = xcalloc(1, sizeof *a);
    a->place = (struct place){.fd = -1, .dir = -1};
    a->request = (unsigned)r->notice.args[1];
    r->own = a;
    int got = pinned_descriptor(env, r, (int)r->notice.args[0], true, &a->place);
    if (got != 1)
        r->native = copy_value(r, a);
    if (!notify_valid(env->listener, r->notice.id))
        return NEXT_GONE;
    return got == 2 && !r->native ? NEXT_PERFORM : NEXT_JUDGE;
}

static void carry_out(const struct calls_env *env, struct request *r, struct reply *reply)
{
    struct attribute *a = r->own;
    (void)env;
    reply->error = ioctl(a->place.fd, a->request, &a->value) ? errno : 0;
    place_finish(&a->place);
}

static bool may_block(const struct request *r)
{
    const struct attribute *a = r->own;
    return a && (a->request == FS_IOC_ENABLE_VERITY /* reads the whole file */ || pinned_is_remote(&a->place));
}

static enum next read_subvolume(const struct calls_env *env, struct request *r)
{
    (void)env;
    r->refuse = EPERM;
    r->why = "makes or removes a btrfs subvolume: use mkdir and rm";
    return NEXT_JUDGE;
}

#define ROW(request)                                                                                                   \
    {.nr = SYS_ioctl,                                                                                                  \
     .name = "ioctl",                                                                                                  \
     .read = read_attribute,                                                                                           \
     .may_block = may_block,                                                                                           \
     .carry_out = carry_out,                                                                                           \
     .drop = drop,                                                                                                     \
     .restart = 513,                                                                                                   \
     TESTS(LOW32(1, (unsigned)(request)))}
#define REFUSED(request) {.nr = SYS_ioctl, .name = "ioctl", .read = read_subvolume, .enforce_only = true, TESTS(LOW32(1, (unsigned)(request)))}

const struct call calls_attributes_table[] = {
    ROW(FS_IOC_SETFLAGS),
    ROW(FS_IOC32_SETFLAGS),
    ROW(FS_IOC_SETVERSION),
    ROW(EXT4_IOC_SETVERSION),
    ROW(BTRFS_IOC_SUBVOL_SETFLAGS),
    ROW(FS_IOC_FSSETXATTR),
    ROW(FS_IOC_ENABLE_VERITY),
    ROW(FAT_IOCTL_SET_ATTRIBUTES),
    REFUSED(BTRFS_IOC_SNAP_CREATE),
    REFUSED(BTRFS_IOC_SUBVOL_CREATE),
    REFUSED(BTRFS_IOC_SNAP_DESTROY),
    REFUSED(BTRFS_IOC_SNAP_CREATE_V2),
    REFUSED(BTRFS_IOC_SUBVOL_CREATE_V2),
    REFUSED(BTRFS_IOC_SNAP_DESTROY_V2),
    {0},
};
