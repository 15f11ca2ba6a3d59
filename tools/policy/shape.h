/* shape - from paths that were seen to few patterns: variables, globs for volatile parts, and folders widened where
 * enough was seen. Deterministic: the same input, in any order, gives the same patterns.
 *
 * A folder becomes `FOLDER/` `*` or `FOLDER/` `**` when WIDEN_NAMES different names were seen in it, and never when it
 * is `/`, a top folder, /etc, the home or above it, in /proc, /sys or /dev, or when a place that a rule of the
 * sensitive policy names lies in it; inside the workspace, and where such a rule could match anywhere (`**`), the place
 * is taken out with `except` instead.
 */
#ifndef POLICY_SHAPE_H
#define POLICY_SHAPE_H

#include "places.h"
#include "policy.h"
#include "tools/record/tally.h"

#define WIDEN_NAMES 4

struct seen {                    /* where a pattern came from */
    uint64_t calls, names, runs; /* runs: a bit for each */
    struct tally programs;
};
void seen_add(struct seen *to, const struct seen *s);
/* "12 calls, 3 names, in 2 of 3 runs; sh, cat" */
void seen_text(struct seen *s, unsigned runs, struct buf *b);

struct shape; /* the paths of one verb */
/* avoid: paths, NULL-terminated, that no glob and no widened folder may take in. Everything stays the caller's. */
struct shape *shape_new(enum verb verb, const struct places *places, const struct policy *sensitive,
                        char *const *avoid);
void shape_free(struct shape *s);
/* widen: false keeps it as it is (programs, and what a wider pattern missed). */
void shape_add(struct shape *s, const char *path, bool widen, const struct seen *seen);

struct shaped {
    char *pattern;     /* in the policy's words: ${WORKSPACE}/... */
    char **except;     /* NULL-terminated, or NULL */
    struct seen *seen; /* of the shape */
};
/* All patterns, in the order of their texts. The array ends with a NULL pattern; free with shaped_free. */
struct shaped *shape_patterns(struct shape *s);
void shaped_free(struct shaped *p);

/* One path in the policy's words, with its volatile parts as globs when sensitive is given; NULL keeps every byte. */
char *shape_path(const struct places *places, const struct policy *sensitive, const char *path);

#endif
