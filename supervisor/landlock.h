/* landlock - floor 1: the kernel's own backstop under the agent, by raw system calls (landlock(7)).
 *
 * What the agent may do to names, files and the network is done *for* it by the supervisor, which stands outside the domain.
 * So the domain needs no policy: it refuses the agent's own processes, children included, every act that only the
 * supervisor carries out. A call that some day slips past the filter then still changes nothing. Two are known that no filter
 * can see: a core file is written by the kernel itself, and a process that outlives a killed supervisor makes calls that are
 * not trapped. What the policy allows or asks about is never refused here.
 *
 * - Names and files (ABI 1, Linux 5.13): opening for writing, listing folders, and making, removing, moving and truncating
 *   anything. Not reading and not executing: the agent's execs are its own (verified afterwards), and the kernel opens
 *   the program and its interpreter with the agent's rights. Excepted is /dev/pts: TIOCGPTPEER, openpty(3)'s way, opens the
 *   other side of the caller's own terminal without a path. Only opening is checked, so descriptors that the supervisor
 *   hands over do everything.
 * - TCP (ABI 4, Linux 6.7): connect and bind. The check is on who calls, and that is the supervisor.
 * - Scopes (ABI 6, Linux 6.12): signals, ptrace and /proc/OTHER/mem towards processes outside the domain, and abstract unix
 *   sockets made outside.
 *
 * Where the kernel cannot hold files, the agent gets RLIMIT_CORE 0 instead: a core file is a write that nobody judged.
 */
#ifndef SW_LANDLOCK_H
#define SW_LANDLOCK_H

enum { LANDLOCK_FILES = 1, LANDLOCK_TCP = 2, LANDLOCK_SCOPES = 4, LANDLOCK_PARTS = 3 };
struct landlock_part {
    unsigned bit;
    int abi;             /* since */
    const char *since;   /* since */
    const char *name;    /* in the log's first line */
    const char *what;    /* for people: what the part holds */
};
extern const struct landlock_part landlock_parts[LANDLOCK_PARTS];

/* The kernel's ABI, 0 when it has no Landlock or it is switched off. SENTINEL_WATCH_NO_LANDLOCK=1 (for tests of what is
 * weaker then) gives 0 as well. */
int landlock_abi(void);
unsigned landlock_can(int abi); /* which parts */
/* Puts the calling thread (the launcher) into the domain; raw and allocation-free. The parts that hold now (0: no Landlock),
 * or -errno. Needs no_new_privs or CAP_SYS_ADMIN. */
int landlock_enter(void);

#endif
