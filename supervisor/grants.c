#include "grants.h"

#include "buf.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct grant {
    struct rule *rule;
    uint64_t until_ns;
    dev_t dev;
    ino_t ino;
};

struct grants {
    pthread_rwlock_t lock;
    struct grant *grant; /* oldest first */
    atomic_size_t n;     /* read without the lock: most sessions have none */
    size_t cap;
    _Atomic uint64_t now_ns;
};

struct grants *grants_new(void)
{
    struct grants *g = xcalloc(1, sizeof *g);
    pthread_rwlock_init(&g->lock, NULL);
    return g;
}

void grants_free(struct grants *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n; i++)
        rule_free(g->grant[i].rule);
    free(g->grant);
    pthread_rwlock_destroy(&g->lock);
    free(g);
}

void grants_set_now(struct grants *g, uint64_t now_ns)
{
    atomic_store(&g->now_ns, now_ns);
}

uint64_t grants_now(const struct grants *g)
{
    return atomic_load(&g->now_ns);
}

void grants_add(struct grants *g, struct rule *rule, uint64_t until_ns, dev_t dev, ino_t ino)
{
    pthread_rwlock_wrlock(&g->lock);
    if (g->n == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 16;
        g->grant = xrealloc(g->grant, g->cap * sizeof *g->grant);
    }
    g->grant[g->n] = (struct grant){rule, until_ns, dev, ino};
    g->n++;
    pthread_rwlock_unlock(&g->lock);
}

static bool matches(const struct grant *a, const struct need *need, char *const *argv, const struct process *process, uint64_t now_ns)
{
    if (a->until_ns && now_ns >= a->until_ns)
        return false;
    const struct target *t = &need->target;
    if (a->ino && !(t->exists && t->dev == a->dev && t->ino == a->ino))
        return false;
    return rule_matches(a->rule, need, argv, process, false);
}

const struct rule *grants_match(const struct grants *grants, const struct need *need, char *const *argv,
                                const struct process *process, uint64_t now_ns)
{
    struct grants *g = (struct grants *)grants; /* its lock is not part of what const promises */
    const struct rule *found = NULL;
    if (!g || !atomic_load(&g->n))
        return NULL;
    pthread_rwlock_rdlock(&g->lock);
    for (size_t i = g->n; i-- > 0 && !found;)
        if (matches(&g->grant[i], need, argv, process, now_ns))
            found = g->grant[i].rule;
    pthread_rwlock_unlock(&g->lock);
    return found;
}
