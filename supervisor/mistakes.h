/* mistakes - floor 4: what is wrong in the files that make up a policy, collected, so that all of it is told at once.
 *
 * A mistake has a place (file:line:column; line 0: the file as a whole, or the command line) and one sentence of the shape
 * "found ..., expected ...". What was found comes from a file: it passes through found(), which escapes and shortens it.
 */
#ifndef SW_MISTAKES_H
#define SW_MISTAKES_H

#include "buf.h"

struct mistake {
    char *file;
    unsigned order; /* of the file: files are told in the order in which they were read */
    int line, column;
    char *text;
};

struct mistakes {
    struct mistake *mistake;
    size_t n;
};

void mistakes_add(struct mistakes *m, const char *file, int line, int column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void mistakes_write(struct mistakes *m, struct buf *out); /* one line each, by file, line and column */
void mistakes_free(struct mistakes *m);

/* The name in names (NULL-terminated) that was probably meant, or NULL when none is near: at most a third of its letters
 * away (Levenshtein, with a swap of neighbours as one step). */
const char *nearest_name(const char *found, const char *const *names);
/* ` (nearest: NAME)` or "": ready to append. */
char *nearest_text(const char *found, const char *const *names);
/* The text in backquotes, escaped, at most 60 bytes of it. */
char *found_text(const char *text);
/* "a, b or c" */
char *names_text(const char *const *names);

#endif
