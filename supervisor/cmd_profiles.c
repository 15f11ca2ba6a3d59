/* sentinel-watch profiles: the policies that -p, `extends` and `auto` know by name, with what each says about itself. */
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

static int is_policy(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');
    return dot && dot > e->d_name && !strcmp(dot, ".yaml");
}

/* The first line of a profile is `# NAME: what it is`. */
static char *description(const char *path, const char *name)
{
    STR_AUTO text = NULL;
    if (fd_read_file(AT_FDCWD, path, 1 << 20, &text, NULL))
        return xstrdup("(cannot be read)");
    text[strcspn(text, "\n")] = 0;
    STR_AUTO start = xasprintf("# %s: ", name);
    struct buf b = {0};
    const char *said = !strncmp(text, start, strlen(start)) ? text + strlen(start) : text[0] == '#' ? text + strspn(text, "# ") : "";
    buf_escape(&b, said, strlen(said));
    return b.data ? buf_steal(&b) : xstrdup("");
}

static bool exists(const char *folder, const char *file)
{
    STR_AUTO path = xasprintf("%s/%s", folder, file);
    FD_AUTO fd = open(path, O_PATH | O_CLOEXEC);
    return fd >= 0;
}

static void show(const char *folder, const char *whose, const char *before)
{
    struct dirent **list;
    int n = folder ? scandir(folder, &list, is_policy, alphasort) : -1;
    for (int i = 0; i < n; i++) {
        STR_AUTO path = xasprintf("%s/%s", folder, list[i]->d_name);
        STR_AUTO name = xstrndup(list[i]->d_name, strlen(list[i]->d_name) - strlen(".yaml"));
        STR_AUTO said = description(path, name);
        bool hidden = before && exists(before, list[i]->d_name);
        printf("%-16s %-9s %s%s\n", name, whose, said, hidden ? " (yours of that name stands before it)" : "");
        free(list[i]);
    }
    if (n >= 0)
        free(list);
}

int cmd_profiles(int argc, char **argv)
{
    static struct places p;
    int status = verb_begin(argc, argv, "profiles", &p);
    if (status)
        return status;
    STR_AUTO own = xasprintf("%s/sentinel-watch/profiles", p.config_home);
    show(own, "yours", NULL);
    show(p.profiles, "built in", own);
    return 0;
}
