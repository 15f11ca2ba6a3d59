/* sentinel-scribe: writes the audit log (for the supervisor) and reads it (for people). */
#include "scribe.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *group, *name;
    int (*run)(int argc, char **argv);
    const char *usage;
} verbs[] = {
    {NULL, "write", cmd_write, NULL},
    {"audit", "show", cmd_show,
     "[--verb V] [--decision D] [--since T] [--exe GLOB] [--target GLOB] [--json] [FILE|SESSION]"},
    {"audit", "tail", cmd_tail, "[-f] [-n LINES] [the filters of show] [FILE|SESSION]"},
    {"audit", "stats", cmd_stats, "[the filters of show] [FILE|SESSION]"},
    {"audit", "verify", cmd_verify, "[--key FILE] [FILE|SESSION]"},
    {NULL, "last", cmd_last, "[FILE|SESSION]"},
};

static bool is_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static int usage(FILE *f)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (verbs[i].usage)
            fprintf(f, "%s sentinel-watch %s%s%s %s\n", i <= 1 ? "usage:" : "      ",
                    verbs[i].group ? verbs[i].group : "", verbs[i].group ? " " : "", verbs[i].name, verbs[i].usage);
    return f == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
        puts("sentinel-scribe " VERSION);
        return 0;
    }
    if (argc > 1 && is_help(argv[1]))
        return usage(stdout);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        int at = 1;
        if (verbs[i].group) {
            if (argc < 2 || strcmp(argv[1], verbs[i].group) != 0)
                continue;
            at = 2;
        }
        if (argc > at && !strcmp(argv[at], verbs[i].name) && argc == at + 2 && is_help(argv[at + 1]))
            return usage(stdout);
        if (argc > at && !strcmp(argv[at], verbs[i].name))
            return verbs[i].run(argc - at, argv + at);
    }
    return usage(argc > 2 && is_help(argv[2]) ? stdout : stderr);
}
