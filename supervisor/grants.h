/* grants - floor 3: answers that the user gave, remembered: they settle asks and nothing else. Pure but for its own lock.
 *
 * The newest that matches stands first. Each is the rule that was shown to the user, for this session or until a time;
 * `always` answers are loaded at the start as session grants with a file of origin. Time is passed in (CLOCK_MONOTONIC ns).
 * The rules live as long as the grants: a decision holds the one that let it through until it is recorded, and an act can wait
 * for hours. They are as many as the answers that a user gave.
 */
#ifndef SW_GRANTS_H
#define SW_GRANTS_H

#include "policy.h"

struct grants;
struct grants *grants_new(void);
void grants_free(struct grants *g);
/* Takes the rule (allow or deny). until_ns 0: as long as the session lives. Exact answers (a grant of identity: the very
 * file that was shown) have dev/ino != 0 and then match only that file. */
void grants_add(struct grants *g, struct rule *rule, uint64_t until_ns, dev_t dev, ino_t ino);
/* The newest answer that matches this need, or NULL. */
const struct rule *grants_match(const struct grants *g, const struct need *need, char *const *argv,
                                const struct process *process, uint64_t now_ns);
void grants_set_now(struct grants *g, uint64_t now_ns); /* the clock that decide() uses */
uint64_t grants_now(const struct grants *g);

#endif
