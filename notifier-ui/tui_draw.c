#include "tui.h"
#include "card_text.h"
#include "plain.h"

#include <inttypes.h>
#include <ncurses.h>
#include <string.h>

struct area { int y, end, columns; };

/* Safe text (plain.h made it), wrapped by columns of the screen; what does not fit below is left out. */
static void lines(struct area *a, const char *text)
{
    while (*text && a->y < a->end) {
        size_t n = plain_fit(text, (size_t)a->columns);
        STR_AUTO part = xstrndup(text, n);
        mvaddstr(a->y++, 0, part);
        text += n + (text[n] == '\n');
    }
}

static void bar(int y, int columns, const char *text)
{
    attron(A_REVERSE);
    mvhline(y, 0, ' ', columns);
    mvaddnstr(y, 0, text, columns);
    attroff(A_REVERSE);
}

static void title(const struct tui *t, int columns)
{
    BUF_AUTO b = {0};
    BUF_AUTO cut = {0};
    static const char *const names[VIEW_COUNT] = {"", "details of ", "log of ", "rules of ", "sessions: ", "help: "};
    buf_printf(&b, " sentinel-watch: %s", names[t->view]);
    if (!t->sessions.first)
        buf_printf(&b, "waiting for %s", t->sessions.wanted ? t->sessions.wanted : "a session");
    for (const struct client *c = t->sessions.first; c; c = c->next)
        buf_printf(&b, "%s [%s]%s", c->session, c->word ? c->word : "", c->next ? ", " : "");
    buf_printf(&b, "  %u %s", t->model.count, t->model.count == 1 ? "question" : "questions");
    if (t->filter[0] || t->typing == t->filter)
        buf_printf(&b, "  &%s%s", t->filter, t->typing == t->filter ? "_" : "");
    if (t->search[0] || t->typing == t->search)
        buf_printf(&b, "  /%s%s", t->search, t->typing == t->search ? "_" : "");
    plain_elide(&cut, b.data, (size_t)columns);
    bar(0, columns, cut.data);
}

/* The keys of this view, as many as there is room for; that for help always. */
static void key_line(const struct tui *t, int y, int columns)
{
    BUF_AUTO b = {0};
    struct tui_key_text k;
    for (int pass = 0; pass < 2; pass++) /* help last, and room is kept for it */
        for (int i = 0; tui_key_row(i, &k); i++) {
            const char *word = t->view == VIEW_QUEUE ? k.word : k.list_word;
            if (!word || (k.view == VIEW_HELP) != pass)
                continue;
            if (b.len + strlen(k.key) + strlen(word) + 3 + (pass ? 0 : sizeof " h help " - 1) <= (size_t)columns)
                buf_printf(&b, " %s %s ", k.key, word);
        }
    bar(y, columns, b.data ? b.data : "");
}

static int64_t waited_s(const struct tui *t, const struct question *q)
{
    return (json_integer_value(json_object_get(q->ask, "waited_ms")) + (t->now_ms - q->at_ms)) / 1000;
}

/* The queue, as many lines as there is room for, the chosen one always among them. */
static void queue(const struct tui *t, struct area a)
{
    int room = a.end - a.y, before = 0;
    for (const struct question *q = t->model.first; q && q != t->chosen; q = q->next)
        before += tui_passes(t, q);
    int skip = before >= room ? before - room + 1 : 0;
    for (const struct question *q = t->model.first; q && a.y < a.end; q = q->next) {
        if (!tui_passes(t, q) || skip-- > 0)
            continue;
        BUF_AUTO b = {0};
        BUF_AUTO line = {0};
        int count = (int)json_integer_value(json_object_get(q->ask, "count"));
        int64_t left = model_left_ms(q, t->now_ms);
        buf_printf(&b, "%s%4" PRIu64 " %4d s ", q == t->chosen ? ">" : " ", q->id, (int)waited_s(t, q));
        if (left >= 120 * 1000)
            buf_printf(&b, "(%d min left) ", (int)(left / 60000));
        else if (left >= 0)
            buf_printf(&b, "(%d s left) ", (int)((left + 999) / 1000));
        if (count > 1)
            buf_printf(&b, "x%d ", count);
        size_t used = b.len;
        card_line(&line, q, (size_t)a.columns > used ? (size_t)a.columns - used : 0);
        buf_put(&b, line.data, line.len);
        if (q == t->chosen)
            attron(A_BOLD);
        struct area one = {a.y, a.y + 1, a.columns};
        lines(&one, b.data);
        attroff(A_BOLD);
        a.y++;
    }
}

