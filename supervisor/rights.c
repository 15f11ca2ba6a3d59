#include "rights.h"
#include "buf.h"
#include "fd.h"
#include <errno.h>
#include <linux/capability.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP(x) (UINT64_C(1) << (x))

struct creds {
    uid_t euid, fsuid;
    gid_t egid, fsgid;
    uint64_t effective;
    gid_t *groups;
    int ngroups;
};

static struct creds ours;       /* as we were started */
static uint64_t ours_permitted; /* what a thread of ours may raise again */
static uint64_t agent_caps;     /* what the agent starts with */
static bool may_differ;         /* can any process of the tree ever have other rights than the agent at its start? */
static atomic_bool changed;
static _Thread_local bool rests_full, assumed;
static _Thread_local unsigned inner; /* assume within assume, for the same caller: only counted */

/* What an ordinary root shell inside a default container has, less MKNOD and NET_RAW (devices and raw packets go around
 * every rule), and IPC_LOCK for those who lock memory. SYS_NICE and SYS_RESOURCE would let it starve the supervisor. */
uint64_t rights_agent_caps(void)
{
    return CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_FOWNER) | CAP(CAP_FSETID) | CAP(CAP_KILL) | CAP(CAP_SETGID) |
           CAP(CAP_SETUID) | CAP(CAP_SETPCAP) | CAP(CAP_NET_BIND_SERVICE) | CAP(CAP_SYS_CHROOT) | CAP(CAP_AUDIT_WRITE) |
           CAP(CAP_SETFCAP) | CAP(CAP_IPC_LOCK);
}

static int get_caps(struct __user_cap_data_struct data[2])
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};

    return syscall(SYS_capget, &head, data) < 0 ? -errno : 0;
}

