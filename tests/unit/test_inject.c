#include "inject.h"

#include <criterion/criterion.h>

/* One thread after the other opens; a call takes `one` or `two` ns, by the form of its answer. How often two steps, of n. */
static int run(struct inject *i, int n, int threads, uint64_t one, uint64_t two)
{
    static uint64_t now;
    int steps = 0;
    for (int k = 0; k < n; k++) {
        pid_t tid = 100 + k % threads;
        inject_called(i, tid, now);
        bool late = inject_in_two_steps(i, tid, now);
        steps += late;
        now += late ? two : one;
    }
    return steps;
}

Test(inject, the_quicker_form_is_kept)
{
    struct inject i = {0};
    run(&i, 2 * INJECT_SAMPLES + 1, 1, 60000, 20000);
    cr_expect(i.phase == 2 && i.late);
    cr_expect_geq(run(&i, 500, 1, 60000, 20000), 490);
    struct inject j = {0};
    run(&j, 2 * INJECT_SAMPLES + 1, 1, 15000, 18000);
    cr_expect(j.phase == 2 && !j.late);
}

Test(inject, it_is_tried_again)
{
    struct inject i = {0};
    run(&i, 2 * INJECT_SAMPLES + 1, 1, 60000, 20000);
    cr_expect(i.late);
    run(&i, INJECT_KEEP + 2 * INJECT_SAMPLES + 2, 1, 15000, 18000);
    cr_expect(!i.late, "what was quicker a while ago is not for ever");
    int steps = run(&i, 10 * INJECT_KEEP, 1, 15000, 18000);
    cr_expect(steps <= 11 * INJECT_SAMPLES, "%d of %d calls the slow way", steps, 10 * INJECT_KEEP);
}

Test(inject, several_threads_take_one_step)
{
    struct inject i = {0};
    int steps = run(&i, 5000, 2, 60000, 20000);
    cr_expect_eq(steps, 0);
}
