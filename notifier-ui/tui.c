#include "tui.h"
#include "card_text.h"
#include "plain.h"
#include "verbs.h"

#include <inttypes.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 250   /* the seconds on the screen, and new sessions */
#define RULES_MS 2000 /* their hits are asked for so often while they are looked at */
#define CLIENTS_MAX 64

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *rung(const struct question *q, const char *list, int at)
{
    const char *s = q ? json_string_value(json_object_get(json_array_get(json_object_get(q->ask, list), (size_t)at), "rung")) : NULL;
    return s ? s : "";
}

const char *tui_target(const struct tui *t)
{
    return rung(t->chosen, "targets", t->target);
}

const char *tui_program(const struct tui *t)
{
    return rung(t->chosen, "programs", t->program);
}

bool tui_found(const struct question *q, const char *text)
{
    static const char *const keys[] = {"target", "exe", "verb", "rule"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strstr(question_text(q, keys[i]), text))
            return true;
    return false;
}

bool tui_passes(const struct tui *t, const struct question *q)
{
    return t->typing == t->filter || !t->filter[0] || tui_found(q, t->filter);
}

void tui_quiet(struct tui *t)
{
    t->live = false;
    t->live_ms = t->now_ms + QUIET_MS;
}

void tui_choose(struct tui *t, struct question *q)
{
    t->chosen = q;
    t->target = t->program = 0;
    tui_quiet(t);
    if (q)
        q->fresh = false;
}

struct question *tui_neighbour(const struct tui *t, int step)
{
    struct question *before = NULL, *first = NULL;
    bool after = false;
    for (struct question *q = t->model.first; q; q = q->next) {
        if (q == t->chosen) {
            if (step < 0)
                return before ? before : q;
            after = true;
            continue;
        }
        if (!tui_passes(t, q))
            continue;
        if (after)
            return q;
        first = first ? first : q;
        before = q;
    }
    return step > 0 && after ? (tui_passes(t, t->chosen) ? t->chosen : first) : first;
}

void tui_say(struct tui *t, const char *fmt, ...)
{
    struct buf safe = {0};
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    plain_put(&safe, line);
    free(t->message);
    t->message = buf_steal(&safe);
}

static void drop_confirm(struct tui *t)
{
    free(t->confirm);
    t->confirm = NULL;
}

static void on_closed(void *arg, const struct question *q, const json_t *how)
{
    struct tui *t = arg;
    const char *word = how ? json_string_value(json_object_get(how, "how")) : "gone";
    const char *by = json_string_value(json_object_get(how, "by"));
    tui_log_closed(t, q, word ? word : "closed", by);
    if (t->chosen != q)
        return;
    drop_confirm(t);
    struct question *next = tui_neighbour(t, 1);
    if (next == q)
        next = tui_neighbour(t, -1);
    tui_choose(t, next == q ? NULL : next);
}

static void on_object(void *arg, struct client *from, json_t *o)
{
    struct tui *t = arg;
    const char *type = json_string_value(json_object_get(o, "type"));
    model_take(&t->model, from, o, t->now_ms, on_closed, t);
    const char *why = json_string_value(json_object_get(o, "why")), *event = json_string_value(json_object_get(o, "event"));
    if (event && strcmp(type, "event") == 0) {
        if (why && strcmp(event, "refused") == 0)
            tui_say(t, "not done: %s", why);
        else if (strcmp(event, "rule") == 0)
            tui_rule_event(t, from, o);
        else
            tui_log_event(t, from, o);
    } else if (why && strcmp(type, "bye") == 0) {
        tui_say(t, "%s: %s", from->session, why);
    }
}

static void ask_for_rules(struct tui *t)
{
    if (t->view != VIEW_RULES || (t->rules_ms && t->now_ms - t->rules_ms < RULES_MS))
        return;
    t->rules_ms = t->now_ms;
    for (struct client *c = t->sessions.first; c; c = c->next)
        client_say(c, "rules");
}

static void turn(struct tui *t)
{
    struct pollfd q[CLIENTS_MAX + 1] = {{0, POLLIN, 0}};
    struct client *of[CLIENTS_MAX + 1];
    nfds_t n = 1;
    for (struct client *c = t->sessions.first; c && n <= CLIENTS_MAX; c = c->next) {
        of[n] = c;
        q[n++] = (struct pollfd){c->fd, POLLIN, 0};
    }
    int ready = poll(q, n, t->live ? TICK_MS : QUIET_MS);
    t->now_ms = now_ms();
    /* Only when nothing was there to be read: our clock may have run on while we did not, and keys with it. */
    if (ready >= 0 && !q[0].revents && t->now_ms >= t->live_ms)
        t->live = true;
    /* Keys first: they were meant for what stands on the screen, not for what comes now. */
    for (int key; (key = getch()) != ERR;)
        tui_key(t, key);
    if (ready > 0 && q[0].revents & (POLLHUP | POLLERR))
        t->over = true;
    for (nfds_t i = 1; ready > 0 && i < n; i++)
        if (q[i].revents && client_turn(of[i], on_object, t)) {
            model_lost(&t->model, of[i], on_closed, t);
            tui_forget_session(t, of[i]);
            sessions_lost(&t->sessions, of[i]);
        }
    if (!t->chosen)
        tui_choose(t, tui_neighbour(t, 1));
}

static void finish(struct tui *t)
{
    sessions_finish(&t->sessions);
    while (t->model.first)
        model_lost(&t->model, t->model.first->from, NULL, NULL);
    tui_lists_finish(t);
    free(t->confirm);
    free(t->confirm_text);
    free(t->message);
}

int tui_main(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: sentinel-watch tui [SESSION]\n");
        return argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) ? 0 : 2;
    }
    if (!isatty(0) || !isatty(1)) {
        fprintf(stderr, "sentinel-watch: tui needs a terminal; sentinel-watch console works on pipes\n");
        return 125;
    }
    struct tui t = {.sessions = {.wanted = argv[1], .name = "tui", .events = true}};
    signal(SIGPIPE, SIG_IGN);
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (!screen) {
        fprintf(stderr, "sentinel-watch: this terminal (TERM=%s) is not known to ncurses\n", getenv("TERM") ? getenv("TERM") : "");
        return 125;
    }
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    flushinp(); /* typed ahead */
    t.now_ms = now_ms();
    while (!t.over) {
        sessions_look(&t.sessions, t.now_ms);
        ask_for_rules(&t);
        tui_draw(&t);
        turn(&t);
    }
    endwin();
    delscreen(screen);
    finish(&t);
    return 0;
}
