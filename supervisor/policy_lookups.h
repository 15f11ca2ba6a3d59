/* policy_lookups - floor 4: look-ups at the machine's own resolvers are judged by `network.resolve`, not by rules for connect: with
 * `any`, one allow that stands before every other rule. Protections and hard denies hold all the same.
 */
#ifndef SW_POLICY_LOOKUPS_H
#define SW_POLICY_LOOKUPS_H

#include "policy.h"

/* The rule for the `nameserver` lines of a resolv.conf(5); at most as many as the C library asks. Without one it asks this
 * machine. The caller's. */
struct rule *policy_lookups_rule(const char *resolv_conf);

#endif
