/* audit_line - floor 4: the JSON of a record. Pure: bytes in, bytes out; audit.c adds time and order, the scribe the
 * chain.
 *
 * Written by appending literals, because this runs once per supervised call. Everything that came from the agent goes
 * through json_bytes, so no name can end a string or a line.
 */
#ifndef SW_AUDIT_LINE_H
#define SW_AUDIT_LINE_H

#include "audit.h"

/* The fields of one request, from "pid" to "result", without braces. */
void audit_line(struct buf *b, enum mode mode, const struct request *r, const struct outcome *o);
/* The agent's own view of a denial: a whole JSON object, without a newline. */
void audit_denial_line(struct buf *b, const char *ts, const struct request *r, const struct outcome *o);
/* Does this audit level keep the request? */
bool audit_keeps(enum audit_level level, enum mode mode, const struct request *r, const struct outcome *o);

#endif
