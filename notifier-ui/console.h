/* console - the line interface: lines in, lines out, nothing moves on the screen, so pipes and screen readers work.
 *
 * On a terminal one question is shown at a time and its keys are lines ("a" and Enter). What was typed before a question was shown, and
 * within 100 ms of quiet after it, is thrown away; Enter alone answers nothing. From a pipe every answer names its question ("a 3").
 * On the agent's own terminal (shared.h) it is the same, only printed when nothing is disturbed and read only while a question stands.
 */
#ifndef SW_CONSOLE_H
#define SW_CONSOLE_H

#include "model.h"
#include "popup.h"
#include "sessions.h"
#include <stdbool.h>

enum console_state {
    CONSOLE_IDLE,  /* no question is shown */
    CONSOLE_QUIET, /* shown; input is thrown away until it has been quiet for a while */
    CONSOLE_OPEN,  /* shown, and keys live */
};

struct console {
    struct model model;
    struct sessions sessions;
    int in, out;
    bool tty;           /* in is a terminal */
    bool shared;        /* the agent's own terminal */
    pid_t front;        /* shared: the shell's job */
    struct popup popup; /* shared: while the terminal is not free */
    int64_t busy_ms;    /* shared: since when it is not, while a question waits; 0 */
    bool in_popup;      /* this is what a popup shows: leaves when nothing waits */
    int64_t idle_ms;    /* in_popup: when nothing waits until then, it leaves */
    enum console_state state;
    struct question *shown;
    int64_t quiet_ms;   /* QUIET: keys live from then on */
    char *confirm;      /* the line to send when "yes" comes, NULL */
    const void *confirm_to;
    struct buf line;    /* input without its newline yet */
    bool over;          /* leave */
    int status;
    int64_t now_ms;
};

/* console_keys.c: one line of input. */
void console_line(struct console *c, char *line);
void console_help(struct console *c);
void console_say(struct console *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void console_write(struct console *c, const struct buf *b);
void console_show(struct console *c, struct question *q); /* the card, and its keys after the quiet */
void console_prompt(struct console *c);
unsigned console_columns(const struct console *c);

#endif
