#include "trap.h"
#include "baseline.h"
#include "buf.h"
#include "calls_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define MPTCP 262
#define SCTP 132

struct list {
    struct filter_rule *rule;
    size_t n, cap;
    struct filter_test (*tests)[3]; /* storage for the generated tests; never moves */
    size_t ntests;
};

static void add(struct list *l, int nr, const struct filter_test *tests, enum filter_action action, int errnum)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 256;
        l->rule = xrealloc(l->rule, l->cap * sizeof *l->rule);
    }
    l->rule[l->n++] = (struct filter_rule){.nr = nr, .tests = tests, .action = action, .errnum = errnum};
}

static void refuse2(struct list *l, int nr, int errnum, uint64_t arg0, int arg, uint64_t value)
{
    struct filter_test *t = l->tests[l->ntests++];
    int n = 0;
    t[n++] = (struct filter_test)LOW32(0, arg0);
    if (arg > 0)
        t[n++] = (struct filter_test)LOW32(arg, value);
    t[n] = (struct filter_test){.arg = -1};
    add(l, nr, t, FILTER_ERRNO, errnum);
}

static void refuse_type(struct list *l, int nr, int errnum, uint64_t family, uint64_t type)
{
    struct filter_test *t = l->tests[l->ntests++];
    t[0] = (struct filter_test)LOW32(0, family);
    t[1] = (struct filter_test){1, FILTER_MASKED_EQ, 0xf /* SOCK_TYPE_MASK */, type};
    t[2] = (struct filter_test){.arg = -1};
    add(l, nr, t, FILTER_ERRNO, errnum);
}

static const int unknown[] = {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_clone3};

/* What a baseline's file says of socket families: of those that are let be, the rest is refused anyway. */
static int family_refused(const struct baseline *b, int nr, int family)
{
    const uint64_t args[6] = {(uint64_t)family};
    return b ? baseline_refuses(b, nr, args) : 0;
}

static void silent(struct list *l, const struct baseline *b, const bool *refused)
{
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        add(l, unknown[i], NULL, FILTER_ERRNO, ENOSYS);
    static const int makers[] = {SYS_socket, SYS_socketpair};
    static const int inet[] = {AF_INET, AF_INET6};
    for (size_t m = 0; m < 2; m++) {
        int nr = makers[m], e;
        if (refused[nr])
            continue; /* altogether, by the baseline */
        for (int family = 0; family < AF_MAX; family++)
            if (family != AF_UNIX && family != AF_INET && family != AF_INET6 && family != AF_NETLINK)
                refuse2(l, nr, EAFNOSUPPORT, (uint64_t)family, 0, 0);
            else if ((e = family_refused(b, nr, family)))
                refuse2(l, nr, e, (uint64_t)family, 0, 0);
        for (uint64_t protocol = 1; protocol < 32 && !family_refused(b, nr, AF_NETLINK); protocol++)
            refuse2(l, nr, EPROTONOSUPPORT, AF_NETLINK, 2, protocol);
        for (size_t i = 0; i < 2; i++) {
            if (family_refused(b, nr, inet[i]))
                continue;
            refuse2(l, nr, EPROTONOSUPPORT, (uint64_t)inet[i], 2, MPTCP);
            /* SCTP connects and binds through setsockopt(2); protocol 0 of SOCK_SEQPACKET is SCTP. */
            refuse2(l, nr, EPROTONOSUPPORT, (uint64_t)inet[i], 2, SCTP);
            refuse_type(l, nr, EPROTONOSUPPORT, (uint64_t)inet[i], SOCK_SEQPACKET);
        }
    }
}

/* Two actions for one number must not overlap. */
static bool answered_in_bpf(const struct call *row)
{
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (row->nr == unknown[i])
            return true;
    return false;
}

/* A socket call that is refused in part is silent()'s. */
static bool always_refused(const struct baseline *b, int nr)
{
    for (int family = 0; family < AF_MAX; family++)
        if (!family_refused(b, nr, family))
            return false;
    return true;
}

static void add_baseline(struct list *l, const struct trap_config *c, bool *refused)
{
    for (const struct call *row = c->baseline ? c->baseline->rows : NULL; row && row->name; row++) {
        bool sockets = row->nr == SYS_socket || row->nr == SYS_socketpair;
        if (c->enforce && (answered_in_bpf(row) || (sockets && !always_refused(c->baseline, row->nr))))
            continue;
        add(l, row->nr, sockets && c->enforce ? NULL : row->tests, FILTER_NOTIFY, 0);
        if (sockets)
            refused[row->nr] = true;
    }
}

/* Rules of a call that is trapped whatever its arguments say nothing more. */
static size_t without_repeats(struct filter_rule *rule, size_t n)
{
    bool always[FILTER_NEWEST + 1] = {false};
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (rule[i].action == FILTER_NOTIFY && !rule[i].tests && !always[rule[i].nr]) {
            always[rule[i].nr] = true;
            rule[kept++] = rule[i];
        } else if (rule[i].action != FILTER_NOTIFY || rule[i].tests) {
            rule[kept++] = rule[i];
        }
    n = kept;
    kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!rule[i].tests || rule[i].action != FILTER_NOTIFY || !always[rule[i].nr])
            rule[kept++] = rule[i];
    return kept;
}

int trap_build(const struct trap_config *c, struct filter *ret, struct err *err)
{
    struct list l = {.tests = xcalloc(256, sizeof *l.tests)};
    for (int t = 0; calls_tables[t]; t++)
        for (const struct call *row = calls_tables[t]; row->name; row++) {
            if (c->enforce ? row->log_only : row->enforce_only)
                continue;
            if ((row->privileged_only && !c->privileged) || (row->debug && c->debug_allow) || (row->unscoped_only && (c->scoped || !c->enforce)))
                continue;
            add(&l, row->nr, row->tests, FILTER_NOTIFY, 0);
        }
    bool refused[FILTER_NEWEST + 1] = {false};
    add_baseline(&l, c, refused);
    if (c->enforce)
        silent(&l, c->baseline, refused);
    l.n = without_repeats(l.rule, l.n);
    int r = filter_build(l.rule, l.n, true, c->enforce ? FILTER_NEWEST : 0, ret, err);
    free(l.rule);
    free(l.tests);
    return r;
}
