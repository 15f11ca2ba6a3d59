/* policy_identity - floor 4: files inside literal deny trees that have several hard links: what a deny rule names by its place is
 * denied by identity too. Bounded: a walk that would be long is cut short with a warning.
 */
#ifndef SW_POLICY_IDENTITY_H
#define SW_POLICY_IDENTITY_H

#include "policy_load.h"

void policy_index_identity(struct policy *p, struct buf *warnings);

#endif
