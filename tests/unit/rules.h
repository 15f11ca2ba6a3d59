/* Policies, rights and answers built by hand, in a line each: for the tests of judgement. */
#ifndef TEST_RULES_H
#define TEST_RULES_H

#include "decide.h"
#include "pattern.h"

#define V(verb) (1u << VERB_##verb)

struct policy *a_policy(void); /* defaults: read allow, write ask, exec allow, connect ask, bind allow */
/* patterns: separated by spaces; those of connect are addresses, of other verbs paths; NULL: any; "anonymous" as such. Not added to a policy. */
struct rule *a_rule(enum effect effect, unsigned verbs, const char *patterns);
struct rule *add(struct policy *p, struct rule *r); /* labelled #1, #2, ... in the order added */
struct rule *protect(struct policy *p, struct rule *r);
struct path_pattern **paths(const char *patterns);
char **words(const char *text);

struct need path_need(enum verb verb, const char *path); /* borrows path */
struct need ip_need(enum verb verb, const char *text);   /* "10.0.0.1:443", "[::1]:80", as written, TCP */
struct need unix_need(enum verb verb, const char *path);

/* decide() for one right; the label of what decided, or "" */
struct decision judge_one(const struct policy *p, struct need n);

#endif
