/* front_link - floor 5: the supervisor's side of the front.
 *
 * One per supervisor, made right after the fork, before the supervisor leaves the job's group. The session polls the three
 * descriptors: `sock` readable: front_link_turn; `front_fd` readable: the front has died; `shell_fd` readable (-1:
 * nothing to watch): front_link_shell_died, then close it.
 */
#ifndef SW_FRONT_LINK_H
#define SW_FRONT_LINK_H

#include "front.h"
#include <pthread.h>

struct front_link {
    pthread_mutex_t lock; /* the main thread and the ptrace machine's both tell */
    int sock;
    int front_fd; /* pidfd of the front */
    int shell_fd; /* pidfd of the process that keeps the job's group from being orphaned; -1: it is orphaned */
    pid_t front;
    pid_t group;  /* the job's */
    bool stopped; /* the front was told to stop and not yet to go on */
};

void front_link_init(struct front_link *l, int sock, pid_t front, pid_t keeper); /* keeper: front_job_keeper() of the front */
void front_link_close(struct front_link *l); /* the front is gone; nothing is told any more */

/* Any thread. */
void front_tell_agent(struct front_link *l, pid_t agent);
void front_tell_stopped(struct front_link *l, pid_t agent, int sig); /* mirrors the agent's stop */
void front_tell_continued(struct front_link *l);
void front_tell_exit(struct front_link *l, int wait_status, int bits); /* enum front_exit; the last message */

/* Reads one message and passes a signal on to the agent. The FRONT_... that was handled, 0: nothing was there, -1: the
 * front has closed its end. FRONT_NUDGE and FRONT_SIGNAL: the caller looks at waiting calls. */
int front_link_turn(struct front_link *l, pid_t agent);
/* The process that kept the job's group from being orphaned has died. The kernel still sees us as the agent's parent in
 * another group of the session, so a stopped job would wait for ever: SIGHUP and SIGCONT as the kernel would have sent. */
void front_link_shell_died(struct front_link *l, pid_t agent);

#endif
