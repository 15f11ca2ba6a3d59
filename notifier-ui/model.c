#include "model.h"
#include "buf.h"

#include <stdlib.h>
#include <string.h>

static struct question **slot(struct model *m, const void *from, uint64_t id)
{
    struct question **p = &m->first;
    while (*p && !((*p)->from == from && (*p)->id == id))
        p = &(*p)->next;
    return p;
}

static void drop(struct model *m, struct question **p)
{
    struct question *q = *p;
    *p = q->next;
    m->count--;
    json_decref(q->ask);
    free(q);
}

struct question *model_take(struct model *m, const void *from, json_t *object, int64_t now_ms,
                            void (*closed)(void *arg, const struct question *q, const json_t *how), void *arg)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    json_int_t id = json_integer_value(json_object_get(object, "id"));
    if (!type || id <= 0)
        return NULL;
    struct question **p = slot(m, from, (uint64_t)id);
    if (strcmp(type, "closed") == 0 && *p) {
        if (closed)
            closed(arg, *p, object);
        drop(m, p);
        return NULL;
    }
    if (strcmp(type, "ask"))
        return NULL;
    if (!*p) {
        *p = xcalloc(1, sizeof **p);
        (*p)->from = from;
        (*p)->id = (uint64_t)id;
        (*p)->fresh = true;
        m->count++;
    }
    json_decref((*p)->ask);
    (*p)->ask = json_incref(object);
    (*p)->at_ms = now_ms;
    return *p;
}

void model_lost(struct model *m, const void *from, void (*closed)(void *arg, const struct question *q, const json_t *how), void *arg)
{
    for (struct question **p = &m->first; *p;) {
        if ((*p)->from != from) {
            p = &(*p)->next;
            continue;
        }
        if (closed)
            closed(arg, *p, NULL);
        drop(m, p);
    }
}

struct question *model_find(const struct model *m, const void *from, uint64_t id)
{
    struct question *found = NULL;
    for (struct question *q = m->first; q; q = q->next) {
        if (q->id != id || (from && q->from != from))
            continue;
        if (found)
            return NULL; /* two sessions have one of that number */
        found = q;
    }
    return found;
}

struct question *model_after(const struct model *m, const struct question *q)
{
    return q && q->next ? q->next : m->first;
}

int64_t model_left_ms(const struct question *q, int64_t now_ms)
{
    json_int_t left = json_integer_value(json_object_get(q->ask, "left_ms"));
    if (left <= 0)
        return -1;
    int64_t rest = left - (now_ms - q->at_ms);
    return rest > 0 ? rest : 0;
}

const char *question_text(const struct question *q, const char *key)
{
    const char *s = json_string_value(json_object_get(q->ask, key));
    return s ? s : "";
}

/* The `shows` of the rung of that name, NULL when it is not offered. */
static const json_t *shows(const struct question *q, const char *list, const char *rung)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(q->ask, list), i, o) {
        const char *name = json_string_value(json_object_get(o, "rung"));
        if (name && strcmp(name, rung) == 0)
            return json_object_get(o, "shows");
    }
    return NULL;
}

char **question_rules(const struct question *q, const char *effect, const char *target, const char *program)
{
    const json_t *t = shows(q, "targets", target), *p = shows(q, "programs", program);
    if (!json_is_array(t) || !json_is_string(p))
        return NULL;
    bool keeps = json_is_true(json_object_get(q->ask, "always"));
    char **rules = xcalloc(json_array_size(t) + 1, sizeof *rules);
    size_t i;
    json_t *text;
    json_array_foreach(t, i, text) {
        char *rule = xasprintf("{%s: %s%s}", effect, json_is_string(text) ? json_string_value(text) : "", json_string_value(p));
        struct buf as_kept = {0};
        /* Text that a file can hold has no escape but the doubled backslash: shown as it will stand there. */
        if (keeps && buf_unescape(&as_kept, rule, strlen(rule)) == 0) {
            free(rule);
            rule = buf_steal(&as_kept);
        }
        buf_free(&as_kept);
        rules[i] = rule;
    }
    return rules;
}

void question_rules_free(char **rules)
{
    for (char **r = rules; r && *r; r++)
        free(*r);
    free(rules);
}
