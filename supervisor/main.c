/* sentinel-watch: runs a command under supervision, or the program that has a verb, as git does. */
#include "buf.h"
#include "cmd_doctor.h"
#include "cmd_run.h"
#include "fd.h"
#include "log.h"
#include "places.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A verb is done here (run), by another program (program; it also gets the verb's own word when `whole`), or not yet. */
static const struct verb_row {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *program;
    bool whole;
    const char *instead; /* what to do until it is built */
} verbs[] = {
    {"run", cmd_run, NULL, false, NULL},
    {"doctor", cmd_doctor, NULL, false, NULL},
    {"policy", NULL, "sentinel-policy", false, NULL},
    {"audit", NULL, "sentinel-scribe", true, NULL},
    {"last", NULL, "sentinel-scribe", true, NULL},
    {"console", NULL, "sentinel-notifier", true, NULL},
    {"tui", NULL, "sentinel-notifier", true, NULL},
    {"desktop", NULL, NULL, false, "use `sentinel-watch console`"},
    {"answers", NULL, NULL, false, "the files are $XDG_CONFIG_HOME/sentinel-watch/answers/*.yaml"},
    {"sessions", NULL, NULL, false, "the sockets are listed by: ls $XDG_RUNTIME_DIR/sentinel-watch"},
    {"profiles", NULL, NULL, false, "they are files: PREFIX/share/sentinel-watch/profiles"},
    {"init", NULL, NULL, false, "write .sentinel-watch.yaml by hand: `version: 1` and `rules:`"},
    {"completion", NULL, NULL, false, "sentinel-watch --help lists the options"},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static int hand_over(const struct verb_row *v, char **argv)
{
    struct places places;
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
    char **args = xcalloc(2, sizeof *args);
    size_t n = 0;
    while (rest[n])
        n++;
    args = xrealloc(args, (n + 2) * sizeof *args);
    args[0] = path;
    memcpy(args + 1, rest, (n + 1) * sizeof *args);
    execv(path, args);
    log_warn("%s: %s", path, strerror(errno));
    return 125;
}

int main(int argc, char **argv)
{
    fd_base(); /* before anything of ours is open */
    for (size_t i = 0; argc > 1 && i < VERBS; i++) {
        const struct verb_row *v = &verbs[i];
        if (strcmp(argv[1], v->name))
            continue;
        if (v->run)
            return v->run(argc - 1, argv + 1);
        log_init(LOG_NORMAL, NULL);
        if (v->program)
            return hand_over(v, argv + 1);
        log_warn("the verb `%s` is not built in this version: %s", v->name, v->instead);
        return 2;
    }
    return cmd_run(argc, argv);
}
