/* proc - floor 1: facts about processes, each learned once.
 *
 * A `struct process` is an immutable snapshot of one process running one program: after an exec there is a new one. It is
 * reference counted (process_ref, process_unref; any thread). Its parent is remembered as it was when first seen, so
 * that `under` rules survive a parent that died; when the ancestry cannot be followed up to the agent's first
 * process (a daemon met late), lineage_known is false.
 *
 * procs is thread-safe. Thread ids are checked against a pidfd of the very thread (PIDFD_THREAD, Linux 6.9; before that
 * /proc is read again), so a reused number is never taken for the old one; a thread that was seen some milliseconds ago is not
 * checked again, where no number can come around in that time.
 */
#ifndef SW_PROC_H
#define SW_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    int refs;
    pid_t pid, ppid; /* the thread group's id; the parent's as first seen */
    uid_t uid;
    char *exe;  /* /proc/PID/exe; never NULL ("" when unreadable) */
    char comm[16]; /* its first thread's name when it was first seen; of a new child its parent's */
    struct process *parent; /* NULL for the agent's first process, or when unknown */
    bool lineage_known;
};

struct procs;
struct procs *procs_new(pid_t supervisor);
void procs_free(struct procs *p);
void procs_root(struct procs *p, pid_t agent); /* the agent's first process: where every known lineage ends */
struct process *procs_of(struct procs *p, pid_t tid); /* a new reference; NULL: gone */
struct process *process_ref(struct process *p);
void process_unref(struct process *p);
/* Log mode let an exec by tid go on: it may still fail, so its program is looked at when it calls again. path: as it was given
 * to the call, NULL unknown. */
void procs_exec(struct procs *p, pid_t tid, const char *path);
/* An exec was seen to happen. exe: the program when it is known (it was verified), NULL: to be looked at. */
void procs_became(struct procs *p, pid_t tgid, const char *exe, const char *path);
/* The name of the working folder of tid, a copy; NULL when it cannot be read. Remembered, because procs_moves is told of every
 * chdir; what others do to the folder is seen a tenth of a second later. Any caller of procs_of may ask. */
char *procs_cwd(struct procs *p, pid_t tid);
void procs_moves(struct procs *p, pid_t tid); /* its chdir goes on now: over when it calls again */
void procs_gone(struct procs *p, pid_t pid); /* reaped: forget it */
/* pidfd_getfd(2) from the table of thread tid; a close-on-exec descriptor of ours, or -errno. -EBADF is the caller's
 * own error; anything else means that the call must be denied. */
int procs_getfd(struct procs *p, pid_t tid, int fd);
bool procs_descends(struct procs *p, pid_t pid); /* is pid (or tid) below the supervisor now? */

/* Plain reads of /proc/TID, not remembered (proc_read.c). -1 when gone. */
struct proc_ids {
    pid_t tgid, ppid;
    uid_t euid;
    gid_t egid;
    unsigned umask;
    int ngroups;
    gid_t groups[64]; /* more than 64: ngroups is -1 and proc_groups has to be asked */
    uint64_t cap_eff;
    uint64_t sig_pending, sig_blocked; /* SigPnd | ShdPnd; SigBlk */
    unsigned sigq;
    int seccomp, no_new_privs;
};
int proc_status(pid_t tid, struct proc_ids *ret);
char *proc_link(pid_t tid, const char *name); /* readlink of /proc/TID/NAME, fresh, NULL on failure */
int proc_stat(pid_t pid, char *state, pid_t *ppid, pid_t *pgrp, pid_t *session, int *tty_nr, pid_t *tpgid); /* any may be NULL */

#endif
