/* policy_helper - floor 4: what sentinel-policy is run for before the agent starts: hashes and JSON, whose libraries are never loaded here. */
#ifndef SW_POLICY_HELPER_H
#define SW_POLICY_HELPER_H

#include "places.h"

/* `sentinel-policy VERB PATH`: everything that it writes, of which at most a little more than `most` bytes are taken. -1 when it could
 * not be run, ended with another status than 0, or was cut off there. */
int policy_helper(const struct places *places, const char *verb, const char *path, size_t most, struct buf *out);

#endif
