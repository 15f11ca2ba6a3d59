/* notify - floor 1: the seccomp listener's ioctls. Nobody else answers the kernel.
 *
 * seccomp_unotify(2). `id` names one waiting call; it stays valid until the call is answered or the caller is gone, and
 * proves only that the call still waits, not that the caller's memory stood still. `tid` is a thread id. All functions
 * return 0 or -errno; -ENOENT means that the caller has gone: normal life, nothing to report.
 *
 * CONTINUE lets the kernel read the caller's memory again, so in enforce it is only right for a named reason
 * (enum continue_reason): each is a sentence of docs/threat-model.md.
 */
#ifndef SW_NOTIFY_H
#define SW_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct notice {
    uint64_t id;
    pid_t tid;
    uint32_t arch;
    int nr;
    uint64_t args[6];
};

enum continue_reason {
    CONTINUE_LOG_MODE,      /* log mode changes nothing */
    CONTINUE_EXEC_VERIFIED, /* the ptrace machine compares what the kernel did before the program runs */
    CONTINUE_O_PATH,        /* the flag stands in a register; every later use of the descriptor is judged */
    CONTINUE_BASELINE,      /* the baseline looks at arguments, and they stand in registers */
    CONTINUE_NO_RIGHT,      /* registers alone say that the call reaches nothing (an empty buffer, AF_UNSPEC by length) */
};

int notify_prepare(int listener); /* sets SYNC_WAKE_UP where the kernel has it (6.6), learns the sizes; 0 or -errno */
bool notify_sync_wakes(void); /* has the kernel taken SYNC_WAKE_UP? For doctor */
int notify_receive(int listener, struct notice *ret); /* 0; -EINTR/-ENOENT: again; -ENOTCONN: no task is left to trap */
bool notify_valid(int listener, uint64_t id);
int notify_value(int listener, uint64_t id, int64_t value);
int notify_error(int listener, uint64_t id, int errnum); /* errnum > 0; 512 and 513 are the kernel's restart codes */
int notify_continue(int listener, uint64_t id, enum continue_reason why);
/* Puts fd into the caller. The number, or -errno; the call still waits for its answer. */
int notify_add_fd(int listener, uint64_t id, int fd, bool cloexec);
/* The same and the answer in one step: our reference outlives the call for a moment (see calls/file). */
int notify_add_fd_send(int listener, uint64_t id, int fd, bool cloexec);

#endif
