/* answers - floor 4: what the user answered, as rules: for the session, and in the file that the next run reads.
 *
 * The file (`always`) is $XDG_CONFIG_HOME/sentinel-watch/answers/POLICY-COMMAND.yaml: a policy that `policy check` accepts, one rule a
 * line with where it came from in the comment above, oldest first. It is replaced as a whole, under a lock of its folder.
 */
#ifndef SW_ANSWERS_H
#define SW_ANSWERS_H

#include "err.h"
#include "policy_load.h"
#include "rungs.h"

/* A fresh rule as `{EFFECT: TARGET PROGRAM}` says. label: "answer:N". -1: the pattern is none that the policy knows. */
int answers_rule(const struct rungs *g, int right, enum effect effect, enum wire_target t, enum wire_program p, const char *label,
                 const char *at, struct rule **ret, struct err *err);
/* The line as it stands in the file: "{allow: [read], path: ['/x'], by: ['/bin/cat']}". */
void answers_text(const struct rungs *g, int right, enum effect effect, enum wire_target t, enum wire_program p, struct buf *b);
/* Where the answers of this policy and command are kept. */
char *answers_path(const char *config_home, const char *policy, const char *command);
/* Adds the lines (each "{...}", `n` of them) with a comment. Atomic: the file is the old one or the new one. */
int answers_keep(const char *path, char *const *line, int n, const char *comment, struct err *err);
/* The whole file anew, when it still holds `before` (somebody may have answered meanwhile). Atomic. */
int answers_replace(const char *path, const char *before, const struct buf *after, struct err *err);
/* What earlier runs kept, as grants of this one (answers_load.c). 0 when there is no file; -1 when it holds a mistake. */
int answers_load(const char *path, const struct places *places, struct grants *grants, struct err *err);

#endif
