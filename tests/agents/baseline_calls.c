/* baseline_calls: one attempt of each call that a baseline refuses, each harmless: it asks, or sets what is set already. A line
 * each: SET NAME RESULT, where SET is the smallest baseline that refuses it (mvp, datasci, strict) and RESULT `ok` or an errno. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

static long set_host(void)
{
    struct utsname u;
    uname(&u);
    return syscall(SYS_sethostname, u.nodename, strlen(u.nodename));
}
static long set_domain(void)
{
    struct utsname u;
    uname(&u);
    return syscall(SYS_setdomainname, u.domainname, strlen(u.domainname));
}
static long set_clock(void) { return syscall(SYS_clock_settime, 0, NULL); } /* EFAULT or EPERM from the kernel */
static long set_time(void) { return syscall(SYS_settimeofday, NULL, NULL); }
static long kernel_log(void) { return syscall(SYS_syslog, 10, NULL, 0); } /* its size */
static long watch_mounts(void)
{
    long fd = syscall(SYS_fanotify_init, 0x200, 0); /* FAN_REPORT_FID: open to everybody */
    return fd < 0 ? fd : close((int)fd);
}
static long cookie(void) { return syscall(SYS_lookup_dcookie, 0, 0, 0); }
#ifdef __x86_64__
static long io_level(void) { return syscall(SYS_iopl, 0); }
static long io_ports(void) { return syscall(SYS_ioperm, 0, 1, 0); }
static long fs_types(void) { return syscall(SYS_sysfs, 3); }
static long read_ldt(void)
{
    char b[16];
    return syscall(SYS_modify_ldt, 0, b, sizeof b);
}
#endif
static long ask_clock(void)
{
    struct timex t = {0};
    return syscall(SYS_adjtimex, &t);
}
static long ask_clock2(void)
{
    struct timex t = {0};
    return syscall(SYS_clock_adjtime, 0, &t);
}
static long unshare_fs(void) { return unshare(CLONE_FS); }
static long remap(void) { return syscall(SYS_remap_file_pages, 0, 0, 0, 0, 0); }
static long splice_memory(void)
{
    int p[2];
    char b[] = "x";
    struct iovec v = {b, 1};
    if (pipe(p))
        return -1;
    return syscall(SYS_vmsplice, p[1], &v, 1, 0);
}
static long handle(void)
{
    struct { unsigned bytes; int type; char f[128]; } h = {128, 0, {0}};
    int mount;
    return syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &h, &mount, 0);
}
static long secret(void)
{
    long fd = syscall(SYS_memfd_secret, 0);
    return fd < 0 ? fd : close((int)fd);
}
static long cached(void)
{
    unsigned long long range[2] = {0}, stat[5];
    return syscall(451, 0, range, stat, 0);
}
static long no_random(void) { return personality(ADDR_NO_RANDOMIZE); }
static long get_policy(void)
{
    int mode;
    return syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0);
}
static long set_policy(void) { return syscall(SYS_set_mempolicy, 0, NULL, 0); }
static long bind_memory(void)
{
    void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return syscall(SYS_mbind, p, 4096, 0, NULL, 0, 0);
}
static long move_page(void) { return syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0); }
static long shared(void)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    return id < 0 ? id : shmctl(id, IPC_RMID, NULL);
}
static long queue(void)
{
    long id = syscall(SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0600);
    return id < 0 ? id : syscall(SYS_msgctl, id, IPC_RMID, NULL);
}
static long semaphore(void)
{
    long id = syscall(SYS_semget, IPC_PRIVATE, 1, IPC_CREAT | 0600);
    return id < 0 ? id : syscall(SYS_semctl, id, 0, IPC_RMID);
}
static long native_aio(void)
{
    aio_context_t c = 0;
    long r = syscall(SYS_io_setup, 1, &c);
    return r < 0 ? r : syscall(SYS_io_destroy, c);
}

static const struct {
    const char *set, *name;
    long (*act)(void);
} acts[] = {
    {"mvp", "sethostname", set_host},
    {"mvp", "setdomainname", set_domain},
    {"mvp", "clock_settime", set_clock},
    {"mvp", "settimeofday", set_time},
    {"mvp", "syslog", kernel_log},
    {"mvp", "fanotify_init", watch_mounts},
    {"mvp", "lookup_dcookie", cookie},
#ifdef __x86_64__
    {"mvp", "iopl", io_level},
    {"mvp", "ioperm", io_ports},
    {"mvp", "sysfs", fs_types},
    {"datasci", "modify_ldt", read_ldt},
#endif
    {"datasci", "adjtimex", ask_clock},
    {"datasci", "clock_adjtime", ask_clock2},
    {"datasci", "unshare", unshare_fs},
    {"datasci", "remap_file_pages", remap},
    {"datasci", "vmsplice", splice_memory},
    {"datasci", "name_to_handle_at", handle},
    {"datasci", "memfd_secret", secret},
    {"datasci", "cachestat", cached},
    {"datasci", "personality", no_random},
    {"strict", "get_mempolicy", get_policy},
    {"strict", "set_mempolicy", set_policy},
    {"strict", "mbind", bind_memory},
    {"strict", "move_pages", move_page},
    {"strict", "shmget", shared},
    {"strict", "msgget", queue},
    {"strict", "semget", semaphore},
    {"strict", "io_setup", native_aio},
};

int main(void)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        errno = 0;
        long r = acts[i].act();
        printf("%s %s %s\n", acts[i].set, acts[i].name, r >= 0 ? "ok" : strerrorname_np(errno));
    }
    return 0;
}
