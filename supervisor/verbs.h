/* verbs - floor 5: what `sentinel-watch VERB ...` means: the one table of verbs, and those that are done in this program.
 *
 * A verb is done here (run), by another program, as git does (program; `whole`: it also gets the verb's own word), or it is
 * known and not built yet (instead: what to do until then).
 */
#ifndef SW_VERBS_H
#define SW_VERBS_H

#include "places.h"
#include <stdbool.h>
#include <stddef.h>

struct verb_row {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *program;
    bool whole;
    const char *instead;
    const char *usage; /* what VERB --help says; NULL: the verb says it itself */
};

const struct verb_row *verbs_at(size_t i); /* NULL after the last */
const struct verb_row *verbs_find(const char *name);

/* How a verb without arguments begins: our own lines on stderr, nothing behind the verb, and where things are. 0, or the exit
 * status with the reason said. */
int verb_begin(int argc, char **argv, const char *verb, struct places *ret);

/* argv[0] is the verb. Each returns the exit status. */
int cmd_sessions(int argc, char **argv);
int cmd_profiles(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_completion(int argc, char **argv);

#endif
