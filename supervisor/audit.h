/* audit - floor 4: one settled request to one line, handed to the scribe. docs/records.md describes the lines.
 *
 * The scribe (scribe/) is its own process: it adds seq, prev and hash, and writes. It answers on the same socket when
 * it cannot write any more; from then on audit_failed() is true and in enforce every supervised call is denied. The
 * scribe keeps room ahead on the disk, so what was handed over before that is not lost. Lines are handed over in the
 * order of the calls here; thread-safe.
 *
 * Batches: lines collect in a buffer that is sent when it holds 32 KiB, 5 ms after its first line, on audit_flush, and
 * at once for a denial or an answered ask; in a storm of those (more than 16 in a row, faster than one a millisecond)
 * they wait for the 5 ms too, because each send wakes the scribe. A supervisor that is killed loses what lies in the
 * buffer. The 5 ms are a timer inside the descriptor of audit_poll_fd: whoever polls it calls audit_turn. audit_serve
 * starts a thread that does nothing else, for a process that has no loop of its own. A scribe that does not read for 10
 * s counts as dead: nothing waits for it for good.
 *
 * The agent's own view, $SENTINEL_WATCH_DENIALS, is written here and not by the scribe, so that it is complete when
 * audit_request returns: a program that reads it after a denial finds that denial (storms aside, as above).
 */
#ifndef SW_AUDIT_H
#define SW_AUDIT_H

#include "decide.h"
#include "err.h"

struct audit;

struct audit_config {
    const char *path;       /* the log; NULL: STATE_HOME/sentinel-watch/SESSION.jsonl */
    const char *state_home; /* for the default place of the log, and for the denials file */
    const char *key;        /* --audit-key, or NULL */
    const char *session;
    const char *scribe; /* program */
    enum mode mode;
    enum audit_level level; /* never AUDIT_DEFAULT */
};

/* How a request ended: everything the record needs besides the request. */
struct outcome {
    bool allowed;      /* decision: allow or deny */
    enum effect would; /* log mode: what enforce had decided */
    enum decided_by by;
    struct decision decision;
    enum safe safe;
    const char *handler; /* which interface answered; NULL */
    bool result_known;
    int64_t result; /* value, or -errno */
    uint64_t waited_ns;
};

/* Starts the scribe (a child of the calling process, in a session of its own, all signals blocked, with no descriptor
 * but its socket) and waits until it has opened, locked and, where it exists, verified the file. Its pid is for the
 * front to wait for. audit_begin and audit_ready are the two halves: the scribe gets ready while the caller does
 * something else. After a failed audit_ready the audit is freed and the child reaped. */
int audit_begin(const struct audit_config *c, struct audit **ret, pid_t *ret_pid, struct err *err);
int audit_ready(struct audit *a, struct err *err);
int audit_start(const struct audit_config *c, struct audit **ret, pid_t *ret_pid, struct err *err);
const char *audit_path(const struct audit *a);    /* absolute */
const char *audit_denials(const struct audit *a); /* of the agent's denials file; NULL: none could be made */
/* In the process that writes, once, from a thread with our own credentials: a thread that sends batches in time and
 * listens to the scribe. Without it somebody must poll audit_poll_fd. */
int audit_serve(struct audit *a);
/* Before the first line: the bytes of the policy, whose SHA-256 the scribe adds to that line (no library for hashes is loaded here). */
void audit_policy(struct audit *a, const char *bytes, size_t len);
void audit_first(struct audit *a, const char *fields); /* JSON fields of the first line, without braces */
void audit_request(struct audit *a, const struct request *r, const struct outcome *o);
/* Will a request that ends so be written? (The level decides; what only the record needs is then worth looking up.) */
bool audit_wants(const struct audit *a, const struct request *r, const struct outcome *o);
void audit_event(struct audit *a, const char *event, const char *fields); /* anything that is not a call */
bool audit_failed(struct audit *a);
/* Readable when the scribe has something to say or a batch is due; then audit_turn(). */
int audit_poll_fd(struct audit *a);
void audit_turn(struct audit *a);
void audit_flush(struct audit *a);
struct audit_totals {
    uint64_t allowed, denied, asked, records, dropped, would_deny, would_ask;
};
/* Every call is counted, whatever the level keeps; records: the calls that were kept. */
void audit_totals(const struct audit *a, struct audit_totals *ret);
/* The last line (totals, the command's wait status, dropped) and the end of the pipe; waits until the scribe has
 * written it, at most 10 s. The denials file is removed: it was the agent's, and the log has everything. */
void audit_last(struct audit *a, int wait_status, const char *fields);
void audit_abandon(struct audit *a); /* the run did not begin: the denials file goes, the scribe is reaped, all is freed */
void audit_forget(struct audit *a); /* in a process that does not write: closes its copy */

#endif
