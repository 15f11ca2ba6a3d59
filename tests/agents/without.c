/* without CALL[:ERRNO] COMMAND...: runs COMMAND on a kernel that does not have CALL (ENOSYS, or the number given). */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    int nr;
} calls[] = {
    {"seccomp", SYS_seccomp},       {"ptrace", SYS_ptrace},         {"pidfd_open", SYS_pidfd_open},
    {"pidfd_getfd", 438},           {"close_range", SYS_close_range}, {"process_vm_readv", SYS_process_vm_readv},
    {"landlock", SYS_landlock_create_ruleset}, {"openat2", SYS_openat2}, {"unshare", SYS_unshare},
};

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    char *colon = strchr(argv[1], ':');
    int e = colon ? atoi(colon + 1) : ENOSYS, nr = -1;
    if (colon)
        *colon = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (!strcmp(argv[1], calls[i].name))
            nr = calls[i].nr;
    if (nr < 0)
        return 2;
    struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)e),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog p = {sizeof f / sizeof *f, f};
    if ((geteuid() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p))
        return 2;
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
