#include "console.h"
#include "card_text.h"
#include "fd.h"
#include "plain.h"
#include "shared.h"
#include "verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define QUIET_MS 100
#define SHARED_LOOK_MS 200 /* how often the agent's terminal is looked at while a question waits for it */
#define POPUP_MS 300 /* so long the agent's terminal was not free when a popup opens: a moment in raw mode is nothing */
#define POPUP_IDLE_MS 500 /* a popup goes away so long after the last question: the next may be right behind */
#define CLIENTS_MAX 64

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

unsigned console_columns(const struct console *c)
{
    struct winsize w;
    if (!ioctl(c->out, TIOCGWINSZ, &w) && w.ws_col)
        return w.ws_col;
    return c->tty ? 80 : 2000;
}

void console_write(struct console *c, const struct buf *b)
{
    if (b->len && fd_write_all(c->out, b->data, b->len))
        c->over = true;
}

void console_say(struct console *c, const char *fmt, ...)
{
    BUF_AUTO b = {0};
    char line[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    plain_put(&b, line);
    buf_putc(&b, '\n');
    console_write(c, &b);
}

static bool ready(const struct console *c)
{
    return !c->shared || shared_ready(c->in, c->front);
}

void console_prompt(struct console *c)
{
    if (!c->tty || c->over || c->state != CONSOLE_OPEN)
        return;
    BUF_AUTO b = {0};
    if (c->confirm)
        buf_puts(&b, "yes? ");
    else
        buf_printf(&b, "answer %" PRIu64 " [a]llow, [s]ession, [d]eny, [D]eny for the session, [A]lways, [?], [h]elp: ", c->shown->id);
    console_write(c, &b);
}

static void throw_away(struct console *c)
{
    if (c->tty)
        tcflush(c->in, TCIFLUSH);
    buf_clear(&c->line);
}

void console_show(struct console *c, struct question *q)
{
    BUF_AUTO b = {0};
    const struct client *from = q->from;
    unsigned columns = console_columns(c);
    buf_printf(&b, "%ssentinel-watch asks, question %" PRIu64 " of ", c->shared ? "\n" : "", q->id);
    plain_put(&b, from->session);
    if (from->word) {
        buf_puts(&b, " [");
        plain_put(&b, from->word);
        buf_putc(&b, ']');
    }
    if (c->model.count > 1)
        buf_printf(&b, " (%u wait)", c->model.count);
    buf_puts(&b, ": ");
    card_text(&b, q, columns, c->now_ms);
    if (c->shared)
        buf_puts(&b, "  The agent can write on this terminal too: this question cannot prove itself. Another terminal can: sentinel-watch console\n");
    buf_puts(&b, "  s would write:\n");
    if (!card_rules(&b, q, "allow", "exact", "program"))
        buf_puts(&b, "    nothing: it can be answered only once\n");
    q->fresh = false;
    c->shown = q;
    free(c->confirm);
    c->confirm = NULL;
    console_write(c, &b);
    throw_away(c);
    c->state = c->tty ? CONSOLE_QUIET : CONSOLE_OPEN;
    c->quiet_ms = c->now_ms + QUIET_MS;
}

/* ---- what sessions say */

static void on_closed(void *arg, const struct question *q, const json_t *how)
{
    struct console *c = arg;
    const char *word = how ? json_string_value(json_object_get(how, "how")) : "gone";
    const char *by = json_string_value(json_object_get(how, "by"));
    bool was_shown = c->shown == q, told = was_shown || (!c->tty && !q->fresh);
    if (was_shown) {
        c->shown = NULL;
        c->state = CONSOLE_IDLE;
        free(c->confirm);
        c->confirm = NULL;
        throw_away(c); /* half an answer is not left for whoever reads the terminal next */
    }
    if (!told || !ready(c))
        return;
    if (was_shown && c->tty) { /* off the line of the prompt */
        BUF_AUTO b = {0};
        buf_putc(&b, '\n');
        console_write(c, &b);
    }
    if (word && !strcmp(word, "elsewhere"))
        word = "asked elsewhere from now on";
    console_say(c, "question %" PRIu64 ": %s%s%s", q->id, word ? word : "closed", by ? " by " : "", by ? by : "");
}

static void on_object(void *arg, struct client *from, json_t *o)
{
    struct console *c = arg;
    const char *type = json_string_value(json_object_get(o, "type"));
    model_take(&c->model, from, o, c->now_ms, on_closed, c);
    if (strcmp(type, "hello") == 0 && !c->shared) {
        console_say(c, "attached to %s; its true questions say: %s", from->session, from->word ? from->word : "nothing");
    } else if (strcmp(type, "event") == 0) {
        const char *why = json_string_value(json_object_get(o, "why"));
        if (why && ready(c)) {
            console_say(c, "not done: %s", why);
            console_prompt(c);
        }
    }
}

static void lost(struct console *c, struct client *from)
{
    model_lost(&c->model, from, on_closed, c);
    if (!c->shared)
        console_say(c, "%s: %s", from->session, from->why ? from->why : "the connection ended");
    if (c->shared || c->sessions.wanted) {
        c->over = true;
        c->status = from->why ? 0 : 1;
    }
    sessions_lost(&c->sessions, from);
}

/* ---- what the user says */

static void read_input(struct console *c)
{
    char chunk[1024];
    ssize_t n = read(c->in, chunk, sizeof chunk);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) { /* Ctrl-D on the agent's terminal is the agent's business; a hang-up is the end */
        if (n < 0 || !c->shared)
            c->over = true;
        return;
    }
    if (c->state == CONSOLE_QUIET) {
        c->quiet_ms = c->now_ms + QUIET_MS;
        return;
    }
    buf_put(&c->line, chunk, (size_t)n);
    char *nl;
    while (!c->over && c->line.len && (nl = memchr(c->line.data, '\n', c->line.len))) {
        size_t len = (size_t)(nl - c->line.data);
        STR_AUTO line = xstrndup(c->line.data, len);
        memmove(c->line.data, nl + 1, c->line.len - len - 1);
        c->line.len -= len + 1;
        console_line(c, line);
        if (c->tty && c->state != CONSOLE_OPEN)
            buf_clear(&c->line); /* the rest was typed before the next question was seen */
    }
    if (c->line.len > sizeof chunk)
        buf_clear(&c->line);
}

