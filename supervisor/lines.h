/* lines - floor 1: who waits for the same thing stands in a line, and only the first of it takes a thread.
 *
 * For what poll(2) does not tell. The first sleeps in the kernel as its caller would; when it is done the next one is the first.
 * Two kinds of things:
 * - room in the backlog of a unix listener: there is room for one, so the next tries after it;
 * - the other end of a FIFO (`together`): natively everybody who waits in open(2) goes on when it comes, even if it leaves at
 *   once; so all that stand behind the first are let go while it is still held (settle_act.c).
 *
 * Nobody in a line is looked at but by these functions; each is in one line at most. Any thread.
 */
#ifndef SW_LINES_H
#define SW_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct line_key {
    char name[140]; /* what it waits for, n bytes */
    size_t n;
    bool together;
};

struct stander {
    /* The lines' own. */
    struct line *line; /* NULL: in none */
    struct stander *next, *prev;
    bool stopped;
};

enum line_place {
    LINE_FIRST,   /* nobody else stands there: it takes a thread, and calls lines_next() when it is done */
    LINE_BEHIND,  /* from now on it belongs to the line */
    LINE_STOPPED, /* lines_leave() came before: it stands nowhere */
};

struct lines;
struct lines *lines_new(void);
enum line_place lines_join(struct lines *l, const struct line_key *k, struct stander *s);
/* The first is done and out; the one behind it is the first now, and is returned. NULL: nobody; or s was in no line. */
struct stander *lines_next(struct lines *l, struct stander *s);
/* Of a line that goes together: all who stand behind its first leave it, chained by `next`. NULL: nobody, or it does not. */
struct stander *lines_let_go(struct lines *l, struct stander *first);
/* true: it stood behind, and is out now. false: it does not stand yet (then it never will), or it is the first, or was let go. */
bool lines_leave(struct lines *l, struct stander *s);

#endif
