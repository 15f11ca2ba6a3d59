/* hung_mount: mounts a FUSE file system at DIR which answers its own start and nothing else, for some
 * seconds; then whoever waits gets ENOTCONN. Root only. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static char in[1 << 18];
    char options[100];
    int fd = open("/dev/fuse", O_RDWR);
    if (argc != 3 || fd < 0)
        return 2;
    snprintf(options, sizeof options, "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", fd);
    if (mount("hung", argv[1], "fuse", MS_NOSUID | MS_NODEV, options)) {
        perror("mount");
        return 2;
    }
    alarm((unsigned)atoi(argv[2])); /* ends it, and with it the connection */
    for (;;) {
        long n = read(fd, in, sizeof in);
        struct fuse_in_header *h = (void *)in;
        if (n < (long)sizeof *h || h->opcode != FUSE_INIT)
            continue; /* whoever asked waits */
        struct {
            struct fuse_out_header h;
            struct fuse_init_out init;
        } out = {.h = {.len = sizeof out, .unique = h->unique}, .init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096}};
        if (write(fd, &out, sizeof out) < 0)
            return 2;
        puts("mounted");
        fflush(stdout);
    }
}
