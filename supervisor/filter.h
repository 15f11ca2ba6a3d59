/* filter - floor 1: a plain list of (call number, argument tests, action) to a BPF program. The only user of libseccomp.
 *
 * libseccomp 2.5.4 (Debian 12) knows no WAIT_KILLABLE_RECV and merges mixed 64-bit range comparisons wrongly
 * (GHSA-4q85-33p6-j5g6): so it generates the program (EQ and MASKED_EQ only), and we load it with raw seccomp(2).
 * Foreign architectures and x32 get the bad_arch action. Numbers above `newest` get ENOSYS when newest > 0.
 */
#ifndef SW_FILTER_H
#define SW_FILTER_H

#include "err.h"
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_NEWEST 469  /* file_setattr, Linux 6.17: the newest call that we know of */
#define FILTER_UNKNOWN (-1) /* no call of that name on any machine */

enum filter_op { FILTER_EQ, FILTER_MASKED_EQ, FILTER_NE };
struct filter_test {
    int arg; /* 0..5; -1 ends an array */
    enum filter_op op;
    uint64_t mask, value; /* MASKED_EQ: (arg & mask) == value */
};
enum filter_action { FILTER_NOTIFY, FILTER_ERRNO, FILTER_ALLOW };
struct filter_rule {
    int nr;
    const struct filter_test *tests; /* all must hold; NULL: always */
    enum filter_action action;
    int errnum;
};
struct filter {
    struct sock_filter *code;
    unsigned short len;
};

/* Several rules for one number are alternatives, so their tests must not overlap with different actions. */
int filter_build(const struct filter_rule *rules, size_t n, bool refuse_foreign, int newest, struct filter *ret, struct err *err);
void filter_free(struct filter *f);
/* Names of system calls, as Linux has them. filter_number: negative when this machine has none of that name. filter_name: a literal or one
 * that is kept for good; NULL for a number that is free. */
int filter_number(const char *name);
const char *filter_name(int nr);
/* Raw and allocation-free, for the launcher: no_new_privs, seccomp(2) with NEW_LISTENER and WAIT_KILLABLE_RECV (dropped
 * when the kernel lacks it). The listener, or -errno. */
int filter_install(const struct filter *f);

#endif
