/* session - floor 5: the story of one run, told once: from a trapped call to its record.
 *
 *   request -> decision -> verdict -> reply -> record
 *
 * session_run is the supervisor's whole life after the fork: launch, listen, serve, end.
 */
#ifndef SW_SESSION_H
#define SW_SESSION_H

#include "approval.h"
#include "audit.h"
#include "launch.h"
#include "policy_load.h"

struct session_config {
    enum mode mode;
    const char *name;
    struct policy *policy;
    const struct baseline *baseline;
    const struct places *places;
    char **argv;            /* the command */
    char *path;             /* the program found for it */
    char **envp;            /* the agent's environment */
    enum approval_how approval;
    int64_t approval_timeout_ms;
    const char *socket;     /* of this session, NULL none */
    int console_fd;         /* sockets of the interfaces on this terminal and on the desktop (started.h), -1 */
    int desktop_fd;
    bool has_terminal;      /* a controlling terminal: somebody may be there to answer */
    const char *answers;    /* the file of remembered answers (answers.h); NULL: none is read or written */
    struct audit *audit;
    const char *audit_path;
    bool linger;
    int front_sock;         /* to the front */
    pid_t front;
    pid_t keeper;           /* front_job_keeper() as seen before the fork */
    sigset_t mask;          /* signal mask we were started with */
    struct rlimit nofile;   /* limit of descriptors we were started with; ours is raised */
    bool quiet, json;
    bool fail_on_denied;
};

/* The supervisor process. Never returns. */
void session_run(struct session_config *c) __attribute__((noreturn));

#endif
