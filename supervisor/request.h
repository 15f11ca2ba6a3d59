/* request - floor 2: one trapped call turned into facts. Owned copies, no pointer into the agent, ever.
 *
 * A request has exactly one owner: session, then approval or a hand or the ptrace machine, then session again, which
 * settles it (one reply, one record) and frees it. What the call would need is listed as `needs` (a right: verb and
 * target); what the family keeps for carrying it out (pinned files, the socket, copies) hangs at `own`, made by
 * the row's read() and released by its drop().
 */
#ifndef SW_REQUEST_H
#define SW_REQUEST_H

#include "address.h"
#include "notify.h"
#include "proc.h"
#include "waits.h"
#include <sys/stat.h>

enum verb { VERB_READ, VERB_WRITE, VERB_EXEC, VERB_CONNECT, VERB_BIND, VERB_COUNT };
extern const char *const verb_names[VERB_COUNT + 1]; /* "read", "write", ...; NULL after the last */

enum target_kind {
    TARGET_PATH,      /* path: canonical, as the kernel would open it for the agent */
    TARGET_ANONYMOUS, /* a program without a file (memfd) */
    TARGET_ADDRESS,   /* addr; for a unix path, path is its canonical name too */
};

struct target {
    enum target_kind kind;
    char *raw; /* the bytes of the call, NUL-terminated copy; may be NULL */
    size_t raw_len;
    char *path; /* absolute, canonical; the caller's own /proc/PID is written /proc/self. NULL for IP and abstract */
    bool exists, is_dir;
    dev_t dev; /* when it exists: identity, for rules that hold through hard links */
    ino_t ino;
    nlink_t nlink;
    mode_t mode; /* when it exists: moving a socket moves the right to connect to it */
    unsigned flags; /* open flags, for the record */
    struct address addr;
    bool own;   /* connect: proven to be a socket that the agent's own programs bound */
    char *name; /* connect: a host name that we saw it resolve to; NULL until look-ups are seen */
};

struct need {
    enum verb verb;
    struct target target;
};

#define NEEDS_MAX 32

enum safe { SAFE_NONE, SAFE_EMULATED, SAFE_VERIFIED, SAFE_KERNEL, SAFE_HINT };

struct call;

struct request {
    struct notice notice;
    const struct call *call;
    struct process *process; /* who asks; NULL never after request_read */
    pid_t tid;
    char *cwd; /* of the calling thread; NULL when it could not be read */
    struct need *need; /* request_add makes room as it is needed: nearly every call has one or two, and a thousand may wait */
    int needs, room;
    int moved_from, moved_to; /* rename and link: indexes of the old and new name in need[], -1 otherwise. A symbolic link that
                                 is made or removed: only moved_to */
    bool exchange;            /* RENAME_EXCHANGE: both names move */
    char **argv;              /* exec: what the new program would get, NULL-terminated, bounded; NULL otherwise */
    int argc;
    int native;         /* errno that the kernel would give by itself, 0 when none is known; then no policy is asked */
    int refuse;         /* errno of a call that is always denied (`protected`), 0 when not */
    bool creates;       /* the act depends on the caller's umask, though not every call of its row does */
    int restart;        /* 512 or 513 when the row's `restart` does not say it for this one: a FIFO among opens */
    bool later;         /* reading it would wait for a slow file system: forget it and read it on a hand */
    enum wait_end waited; /* carry_out was asleep: why it is called again. After anything but ready it must not sleep once more for
                             the same: it says what has come of it (a time-out, EINTR, a partial result) */
    int again;          /* how often it was read anew: what stood there had changed before the act (struct reply) */
    const char *label;  /* whose refusal: baseline:NAME; NULL: built in */
    const char *why;    /* for refuse and for failures of ours: words for the record */
    uint64_t received_ns, asked_ns; /* CLOCK_MONOTONIC */
    uint64_t eval_ns;
    void *own;
};

void request_forget(struct request *r); /* back to the bare notice, to be read anew */
void request_free(struct request *r); /* NULL is fine; calls the row's drop() */
/* Zeroed; NULL when there are NEEDS_MAX: refuse. May move those before it: what it returned holds until the next one is added. */
struct need *request_add(struct request *r, enum verb verb, enum target_kind kind);
void target_free(struct target *t);
void target_stat(struct target *t, const struct stat *st);

#endif
