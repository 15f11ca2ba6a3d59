/* calls - floor 2: the tables of supervised calls, one file per family under calls/, one row per call.
 *
 * The filter, the policy's verbs, the audit's names and the manual derive from these rows. A new call is a new row; a new
 * family a new file and one line in calls.c (docs/adding-a-call.md).
 *
 * read() turns the notice into facts, without any side effect: it copies arguments, pins what they lead to, adds needs. It
 * returns how the call goes on. carry_out() does the allowed act on our own copies, with the caller's rights and umask
 * already assumed by whoever calls it (may_block says whether that must be a hand), and fills the reply; it must
 * not reply itself. An act that was interrupted (EINTR on a hand that was told so) returns reply->error = EINTR.
 */
#ifndef SW_CALLS_H
#define SW_CALLS_H

#include "filter.h"
#include "lines.h"
#include "request.h"

enum next {
    NEXT_JUDGE,    /* needs (or native, or refuse) are filled: decide */
    NEXT_GONE,     /* the caller has gone: drop it without a word */
    NEXT_PASS,     /* no right is touched and nothing is decided on memory: CONTINUE, r->pass says why; no record */
    NEXT_PERFORM,  /* no right is touched, but memory decided: carry_out, no record */
};

enum carry {
    CARRY_OUT,  /* carry_out() and reply */
    CARRY_EXEC, /* CONTINUE under the ptrace machine, verified */
    CARRY_PASS, /* allowed and safe to CONTINUE: registers alone decided (reason in `pass`) */
};

struct reply {
    int64_t value;
    int error;    /* > 0: the caller's errno */
    int fd;       /* >= 0: to be put into the caller; owned by the reply */
    bool cloexec;
    bool late;    /* our reference must be gone before the caller goes on: ADDFD, close, SEND */
    bool again;   /* the world changed between judging and acting, and what stands there now was not judged: with error set
                     (for who cannot start over): read the request again and judge it again */
    bool asleep;  /* not done: it would wait, and this thread must not. Call carry_out again (request.waited): */
    int wait_fd;  /* ... when this one is ready. It stays the request's and open. -1: on a hand, where it may sleep */
    uint32_t wait_for;   /* of epoll(7) */
    uint64_t wait_until; /* CLOCK_MONOTONIC ns; 0: for ever */
    int restart;  /* error EINTR: what to answer instead of the row's restart code (EINTR: never restarted); 0: the row's */
    int sigpipe;  /* != 0: the act would have raised SIGPIPE: send it to the caller's thread after the reply */
};

/* What a family needs from us besides the notice. One per session, immutable after the start. */
struct calls_env {
    int listener;
    struct procs *procs;
    bool enforce;
    bool debug_allow; /* the policy's debug: the tree may read and change its own memory */
    pid_t supervisor;
    void *owned; /* calls/net: what the agent's own programs bound */
    const struct baseline *baseline; /* what it refuses in addition; its rows were given to calls_prepare */
};

struct call {
    int nr;
    const char *name;
    enum next (*read)(const struct calls_env *env, struct request *r);
    /* Which way an allowed request goes; NULL means CARRY_OUT. Pure. */
    enum carry (*carry)(const struct request *r);
    bool (*may_block)(const struct request *r); /* NULL: never */
    /* What it waits for on a hand, when several may wait for the same (lines.h). NULL, false: it needs a hand of its own. */
    bool (*line)(const struct request *r, struct line_key *ret);
    uint64_t (*object)(const struct request *r); /* what it acts on beside its needs: the socket. NULL: nothing */
    void (*carry_out)(const struct calls_env *env, struct request *r, struct reply *reply);
    /* CARRY_EXEC: called at PTRACE_EVENT_EXEC, before the new program runs: is it the one that was decided on? */
    bool (*verify)(const struct calls_env *env, struct request *r, pid_t tgid);
    const char *(*program)(const struct request *r); /* verified: by what name it runs; NULL: /proc/PID/exe says it */
    void (*drop)(struct request *r); /* frees r->own */
    bool creates;          /* the act depends on the caller's umask */
    int restart;           /* 512: EINTR natively (ERESTARTSYS); 513: always restarted (ERESTARTNOINTR) */
    enum continue_reason pass;
    bool enforce_only;     /* not trapped in log mode (refusals, and what only protects ourselves) */
    bool log_only;         /* trapped in log mode to be noted; enforce refuses it in BPF */
    bool refuses;          /* always refused: before what a baseline says of the same call */
    bool sandbox;          /* refused, and what a program's own sandbox is made of: the summary says so */
    bool unseen;           /* log mode: what is done through it may be missing from the log */
    bool privileged_only;  /* trapped only when the agent holds capabilities */
    bool unscoped_only;    /* enforce, and only where Landlock has no scopes */
    bool debug;            /* not trapped when the policy says debug: allow */
    const struct filter_test *tests; /* all must hold for the call to be trapped; NULL: always */
};

const struct call *calls_after(const struct call *row, const struct notice *n); /* the next such row after this one */
const struct call *calls_find(const struct notice *n); /* the row whose number and tests fit; NULL: not ours to know */
/* All rows, family by family; NULL-terminated array of tables each ended by a row with name NULL. */
extern const struct call *const calls_tables[];

/* Equal for a call that a signal interrupted and that the kernel makes again: the same number, arguments and object. */
uint64_t calls_identity(const struct request *r);

/* For the families: the bytes of the caller's string argument, with the native errors. 0, or r->native is set (EFAULT,
 * ENAMETOOLONG, ENOENT is left to resolving) and -1, or -2: the caller has gone. */
int calls_path(const struct calls_env *env, struct request *r, uint64_t addr, char **ret);

#endif
