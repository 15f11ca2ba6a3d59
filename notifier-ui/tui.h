/* tui - the ncurses interface: the queue, the question that is chosen, what each answer would write, the log of what was answered.
 *
 * Keys become requests (tui_keys.c: one table, of which the help is made), requests change the state, the state is drawn
 * (tui_draw.c). Keys that answer are dead until the chosen question has been on the screen for 100 ms without a key: what was
 * typed for another window, or for the question that went away a moment ago, answers nothing. Attributes only, no colours.
 */
#ifndef SW_TUI_H
#define SW_TUI_H

#include "model.h"
#include "sessions.h"
#include <stdbool.h>

enum tui_view { VIEW_QUEUE, VIEW_LOG, VIEW_HELP, VIEW_COUNT };

#define LOG_LINES 500
#define FILTER_MAX 64

struct tui {
    struct model model;
    struct sessions sessions;
    enum tui_view view;
    struct question *chosen;
    int target, program;   /* rungs of the chosen question: indexes into what it offers */
    int64_t live_ms;       /* keys that answer count from then on */
    char *confirm;         /* the line to send when y comes */
    const void *confirm_to;
    char *confirm_text;    /* what is asked about it */
    char filter[FILTER_MAX];
    bool typing;           /* the filter is being typed */
    char *message;         /* the line above the keys */
    char *log[LOG_LINES];  /* a ring, oldest at log_at */
    int log_at, log_n, scroll;
    bool over;
    int64_t now_ms;
};

/* Of the chosen question: the rung's name, "" when it offers none. */
const char *tui_target(const struct tui *t);
const char *tui_program(const struct tui *t);
bool tui_passes(const struct tui *t, const struct question *q); /* the filter */
void tui_choose(struct tui *t, struct question *q); /* its keys are dead for a moment */
struct question *tui_neighbour(const struct tui *t, int step);
void tui_say(struct tui *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void tui_key(struct tui *t, int key);
/* Key number i of the table for the help and the line of keys; false: no more. */
bool tui_key_row(int i, const char **key, const char **word, const char **help);
void tui_draw(const struct tui *t);

#endif
