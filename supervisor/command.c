#include "command.h"
#include "buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/bin:/usr/bin" /* as glibc's execvp when PATH is unset */

/* 0, or what execve would say. With the effective ids, as execve looks. */
static int runnable(const char *path)
{
    struct stat st;
    if (stat(path, &st))
        return errno;
    if (!S_ISREG(st.st_mode))
        return EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? errno : 0;
}

static int refuse(const char *name, int e, struct err *err)
{
    STR_AUTO shown = NULL;
    struct buf b = {0};
    buf_escape(&b, name, strlen(name));
    shown = buf_steal(&b);
    if (e == ENOENT || e == ENOTDIR)
        return err_status(err, 127, "%s: not found", shown ? shown : "");
    return err_status(err, 126, "%s: %s", shown ? shown : "", strerror(e));
}

int command_find(const char *name, char **ret, struct err *err)
{
    if (strchr(name, '/')) {
        int e = runnable(name);
        if (e)
            return refuse(name, e, err);
        *ret = xstrdup(name);
        return 0;
    }
    int worst = ENOENT;
    const char *path = getenv("PATH");
    for (const char *p = path ? path : DEFAULT_PATH; *name; p++) {
        size_t n = strcspn(p, ":");
        char *file = n ? xasprintf("%.*s/%s", (int)n, p, name) : xstrdup(name); /* an empty part is the working folder */
        int e = runnable(file);
        if (!e) {
            *ret = file;
            return 0;
        }
        free(file);
        if (e == EACCES)
            worst = e;
        p += n;
        if (!*p)
            break;
    }
    return refuse(name, worst, err);
}
