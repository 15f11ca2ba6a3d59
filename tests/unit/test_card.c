#include "card.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "volatile.h"

static struct process bash = {.refs = 1, .pid = 10, .exe = (char *)"/usr/bin/bash", .lineage_known = true};
static struct process cat = {.refs = 1, .pid = 11, .exe = (char *)"/usr/bin/c*t", .comm = "cat", .parent = &bash, .lineage_known = true};

/* Rights for a request made by hand: of the next call here, another. */
static struct need *needs(void)
{
    static struct need need[8];
    static unsigned n;
    struct need *one = &need[n++ % 8];
    *one = (struct need){0};
    return one;
}

static struct request reads(const char *path)
{
    struct request r = {.process = &cat, .tid = 11, .cwd = (char *)"/w", .need = needs(), .needs = 1, .moved_from = -1, .moved_to = -1};
    r.need[0].verb = VERB_READ;
    r.need[0].target = (struct target){.kind = TARGET_PATH, .path = (char *)path, .raw = (char *)"x\n", .raw_len = 2, .exists = true, .dev = 5, .ino = 7};
    return r;
}

static struct request connects(const char *ip, unsigned port)
{
    struct request r = {.process = &cat, .tid = 11, .need = needs(), .needs = 1};
    r.need[0].verb = VERB_CONNECT;
    struct target *t = &r.need[0].target;
    t->kind = TARGET_ADDRESS;
    t->addr = (struct address){.kind = ADDRESS_INET, .port = (uint16_t)port, .proto = IPPROTO_TCP, .family = AF_INET};
    inet_pton(AF_INET, ip, t->addr.ip);
    return r;
}

static const struct decision asks = {.effect = EFFECT_ASK, .label = "p:#1", .at = "p.yaml:3", .asks = 1, .timeout_ms = -1};

static void target_is(const struct request *r, enum wire_target t, const char *want)
{
    struct rungs *g = rungs_new(r, &asks, "/home/u");
    BUF_AUTO b = {0};
    if (!want) {
        cr_assert_not(rungs_offer_target(g, t), "%s offers %s", r->need[0].target.path, wire_target_names[t]);
    } else {
        cr_assert(rungs_offer_target(g, t), "%s lacks %s", r->need[0].target.path, wire_target_names[t]);
        rungs_target_text(g, 0, t, &b);
        cr_assert_str_eq(b.data, want);
    }
    rungs_free(g);
}

Test(rungs, an_exact_answer_is_for_the_file_unless_the_call_replaces_it)
{
    struct request r = reads("/w/settings.json");
    struct rungs *g = rungs_new(&r, &asks, "/home/u");
    cr_expect(g->right[0].dev == 5 && g->right[0].ino == 7);
    rungs_free(g);
    r.moved_to = 0; /* a new file is moved over it: the next save finds another file there */
    g = rungs_new(&r, &asks, "/home/u");
    cr_expect(!g->right[0].dev && !g->right[0].ino);
    rungs_free(g);
    r.exchange = true;
    g = rungs_new(&r, &asks, "/home/u");
    cr_expect(g->right[0].ino == 7);
    rungs_free(g);
}

Test(rungs, of_a_path)
{
    struct request r = reads("/home/u/a b/it's.txt");
    target_is(&r, RUNG_EXACT, "[read], path: ['/home/u/a b/it''s.txt']");
    target_is(&r, RUNG_NAME, NULL);
    target_is(&r, RUNG_DIR, "[read], path: ['/home/u/a b/*']");
    target_is(&r, RUNG_TREE, "[read], path: ['/home/u/a b/**']");
    target_is(&r, RUNG_ANY, NULL);
    r = reads("/srv/x*[1]/settings.json.tmp.31337");
    target_is(&r, RUNG_EXACT, "[read], path: ['/srv/x\\*\\[1\\]/settings.json.tmp.31337']");
    target_is(&r, RUNG_NAME, "[read], path: ['/srv/x\\*\\[1\\]/settings.json.tmp.*']");
    r.need[0].target.is_dir = true;
    target_is(&r, RUNG_TREE, "[read], path: ['/srv/x\\*\\[1\\]/settings.json.tmp.31337/**']");
}

