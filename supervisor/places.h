/* places - floor 4: where things are: HOME, TMPDIR, XDG_*, the runtime folder, our own programs and profiles.
 *
 * HOME from the environment, else the password file. TMPDIR else /tmp. XDG_* have the specification's defaults. Sockets:
 * $XDG_RUNTIME_DIR, else /run/user/UID when it is ours, else /tmp/sentinel-watch-UID, made 0700 with its owner checked.
 */
#ifndef SW_PLACES_H
#define SW_PLACES_H

#include "err.h"
#include "policy_load.h"

/* Strings live until the process ends. workspace: what the user said (-w), or NULL for the working folder; then one that is `/`
 * or the home is refused, because nobody means to hand those over by the way. */
int places_find(struct places *ret, const char *workspace, struct err *err);
/* The folder for sockets (places->sockets), created 0700, owner and mode checked. The caller owns *ret. */
int places_sockets(const struct places *p, char **ret, struct err *err);
/* The full path of one of our own programs (sentinel-scribe...): beside the running one, else ../lib/sentinel-watch, else (for
 * sentinel-watch itself, asked for by one of the others) ../../bin. Fresh; NULL when it is not there. */
char *places_program(const struct places *p, const char *name);

#endif
