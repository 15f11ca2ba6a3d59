/* card_text - a question as lines of text, every byte of it through plain.h. For the line interface and for details. */
#ifndef SW_CARD_TEXT_H
#define SW_CARD_TEXT_H

#include "model.h"
#include "buf.h"

/* The card: who wants what, in lines of at most columns. */
void card_text(struct buf *b, const struct question *q, size_t columns, int64_t now_ms);
/* More: parents, every right, and the rule that each rung would write. */
void card_details(struct buf *b, const struct question *q, size_t columns);
/* One line: "cat wants to read /x". */
void card_line(struct buf *b, const struct question *q, size_t columns);
/* "  rule  {allow: ...}" for each rule of that answer; false: not offered. */
bool card_rules(struct buf *b, const struct question *q, const char *effect, const char *target, const char *program);

#endif
