#include "hands.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct act {
    sem_t started, done;
    struct hand *hand;
    int fd;
    ssize_t r;
    int e;
    bool interrupted;
};

static void read_one(struct hand *self, void *arg)
{
    struct act *a = arg;
    char c;

    a->hand = self;
    sem_post(&a->started);
    errno = 0;
    a->r = read(a->fd, &c, 1);
    a->e = errno;
    a->interrupted = hand_interrupted(self);
    sem_post(&a->done);
}

static void act_init(struct act *a, int fd)
{
    *a = (struct act){.fd = fd};
    sem_init(&a->started, 0, 0);
    sem_init(&a->done, 0, 0);
}

Test(hands, an_act_that_sleeps_is_interrupted, .timeout = 20)
{
    struct hands *h = hands_new();
    int p[2];

    cr_assert_eq(pipe(p), 0);
    for (int i = 0; i < 300; i++) {
        struct act a;

        act_init(&a, p[0]);
        cr_assert_eq(hands_submit(h, read_one, &a), 0);
        sem_wait(&a.started); /* it may not sleep yet: the signal must come again */
        hand_interrupt(a.hand);
        sem_wait(&a.done);
        cr_assert_eq(a.r, -1);
        cr_assert_eq(a.e, EINTR);
        cr_assert(a.interrupted);
    }
}

Test(hands, one_that_finished_keeps_its_result_and_the_next_is_not_interrupted, .timeout = 20)
{
    struct hands *h = hands_new();
    int p[2];

    cr_assert_eq(pipe(p), 0);
    for (int i = 0; i < 300; i++) {
        struct act a;

        act_init(&a, p[0]);
        cr_assert_eq(hands_submit(h, read_one, &a), 0);
        sem_wait(&a.started);
        cr_assert_eq(write(p[1], "x", 1), 1);
        sem_wait(&a.done);
        cr_assert_eq(a.r, 1);
        cr_assert_not(a.interrupted, "told to stop in round %d, by the interrupt of an earlier one", i);

        act_init(&a, p[0]);
        cr_assert_eq(hands_submit(h, read_one, &a), 0);
        sem_wait(&a.started);
        hand_interrupt(a.hand);
        sem_wait(&a.done);
        cr_assert_eq(a.e, EINTR);
    }
}

Test(hands, five_hundred_at_once_and_each_stops_alone, .timeout = 60)
{
    enum { N = 500 };
    static struct act a[N];
    static int p[N][2];
    struct hands *h = hands_new();

    for (int i = 0; i < N; i++) {
        if (pipe(p[i]) < 0)
            cr_skip_test("no %d pipes under this descriptor limit", N);
        act_init(&a[i], p[i][0]);
        cr_assert_eq(hands_submit(h, read_one, &a[i]), 0);
    }
    for (int i = 0; i < N; i++)
        sem_wait(&a[i].started); /* all sleep at once: none waited for another */
    for (int i = 0; i < N; i += 2)
        hand_interrupt(a[i].hand);
    for (int i = 0; i < N; i += 2) {
        sem_wait(&a[i].done);
        cr_assert_eq(a[i].e, EINTR);
    }
    for (int i = 1; i < N; i += 2) {
        int v;

        sem_getvalue(&a[i].done, &v);
        cr_assert_eq(v, 0, "number %d came back without being told", i);
        cr_assert_eq(write(p[i][1], "x", 1), 1);
        sem_wait(&a[i].done);
        cr_assert_eq(a[i].r, 1);
        cr_assert_not(a[i].interrupted);
    }
    for (int i = 0; i < 100 && hands_count(h) > 2; i++)
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    cr_assert_leq(hands_count(h), 2, "idle hands do not go away");
}

static void set_mask(struct hand *self, void *arg)
{
    struct act *a = arg;

    cr_assert_eq(hand_self(), self);
    umask(0777);
    cr_assert_eq(chdir("/"), 0);
    sem_post(&a->done);
}

Test(hands, umask_and_cwd_are_its_own)
{
    struct hands *h = hands_new();
    struct act a;
    char cwd[4096];

    cr_assert_eq(chdir("/tmp"), 0);
    umask(022);
    act_init(&a, -1);
    cr_assert_eq(hands_submit(h, set_mask, &a), 0);
    sem_wait(&a.done);
    cr_assert_eq(umask(022), 022);
    cr_assert_str_eq(getcwd(cwd, sizeof cwd), "/tmp");
    cr_assert_null(hand_self());
}

static double ms_of_a_try(int fd, ssize_t *r, int *e)
{
    struct timespec a, b;
    char c;

    clock_gettime(CLOCK_MONOTONIC, &a);
    cr_assert(hand_try());
    *r = read(fd, &c, 1);
    *e = errno;
    hand_try_end();
    clock_gettime(CLOCK_MONOTONIC, &b);
    return (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
}

Test(hands, a_try_that_sleeps_comes_back_and_one_that_does_not_is_left_alone, .timeout = 60)
{
    sigset_t all;
    int p[2], e;
    ssize_t r;

    static struct hands *h;
    h = hands_new(); /* its handler */
    cr_assert_eq(hands_count(h), 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    cr_assert_eq(pipe(p), 0);
    for (int i = 0; i < 30; i++) {
        if (i % 10 == 0)
            nanosleep(&(struct timespec){0, 150000000}, NULL); /* the watcher sleeps by then, and must wake */
        cr_assert_lt(ms_of_a_try(p[0], &r, &e), 2000);
        cr_assert(r == -1 && e == EINTR);
        for (int k = 0; k < 1000; k++) {
            cr_assert_eq(write(p[1], "x", 1), 1);
            ms_of_a_try(p[0], &r, &e);
            cr_assert(r == 1 || e == EINTR);
            if (r < 0) /* late, on a busy machine: the byte is still there */
                cr_assert_eq(read(p[0], &(char){0}, 1), 1);
        }
    }
}
