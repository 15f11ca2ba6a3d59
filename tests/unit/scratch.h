/* scratch: an agent under a filter, for unit tests of what needs a real listener. */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct scratch {
    pid_t agent;
    int listener;
    int go; /* a byte written here lets the agent start */
};

/* Forks agent() behind a filter that notifies of these calls; every signal is blocked in the calling process from here on. */
void scratch_start(struct scratch *s, const int *numbers, size_t n, void (*agent)(void));
void scratch_go(struct scratch *s);
uint64_t scratch_now_us(void);

#endif
