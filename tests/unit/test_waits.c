#include "waits.h"
#include <criterion/criterion.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct one {
    struct wait wait; /* first */
    int p[2];
    enum wait_end how;
    sem_t over;
};

static void over(struct wait *w, enum wait_end how)
{
    struct one *o = (struct one *)w;

    o->how = how;
    sem_post(&o->over);
}

static void one_init(struct one *o, uint64_t for_ms)
{
    struct timespec t;

    *o = (struct one){0};
    sem_init(&o->over, 0, 0);
    cr_assert_eq(pipe(o->p), 0);
    clock_gettime(CLOCK_MONOTONIC, &t);
    o->wait = (struct wait){.fd = o->p[0],
                            .events = EPOLLIN,
                            .until_ns = for_ms ? (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec + for_ms * 1000000 : 0,
                            .over = over};
}

static enum wait_end end_of(struct one *o)
{
    sem_wait(&o->over);
    close(o->p[0]);
    close(o->p[1]);
    return o->how;
}

Test(waits, each_end, .timeout = 20)
{
    struct waits *ws = waits_new();
    struct one o;

    for (int i = 0; i < 200; i++) {
        one_init(&o, 0);
        if (i & 1)
            cr_assert_eq(write(o.p[1], "x", 1), 1);
        cr_assert_eq(waits_add(ws, &o.wait), 0);
        if (!(i & 1))
            cr_assert_eq(write(o.p[1], "x", 1), 1);
        cr_assert_eq(end_of(&o), WAIT_READY);
    }
    one_init(&o, 20);
    cr_assert_eq(waits_add(ws, &o.wait), 0);
    cr_assert_eq(end_of(&o), WAIT_EXPIRED);
    one_init(&o, 100000);
    cr_assert_eq(waits_add(ws, &o.wait), 0);
    waits_stop(ws, &o.wait);
    cr_assert_eq(end_of(&o), WAIT_STOPPED);
    one_init(&o, 0);
    waits_stop(ws, &o.wait); /* a signal may come first */
    cr_assert_eq(waits_add(ws, &o.wait), 0);
    cr_assert_eq(end_of(&o), WAIT_STOPPED);
    cr_assert_eq(waits_count(ws), 0);

    one_init(&o, 0);
    o.wait.fd = -1;
    cr_assert_eq(waits_add(ws, &o.wait), -1);
}

Test(waits, a_crowd_and_each_has_its_own_end, .timeout = 60)
{
    enum { N = 300 };
    static struct one o[N];
    struct waits *ws = waits_new();

    for (int i = 0; i < N; i++) {
        one_init(&o[i], i % 3 == 2 ? 300 : 0);
        cr_assert_eq(waits_add(ws, &o[i].wait), 0);
    }
    for (int i = 0; i < N; i++) {
        if (i % 3 == 0)
            cr_assert_eq(write(o[i].p[1], "x", 1), 1);
        if (i % 3 == 1)
            waits_stop(ws, &o[i].wait);
    }
    for (int i = 0; i < N; i++)
        cr_assert_eq(end_of(&o[i]), i % 3 == 0 ? WAIT_READY : i % 3 == 1 ? WAIT_STOPPED : WAIT_EXPIRED, "number %d", i);
    cr_assert_eq(waits_count(ws), 0);
}
