/* rungs - floor 4: how wide an answer can be: for each right that is asked about, what each rung of the ladder matches. Pure.
 *
 * The texts are patterns in the words of the policy. A rung that would be as narrow as `exact`, or too wide to be offered (a folder that is
 * `/`, the home or above it, or /etc), is NULL. A right that lacks the chosen rung is answered exactly: an answer is never
 * wider than what was shown.
 *
 * A rename or link may ask about what the old name refuses and the new one would give (decide.h, moved_asks): those are rights on the
 * old name, each with a rule of its own, or the answer would not be found when it comes again.
 */
#ifndef SW_RUNGS_H
#define SW_RUNGS_H

#include "decide.h"
#include "wire.h"

struct rung_right {
    enum verb verb;
    enum target_kind kind;
    char *pattern[RUNG_COUNT]; /* NULL: not offered. exact NULL too: the right has no name that a rule could hold */
    dev_t dev;                 /* identity of an existing file: binds an exact answer */
    ino_t ino;
};

struct rungs {
    struct rung_right *right; /* one for each right that asks */
    int rights;
    char *by, *under; /* patterns; NULL: not known */
};

/* The verbs for which need i of the call is asked about: 1 << VERB_...; 0: it is not. In the order of these bits, need by need, stand the
 * rights of struct rungs. */
unsigned rungs_verbs(const struct request *r, const struct decision *d, int i);
struct rungs *rungs_new(const struct request *r, const struct decision *d, const char *home);
void rungs_free(struct rungs *g);
bool rungs_offer_target(const struct rungs *g, enum wire_target t);
bool rungs_offer_program(const struct rungs *g, enum wire_program p);
/* NULL, or why an answer cannot be kept in a file (a constant). */
const char *rungs_not_always(const struct rungs *g);

/* The two fragments of which the rule `{EFFECT: TARGET PROGRAM}` is made: "[read], path: ['/x']" and ", by: ['/bin/cat']". */
void rungs_target_text(const struct rungs *g, int right, enum wire_target t, struct buf *b);
void rungs_program_text(const struct rungs *g, enum wire_program p, struct buf *b);

#endif
