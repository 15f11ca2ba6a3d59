#include "notifier-ui/model.h"

#include <criterion/criterion.h>
#include <string.h>

static int session_a, session_b;

static json_t *object(const char *text)
{
    json_t *o = json_loads(text, 0, NULL);
    cr_assert(o, "%s", text);
    return o;
}

static void count_closed(void *arg, const struct question *q, const json_t *how)
{
    int *n = arg;
    *n += how ? 1 : 100;
}

static struct question *take(struct model *m, const void *from, const char *text, int *closed)
{
    json_t *o = object(text);
    struct question *q = model_take(m, from, o, 1000, count_closed, closed);
    json_decref(o);
    return q;
}

Test(model, a_question_lives_from_ask_to_closed)
{
    struct model m = {0};
    int closed = 0;
    struct question *q = take(&m, &session_a, "{\"type\":\"ask\",\"id\":1,\"count\":1,\"target\":\"/x\",\"left_ms\":500}", &closed);
    cr_assert(q && q->fresh && m.count == 1);
    cr_assert_str_eq(question_text(q, "target"), "/x");
    cr_assert_str_eq(question_text(q, "rule"), "");
    cr_assert_eq(model_left_ms(q, 1200), 300);
    cr_assert_eq(model_left_ms(q, 9000), 0);
    q->fresh = false;
    cr_assert_eq(take(&m, &session_a, "{\"type\":\"ask\",\"id\":1,\"count\":2,\"left_ms\":0}", &closed), q, "news of the same");
    cr_assert(!q->fresh && m.count == 1 && model_left_ms(q, 5000) == -1);
    cr_assert(take(&m, &session_b, "{\"type\":\"ask\",\"id\":1}", &closed) != q);
    cr_assert_null(model_find(&m, NULL, 1), "two sessions have that number");
    cr_assert_eq(model_find(&m, &session_a, 1), q);
    take(&m, &session_a, "{\"type\":\"closed\",\"id\":7,\"how\":\"gone\"}", &closed);
    cr_assert_eq(closed, 0);
    take(&m, &session_a, "{\"type\":\"closed\",\"id\":1,\"how\":\"gone\"}", &closed);
    cr_assert(closed == 1 && m.count == 1);
    model_lost(&m, &session_b, count_closed, &closed);
    cr_assert(closed == 101 && m.count == 0 && !m.first);
}

Test(model, nonsense_changes_nothing)
{
    static const char *const bad[] = {"{}", "{\"type\":7}", "{\"type\":\"ask\"}", "{\"type\":\"ask\",\"id\":-1}", "{\"type\":\"ask\",\"id\":\"1\"}",
                                      "{\"type\":\"hello\",\"id\":1}", "[]"};
    struct model m = {0};
    int closed = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_null(take(&m, &session_a, bad[i], &closed));
    cr_assert(m.count == 0 && closed == 0);
}

Test(model, the_rule_that_is_shown_is_the_one_that_is_kept)
{
    struct model m = {0};
    struct question *q = take(&m, &session_a,
                              "{\"type\":\"ask\",\"id\":1,\"always\":true,\"targets\":[{\"rung\":\"exact\",\"shows\":[\"[read], path: "
                              "['/a\\\\\\\\*']\",\"[write], path: ['/b']\"]}],\"programs\":[{\"rung\":\"program\",\"shows\":\", by: ['/bin/sh']\"}]}",
                              NULL);
    char **r = question_rules(q, "allow", "exact", "program");
    cr_assert(r && r[0] && r[1] && !r[2]);
    cr_assert_str_eq(r[0], "{allow: [read], path: ['/a\\*'], by: ['/bin/sh']}", "as it stands in the file: one backslash");
    cr_assert_str_eq(r[1], "{allow: [write], path: ['/b'], by: ['/bin/sh']}");
    question_rules_free(r);
    cr_assert_null(question_rules(q, "allow", "tree", "program"));
    cr_assert_null(question_rules(q, "allow", "exact", "any"));
    model_lost(&m, &session_a, NULL, NULL);
}
