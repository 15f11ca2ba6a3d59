/* policy_compile - floor 4: a rule as it was written to a rule that can be judged: variables filled in, patterns parsed, their
 * literal parts led to where they lead.
 */
#ifndef SW_POLICY_COMPILE_H
#define SW_POLICY_COMPILE_H

#include "policy_vars.h"

/* Compiles every rule of the file into file->compiled. A rule with a mistake leaves NULL there. */
void policy_compile(struct policy_file *f, const struct places *places, struct mistakes *m);
/* One rule: label and at are its own ("FILE:#N", "path:line"). NULL: mistakes were added. file: NULL for the command line. */
struct rule *policy_compile_rule(const struct rule_source *s, const struct policy_file *file, const struct places *places,
                                 const char *shown, const char *label, const char *at, struct mistakes *m);

/* Rules of our own making: patterns without variables, which cannot fail. Resolved like the others. */
void rule_add_path(struct rule *r, const char *pattern);
void rule_add_to(struct rule *r, const char *pattern);

#endif
