#include "witness.h"
#include "buf.h"
#include "fd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEEN_FOR_S 2 /* a sighting that nobody asked about belongs to a signal that was merged with another */

struct sighting {
    int sig;
    pid_t sender;
};

struct witness {
    pid_t pid;
    int from;
    struct {
        pid_t sender;
        time_t when;
    } seen[65];
};

/* The last signal there is: sigwaitinfo(2) takes the lowest number first, so when this one comes out of the witness, every
 * other that was pending has come out before. */
#define MARK SIGRTMAX

static void watch(pid_t asker, int to)
{
    sigset_t all;
    siginfo_t si;
    sigfillset(&all);
    prctl(PR_SET_NAME, "sentinel-witnes", 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    close_range(0, (unsigned)to - 1, 0);
    close_range((unsigned)to + 1, ~0U, 0);
    while (getppid() == asker) {
        if (sigwaitinfo(&all, &si) < 0 || si.si_code > 0)
            continue;
        struct sighting s = {si.si_signo, si.si_pid};
        if (write(to, &s, sizeof s) < 0 && getppid() != asker)
            break;
    }
    _exit(0);
}

struct witness *witness_start(void)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC | O_NONBLOCK))
        return NULL;
    p[0] = fd_high(p[0]);
    p[1] = fd_high(p[1]);
    pid_t asker = getpid(), pid = fork();
    if (!pid)
        watch(asker, p[1]);
    close(p[1]);
    if (pid < 0) {
        close(p[0]);
        return NULL;
    }
    struct witness *w = xcalloc(1, sizeof *w);
    w->pid = pid;
    w->from = p[0];
    return w;
}

/* Takes in what the witness has said until it answers our mark, a second at the most. */
static void hear(struct witness *w)
{
    /* kill(-group) reaches the members one after the other, within microseconds: let it finish. */
    nanosleep(&(struct timespec){0, 1000 * 1000}, NULL);
    if (sigqueue(w->pid, MARK, (union sigval){0}))
        return;
    struct pollfd p = {w->from, POLLIN, 0};
    struct sighting s;
    while (poll(&p, 1, 1000) > 0 && read(w->from, &s, sizeof s) == (ssize_t)sizeof s) {
        if (s.sig == MARK && s.sender == getpid())
            return;
        if (s.sig > 0 && s.sig < 65) {
            w->seen[s.sig].sender = s.sender;
            w->seen[s.sig].when = time(NULL);
        }
    }
}

bool witness_saw(struct witness *w, int sig, pid_t sender)
{
    if (!w || sig <= 0 || sig > 64)
        return false;
    hear(w);
    bool saw = w->seen[sig].when && w->seen[sig].sender == sender && time(NULL) - w->seen[sig].when <= SEEN_FOR_S;
    w->seen[sig].when = 0;
    return saw;
}

void witness_dismiss(struct witness *w)
{
    if (w)
        kill(w->pid, SIGKILL);
}

void witness_stop(struct witness *w)
{
    if (!w)
        return;
    witness_dismiss(w);
    waitpid(w->pid, NULL, 0);
    close(w->from);
    free(w);
}
