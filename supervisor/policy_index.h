/* policy_index - floor 3: where among many rules to look for one right. policy.h has the questions; this is their memory.
 *
 * Every rule stands under the keys of its patterns (pattern.h), each with its verb; a right leads to a few keys, and of the rules there
 * the first that really matches is the answer. Two tables, for protections and for rules.
 */
#ifndef SW_POLICY_INDEX_H
#define SW_POLICY_INDEX_H

#include "policy.h"

void policy_index_free(struct policy_index *x);

#endif
