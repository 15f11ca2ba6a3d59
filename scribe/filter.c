#include "filter.h"
#include "duration.h"
#include "pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int mistake(const char *option, const char *arg, const char *expected)
{
    fprintf(stderr, "sentinel-watch: %s %s: expected %s\n", option, arg, expected);
    return 2;
}

/* A duration back from now, or the beginning of a time as the log writes it (UTC). */
static int since(struct filter *f, const char *arg)
{
    int64_t ms;
    if (duration_parse(arg, &ms) == 0) {
        time_t t = time(NULL) - (time_t)(ms / 1000);
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(f->since, sizeof f->since, "%Y-%m-%dT%H:%M:%S", &tm);
        return 0;
    }
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    size_t n = 0;
    for (; shape[n] && arg[n]; n++)
        if (shape[n] == 'd'   ? !isdigit((unsigned char)arg[n])
            : shape[n] == 'T' ? arg[n] != 'T' && arg[n] != ' '
                              : arg[n] != shape[n])
            break;
    bool whole = n == 10 || n == 16 || n == 19;
    if (!whole || strlen(arg) >= sizeof f->since || (arg[n] && strspn(arg + n, ".0123456789Z") != strlen(arg + n)))
        return mistake("--since", arg, "a duration (2h, 1d12h) or a time (2026-01-31, 2026-01-31T12:00:00Z)");
    snprintf(f->since, sizeof f->since, "%s", arg);
    if (n > 10)
        f->since[10] = 'T';
    if (f->since[strlen(f->since) - 1] == 'Z')
        f->since[strlen(f->since) - 1] = 0; /* 12:00:00.5 sorts before 12:00:00Z, and is later */
    return 0;
}

static bool one_of(const char *arg, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(arg, names[i]))
            return true;
    return false;
}

int filter_option(struct filter *f, int option, const char *arg)
{
    switch (option) {
    case 'V':
        if (!one_of(arg, verb_names, VERB_COUNT))
            return mistake("--verb", arg, "read, write, exec, connect or bind");
        f->verb = arg;
        return 0;
    case 'D':
        if (!one_of(arg, (const char *const[]){"allow", "ask", "deny"}, 3))
            return mistake("--decision", arg, "allow, ask or deny");
        f->decision = arg;
        return 0;
    case 'S':
        return since(f, arg);
    case 'E':
        f->exe = arg;
        return 0;
    case 'T':
        f->target = arg;
        return 0;
    case 'J':
        f->json = true;
        return 0;
    default:
        return 2;
    }
}

static bool decision_is(const struct record *r, const char *wanted)
{
    return !strcmp(record_effect(r), wanted) || (r->decision && !r->would && !strcmp(r->decision, wanted));
}

static bool target_is(const json_t *target, const char *glob)
{
    BUF_AUTO b = {0};
    record_target(target, &b);
    return glob_match(glob, b.data);
}

static bool has_right(const struct record *r, const struct filter *f)
{
    if ((!f->verb || (r->verb && !strcmp(r->verb, f->verb))) &&
        (!f->target || (r->target && target_is(r->target, f->target))))
        return true;
    size_t i;
    json_t *other;
    json_array_foreach(json_object_get(r->json, "also"), i, other)
    {
        const char *verb = record_text(other, "verb");
        const json_t *target = json_object_get(other, "target");
        if ((!f->verb || (verb && !strcmp(verb, f->verb))) && (!f->target || (target && target_is(target, f->target))))
            return true;
    }
    return false;
}

bool filter_takes(const struct filter *f, const struct record *r)
{
    if (f->since[0] && (!r->ts || strcmp(r->ts, f->since) < 0))
        return false;
    if (r->event)
        return !f->verb && !f->decision && !f->exe && !f->target;
    if ((f->verb || f->target) && !has_right(r, f))
        return false;
    if (f->decision && !decision_is(r, f->decision))
        return false;
    return !f->exe || (r->exe && glob_match(f->exe, r->exe));
}

static void print_event(const struct record *r)
{
    printf("%.23s  -- %s %s", r->ts ? r->ts : "", r->event, r->session ? r->session : "");
    const json_t *exit = json_object_get(r->json, "exit"), *dropped = json_object_get(r->json, "dropped");
    if (json_is_integer(exit))
        printf(", exit %d", (int)json_integer_value(exit));
    else if (record_text(r->json, "end") && strcmp(record_text(r->json, "end"), "exited") != 0)
        printf(", %s", record_text(r->json, "end"));
    if (json_integer_value(dropped))
        printf(", %lld RECORDS WERE LOST", (long long)json_integer_value(dropped));
    putchar('\n');
}

void filter_print(const struct filter *f, const struct record *r)
{
    if (f->json) {
        fwrite(r->line, 1, r->len, stdout);
        putchar('\n');
        return;
    }
    if (r->event) {
        print_event(r);
        return;
    }
    BUF_AUTO target = {0};
    if (r->target)
        record_target(r->target, &target);
    const char *name = r->exe ? strrchr(r->exe, '/') : NULL;
    const char *would = r->would && strcmp(r->would, "allow") != 0 ? r->would : NULL;
    printf("%.23s  %7lld %-14s %s%-5s %-7s %s  (%s%s%s)\n", r->ts ? r->ts : "",
           (long long)json_integer_value(json_object_get(r->json, "pid")), name ? name + 1 : "?", would ? "would " : "",
           would         ? would
           : r->decision ? r->decision
                         : "?",
           r->verb      ? r->verb
           : r->syscall ? r->syscall
                        : "?",
           target.data ? target.data : "", r->decided_by ? r->decided_by : "?", r->rule ? " " : "",
           r->rule ? r->rule : "");
}
