#include "answers.h"
#include "fd.h"
#include "pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (4u << 20)

/* A list of one. */
static struct path_pattern **path_list(const char *text, struct err *err)
{
    size_t column;
    struct path_pattern *p = path_pattern_new(text, &column, err);
    if (!p)
        return NULL;
    struct path_pattern **list = xcalloc(2, sizeof *list);
    list[0] = p;
    return list;
}

int answers_rule(const struct rungs *g, int right, enum effect effect, enum wire_target t, enum wire_program p, const char *label,
                 const char *at, struct rule **ret, struct err *err)
{
    const struct rung_right *g1 = &g->right[right];
    const char *pattern = g1->pattern[t] ? g1->pattern[t] : g1->pattern[RUNG_EXACT];
    struct rule *r = xcalloc(1, sizeof *r);
    r->label = xstrdup(label);
    r->at = xstrdup(at);
    r->effect = effect;
    r->verbs = 1u << g1->verb;
    r->errnum = effect == EFFECT_DENY ? EACCES : 0;
    r->timeout_ms = -1;
    if (g1->kind == TARGET_ANONYMOUS) {
        /* An empty list and not NULL: NULL would mean any program. */
        r->anonymous = true;
        r->path = xcalloc(1, sizeof *r->path);
    } else if (g1->kind == TARGET_ADDRESS) {
        size_t column;
        struct address_pattern *a = address_pattern_new(pattern, &column, err);
        if (!a)
            goto fail;
        r->to = xcalloc(2, sizeof *r->to);
        r->to[0] = a;
    } else if (!(r->path = path_list(pattern, err))) {
        goto fail;
    }
    if (p != PROGRAM_ANY && !(r->by = path_list(g->by, err)))
        goto fail;
    if (p == PROGRAM_PARENT && !(r->under = path_list(g->under, err)))
        goto fail;
    *ret = r;
    return 0;
fail:
    rule_free(r);
    return -1;
}

void answers_text(const struct rungs *g, int right, enum effect effect, enum wire_target t, enum wire_program p, struct buf *b)
{
    buf_printf(b, "{%s: ", effect_names[effect]);
    rungs_target_text(g, right, t, b);
    rungs_program_text(g, p, b);
    buf_putc(b, '}');
}

/* A part of a file's name: what could lead elsewhere becomes `_`. */
static void put_part(struct buf *b, const char *s)
{
    const char *base = strrchr(s, '/');
    for (s = base ? base + 1 : s; *s; s++)
        buf_putc(b, strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *s) ? *s : '_');
}

char *answers_path(const char *config_home, const char *policy, const char *command)
{
    struct buf b = {0};
    buf_printf(&b, "%s/sentinel-watch/answers/", config_home);
    put_part(&b, policy && *policy ? policy : "none");
    buf_putc(&b, '-');
    put_part(&b, command);
    buf_puts(&b, ".yaml");
    return buf_steal(&b);
}

/* The file's head, for the first answer. */
static const char head[] = "# Answers that were given with `always`: read at the start of each run of this policy and command, the newest first.\n"
                           "# `sentinel-watch answers list` shows them and `answers forget` takes them back; this file may be edited too.\n"
                           "version: 1\n"
                           "rules:\n";

/* The folder of the file, locked. */
static int lock_folder(const char *path, const char **ret_name, struct err *err)
{
    const char *slash = strrchr(path, '/');
    STR_AUTO dir = xstrndup(path, (size_t)(slash - path));
    int e = fd_make_folders(dir);
    if (e)
        return err_set(err, -e, "making %s", dir);
    FD_AUTO lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX))
        return err_set(err, errno, "locking %s", dir);
    *ret_name = slash + 1;
    return fd_steal(&lock);
}

static int replace(int folder, const char *name, const struct buf *b, const char *path, struct err *err)
{
    uint64_t salt = 0;
    (void)!getrandom(&salt, sizeof salt, GRND_NONBLOCK);
    STR_AUTO temp = xasprintf(".%s.%016jx", name, (uintmax_t)salt);
    FD_AUTO fd = openat(folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, errno, "writing %s", path);
    int e = fd_write_all(fd, b->data, b->len);
    if (!e && (fsync(fd) || renameat(folder, temp, folder, name) || fsync(folder)))
        e = -errno;
    if (e) {
        unlinkat(folder, temp, 0);
        return err_set(err, -e, "writing %s", path);
    }
    return 0;
}

int answers_keep(const char *path, char *const *line, int n, const char *comment, struct err *err)
{
    const char *name;
    FD_AUTO lock = lock_folder(path, &name, err);
    if (lock < 0)
        return -1;
    STR_AUTO old = NULL;
    size_t old_len = 0;
    int e = fd_read_file(lock, name, FILE_MAX, &old, &old_len);
    if (e && e != -ENOENT)
        return err_set(err, -e, "reading %s", path);
    BUF_AUTO b = {0};
    if (e)
        buf_puts(&b, head);
    else
        buf_put(&b, old, old_len);
    if (b.len && b.data[b.len - 1] != '\n')
        buf_putc(&b, '\n');
    buf_printf(&b, "  # %s\n", comment);
    for (int i = 0; i < n; i++)
        buf_printf(&b, "  - %s\n", line[i]);
    return replace(lock, name, &b, path, err);
}

int answers_replace(const char *path, const char *before, const struct buf *after, struct err *err)
{
    const char *name;
    FD_AUTO lock = lock_folder(path, &name, err);
    if (lock < 0)
        return -1;
    STR_AUTO now = NULL;
    int e = fd_read_file(lock, name, FILE_MAX, &now, NULL);
    if (e)
        return err_set(err, -e, "reading %s", path);
    if (strcmp(now, before))
        return err_set(err, 0, "%s was changed meanwhile: nothing was done", path);
    return replace(lock, name, after, path, err);
}
