/* front - floor 5: the process in the shell's job: guardian of the tree, and the agent's face towards shell and terminal.
 *
 * It stops when the agent stops and continues with it, passes signals on, ends as the agent ended, and when the supervisor
 * dies it ends every process of the tree (it is a subreaper above it). Messages between front and supervisor are
 * struct front_msg over a SOCK_SEQPACKET pair. docs/house.md tells the whole story.
 */
#ifndef SW_FRONT_H
#define SW_FRONT_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

enum front_what {
    FRONT_AGENT = 1, /* value: the agent's pid */
    FRONT_STOPPED,   /* value: signal, value2: the group that held the terminal, 0 none */
    FRONT_CONTINUED,
    FRONT_EXIT,      /* value: wait status; value2: 1 when an exit status of ours (125, 126, 127) stands instead */
    FRONT_SIGNAL,    /* front -> supervisor: pass this signal on */
    FRONT_NUDGE,     /* front -> supervisor: the terminal sent a signal, look at waiting calls */
};
struct front_msg { int what, value, value2; };

/* Runs in the original process after the supervisor was forked. Returns the wait status to end with (front_end). scribe is
 * a child that is not part of the tree: never killed, waited for at the end unless the supervisor lives on. */
int front_run(pid_t supervisor, int sock, pid_t scribe, bool linger);
/* Ends this process as the wait status says: same exit status, or the same signal (as pid 1: 128+N). */
void front_end(int wait_status) __attribute__((noreturn));
/* Is the job's group orphaned? Decides how the supervisor leaves it (setsid or setpgid). */
bool front_job_orphaned(void);
/* Kills every descendant of the calling subreaper but `except`, until none is left. */
void front_end_tree(pid_t except);

/* Supervisor's side. */
void front_tell(int sock, enum front_what what, int value, int value2);

#endif
