/* sentinel-watch sessions: the sessions that an interface could attach to, one name a line. */
#include "buf.h"
#include "fd.h"
#include "log.h"
#include "places.h"
#include "verbs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* /proc/net/unix has the path of every bound socket at the end of its line. Connecting would count as an interface. */
static bool listens(const char *sockets, const char *path)
{
    STR_AUTO end = xasprintf(" %s\n", path);
    return sockets && strstr(sockets, end);
}

static int is_socket(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');
    return dot && dot > e->d_name && !strcmp(dot, ".sock");
}

int cmd_sessions(int argc, char **argv)
{
    static struct places p;
    int status = verb_begin(argc, argv, "sessions", &p);
    if (status)
        return status;
    STR_AUTO sockets = NULL;
    fd_read_file(AT_FDCWD, "/proc/net/unix", 64 << 20, &sockets, NULL);
    struct dirent **list;
    int n = scandir(p.sockets, &list, is_socket, alphasort);
    for (int i = 0; i < n; i++) {
        STR_AUTO path = xasprintf("%s/%s", p.sockets, list[i]->d_name);
        if (listens(sockets, path))
            printf("%.*s\n", (int)(strlen(list[i]->d_name) - strlen(".sock")), list[i]->d_name);
        free(list[i]);
    }
    if (n >= 0)
        free(list);
    return 0;
}
