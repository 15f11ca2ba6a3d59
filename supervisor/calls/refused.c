/* refused: what enforce refuses whatever the policy says, each notified, denied and recorded as `protected`.
 *
 * Not here: what BPF refuses in silence so that libraries fall back (trap.c). Numbers newer than Debian 12's headers
 * (Linux 6.1) are given by hand; they are the same on every architecture.
 */
#include "calls_tables.h"
#include "resolve.h"
#include "rights.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static void roots_differ(const struct calls_env *env)
{
    if (!env->enforce)
        resolve_roots_may_differ();
}

#define REFUSE(function, errnum, text)                                                                                 \
    static enum next function(const struct calls_env *env, struct request *r)                                          \
    {                                                                                                                  \
        (void)env;                                                                                                     \
        r->refuse = errnum;                                                                                            \
        r->why = text;                                                                                                 \
        return NEXT_JUDGE;                                                                                             \
    }

REFUSE(read_kernel, EPERM, "changes or inspects the kernel itself")
REFUSE(read_mount, EPERM, "changes what paths mean")
REFUSE(read_trace, EPERM, "reads or changes other processes (debug: refuse)")
REFUSE(read_keys, EPERM, "the kernel's keyrings reach beyond this session")
REFUSE(read_namespace, EPERM, "a new namespace would change what this session is allowed")
REFUSE(read_terminal, EIO, "types into the terminal")
REFUSE(read_handle, EPERM, "opens files past their path")
REFUSE(read_landlock, EOPNOTSUPP, "a sandbox inside this one would not hold: files are opened from outside of it")
REFUSE(read_mm, EPERM, "changes what the kernel says of this program")
REFUSE(read_route, EPERM, "sends by way of other hosts than the one that is judged")
REFUSE(read_listener, EBUSY, "the kernel allows one listener, and it is ours")

/* Log mode lets these be, and looks at each caller's own root from then on. */
static enum next read_root(const struct calls_env *env, struct request *r)
{
    roots_differ(env);
    return read_mount(env, r);
}

static enum next read_other_space(const struct calls_env *env, struct request *r)
{
    roots_differ(env);
    return read_namespace(env, r);
}

static enum next read_moving(const struct calls_env *env, struct request *r)
{
    procs_moves(env->procs, r->tid);
    return NEXT_PASS;
}

/* PR_SET_DUMPABLE 0 would hide the process from us: answered as done, not done (the manual says so). */
static enum next read_dumpable(const struct calls_env *env, struct request *r)
{
    (void)env;
    (void)r;
    return NEXT_PERFORM;
}

static void carry_dumpable(const struct calls_env *env, struct request *r, struct reply *reply)
{
    (void)env;
    (void)r;
    reply->value = 0;
}

static enum next read_unseen(const struct calls_env *env, struct request *r)
{
    (void)env;
    r->why = "calls made through it may be missing from this log";
    return NEXT_JUDGE;
}

static enum next read_credentials(const struct calls_env *env, struct request *r)
{
    (void)env;
    (void)r;
    rights_changed();
    return NEXT_PASS;
}

#ifndef IPV6_2292RTHDR /* linux/in6.h, which glibc's own header shuts out */
#define IPV6_2292RTHDR 5
#define IPV6_2292PKTOPTIONS 6
#endif

/* Log mode traps these too, for `would`. */
#define ROW(number, text, function) {.nr = (number), .name = text, .read = function, .refuses = true}
/* ... and watches these, because names of files hang on them; and what changes a working folder (proc.h). */
#define ROW_ROOT(number, text) {.nr = (number), .name = text, .read = read_root, .refuses = true, .sandbox = true}
#define ROW_MOVING(number, text) {.nr = (number), .name = text, .read = read_moving, .pass = CONTINUE_NO_RIGHT}
#define ROW_DEBUG(number, text) {.nr = (number), .name = text, .read = read_trace, .debug = true}
#define ROW_CREDENTIALS_IF(number, text, option)                                                                       \
    {.nr = (number), .name = text, .read = read_credentials, .enforce_only = true, .privileged_only = true,            \
     .pass = CONTINUE_NO_RIGHT, TESTS(LOW32(0, option))}
