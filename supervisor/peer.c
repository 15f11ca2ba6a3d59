#include "peer.h"
#include "fd.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SUPERVISOR "sentinel-watch"
#define DEPTH_MAX 4096

/* /proc/PID/comm: the thread group leader's. Readable also for a process that is not dumpable. */
static int name_of(pid_t pid, char comm[16])
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    STR_AUTO text = NULL;
    if (fd_read_file(AT_FDCWD, path, 64, &text, NULL))
        return -1;
    text[strcspn(text, "\n")] = 0;
    snprintf(comm, 16, "%s", text);
    return 0;
}

const char *peer_refused(int sock, char comm[16], pid_t *ret_pid)
{
    struct ucred who = {0};
    socklen_t n = sizeof who;
    comm[0] = 0;
    *ret_pid = 0;
    if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &n) || who.pid <= 0)
        return "who connects cannot be told";
    *ret_pid = who.pid;
    if (who.uid != getuid() && who.uid != geteuid())
        return "another user's program cannot answer";
    if (who.pid == getpid() || name_of(who.pid, comm))
        return "a program that is supervised cannot answer";
    char name[16];
    pid_t pid = who.pid;
    for (int depth = 0; pid > 1; depth++) {
        /* An ancestor that /proc hides (hidepid) belongs to somebody else; nothing of ours is above it. */
        if (name_of(pid, name))
            return depth ? NULL : "who connects cannot be told";
        if (pid == getpid() || strcmp(name, SUPERVISOR) == 0 || depth > DEPTH_MAX)
            return "a program that is supervised cannot answer";
        if (proc_stat(pid, NULL, &pid, NULL, NULL, NULL, NULL))
            return depth ? NULL : "who connects cannot be told";
    }
    return NULL;
}
