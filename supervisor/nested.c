#include "nested.h"
#include "fd.h"
#include "proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define OURS "sentinel-watch"

static char *proc_text(pid_t pid, const char *name, size_t *ret_len)
{
    char path[64], *text = NULL;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return fd_read_file(AT_FDCWD, path, 1 << 20, &text, ret_len) ? NULL : text;
}

static bool is_ours(pid_t pid)
{
    STR_AUTO comm = proc_text(pid, "comm", NULL);
    return comm && !strcmp(comm, OURS "\n");
}

/* In enforce the agent's environment names its denials file, SESSION.denials. */
static char *from_environment(void)
{
    const char *path = getenv("SENTINEL_WATCH_DENIALS");
    if (!path || !*path)
        return NULL;
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strstr(base, ".denials");
    return dot && dot > base ? xstrndup(base, (size_t)(dot - base)) : NULL;
}

/* A name of the usual form ends in the number of the process that was started: its socket, or in log mode its log. */
static char *from_folder(const char *folder, const char *suffix, pid_t pid)
{
    char end[48], *found = NULL;
    snprintf(end, sizeof end, "-%d%s", (int)pid, suffix);
    DIR *d = opendir(folder);
    struct dirent *e;
    while (d && !found && (e = readdir(d))) {
        size_t n = strlen(e->d_name), m = strlen(end);
        if (n > m && !strcmp(e->d_name + n - m, end))
            found = xstrndup(e->d_name, n - strlen(suffix));
    }
    if (d)
        closedir(d);
    return found;
}

static char *from_command_line(pid_t pid)
{
    size_t len;
    STR_AUTO text = proc_text(pid, "cmdline", &len);
    char *found = NULL;
    for (const char *w = text; w && w < text + len && strcmp(w, "--"); w += strlen(w) + 1) {
        const char *next = w + strlen(w) + 1;
        const char *value = !strncmp(w, "--session=", 10) ? w + 10 : !strcmp(w, "--session") && next < text + len ? next : NULL;
        if (value) {
            free(found);
            found = xstrdup(value);
        }
    }
    return found;
}

char *nested_session(const struct places *p)
{
    if (prctl(PR_GET_SECCOMP) != SECCOMP_MODE_FILTER)
        return NULL;
    pid_t pid = getppid(), first = 0;
    char *name = NULL;
    STR_AUTO state = xasprintf("%s/sentinel-watch", p->state_home);
    while (pid > 0 && !name) {
        if (is_ours(pid)) { /* the supervisor, and then its front */
            if (!first)
                name = from_environment();
            first = first ? first : pid;
            if (!name)
                name = from_command_line(pid);
            if (!name)
                name = from_folder(p->sockets, ".sock", pid);
            if (!name)
                name = from_folder(state, ".jsonl", pid);
        } else if (first) {
            break;
        }
        pid_t up;
        if (proc_stat(pid, NULL, &up, NULL, NULL, NULL, NULL))
            break;
        pid = up;
    }
    return name || !first ? name : xasprintf("process %d", (int)first);
}
