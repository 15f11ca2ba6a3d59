/* policy_trust - floor 4: the project's policy, which the agent may have written, and whether the user has trusted it as it is.
 *
 * `policy trust` notes its SHA-256 and its path in $XDG_CONFIG_HOME/sentinel-watch/trusted, a line each: "HASH  PATH". No
 * library for hashes is loaded here: `sentinel-policy hash` reads the file once and hands back the hash and the very bytes
 * that were hashed, on a pipe.
 */
#ifndef SW_POLICY_TRUST_H
#define SW_POLICY_TRUST_H

#include "policy_load.h"

/* The file's bytes (the caller's) and whether they are trusted. 0 or -errno (-EINVAL: not a plain file). */
int policy_trust_read(const struct places *places, const char *path, char **ret, size_t *ret_len, bool *ret_trusted);
char *policy_trust_list(const struct places *places); /* the path of the list; fresh */

enum { POLICY_HASH_LEN = 64 }; /* SHA-256 in hexadecimal */

#endif
