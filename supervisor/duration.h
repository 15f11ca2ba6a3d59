/* duration - floor 0: `0`, or whole numbers with d, h, m, s in that order (`90s`, `1h30m`). A bare number is an error. */
#ifndef SW_DURATION_H
#define SW_DURATION_H

#include <stdint.h>

int duration_parse(const char *text, int64_t *ret_ms); /* 0; -1: not a duration, or more than 10 years */

#endif
