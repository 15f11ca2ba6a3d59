/* tui - the ncurses interface: the queue, the question that is chosen and what each answer would write, the live log, the rules with
 * their hits, the sessions.
 *
 * Keys become requests (tui_keys.c: one table, of which the help is made), requests change the state, the state is drawn
 * (tui_draw.c). All views but the queue are lists of lines (tui_lists.c) that are scrolled, searched and filtered alike. Keys that answer
 * are dead until the chosen question has been on the screen for 100 ms without a key: what was typed for another window,
 * or for the question that went away a moment ago, answers nothing. Attributes only, no colours.
 */
#ifndef SW_TUI_H
#define SW_TUI_H

#include "model.h"
#include "sessions.h"
#include <stdbool.h>

enum tui_view { VIEW_QUEUE, VIEW_DETAILS, VIEW_LOG, VIEW_RULES, VIEW_SESSIONS, VIEW_HELP, VIEW_COUNT };

#define LOG_LINES 2000
#define TYPED_MAX 64
#define QUIET_MS 100

/* A rule of a session's policy, as it was told last. */
struct tui_rule {
    const void *from;
    unsigned number, hits;
    char *line; /* safe; without the hits */
};

struct tui {
    struct model model;
    struct sessions sessions;
    enum tui_view view;
    struct question *chosen;
    int target, program;   /* rungs of the chosen question: indexes into what it offers */
    bool live;             /* keys that answer count: it was quiet for long enough */
    int64_t live_ms;       /* else: when that can be at the earliest */
    char *confirm;         /* the line to send when y comes */
    const void *confirm_to;
    char *confirm_text;    /* what is asked about it */
    char search[TYPED_MAX], filter[TYPED_MAX];
    char *typing;          /* which of the two is being typed; NULL: none */
    char *message;         /* the line above the keys */
    char *log[LOG_LINES];  /* a ring, oldest at log_at */
    int log_at, log_n;
    struct tui_rule *rule;
    unsigned rules, rules_room;
    int64_t rules_ms;      /* when they were asked for */
    bool unused;           /* only rules without a hit */
    int top;               /* of a list: the line that stands first */
    bool follow;           /* of a list: its end is shown, whatever comes */
    bool over;
    int64_t now_ms;
};

/* Of the chosen question: the rung's name, "" when it offers none. */
const char *tui_target(const struct tui *t);
const char *tui_program(const struct tui *t);
bool tui_passes(const struct tui *t, const struct question *q); /* the filter */
bool tui_found(const struct question *q, const char *text);     /* does it hold the text? */
void tui_choose(struct tui *t, struct question *q); /* its keys are dead for a moment */
void tui_quiet(struct tui *t);                      /* keys that answer are dead from now on, until it was quiet */
struct question *tui_neighbour(const struct tui *t, int step);
void tui_say(struct tui *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* tui_lists.c. The lines of the view that pass the filter: fresh, each fresh and safe; NULL-terminated. */
char **tui_lines(const struct tui *t, int *ret_n);
void tui_lines_free(char **lines);
void tui_log_closed(struct tui *t, const struct question *q, const char *how, const char *by);
void tui_log_event(struct tui *t, const struct client *from, const json_t *event); /* what was settled, answered, missed */
void tui_rule_event(struct tui *t, const struct client *from, const json_t *event);
void tui_forget_session(struct tui *t, const struct client *from); /* before its connection goes */
void tui_lists_finish(struct tui *t);

/* tui_keys.c */
void tui_key(struct tui *t, int key);
struct tui_key_text {
    const char *key, *help;
    const char *word, *list_word; /* for the line of keys: at questions, in lists; NULL: not there */
    enum tui_view view;           /* that it leads to; VIEW_QUEUE: none */
};
/* Key number i of the table for the help and the line of keys; false: no more. */
bool tui_key_row(int i, struct tui_key_text *ret);

/* tui_draw.c */
int tui_rows(void); /* that a list has on this screen */
int tui_columns(void);
void tui_draw(const struct tui *t);

#endif
