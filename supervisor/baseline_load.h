/* baseline_load - floor 4: the baseline that was asked for, by its name or from its file. JSON is never read here: sentinel-policy reads
 * the file, checks it and hands back lines (baseline.h).
 */
#ifndef SW_BASELINE_LOAD_H
#define SW_BASELINE_LOAD_H

#include "baseline.h"
#include "places.h"

/* 0, or -1 with one sentence that names the file and what is wrong with it. */
int baseline_load(const struct places *places, const char *name, struct baseline **ret, struct err *err);

#endif
