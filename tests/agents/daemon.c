/* daemon FILE SECONDS: double-forks; the daemon writes its pid to FILE.pid, sleeps, writes "lived" to FILE, ends. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (fork())
        return 0;
    setsid();
    if (fork())
        _exit(0);
    for (int i = 0; i < 3; i++)
        close(i);
    char name[4096];
    snprintf(name, sizeof name, "%s.pid", argv[1]);
    FILE *f = fopen(name, "w");
    fprintf(f, "%d\n", getpid());
    fclose(f);
    sleep(atoi(argv[2]));
    f = fopen(argv[1], "w");
    fputs("lived\n", f);
    fclose(f);
    return 0;
}
