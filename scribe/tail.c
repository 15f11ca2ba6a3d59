/* audit tail [-f] [-n N] [FILTER...] [FILE|SESSION]: the last records, and with -f those that come, until the session
 * ends. */
#include "scribe.h"
#include "filter.h"
#include "logs.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

/* Where the last `count` records that the filter takes begin. */
static long last_ones(struct record_reader *reader, const struct filter *f, long count)
{
    long *at = xcalloc((size_t)count + 1, sizeof *at), seen = 0, pos = ftell(reader->file);
    struct record r;
    while (record_read(reader, &r)) {
        if (filter_takes(f, &r))
            at[seen++ % (count + 1)] = pos;
        record_free(&r);
        pos = ftell(reader->file);
    }
    long start = seen > count ? at[(seen - count) % (count + 1)] : count ? 0 : pos;
    free(at);
    return start;
}

static bool writer_gone(FILE *file)
{
    if (flock(fileno(file), LOCK_SH | LOCK_NB) < 0)
        return false;
    flock(fileno(file), LOCK_UN);
    return true;
}

int cmd_tail(int argc, char **argv)
{
    static const struct option options[] = {FILTER_OPTIONS, {"follow", 0, 0, 'f'}, {"lines", 1, 0, 'n'}, {0}};
    struct filter f = {0};
    bool follow = false;
    long count = 10;
    int c, status;
    while ((c = getopt_long(argc, argv, "fn:", options, NULL)) != -1) {
        char *end = NULL;
        if (c == 'f')
            follow = true;
        else if (c == 'n' && (count = strtol(optarg, &end, 10), *end || count < 0 || count > 1000000))
            return fprintf(stderr, "sentinel-watch: -n %s: expected a number of lines\n", optarg), 2;
        else if (c != 'n' && (status = filter_option(&f, c, optarg)))
            return status;
    }
    STR_AUTO path = NULL;
    struct record_reader reader;
    if ((status = logs_begin(argc - optind, argv + optind, "tail", &path, &reader)))
        return status;
    fseek(reader.file, last_ones(&reader, &f, count), SEEK_SET);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (bool over = false;; poll(NULL, 0, 200)) {
        struct record r;
        bool gone = writer_gone(reader.file); /* before reading: what it wrote last is read yet */
        while (record_read(&reader, &r)) {
            if (filter_takes(&f, &r))
                filter_print(&f, &r);
            over = r.event && !strcmp(r.event, "end");
            record_free(&r);
        }
        if (!follow || (over && gone))
            break;
    }
    record_reader_end(&reader);
    return 0;
}
