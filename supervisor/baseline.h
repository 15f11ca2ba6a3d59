/* baseline - floor 2: system calls that are refused in addition to what enforce always refuses (calls/refused.c).
 *
 * `off` adds nothing. `mvp`, `strict` and `datasci` are the table of baseline_named.c. A file (an OCI seccomp profile, or
 * {version, allow, deny} in YAML) is read by `sentinel-policy baseline` and comes as lines (baseline_read). A baseline never takes
 * anything away from the boundary, and never refuses the few calls without which no program starts (baseline_vital).
 *
 * It becomes rows of calls.h: each refusal is notified, denied and recorded as `protected` with the rule `baseline:NAME`; log
 * mode lets the call be, and `would` says deny. Only what a file says of a socket's family is refused in BPF without a record, as
 * the other families are (trap.h): there the same numbers carry both. Conditions on arguments are looked at where they
 * stand, in registers; those that BPF can say are not even notified.
 */
#ifndef SW_BASELINE_H
#define SW_BASELINE_H

#include "baseline_words.h"
#include "calls.h"

struct baseline_test {
    int arg;
    enum baseline_op op;
    uint64_t value, mask; /* MASKED_EQ: (arg & mask) == value */
};

struct baseline_rule { /* all tests must hold; none: always */
    int errnum;        /* 0: allows */
    int tests;
    struct baseline_test test[6];
};

struct baseline_call { /* what is said of one call */
    const char *name;  /* as the kernel's tables have it */
    const char *why;
    struct baseline_rule *rule;
    size_t rules;
    int otherwise;     /* errno of what no rule matches; 0: allowed */
};

struct baseline {
    char *name;  /* as it was asked for: for the log */
    char *label; /* baseline:NAME */
    int otherwise; /* of calls that are not named */
    struct baseline_call call[FILTER_NEWEST + 1];
    struct call *rows; /* ended by one without a name */
    size_t nrows;
};

struct baseline *baseline_named(const char *name); /* one of baseline_names; `none` is off. NULL: no such name */
/* From lines that sentinel-policy wrote (baseline_words.h). Calls that other machines have are passed over. NULL: err says which line is
 * no good, or which refused call is none. */
struct baseline *baseline_read(const char *name, const char *lines, size_t len, struct err *err);
void baseline_free(struct baseline *b);

/* 0, or the errno with which this call is refused. */
int baseline_refuses(const struct baseline *b, int nr, const uint64_t args[6]);
/* Never refused: what a program needs to start and to end, and what the launcher does behind the filter. */
bool baseline_vital(int nr);

/* For who builds one: a rule for a call; then the rows. */
struct baseline_call *baseline_add(struct baseline *b, int nr, const char *name, const char *why, const struct baseline_rule *rule);
void baseline_finish(struct baseline *b);

#endif
