/* approval - floor 4: the pending asks: cards, deadlines, interfaces. It decides nothing by itself.
 *
 * One thread (the desk) owns it: it serves the session's socket (docs/protocol.md), the console on the agent's own terminal
 * when that was asked for, and the deadlines. approval_open hands a request over; it comes back
 * through ops->answered exactly once, on the desk's thread: with an answer, a timeout, unattended, or because the caller
 * has gone or was interrupted by a signal.
 *
 * After each answer everything that waits is judged again (decide()), and so is a request when it arrives: an answer that was
 * given in between counts. A request that a user denied is denied again for five seconds without a question.
 *
 * What it tells interfaces besides: the calls that were settled, as the audit log has them, and the rules with their hits.
 *
 * The files: card (what is shown), rungs (how wide an answer can be), answers (the rules that are written), interfaces (the
 * connections), peer (who may connect), wire (the protocol), started (the interfaces that a session starts itself).
 */
#ifndef SW_APPROVAL_H
#define SW_APPROVAL_H

#include "audit.h"
#include "decide.h"
#include "trace.h"

struct approval;

enum approval_how { APPROVAL_AUTO, APPROVAL_CONSOLE, APPROVAL_TUI, APPROVAL_DESKTOP, APPROVAL_REJECT };
#define APPROVAL_ALL (1u << APPROVAL_CONSOLE | 1u << APPROVAL_TUI | 1u << APPROVAL_DESKTOP)

struct approval_ops {
    /* allowed: what the user, an older answer or the end of waiting says. handler: who answered, or NULL; stays valid. */
    void (*answered)(void *arg, struct request *r, const struct decision *d, bool allowed, enum decided_by by, const char *handler);
    /* The caller has a signal to handle: nobody answers any more, the call is to be restarted by the machine. */
    void (*interrupted)(void *arg, struct request *r, const struct decision *d);
    void (*stop_agent)(void *arg);
    void *arg;
};

struct approval_config {
    const char *session;
    const char *socket;     /* path of SESSION.sock; NULL: none */
    enum approval_how how;
    int64_t timeout_ms;     /* 0 for ever */
    int console_fd;         /* socket of the line interface on the agent's terminal (started.h), or -1 */
    int desktop_fd;         /* socket of the desktop interface that was started (started.h), or -1 */
    bool has_terminal;      /* a controlling terminal: somebody may be there, so asks wait for an interface */
    const char *home;       /* too wide to be opened with one key; NULL: unknown */
    const char *answers;    /* the file for `always` (answers.h); NULL: not offered */
    const struct policy *policy;
    struct grants *grants;
    struct trace *trace;    /* NULL: callers are not watched (tests) */
    struct audit *audit;    /* NULL: none (tests) */
    struct approval_ops ops;
};

/* The config's strings must stay. Call it on the main thread: it gives the process the name by which supervisors are known. */
int approval_start(const struct approval_config *c, struct approval **ret, struct err *err);
void approval_open(struct approval *a, struct request *r, const struct decision *d); /* any thread; takes r */
/* A call that a user had allowed (on_answered) was interrupted by a signal before it was done. When the very same comes again within a
 * second it goes on by the same answer: once. Any thread, before the call is restarted. identity: calls_identity(), which may
 * be had only while the act has not let go of its object. */
void approval_again(struct approval *a, const struct request *r, const struct decision *d, uint64_t identity, const char *handler);
void approval_stop(struct approval *a); /* ends the desk; every ask still open comes back as BY_GONE */
void approval_free(struct approval *a); /* after approval_stop, when nothing is left that could settle a call */
/* A call was settled: counted for its rule, and told to the interfaces that follow events. Any thread; a may be NULL. */
void approval_record(struct approval *a, const struct request *r, const struct outcome *o);
const char *approval_hint(const struct approval *a); /* for the start line: how to answer; NULL: nothing to say */

#endif
