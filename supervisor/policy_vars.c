#include "policy_vars.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { NESTED = 8 }; /* variables inside variables; more is a circle */

static const char *const built_in[] = {"HOME", "WORKSPACE", "TMPDIR", "UID", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME",
                                       "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", NULL};

static const char *built_in_value(const struct places *p, const char *name, char uid[16])
{
    const char *values[] = {p->home, p->workspace, p->tmpdir, uid, p->config_home, p->state_home, p->data_home, p->cache_home, p->runtime_dir};
    snprintf(uid, 16, "%u", (unsigned)geteuid());
    for (size_t i = 0; built_in[i]; i++)
        if (!strcmp(built_in[i], name))
            return values[i];
    return NULL;
}

static char *expand(const struct vars *v, const char *text, enum vars_as as, int depth, size_t *column, struct err *err);

/* What ${name} holds, fresh; NULL when it is not set (no error) or on a mistake (*bad). */
static char *value_of(const struct vars *v, const char *name, int depth, bool *bad, struct err *err)
{
    *bad = false;
    if (!strncmp(name, "env:", 4)) {
        const char *value = getenv(name + 4);
        return value && *value ? xstrdup(value) : NULL;
    }
    for (size_t i = 0; v->file && i < v->file->vars_names.n; i++) {
        if (strcmp(v->file->vars_names.item[i].text, name))
            continue;
        size_t at;
        char *value = expand(v, v->file->vars_values.item[i].text, VARS_PLAIN, depth + 1, &at, err);
        *bad = !value;
        if (!value && !depth)
            err_wrap(err, "found `${%.64s}`, whose value cannot be filled in", name);
        return value;
    }
    char uid[16];
    const char *value = built_in_value(v->places, name, uid);
    return value ? xstrdup(value) : NULL;
}

static int undefined(const struct vars *v, const char *name, struct err *err)
{
    STR_AUTO shown = found_text(name);
    shown[strlen(shown) - 1] = 0; /* the closing quote follows the brace */
    if (!strncmp(name, "env:", 4))
        return err_set(err, 0, "found `${%s}`, which is not set in the environment, expected one that is, or a default: ${%.80s:-default}",
                       shown + 1, name);
    size_t own = v->file ? v->file->vars_names.n : 0, n = 0;
    const char **names = xcalloc(own + sizeof built_in / sizeof built_in[0] + 1, sizeof *names);
    for (; built_in[n]; n++)
        names[n] = built_in[n];
    for (size_t i = 0; i < own; i++)
        names[n++] = v->file->vars_names.item[i].text;
    STR_AUTO known = names_text(names);
    STR_AUTO nearest = nearest_text(name, names);
    bool in_environment = getenv(name) != NULL;
    err_set(err, 0, "found the undefined variable `${%s}`, expected %s%s%s", shown + 1, known,
            in_environment ? "; the environment's is written ${env:NAME}" : "", nearest);
    free(names);
    return -1;
}

static void put_value(struct buf *b, const char *value, enum vars_as as, char next)
{
    size_t n = strlen(value);
    while (n && next == '/' && value[n - 1] == '/')
        n--;
    for (size_t i = 0; i < n; i++) {
        if (as == VARS_PATTERN && strchr("*?\\[]{}", value[i]))
            buf_putc(b, '\\');
        buf_putc(b, value[i]);
    }
}

/* The matching brace of "${": the default may hold variables of its own. */
static const char *closing(const char *p)
{
    int depth = 1;
    for (; *p; p++) {
        if (p[0] == '\\' && p[1])
            p++;
        else if (p[0] == '$' && p[1] == '{')
            depth++;
        else if (*p == '}' && !--depth)
            return p;
    }
    return NULL;
}

/* p is behind "${". Returns where the text goes on; NULL on a mistake. */
static const char *put_variable(const struct vars *v, const char *p, enum vars_as as, int depth, struct buf *b, struct err *err)
{
    const char *end = closing(p);
    if (!end) {
        err_set(err, 0, "found `${` without `}`, expected ${NAME}; a literal ${ is written \\${");
        return NULL;
    }
    STR_AUTO inside = xstrndup(p, (size_t)(end - p));
    char *fallback = strstr(inside, ":-");
    if (fallback) {
        *fallback = 0;
        fallback += 2;
    }
    bool bad;
    char *value = value_of(v, inside, depth, &bad, err);
    if (!value && !bad && fallback) {
        size_t at;
        value = expand(v, fallback, VARS_PLAIN, depth + 1, &at, err);
    } else if (!value && !bad) {
        undefined(v, inside, err);
    }
    if (!value)
        return NULL;
    put_value(b, value, as, end[1]);
    free(value);
    return end + 1;
}

