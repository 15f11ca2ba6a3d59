#include "shared.h"
#include "buf.h"
#include "fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

struct stat_line { pid_t ppid, pgrp, tpgid; };

static int read_stat(pid_t pid, struct stat_line *ret)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    STR_AUTO text = NULL;
    if (fd_read_file(AT_FDCWD, path, 4096, &text, NULL))
        return -1;
    const char *after = strrchr(text, ')'); /* the name may hold anything */
    int ppid, pgrp, session, tty, tpgid;
    if (!after || sscanf(after + 1, " %*c %d %d %d %d %d", &ppid, &pgrp, &session, &tty, &tpgid) != 5)
        return -1;
    *ret = (struct stat_line){ppid, pgrp, tpgid};
    return 0;
}

static bool below(pid_t pid, pid_t front)
{
    struct stat_line s;
    for (int depth = 0; pid > 1 && depth < 1000; depth++) {
        if (pid == front)
            return true;
        if (read_stat(pid, &s))
            return false;
        pid = s.ppid;
    }
    return false;
}

bool shared_ready(int tty, pid_t front)
{
    struct termios t;
    struct stat_line f;
    if (tcgetattr(tty, &t) || !(t.c_lflag & ICANON))
        return false;
    /* TIOCGPGRP is for the terminal's own session; the front is in it, and /proc says the same of it. */
    if (read_stat(front, &f) || f.tpgid <= 0)
        return false;
    return f.tpgid == f.pgrp || below(f.tpgid, front);
}
