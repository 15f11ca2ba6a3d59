#include "policy_index.h"

#include "pattern.h"
#include <stdlib.h>
#include <string.h>

/* The rules of one list by key. Slots are open addressing; each leads to rule numbers in ascending order, ended by END. */
#define END UINT32_MAX

struct entry {
    uint64_t key;
    uint32_t rule;
};

struct table {
    struct rule *const *rules;
    struct net_lengths lengths;
    unsigned sets; /* bit per rule_set that has a rule at all */
    struct entry *entries; /* while it is built */
    size_t n, cap;
    struct slot {
        uint64_t key;
        uint32_t at; /* END: free */
    } *slots;
    size_t mask;
    uint32_t *lists;
};

struct policy_index {
    struct table rules, protections;
};

static bool in_set(const struct rule *r, enum rule_set set)
{
    switch (set) {
    case SET_HARD:
        return r->hard && r->effect == EFFECT_DENY;
    case SET_STRICTER:
        return r->stricter_only && r->effect != EFFECT_ALLOW;
    case SET_RULES:
        return !r->stricter_only;
    case SET_PROTECTIONS:
        break;
    }
    return true;
}

static uint64_t mix(uint64_t key, unsigned salt)
{
    key = (key ^ salt) * 0x9e3779b97f4a7c15u;
    return key ^ key >> 29;
}

/* Salts beside the verbs. */
enum { SALT_AROUND = VERB_COUNT, SALT_ALL = 64 };

/* ---- building */

struct adding {
    struct table *table;
    uint32_t rule;
    unsigned salt;
};

static void add(void *arg, uint64_t key)
{
    struct adding *a = arg;
    struct table *t = a->table;
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 256;
        t->entries = xrealloc(t->entries, t->cap * sizeof *t->entries);
    }
    t->entries[t->n++] = (struct entry){mix(key, a->salt), a->rule};
}

static void add_for_verb(struct adding *a, const struct rule *r)
{
    if (!r->path && !r->to) { /* every target of the verb, or `anonymous` */
        a->salt |= SALT_ALL;
        add(a, 0);
        return;
    }
    if (r->anonymous) {
        struct adding all = {a->table, a->rule, a->salt | SALT_ALL};
        add(&all, 0);
    }
    for (struct path_pattern **p = r->path; p && *p; p++)
        path_pattern_keys(*p, add, a);
    for (struct address_pattern **to = r->to; to && *to; to++)
        address_pattern_keys(*to, &a->table->lengths, add, a);
}

/* Under each folder at or above a literal part, for what a rename would carry off. */
static void add_around(struct adding *a, const struct rule *r)
{
    const struct path_pattern *p;
    a->salt = SALT_AROUND;
    for (size_t i = 0; r->effect != EFFECT_ALLOW && (p = rule_pattern(r, i)); i++)
        if (path_pattern_literal(p)[0])
            path_keys(path_pattern_literal(p), add, a);
}

static int by_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->rule < y->rule ? -1 : x->rule > y->rule;
}

static struct slot *slot_of(const struct table *t, uint64_t key)
{
    size_t i = key & t->mask;
    while (t->slots[i].at != END && t->slots[i].key != key)
        i = (i + 1) & t->mask;
    return &t->slots[i];
}

static void build(struct table *t, struct rule *const *rules, size_t n)
{
    t->rules = rules;
    for (uint32_t i = 0; i < n; i++) {
        for (unsigned v = 0; v < VERB_COUNT; v++)
            if (rules[i]->verbs & 1u << v)
                add_for_verb(&(struct adding){t, i, v}, rules[i]);
        add_around(&(struct adding){t, i, 0}, rules[i]);
        for (enum rule_set set = SET_PROTECTIONS; set <= SET_STRICTER; set++)
            if (in_set(rules[i], set))
                t->sets |= 1u << set;
    }
    if (t->n)
        qsort(t->entries, t->n, sizeof *t->entries, by_key);
    size_t size = 16;
    while (size < t->n * 2)
        size *= 2;
    t->mask = size - 1;
    t->slots = xmalloc(size * sizeof *t->slots);
    for (size_t i = 0; i < size; i++)
        t->slots[i].at = END;
    t->lists = xmalloc((t->n * 2 + 1) * sizeof *t->lists);
    uint32_t at = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct entry *e = &t->entries[i];
        bool opens = !i || e[-1].key != e->key;
        if (opens)
            *slot_of(t, e->key) = (struct slot){e->key, at};
        if (opens || e[-1].rule != e->rule)
            t->lists[at++] = e->rule;
        if (i + 1 == t->n || e[1].key != e->key)
            t->lists[at++] = END;
    }
    free(t->entries);
    t->entries = NULL;
}

