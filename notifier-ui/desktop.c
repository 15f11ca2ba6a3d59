/* desktop - questions as notifications with buttons, for whatever server the desktop has (freedesktop.org, libnotify).
 *
 * Servers differ, so its capabilities are read first: one without buttons cannot ask and is left to the other interfaces. Three
 * buttons at most: allow once, deny, and Review, which opens the tui. No default action is offered, and closing a notification is no
 * answer: the question goes on waiting. Each body is unique, or servers would fold two questions into one. While the
 * desktop is inhibited ("do not disturb", presentations) we take no questions, so that the terminal gets them.
 */
#include "verbs.h"

#include <stdio.h>

#ifndef HAVE_LIBNOTIFY

int desktop_main(int argc, char **argv)
{
    fprintf(stderr, "sentinel-watch: this build has no libnotify: use sentinel-watch tui or console\n");
    return 125;
}

#else

#include "card_text.h"
#include "own_program.h"
#include "plain.h"
#include "sessions.h"

#include <glib-unix.h>
#include <inttypes.h>
#include <libnotify/notify.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LOOK_MS 500
#define TURN_MS 100
#define BODY_COLUMNS 120

/* One notification on the screen. */
struct shown {
    struct desktop *desktop;
    const struct client *from;
    uint64_t id;
    NotifyNotification *note;
    struct shown *next;
};

struct desktop {
    struct model model;
    struct sessions sessions;
    struct shown *shown;
    bool markup;
    GDBusConnection *bus;
    GMainLoop *loop;
    bool started;   /* by the session: one connection, that was handed over */
    bool inhibited;
    int status;
};

static int64_t now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

/* ---- the server */

/* "actions" it must have; "body-markup" decides whether the body is escaped. */
static bool look_at_server(struct desktop *d)
{
    bool buttons = false;
    GList *caps = notify_get_server_caps();
    for (GList *c = caps; c; c = c->next) {
        buttons |= strcmp(c->data, "actions") == 0;
        d->markup |= strcmp(c->data, "body-markup") == 0;
    }
    g_list_free_full(caps, g_free);
    return buttons;
}

