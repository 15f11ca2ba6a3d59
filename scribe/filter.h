/* filter - which records a reader wants to see: the options that audit show, tail and stats share. */
#ifndef SCRIBE_FILTER_H
#define SCRIBE_FILTER_H

#include "tools/record/record.h"
#include <getopt.h>

struct filter {
    const char *verb, *decision, *exe, *target;
    char since[40]; /* RFC 3339 UTC, as in the log: compared as text */
    bool json;
};

#define FILTER_OPTIONS                                                                                                 \
    {"verb", 1, 0, 'V'}, {"decision", 1, 0, 'D'}, {"since", 1, 0, 'S'}, {"exe", 1, 0, 'E'}, {"target", 1, 0, 'T'},     \
    {                                                                                                                  \
        "json", 0, 0, 'J'                                                                                              \
    }
/* One of the options above: 0, or the exit status of a mistake, told on stderr. */
int filter_option(struct filter *f, int option, const char *arg);
bool filter_takes(const struct filter *f, const struct record *r);
/* One line for people, or (json) the line as it stands. */
void filter_print(const struct filter *f, const struct record *r);

#endif
