#include "tui.h"
#include "card_text.h"

#include <inttypes.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_MS 100

struct tui_row {
    int key, also; /* also: another key for the same, 0 none */
    const char *shown, *word, *help;
    void (*run)(struct tui *t, const struct tui_row *row);
    bool answers; /* needs a chosen question */
    bool quiet;   /* waits for the quiet */
    const char *effect, *scope;
    int step;
};

static void say_line(struct tui *t, const void *to, const char *line)
{
    struct client *c = t->sessions.first;
    while (c && c != to)
        c = c->next;
    if (!c || client_say(c, "%s", line))
        tui_say(t, "the session does not listen any more");
}

static void answer(struct tui *t, const struct tui_row *row)
{
    STR_AUTO line = strcmp(row->scope, "once") == 0
                        ? xasprintf("answer %" PRIu64 " %s once", t->chosen->id, row->effect)
                        : xasprintf("answer %" PRIu64 " %s %s %s %s", t->chosen->id, row->effect, row->scope, tui_target(t), tui_program(t));
    if (strcmp(row->scope, "once") && !*tui_target(t)) {
        tui_say(t, "this can be answered only once: a or d");
        return;
    }
    say_line(t, t->chosen->from, line);
}

static void confirm(struct tui *t, const void *to, char *line, char *text)
{
    free(t->confirm);
    free(t->confirm_text);
    t->confirm = line;
    t->confirm_text = text;
    t->confirm_to = to;
    t->live_ms = t->now_ms + QUIET_MS;
}

static void keep(struct tui *t, const struct tui_row *row)
{
    const char *not = question_text(t->chosen, "always_not");
    struct buf b = {0};
    if (*not || !*tui_target(t)) {
        tui_say(t, "this cannot be kept: %s", *not ? not : "it can be answered only once");
        return;
    }
    buf_puts(&b, "Keep this rule for every run of this policy and command?\n");
    card_rules(&b, t->chosen, row->effect, tui_target(t), tui_program(t));
    confirm(t, t->chosen->from, xasprintf("answer %" PRIu64 " %s always %s %s", t->chosen->id, row->effect, tui_target(t), tui_program(t)),
            buf_steal(&b));
}

static void stop(struct tui *t, const struct tui_row *row)
{
    confirm(t, t->chosen->from, xstrdup("stop"), xstrdup("End the agent and everything that it started?"));
}

static void move_by(struct tui *t, const struct tui_row *row)
{
    if (t->view == VIEW_LOG) {
        t->scroll -= row->step;
        t->scroll = t->scroll < 0 ? 0 : t->scroll >= t->log_n ? t->log_n - 1 : t->scroll;
        return;
    }
    struct question *q = tui_neighbour(t, row->step);
    if (q && q != t->chosen)
        tui_choose(t, q);
}

/* The next rung that the question offers, round and round. */
static void widen(int *at, const struct question *q, const char *list)
{
    size_t n = json_array_size(json_object_get(q->ask, list));
    *at = n ? (int)((size_t)(*at + 1) % n) : 0;
}

static void target(struct tui *t, const struct tui_row *row)
{
    widen(&t->target, t->chosen, "targets");
    t->live_ms = t->now_ms + QUIET_MS; /* the rule on the screen has changed */
}

static void program(struct tui *t, const struct tui_row *row)
{
    widen(&t->program, t->chosen, "programs");
    t->live_ms = t->now_ms + QUIET_MS;
}

static void view(struct tui *t, const struct tui_row *row)
{
    t->view = t->view == (enum tui_view)row->step ? VIEW_QUEUE : (enum tui_view)row->step;
    t->scroll = 0;
}

static void begin_filter(struct tui *t, const struct tui_row *row)
{
    t->typing = true;
    t->filter[0] = 0;
}

static void quit(struct tui *t, const struct tui_row *row)
{
    t->over = true;
}