Test(rungs, too_wide_is_not_offered)
{
    static const char *const in[] = {"/passwd", "/etc/passwd", "/home/u/.profile", "/home/x"};
    for (size_t i = 0; i < 4; i++) {
        struct request r = reads(in[i]);
        target_is(&r, RUNG_DIR, NULL);
        target_is(&r, RUNG_TREE, NULL);
    }
    struct request r = reads("/home/user2/x");
    target_is(&r, RUNG_TREE, "[read], path: ['/home/user2/**']");
    r = reads("/etc/ssh/x");
    target_is(&r, RUNG_DIR, "[read], path: ['/etc/ssh/*']");
}

Test(rungs, of_an_address)
{
    struct request r = connects("10.1.2.3", 5432);
    target_is(&r, RUNG_EXACT, "[connect], to: ['tcp:10.1.2.3:5432']");
    target_is(&r, RUNG_HOST, "[connect], to: ['10.1.2.3:5432']");
    target_is(&r, RUNG_DOMAIN, NULL);
    target_is(&r, RUNG_ANY, "[connect], to: ['any:5432']");
    target_is(&r, RUNG_TREE, NULL);
    r.need[0].target.name = (char *)"db.eu.example.com";
    target_is(&r, RUNG_HOST, "[connect], to: ['db.eu.example.com:5432']");
    target_is(&r, RUNG_DOMAIN, "[connect], to: ['*.eu.example.com:5432']");
    r.need[0].target.name = (char *)"example.com";
    target_is(&r, RUNG_DOMAIN, NULL); /* *.com is no rung */
}

Test(rungs, of_a_program)
{
    struct request r = reads("/x/y");
    struct rungs *g = rungs_new(&r, &asks, NULL);
    BUF_AUTO b = {0};
    rungs_program_text(g, PROGRAM_THIS, &b);
    cr_assert_str_eq(b.data, ", by: ['/usr/bin/c\\*t']");
    buf_clear(&b);
    rungs_program_text(g, PROGRAM_PARENT, &b);
    cr_assert_str_eq(b.data, ", by: ['/usr/bin/c\\*t'], under: ['/usr/bin/bash']");
    cr_assert(rungs_offer_program(g, PROGRAM_ANY));
    rungs_free(g);
    struct process unknown = {.exe = (char *)""};
    r.process = &unknown;
    g = rungs_new(&r, &asks, NULL);
    cr_assert_not(rungs_offer_program(g, PROGRAM_THIS));
    cr_assert_not(rungs_offer_program(g, PROGRAM_PARENT));
    rungs_free(g);
}

Test(rungs, what_a_file_cannot_hold_is_not_kept)
{
    static const struct { const char *path; bool keep; } t[] = {
        {"/a/b", true}, {"/a/\xc3\xa4", true}, {"/a/it's", true}, {"/a/*\\", true}, {"/a/x\ny", false}, {"/a/\x1b[2J", false},
        {"/a/\xff", false}, {"/a/${HOME}", true} /* its brace is escaped: no variable */, {"/a/\xc2\x85", false}, {"/a/\x7f", false},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct request r = reads(t[i].path);
        struct rungs *g = rungs_new(&r, &asks, NULL);
        cr_assert_eq(rungs_not_always(g) == NULL, t[i].keep, "%zu", i);
        rungs_free(g);
    }
}

static void put(struct buf *b, const char *s, size_t n)
{
    buf_put(b, s, n);
}

Test(volatile_names, globs)
{
    static const struct { const char *name, *glob; } t[] = {
        {"settings.json.tmp.31337.1f09ab3c", "settings.json.tmp.*.*"}, {"config.json", "config.json"}, {"libfoo.so.1.2", "libfoo.so.1.2"},
        {"x86_64", "x86_64"}, {"tmpab12cd34", "tmp*"}, {"cc9aB3xZ.s", "cc*.s"}, {"123e4567-e89b-12d3-a456-426614174000", "*"},
        {"README", "README"}, {"Makefile2", "Makefile2"}, {"deadbeef", "deadbeef"}, {"", ""},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        BUF_AUTO b = {0};
        buf_puts(&b, "");
        bool any = volatile_glob(&b, t[i].name, strlen(t[i].name), put);
        cr_assert_str_eq(b.data, t[i].glob);
        cr_assert_eq(any, strcmp(t[i].name, t[i].glob) != 0);
    }
}

