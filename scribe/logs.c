#include "logs.h"
#include "tools/record/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/')
        return xasprintf("%s/sentinel-watch", state);
    if (!home || !*home) {
        struct passwd *pw = getpwuid(geteuid());
        home = pw ? pw->pw_dir : "/";
    }
    return xasprintf("%s/.local/state/sentinel-watch", home);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n > m && !strcmp(s + n - m, end);
}

static char *latest(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return NULL;
    char *best = NULL;
    struct timespec when = {0};
    struct dirent *e;
    while ((e = readdir(d))) {
        struct stat st;
        if (!ends_with(e->d_name, ".jsonl") || ends_with(e->d_name, ".denials.jsonl") ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (best && (st.st_mtim.tv_sec < when.tv_sec ||
                     (st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec <= when.tv_nsec)))
            continue;
        free(best);
        best = xasprintf("%s/%s", dir, e->d_name);
        when = st.st_mtim;
    }
    closedir(d);
    return best;
}

FILE *logs_open(const char *which, char **ret_path, struct err *err)
{
    STR_AUTO dir = folder();
    STR_AUTO path = NULL;
    if (!which)
        path = latest(dir);
    else if (strchr(which, '/') || ends_with(which, ".jsonl") || access(which, F_OK) == 0)
        path = xstrdup(which);
    else
        path = xasprintf("%s/%s.jsonl", dir, which);
    if (!path) {
        err_set(err, 0, "there is no audit log in %s yet; name a FILE", dir);
        return NULL;
    }
    FILE *f = fopen(path, "re");
    if (!f) {
        err_set(err, errno, "the audit log %s", path);
        return NULL;
    }
    *ret_path = path;
    path = NULL;
    return f;
}

int logs_begin(int n, char **operands, const char *verb, char **ret_path, struct record_reader *ret)
{
    struct err err;
    if (n > 1) {
        fprintf(stderr, "sentinel-watch: audit %s takes one FILE or SESSION\n", verb);
        return 2;
    }
    *ret = (struct record_reader){.file = logs_open(operands[0], ret_path, &err)};
    if (ret->file)
        return 0;
    fprintf(stderr, "sentinel-watch: %s\n", err.text);
    return err.status;
}
