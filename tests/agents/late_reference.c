/* late_reference: is a file really closed when close() returns? A descriptor that the supervisor still holds shows in locks,
 * leases, ETXTBSY and the end of a FIFO. Prints how often each was wrong; natively never. Arguments: a folder, tries. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 3 || chdir(argv[1]) || (mkfifo("fifo", 0600) && errno != EEXIST))
        return 2;
    int tries = atoi(argv[2]), locked = 0, leased = 0, busy = 0, open_end = 0, denied = 0;
    for (int i = 0; i < tries; i++) {
        int f = creat("x", 0755);
        if (f < 0)
            return 3;
        flock(f, LOCK_EX | LOCK_NB);
        close(f);
        int g = open("x", O_RDONLY);
        locked += flock(g, LOCK_EX | LOCK_NB) != 0;
        if (fcntl(g, F_SETLEASE, F_RDLCK))
            leased++;
        else
            fcntl(g, F_SETLEASE, F_UNLCK);
        close(g);
        execl("./x", "x", NULL); /* no program: ENOEXEC, unless somebody has it open for writing */
        busy += errno == ETXTBSY;
        denied += errno != ENOEXEC && errno != ETXTBSY;
        int r = open("fifo", O_RDONLY | O_NONBLOCK), w = open("fifo", O_WRONLY | O_NONBLOCK);
        close(w);
        char c;
        open_end += read(r, &c, 1) != 0; /* EAGAIN: a writer is left */
        close(r);
    }
    printf("of %d: locked %d, lease refused %d, text busy %d, writer left %d, other %d\n", tries, locked, leased, busy, open_end, denied);
    return locked || leased || busy || open_end || denied;
}
