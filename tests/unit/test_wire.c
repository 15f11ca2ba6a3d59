#include "duration.h"
#include "wire.h"

#include <criterion/criterion.h>
#include <string.h>

static int parse(const char *s, struct wire_line *l)
{
    const char *why = NULL;
    int r = wire_parse(s, strlen(s), l, &why);
    cr_assert_eq(r < 0, why != NULL, "%s: a refusal has a reason and nothing else has", s);
    return r;
}

Test(wire, answers)
{
    static const struct { const char *line; struct wire_line want; } good[] = {
        {"answer 1 allow once", {WIRE_ANSWER, "", 1, true, WIRE_ONCE, 0, RUNG_EXACT, PROGRAM_THIS}},
        {"answer 18446744073709551 deny session", {WIRE_ANSWER, "", 18446744073709551u, false, WIRE_SESSION, 0, RUNG_EXACT, PROGRAM_THIS}},
        {"answer 7 allow always tree any", {WIRE_ANSWER, "", 7, true, WIRE_ALWAYS, 0, RUNG_TREE, PROGRAM_ANY}},
        {"answer 7 deny 1h30m domain parent", {WIRE_ANSWER, "", 7, false, WIRE_FOR, 5400000, RUNG_DOMAIN, PROGRAM_PARENT}},
        {"answer 7 allow 90s name", {WIRE_ANSWER, "", 7, true, WIRE_FOR, 90000, RUNG_NAME, PROGRAM_THIS}},
        {"subscribe asks", {WIRE_SUBSCRIBE_ASKS, "", 0, false, 0, 0, 0, 0}},
        {"subscribe events my-tool-2", {WIRE_SUBSCRIBE_EVENTS, "my-tool-2", 0, false, 0, 0, 0, 0}},
        {"subscribe nothing desktop", {WIRE_SUBSCRIBE_NOTHING, "desktop", 0, false, 0, 0, 0, 0}},
        {"rules", {WIRE_RULES, "", 0, false, 0, 0, 0, 0}},
        {"stop", {WIRE_STOP, "", 0, false, 0, 0, 0, 0}},
        {"ping", {WIRE_PING, "", 0, false, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct wire_line l;
        const struct wire_line *w = &good[i].want;
        cr_assert_eq(parse(good[i].line, &l), 0, "%s", good[i].line);
        cr_assert(l.what == w->what && l.id == w->id && l.allow == w->allow && l.scope == w->scope && l.for_ms == w->for_ms &&
                      l.target == w->target && l.program == w->program && strcmp(l.name, w->name) == 0,
                  "%s", good[i].line);
    }
}

Test(wire, everything_else_is_refused)
{
    static const char *const bad[] = {
        "", " ", "answer", "answer 1", "answer 1 allow", "answer 0 allow once", "answer 01 allow once", "answer +1 allow once",
        "answer -1 allow once", "answer 1x allow once", "answer 99999999999999999999 allow once", "answer 1 ALLOW once",
        "answer 1 yes once", "answer 1 allow forever", "answer 1 allow 90", "answer 1 allow 0", "answer 1 allow 5m1h",
        "answer 1 allow once exactly", "answer 1 allow once exact program more", "answer 1 allow once exact prog",
        "answer  1 allow once", " answer 1 allow once", "answer 1 allow once ", "answer\t1 allow once", "answer 1 allow once\r",
        "answer 1 allow once\x01", "subscribe", "subscribe all", "subscribe asks Bad", "subscribe asks a b", "stop now", "ping 1", "rules all",
        "{\"answer\":1}", "answer 1 allow once \xe2\x80\xae",
        "subscribe asks abcdefghijklmnopqrstuvwxyz0123456789",
        "answer 1111111111111111111111111111111111111111111111111111 allow once",
    };
    struct wire_line l;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(parse(bad[i], &l), -1, "`%s` was accepted", bad[i]);
    const char *why = NULL;
    cr_assert_eq(wire_parse("ping\0", 5, &l, &why), -1);
    char longest[WIRE_LINE_MAX];
    memset(longest, 'a', sizeof longest);
    cr_assert_eq(wire_parse(longest, sizeof longest, &l, &why), -1);
}

Test(wire, objects)
{
    BUF_AUTO b = {0};
    wire_hello(&b, "s-1", NULL, NULL);
    cr_assert_str_eq(b.data, "{\"type\":\"hello\",\"protocol\":1,\"session\":\"s-1\",\"policy\":null}\n");
    buf_clear(&b);
    wire_hello(&b, "s-1", "p", "amber-otter");
    cr_assert(strstr(b.data, "\"policy\":\"p\",\"word\":\"amber-otter\"}"));
    buf_clear(&b);
    wire_ask(&b, &(struct wire_head){3, 2, 1500, 0}, "\"verb\":\"read\"");
    cr_assert_str_eq(b.data, "{\"type\":\"ask\",\"id\":3,\"count\":2,\"waited_ms\":1500,\"left_ms\":0,\"verb\":\"read\"}\n");
    buf_clear(&b);
    wire_closed(&b, 3, "denied", "a\nb\"\\");
    cr_assert_str_eq(b.data, "{\"type\":\"closed\",\"id\":3,\"how\":\"denied\",\"by\":\"a\\\\x0ab\\\"\\\\\\\\\"}\n");
    buf_clear(&b);
    wire_event(&b, "pong", NULL);
    wire_bye(&b, "end");
    cr_assert_str_eq(b.data, "{\"type\":\"event\",\"event\":\"pong\"}\n{\"type\":\"bye\",\"why\":\"end\"}\n");
}

Test(duration, parse)
{
    static const struct { const char *text; int64_t ms; } t[] = {
        {"0", 0}, {"90s", 90000}, {"1h30m", 5400000}, {"2d1s", 172801000}, {"0s", 0}, {"1d2h3m4s", 93784000},
        {"", -1}, {"5", -1}, {"5m1h", -1}, {"1m1m", -1}, {"-1s", -1}, {"1.5h", -1}, {"1s ", -1}, {"s", -1}, {"1ms", -1},
        {"99999999999999999999s", -1}, {"99999d", -1},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        int64_t ms = -1;
        cr_assert_eq(duration_parse(t[i].text, &ms), t[i].ms < 0 ? -1 : 0, "%s", t[i].text);
        cr_assert_eq(ms, t[i].ms, "%s: %lld", t[i].text, (long long)ms);
    }
}
