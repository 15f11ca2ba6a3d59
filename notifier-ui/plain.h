/* plain - hostile text to safe text: everything that an interface shows goes through here.
 *
 * What comes over the wire has its control bytes and invalid bytes escaped (`\xNN`, a backslash doubled). What is left that could
 * deceive is made visible as `\u{NNNN}`: marks that change the direction of text, characters of no width, blanks that look like a space,
 * combining marks, private and unassigned ones, and whatever this terminal's locale cannot print. Escaped, never stripped: two
 * different texts never look the same for want of a character.
 */
#ifndef SW_PLAIN_H
#define SW_PLAIN_H

#include "buf.h"

void plain_put(struct buf *b, const char *text);
/* The same in at most `columns` (24 at least): what is too long keeps its beginning and its end, and says its length between. */
void plain_elide(struct buf *b, const char *text, size_t columns);
size_t plain_columns(const char *safe); /* columns that text made here takes */
/* How many bytes of text made here, up to its newline, fit into so many columns: no escape and no character is cut. 0 only at its end. */
size_t plain_fit(const char *safe, size_t columns);

#endif