/* ---- the loop */

/* A question waits for the agent's terminal, and that is not to be printed on. */
static void ask_in_popup(struct console *c)
{
    popup_turn(&c->popup, c->now_ms);
    if (!c->model.first || c->state != CONSOLE_IDLE || ready(c)) {
        c->busy_ms = 0;
        return;
    }
    uint64_t newest = 0;
    for (const struct question *q = c->model.first; q; q = q->next)
        newest = q->id > newest ? q->id : newest;
    if (!c->busy_ms)
        c->busy_ms = c->now_ms;
    else if (c->now_ms - c->busy_ms >= POPUP_MS)
        popup_want(&c->popup, newest, c->now_ms);
}

/* Shows what is to be shown, and opens the keys when it has been quiet. */
static void step(struct console *c)
{
    struct question *q = c->model.first;
    if (!c->tty) { /* each when it comes */
        for (; q; q = q->next)
            if (q->fresh)
                console_show(c, q);
        return;
    }
    if (c->state == CONSOLE_IDLE && q && ready(c)) {
        while (q->next && !q->fresh)
            q = q->next;
        console_show(c, q->fresh ? q : c->model.first);
    } else if (c->state == CONSOLE_QUIET && c->now_ms >= c->quiet_ms && ready(c)) {
        throw_away(c);
        c->state = CONSOLE_OPEN;
        console_prompt(c);
    }
}

