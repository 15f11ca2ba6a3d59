/* agent_env - floor 5: the environment that the command gets.
 *
 * In log mode it is the caller's, unchanged. In enforce: the caller's, less what the policy's `env.drop` names and `env.keep`
 * does not, plus SENTINEL_WATCH_DENIALS, plus the proxy variables when the policy sets a proxy.
 */
#ifndef SW_AGENT_ENV_H
#define SW_AGENT_ENV_H

#include "policy.h"

/* A fresh array; the strings that were not changed are the caller's own. denials: NULL none. */
char **agent_env(char **environ_, const struct policy *p, const char *denials);

#endif
