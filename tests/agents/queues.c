/* queues: what POSIX message queues give. The same plain and supervised; NAME may be denied. Argument: NAME, without a slash. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int say(const char *what, long r)
{
    struct stat st;
    if (r < 0)
        printf("%-40s %s\n", what, strerrorname_np(errno));
    else if (!r || fstat((int)r, &st))
        printf("%-40s ok\n", what);
    else
        printf("%-40s %ld flags %o cloexec %d mode %o uid %u\n", what, r, fcntl((int)r, F_GETFL), fcntl((int)r, F_GETFD), st.st_mode, st.st_uid);
    return (int)r;
}

int main(int argc, char **argv)
{
    const char *n = argv[1];
    char lengthy[300], text[64];
    long attr[8] = {0, 4, 32}, bad[8] = {0, -1, 32};
    memset(lengthy, 'q', sizeof lengthy);
    lengthy[299] = 0;
    for (int fd = 3; fd < 300; fd++)
        close(fd);
    if (argc != 2)
        return 2;
    umask(027);
    say("missing", syscall(SYS_mq_open, n, O_RDWR, 0, NULL));
    int q = say("made", syscall(SYS_mq_open, n, O_RDWR | O_CREAT | O_NONBLOCK, 0666, attr));
    say("again", syscall(SYS_mq_open, n, O_RDONLY | O_CREAT, 0600, NULL));
    say("exclusively", syscall(SYS_mq_open, n, O_RDONLY | O_CREAT | O_EXCL, 0600, NULL));
    say("for writing", syscall(SYS_mq_open, n, O_WRONLY, 0, NULL));
    say("with a slash", syscall(SYS_mq_open, "/a", O_RDONLY, 0, NULL));
    say("a dot", syscall(SYS_mq_open, ".", O_RDONLY, 0, NULL));
    say("empty", syscall(SYS_mq_open, "", O_RDONLY, 0, NULL));
    say("lengthy", syscall(SYS_mq_open, lengthy, O_RDONLY, 0, NULL));
    say("no name", syscall(SYS_mq_open, NULL, O_RDONLY, 0, NULL));
    say("no attributes", syscall(SYS_mq_open, n, O_RDONLY, 0, (void *)1));
    say("bad attributes", syscall(SYS_mq_open, "sw-bad", O_RDONLY | O_CREAT, 0600, bad));
    if (q > 0) {
        say("sent", syscall(SYS_mq_timedsend, q, "hello", 5, 0, NULL));
        say("received", syscall(SYS_mq_timedreceive, q, text, sizeof text, NULL, NULL) == 5 ? 0 : -1);
    }
    say("removed", syscall(SYS_mq_unlink, n));
    say("removed again", syscall(SYS_mq_unlink, n));
    say("nothing removed", syscall(SYS_mq_unlink, ""));
    return q > 0 ? 0 : 1;
}
