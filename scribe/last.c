/* last [FILE|SESSION]: the latest session's denials, each with its rule and the one line that would permit it. */
#include "scribe.h"
#include "filter.h"
#include "logs.h"
#include "tools/record/tally.h"

#include <stdlib.h>
#include <string.h>

/* What the first of several equal denials said. */
struct denial {
    char *verb, *target, *rule, *rule_at, *by, *message;
    bool ask;
};

static char *copy(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

static void denial_free(struct denial *d)
{
    free(d->verb);
    free(d->target);
    free(d->rule);
    free(d->rule_at);
    free(d->by);
    free(d->message);
    free(d);
}

static void forget(struct tally *t)
{
    for (size_t i = 0; i < t->n; i++)
        denial_free(t->entry[i].data);
    tally_free(t);
}

static void add(struct tally *t, const struct record *r)
{
    bool denied = r->decision && !strcmp(r->decision, "deny");
    bool would = r->would && strcmp(r->would, "allow") != 0;
    if (!denied && !would)
        return;
    BUF_AUTO target = {0};
    if (r->target)
        record_target(r->target, &target);
    BUF_AUTO name = {0};
    const char *verb = r->verb ? r->verb : r->syscall ? r->syscall : "?";
    buf_printf(&name, "%s\n%s\n%s\n%s", verb, target.data ? target.data : "", r->rule ? r->rule : "", record_effect(r));
    struct tally_entry *e = tally_add(t, name.data);
    if (e->count > 1)
        return;
    struct denial *d = xcalloc(1, sizeof *d);
    *d = (struct denial){.verb = xstrdup(verb),
                         .target = target.data ? xstrdup(target.data) : NULL,
                         .rule = copy(r->rule),
                         .rule_at = copy(r->rule_at),
                         .by = copy(r->decided_by),
                         .message = copy(record_text(r->json, "why")),
                         .ask = would && !strcmp(r->would, "ask")};
    e->data = d;
}

/* The target as a pattern that matches just it. */
static char *as_pattern(const char *target)
{
    BUF_AUTO b = {0};
    for (const char *p = target; *p; p++) {
        if (target[0] == '/' && strchr("*?", *p))
            buf_putc(&b, '\\');
        buf_putc(&b, *p);
    }
    return buf_steal(&b);
}

/* What decided where no rule is named: the record's own word, said for people. */
static const char *without_rule(const struct denial *d)
{
    static const char *const words[][2] = {{"default", "the policy's defaults"},
                                           {"user", "the policy's defaults ask"},
                                           {"answer", "the policy's defaults ask"},
                                           {"unattended", "the policy's defaults ask"},
                                           {"timeout", "the policy's defaults ask"},
                                           {"protected", "built in"}};
    for (size_t i = 0; d->by && i < sizeof words / sizeof *words; i++)
        if (!strcmp(d->by, words[i][0]))
            return words[i][1];
    return d->by ? d->by : "?";
}

static void permit(const struct denial *d)
{
    const char *by = d->by ? d->by : "";
    fputs("      ", stdout);
    if (!strcmp(by, "hard"))
        printf("permit it: a policy of yours that has    without: [%s]\n", d->rule ? d->rule : "");
    else if (!strcmp(by, "protected") && d->rule && !strncmp(d->rule, "baseline:", 9))
        printf("permit it: another --baseline (off, mvp, datasci, or a file that allows it)%s%s\n", d->message ? ": " : "",
               d->message ? d->message : "");
    else if (!strcmp(by, "protected") || !d->target)
        printf("no rule permits it%s%s; see `expose` in the manual for what can be lifted\n", d->message ? ": " : "",
               d->message ? d->message : "");
    else if (!strcmp(by, "error") || !strcmp(by, "gone"))
        printf("no rule denied it%s%s\n", d->message ? ": " : "", d->message ? d->message : "");
    else {
        STR_AUTO pattern = as_pattern(d->target);
        STR_AUTO flag = xasprintf("%s:%s", d->verb, pattern);
        BUF_AUTO word = {0};
        buf_shell(&word, flag);
        printf("permit it: --allow %s", word.data);
        if (!strcmp(by, "answer") || !strcmp(by, "user"))
            fputs("   (you said no; sentinel-watch answers list)", stdout);
        else if (!strcmp(by, "unattended"))
            fputs("   (it would have been asked, but nobody was there)", stdout);
        else if (!strcmp(by, "timeout"))
            fputs("   (it was asked, and nobody answered in time)", stdout);
        putchar('\n');
    }
}

int cmd_last(int argc, char **argv)
{
    struct err err;
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: sentinel-watch last [FILE|SESSION]\n");
        return 2;
    }
    STR_AUTO path = NULL;
    struct record_reader reader = {.file = logs_open(argv[1], &path, &err)};
    if (!reader.file) {
        fprintf(stderr, "sentinel-watch: %s\n", err.text);
        return err.status;
    }
    struct tally t = {0};
    char session[80] = "?", mode[16] = "";
    struct record r;
    while (record_read(&reader, &r)) {
        if (r.event && !strcmp(r.event, "start")) {
            forget(&t);
            snprintf(session, sizeof session, "%s", r.session ? r.session : "?");
            snprintf(mode, sizeof mode, "%s", r.mode ? r.mode : "");
        } else if (!r.event) {
            add(&t, &r);
        }
        record_free(&r);
    }
    record_reader_end(&reader);
    printf("session %s (%s): ", session, path);
    if (!t.n)
        printf("nothing %s\n", !strcmp(mode, "log") ? "would have been denied or asked" : "was denied");
    else
        printf("%zu %s%s%s%s\n", t.n, t.n == 1 ? "" : "different ", !strcmp(mode, "log") ? "call" : "denial", t.n == 1 ? "" : "s",
               !strcmp(mode, "log") ? " that enforce would deny or ask about" : "");
    tally_sort(&t);
    for (size_t i = 0; i < t.n; i++) {
        const struct denial *d = t.entry[i].data;
        printf("%5llux %s%s%s%s\n", (unsigned long long)t.entry[i].count, d->ask ? "ask " : "", d->verb, d->target ? " " : "",
               d->target ? d->target : "");
        if (d->rule)
            printf("      rule: %s%s%s%s\n", d->rule, d->rule_at ? " (" : "", d->rule_at ? d->rule_at : "", d->rule_at ? ")" : "");
        else if (d->target)
            printf("      no rule: %s\n", without_rule(d));
        permit(d);
    }
    forget(&t);
    return 0;
}