static const struct tui_row rows[] = {
    {'a', 0, "a", "allow", "allow once", answer, true, true, "allow", "once", 0},
    {'s', 0, "s", "session", "allow for this session, as wide as shown", answer, true, true, "allow", "session", 0},
    {'m', 0, "m", "10 min", "allow for ten minutes, as wide as shown", answer, true, true, "allow", "10m", 0},
    {'A', 0, "A", "always", "allow always: shows the rule and asks", keep, true, true, "allow", NULL, 0},
    {'d', 0, "d", "deny", "deny once", answer, true, true, "deny", "once", 0},
    {'D', 0, "D", "deny session", "deny for this session, as wide as shown", answer, true, true, "deny", "session", 0},
    {'N', 0, "N", "never", "deny always: shows the rule and asks", keep, true, true, "deny", NULL, 0},
    {'t', 0, "t", "target", "how much the rule covers: exact, name, dir, tree, host, any", target, true, false, NULL, NULL, 0},
    {'p', 0, "p", "program", "for whom the rule is: this program, under this parent, any", program, true, false, NULL, NULL, 0},
    {'j', KEY_DOWN, "j", NULL, "the next question", move_by, false, false, NULL, NULL, 1},
    {'k', KEY_UP, "k", NULL, "the one before", move_by, false, false, NULL, NULL, -1},
    {'l', 0, "l", "log", "what was answered, and back", view, false, false, NULL, NULL, VIEW_LOG},
    {'/', 0, "/", NULL, "show only questions that hold a text (empty: all)", begin_filter, false, false, NULL, NULL, 0},
    {'x', 0, "x", NULL, "end the agent (asks)", stop, true, true, NULL, NULL, 0},
    {'h', '?', "h", "help", "this help, and back", view, false, false, NULL, NULL, VIEW_HELP},
    {'q', 0, "q", "quit", "leave; questions go on waiting", quit, false, false, NULL, NULL, 0},
};

bool tui_key_row(int i, const char **key, const char **word, const char **help)
{
    if (i < 0 || (size_t)i >= sizeof rows / sizeof rows[0])
        return false;
    *key = rows[i].shown;
    *word = rows[i].word;
    *help = rows[i].help;
    return true;
}

static void typed(struct tui *t, int key)
{
    size_t n = strlen(t->filter);
    if (key == '\n' || key == KEY_ENTER || key == 27) {
        t->typing = false;
        if (key == 27)
            t->filter[0] = 0;
        if (!t->chosen || !tui_passes(t, t->chosen))
            tui_choose(t, tui_neighbour(t, 1));
    } else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && n) {
        t->filter[n - 1] = 0;
    } else if (key >= 0x20 && key < 0x7f && n + 1 < sizeof t->filter) {
        t->filter[n] = (char)key;
        t->filter[n + 1] = 0;
    }
}

static void confirmed(struct tui *t, int key)
{
    char *line = t->confirm;
    if (t->now_ms < t->live_ms) {
        t->live_ms = t->now_ms + QUIET_MS;
        return;
    }
    t->confirm = NULL;
    if (key == 'y')
        say_line(t, t->confirm_to, line);
    else
        tui_say(t, "nothing was done");
    free(line);
    t->live_ms = t->now_ms + QUIET_MS;
}

void tui_key(struct tui *t, int key)
{
    if (key == KEY_RESIZE)
        return;
    if (t->typing) {
        typed(t, key);
        return;
    }
    if (t->confirm) {
        confirmed(t, key);
        return;
    }
    free(t->message);
    t->message = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tui_row *row = &rows[i];
        if (key != row->key && !(row->also && key == row->also))
            continue;
        if (row->answers && (t->view != VIEW_QUEUE || !t->chosen))
            tui_say(t, t->chosen ? "l or h leads back to the questions" : "nothing waits");
        else if (row->answers && row->quiet && t->now_ms < t->live_ms)
            t->live_ms = t->now_ms + QUIET_MS; /* typed before this could be read: thrown away, and the quiet starts anew */
        else
            row->run(t, row);
        return;
    }
}
