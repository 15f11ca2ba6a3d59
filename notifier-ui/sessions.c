#include "sessions.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS 500

static bool known(const struct sessions *s, const char *name)
{
    for (const struct client *c = s->first; c; c = c->next)
        if (strcmp(c->session, name) == 0)
            return true;
    for (size_t i = 0; i < s->nrefused; i++)
        if (strcmp(s->refused[i], name) == 0)
            return true;
    return false;
}

static void refuse(struct sessions *s, const char *name)
{
    s->refused = xrealloc(s->refused, (s->nrefused + 1) * sizeof *s->refused);
    s->refused[s->nrefused++] = xstrdup(name);
}

/* A session that has ended may be started again under its name. */
static void forget_gone(struct sessions *s, char **names)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->nrefused; i++) {
        char **n = names;
        while (*n && strcmp(*n, s->refused[i]))
            n++;
        if (*n)
            s->refused[kept++] = s->refused[i];
        else
            free(s->refused[i]);
    }
    s->nrefused = kept;
}

int sessions_look(struct sessions *s, int64_t now_ms)
{
    if (s->looked_ms && now_ms - s->looked_ms < LOOK_MS)
        return 0;
    s->looked_ms = now_ms;
    int fresh = 0;
    char **names = client_sessions();
    forget_gone(s, names);
    for (char **n = names; *n; n++) {
        struct err err;
        if ((s->wanted && strcmp(*n, s->wanted)) || known(s, *n))
            continue;
        struct client *c = client_connect(*n, s->name, &err);
        if (!c) { /* what a dead session left */
            refuse(s, *n);
            continue;
        }
        if (s->events)
            client_say(c, "subscribe events %s", s->name);
        c->next = s->first;
        s->first = c;
        fresh++;
    }
    client_sessions_free(names);
    return fresh;
}

void sessions_leave(struct sessions *s, struct client *c)
{
    struct client **p = &s->first;
    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    client_free(c);
}

void sessions_lost(struct sessions *s, struct client *c)
{
    refuse(s, c->session);
    sessions_leave(s, c);
}

void sessions_finish(struct sessions *s)
{
    while (s->first) {
        struct client *c = s->first;
        s->first = c->next;
        client_free(c);
    }
    for (size_t i = 0; i < s->nrefused; i++)
        free(s->refused[i]);
    free(s->refused);
}
