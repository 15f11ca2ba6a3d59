/* rights - floor 1: always the caller's rights, never ours.
 *
 * Raw, per-thread system calls (glibc's wrappers would change every thread): setgroups, setresgid(-1,g,-1),
 * setresuid(-1,u,-1), capset to the caller's effective set. The *effective* ids and not the fs ids: a file remembers who
 * opened it, and unix peers see it. Real and saved ids stay ours, or the agent could signal that thread.
 *
 * As an ordinary user nothing can differ (no_new_privs, no capability), so `changed` stays false and nothing is switched.
 * Started as root, the families that can change credentials (setuid and its kin, setgroups, capset) are trapped and set
 * `changed`; from then on the caller's ids are read for each call.
 */
#ifndef SW_RIGHTS_H
#define SW_RIGHTS_H

#include "proc.h"
#include <stdbool.h>

/* Capabilities that the agent keeps when we start as root; everything else leaves the bounding set too. */
uint64_t rights_agent_caps(void);
/* Launcher only: drops bounding, ambient, inheritable, permitted, effective beyond keep. Raw and allocation-free. -errno. */
int rights_drop(uint64_t keep);

void rights_init(bool enforce); /* after the launcher was cloned: what the agent starts with, remembered */
void rights_changed(void);      /* some process of the tree may have other ids from now on */
bool rights_differ(void);       /* has that happened? */
/* For the duration of an act by this thread. 0, or -errno: then the call is denied. assume is a no-op when nothing
 * differs (a root supervisor's threads hold the agent's effective set all the time, see rights_thread_start). */
int rights_assume(pid_t tid);
int rights_restore(void);
void rights_thread_start(void); /* each thread that acts for the agent calls it once */

#endif