static int set_effective(uint64_t effective)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    int r = get_caps(data);

    if (r < 0)
        return r;
    effective &= data[0].permitted | (uint64_t)data[1].permitted << 32;
    if (effective == (data[0].effective | (uint64_t)data[1].effective << 32))
        return 0;
    data[0].effective = (uint32_t)effective;
    data[1].effective = (uint32_t)(effective >> 32);
    return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int rights_drop(uint64_t keep)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    int r, held;

    for (int cap = 0; (held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0; cap++)
        if (held && !(keep & CAP(cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EPERM)
            return -errno;
    if ((r = get_caps(data)) < 0)
        return r;
    for (int i = 0; i < 2; i++) {
        uint32_t part = (uint32_t)(keep >> (32 * i));

        data[i].permitted &= part;
        data[i].effective &= part;
        data[i].inheritable &= part; /* the kernel takes out of the ambient set what leaves these two */
    }
    return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* The thread's credentials. /proc/TID/status is readable by anybody: no right of ours is needed. */
static int read_creds(pid_t tid, struct creds *ret)
{
    char path[64];
    STR_AUTO text = NULL;
    const char *p;
    unsigned e, fs;
    int r;

    snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
    if ((r = fd_read_file(-1, path, 2 << 20, &text, NULL)) < 0)
        return r;
    if (!(p = strstr(text, "\nUid:")) || sscanf(p + 5, "%*u %u %*u %u", &e, &fs) != 2)
        return -EIO;
    ret->euid = e;
    ret->fsuid = fs;
    if (!(p = strstr(text, "\nGid:")) || sscanf(p + 5, "%*u %u %*u %u", &e, &fs) != 2)
        return -EIO;
    ret->egid = e;
    ret->fsgid = fs;
    if (!(p = strstr(text, "\nCapEff:")))
        return -EIO;
    ret->effective = strtoull(p + 8, NULL, 16);
    if (!(p = strstr(text, "\nGroups:")))
        return -EIO;
    ret->groups = NULL;
    ret->ngroups = 0;
    for (p += 8; *p && *p != '\n';) {
        char *end;
        unsigned long g = strtoul(p, &end, 10);

        if (end == p) {
            p++;
            continue;
        }
        if (!(ret->ngroups & (ret->ngroups - 1)))
            ret->groups = xrealloc(ret->groups, (ret->ngroups ? 2 * (size_t)ret->ngroups : 1) * sizeof *ret->groups);
        ret->groups[ret->ngroups++] = (gid_t)g;
        p = end;
    }
    return 0;
}

static bool same_groups(const struct creds *a, const struct creds *b)
{
    return a->ngroups == b->ngroups && (!a->ngroups || !memcmp(a->groups, b->groups, (size_t)a->ngroups * sizeof *a->groups));
}

static bool one_identity(void)
{
    uid_t r, e, s;
    gid_t rg, eg, sg;

    getresuid(&r, &e, &s);
    getresgid(&rg, &eg, &sg);
    return r == e && s == e && rg == eg && sg == eg;
}

bool rights_can_differ(void)
{
    struct __user_cap_data_struct data[2];

    return get_caps(data) < 0 || data[0].permitted || data[1].permitted || !one_identity();
}

void rights_init(bool enforce)
{
    struct __user_cap_data_struct data[2];

    if (!enforce)
        return; /* nothing is carried out by us */
    if (get_caps(data) < 0 || read_creds((pid_t)syscall(SYS_gettid), &ours) < 0)
        abort(); /* without /proc nothing else works either */
    ours_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    agent_caps = ours_permitted & rights_agent_caps();
    may_differ = rights_can_differ();
    /* An exec of plain root gives back what it keeps (capabilities(7)); of anybody else, perhaps not, and then the agent starts
     * with less than we have. */
    if (may_differ && (ours.euid || !one_identity() || prctl(PR_GET_SECUREBITS) & 1 /* SECBIT_NOROOT */))
        atomic_store(&changed, true);
}

void rights_changed(void)
{
    if (!may_differ)
        return;
    atomic_store(&changed, true);
    rights_turn();
}

bool rights_differ(void)
{
    return atomic_load(&changed);
}

void rights_thread_start(void)
{
    if (!may_differ || atomic_load(&changed))
        return;
    if (set_effective(agent_caps & ours.effective) < 0)
        abort(); /* lowering the effective set cannot fail */
}

void rights_turn(void)
{
    if (rests_full || !atomic_load(&changed))
        return;
    if (set_effective(ours_permitted) < 0)
        abort(); /* raising what is permitted cannot fail */
    rests_full = true;
}

/* setfsuid and setfsgid say nothing about failure; asked for -1 they tell what stands. */
static int set_fs(uid_t fsuid, gid_t fsgid)
{
    syscall(SYS_setfsgid, fsgid);
    syscall(SYS_setfsuid, fsuid);
    if ((gid_t)syscall(SYS_setfsgid, -1) != fsgid || (uid_t)syscall(SYS_setfsuid, -1) != fsuid)
        return -EPERM;
    return 0;
}

/* Groups first and the uid last: with the uid go the capabilities that the others need (credentials(7)); a securebit
 * that keeps them (SECBIT_NO_SETUID_FIXUP) changes nothing, the effective set is set in any case. */
static int become(const struct creds *to)
{
    if (!same_groups(to, &ours) && syscall(SYS_setgroups, to->ngroups, to->groups) < 0)
        return -errno;
    if (to->egid != ours.egid && syscall(SYS_setresgid, -1, to->egid, -1) < 0)
        return -errno;
    if (to->euid != ours.euid && syscall(SYS_setresuid, -1, to->euid, -1) < 0)
        return -errno;
    if ((to->fsuid != to->euid || to->fsgid != to->egid)) {
        /* The change of the euid may have taken the capability that a free choice of fs ids needs. */
        int r = set_effective(ours_permitted);

        if (r < 0 || (r = set_fs(to->fsuid, to->fsgid)) < 0)
            return r;
    }
    return set_effective(to->effective);
}

int rights_restore(void)
{
    if (!assumed)
        return 0;
    if (inner) {
        inner--;
        return 0;
    }
    /* Our own ids are our real and saved ones, so these need no capability; where euid becomes 0 again the kernel raises
     * the effective set, elsewhere we do. */
    if (syscall(SYS_setresuid, -1, ours.euid, -1) < 0)
        return -errno;
    int r = set_effective(ours_permitted);
    if (r < 0)
        return r;
    if (syscall(SYS_setresgid, -1, ours.egid, -1) < 0)
        return -errno;
    if ((r = set_fs(ours.fsuid, ours.fsgid)) < 0)
        return r;
    /* In a user namespace without setgroups nobody's groups can differ, and this would fail. */
    gid_t have[64];
    int n = (int)syscall(SYS_getgroups, 64, have);
    struct creds now = {.groups = have, .ngroups = n};
    if ((n < 0 || !same_groups(&now, &ours)) && syscall(SYS_setgroups, ours.ngroups, ours.groups) < 0)
        return -errno;
    assumed = false;
    return 0;
}

int rights_assume(pid_t tid)
{
    struct creds caller = {0};
    int r;

    if (!atomic_load(&changed))
        return 0;
    if (assumed) {
        inner++;
        return 0;
    }
    rights_turn();
    if ((r = read_creds(tid, &caller)) < 0)
        return r;
    assumed = true;
    r = become(&caller);
    free(caller.groups);
    if (r < 0 && rights_restore() < 0)
        abort(); /* a thread with half of somebody's rights must do nothing more */
    return r;
}

bool rights_lift(uint64_t *before)
{
    struct __user_cap_data_struct data[2];

    if (!assumed || get_caps(data) < 0)
        return false;
    *before = data[0].effective | (uint64_t)data[1].effective << 32;
    return set_effective(ours_permitted) == 0;
}

void rights_lower(uint64_t before)
{
    if (set_effective(before) < 0)
        abort(); /* lowering the effective set cannot fail */
}
