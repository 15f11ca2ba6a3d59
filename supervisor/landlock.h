/* landlock - floor 1: the kernel's own backstop, by raw system calls (landlock(7)).
 *
 * The agent gets a domain with scopes only (ABI 6, Linux 6.12): signals, ptrace and /proc/OTHER/mem towards processes
 * outside the domain are refused by the kernel itself, and so are abstract unix sockets made outside. Such a domain costs
 * nothing per open and changes no rename or link.
 */
#ifndef SW_LANDLOCK_H
#define SW_LANDLOCK_H

#define LANDLOCK_ABI_WITH_SCOPES 6 /* Linux 6.12 */

/* The kernel's ABI, 0 when it has no Landlock or it is switched off. SENTINEL_WATCH_NO_LANDLOCK=1 (for tests of what is
 * weaker then) gives 0 as well. */
int landlock_abi(void);
/* Puts the calling thread (the launcher) under the scopes; raw and allocation-free. 0, or -errno (-EOPNOTSUPP: none). Needs
 * no_new_privs or CAP_SYS_ADMIN. */
int landlock_scope_self(void);

#endif
