/* options - floor 5: the command line and the variables that stand for flags.
 *
 * Flags beat the environment, the environment beats the policy; an empty variable is an unset one; the last of a repeated
 * flag wins, save --policy and the ad-hoc rules. Everything after `--` is the program. Every error is one sentence: what
 * was found, what was expected, the way out; err->status is 2.
 *
 * One table (options.c) holds each flag beside its letter, its variable and what takes its value; the completions and the
 * manual are checked against it.
 */
#ifndef SW_OPTIONS_H
#define SW_OPTIONS_H

#include "approval.h"
#include "err.h"
#include "policy_load.h"

struct options {
    bool mode_set, approval_set;
    enum mode mode;
    enum approval_how approval;
    const char **policies; /* NULL-terminated; NULL: none said */
    size_t npolicies;
    struct adhoc *adhoc;
    size_t nadhoc;
    const char *workspace; /* NULL: the working folder */
    int64_t approval_timeout_ms; /* -1: not said */
    const char *audit, *audit_key, *session, *baseline;
    bool linger, fail_on_denied, json, quiet, verbose, no_color, version, help;
    bool immutable;
    char **command; /* NULL: no `--`, or nothing after it */
};

/* Flags only, of argv[1]...: for --help and tests. */
int options_parse(struct options *o, int argc, char **argv, struct err *err);
/* Then what the flags left open, from the environment. */
int options_environment(struct options *o, struct err *err);
void options_free(struct options *o);

/* The approval that a policy's `approval.handlers` asks for: "auto", "reject" or a list. handlers: which interfaces auto may
 * start, a bit for each enum approval_how. 0, or -1 with the reason. */
int options_approval(const char *text, enum approval_how *ret, unsigned *handlers, struct err *err);
/* A session name: [A-Za-z0-9._-]{1,64}, other bytes become `_`. Fresh. */
char *options_session_name(const char *text);
/* BASENAME-YYYYMMDDTHHMMSS-PID of a command started now. Fresh. */
char *options_session_default(const char *command);

/* One row a flag, for who lists them: NULL after the last. */
struct option_row;
const char *options_name(size_t i, char *ret_letter, const char **ret_value);

#endif
