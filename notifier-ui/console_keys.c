#include "console.h"
#include "card_text.h"
#include "plain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 6

struct input {
    char *word[WORDS_MAX]; /* behind the key and the question's number */
    int n;
    struct question *q;
};

struct key {
    const char *key, *args, *help;
    bool needs_question, needs_rule; /* needs_rule: its question has to be named or shown, and a rule is written */
    void (*run)(struct console *c, const struct key *k, const struct input *in);
    const char *effect, *scope;
};

static struct client *client_of(const struct question *q)
{
    return (struct client *)q->from;
}

static void send_line(struct console *c, struct client *to, const char *line)
{
    if (client_say(to, "%s", line))
        console_say(c, "the session does not listen any more");
}

static void once(struct console *c, const struct key *k, const struct input *in)
{
    STR_AUTO line = xasprintf("answer %" PRIu64 " %s once", in->q->id, k->effect);
    send_line(c, client_of(in->q), line);
}

/* The rungs of the input; false: said why not. */
static bool rungs(struct console *c, const struct key *k, const struct input *in, int from, const char **target, const char **program)
{
    *target = in->n > from ? in->word[from] : "exact";
    *program = in->n > from + 1 ? in->word[from + 1] : "program";
    BUF_AUTO b = {0};
    if (!card_rules(&b, in->q, k->effect, *target, *program)) {
        console_say(c, "this question offers no such answer (? shows what it offers)");
        return false;
    }
    console_write(c, &b);
    return true;
}

static void session(struct console *c, const struct key *k, const struct input *in)
{
    const char *t, *p;
    if (!rungs(c, k, in, 0, &t, &p))
        return;
    STR_AUTO line = xasprintf("answer %" PRIu64 " %s session %s %s", in->q->id, k->effect, t, p);
    send_line(c, client_of(in->q), line);
}

static void for_time(struct console *c, const struct key *k, const struct input *in)
{
    const char *t, *p;
    if (in->n < 1) {
        console_say(c, "for how long? t 10m, t 1h30m");
        return;
    }
    if (!rungs(c, k, in, 1, &t, &p))
        return;
    STR_AUTO line = xasprintf("answer %" PRIu64 " %s %s %s %s", in->q->id, k->effect, in->word[0], t, p);
    send_line(c, client_of(in->q), line);
}

static void ask_back(struct console *c, const struct question *q, char *line, const char *words)
{
    free(c->confirm);
    c->confirm = line;
    c->confirm_to = q ? q->from : NULL;
    console_say(c, "%s Type yes, or anything else to go back.", words);
    console_prompt(c);
}

static void always(struct console *c, const struct key *k, const struct input *in)
{
    const char *t, *p, *not = question_text(in->q, "always_not");
    if (*not) {
        console_say(c, "this cannot be kept: %s", not);
        return;
    }
    console_say(c, "this rule would be kept for this policy and command:");
    if (!rungs(c, k, in, 0, &t, &p))
        return;
    ask_back(c, in->q, xasprintf("answer %" PRIu64 " %s always %s %s", in->q->id, k->effect, t, p), "Keep it?");
}

static void details(struct console *c, const struct key *k, const struct input *in)
{
    BUF_AUTO b = {0};
    card_details(&b, in->q, console_columns(c));
    console_write(c, &b);
    console_prompt(c);
}

static void next(struct console *c, const struct key *k, const struct input *in)
{
    struct question *q = model_after(&c->model, c->shown);
    if (q)
        console_show(c, q);
    else
        console_say(c, "nothing waits");
}

static void list(struct console *c, const struct key *k, const struct input *in)
{
    if (!c->model.first)
        console_say(c, "nothing waits");
    for (const struct question *q = c->model.first; q; q = q->next) {
        BUF_AUTO b = {0};
        buf_printf(&b, "%" PRIu64 ": ", q->id);
        card_line(&b, q, console_columns(c));
        buf_putc(&b, '\n');
        console_write(c, &b);
    }
    console_prompt(c);
}

