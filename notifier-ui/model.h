/* model - the queue of questions as an interface sees it. Pure: objects of the protocol in, a list out.
 *
 * A question is owned by the model from its `ask` to its `closed`. `closed` is told by the caller's function before it goes.
 */
#ifndef SW_MODEL_H
#define SW_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct question {
    const void *from; /* whose: the client */
    uint64_t id;
    json_t *ask;      /* the last `ask` object */
    int64_t at_ms;    /* when that came: left_ms counts from then */
    bool fresh;       /* not shown yet */
    struct question *next;
};

struct model {
    struct question *first; /* oldest first */
    unsigned count;
};

/* Takes an object of `from` in. The question that it made or changed, else NULL. closed: told of a question that ends, with
 * the `closed` object (NULL: its connection is over); may be NULL. */
struct question *model_take(struct model *m, const void *from, json_t *object, int64_t now_ms,
                            void (*closed)(void *arg, const struct question *q, const json_t *how), void *arg);
void model_lost(struct model *m, const void *from, void (*closed)(void *arg, const struct question *q, const json_t *how), void *arg);
struct question *model_find(const struct model *m, const void *from, uint64_t id); /* from NULL: the only one of that number */
struct question *model_after(const struct model *m, const struct question *q); /* the next, the first after the last; NULL: none */
int64_t model_left_ms(const struct question *q, int64_t now_ms); /* until it is denied; -1: never */

/* Parts of the question, never NULL ("" when missing). */
const char *question_text(const struct question *q, const char *key);
/* The rules that this answer would write, as in the file: a fresh array of texts; NULL when a rung is not offered. */
char **question_rules(const struct question *q, const char *effect, const char *target, const char *program);
void question_rules_free(char **rules);

#endif
