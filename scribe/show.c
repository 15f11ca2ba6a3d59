/* audit show [FILTER...] [FILE|SESSION]: the records, one line each. */
#include "scribe.h"
#include "filter.h"
#include "logs.h"

int cmd_show(int argc, char **argv)
{
    static const struct option options[] = {FILTER_OPTIONS, {0}};
    struct filter f = {0};
    int c, status;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        if ((status = filter_option(&f, c, optarg)))
            return status;
    STR_AUTO path = NULL;
    struct record_reader reader;
    if ((status = logs_begin(argc - optind, argv + optind, "show", &path, &reader)))
        return status;
    struct record r;
    while (record_read(&reader, &r)) {
        if (filter_takes(&f, &r))
            filter_print(&f, &r);
        record_free(&r);
    }
    if (reader.strange)
        fprintf(stderr, "sentinel-watch: %s: %llu lines are no records (audit verify says more)\n", path,
                (unsigned long long)reader.strange);
    record_reader_end(&reader);
    return 0;
}
