/* record - reading the audit log (docs/records.md): one line to one struct, and the filters that show, stats and
 * generate share.
 *
 * Text fields are as they stand in the log, that is escaped (buf.h): safe for a terminal. record_bytes gives the
 * agent's own bytes back. Pointers live as long as the record.
 */
#ifndef TOOLS_RECORD_H
#define TOOLS_RECORD_H

#include "buf.h"
#include <jansson.h>
#include <stdio.h>

struct record {
    json_t *json;
    const char *line; /* as read, without the newline; valid until the next record_read */
    size_t len;
    const char *ts, *event, *session, *mode, *exe, *syscall, *verb, *decision, *would, *rule, *rule_at,
        *decided_by; /* NULL: absent or null */
    json_t *target;  /* NULL: absent */
};

struct record_reader {
    FILE *file;
    char *line;
    size_t cap;
    uint64_t lines, strange; /* read; those of them that are no records */
};

/* The next record: 1, or 0 at the end. Lines that are no JSON objects are counted and passed over. A line without its
 * newline is still being written: left for the next call. Free with record_free. */
int record_read(struct record_reader *r, struct record *ret);
void record_free(struct record *r);
void record_reader_end(struct record_reader *r); /* closes the file */

const char *record_text(const json_t *object, const char *field); /* NULL when absent or not a string */
/* What a text field said in the agent's bytes; false when absent or not ours. */
bool record_bytes(const json_t *object, const char *field, struct buf *b);
/* For people: the path, `10.0.0.1:443`, `unix:/p`, `anonymous`; the raw name when nothing else is known. */
void record_target(const json_t *target, struct buf *b);
/* allow, ask or deny: what a policy said. In log mode `would`; else what was asked counts as ask. */
const char *record_effect(const struct record *r);

#endif