static void table_free(struct table *t)
{
    free(t->slots);
    free(t->lists);
}

void policy_index_free(struct policy_index *x)
{
    if (!x)
        return;
    table_free(&x->rules);
    table_free(&x->protections);
    free(x);
}

/* By file; rules of one file in the order that they were found in. */
static int by_file(const void *a, const void *b)
{
    const struct policy_identity *x = a, *y = b;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    return x->rule->number < y->rule->number ? -1 : x->rule->number > y->rule->number;
}

void policy_index(struct policy *p)
{
    if (p->nidentity)
        qsort(p->identity, p->nidentity, sizeof *p->identity, by_file);
    policy_index_free(p->index);
    p->index = xcalloc(1, sizeof *p->index);
    build(&p->index->rules, p->rules, p->nrules);
    build(&p->index->protections, p->protections, p->nprotections);
}

/* ---- looking */

static const uint32_t *list_of(const struct table *t, uint64_t key)
{
    static const uint32_t none[] = {END};
    const struct slot *s = slot_of(t, key);
    return s->at == END ? none : t->lists + s->at;
}

struct looking {
    const struct table *table;
    enum rule_set set;
    const struct need *need;
    char *const *argv;
    const struct process *process;
    bool any_caller;
    unsigned salt;
    uint32_t best; /* END: none yet */
};

static void look(void *arg, uint64_t key)
{
    struct looking *l = arg;
    for (const uint32_t *r = list_of(l->table, mix(key, l->salt)); *r < l->best; r++)
        if (in_set(l->table->rules[*r], l->set) && rule_matches(l->table->rules[*r], l->need, l->argv, l->process, l->any_caller)) {
            l->best = *r;
            return;
        }
}

static const struct rule *first_of_all(struct rule *const *v, size_t count, const struct looking *l)
{
    for (size_t i = 0; i < count; i++)
        if (in_set(v[i], l->set) && rule_matches(v[i], l->need, l->argv, l->process, l->any_caller))
            return v[i];
    return NULL;
}

const struct rule *policy_first(const struct policy *p, enum rule_set set, const struct need *n, char *const *argv,
                                const struct process *process, bool any_caller)
{
    bool protections = set == SET_PROTECTIONS;
    struct looking l = {.set = set, .need = n, .argv = argv, .process = process, .any_caller = any_caller, .best = END};
    /* A bind to every address is about networks that no key of it names; it is rare. */
    if (!p->index || (n->verb == VERB_BIND && n->target.addr.wildcard))
        return first_of_all(protections ? p->protections : p->rules, protections ? p->nprotections : p->nrules, &l);
    l.table = protections ? &p->index->protections : &p->index->rules;
    if (!(l.table->sets & 1u << set))
        return NULL;
    l.salt = n->verb | SALT_ALL;
    look(&l, 0);
    l.salt = n->verb;
    if (n->target.path)
        path_keys(n->target.path, look, &l);
    if (n->target.kind == TARGET_ADDRESS)
        address_keys(&n->target, &l.table->lengths, look, &l);
    return l.best == END ? NULL : l.table->rules[l.best];
}

const struct rule *policy_next_around(const struct policy *p, bool protections, const char *folder, size_t *pos)
{
    struct rule *const *v = protections ? p->protections : p->rules;
    if (!p->index) {
        for (size_t n = protections ? p->nprotections : p->nrules; *pos < n;) {
            const struct rule *r = v[(*pos)++];
            if (r->effect != EFFECT_ALLOW && rule_place(r, folder))
                return r;
        }
        return NULL;
    }
    const struct table *t = protections ? &p->index->protections : &p->index->rules;
    uint64_t key = key_of('L', folder, strcmp(folder, "/") ? strlen(folder) : 0);
    for (const uint32_t *list = list_of(t, mix(key, SALT_AROUND)) + *pos; *list != END; list++) {
        (*pos)++;
        if (rule_place(v[*list], folder))
            return v[*list];
    }
    return NULL;
}

const struct policy_identity *policy_same_file(const struct policy *p, dev_t dev, ino_t ino, const struct policy_identity **end)
{
    const struct policy_identity *v = p->identity;
    size_t lo = 0, hi = p->nidentity;
    *end = v + hi;
    if (!p->index) /* all of them: the caller compares */
        return v;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (v[mid].ino < ino || (v[mid].ino == ino && v[mid].dev < dev))
            lo = mid + 1;
        else
            hi = mid;
    }
    while (hi < p->nidentity && v[hi].ino == ino && v[hi].dev == dev)
        hi++;
    *end = v + hi;
    return v + lo;
}
