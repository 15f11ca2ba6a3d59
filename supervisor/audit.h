/* audit - floor 4: one settled request to one line, handed to the scribe.
 *
 * The scribe (scribe/) is its own process: it adds seq, prev and hash, and writes. It answers on the same socket when it
 * cannot write any more; from then on audit_failed() is true and in enforce every supervised call is denied. The
 * scribe keeps room ahead on the disk, so what was handed over before that is not lost. Lines are handed over in the
 * order of the calls here; thread-safe.
 */
#ifndef SW_AUDIT_H
#define SW_AUDIT_H

#include "decide.h"
#include "err.h"

struct audit;

struct audit_config {
    const char *path;       /* the log; NULL: default place */
    const char *key;        /* --audit-key, or NULL */
    const char *session;
    const char *scribe;     /* program */
    enum mode mode;
    enum audit_level level; /* never AUDIT_DEFAULT */
};

/* How a request ended: everything the record needs besides the request. */
struct outcome {
    bool allowed;           /* decision: allow or deny */
    enum effect would;      /* log mode: what enforce had decided */
    enum decided_by by;
    struct decision decision;
    enum safe safe;
    const char *handler;    /* which interface answered; NULL */
    bool result_known;
    int64_t result;         /* value, or -errno */
    uint64_t waited_ns;
};

/* Starts the scribe (a child of the calling process, in a group of its own) and waits until it has opened, locked and,
 * where it exists, verified the file. Its pid is for the front to wait for. */
int audit_start(const struct audit_config *c, struct audit **ret, pid_t *ret_pid, struct err *err);
void audit_first(struct audit *a, const char *fields); /* JSON fields of the first line, without braces */
void audit_request(struct audit *a, const struct request *r, const struct outcome *o);
void audit_event(struct audit *a, const char *event, const char *fields); /* anything that is not a call */
bool audit_failed(struct audit *a);
int audit_poll_fd(struct audit *a); /* readable when the scribe has something to say; then audit_turn() */
void audit_turn(struct audit *a);
void audit_flush(struct audit *a);
struct audit_totals { uint64_t allowed, denied, asked, records, dropped, would_deny, would_ask; };
void audit_totals(const struct audit *a, struct audit_totals *ret);
/* The last line (totals, the command's wait status, dropped) and the end of the pipe. */
void audit_last(struct audit *a, int wait_status, const char *fields);
void audit_forget(struct audit *a); /* in a process that does not write: closes its copy */

#endif
