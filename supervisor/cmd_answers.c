#include "cmd_answers.h"
#include "answers.h"
#include "fd.h"
#include "log.h"
#include "places.h"
#include "policy_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".yaml"

/* One file: its lines, and at which of them each answer begins (its comment first). */
struct kept {
    char *path, *text;
    struct policy_file *file;
    size_t *begin; /* bytes into text, one for each rule, and the end */
};

static void kept_finish(struct kept *k)
{
    policy_file_free(k->file);
    free(k->path);
    free(k->text);
    free(k->begin);
}

static size_t line_start(const char *text, int line)
{
    const char *s = text;
    for (int i = 1; i < line && *s; i++) {
        s += strcspn(s, "\n");
        s += *s == '\n';
    }
    return (size_t)(s - text);
}

/* The comments right above belong to the answer. */
static int first_line(const char *text, int line)
{
    while (line > 1) {
        const char *above = text + line_start(text, line - 1);
        above += strspn(above, " \t");
        if (*above != '#')
            break;
        line--;
    }
    return line;
}

static int kept_read(struct kept *k, char *path, struct err *err)
{
    size_t len;
    *k = (struct kept){.path = path};
    int e = fd_read_file(AT_FDCWD, path, YAML_MAX, &k->text, &len);
    if (e)
        return err_set(err, -e, "reading %s", path);
    struct mistakes m = {0};
    k->file = policy_file_read(path, k->text, len, &m);
    if (!k->file || m.n) {
        BUF_AUTO b = {0};
        mistakes_write(&m, &b);
        err_set(err, 0, "%.*s", (int)strcspn(b.data ? b.data : "", "\n"), b.data ? b.data : "");
        mistakes_free(&m);
        return -1;
    }
    mistakes_free(&m);
    size_t n = k->file->nrules;
    k->begin = xcalloc(n + 1, sizeof *k->begin);
    for (size_t i = 0; i < n; i++)
        k->begin[i] = line_start(k->text, first_line(k->text, k->file->rules[i]->line));
    k->begin[n] = len;
    return 0;
}

/* Names without the suffix, sorted. */
static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **files(const char *dir, size_t *ret_n)
{
    char **names = NULL;
    *ret_n = 0;
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        size_t len = strlen(e->d_name);
        if (e->d_name[0] == '.' || len <= strlen(SUFFIX) || strcmp(e->d_name + len - strlen(SUFFIX), SUFFIX))
            continue;
        names = xrealloc(names, (*ret_n + 1) * sizeof *names);
        names[(*ret_n)++] = xstrndup(e->d_name, len - strlen(SUFFIX));
    }
    if (d)
        closedir(d);
    if (*ret_n)
        qsort(names, *ret_n, sizeof *names, by_name);
    return names;
}

/* One line of the file. A rule stands as it is written, so only what could deceive a terminal is escaped: everything but
 * printable ASCII (direction marks and invisible characters are valid UTF-8). */
static void put_line(const char *indent, const char *line, size_t n)
{
    fputs(indent, stdout);
    for (size_t i = 0; i < n; i++)
        if (line[i] >= 0x20 && line[i] < 0x7f)
            putchar(line[i]);
        else
            printf("\\x%02x", (unsigned char)line[i]);
    putchar('\n');
}

/* "asks-sh:1  {allow: ...}" and where it came from below. */
static void show(const struct kept *k, const char *name)
{
    for (size_t i = 0; i < k->file->nrules; i++) {
        size_t at = line_start(k->text, k->file->rules[i]->line);
        const char *rule = k->text + at + strspn(k->text + at, " -");
        printf("%s:%zu  ", name, i + 1);
        put_line("", rule, strcspn(rule, "\n"));
        for (size_t c = k->begin[i]; c < at; c += strcspn(k->text + c, "\n") + 1) {
            const char *comment = k->text + c + strspn(k->text + c, " \t#");
            put_line("        ", comment, strcspn(comment, "\n"));
        }
    }
}

static int list(const char *dir, const char *wanted)
{
    size_t n;
    int status = 0, shown = 0;
    char **names = files(dir, &n);
    for (size_t i = 0; i < n; i++) {
        struct kept k;
        struct err err;
        if (!wanted || strcmp(wanted, names[i]) == 0) {
            shown++;
            if (kept_read(&k, xasprintf("%s/%s" SUFFIX, dir, names[i]), &err)) {
                log_warn("%s", err.text);
                status = 125;
            } else {
                show(&k, names[i]);
            }
            kept_finish(&k);
        }
        free(names[i]);
    }
    free(names);
    if (!shown)
        log_note("no answers are kept%s%s (%s)", wanted ? " as " : "", wanted ? wanted : "", dir);
    return status;
}

/* number 0: all of the file. */
static int forget(const char *dir, const char *name, size_t number, struct err *err)
{
    struct kept k;
    char *path = xasprintf("%s/%s" SUFFIX, dir, name);
    if (!number) {
        int e = unlink(path) ? err_set(err, errno, "forgetting %s", path) : 0;
        free(path);
        return e;
    }
    int e = kept_read(&k, path, err);
    if (!e && number > k.file->nrules) {
        e = err_set(err, 0, "%s holds %zu answers, and no number %zu", name, k.file->nrules, number);
    } else if (!e && k.file->nrules == 1) {
        e = unlink(path) ? err_set(err, errno, "forgetting %s", path) : 0;
    } else if (!e) {
        BUF_AUTO b = {0};
        buf_put(&b, k.text, k.begin[number - 1]);
        buf_puts(&b, k.text + k.begin[number]);
        e = answers_replace(path, k.text, &b, err);
    }
    kept_finish(&k);
    return e;
}

static int usage(int status)
{
    fprintf(status ? stderr : stdout, "usage: sentinel-watch answers list [FILE]\n"
                                      "       sentinel-watch answers forget FILE[:N]\n");
    return status;
}

int cmd_answers(int argc, char **argv)
{
    struct places places;
    struct err err;
    log_init(LOG_NORMAL, NULL);
    if (argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")))
        return usage(0);
    if (places_find(&places, "/", &err)) {
        log_warn("%s", err.text);
        return 125;
    }
    STR_AUTO dir = xasprintf("%s/sentinel-watch/answers", places.config_home);
    if (argc >= 2 && argc <= 3 && !strcmp(argv[1], "list"))
        return list(dir, argc == 3 ? argv[2] : NULL);
    if (argc != 3 || strcmp(argv[1], "forget"))
        return usage(2);
    char *colon = strrchr(argv[2], ':');
    size_t number = 0;
    if (colon) {
        char *end;
        number = strtoul(colon + 1, &end, 10);
        if (!number || *end || end == colon + 1)
            return usage(2);
        *colon = 0;
    }
    if (!*argv[2] || strchr(argv[2], '/'))
        return usage(2);
    if (forget(dir, argv[2], number, &err)) {
        log_warn("%s", err.text);
        return 125;
    }
    return 0;
}
