/* The named baselines, call by call, each with its reason.
 *
 * mvp      nothing that a developer's tools need: what sets up or looks into the machine itself.
 * strict   mvp, and what few programs need and many attacks have used: other programs' shared memory and memory policy, old and
 *          rare ways into the kernel, every unshare, and tracing whatever the policy's `debug` says.
 * datasci  strict, less what numerical libraries, MPI and data loaders use: memory policy, System V IPC, native AIO.
 *
 * What the systems before this one refused under these names is refused: their other names stand in calls/refused.c, for
 * every baseline. Not refused anywhere, though some older lists did: arch_prctl, rseq, set_robust_list, membarrier, mlock2, sysinfo,
 * which programs and their run times use from their first instruction on.
 */
#include "baseline.h"
#include "buf.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

enum { MVP = 1, STRICT = 2, DATASCI = 4, ALL = MVP | STRICT | DATASCI, BOTH = STRICT | DATASCI };

static const char clock_why[] = "sets the machine's clock", hardware[] = "reaches the hardware past the kernel",
                  machine[] = "changes the machine itself", klog[] = "reads or clears the kernel's log",
                  mounts[] = "watches every file of a mount", old[] = "an obsolete way into the kernel",
                  trace[] = "reads or changes other processes (this baseline refuses it whatever `debug` says)",
                  numa[] = "moves memory between nodes, other programs' too", sysv[] = "System V IPC reaches other programs",
                  aio[] = "a second way to read and write through descriptors", rare[] = "rare, and a way into many kernels",
                  handles[] = "names files past their path", hides[] = "hides memory from everybody, us included",
                  person[] = "weakens this program's own protections", apart[] = "takes a part of the process out of our sight";

#define ROW(name, sets, why) {SYS_##name, #name, sets, why}
static const struct {
    int nr;
    const char *name;
    int sets;
    const char *why;
} table[] = {
    ROW(clock_settime, ALL, clock_why),
    ROW(settimeofday, ALL, clock_why),
    ROW(sethostname, ALL, machine),
    ROW(setdomainname, ALL, machine),
    ROW(vhangup, ALL, machine),
    ROW(syslog, ALL, klog),
    ROW(fanotify_init, ALL, mounts),
    ROW(lookup_dcookie, ALL, old),
    ROW(nfsservctl, ALL, old),
#ifdef __x86_64__
    ROW(iopl, ALL, hardware),
    ROW(ioperm, ALL, hardware),
    ROW(create_module, ALL, old),
    ROW(query_module, ALL, old),
    ROW(get_kernel_syms, ALL, old),
    ROW(_sysctl, ALL, old),
    ROW(sysfs, ALL, old),
    ROW(ustat, ALL, old),
    ROW(modify_ldt, BOTH, rare),
#endif
    ROW(adjtimex, BOTH, clock_why),
    ROW(clock_adjtime, BOTH, clock_why),
    ROW(ptrace, BOTH, trace),
    ROW(process_vm_readv, BOTH, trace),
    ROW(process_vm_writev, BOTH, trace),
    ROW(process_madvise, BOTH, trace),
    ROW(pidfd_getfd, BOTH, trace),
    ROW(kcmp, BOTH, trace),
    ROW(unshare, BOTH, apart),
    ROW(remap_file_pages, BOTH, rare),
    ROW(vmsplice, BOTH, rare),
    ROW(name_to_handle_at, BOTH, handles),
    ROW(memfd_secret, BOTH, hides),
    {451, "cachestat", BOTH, "tells what other programs read"},
    ROW(get_mempolicy, STRICT, numa),
    ROW(set_mempolicy, STRICT, numa),
    {450, "set_mempolicy_home_node", STRICT, numa},
    ROW(mbind, STRICT, numa),
    ROW(migrate_pages, STRICT, numa),
    ROW(move_pages, STRICT, numa),
    ROW(shmget, STRICT, sysv),
    ROW(shmat, STRICT, sysv),
    ROW(shmctl, STRICT, sysv),
    ROW(msgget, STRICT, sysv),
    ROW(msgsnd, STRICT, sysv),
    ROW(msgrcv, STRICT, sysv),
    ROW(msgctl, STRICT, sysv),
    ROW(semget, STRICT, sysv),
    ROW(semop, STRICT, sysv),
    ROW(semtimedop, STRICT, sysv),
    ROW(semctl, STRICT, sysv),
    ROW(io_setup, STRICT, aio),
    ROW(io_submit, STRICT, aio),
    ROW(io_pgetevents, STRICT, aio),
};

/* setarch(8) and debuggers set the others: no address randomisation, executable data. */
static const uint64_t personalities[] = {0, 8 /* 32-bit uname */, 0x20000 /* UNAME26 */, 0x20008, 0xffffffff /* asks */};

static int set_of(const char *name)
{
    return !strcmp(name, "mvp") ? MVP : !strcmp(name, "strict") ? STRICT : !strcmp(name, "datasci") ? DATASCI
         : !strcmp(name, "off") || !strcmp(name, "none") ? 0 : -1;
}

struct baseline *baseline_named(const char *name)
{
    static const struct baseline_rule refuse = {.errnum = EPERM};
    int set = set_of(name);
    if (set < 0)
        return NULL;
    struct baseline *b = xcalloc(1, sizeof *b);
    b->name = xstrdup(set ? name : "off");
    b->label = xasprintf("baseline:%s", b->name);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].sets & set)
            baseline_add(b, table[i].nr, table[i].name, table[i].why, &refuse);
    for (size_t i = 0; set & BOTH && i < sizeof personalities / sizeof *personalities; i++) {
        struct baseline_rule allow = {.tests = 1, .test = {{0, OP_MASKED_EQ, personalities[i], 0xffffffff}}};
        baseline_add(b, SYS_personality, "personality", person, &allow)->otherwise = EPERM;
    }
    baseline_finish(b);
    return b;
}
