/* policy_shadow - floor 4: rules that can never match, because an earlier one covers all that they name. Told by `policy check`;
 * not part of loading: it compares every rule with every other.
 */
#ifndef SW_POLICY_SHADOW_H
#define SW_POLICY_SHADOW_H

#include "policy.h"

/* One line each, file:line first. Only what the writer of one file can mend: a rule covered by an earlier one of the same
 * file, or by a hard deny. Returns how many. */
size_t policy_shadowed(const struct policy *p, struct buf *out);

#endif
