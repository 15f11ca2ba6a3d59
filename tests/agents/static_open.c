/* static_open PATH...: a static program that opens each path for reading (open(2), not openat) and says what came of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int bad = 0;
    for (int i = 1; i < argc; i++) {
        int fd = (int)syscall(SYS_open, argv[i], O_RDONLY);
        printf("%s: %s\n", argv[i], fd < 0 ? strerrorname_np(errno) : "opened");
        bad |= fd < 0;
    }
    return bad;
}
