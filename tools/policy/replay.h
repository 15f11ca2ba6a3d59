/* replay - records of past runs, judged again: a record becomes the question that the supervisor had asked.
 *
 * Paths below the workspace, the home and the temporary folder of the run are moved to those of `places`, so that runs
 * of several places and users can be judged by one policy. What a record cannot say stays unknown: the ancestors of the
 * program
 * (`under`), and the identity of files (hard links).
 */
#ifndef POLICY_REPLAY_H
#define POLICY_REPLAY_H

#include "decide.h"
#include "places.h"
#include "tools/record/record.h"

struct replay {
    const struct places *places;
    char *workspace, *home, *tmpdir; /* of the run that is being read; NULL: its first line did not say */
    uint64_t runs;                   /* first lines seen */
};

enum replay_kind {
    REPLAY_NONE,  /* not a call, or one that no policy is asked about (what the kernel refused anyway, a caller that was
                     gone) */
    REPLAY_FIXED, /* always refused, whatever the policy: the record's syscall says which */
    REPLAY_CALL,
};

struct replayed {
    enum replay_kind kind;
    struct need need[NEEDS_MAX];
    struct question question;
    struct process process;
    char **argv;
};

/* The places for judging: from the first line of the first log that says them, else the environment. */
int replay_places(char *const *logs, const char *workspace, struct places *ret, struct err *err);
/* Also follows the first lines. ret has to be freed. */
void replay_read(struct replay *p, const struct record *r, struct replayed *ret);
struct decision replay_decide(const struct policy *policy, const struct replayed *c);
void replayed_free(struct replayed *c);
void replay_end(struct replay *p);

/* Calls fn for every record of every log; 0, or the exit status of a log that cannot be read (told on stderr). */
int replay_logs(char *const *logs, void (*fn)(void *arg, const struct record *r, size_t log), void *arg);
/* One policy and what it extends, nothing else; mistakes go to stderr. */
struct policy *replay_policy(const char *name, const struct places *places);
/* A right as people write it: "write /etc/x". */
void replay_right_text(const struct need *n, struct buf *b);

#endif
