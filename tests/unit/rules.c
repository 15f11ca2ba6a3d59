#include "rules.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct policy *a_policy(void)
{
    struct policy *p = xcalloc(1, sizeof *p);
    static const enum effect effects[VERB_COUNT] = {EFFECT_ALLOW, EFFECT_ASK, EFFECT_ALLOW, EFFECT_ASK, EFFECT_ALLOW};
    memcpy(p->defaults.effect, effects, sizeof effects);
    return p;
}

char **words(const char *text)
{
    char **v = xcalloc(strlen(text) / 2 + 2, sizeof *v);
    STR_AUTO copy = xstrdup(text);
    char *save = NULL;
    size_t n = 0;
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        v[n++] = xstrdup(w);
    return v;
}

static void words_free(char **v)
{
    for (size_t i = 0; v[i]; i++)
        free(v[i]);
    free(v);
}

struct path_pattern **paths(const char *patterns)
{
    char **w = words(patterns);
    struct path_pattern **v = xcalloc(strlen(patterns) / 2 + 2, sizeof *v);
    size_t column, n = 0;
    struct err err;
    for (size_t i = 0; w[i]; i++)
        if (strcmp(w[i], "anonymous"))
            cr_assert((v[n++] = path_pattern_new(w[i], &column, &err)), "%s: %s", w[i], err.text);
    words_free(w);
    if (!n) {
        free(v);
        return NULL;
    }
    return v;
}

static struct address_pattern **addresses(const char *patterns)
{
    char **w = words(patterns);
    struct address_pattern **v = xcalloc(strlen(patterns) / 2 + 2, sizeof *v);
    size_t column;
    struct err err;
    for (size_t i = 0; w[i]; i++)
        cr_assert((v[i] = address_pattern_new(w[i], &column, &err)), "%s: %s", w[i], err.text);
    words_free(w);
    return v;
}

struct rule *a_rule(enum effect effect, unsigned verbs, const char *patterns)
{
    struct rule *r = xcalloc(1, sizeof *r);
    r->effect = effect;
    r->verbs = verbs;
    r->errnum = EACCES;
    r->timeout_ms = -1;
    bool to = verbs & (V(CONNECT) | V(BIND));
    if (patterns && to)
        r->to = addresses(patterns);
    else if (patterns) {
        r->path = paths(patterns);
        r->anonymous = strstr(patterns, "anonymous") != NULL;
    }
    return r;
}

static void append(struct rule ***v, size_t *n, struct rule *r, char mark)
{
    *v = xrealloc(*v, (*n + 1) * sizeof **v);
    r->number = (unsigned)*n;
    (*v)[(*n)++] = r;
    r->label = xasprintf("%c%zu", mark, *n);
    r->at = xasprintf("test.yaml:%zu", *n);
}

struct rule *add(struct policy *p, struct rule *r)
{
    append(&p->rules, &p->nrules, r, '#');
    return r;
}

struct rule *protect(struct policy *p, struct rule *r)
{
    append(&p->protections, &p->nprotections, r, 'P');
    return r;
}

struct need path_need(enum verb verb, const char *path)
{
    return (struct need){verb, {.kind = TARGET_PATH, .path = (char *)path}};
}

struct need unix_need(enum verb verb, const char *path)
{
    return (struct need){verb, {.kind = TARGET_ADDRESS, .path = (char *)path, .addr = {.kind = ADDRESS_UNIX, .family = AF_UNIX}}};
}

struct need ip_need(enum verb verb, const char *text)
{
    struct need n = {verb, {.kind = TARGET_ADDRESS}};
    char ip[64] = "";
    unsigned port = 0;
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    bool v6 = text[0] == '[';
    cr_assert_eq(sscanf(text, v6 ? "[%63[^]]]:%u" : "%63[^:]:%u", ip, &port), 2, "%s", text);
    cr_assert_eq(inet_pton(v6 ? AF_INET6 : AF_INET, ip, v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr), 1, "%s", text);
    in.sin_port = in6.sin6_port = htons((uint16_t)port);
    int e = address_decode_for(verb == VERB_BIND ? ADDRESS_BIND : ADDRESS_CONNECT, v6 ? (void *)&in6 : (void *)&in,
                               v6 ? sizeof in6 : sizeof in, v6 ? AF_INET6 : AF_INET, IPPROTO_TCP, &n.target.addr);
    cr_assert_eq(e, 0, "%s", text);
    return n;
}

struct decision judge_one(const struct policy *p, struct need n)
{
    struct question q = {.need = &n, .needs = 1, .moved_from = -1, .moved_to = -1};
    return decide(p, NULL, &q, NULL, NULL);
}
