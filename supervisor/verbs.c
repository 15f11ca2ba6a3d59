#include "verbs.h"
#include "log.h"
#include "cmd_answers.h"
#include "cmd_doctor.h"
#include "cmd_run.h"

#include <string.h>

static const struct verb_row verbs[] = {
    {"run", cmd_run, NULL, false, NULL},
    {"init", cmd_init, NULL, false, NULL, "sentinel-watch init: writes .sentinel-watch.yaml, a short commented policy, into the working folder"},
    {"last", NULL, "sentinel-scribe", true, NULL},
    {"policy", NULL, "sentinel-policy", false, NULL},
    {"audit", NULL, "sentinel-scribe", true, NULL},
    {"answers", cmd_answers, NULL, false, NULL},
    {"console", NULL, "sentinel-notifier", true, NULL},
    {"tui", NULL, "sentinel-notifier", true, NULL},
    {"desktop", NULL, "sentinel-notifier", true, NULL},
    {"sessions", cmd_sessions, NULL, false, NULL, "sentinel-watch sessions: the names of the sessions that run"},
    {"doctor", cmd_doctor, NULL, false, NULL, "sentinel-watch doctor: what this kernel can hold, and where our own parts are; 1 when something fails"},
    {"profiles", cmd_profiles, NULL, false, NULL, "sentinel-watch profiles: the policies that --policy NAME finds"},
    {"completion", cmd_completion, NULL, false, NULL, "sentinel-watch completion bash|zsh|fish: prints a completion script, for: source <(sentinel-watch completion bash)"},
};

const struct verb_row *verbs_at(size_t i)
{
    return i < sizeof verbs / sizeof *verbs ? &verbs[i] : NULL;
}

const struct verb_row *verbs_find(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (!strcmp(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

int verb_begin(int argc, char **argv, const char *verb, struct places *ret)
{
    struct err err;
    log_init(LOG_NORMAL, NULL);
    if (argc > 1) {
        log_warn("%s: found `%s`, expected nothing more", verb, argv[1]);
        return 2;
    }
    if (places_find(ret, "/", &err)) {
        log_warn("%s", err.text);
        return 125;
    }
    return 0;
}
