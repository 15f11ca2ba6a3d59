/* writeexec PROGRAM N: copies PROGRAM to a new file, closes it and executes it at once, N times. A descriptor that
 * somebody else still holds for writing shows as ETXTBSY. Prints the count of each outcome. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int n = atoi(argv[2]), ran = 0, busy = 0, other = 0;
    for (int i = 0; i < n; i++) {
        static char text[1 << 20];
        char name[32];
        snprintf(name, sizeof name, "copy%d", i % 4);
        unlink(name);
        int in = open(argv[1], O_RDONLY), out = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);
        ssize_t got;
        while ((got = read(in, text, sizeof text)) > 0)
            if (write(out, text, got) != got)
                return 1;
        close(in);
        close(out);
        pid_t p = fork();
        if (!p) {
            execl(name, name, (char *)NULL);
            _exit(errno == ETXTBSY ? 99 : 98);
        }
        int st;
        waitpid(p, &st, 0);
        if (st == 0)
            ran++;
        else if (WEXITSTATUS(st) == 99)
            busy++;
        else
            other++;
    }
    printf("ran %d busy %d other %d\n", ran, busy, other);
    return busy || other;
}
