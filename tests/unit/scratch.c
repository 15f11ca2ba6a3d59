#include "scratch.h"
#include "filter.h"
#include "notify.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void scratch_start(struct scratch *s, const int *numbers, size_t n, void (*agent)(void))
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    struct filter_rule rules[32];
    for (size_t i = 0; i < n; i++)
        rules[i] = (struct filter_rule){.nr = numbers[i], .action = FILTER_NOTIFY};
    struct filter f;
    struct err err;
    cr_assert_eq(filter_build(rules, n, false, 0, &f, &err), 0);
    int up[2], down[2];
    cr_assert_eq(pipe(up), 0);
    cr_assert_eq(pipe(down), 0);
    s->agent = fork();
    if (!s->agent) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        sigprocmask(SIG_UNBLOCK, &all, NULL);
        int l = filter_install(&f);
        char c;
        if (write(up[1], &l, sizeof l) != sizeof l || read(down[0], &c, 1) != 1)
            _exit(99);
        close(l);
        agent();
        _exit(0);
    }
    filter_free(&f);
    int number;
    cr_assert_eq(read(up[0], &number, sizeof number), (ssize_t)sizeof number);
    cr_assert_geq(number, 0);
    int pidfd = (int)syscall(SYS_pidfd_open, s->agent, 0);
    s->listener = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
    s->go = down[1];
    close(pidfd);
    close(up[0]);
    close(up[1]);
    close(down[0]);
    cr_assert_geq(s->listener, 0);
    cr_assert_eq(notify_prepare(s->listener), 0);
}

void scratch_go(struct scratch *s)
{
    cr_assert_eq(write(s->go, "x", 1), 1);
    close(s->go);
}

uint64_t scratch_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
