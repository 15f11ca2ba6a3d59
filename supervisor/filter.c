#include "filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"

/* Linux 5.19; libseccomp 2.5.4 does not know it. 1 << 4 would be TSYNC_ESRCH. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#define X32_BIT 0x40000000u

static int add(scmp_filter_ctx ctx, const struct filter_rule *r)
{
    uint32_t action = r->action == FILTER_NOTIFY  ? SCMP_ACT_NOTIFY
                      : r->action == FILTER_ERRNO ? SCMP_ACT_ERRNO((uint16_t)r->errnum)
                                                  : SCMP_ACT_ALLOW;
    struct scmp_arg_cmp cmp[6];
    unsigned n = 0;
    for (const struct filter_test *t = r->tests; t && t->arg >= 0; t++) {
        if (t->op == FILTER_MASKED_EQ)
            cmp[n++] = SCMP_CMP64((unsigned)t->arg, SCMP_CMP_MASKED_EQ, t->mask, t->value);
        else
            cmp[n++] = SCMP_CMP64((unsigned)t->arg, t->op == FILTER_EQ ? SCMP_CMP_EQ : SCMP_CMP_NE, t->value);
    }
    return seccomp_rule_add_exact_array(ctx, action, r->nr, n, cmp);
}

static int export_code(scmp_filter_ctx ctx, struct sock_filter **code, size_t *len)
{
    FD_AUTO fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = seccomp_export_bpf(ctx, fd);
    if (r < 0)
        return r;
    struct stat st;
    if (fstat(fd, &st) || lseek(fd, 0, SEEK_SET))
        return -errno;
    *code = xmalloc((size_t)st.st_size);
    *len = (size_t)st.st_size / sizeof **code;
    ssize_t got = fd_read_all(fd, *code, (size_t)st.st_size);
    return got == st.st_size ? 0 : -EIO;
}

/* Numbers above the newest known call: ENOSYS, so that libraries fall back. Stands before libseccomp's program (whose
 * jumps are relative); x32 numbers are left to it. Written by hand because libseccomp compares no call numbers. */
static size_t newest_head(struct sock_filter *f, int newest)
{
    size_t k = 0;
    f[k++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    f[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native() == SCMP_ARCH_X86_64 ? 0xc000003eu : 0xc00000b7u, 0, 4);
    f[k++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    f[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 2, 0);
    f[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)newest, 0, 1);
    f[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    return k;
}

int filter_build(const struct filter_rule *rules, size_t n, bool refuse_foreign, int newest, struct filter *ret, struct err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    if (!ctx)
        return err_set(err, ENOMEM, "making the filter");
    int r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, refuse_foreign ? SCMP_ACT_NOTIFY : SCMP_ACT_ALLOW);
    if (!r)
        r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree: the cost grows with log n */
    for (size_t i = 0; !r && i < n; i++) {
        r = add(ctx, &rules[i]);
        if (r) {
            seccomp_release(ctx);
            return err_set(err, -r, "making the filter: call number %d", rules[i].nr);
        }
    }
    struct sock_filter *code = NULL;
    size_t len = 0;
    if (!r)
        r = export_code(ctx, &code, &len);
    seccomp_release(ctx);
    if (r) {
        free(code);
        return err_set(err, -r, "making the filter");
    }
    struct sock_filter head[8];
    size_t nhead = newest > 0 ? newest_head(head, newest) : 0;
    if (len + nhead > BPF_MAXINSNS) {
        free(code);
        return err_set(err, 0, "the filter is too long: %zu instructions", len + nhead);
    }
    ret->code = xmalloc((len + nhead) * sizeof *code);
    memcpy(ret->code, head, nhead * sizeof *head);
    memcpy(ret->code + nhead, code, len * sizeof *code);
    ret->len = (unsigned short)(len + nhead);
    free(code);
    return 0;
}

void filter_free(struct filter *f)
{
    free(f->code);
    *f = (struct filter){0};
}

/* What libseccomp 2.5.4 does not know yet; the numbers are the same on every architecture. */
static const struct {
    int nr;
    const char *name;
} newer[] = {
    {451, "cachestat"},         {452, "fchmodat2"},         {453, "map_shadow_stack"}, {454, "futex_wake"},       {455, "futex_wait"},
    {456, "futex_requeue"},     {457, "statmount"},         {458, "listmount"},        {459, "lsm_get_self_attr"}, {460, "lsm_set_self_attr"},
    {461, "lsm_list_modules"},  {462, "mseal"},             {463, "setxattrat"},       {464, "getxattrat"},       {465, "listxattrat"},
    {466, "removexattrat"},     {467, "open_tree_attr"},    {468, "file_getattr"},     {469, "file_setattr"},
};

int filter_number(const char *name)
{
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
        if (!strcmp(newer[i].name, name))
            return newer[i].nr;
    return seccomp_syscall_resolve_name(name); /* __NR_SCMP_ERROR is -1; others below it are of other machines */
}

const char *filter_name(int nr)
{
    static char *kept[FILTER_NEWEST + 1];
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
        if (newer[i].nr == nr)
            return newer[i].name;
    if (nr < 0 || nr > FILTER_NEWEST)
        return NULL;
    if (!kept[nr])
        kept[nr] = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), nr);
    return kept[nr];
}

int filter_install(const struct filter *f)
{
    struct sock_fprog p = {f->len, f->code};
    /* Without CAP_SYS_ADMIN the kernel wants no_new_privs (seccomp(2)); with it a program keeps its set-user-ID bits. The
     * launcher has set no_new_privs already where enforce wants it. */
    unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    for (int tries = 0; tries < 4; tries++) {
        long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
        if (r >= 0)
            return (int)r;
        if (errno == EACCES && tries < 2) {
            if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
                return -errno;
        } else if (errno == EINVAL && (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)) {
            flags &= ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
        } else {
            return -errno;
        }
    }
    return -errno;
}
