/* trace - floor 1: the ptrace machine. One thread makes every ptrace call and every wait of the supervisor.
 *
 * It does three things: lets an exec CONTINUE and compares what the kernel did at PTRACE_EVENT_EXEC, before the new program
 * has run one instruction; makes a waiting call end with the kernel's own restart codes when a signal is pending for
 * its caller; and tells of the agent's first process (stopped, continued, ended). Per thread group the states
 * FREE, SIG, EXEC, DYING of docs/threat-model.md keep the one rule that matters: never PTRACE_SEIZE a second thread of a
 * group while another is inside exec (tracer and group would hang for good).
 *
 * All callbacks run on the machine's thread and must not block. Jobs are owned by the caller until their callback.
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
    TRACE_GONE,   /* the caller went away */
};

struct trace_job {
    uint64_t id;
    pid_t tid, tgid;
    int restart;                                     /* restart jobs: 512 or 513 */
    bool (*verify)(struct trace_job *j, pid_t tgid); /* exec jobs: is this the program that was decided on? */
    void (*done)(struct trace_job *j, enum trace_end how);
    void *arg;
    struct trace_job *next; /* the machine's */
    int state;              /* the machine's */
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
struct trace *trace_start(int listener, pid_t agent, const struct trace_ops *ops); /* NULL and errno on failure */
void trace_stop(struct trace *t);
void trace_exec(struct trace *t, struct trace_job *j);    /* the call waits at the listener; CONTINUE is ours to send */
void trace_restart(struct trace *t, struct trace_job *j); /* nobody else may answer this id any more */

/* Calls that wait (asks, hands): looked at for a pending signal. */
struct waiter {
    uint64_t id;
    pid_t tid;
    uid_t uid;
    void (*on_signal)(struct waiter *w); /* a deliverable signal is pending for tid. May come more than once */
    void (*on_gone)(struct waiter *w);   /* the caller is gone (the id is no longer valid). Comes once; NULL: not wanted */
    struct waiter *next, *prev;          /* the machine's */
};
void trace_watch(struct trace *t, struct waiter *w);
void trace_unwatch(struct trace *t, struct waiter *w); /* afterwards no callback runs or will run for w */
void trace_nudge(struct trace *t);                      /* look now: the front saw a signal from the terminal */

#endif
