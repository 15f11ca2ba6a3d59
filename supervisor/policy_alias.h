/* policy_alias - floor 4: the other names that a place has because its file system is mounted more than once (bind mounts).
 *
 * A deny or ask rule and a protection hold under each of them; an allow rule says what it says. Looked up when the policy loads, as
 * hard links are: nothing in enforce can mount, and what somebody else mounts later is not known.
 */
#ifndef SW_POLICY_ALIAS_H
#define SW_POLICY_ALIAS_H

#include "pattern.h"

/* For each pattern of the NULL-terminated list, adds the same one under every other name of its literal part. */
void policy_add_aliases(struct path_pattern ***list);

#endif
