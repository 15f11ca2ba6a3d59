/* trap - floor 2: which calls are trapped, made from the tables of calls.h, and what BPF refuses in silence.
 *
 * Silent refusals (enforce only) are those that libraries expect and fall back from, so they leave no record: ENOSYS for
 * io_uring, clone3 (its flags are in memory) and every number above the newest known one; EAFNOSUPPORT for socket families
 * other than UNIX, INET, INET6 and NETLINK_ROUTE; EPROTONOSUPPORT for MPTCP and SCTP.
 */
#ifndef SW_TRAP_H
#define SW_TRAP_H

#include "filter.h"

struct trap_config {
    bool enforce;
    const struct baseline *baseline; /* NULL: none */
    bool privileged;  /* the agent holds capabilities: calls that change credentials are followed */
    bool scoped;      /* Landlock holds signals inside the tree */
    bool debug_allow; /* the policy's debug: allow: tracing inside the tree is not refused */
};
int trap_build(const struct trap_config *c, struct filter *ret, struct err *err);

#endif
