#include "rules.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

static struct decision with(const struct policy *p, const struct grants *g, struct need n)
{
    struct question q = {.need = &n, .needs = 1, .moved_from = -1, .moved_to = -1};
    return decide(p, g, &q, NULL, NULL);
}

Test(grants, they_settle_asks_and_nothing_else)
{
    struct policy *p = a_policy();
    struct grants *g = grants_new();
    add(p, a_rule(EFFECT_DENY, V(WRITE), "/d"));
    add(p, a_rule(EFFECT_ALLOW, V(WRITE), "/a"));
    grants_add(g, a_rule(EFFECT_ALLOW, V(WRITE), "/**"), 0, 0, 0);
    struct decision d = with(p, g, path_need(VERB_WRITE, "/q"));
    cr_expect(d.effect == EFFECT_ALLOW && d.by == BY_ANSWER && d.asks == 0);
    cr_expect_eq(with(p, g, path_need(VERB_WRITE, "/d")).by, BY_POLICY);
    cr_expect_eq(with(p, g, path_need(VERB_WRITE, "/d")).effect, EFFECT_DENY);
    grants_add(g, a_rule(EFFECT_DENY, V(WRITE), "/**"), 0, 0, 0); /* the newest stands first */
    d = with(p, g, path_need(VERB_WRITE, "/q"));
    cr_expect(d.effect == EFFECT_DENY && d.by == BY_ANSWER && d.errnum == EACCES);
    cr_expect_eq(with(p, g, path_need(VERB_WRITE, "/a")).effect, EFFECT_ALLOW);
    grants_free(g);
    policy_free(p);
}

Test(grants, they_end)
{
    struct policy *p = a_policy();
    struct grants *g = grants_new();
    grants_set_now(g, 1000);
    grants_add(g, a_rule(EFFECT_ALLOW, V(WRITE), "/q"), 2000, 0, 0);
    cr_expect_eq(with(p, g, path_need(VERB_WRITE, "/q")).effect, EFFECT_ALLOW);
    grants_set_now(g, 1999);
    cr_expect_eq(with(p, g, path_need(VERB_WRITE, "/q")).effect, EFFECT_ALLOW);
    grants_set_now(g, 2000);
    cr_expect_eq(with(p, g, path_need(VERB_WRITE, "/q")).effect, EFFECT_ASK);
    grants_set_now(g, 1999);
    struct decision held = with(p, g, path_need(VERB_WRITE, "/q"));
    grants_set_now(g, 3600 * 1000000000ull); /* long after: an act that it let through may still wait, and then be recorded */
    grants_add(g, a_rule(EFFECT_ALLOW, V(WRITE), "/r"), 0, 0, 0);
    cr_expect_eq(held.rule->effect, EFFECT_ALLOW);
    cr_expect_eq(with(p, g, path_need(VERB_WRITE, "/r")).effect, EFFECT_ALLOW);
    cr_expect_eq(with(p, g, path_need(VERB_WRITE, "/q")).effect, EFFECT_ASK);
    grants_free(g);
    policy_free(p);
}

Test(grants, an_exact_answer_is_for_the_file_that_was_shown)
{
    struct policy *p = a_policy();
    struct grants *g = grants_new();
    grants_add(g, a_rule(EFFECT_ALLOW, V(WRITE), "/q"), 0, 3, 4);
    struct need n = path_need(VERB_WRITE, "/q");
    cr_expect_eq(with(p, g, n).effect, EFFECT_ASK);
    n.target.exists = true;
    n.target.dev = 3;
    n.target.ino = 4;
    cr_expect_eq(with(p, g, n).effect, EFFECT_ALLOW);
    n.target.ino = 5;
    cr_expect_eq(with(p, g, n).effect, EFFECT_ASK);
    n.target.ino = 4;
    n.target.path = (char *)"/r";
    cr_expect_eq(with(p, g, n).effect, EFFECT_ASK);
    grants_free(g);
    policy_free(p);
}

Test(grants, an_answer_stands_in_the_decision_that_it_let_through)
{
    struct policy *p = a_policy();
    struct grants *g = grants_new();
    add(p, a_rule(EFFECT_ALLOW, V(WRITE), "/a"));
    grants_add(g, a_rule(EFFECT_ALLOW, V(WRITE), "/q1"), 0, 0, 0);
    struct need n[2] = {path_need(VERB_WRITE, "/a"), path_need(VERB_WRITE, "/q1")};
    for (int i = 0; i < 2; i++) { /* whichever of the rights it was for */
        struct question q = {.need = n, .needs = 2, .moved_from = -1, .moved_to = -1};
        struct decision d = decide(p, g, &q, NULL, NULL);
        cr_expect(d.effect == EFFECT_ALLOW && d.by == BY_ANSWER && d.need == 1 - i);
        struct need other = n[0];
        n[0] = n[1];
        n[1] = other;
    }
    grants_free(g);
    policy_free(p);
}

Test(grants, each_right_needs_its_own)
{
    struct policy *p = a_policy();
    struct grants *g = grants_new();
    grants_add(g, a_rule(EFFECT_ALLOW, V(WRITE), "/q1"), 0, 0, 0);
    struct need n[2] = {path_need(VERB_WRITE, "/q1"), path_need(VERB_WRITE, "/q2")};
    struct question q = {.need = n, .needs = 2, .moved_from = -1, .moved_to = -1};
    struct decision d = decide(p, g, &q, NULL, NULL);
    cr_expect(d.effect == EFFECT_ASK && d.need == 1 && d.asks == 2);
    grants_add(g, a_rule(EFFECT_ALLOW, V(WRITE), "/q2"), 0, 0, 0);
    cr_expect_eq(decide(p, g, &q, NULL, NULL).effect, EFFECT_ALLOW);
    grants_free(g);
    policy_free(p);
}

Test(grants, an_answer_for_what_a_move_would_open)
{
    struct policy *p = a_policy();
    struct grants *g = grants_new();
    add(p, a_rule(EFFECT_ASK, V(READ), "/w/quiet/**"));
    add(p, a_rule(EFFECT_ALLOW, V(WRITE), "/w/**"));
    struct need n[2] = {path_need(VERB_WRITE, "/w/quiet/x"), path_need(VERB_WRITE, "/w/x")};
    struct question q = {.need = n, .needs = 2, .moved_from = 0, .moved_to = 1};
    struct decision d = decide(p, g, &q, NULL, NULL);
    cr_expect(d.effect == EFFECT_ASK && d.asks == 1 && d.moved_asks == V(READ));
    grants_add(g, a_rule(EFFECT_ALLOW, V(READ), "/w/quiet/x"), 0, 0, 0);
    cr_expect_eq(decide(p, g, &q, NULL, NULL).effect, EFFECT_ALLOW);
    grants_free(g);
    policy_free(p);
}
