/* wire - floor 4: the interfaces' protocol (docs/protocol.md): a line of words in, a JSON object a line out. Pure.
 *
 * The supervisor's side parses words and writes JSON; the interfaces (notifier-ui/) use the names and limits. Nothing here
 * allocates while parsing: the length is checked before anything is looked at.
 */
#ifndef SW_WIRE_H
#define SW_WIRE_H

#include "buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PROTOCOL 1
#define WIRE_LINE_MAX 4096 /* the newline included */
#define WIRE_NAME_MAX 32

enum wire_what { WIRE_ANSWER, WIRE_SUBSCRIBE_ASKS, WIRE_SUBSCRIBE_EVENTS, WIRE_SUBSCRIBE_NOTHING, WIRE_RULES, WIRE_STOP, WIRE_PING };
enum wire_scope { WIRE_ONCE, WIRE_SESSION, WIRE_ALWAYS, WIRE_FOR };
enum wire_target { RUNG_EXACT, RUNG_NAME, RUNG_DIR, RUNG_TREE, RUNG_HOST, RUNG_DOMAIN, RUNG_ANY, RUNG_COUNT };
enum wire_program { PROGRAM_THIS, PROGRAM_PARENT, PROGRAM_ANY, PROGRAM_COUNT };
extern const char *const wire_target_names[RUNG_COUNT];   /* "exact", "name", ... */
extern const char *const wire_program_names[PROGRAM_COUNT]; /* "program", "parent", "any" */

struct wire_line {
    enum wire_what what;
    char name[WIRE_NAME_MAX + 1]; /* subscribe: "" when none was given */
    uint64_t id;                  /* answer, from here on */
    bool allow;
    enum wire_scope scope;
    int64_t for_ms; /* WIRE_FOR */
    enum wire_target target;
    enum wire_program program;
};

/* One line without its newline. 0; or -1 and *why says what is wrong (a constant). ret is written only on success. */
int wire_parse(const char *line, size_t n, struct wire_line *ret, const char **why);

/* Each appends one whole line, newline included. */
/* word: what true questions of this session show; NULL for an interface that the agent can draw over. */
void wire_hello(struct buf *b, const char *session, const char *policy, const char *word);
struct wire_head { uint64_t id; unsigned count; uint64_t waited_ms, left_ms; };
void wire_ask(struct buf *b, const struct wire_head *h, const char *fields); /* fields: what else the card says, "k":v,... */
void wire_closed(struct buf *b, uint64_t id, const char *how, const char *by);
void wire_event(struct buf *b, const char *event, const char *fields); /* fields: NULL for none */
void wire_bye(struct buf *b, const char *why);

#endif
