#include "tui.h"
#include "card_text.h"
#include "plain.h"

#include <inttypes.h>
#include <limits.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>

struct tui_row {
    int key, also; /* also: another key for the same, 0 none */
    const char *shown, *word, *list_word, *help;
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
    tui_quiet(t);
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
    const struct client *c = t->chosen ? t->chosen->from : t->sessions.first;
    if (!c || (!t->chosen && c->next)) {
        tui_say(t, c ? "of which session? choose a question of it" : "no session is connected");
        return;
    }
    BUF_AUTO name = {0};
    plain_put(&name, c->session);
    confirm(t, c, xstrdup("stop"), xasprintf("End the agent of %s and everything that it started?", name.data));
}

/* The lines of a list move; the end of the log is held on to. */
static void scroll_to(struct tui *t, int top)
{
    int n, rows = tui_rows();
    char **list = tui_lines(t, &n);
    tui_lines_free(list);
    int last = n > rows ? n - rows : 0;
    t->top = top < 0 ? 0 : top > last ? last : top;
    t->follow = t->view == VIEW_LOG && t->top == last;
}

/* Where the list stands: of one whose end is followed, that is not in `top`. */
static int top_of(struct tui *t)
{
    if (t->follow)
        scroll_to(t, INT_MAX);
    return t->top;
}

static void move_by(struct tui *t, const struct tui_row *row)
{
    if (t->view != VIEW_QUEUE) {
        scroll_to(t, top_of(t) + row->step);
        return;
    }
    struct question *q = tui_neighbour(t, row->step);
    if (q && q != t->chosen)
        tui_choose(t, q);
}

static void page(struct tui *t, const struct tui_row *row)
{
    if (t->view != VIEW_QUEUE)
        scroll_to(t, top_of(t) + row->step * tui_rows());
}

static void to_end(struct tui *t, const struct tui_row *row)
{
    if (t->view != VIEW_QUEUE)
        scroll_to(t, row->step < 0 ? 0 : INT_MAX);
}

/* The next line or question, from the one that stands first, that holds the text; round and round. */
static void find(struct tui *t, const struct tui_row *row)
{
    if (!t->search[0]) {
        tui_say(t, "/ says what to look for");
        return;
    }
    if (t->view == VIEW_QUEUE) {
        struct question *q = t->chosen;
        for (unsigned i = 0; q && i < t->model.count; i++) {
            q = model_after(&t->model, q);
            if (tui_passes(t, q) && tui_found(q, t->search)) {
                if (q != t->chosen)
                    tui_choose(t, q);
                return;
            }
        }
    } else {
        int n, from = top_of(t);
        char **list = tui_lines(t, &n);
        for (int i = 1; i <= n; i++)
            if (strstr(list[(from + i) % n], t->search)) {
                tui_lines_free(list);
                scroll_to(t, (from + i) % n);
                return;
            }
        tui_lines_free(list);
    }
    tui_say(t, "nothing holds that text");
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
    tui_quiet(t); /* the rule on the screen has changed */
}

static void program(struct tui *t, const struct tui_row *row)
{
    widen(&t->program, t->chosen, "programs");
    tui_quiet(t);
}

static void view(struct tui *t, const struct tui_row *row)
{
    t->view = t->view == (enum tui_view)row->step ? VIEW_QUEUE : (enum tui_view)row->step;
    t->top = 0;
    t->follow = t->view == VIEW_LOG;
    t->rules_ms = 0;
    tui_quiet(t); /* the question was not on the screen until now */
}

static void unused(struct tui *t, const struct tui_row *row)
{
    t->unused = !t->unused;
    t->top = 0;
    if (t->view != VIEW_RULES)
        tui_say(t, "r shows the rules");
}

static void begin_search(struct tui *t, const struct tui_row *row)
{
    t->typing = t->search;
    t->search[0] = 0;
}

static void begin_filter(struct tui *t, const struct tui_row *row)
{
    t->typing = t->filter;
    t->filter[0] = 0;
}

static void quit(struct tui *t, const struct tui_row *row)
{
    t->over = t->view == VIEW_QUEUE;
    t->view = VIEW_QUEUE;
    tui_quiet(t);
}

