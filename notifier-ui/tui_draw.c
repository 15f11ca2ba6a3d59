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
        size_t len = strcspn(text, "\n"), at = 0;
        do {
            size_t take = len - at;
            STR_AUTO part = xstrndup(text + at, take);
            while (take > 1 && plain_columns(part) > (size_t)a->columns) {
                do
                    take--;
                while (take > 1 && ((unsigned char)text[at + take] & 0xc0) == 0x80); /* not inside a character */
                part[take] = 0;
            }
            mvaddstr(a->y++, 0, part);
            at += take;
        } while (at < len && a->y < a->end);
        text += len + (text[len] == '\n');
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
    buf_puts(&b, " sentinel-watch: ");
    if (!t->sessions.first)
        buf_printf(&b, "waiting for %s", t->sessions.wanted ? t->sessions.wanted : "a session");
    for (const struct client *c = t->sessions.first; c; c = c->next)
        buf_printf(&b, "%s [%s]%s", c->session, c->word ? c->word : "", c->next ? ", " : "");
    buf_printf(&b, "  %u %s", t->model.count, t->model.count == 1 ? "question" : "questions");
    if (t->filter[0] || t->typing)
        buf_printf(&b, "  /%s%s", t->filter, t->typing ? "_" : "");
    plain_elide(&cut, b.data, (size_t)columns);
    bar(0, columns, cut.data);
}

static void key_line(int y, int columns)
{
    BUF_AUTO b = {0};
    const char *key, *word, *help;
    for (int i = 0; tui_key_row(i, &key, &word, &help); i++)
        if (word && (int)(b.len + strlen(word) + 4) < columns)
            buf_printf(&b, " %s %s ", key, word);
    bar(y, columns, b.data);
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
        if (left >= 0)
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

static void log_view(const struct tui *t, struct area a)
{
    int room = a.end - a.y, last = t->log_n - t->scroll, first = last > room ? last - room : 0;
    if (!t->log_n)
        mvaddstr(a.y, 0, "Nothing was answered yet.");
    for (int i = first; i < last && a.y < a.end; i++) {
        struct area one = {a.y, a.y + 1, a.columns};
        lines(&one, t->log[(t->log_at + i) % LOG_LINES]);
        a.y++;
    }
}

static void help_view(struct area a)
{
    const char *key, *word, *help;
    for (int i = 0; tui_key_row(i, &key, &word, &help) && a.y < a.end; i++)
        mvprintw(a.y++, 0, "  %-3s %.*s", key, a.columns > 8 ? a.columns - 8 : 0, help);
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
        STR_AUTO text = xasprintf("\n%s\n\ny: yes    any other key: back", t->confirm_text);
        lines(&body, text);
    } else if (t->view == VIEW_LOG) {
        log_view(t, body);
    } else if (t->view == VIEW_HELP) {
        help_view(body);
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
    key_line(rows - 1, columns);
    refresh();
}
