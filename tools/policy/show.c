/* show [-p ...] [--resolved] [-- COMMAND]: every rule in the order in which it counts, and the settings. --resolved: each with its
 * file:line, and its patterns as they lead. */
#include "mistakes.h"
#include "pattern.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What stands behind the literal components of a pattern: "*.c" of "/src/" "*.c". */
static const char *glob_part(const char *text)
{
    const char *component = text;
    for (const char *p = text; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '/')
            component = p + 1;
        else if (*p == '*' || *p == '?')
            return component;
    }
    return "";
}

static void path_text(const struct path_pattern *p, bool resolved, struct buf *out)
{
    const char *literal = path_pattern_literal(p), *text = path_pattern_text(p);
    if (!resolved || !*literal) {
        buf_escape(out, text, strlen(text));
        return;
    }
    const char *glob = glob_part(text);
    buf_escape(out, literal, strlen(literal));
    if (*glob) {
        buf_puts(out, strcmp(literal, "/") ? "/" : "");
        buf_escape(out, glob, strlen(glob));
    }
}

static void paths_text(const char *word, struct path_pattern *const *v, bool resolved, struct buf *out)
{
    if (!v || !*v)
        return;
    buf_puts(out, word);
    for (; *v; v++) {
        buf_putc(out, ' ');
        path_text(*v, resolved, out);
    }
}

static void to_text(struct address_pattern *const *v, bool resolved, struct buf *out)
{
    for (; v && *v; v++) {
        struct path_pattern *path = address_pattern_path(*v);
        buf_puts(out, path ? " unix:" : " ");
        if (path)
            path_text(path, resolved, out);
        else
            buf_escape(out, address_pattern_text(*v), strlen(address_pattern_text(*v)));
    }
}

void rule_text(const struct rule *r, bool resolved, struct buf *out)
{
    static const char *const how[] = {[ARGV_EXACT] = "exact", [ARGV_PREFIX] = "prefix", [ARGV_GLOB] = "glob"};
    buf_printf(out, "%s%s ", r->hard ? "hard " : "", effect_names[r->effect]);
    bool first = true;
    for (int v = 0; v < VERB_COUNT; v++)
        if (r->verbs & 1u << v) {
            buf_printf(out, "%s%s", first ? "" : ",", verb_names[v]);
            first = false;
        }
    buf_puts(out, r->anonymous ? " anonymous" : "");
    paths_text("", r->path, resolved, out);
    to_text(r->to, resolved, out);
    paths_text(" except", r->except, resolved, out);
    if (r->argv_match != ARGV_NONE) {
        buf_printf(out, " argv %s", how[r->argv_match]);
        for (char **a = r->argv; *a; a++) {
            buf_putc(out, ' ');
            buf_escape(out, *a, strlen(*a));
        }
    }
    paths_text(" by", r->by, resolved, out);
    paths_text(" under", r->under, resolved, out);
    if (r->effect == EFFECT_DENY && r->errnum != EACCES)
        buf_printf(out, " errno %s", strerrorname_np(r->errnum));
    if (r->timeout_ms >= 0)
        buf_printf(out, " timeout %llds", (long long)(r->timeout_ms / 1000));
    buf_puts(out, r->stricter_only ? " (the project's, not trusted: only makes it stricter)" : "");
}

static void list_text(const char *key, char *const *v, struct buf *out)
{
    if (!v)
        return;
    buf_printf(out, "%s:", key);
    for (; *v; v++)
        buf_printf(out, " %s", *v);
    buf_putc(out, '\n');
}

void settings_text(const struct policy *p, struct buf *out)
{
    static const char *const levels[] = {"by mode", "all", "decisions", "denials"};
    static const char *const fast[] = {"auto", "on", "off"};
    for (int v = 0; v < VERB_COUNT; v++)
        buf_printf(out, "defaults.%s: %s\n", verb_names[v], effect_names[p->defaults.effect[v]]);
    buf_printf(out, "mode: %s\n", mode_names[p->mode]);
    buf_printf(out, "baseline: %s\n", p->baseline);
    buf_printf(out, "approval.handlers: %s\n", p->approval);
    buf_printf(out, "approval.timeout: %llds\n", (long long)(p->approval_timeout_ms / 1000));
    buf_printf(out, "audit.level: %s\n", levels[p->audit_level]);
    buf_printf(out, "fast_reads: %s\n", fast[p->fast_reads]);
    list_text("env.drop", p->env_drop, out);
    list_text("env.keep", p->env_keep, out);
    buf_puts(out, "expose:");
    for (int e = 0; e < EXPOSE_COUNT; e++)
        if (p->exposed & 1u << e)
            buf_printf(out, " %s", expose_names[e]);
    buf_putc(out, '\n');
}

static void print_rules(struct rule *const *v, size_t n, bool resolved)
{
    for (size_t i = 0; i < n; i++) {
        BUF_AUTO b = {0};
        rule_text(v[i], resolved, &b);
        printf("  %-28s %s", v[i]->label, b.data);
        printf(resolved ? "   [%s]\n" : "\n", v[i]->at);
    }
}

int verb_show(int argc, char **argv)
{
    bool resolved = false;
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--resolved")) {
            resolved = true;
            memmove(argv + i, argv + i + 1, (size_t)(argc - i) * sizeof *argv);
            argc--;
            i--;
        }
    VERB_ARGS a = {0};
    int status = verb_args_read(&a, argc, argv);
    if (status)
        return status;
    struct policy *p = verb_policy(&a);
    if (!p)
        return 125;
    printf("policy: %s\n", p->name);
    for (char **f = p->files; *f; f++)
        printf("file: %s\n", *f);
    BUF_AUTO settings = {0};
    settings_text(p, &settings);
    fputs(settings.data, stdout);
    if (resolved) {
        puts("protections:");
        print_rules(p->protections, p->nprotections, true);
    }
    puts("rules:");
    print_rules(p->rules, p->nrules, resolved);
    policy_free(p);
    return 0;
}
