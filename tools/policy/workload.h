/* workload - what some runs did: every right they used, once, with counts, and what is to become of it in a policy. */
#ifndef POLICY_WORKLOAD_H
#define POLICY_WORKLOAD_H

#include "replay.h"
#include "shape.h"

enum fate {
    FATE_RULE,    /* becomes an allow rule */
    FATE_COVERED, /* what the new policy builds on allows it already */
    FATE_REVIEW,  /* sensitive or refused: a rule in a comment, for a person to decide */
};

struct right {
    struct need need; /* owned */
    char **argv;      /* exec: of the first sight */
    enum fate fate;
    char *why;    /* FATE_REVIEW */
    bool refused; /* a run's policy or user said no: why says which */
    bool base_allows;
    bool exactly; /* no globs, no widening: a wider pattern missed it */
    struct seen seen;
};

struct workload {
    struct places places;
    struct policy *base;      /* what the new policy builds on; NULL: nothing, so the built-in defaults */
    struct policy *sensitive; /* agent-base: its denies and asks say what is never allowed silently */
    struct replay replay;
    struct tally keys;  /* data: struct right */
    struct tally fixed; /* calls that no policy permits */
    size_t runs;
    uint64_t records;
    bool partial; /* a run was recorded at a level that leaves allowed calls out */
};

/* 0, or an exit status; what is wrong was told on stderr. */
int workload_read(struct workload *w, char *const *logs);
void workload_judge(struct workload *w); /* sets every fate */
/* Another right for the policy, or the same one exactly. False: nothing changed. */
bool workload_want(struct workload *w, const struct need *n);
/* Is a right of this call left to a person? Then whatever the policy says of the call is as it should be. */
bool workload_reviewed(struct workload *w, const struct replayed *c);
/* NULL, or a right that is left to a person and that the policy allows all the same, though the base does not. */
const struct right *workload_leak(const struct workload *w, const struct policy *p);
/* The paths of one verb that are left to a person; the list is the caller's, the paths are not. */
char **workload_avoid(const struct workload *w, enum verb v);
struct right *workload_find(struct workload *w, const struct need *n);
void workload_free(struct workload *w);

#endif
