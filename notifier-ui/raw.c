/* raw - `console --raw SESSION`: the protocol itself on stdin and stdout, for handlers in languages that have no unix sockets. */
#include "client.h"
#include "fd.h"
#include "verbs.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* true: more may come. */
static bool pass(int from, int to)
{
    char chunk[16384];
    ssize_t n = read(from, chunk, sizeof chunk);
    return n > 0 && !fd_write_all(to, chunk, (size_t)n);
}

int raw_main(const char *session)
{
    struct err err;
    signal(SIGPIPE, SIG_IGN);
    FD_AUTO sock = client_socket(session, &err);
    if (sock < 0) {
        fprintf(stderr, "sentinel-watch: %s\n", err.text);
        return 125;
    }
    struct pollfd q[2] = {{sock, POLLIN, 0}, {0, POLLIN, 0}};
    for (;;) {
        if (poll(q, 2, -1) < 0)
            continue;
        if (q[0].revents && !pass(sock, 1))
            return 0;
        if (q[1].revents && !pass(0, sock))
            return 0;
    }
}