static const struct tui_row rows[] = {
    {'a', 0, "a", "allow", NULL, "allow once", answer, true, true, "allow", "once", 0},
    {'s', 0, "s", "session", NULL, "allow for this session, as wide as shown", answer, true, true, "allow", "session", 0},
    {'m', 0, "m", "10 min", NULL, "allow for ten minutes, as wide as shown", answer, true, true, "allow", "10m", 0},
    {'A', 0, "A", "always", NULL, "allow always: shows the rule and asks", keep, true, true, "allow", NULL, 0},
    {'d', 0, "d", "deny", NULL, "deny once", answer, true, true, "deny", "once", 0},
    {'D', 0, "D", "deny session", NULL, "deny for this session, as wide as shown", answer, true, true, "deny", "session", 0},
    {'N', 0, "N", "never", NULL, "deny always: shows the rule and asks", keep, true, true, "deny", NULL, 0},
    {'t', 0, "t", "target", NULL, "how much the rule covers: exact, name, dir, tree, host, any", target, true, false, NULL, NULL, 0},
    {'p', 0, "p", "program", NULL, "for whom the rule is: this program, under this parent, any", program, true, false, NULL, NULL, 0},
    {'j', KEY_DOWN, "j Down", NULL, NULL, "the next question, or line", move_by, false, false, NULL, NULL, 1},
    {'k', KEY_UP, "k Up", NULL, NULL, "the one before", move_by, false, false, NULL, NULL, -1},
    {' ', KEY_NPAGE, "Space PgDn", NULL, NULL, "a page on", page, false, false, NULL, NULL, 1},
    {'b', KEY_PPAGE, "b PgUp", NULL, NULL, "a page back", page, false, false, NULL, NULL, -1},
    {'g', KEY_HOME, "g Home", NULL, NULL, "the first line", to_end, false, false, NULL, NULL, -1},
    {'G', KEY_END, "G End", NULL, NULL, "the last line; the log then follows what comes", to_end, false, false, NULL, NULL, 1},
    {'v', 0, "v", "view", NULL, "all of the question and what every answer would write, and back", view, false, false, NULL, NULL, VIEW_DETAILS},
    {'l', 0, "l", "log", "log", "what is decided, as it happens, and back", view, false, false, NULL, NULL, VIEW_LOG},
    {'r', 0, "r", "rules", "rules", "the rules, with the calls that each decided, and back", view, false, false, NULL, NULL, VIEW_RULES},
    {'u', 0, "u", NULL, "unused", "of the rules only the unused ones, or all", unused, false, false, NULL, NULL, 0},
    {'S', 0, "S", NULL, NULL, "the sessions, and back", view, false, false, NULL, NULL, VIEW_SESSIONS},
    {'/', 0, "/", NULL, "search", "search: the next question or line that holds a text", begin_search, false, false, NULL, NULL, 0},
    {'n', 0, "n", NULL, "next", "the next that holds it", find, false, false, NULL, NULL, 0},
    {'&', 0, "&", NULL, "filter", "filter: only questions or lines that hold a text (empty: all)", begin_filter, false, false, NULL, NULL, 0},
    {'x', 0, "x", NULL, NULL, "end the agent (asks)", stop, false, true, NULL, NULL, 0},
    {'h', '?', "h ?", "help", "help", "this help, and back", view, false, false, NULL, NULL, VIEW_HELP},
    {'q', 0, "q", "quit", "back", "back to the questions; there: leave, they go on waiting", quit, false, false, NULL, NULL, 0},
};

bool tui_key_row(int i, struct tui_key_text *ret)
{
    if (i < 0 || (size_t)i >= sizeof rows / sizeof rows[0])
        return false;
    const struct tui_row *r = &rows[i];
    *ret = (struct tui_key_text){r->shown, r->help, r->word, r->list_word, r->run == view ? (enum tui_view)r->step : VIEW_QUEUE};
    return true;
}

static void typed(struct tui *t, int key)
{
    char *text = t->typing;
    size_t n = strlen(text);
    if (key == '\n' || key == '\r' || key == KEY_ENTER || key == 27) {
        t->typing = NULL;
        if (key == 27)
            text[0] = 0;
        if (text == t->search && text[0])
            find(t, NULL);
        else if (text == t->filter && t->view == VIEW_QUEUE && (!t->chosen || !tui_passes(t, t->chosen)))
            tui_choose(t, tui_neighbour(t, 1));
        tui_quiet(t);
    } else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && n) {
        text[n - 1] = 0;
    } else if (key >= 0x20 && key < 0x7f && n + 1 < TYPED_MAX) {
        text[n] = (char)key;
        text[n + 1] = 0;
    }
}

static void confirmed(struct tui *t, int key)
{
    char *line = t->confirm;
    if (!t->live) {
        tui_quiet(t);
        return;
    }
    t->confirm = NULL;
    if (key == 'y')
        say_line(t, t->confirm_to, line);
    else
        tui_say(t, "nothing was done");
    free(line);
    tui_quiet(t);
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
            tui_say(t, t->chosen ? "q leads back to the questions" : "nothing waits");
        else if (row->answers && row->quiet && !t->live)
            tui_quiet(t); /* typed before this could be read: thrown away, and the quiet starts anew */
        else
            row->run(t, row);
        return;
    }
}