static void stop(struct console *c, const struct key *k, const struct input *in)
{
    ask_back(c, in->q, xstrdup("stop"), "This ends the agent.");
}

static void help(struct console *c, const struct key *k, const struct input *in)
{
    console_help(c);
    console_prompt(c);
}

static void quit(struct console *c, const struct key *k, const struct input *in)
{
    c->over = true;
}

static const struct key keys[] = {
    {"a", "", "allow once", true, false, once, "allow", NULL},
    {"d", "", "deny once", true, false, once, "deny", NULL},
    {"s", "[TARGET [PROGRAM]]", "allow for this session", true, true, session, "allow", NULL},
    {"D", "[TARGET [PROGRAM]]", "deny for this session", true, true, session, "deny", NULL},
    {"t", "TIME [TARGET [PROGRAM]]", "allow for a time (t 10m)", true, true, for_time, "allow", NULL},
    {"A", "[TARGET [PROGRAM]]", "allow always: shows the rule and asks", true, true, always, "allow", NULL},
    {"N", "[TARGET [PROGRAM]]", "deny always (never): shows the rule and asks", true, true, always, "deny", NULL},
    {"?", "", "details, and what each answer would write", true, false, details, NULL, NULL},
    {"n", "", "the next question", false, false, next, NULL, NULL},
    {"l", "", "list what waits", false, false, list, NULL, NULL},
    {"x", "", "end the agent (asks)", true, false, stop, NULL, NULL},
    {"h", "", "this help", false, false, help, NULL, NULL},
    {"q", "", "leave; questions go on waiting", false, false, quit, NULL, NULL},
};

void console_help(struct console *c)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        console_say(c, "  %s %-24s %s", keys[i].key, keys[i].args, keys[i].help);
    console_say(c, "  A number behind the key names the question: a 3. TARGET: exact, name, dir, tree, host, domain, any; PROGRAM: program, parent, any.");
}

static void confirmed(struct console *c, const char *line)
{
    char *say = c->confirm;
    c->confirm = NULL;
    struct client *to = c->sessions.first;
    while (to && to != c->confirm_to)
        to = to->next;
    if (strcmp(line, "yes") == 0 && to)
        send_line(c, to, say);
    else
        console_say(c, "nothing was done");
    free(say);
    console_prompt(c);
}

/* NUMBER or SESSION:NUMBER. */
static bool is_number(const char *s)
{
    const char *colon = strrchr(s, ':');
    s = colon ? colon + 1 : s;
    return *s && strspn(s, "0123456789") == strlen(s);
}

static struct question *named(struct console *c, char *s)
{
    char *colon = strrchr(s, ':');
    const void *from = NULL;
    if (colon) {
        *colon = 0;
        for (struct client *k = c->sessions.first; k; k = k->next)
            if (strcmp(k->session, s) == 0)
                from = k;
        if (!from)
            return NULL;
        s = colon + 1;
    }
    return model_find(&c->model, from, strtoull(s, NULL, 10));
}

void console_line(struct console *c, char *line)
{
    if (c->confirm) {
        confirmed(c, line);
        return;
    }
    struct input in = {.q = c->tty ? c->shown : NULL};
    char *save = NULL, *w = strtok_r(line, " \t\r", &save), *key = w;
    bool number = false;
    while ((w = strtok_r(NULL, " \t\r", &save)) && in.n < WORDS_MAX) {
        if (!number && !in.n && is_number(w)) {
            number = true;
            in.q = named(c, w);
        } else {
            in.word[in.n++] = w;
        }
    }
    if (!key) { /* Enter alone */
        console_prompt(c);
        return;
    }
    const struct key *k = keys, *end = keys + sizeof keys / sizeof keys[0];
    while (k < end && strcmp(k->key, key))
        k++;
    if (k == end) {
        console_say(c, "no such key: h for help");
    } else if (k->needs_question && !in.q) {
        console_say(c, number ? "no question of that number waits" : c->tty ? "no question is shown" : "which question? KEY NUMBER");
    } else {
        k->run(c, k, &in);
        return;
    }
    console_prompt(c);
}
