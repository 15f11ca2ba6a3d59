#include "calls.h"
#include "calls_tables.h"
#include "memory.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const struct call *const calls_tables[] = {
    calls_exec_table,
    calls_refused_table,
    calls_open_table,
    calls_net_table,
    calls_names_table,
    calls_metadata_table,
    calls_attributes_table,
    calls_process_table,
    calls_mqueue_table,
    NULL,
};

/* The rows of each number, chained; filled once before any thread runs. */
#define NUMBERS 1024
struct entry {
    const struct call *call;
    struct entry *next;
};
static struct entry *by_number[NUMBERS];

static void add_row(const struct call *c)
{
    if (c->nr < 0 || c->nr >= NUMBERS)
        return;
    struct entry **at = &by_number[c->nr], *e = xcalloc(1, sizeof *e);
    while (*at)
        at = &(*at)->next;
    e->call = c;
    *at = e;
}

static void add_tables(bool refuses)
{
    for (int t = 0; calls_tables[t]; t++)
        for (const struct call *c = calls_tables[t]; c->name; c++)
            if (c->refuses == refuses)
                add_row(c);
}

void calls_prepare(const struct call *more)
{
    add_tables(true);
    for (; more && more->name; more++)
        add_row(more);
    add_tables(false);
}

static bool holds(const struct filter_test *t, const uint64_t *args)
{
    for (; t && t->arg >= 0; t++) {
        uint64_t a = args[t->arg];
        if (!(t->op == FILTER_MASKED_EQ ? (a & t->mask) == t->value : t->op == FILTER_EQ ? a == t->value : a != t->value))
            return false;
    }
    return true;
}

static const struct call *first_from(const struct entry *e, const struct notice *n)
{
    for (; e; e = e->next)
        if (holds(e->call->tests, n->args))
            return e->call;
    return NULL;
}

const struct call *calls_find(const struct notice *n)
{
    return n->nr < 0 || n->nr >= NUMBERS ? NULL : first_from(by_number[n->nr], n);
}

const struct call *calls_after(const struct call *row, const struct notice *n)
{
    const struct entry *e = by_number[row->nr];
    while (e && e->call != row)
        e = e->next;
    return e ? first_from(e->next, n) : NULL;
}

uint64_t calls_identity(const struct request *r)
{
    uint64_t h = 14695981039346656037u, object = r->own && r->call->object ? r->call->object(r) : 0; /* FNV-1a, by words */
    h = (h ^ (uint64_t)r->notice.nr) * 1099511628211u;
    h = (h ^ object) * 1099511628211u;
    for (int i = 0; i < 6; i++)
        h = (h ^ r->notice.args[i]) * 1099511628211u;
    return h ? h : 1;
}

int calls_path(const struct calls_env *env, struct request *r, uint64_t addr, char **ret)
{
    char text[PATH_MAX];
    ssize_t n = memory_string(r->tid, addr, text, sizeof text);
    if (n == -ESRCH)
        return -2; /* whether it was the caller's is seen when all has been read */
    if (n < 0) {
        r->native = n == -ENAMETOOLONG ? ENAMETOOLONG : EFAULT;
        return -1;
    }
    *ret = xstrndup(text, (size_t)n);
    return 0;
}
