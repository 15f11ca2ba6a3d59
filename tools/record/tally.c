#include "tally.h"
#include "buf.h"

#include <stdlib.h>
#include <string.h>

static size_t hash(const char *s)
{
    size_t h = 14695981039346656037u;
    while (*s)
        h = (h ^ (unsigned char)*s++) * 1099511628211u;
    return h;
}

static size_t place(const struct tally *t, const char *name)
{
    size_t i = hash(name) & (t->slots - 1);
    while (t->slot[i] && strcmp(t->entry[t->slot[i] - 1].name, name) != 0)
        i = (i + 1) & (t->slots - 1);
    return i;
}

static void grow(struct tally *t)
{
    free(t->slot);
    t->slots = t->slots ? t->slots * 2 : 64;
    t->slot = xcalloc(t->slots, sizeof *t->slot);
    for (size_t i = 0; i < t->n; i++)
        t->slot[place(t, t->entry[i].name)] = i + 1;
}

struct tally_entry *tally_add(struct tally *t, const char *name)
{
    if (t->n * 2 >= t->slots)
        grow(t);
    size_t i = place(t, name);
    if (!t->slot[i]) {
        if (t->n == t->cap) {
            t->cap = t->cap ? t->cap * 2 : 32;
            t->entry = xrealloc(t->entry, t->cap * sizeof *t->entry);
        }
        t->entry[t->n] = (struct tally_entry){.name = xstrdup(name), .first = t->n};
        t->slot[i] = ++t->n;
    }
    struct tally_entry *e = &t->entry[t->slot[i] - 1];
    e->count++;
    return e;
}

const struct tally_entry *tally_find(const struct tally *t, const char *name)
{
    size_t i = t->slots ? t->slot[place(t, name)] : 0;
    return i ? &t->entry[i - 1] : NULL;
}

static int by_count(const void *x, const void *y)
{
    const struct tally_entry *a = x, *b = y;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return a->first < b->first ? -1 : a->first > b->first;
}

void tally_sort(struct tally *t)
{
    if (t->n)
        qsort(t->entry, t->n, sizeof *t->entry, by_count);
}

void tally_free(struct tally *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->entry[i].name);
    free(t->entry);
    free(t->slot);
    *t = (struct tally){0};
}
