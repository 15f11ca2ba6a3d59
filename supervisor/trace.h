/* trace - floor 1: the ptrace machine. One thread makes every ptrace call and every wait of the supervisor.
 *
 * It does three things: lets an exec CONTINUE and compares what the kernel did at PTRACE_EVENT_EXEC, before the new program
 * has run one instruction; makes a waiting call end with the kernel's own restart codes when a signal is pending for
 * its caller; and tells of the agent's first process (stopped, continued, ended). Per thread group the states
 * FREE, SIG, EXEC, DYING of docs/threat-model.md keep the one rule that matters: never PTRACE_SEIZE a second thread of a
 * group while another is inside exec (tracer and group would hang for good).
 *
 * All callbacks run on the machine's thread and must not block. A job belongs to the machine from trace_exec or
 * trace_restart until its callback, which comes exactly once; both may be called from a callback.
 *
 * SIGCHLD and SIGSTKFLT (its own bell) are the machine's: blocked in every thread of the supervisor, in nobody's signalfd; and nobody
 * else waits for a child. Needs SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: without it the interrupt would end the wait of the very call
 * that is to be let through.
 */
#ifndef SW_TRACE_H
#define SW_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum trace_end {
    TRACE_DONE,   /* exec: verified and running. restart: the call was ended, the caller handles its signal */
    TRACE_FAILED, /* exec: the kernel refused it (the caller saw its errno) */
    TRACE_DENIED, /* could not be traced (EPERM: somebody else traces it); the call was answered EACCES/EPERM */
    TRACE_KILLED, /* verify said no: the process was killed */
    TRACE_GONE,   /* the caller went away, or its call was ended and comes again */
};

struct trace_job {
    uint64_t id;
    pid_t tid, tgid;
    int restart;                                     /* restart jobs: 512 or 513 */
    bool (*verify)(struct trace_job *j, pid_t tgid); /* exec jobs: is this the program that was decided on? */
    void (*done)(struct trace_job *j, enum trace_end how);
    void *arg;
    /* The machine's own. */
    struct trace_job *next, *same_hash;
    int state;
};

struct trace_ops {
    void (*agent_stopped)(void *arg, int sig);
    void (*agent_continued)(void *arg);
    void (*agent_ended)(void *arg, int status); /* a wait status; comes once */
    void (*reaped)(void *arg, pid_t pid);       /* any other child or orphan that came to us */
    void (*last_child)(void *arg);              /* waitpid says ECHILD: nothing of the tree is left */
    void *arg;
};

struct trace;
/* Everything a callback of ops may need must stand before: they can run before trace_start returns. */
struct trace *trace_start(int listener, pid_t agent, const struct trace_ops *ops); /* NULL and errno on failure */
void trace_stop(struct trace *t); /* jobs that are left come back as TRACE_GONE; whoever is still traced dies (EXITKILL) */
void trace_exec(struct trace *t, struct trace_job *j);    /* the call waits at the listener; CONTINUE is ours to send */
void trace_restart(struct trace *t, struct trace_job *j); /* nobody else may answer this id any more */

/* Calls that wait (asks, hands): looked at for a pending signal. */
struct waiter {
    uint64_t id;
    pid_t tid;
    uid_t uid;
    void (*on_signal)(struct waiter *w); /* a deliverable signal is pending for tid. May come more than once */
    void (*on_gone)(struct waiter *w);   /* the caller is gone (the id is no longer valid). Comes once; NULL: not wanted */
    /* The machine's own. */
    struct waiter *next, *prev;
    bool fresh, listed;
};
void trace_watch(struct trace *t, struct waiter *w);
/* Afterwards no callback runs or will run for w: from another thread it waits for one that runs, so hold no lock that
 * a callback takes. */
void trace_unwatch(struct trace *t, struct waiter *w);
void trace_nudge(struct trace *t);                      /* look now: the front saw a signal from the terminal */

#endif
