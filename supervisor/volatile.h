/* volatile - floor 0: which parts of a file's name change from run to run: process numbers, hashes, mkstemp tails.
 *
 * `settings.json.tmp.31337.1f09ab3c` is one of `settings.json.tmp.*.*`. Used where a rule is made from what was seen. Pure.
 */
#ifndef SW_VOLATILE_H
#define SW_VOLATILE_H

#include "buf.h"
#include <stdbool.h>

/* Appends name with `*` for each volatile part; everything else is put through put (which escapes what a pattern would
 * read as a glob). False: nothing in it is volatile (the text is still appended). */
bool volatile_glob(struct buf *b, const char *name, size_t n, void (*put)(struct buf *b, const char *s, size_t n));

#endif
