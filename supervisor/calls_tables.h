/* calls_tables - floor 2: the names of the families' tables. A new family is one line here and one line in calls.c. */
#ifndef SW_CALLS_TABLES_H
#define SW_CALLS_TABLES_H

#include "calls.h"

/* Each is ended by a row whose name is NULL. */
extern const struct call calls_exec_table[];    /* calls/exec.c: programs */
extern const struct call calls_refused_table[]; /* calls/refused.c: what enforce refuses whatever the policy says */
extern const struct call calls_open_table[];    /* calls/open.c */
extern const struct call calls_net_table[];     /* calls/net.c: connect, sends with an address, bind, listen */
extern const struct call calls_names_table[];   /* calls/names.c: what makes, removes and moves names */
extern const struct call calls_metadata_table[]; /* calls/metadata.c: what changes a file's attributes or length */
extern const struct call calls_process_table[];    /* calls/process.c: what acts on other processes by number */
extern const struct call calls_mqueue_table[];     /* calls/mqueue.c: POSIX message queues */
extern const struct call calls_attributes_table[]; /* calls/attributes.c: the same through ioctl */

/* What rows say of registers. LOW32: where the kernel itself looks at 32 bits of an argument, the comparison does too. */
#define TESTS(...) .tests = (const struct filter_test[]) {__VA_ARGS__, {.arg = -1}}
#define LOW32(n, v) {(n), FILTER_MASKED_EQ, 0xffffffffu, (v)}
#define NOT_ZERO(n) {(n), FILTER_NE, 0, 0}

/* Fills the index behind calls_find(); before any thread runs. more: the rows of a baseline, or NULL. */
void calls_prepare(const struct call *more);

#endif
