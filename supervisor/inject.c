#include "inject.h"

#include <stdlib.h>

static void phase(struct inject *i, int next)
{
    i->phase = next;
    i->calls = 0;
    i->tid = 0;
    if (!next)
        i->got[0] = i->got[1] = 0;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *v)
{
    qsort(v, INJECT_SAMPLES, sizeof *v, by_size);
    return v[INJECT_SAMPLES / 2];
}

void inject_called(struct inject *i, pid_t tid, uint64_t now_ns)
{
    bool same = i->tid == tid && i->phase < 2;
    i->tid = 0;
    if (!same)
        return;
    i->took[i->phase][i->got[i->phase]++] = now_ns - i->since;
    if (i->got[i->phase] < INJECT_SAMPLES)
        return;
    if (i->phase == 1) /* clearly quicker: the form of two steps is not changed to for nothing */
        i->late = median(i->took[1]) * 10 < median(i->took[0]) * 9;
    phase(i, i->phase + 1);
}

bool inject_in_two_steps(struct inject *i, pid_t tid, uint64_t received_ns)
{
    i->calls++;
    if (i->phase == 2 && i->calls > INJECT_KEEP)
        phase(i, 0);
    else if (i->phase < 2 && i->calls > 4 * INJECT_SAMPLES) { /* hardly one after the other by the same thread */
        i->late = false;
        phase(i, 2);
    }
    i->tid = tid;
    i->since = received_ns;
    return i->phase == 2 ? i->late : i->phase == 1;
}
