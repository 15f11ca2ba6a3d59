#include "sockets.h"
#include "buf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_our_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* A usual name (BASENAME-YYYYMMDDTHHMMSS-PID) and its ending fit behind it: unix(7) gives an address 108 bytes. */
static bool is_short(const char *path)
{
    return strlen(path) + sizeof "/sentinel-watch/" + 40 + sizeof ".sock" <= sizeof ((struct sockaddr_un *)0)->sun_path;
}

char *sockets_folder(void)
{
    const char *said = getenv("XDG_RUNTIME_DIR");
    if (said && *said == '/' && is_short(said) && is_our_folder(said))
        return xasprintf("%s/sentinel-watch", said);
    STR_AUTO usual = xasprintf("/run/user/%u", (unsigned)geteuid());
    if (is_our_folder(usual))
        return xasprintf("%s/sentinel-watch", usual);
    return xasprintf("/tmp/sentinel-watch-%u", (unsigned)geteuid());
}
