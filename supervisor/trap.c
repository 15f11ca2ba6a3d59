#include "trap.h"
#include "buf.h"
#include "calls.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define NEWEST_CALL 469 /* file_setattr, Linux 6.17: the newest that a row of calls/ knows */
#define MPTCP 262
#define SCTP 132
#define LOW32(n, v) {(n), FILTER_MASKED_EQ, 0xffffffffu, (v)}

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

static void silent(struct list *l)
{
    static const int unknown[] = {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_clone3};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        add(l, unknown[i], NULL, FILTER_ERRNO, ENOSYS);
    static const int makers[] = {SYS_socket, SYS_socketpair};
    for (size_t m = 0; m < 2; m++) {
        for (int family = 0; family < AF_MAX; family++)
            if (family != AF_UNIX && family != AF_INET && family != AF_INET6 && family != AF_NETLINK)
                refuse2(l, makers[m], EAFNOSUPPORT, (uint64_t)family, 0, 0);
        for (uint64_t protocol = 1; protocol < 32; protocol++)
            refuse2(l, makers[m], EPROTONOSUPPORT, AF_NETLINK, 2, protocol);
        refuse2(l, makers[m], EPROTONOSUPPORT, AF_INET, 2, MPTCP);
        refuse2(l, makers[m], EPROTONOSUPPORT, AF_INET6, 2, MPTCP);
        /* SCTP connects and binds through setsockopt(2); protocol 0 of SOCK_SEQPACKET is SCTP. */
        refuse2(l, makers[m], EPROTONOSUPPORT, AF_INET, 2, SCTP);
        refuse2(l, makers[m], EPROTONOSUPPORT, AF_INET6, 2, SCTP);
        refuse_type(l, makers[m], EPROTONOSUPPORT, AF_INET, SOCK_SEQPACKET);
        refuse_type(l, makers[m], EPROTONOSUPPORT, AF_INET6, SOCK_SEQPACKET);
    }
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
    if (c->enforce)
        silent(&l);
    int r = filter_build(l.rule, l.n, true, c->enforce ? NEWEST_CALL : 0, ret, err);
    free(l.rule);
    free(l.tests);
    return r;
}
