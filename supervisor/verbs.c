#include "verbs.h"
#include "cmd_answers.h"
#include "cmd_doctor.h"
#include "cmd_run.h"

#include <string.h>

static const struct verb_row verbs[] = {
    {"run", cmd_run, NULL, false, NULL},
    {"init", cmd_init, NULL, false, NULL},
    {"last", NULL, "sentinel-scribe", true, NULL},
    {"policy", NULL, "sentinel-policy", false, NULL},
    {"audit", NULL, "sentinel-scribe", true, NULL},
    {"answers", cmd_answers, NULL, false, NULL},
    {"console", NULL, "sentinel-notifier", true, NULL},
    {"tui", NULL, "sentinel-notifier", true, NULL},
    {"desktop", NULL, "sentinel-notifier", true, NULL},
    {"sessions", cmd_sessions, NULL, false, NULL},
    {"doctor", cmd_doctor, NULL, false, NULL},
    {"profiles", cmd_profiles, NULL, false, NULL},
    {"completion", cmd_completion, NULL, false, NULL},
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