#define ROW_CREDENTIALS(number, text)                                                                                  \
    {.nr = (number), .name = text, .read = read_credentials, .enforce_only = true, .privileged_only = true, .pass = CONTINUE_NO_RIGHT}
#define ROW_IF(number, text, function, ...)                                                                            \
    {.nr = (number), .name = text, .read = function, .enforce_only = true, .refuses = true, TESTS(__VA_ARGS__)}
/* One row a flag, because a filter tests for equality, not for "any of". */
#define ROW_FLAG(number, text, bit)                                                                                    \
    {.nr = (number), .name = text, .read = read_namespace, .refuses = true, .sandbox = true, .unseen = true,                            \
     TESTS({0, FILTER_MASKED_EQ, (bit), (bit)})}
#define ROW_SANDBOX(number, text, function) {.nr = (number), .name = text, .read = function, .refuses = true, .sandbox = true}

const struct call calls_refused_table[] = {
    ROW(SYS_userfaultfd, "userfaultfd", read_kernel),
    ROW(SYS_bpf, "bpf", read_kernel),
    ROW(SYS_perf_event_open, "perf_event_open", read_kernel),
    ROW(SYS_init_module, "init_module", read_kernel),
    ROW(SYS_finit_module, "finit_module", read_kernel),
    ROW(SYS_delete_module, "delete_module", read_kernel),
    ROW(SYS_kexec_load, "kexec_load", read_kernel),
    ROW(SYS_kexec_file_load, "kexec_file_load", read_kernel),
    ROW(SYS_reboot, "reboot", read_kernel),
    ROW(SYS_add_key, "add_key", read_keys),
    ROW(SYS_request_key, "request_key", read_keys),
    ROW(SYS_keyctl, "keyctl", read_keys),
    ROW_DEBUG(SYS_ptrace, "ptrace"),
    ROW_DEBUG(SYS_process_vm_readv, "process_vm_readv"),
    ROW_DEBUG(SYS_process_vm_writev, "process_vm_writev"),
    ROW_DEBUG(SYS_process_madvise, "process_madvise"),
    ROW_DEBUG(SYS_pidfd_getfd, "pidfd_getfd"),
    ROW_DEBUG(SYS_kcmp, "kcmp"),
    {.nr = SYS_setns, .name = "setns", .read = read_other_space, .refuses = true, .unseen = true},
    ROW(SYS_open_by_handle_at, "open_by_handle_at", read_handle),
    ROW(SYS_open_tree, "open_tree", read_mount),
    ROW(467, "open_tree_attr", read_mount), /* Linux 6.15 */
    ROW(SYS_fsopen, "fsopen", read_mount),
    ROW(SYS_fspick, "fspick", read_mount),
    ROW(SYS_fsconfig, "fsconfig", read_mount),
    ROW(SYS_fsmount, "fsmount", read_mount),
    ROW_ROOT(SYS_move_mount, "move_mount"),
    ROW(SYS_mount_setattr, "mount_setattr", read_mount),
    ROW_ROOT(SYS_mount, "mount"),
    ROW_ROOT(SYS_umount2, "umount2"),
    ROW_ROOT(SYS_chroot, "chroot"),
    ROW_ROOT(SYS_pivot_root, "pivot_root"),
    ROW(SYS_swapon, "swapon", read_kernel),
    ROW(SYS_swapoff, "swapoff", read_kernel),
    ROW(SYS_acct, "acct", read_kernel),
    ROW(SYS_quotactl, "quotactl", read_kernel),
    ROW(SYS_quotactl_fd, "quotactl_fd", read_kernel),
#ifdef SYS_uselib
    ROW(SYS_uselib, "uselib", read_kernel),
#endif
    ROW_SANDBOX(SYS_landlock_create_ruleset, "landlock_create_ruleset", read_landlock),
    ROW_FLAG(SYS_unshare, "unshare", CLONE_NEWNS),
    ROW_FLAG(SYS_unshare, "unshare", CLONE_NEWUTS),
    ROW_FLAG(SYS_unshare, "unshare", CLONE_NEWIPC),
    ROW_FLAG(SYS_unshare, "unshare", CLONE_NEWUSER),
    ROW_FLAG(SYS_unshare, "unshare", CLONE_NEWPID),
    ROW_FLAG(SYS_unshare, "unshare", CLONE_NEWNET),
    ROW_FLAG(SYS_unshare, "unshare", CLONE_NEWCGROUP),
    ROW_FLAG(SYS_unshare, "unshare", CLONE_NEWTIME),
    ROW_FLAG(SYS_clone, "clone", CLONE_NEWNS),
    ROW_FLAG(SYS_clone, "clone", CLONE_NEWUTS),
    ROW_FLAG(SYS_clone, "clone", CLONE_NEWIPC),
    ROW_FLAG(SYS_clone, "clone", CLONE_NEWUSER),
    ROW_FLAG(SYS_clone, "clone", CLONE_NEWPID),
    ROW_FLAG(SYS_clone, "clone", CLONE_NEWNET),
    ROW_FLAG(SYS_clone, "clone", CLONE_NEWCGROUP),
    /* The kernel truncates the request to 32 bits, so the comparison does too. */
    ROW_IF(SYS_ioctl, "ioctl", read_terminal, LOW32(1, TIOCSTI)),
    /* TIOCLINUX with subcode 2 or 3 pastes into a console; the subcode is in memory, so all of it. */
    ROW_IF(SYS_ioctl, "ioctl", read_terminal, LOW32(1, TIOCLINUX)),
    /* Source routes: what is sent goes to the hosts that they name first. */
    ROW_IF(SYS_setsockopt, "setsockopt", read_route, LOW32(1, IPPROTO_IP), LOW32(2, IP_OPTIONS)),
    ROW_IF(SYS_setsockopt, "setsockopt", read_route, LOW32(1, IPPROTO_IPV6), LOW32(2, IPV6_RTHDR)),
    ROW_IF(SYS_setsockopt, "setsockopt", read_route, LOW32(1, IPPROTO_IPV6), LOW32(2, IPV6_2292RTHDR)),
    ROW_IF(SYS_setsockopt, "setsockopt", read_route, LOW32(1, IPPROTO_IPV6), LOW32(2, IPV6_2292PKTOPTIONS)),
    ROW_IF(SYS_prctl, "prctl", read_mm, LOW32(0, PR_SET_MM)),
    {.nr = SYS_prctl,
     .name = "prctl",
     .read = read_dumpable,
     .carry_out = carry_dumpable,
     .enforce_only = true,
     TESTS(LOW32(0, PR_SET_DUMPABLE), {1, FILTER_EQ, 0, 0})},
    ROW_IF(SYS_seccomp, "seccomp", read_listener, LOW32(0, 1), {1, FILTER_MASKED_EQ, 8, 8}),
    ROW_MOVING(SYS_chdir, "chdir"),
    ROW_MOVING(SYS_fchdir, "fchdir"),
    /* Log mode lets it be and says that what is done through it leaves no records. */
    {.nr = SYS_io_uring_setup, .name = "io_uring_setup", .read = read_unseen, .log_only = true, .unseen = true},
    /* Who may do what changes from here on: rights.h. What decides stands in registers, or is the kernel's to check. */
    ROW_CREDENTIALS(SYS_setuid, "setuid"),
    ROW_CREDENTIALS(SYS_setgid, "setgid"),
    ROW_CREDENTIALS(SYS_setreuid, "setreuid"),
    ROW_CREDENTIALS(SYS_setregid, "setregid"),
    ROW_CREDENTIALS(SYS_setresuid, "setresuid"),
    ROW_CREDENTIALS(SYS_setresgid, "setresgid"),
    ROW_CREDENTIALS(SYS_setfsuid, "setfsuid"),
    ROW_CREDENTIALS(SYS_setfsgid, "setfsgid"),
    ROW_CREDENTIALS(SYS_setgroups, "setgroups"),
    ROW_CREDENTIALS(SYS_capset, "capset"),
    /* These take effect at the next exec. */
    ROW_CREDENTIALS_IF(SYS_prctl, "prctl", PR_CAPBSET_DROP),
    ROW_CREDENTIALS_IF(SYS_prctl, "prctl", PR_SET_SECUREBITS),
    ROW_CREDENTIALS_IF(SYS_prctl, "prctl", PR_CAP_AMBIENT),
    {.name = NULL},
};
