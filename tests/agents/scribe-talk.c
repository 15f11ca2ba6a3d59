/* Stands in for the supervisor before a scribe: scribe-talk SCRIBE [OPTION...] starts `SCRIBE write OPTION...` with a
 * socket as descriptor 3 and reads commands from stdin, one a line:
 *
 *   r FIELDS        a record, with a time before it     l FIELDS   the last line
 *   many N BYTES    N records of about BYTES each       hear MS    prints what the scribe says until it is silent so
 * long kill            SIGKILL to the scribe               sleep MS run COMMAND     system(3)
 *
 * At the end of stdin the socket is closed, what the scribe still says is printed, and its exit status is ours. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int sock;

static void put(char kind, const char *fields)
{
    char *line;
    int n = asprintf(&line, "%c\"ts\":\"2026-01-02T03:04:05.678901234Z\",%s\n", kind, fields);
    for (int done = 0; done < n;) {
        ssize_t w = send(sock, line + done, (size_t)(n - done), MSG_NOSIGNAL);
        if (w < 0) {
            puts("gone");
            break;
        }
        done += (int)w;
    }
    free(line);
}

static void hear(int ms)
{
    char text[4096];
    struct pollfd p = {.fd = sock, .events = POLLIN};
    while (poll(&p, 1, ms) > 0) {
        ssize_t n = recv(sock, text, sizeof text, 0);
        if (n <= 0)
            return;
        fwrite(text, 1, (size_t)n, stdout);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    int pair[2];
    if (argc < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return 2;
    pid_t pid = fork();
    if (pid == 0) {
        char *args[64] = {argv[1], (char *)"write"};
        for (int i = 2; i < argc && i < 62; i++)
            args[i] = argv[i];
        if (pair[1] == 3)
            fcntl(3, F_SETFD, 0);
        else
            dup2(pair[1], 3);
        execv(args[0], args);
        _exit(127);
    }
    close(pair[1]);
    sock = pair[0];
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        long count, bytes;
        line[n - 1] = 0;
        if ((line[0] == 'r' || line[0] == 'l') && line[1] == ' ') {
            put(line[0], line + 2);
        } else if (sscanf(line, "many %ld %ld", &count, &bytes) == 2) {
            char *fields = malloc((size_t)bytes + 32);
            int at = sprintf(fields, "\"pad\":\"");
            memset(fields + at, 'x', (size_t)bytes);
            strcpy(fields + at + bytes, "\"");
            while (count-- > 0)
                put('r', fields);
            free(fields);
        } else if (sscanf(line, "hear %ld", &count) == 1) {
            hear((int)count);
        } else if (sscanf(line, "sleep %ld", &count) == 1) {
            usleep((useconds_t)count * 1000);
        } else if (!strncmp(line, "run ", 4)) {
            if (system(line + 4) != 0)
                puts("run failed");
        } else if (!strcmp(line, "kill")) {
            kill(pid, SIGKILL);
        }
    }
    shutdown(sock, SHUT_WR);
    hear(-1);
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
