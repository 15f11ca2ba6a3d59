#include "policy_find.h"
#include "fd.h"
#include "policy_yaml.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n > m && !strcmp(s + n - m, end);
}

bool policy_is_file_name(const char *name)
{
    return strchr(name, '/') || ends_in(name, ".yaml") || ends_in(name, ".yml");
}

char *policy_profile_path(const struct places *p, const char *name)
{
    STR_AUTO users = xasprintf("%s/sentinel-watch/profiles", p->config_home);
    const char *folders[] = {users, p->profiles};
    for (size_t i = 0; i < 2; i++) {
        char *path = folders[i] ? xasprintf("%s/%s.yaml", folders[i], name) : NULL;
        if (path && !access(path, F_OK))
            return path;
        free(path);
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_names(const char *folder, char ***names, size_t *n)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !ends_in(e->d_name, ".yaml"))
            continue;
        *names = xrealloc(*names, (*n + 2) * sizeof **names);
        (*names)[(*n)++] = xstrndup(e->d_name, strlen(e->d_name) - 5);
        (*names)[*n] = NULL;
    }
    if (d)
        closedir(d);
}

char **policy_profile_names(const struct places *p)
{
    char **names = xcalloc(1, sizeof *names);
    size_t n = 0, kept = 0;
    STR_AUTO users = xasprintf("%s/sentinel-watch/profiles", p->config_home);
    add_names(users, &names, &n);
    if (p->profiles)
        add_names(p->profiles, &names, &n);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++)
        if (kept && !strcmp(names[kept - 1], names[i]))
            free(names[i]);
        else
            names[kept++] = names[i];
    names[kept] = NULL;
    return names;
}

void policy_names_free(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

int policy_read_bytes(const char *path, bool regular, char **ret, size_t *ret_len)
{
    FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (regular && !S_ISREG(st.st_mode))
        return -EINVAL;
    return fd_read_rest(fd, YAML_MAX, ret, ret_len);
}
