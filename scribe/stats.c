/* audit stats [FILTER...] [FILE|SESSION]: what was done, counted. */
#include "scribe.h"
#include "filter.h"
#include "logs.h"
#include "tools/record/tally.h"

#include <string.h>

#define TOP 10

struct stats {
    struct tally kinds, rules, programs, refused;
    uint64_t records, sessions, dropped, waited_us;
    char first[40], last[40];
};

static void add(struct stats *s, const struct record *r)
{
    if (r->ts) {
        snprintf(s->last, sizeof s->last, "%s", r->ts);
        if (!s->first[0])
            snprintf(s->first, sizeof s->first, "%s", r->ts);
    }
    if (r->event) {
        s->sessions += !strcmp(r->event, "start");
        s->dropped += (uint64_t)json_integer_value(json_object_get(r->json, "dropped"));
        return;
    }
    s->records++;
    s->waited_us += (uint64_t)json_integer_value(json_object_get(r->json, "waited_us"));
    BUF_AUTO b = {0};
    const char *effect = record_effect(r), *verb = r->verb ? r->verb : r->syscall ? r->syscall : "?";
    bool asked = !r->would && !strcmp(effect, "ask");
    buf_printf(&b, "%-8s %s%s%s", verb, r->would && strcmp(r->would, "allow") != 0 ? "would " : "",
               asked && r->decision ? r->decision : effect, asked ? " (asked)" : "");
    tally_add(&s->kinds, b.data);
    if (r->rule)
        tally_add(&s->rules, r->rule);
    if (r->exe)
        tally_add(&s->programs, r->exe);
    if (strcmp(effect, "deny") != 0 && (!r->decision || strcmp(r->decision, "deny") != 0))
        return;
    buf_clear(&b);
    buf_printf(&b, "%-8s ", verb);
    if (r->target)
        record_target(r->target, &b);
    tally_add(&s->refused, b.data);
}

static void print(const char *title, struct tally *t, size_t most)
{
    if (!t->n)
        return;
    tally_sort(t);
    printf("\n%s\n", title);
    for (size_t i = 0; i < t->n && i < most; i++)
        printf("%9llu  %s\n", (unsigned long long)t->entry[i].count, t->entry[i].name);
    if (t->n > most)
        printf("           and %zu more\n", t->n - most);
    tally_free(t);
}

int cmd_stats(int argc, char **argv)
{
    static const struct option options[] = {FILTER_OPTIONS, {0}};
    struct filter f = {0};
    int c, status;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        if ((status = filter_option(&f, c, optarg)))
            return status;
    STR_AUTO path = NULL;
    struct record_reader reader;
    if ((status = logs_begin(argc - optind, argv + optind, "stats", &path, &reader)))
        return status;
    struct stats s = {0};
    struct record r;
    while (record_read(&reader, &r)) {
        if (filter_takes(&f, &r))
            add(&s, &r);
        record_free(&r);
    }
    record_reader_end(&reader);
    printf("%s: %llu records, %llu sessions, %s to %s\n", path, (unsigned long long)s.records,
           (unsigned long long)s.sessions, s.first, s.last);
    if (s.dropped)
        printf("%llu RECORDS WERE LOST\n", (unsigned long long)s.dropped);
    if (s.waited_us)
        printf("waited %.1f s for answers\n", (double)s.waited_us / 1e6);
    print("by verb", &s.kinds, (size_t)-1);
    print("by rule", &s.rules, TOP);
    print("by program", &s.programs, TOP);
    print("denied", &s.refused, TOP);
    return 0;
}
