/* baseline_words - floor 2: the words of baselines, for who only reads and writes them: the command line, policies, sentinel-policy.
 *
 * Between sentinel-policy, which reads a baseline's file, and the supervisor go lines of words, numbers in decimal or with 0x:
 *
 *   otherwise ERRNO                          the first; 0: what is not named is allowed
 *   call NAME ERRNO [ARG OP VALUE [MASK]]... ERRNO 0 allows; OP: ne lt le eq ge gt, or masked_eq, which has a MASK
 */
#ifndef SW_BASELINE_WORDS_H
#define SW_BASELINE_WORDS_H

#include <stdbool.h>

extern const char *const baseline_names[]; /* strict, mvp, datasci, off; NULL-terminated */
bool baseline_is_file(const char *text);   /* names have neither a slash nor a dot */

enum baseline_op { OP_NE, OP_LT, OP_LE, OP_EQ, OP_GE, OP_GT, OP_MASKED_EQ };
extern const char *const baseline_op_names[]; /* NULL-terminated */

#endif
