/* sentinel-watch: runs a command under supervision, or the program that has a verb, as git does. */
#include "buf.h"
#include "cmd_run.h"
#include "fd.h"
#include "log.h"
#include "places.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int hand_over(const struct verb_row *v, char **argv)
{
    static struct places places;
    struct err err;
    if (places_find(&places, "/", &err)) { /* the workspace plays no part here */
        log_warn("%s", err.text);
        return 125;
    }
    STR_AUTO path = places_program(&places, v->program);
    if (!path) {
        log_warn("%s: %s is not beside this program (%s), nor in ../lib/sentinel-watch", v->name, v->program, places.own_programs);
        return 125;
    }
    char **rest = v->whole ? argv : argv + 1;
    size_t n = 0;
    while (rest[n])
        n++;
    char **args = xcalloc(n + 2, sizeof *args);
    args[0] = path;
    memcpy(args + 1, rest, n * sizeof *args);
    execv(path, args);
    log_warn("%s: %s", path, strerror(errno));
    return 125;
}

int main(int argc, char **argv)
{
    fd_base(); /* before anything of ours is open */
    const struct verb_row *v = argc > 1 ? verbs_find(argv[1]) : NULL;
    if (!v)
        return cmd_run(argc, argv);
    if (v->usage && argc == 3 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h")))
        return printf("usage: %s\n", v->usage) < 0;
    if (v->run)
        return v->run(argc - 1, argv + 1);
    log_init(LOG_NORMAL, NULL);
    if (v->program)
        return hand_over(v, argv + 1);
    log_warn("the verb `%s` is not built in this version: %s", v->name, v->instead);
    return 2;
}
