/* sentinel-policy: reads, checks and explains policies, before anything runs under them. */
#include "log.h"
#include "mistakes.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

static const struct verb_row {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: known, not built yet */
    const char *usage;
} verbs[] = {
    {"check", verb_check, "check [FILE|NAME...]           is it a policy, does every rule count, do its tests hold"},
    {"explain", verb_explain, "explain [-p ...] VERB TARGET [ARG...]   which rule decides, step by step"},
    {"show", verb_show, "show [-p ...] [--resolved]     every rule in the order in which it counts"},
    {"diff", verb_diff, "diff A B                       what two policies decide differently"},
    {"schema", verb_schema, "schema                         a JSON Schema for editors"},
    {"test", verb_test, "test [-w DIR] POLICY LOG...    replays recordings: what would be denied or asked now"},
    {"generate", verb_generate, "generate LOG... [--base NAME] [--merge POLICY] [-o FILE] [-w DIR]   from what runs did to a policy"},
    {"import", NULL, NULL},
    {"export", verb_export, "export --format oci|systemd|yaml LOG...   the system calls that were seen, for other tools"},
    {"sign", NULL, NULL},
    {"verify", NULL, NULL},
    {"trust", verb_trust, "trust [-w DIR]                 let the project's policy, as it is now, count in full"},
    {"hash", verb_hash, NULL},
    {"baseline", verb_baseline, NULL},
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

static bool is_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static int usage(FILE *to, int status)
{
    fputs("usage: sentinel-watch policy VERB ...\n", to);
    for (size_t i = 0; i < VERBS; i++)
        if (verbs[i].usage)
            fprintf(to, "  %s\n", verbs[i].usage);
    return status;
}

int main(int argc, char **argv)
{
    log_init(LOG_NORMAL, NULL);
    if (argc < 2)
        return usage(stderr, 2);
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
        return puts("sentinel-policy " VERSION) < 0;
    if (is_help(argv[1]))
        return usage(stdout, 0);
    const char *names[VERBS + 1] = {NULL};
    for (size_t i = 0; i < VERBS; i++) {
        names[i] = verbs[i].name;
        if (strcmp(verbs[i].name, argv[1]))
            continue;
        if (argc == 3 && is_help(argv[2]) && verbs[i].usage) /* before the verb does anything: trust would trust */
            return printf("usage: sentinel-watch policy %s\n", verbs[i].usage) < 0;
        if (verbs[i].run)
            return verbs[i].run(argc - 1, argv + 1);
        log_warn("policy %s is not built in this version", argv[1]);
        return 2;
    }
    STR_AUTO found = found_text(argv[1]);
    STR_AUTO known = names_text(names);
    STR_AUTO nearest = nearest_text(argv[1], names);
    log_warn("found %s, expected a verb of `policy`: %s%s", found, known, nearest);
    return 2;
}
