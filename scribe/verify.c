/* audit verify [--key FILE] [FILE|SESSION]: is the log whole? 0 whole, 1 changed, removed or reordered, 3 cut short, 4
 * bad signature. What a chain without signatures is worth is said each time. */
#include "scribe.h"
#include "chain.h"
#include "logs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

static bool being_written(FILE *f)
{
    if (flock(fileno(f), LOCK_SH | LOCK_NB) < 0)
        return true;
    flock(fileno(f), LOCK_UN);
    return false;
}

int cmd_verify(int argc, char **argv)
{
    static const struct option options[] = {{"key", 1, 0, 'k'}, {0}};
    struct key *key = NULL;
    struct err err;
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c != 'k')
            return 2;
        if (key_open(optarg, false, &key, &err) < 0) {
            fprintf(stderr, "sentinel-watch: %s\n", err.text);
            return err.status;
        }
    }
    if (argc - optind > 1) {
        fprintf(stderr, "sentinel-watch: audit verify takes one FILE or SESSION\n");
        return 2;
    }
    STR_AUTO path = NULL;
    FILE *f = logs_open(argv[optind], &path, &err);
    if (!f) {
        fprintf(stderr, "sentinel-watch: %s\n", err.text);
        return err.status;
    }
    bool live = being_written(f);
    struct chain_report r;
    chain_check(f, key, &r);
    fclose(f);
    /* The writer is in the middle of it: the end that is missing is still to come. */
    bool growing = live && r.state == CHAIN_CUT;
    if (r.state != CHAIN_WHOLE && !growing) {
        printf("%s: %s\n", path, r.text);
        if (r.state == CHAIN_CUT && r.signatures && key)
            printf("%s: the lines before it have %llu good signatures\n", path, (unsigned long long)r.signatures);
    } else {
        printf("%s: %s, %llu lines, %llu sessions, %s%s\n", path,
               growing ? "whole so far, still being written" : "whole", (unsigned long long)r.end.lines,
               (unsigned long long)r.sessions,
               !r.signatures ? "chained, not signed"
               : key         ? "chained and signed with this key"
                             : "chained; signatures not checked without --key",
               r.signatures && key ? "" : "; whoever holds the file and the program could have made the chain anew");
    }
    key_close(key);
    return growing ? 0 : (int)r.state;
}