/* A boolean of the server; one that it does not have is false. */
static bool property(const struct desktop *d, const char *interface, const char *name)
{
    GVariant *inner = NULL, *r = !d->bus ? NULL : g_dbus_connection_call_sync(
        d->bus, "org.freedesktop.Notifications", "/org/freedesktop/Notifications", "org.freedesktop.DBus.Properties", "Get",
        g_variant_new("(ss)", interface, name), G_VARIANT_TYPE("(v)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, 1000, NULL, NULL);
    bool yes = false;
    if (r) {
        g_variant_get(r, "(v)", &inner);
        yes = g_variant_is_of_type(inner, G_VARIANT_TYPE_BOOLEAN) && g_variant_get_boolean(inner);
        g_variant_unref(inner);
        g_variant_unref(r);
    }
    return yes;
}

/* The specification's property is newer than many servers; dunst has its own. */
static bool inhibited(const struct desktop *d)
{
    return property(d, "org.freedesktop.Notifications", "Inhibited") || property(d, "org.dunstproject.cmd0", "paused");
}

/* ---- one question */

static void review(const struct shown *s)
{
    const char *terminal = getenv("TERMINAL");
    STR_AUTO notifier = own_program();
    char *argv[] = {(char *)(terminal && *terminal ? terminal : "x-terminal-emulator"), (char *)"-e", notifier, (char *)"tui",
                    s->from->session, NULL};
    GError *e = NULL;
    if (!g_spawn_async(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &e)) {
        fprintf(stderr, "sentinel-watch: no terminal could be opened (%s): sentinel-watch tui\n", e->message);
        g_error_free(e);
    }
}

static void on_button(NotifyNotification *note, char *action, void *data)
{
    struct shown *s = data;
    struct client *c = s->desktop->sessions.first;
    while (c && c != s->from)
        c = c->next;
    if (!c)
        return;
    if (strcmp(action, "allow") == 0 || strcmp(action, "deny") == 0)
        client_say(c, "answer %" PRIu64 " %s once", s->id, action);
    else if (strcmp(action, "review") == 0)
        review(s);
}

static void put_body(const struct desktop *d, const struct question *q, struct buf *b)
{
    const struct client *c = q->from;
    BUF_AUTO text = {0};
    buf_printf(&text, "question %" PRIu64 " of ", q->id);
    plain_put(&text, c->session);
    if (c->word) {
        buf_puts(&text, " [");
        plain_put(&text, c->word);
        buf_putc(&text, ']');
    }
    buf_putc(&text, '\n');
    BUF_AUTO card = {0};
    card_text(&card, q, BODY_COLUMNS, now_ms());
    buf_puts(&text, card.data + strcspn(card.data, "\n") + 1); /* its first line is the title */
    if (!d->markup) {
        buf_put(b, text.data, text.len);
        return;
    }
    char *escaped = g_markup_escape_text(text.data, (gssize)text.len);
    buf_puts(b, escaped);
    g_free(escaped);
}

static void show(struct desktop *d, struct question *q)
{
    BUF_AUTO title = {0};
    BUF_AUTO body = {0};
    buf_puts(&title, "sentinel-watch: ");
    card_line(&title, q, 80);
    put_body(d, q, &body);
    struct shown *s = xcalloc(1, sizeof *s);
    *s = (struct shown){d, q->from, q->id, notify_notification_new(title.data, body.data, "dialog-question"), d->shown};
    notify_notification_set_urgency(s->note, NOTIFY_URGENCY_CRITICAL);
    notify_notification_set_timeout(s->note, NOTIFY_EXPIRES_NEVER);
    notify_notification_add_action(s->note, "allow", "Allow once", on_button, s, NULL);
    notify_notification_add_action(s->note, "deny", "Deny", on_button, s, NULL);
    notify_notification_add_action(s->note, "review", "Review", on_button, s, NULL);
    GError *e = NULL;
    if (!notify_notification_show(s->note, &e)) {
        fprintf(stderr, "sentinel-watch: the notification could not be shown: %s\n", e->message);
        g_error_free(e);
        d->status = 125;
        g_main_loop_quit(d->loop);
    }
    d->shown = s;
    q->fresh = false;
}

/* Answered elsewhere, timed out, gone: the notification goes away. */
static void on_closed(void *arg, const struct question *q, const json_t *how)
{
    struct desktop *d = arg;
    for (struct shown **p = &d->shown; *p; p = &(*p)->next) {
        struct shown *s = *p;
        if (s->from != q->from || s->id != q->id)
            continue;
        *p = s->next;
        notify_notification_close(s->note, NULL);
        g_object_unref(s->note);
        free(s);
        return;
    }
}

/* ---- sessions */

static void on_object(void *arg, struct client *from, json_t *o)
{
    struct desktop *d = arg;
    struct question *q = model_take(&d->model, from, o, now_ms(), on_closed, d);
    if (q && q->fresh) /* news of a question that is shown already is no second notification */
        show(d, q);
}

static void leave(struct desktop *d, struct client *c)
{
    model_lost(&d->model, c, on_closed, d);
    sessions_leave(&d->sessions, c);
}

/* Inhibited or not any more: said to whoever is connected, so that another interface gets the questions meanwhile. */
static void look_at_inhibition(struct desktop *d)
{
    bool now = inhibited(d);
    if (now == d->inhibited)
        return;
    d->inhibited = now;
    for (struct client *c = d->sessions.first; c; c = c->next)
        client_say(c, "subscribe %s desktop", now ? "nothing" : "asks");
}

static gboolean look(void *arg)
{
    struct desktop *d = arg;
    look_at_inhibition(d);
    if (!d->started && !d->inhibited)
        sessions_look(&d->sessions, now_ms());
    return G_SOURCE_CONTINUE;
}

/* Sockets are few and quiet: looked at ten times a second, without a source for each. */
static gboolean turn(void *arg)
{
    struct desktop *d = arg;
    for (struct client *c = d->sessions.first, *next; c; c = next) {
        next = c->next;
        if (client_turn(c, on_object, d) == 0)
            continue;
        model_lost(&d->model, c, on_closed, d);
        sessions_lost(&d->sessions, c);
        if (d->sessions.wanted || d->started)
            g_main_loop_quit(d->loop);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean on_end(void *arg)
{
    g_main_loop_quit(((struct desktop *)arg)->loop);
    return G_SOURCE_REMOVE;
}

static int run(struct desktop *d)
{
    signal(SIGPIPE, SIG_IGN);
    if (!notify_init("sentinel-watch")) {
        fprintf(stderr, "sentinel-watch: libnotify could not start: use sentinel-watch tui or console\n");
        return 125;
    }
    if (!look_at_server(d)) {
        fprintf(stderr, "sentinel-watch: there is no notification server, or it shows no buttons: use sentinel-watch tui or console\n");
        notify_uninit();
        return 125;
    }
    d->bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
    d->loop = g_main_loop_new(NULL, FALSE);
    if (d->started) { /* from here on the session counts on us */
        d->inhibited = inhibited(d);
        d->sessions.first = client_from_fd(3, d->inhibited ? NULL : "desktop");
        if (d->inhibited)
            client_say(d->sessions.first, "subscribe nothing desktop");
    }
    g_timeout_add(LOOK_MS, look, d);
    g_timeout_add(TURN_MS, turn, d);
    g_unix_signal_add(SIGINT, on_end, d);
    g_unix_signal_add(SIGTERM, on_end, d);
    look(d);
    g_main_loop_run(d->loop);
    while (d->sessions.first)
        leave(d, d->sessions.first);
    sessions_finish(&d->sessions);
    g_main_loop_unref(d->loop);
    g_clear_object(&d->bus);
    notify_uninit();
    return d->status;
}

int desktop_main(int argc, char **argv)
{
    struct desktop d = {.sessions = {.name = "desktop"}};
    if (argc == 3 && strcmp(argv[1], "--started") == 0) {
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        d.started = true;
        return run(&d);
    }
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: sentinel-watch desktop [SESSION]\n");
        return argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) ? 0 : 2;
    }
    d.sessions.wanted = argv[1];
    return run(&d);
}

#endif
