/* policy_vars - floor 4: variables of a policy: `~`, ${HOME}, ${WORKSPACE}, ${TMPDIR}, ${UID}, ${XDG_*}, the file's own `vars`,
 * ${env:NAME}, ${X:-default}; and literal paths to what they lead to.
 *
 * What a variable holds is literal: inside a pattern each byte of it that a pattern would read is escaped with `\`.
 */
#ifndef SW_POLICY_VARS_H
#define SW_POLICY_VARS_H

#include "policy_file.h"
#include "policy_load.h"

struct vars {
    const struct places *places;
    const struct policy_file *file; /* whose `vars` count; NULL: the command line */
};

enum vars_as {
    VARS_PATTERN, /* a path pattern: values escaped */
    VARS_PLAIN,   /* a path or an address: values as they are */
};

/* The text with its variables filled in, fresh; NULL, err and *column (0-based) on a mistake. */
char *vars_expand(const struct vars *v, const char *text, enum vars_as as, size_t *column, struct err *err);

/* Where an absolute path leads: every symbolic link resolved, as far as things exist; the rest is kept (`..` taken back). Links
 * on procfs are about whoever looks (/proc/self, /proc/PID/fd): they are kept as they are written, save the plain ones in
 * its root (/proc/mounts is /proc/self/mounts). *ret_own, fresh: the name of the last component itself, when that is a link,
 * else NULL. */
char *literal_resolve(const char *path, char **ret_own);
/* Every symbolic link that is followed on the way there, by its own name in its real folder. */
void literal_links(const char *path, void (*each)(void *arg, const char *link), void *arg);

#endif
