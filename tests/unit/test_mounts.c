#include "mounts.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void pass_100_ms(void)
{
    nanosleep(&(struct timespec){0, 150000000}, NULL);
}

Test(mounts, a_local_file_system_is_not_slow)
{
    int fd = open("/proc/self", O_PATH);
    mounts_any_slow();
    cr_expect(!mounts_slow(fd));
    close(fd);
}

Test(mounts, one_that_appears_and_goes)
{
    if (geteuid() || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        cr_skip_test("needs root: mounts");
    char dir[] = "/tmp/sw-mounts-XXXXXX", options[100];
    int fuse = open("/dev/fuse", O_RDWR);
    if (fuse < 0)
        cr_skip_test("needs /dev/fuse");
    cr_assert(mkdtemp(dir));
    bool before = mounts_any_slow();
    snprintf(options, sizeof options, "fd=%d,rootmode=40755,user_id=0,group_id=0", fuse);
    cr_assert(!mount("hung", dir, "fuse", 0, options));
    pass_100_ms();
    cr_expect(mounts_any_slow());
    int fd = open(dir, O_PATH), elsewhere = open("/tmp", O_PATH); /* nobody answers it: only what does not ask may be done */
    cr_expect(mounts_slow(fd));
    cr_expect(!mounts_slow(elsewhere));
    close(fd);
    cr_assert(!umount2(dir, MNT_DETACH));
    close(fuse);
    pass_100_ms();
    cr_expect_eq(mounts_any_slow(), before);
    rmdir(dir);
}