/* What an answer would write comes first: on a small screen it is the last that may be missing. */
static void details(const struct tui *t, struct area a)
{
    BUF_AUTO b = {0};
    if (*tui_target(t)) {
        buf_printf(&b, "s, m and A would write (t: %s, p: %s):\n", tui_target(t), tui_program(t));
        card_rules(&b, t->chosen, "allow", tui_target(t), tui_program(t));
        const char *not = question_text(t->chosen, "always_not");
        if (*not)
            buf_printf(&b, "not A: %s\n", not);
    } else {
        buf_puts(&b, "This can be answered only once: a or d.\n");
    }
    card_text(&b, t->chosen, (size_t)a.columns, t->now_ms);
    lines(&a, b.data);
}

/* A list, one line of the screen for each; what the search looks for stands out. */
static void list_view(const struct tui *t, struct area a)
{
    int n, room = a.end - a.y;
    char **list = tui_lines(t, &n);
    int last = n > room ? n - room : 0, top = t->follow || t->top > last ? last : t->top;
    if (!n)
        mvaddnstr(a.y, 0, t->filter[0] ? "No line holds that text." : "Nothing yet.", a.columns);
    for (int i = top; i < n && a.y < a.end; i++) {
        BUF_AUTO cut = {0};
        if (t->view == VIEW_RULES) /* what says most stands first */
            buf_put(&cut, list[i], plain_fit(list[i], (size_t)a.columns));
        else
            plain_elide(&cut, list[i], (size_t)a.columns);
        bool found = t->search[0] && strstr(list[i], t->search);
        if (found)
            attron(A_BOLD);
        mvaddstr(a.y++, 0, cut.data);
        attroff(A_BOLD);
    }
    tui_lines_free(list);
}

int tui_columns(void)
{
    return getmaxx(stdscr);
}

int tui_rows(void)
{
    return getmaxy(stdscr) - 3;
}

void tui_draw(const struct tui *t)
{
    int rows, columns;
    getmaxyx(stdscr, rows, columns);
    erase();
    if (rows < 6 || columns < 30) {
        mvaddnstr(0, 0, "too small", columns);
        refresh();
        return;
    }
    struct area body = {1, rows - 2, columns};
    title(t, columns);
    if (t->confirm) {
        STR_AUTO text = xasprintf("\n%s\n\nWith y it is done; any other key leads back.", t->confirm_text);
        lines(&body, text);
    } else if (t->view != VIEW_QUEUE) {
        list_view(t, body);
    } else if (!t->chosen) {
        mvaddnstr(2, 2, t->model.count ? "No question holds that text." : "Nothing waits.", columns - 2);
    } else {
        int room = body.end - body.y, list = room / 3 < (int)t->model.count ? room / 3 : (int)t->model.count;
        list = list < 1 ? 1 : list;
        queue(t, (struct area){body.y, body.y + list, columns});
        mvhline(body.y + list, 0, ACS_HLINE, columns);
        details(t, (struct area){body.y + list + 1, body.end, columns});
    }
    if (t->message)
        mvaddnstr(rows - 2, 0, t->message, columns);
    if (t->confirm)
        bar(rows - 1, columns, " y yes  any other key: back");
    else
        key_line(t, rows - 1, columns);
    refresh();
}