Test(card, keys_tell_apart_what_one_answer_would_not_settle)
{
    struct request a = reads("/a"), b = reads("/a");
    struct decision d = asks;
    STR_AUTO ka = card_key(&a, &d);
    STR_AUTO kb = card_key(&b, &d);
    cr_assert_str_eq(ka, kb);
    b.need[0].target.ino = 8; /* another file of that name */
    STR_AUTO kc = card_key(&b, &d);
    cr_assert_str_neq(ka, kc);
    b = a;
    b.process = &bash;
    STR_AUTO kd = card_key(&b, &d);
    cr_assert_str_neq(ka, kd);
    d.label = "p:#2";
    STR_AUTO ke = card_key(&a, &d);
    cr_assert_str_neq(ka, ke);
    /* the same bytes cut differently: arguments are counted, not joined */
    struct request x = reads("/bin/sh"), y = reads("/bin/sh");
    x.need[0].verb = y.need[0].verb = VERB_EXEC;
    x.argv = (char *[]){(char *)"sh", (char *)"ab", (char *)"c", NULL};
    y.argv = (char *[]){(char *)"sh", (char *)"a", (char *)"bc", NULL};
    STR_AUTO kx = card_key(&x, &asks);
    STR_AUTO ky = card_key(&y, &asks);
    cr_assert_str_neq(kx, ky);
}

Test(card, fields_hold_hostile_text_as_text)
{
    struct request r = reads("/w/a\"b\n\x1b[31m\xff");
    struct rungs *g = rungs_new(&r, &asks, "/home/u");
    STR_AUTO f = card_fields(&r, &asks, g, "cat\0-n\0", 7, NULL);
    cr_assert(strstr(f, "\"target\":\"/w/a\\\"b\\\\x0a\\\\x1b[31m\\\\xff\""), "%s", f);
    cr_assert(strstr(f, "\"raw\":\"x\\\\x0a\""));
    cr_assert(strstr(f, "\"cmdline\":[\"cat\",\"-n\"]"));
    cr_assert(strstr(f, "\"parents\":[{\"pid\":10,\"exe\":\"/usr/bin/bash\"}]"));
    for (const char *p = f; *p; p++)
        cr_assert((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
    rungs_free(g);
}

static struct ask *ask_of(pid_t tid)
{
    struct ask *k = calloc(1, sizeof *k);
    k->request = calloc(1, sizeof *k->request);
    k->request->process = &cat;
    k->request->tid = tid;
    return k;
}

static void ask_free(struct ask *k)
{
    free(k->request);
    free(k);
}

Test(card, beyond_the_bound_cards_wait_in_order)
{
    struct cards c = {0};
    for (int i = 0; i < CARDS_SHOWN + 2; i++)
        cards_add(&c, xasprintf("k%d", i), 1);
    struct card *a = cards_by_key(&c, "k256"), *b = cards_by_key(&c, "k257");
    cr_assert(!a->shown && !b->shown && c.shown == CARDS_SHOWN);
    cards_remove(&c, cards_by_key(&c, "k3"));
    cr_assert(a->shown && !b->shown);
    cards_remove(&c, b);
    cards_remove(&c, cards_by_key(&c, "k0"));
    cr_assert_eq(c.shown, CARDS_SHOWN - 1);
    cr_assert_eq(cards_by_id(&c, 1), NULL);
    while (c.first)
        cards_remove(&c, c.first);
    cr_assert_eq(c.shown, 0u);
    cr_assert_eq(cards_add(&c, xstrdup("again"), 1)->id, (uint64_t)CARDS_SHOWN + 3, "ids are never used again");
    cards_remove(&c, c.first);
}

Test(card, an_interrupted_call_takes_up_its_deadline)
{
    struct cards c = {0};
    struct card *k = cards_add(&c, xstrdup("k"), 1);
    struct ask *a = ask_of(21), *b = ask_of(22);
    a->request->asked_ns = 100;
    a->deadline_ns = 1000;
    b->deadline_ns = 500;
    card_join(k, a);
    card_join(k, b);
    cr_assert_eq(card_deadline(k), 500u);
    card_leave(k, a, 300);
    cr_assert_eq(card_take(k, a), a);
    cr_assert_eq(k->count, 1u);
    struct ask *other = ask_of(23), *again = ask_of(21);
    other->deadline_ns = 7000;
    again->deadline_ns = 9000;
    card_join(k, other);
    card_join(k, again);
    cr_assert_eq(other->deadline_ns, 7000u);
    cr_assert_eq(again->deadline_ns, 1000u, "asked once, timed once");
    cr_assert_eq(again->request->asked_ns, 100u);
    cr_assert_null(k->left);
    ask_free(a);
    ask_free(card_take(k, b));
    ask_free(card_take(k, other));
    ask_free(card_take(k, again));
    cards_remove(&c, k);
}
