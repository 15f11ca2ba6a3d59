/* sentinel-notifier VERB ...: the user interfaces, each its own process. `sentinel-watch VERB` runs it. */
#include "verbs.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct { const char *verb; int (*run)(int argc, char **argv); } verbs[] = {
    {"console", console_main}, {"tui", tui_main}, {"desktop", desktop_main}};

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[1], verbs[i].verb) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("sentinel-notifier " VERSION);
        return 0;
    }
    fprintf(stderr, "usage: sentinel-notifier console|tui|desktop [SESSION]\n");
    return 2;
}
