#include "places.h"
#include "fd.h"
#include "sockets.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An empty variable is an unset one; a relative folder is ignored, as the XDG base directory specification says. */
static const char *folder_from(const char *variable)
{
    const char *v = getenv(variable);
    if (!v || *v != '/')
        return NULL;
    char *s = xstrdup(v);
    for (size_t n = strlen(s); n > 1 && s[n - 1] == '/';)
        s[--n] = 0;
    return s;
}

static const char *folder_or(const char *variable, const char *home, const char *below)
{
    const char *v = folder_from(variable);
    return v ? v : xasprintf("%s/%s", strcmp(home, "/") ? home : "", below);
}

static const char *find_home(void)
{
    const char *home = folder_from("HOME");
    if (home)
        return home;
    const struct passwd *pw = getpwuid(getuid());
    return pw && pw->pw_dir && pw->pw_dir[0] == '/' ? xstrdup(pw->pw_dir) : "/";
}

static bool is_our_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static const char *find_own_programs(void)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0)
        return "/";
    exe[n] = 0;
    char *slash = strrchr(exe, '/');
    *(slash == exe ? slash + 1 : slash) = 0;
    return xstrdup(exe);
}

static const char *find_profiles(const char *own)
{
    char *places[] = {
        xasprintf("%s/../share/sentinel-watch/profiles", own),    /* PREFIX/bin */
        xasprintf("%s/../../share/sentinel-watch/profiles", own), /* PREFIX/lib/sentinel-watch */
        xasprintf("%s/profiles", own),                            /* a build tree */
        xstrdup(PREFIX "/share/sentinel-watch/profiles"),
    };
    const char *found = NULL;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (!found && is_folder(places[i]))
            found = realpath(places[i], NULL);
        free(places[i]);
    }
    return found;
}

static int find_workspace(struct places *p, const char *said, struct err *err)
{
    char *real = realpath(said ? said : ".", NULL);
    if (!real)
        return err_set(err, errno, "the workspace %s", said ? said : "(the working folder)");
    if (!is_folder(real)) {
        err_set(err, ENOTDIR, "the workspace %s", real);
        free(real);
        return -1;
    }
    STR_AUTO home = realpath(p->home, NULL);
    if (!said && (!strcmp(real, "/") || (home && !strcmp(real, home)))) {
        err_set(err, 0, "the workspace would be %s, everything you have: go into the project's folder, or say it with --workspace %s",
                real, real);
        free(real);
        return -1;
    }
    p->workspace = real;
    return 0;
}

int places_find(struct places *ret, const char *workspace, struct err *err)
{
    static struct places p; /* the strings live as long as the process, also when this fails */
    p = (struct places){.home = find_home()};
    p.home_is_ours = is_our_folder(p.home);
    p.tmpdir = folder_from("TMPDIR");
    if (!p.tmpdir)
        p.tmpdir = "/tmp";
    p.config_home = folder_or("XDG_CONFIG_HOME", p.home, ".config");
    p.state_home = folder_or("XDG_STATE_HOME", p.home, ".local/state");
    p.data_home = folder_or("XDG_DATA_HOME", p.home, ".local/share");
    p.cache_home = folder_or("XDG_CACHE_HOME", p.home, ".cache");
    p.runtime_dir = folder_from("XDG_RUNTIME_DIR");
    if (!p.runtime_dir)
        p.runtime_dir = xasprintf("/run/user/%u", (unsigned)geteuid());
    p.sockets = sockets_folder();
    p.own_programs = find_own_programs();
    p.profiles = find_profiles(p.own_programs);
    if (find_workspace(&p, workspace, err))
        return -1;
    static struct places kept; /* so that a leak checker knows where the strings are */
    *ret = kept = p;
    return 0;
}

int places_sockets(const struct places *p, char **ret, struct err *err)
{
    struct stat st;
    if (fd_mkdir_private(p->sockets) && errno != EEXIST)
        return err_set(err, errno, "making the folder for sockets %s", p->sockets);
    if (lstat(p->sockets, &st))
        return err_set(err, errno, "the folder for sockets %s", p->sockets);
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
        return err_set(err, 0, "the folder for sockets %s is not a folder of ours with mode 0700: remove it", p->sockets);
    *ret = xstrdup(p->sockets);
    return 0;
}

char *places_program(const struct places *p, const char *name)
{
    static const char *const where[] = {"%s/%s", "%s/../lib/sentinel-watch/%s", "%s/../../bin/%s"};
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        char *path = xasprintf(where[i], p->own_programs, name);
        if (!access(path, X_OK))
            return path;
        free(path);
    }
    return NULL;
}