static int next_ms(const struct console *c, bool is_ready)
{
    if (c->state == CONSOLE_QUIET && is_ready)
        return c->quiet_ms > c->now_ms ? (int)(c->quiet_ms - c->now_ms) : 0;
    if (c->shared)
        return c->model.first || c->popup.pid ? SHARED_LOOK_MS : -1;
    return 500; /* new sessions */
}

static void turn(struct console *c)
{
    struct pollfd q[CLIENTS_MAX + 1];
    struct client *of[CLIENTS_MAX + 1];
    nfds_t n = 1;
    bool is_ready = ready(c);
    /* The agent's terminal is read only while a question stands on it: all else is typed for the agent. */
    bool reads = !c->shared || (is_ready && c->state != CONSOLE_IDLE);
    q[0] = (struct pollfd){reads ? c->in : -1, POLLIN, 0};
    for (struct client *k = c->sessions.first; k && n <= CLIENTS_MAX; k = k->next) {
        of[n] = k;
        q[n++] = (struct pollfd){k->fd, POLLIN, 0};
    }
    if (poll(q, n, next_ms(c, is_ready)) < 0)
        return;
    c->now_ms = now_ms();
    for (nfds_t i = 1; i < n; i++)
        if (q[i].revents && client_turn(of[i], on_object, c))
            lost(c, of[i]);
    /* Looked at again: between poll and read the agent may have taken its terminal into raw mode. */
    if (q[0].revents && (!c->shared || (c->state != CONSOLE_IDLE && ready(c))))
        read_input(c);
    step(c);
    if (c->shared)
        ask_in_popup(c);
    if (c->model.first)
        c->idle_ms = c->now_ms + POPUP_IDLE_MS;
    if (c->in_popup && !c->model.first && c->now_ms >= c->idle_ms)
        c->over = true;
}

static int run(struct console *c)
{
    signal(SIGPIPE, SIG_IGN);
    c->now_ms = now_ms();
    step(c);
    while (!c->over) {
        if (!c->shared)
            sessions_look(&c->sessions, c->now_ms);
        turn(c);
    }
    sessions_finish(&c->sessions);
    while (c->model.first)
        model_lost(&c->model, c->model.first->from, NULL, NULL);
    buf_free(&c->line);
    free(c->confirm);
    return c->status;
}

/* `console --on-terminal FRONT [SESSION]`: started by the session itself; the terminal is 0 and 1, the connection 3. With SESSION it may
 * open a popup of tmux when that terminal is not free. */
static int on_terminal(const char *front, const char *session)
{
    struct console c = {.in = 0, .out = 1, .tty = true, .shared = true, .front = (pid_t)atoi(front), .popup = {.session = session}};
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    c.sessions.first = client_from_fd(3, "terminal");
    return run(&c);
}

int console_main(int argc, char **argv)
{
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "--on-terminal") == 0)
        return on_terminal(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "--raw") == 0)
        return raw_main(argv[2]);
    bool popup = argc == 3 && strcmp(argv[1], "--popup") == 0;
    if (!popup && (argc > 2 || (argc == 2 && argv[1][0] == '-'))) {
        fprintf(stderr, "usage: sentinel-watch console [SESSION] | --raw SESSION\n");
        return argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) ? 0 : 2;
    }
    struct console c = {.in = 0, .out = 1, .tty = isatty(0), .sessions = {.wanted = argv[1], .name = "console"}};
    if (popup) {
        c.in_popup = true;
        c.sessions.wanted = argv[2];
        c.sessions.name = "popup";
    }
    c.now_ms = now_ms();
    c.idle_ms = c.now_ms + 2 * POPUP_IDLE_MS;
    if (!sessions_look(&c.sessions, c.now_ms))
        console_say(&c, c.sessions.wanted ? "waiting for session %s" : "waiting for a session", c.sessions.wanted);
    return run(&c);
}
