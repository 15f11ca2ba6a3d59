#include "lines.h"
#include "buf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 64

struct line {
    struct line_key key;
    unsigned hash;
    struct stander *first, *last;
    struct line *same_hash;
};

struct lines {
    pthread_mutex_t lock;
    struct line *bucket[BUCKETS];
};

struct lines *lines_new(void)
{
    struct lines *l = xcalloc(1, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

static unsigned hash(const struct line_key *k)
{
    unsigned h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < k->n; i++)
        h = (h ^ (unsigned char)k->name[i]) * 16777619u;
    return h;
}

static struct line *line_of(struct lines *l, const struct line_key *k)
{
    unsigned h = hash(k);
    struct line **bucket = &l->bucket[h % BUCKETS], *line = *bucket;
    while (line && (line->hash != h || line->key.n != k->n || memcmp(line->key.name, k->name, k->n)))
        line = line->same_hash;
    if (line)
        return line;
    line = xcalloc(1, sizeof *line);
    line->key = *k;
    line->hash = h;
    line->same_hash = *bucket;
    return *bucket = line;
}

static void out(struct lines *l, struct stander *s)
{
    struct line *line = s->line;
    *(s->prev ? &s->prev->next : &line->first) = s->next;
    *(s->next ? &s->next->prev : &line->last) = s->prev;
    s->next = s->prev = NULL;
    s->line = NULL;
    if (line->first)
        return;
    struct line **p = &l->bucket[line->hash % BUCKETS];
    while (*p != line)
        p = &(*p)->same_hash;
    *p = line->same_hash;
    free(line);
}

enum line_place lines_join(struct lines *l, const struct line_key *k, struct stander *s)
{
    enum line_place place = LINE_STOPPED;
    pthread_mutex_lock(&l->lock);
    if (!s->stopped) {
        struct line *line = line_of(l, k);
        place = line->last ? LINE_BEHIND : LINE_FIRST;
        s->line = line;
        s->next = NULL;
        s->prev = line->last;
        *(line->last ? &line->last->next : &line->first) = s;
        line->last = s;
    }
    s->stopped = false;
    pthread_mutex_unlock(&l->lock);
    return place;
}

struct stander *lines_next(struct lines *l, struct stander *s)
{
    struct stander *next = NULL;
    pthread_mutex_lock(&l->lock);
    if (s->line) {
        next = s->next;
        out(l, s);
    }
    pthread_mutex_unlock(&l->lock);
    return next;
}

struct stander *lines_let_go(struct lines *l, struct stander *first)
{
    struct stander *all = NULL;
    pthread_mutex_lock(&l->lock);
    if (first->line && first->line->key.together) {
        all = first->next;
        first->next = NULL;
        first->line->last = first;
        for (struct stander *s = all; s; s = s->next) {
            s->line = NULL;
            s->prev = NULL;
        }
    }
    pthread_mutex_unlock(&l->lock);
    return all;
}

bool lines_leave(struct lines *l, struct stander *s)
{
    pthread_mutex_lock(&l->lock);
    bool behind = s->line && s->prev;
    if (behind)
        out(l, s);
    else
        s->stopped = true;
    pthread_mutex_unlock(&l->lock);
    return behind;
}
