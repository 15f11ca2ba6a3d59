/* words - a workload to the text of a policy: rules with where they came from behind each pattern, and what is left for
 * review as rules in comments. */
#ifndef POLICY_WORDS_H
#define POLICY_WORDS_H

#include "workload.h"

/* A whole policy. base: what it extends, or NULL. */
void words_fresh(const struct workload *w, const char *base, struct buf *b);
/* The text of a policy that loads, with what it lacks added at the end of its rules. -1: it cannot be added to. */
int words_merged(const struct workload *w, const char *old, struct buf *b, struct err *err);

#endif