static char *expand(const struct vars *v, const char *text, enum vars_as as, int depth, size_t *column, struct err *err)
{
    BUF_AUTO b = {0};
    const char *p = text;
    *column = 0;
    if (depth > NESTED) {
        err_set(err, 0, "found variables that hold each other, expected an end");
        return NULL;
    }
    buf_put(&b, "", 0);
    if (p[0] == '~' && (!p[1] || p[1] == '/'))
        put_value(&b, v->places->home, as, *++p);
    while (*p) {
        *column = (size_t)(p - text);
        if (p[0] == '\\' && p[1]) {
            if (as == VARS_PATTERN || p[1] != '$')
                buf_putc(&b, *p);
            buf_putc(&b, p[1]);
            p += 2;
        } else if (p[0] == '$' && p[1] == '{') {
            p = put_variable(v, p + 2, as, depth, &b, err);
            if (!p)
                return NULL;
        } else {
            buf_putc(&b, *p++);
        }
    }
    return buf_steal(&b);
}

char *vars_expand(const struct vars *v, const char *text, enum vars_as as, size_t *column, struct err *err)
{
    return expand(v, text, as, 0, column, err);
}

/* ---- where a literal path leads */

static bool on_procfs(const char *folder)
{
    struct statfs fs;
    return !statfs(folder, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* May a link called `name` in this folder be followed? On procfs only the plain ones in the root: what lies deeper is about
 * a process, and self and thread-self would be us. */
static bool may_follow(const char *link, size_t folder_len, const char *name)
{
    struct stat st;
    STR_AUTO folder = folder_len ? xstrndup(link, folder_len) : xstrdup("/");
    if (!on_procfs(folder))
        return true;
    return !stat(folder, &st) && st.st_ino == 1 && strcmp(name, "self") && strcmp(name, "thread-self");
}

static void go_up(struct buf *b)
{
    while (b->len && b->data[b->len - 1] != '/')
        b->len--;
    if (b->len)
        b->len--;
    b->data[b->len] = 0;
}

static char *follow(const char *path, char **ret_own, void (*each)(void *arg, const char *link), void *arg)
{
    BUF_AUTO done = {0}; /* resolved so far: "" is the root */
    STR_AUTO left = xstrdup(path);
    char *p = left;
    int links = 0;
    bool missing = false;
    *ret_own = NULL;
    buf_put(&done, "", 0);
    for (;;) {
        p += strspn(p, "/");
        if (!*p)
            break;
        size_t n = strcspn(p, "/");
        STR_AUTO name = xstrndup(p, n);
        char *rest = p + n;
        bool last = !rest[strspn(rest, "/")];
        p = rest;
        if (!strcmp(name, "."))
            continue;
        if (!strcmp(name, "..")) {
            go_up(&done);
            missing = false;
            continue;
        }
        size_t before = done.len;
        buf_printf(&done, "/%s", name);
        char target[PATH_MAX];
        ssize_t len = missing ? -1 : readlink(done.data, target, sizeof target - 1);
        missing = missing || (len < 0 && (errno == ENOENT || errno == ENOTDIR)); /* then so is all below */
        if (len <= 0 || !may_follow(done.data, before, name) || ++links > 40) /* 40: as the kernel counts */
            continue;
        if (each)
            each(arg, done.data);
        if (last && !*ret_own)
            *ret_own = xstrdup(done.data);
        target[len] = 0;
        char *more = xasprintf("%s%s", target, rest);
        go_up(&done);
        if (target[0] == '/')
            buf_clear(&done);
        free(left);
        left = more;
        p = left;
    }
    return xstrdup(done.len ? done.data : "/");
}

char *literal_resolve(const char *path, char **ret_own)
{
    return follow(path, ret_own, NULL, NULL);
}

void literal_links(const char *path, void (*each)(void *arg, const char *link), void *arg)
{
    STR_AUTO own = NULL;
    STR_AUTO leads = follow(path, &own, each, arg);
}
