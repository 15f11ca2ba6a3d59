/* policy_find - floor 4: where policies lie: profiles by name or by the command they are for, files, and their bytes.
 *
 * A profile NAME is $XDG_CONFIG_HOME/sentinel-watch/profiles/NAME.yaml, else the built-in one of that name.
 */
#ifndef SW_POLICY_FIND_H
#define SW_POLICY_FIND_H

#include "policy_load.h"

bool policy_is_file_name(const char *name); /* has a / or ends in .yaml or .yml: a file, not a profile */
char *policy_profile_path(const struct places *p, const char *name); /* fresh; NULL: there is none of that name */
/* Every profile's name once, sorted, NULL-terminated; each name and the list are the caller's. */
char **policy_profile_names(const struct places *p);
void policy_names_free(char **names);

/* The bytes of a policy. regular: it has to be a plain file (nothing that the agent could have put there may block us); a
 * file that the user names may be a pipe. 0 or -errno (-EFBIG above YAML_MAX, -EINVAL not a plain file). */
int policy_read_bytes(const char *path, bool regular, char **ret, size_t *ret_len);

#endif
