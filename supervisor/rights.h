/* rights - floor 1: always the caller's rights, never ours.
 *
 * Raw, per-thread system calls (glibc's wrappers would change every thread): setgroups, setresgid(-1,g,-1),
 * setresuid(-1,u,-1), capset to the caller's effective set. The *effective* ids and not the fs ids: a file remembers who
 * opened it, and unix peers see it. (The fs ids follow the effective ones; where the caller has set its own apart with
 * setfsuid, ours are set apart too.) Real and saved ids stay ours, or the agent could signal that thread.
 *
 * As an ordinary user nothing can differ (no_new_privs, no capability), so `changed` stays false and nothing is switched.
 * Started with capabilities (root, root of a user namespace, or some of them), the families that can change credentials
 * (setuid and its kin, setgroups, capset, prctl's capability and securebits options) are trapped and call
 * rights_changed(); from then on the caller's ids are read for each call.
 *
 * A thread at rest. Until something has changed, a thread that acts for the agent holds the agent's own effective set all
 * the time: assuming costs nothing, and reading the agent (its memory, /proc/TID, its descriptors) needs no more than
 * that, for ids are the same and the agent's capabilities are no more than these. Afterwards it rests with everything we
 * hold, because reading a process with other ids, or an undumpable one, needs CAP_SYS_PTRACE: so *look* at the
 * caller (memory_read, procs_getfd, its cwd and root) outside of rights_assume, and *act* between assume and restore.
 *
 * A thread that switches its effective ids loses its parent-death signal (prctl(2), PR_SET_PDEATHSIG) and the
 * process its dumpable flag (prctl(2), PR_SET_DUMPABLE): nothing of ours may lean on either.
 */
#ifndef SW_RIGHTS_H
#define SW_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Capabilities that the agent keeps when we start as root; everything else leaves the bounding set too. */
uint64_t rights_agent_caps(void);
/* Launcher only: drops bounding, ambient, inheritable, permitted, effective beyond keep. Raw and allocation-free. -errno.
 * Without CAP_SETPCAP the bounding set stays as it is: no_new_privs, which follows, keeps an exec from giving more than
 * the permitted set has. */
int rights_drop(uint64_t keep);

bool rights_can_differ(void);   /* started with capabilities or several ids: then a process of the tree may come to have others */
void rights_init(bool enforce); /* after the launcher was cloned: what the agent starts with, remembered */
void rights_changed(void);      /* some process of the tree may have other ids from now on. Called before it has */
bool rights_differ(void);       /* has that happened? */
/* For the duration of an act by this thread. 0, or -errno: then the call is denied (and nothing is assumed). assume is a
 * no-op when nothing differs. */
int rights_assume(pid_t tid);
/* 0, or -errno: never seen to fail, and then the thread must not go on: it would act with somebody else's rights. */
int rights_restore(void);
void rights_thread_start(void); /* each thread that acts for the agent calls it once */
void rights_turn(void);         /* ... and this before each notification or job: cheap; rests with everything once changed */

/* While the caller's rights are assumed: raise what is needed to look into another user's process (CAP_SYS_PTRACE), for that
 * one look only, and lower it again. false: nothing is assumed, so nothing is to be gained. */
bool rights_lift(uint64_t *before);
void rights_lower(uint64_t before);

#endif
