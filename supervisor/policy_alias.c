#include "policy_alias.h"
#include "buf.h"
#include "fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct mount {
    char *device, *root, *point; /* proc_pid_mountinfo(5): what of the file system `device` is seen at `point` */
};

static struct mount *mounts;
static size_t nmounts;

/* A space, tab, newline and backslash are written in octal there. */
static void unescape(char *s)
{
    char *to = s;
    for (; *s; s++)
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 3;
        } else {
            *to++ = *s;
        }
    *to = 0;
}

static void read_mounts(void)
{
    static bool done;
    STR_AUTO text = NULL;
    if (done || fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 64 << 20, &text, NULL))
        return;
    done = true;
    char *lines;
    for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
        char *fields, *field[5];
        int n = 0;
        for (char *f = strtok_r(line, " ", &fields); f && n < 5; f = strtok_r(NULL, " ", &fields))
            field[n++] = f;
        if (n < 5)
            continue;
        unescape(field[3]);
        unescape(field[4]);
        mounts = xrealloc(mounts, (nmounts + 1) * sizeof *mounts);
        mounts[nmounts++] = (struct mount){xstrdup(field[2]), xstrdup(field[3]), xstrdup(field[4])};
    }
}

/* What follows `folder` in path ("" or "/..."), NULL when path is neither it nor below it. */
static const char *below(const char *path, const char *folder)
{
    size_t n = strcmp(folder, "/") ? strlen(folder) : 0;
    if (strncmp(path, folder, n) || (path[n] && path[n] != '/'))
        return NULL;
    return strcmp(path + n, "/") ? path + n : "";
}

static char *join(const char *folder, const char *rest)
{
    char *s = xasprintf("%s%s", strcmp(folder, "/") ? folder : "", rest);
    if (*s)
        return s;
    free(s);
    return xstrdup("/");
}

/* The mount that `path` lies on: the innermost, and of several at one point the last. */
static const struct mount *mount_of(const char *path)
{
    const struct mount *best = NULL;
    for (size_t i = 0; i < nmounts; i++)
        if (below(path, mounts[i].point) && (!best || strlen(mounts[i].point) >= strlen(best->point)))
            best = &mounts[i];
    return best;
}

/* Do both names lead to one place? Where the last components do not exist yet, the folders above say it. */
static bool same_place(const char *a, const char *b)
{
    STR_AUTO x = xstrdup(a);
    STR_AUTO y = xstrdup(b);
    for (;;) {
        struct stat s, t;
        int e = lstat(x, &s), f = lstat(y, &t);
        if (!e && !f)
            return s.st_dev == t.st_dev && s.st_ino == t.st_ino;
        char *p = strrchr(x, '/'), *q = strrchr(y, '/');
        if (!e || !f || p == x || q == y || !p || !q || strcmp(p, q))
            return false;
        *p = *q = 0;
    }
}

static void add(struct path_pattern ***list, const struct path_pattern *p, const char *literal)
{
    size_t n = 0, column;
    struct err err;
    while ((*list)[n])
        if (!strcmp(path_pattern_literal((*list)[n++]), literal))
            return;
    struct path_pattern *other = path_pattern_new(path_pattern_text(p), &column, &err);
    if (!other)
        return;
    path_pattern_set_literal(other, literal);
    *list = xrealloc(*list, (n + 2) * sizeof **list);
    (*list)[n] = other;
    (*list)[n + 1] = NULL;
}

static void add_names(struct path_pattern ***list, const struct path_pattern *p)
{
    const char *literal = path_pattern_literal(p);
    const struct mount *at = *literal && strcmp(literal, "/") ? mount_of(literal) : NULL;
    if (!at)
        return;
    STR_AUTO inside = join(at->root, below(literal, at->point)); /* the name within the file system */
    for (size_t i = 0; i < nmounts; i++) {
        const struct mount *m = &mounts[i];
        const char *rest;
        if (m == at || strcmp(m->device, at->device))
            continue;
        STR_AUTO here = (rest = below(inside, m->root)) ? join(m->point, rest) : NULL;
        if (here && same_place(here, literal)) {
            add(list, p, here);
            continue;
        }
        /* What is mounted there is only a part of the tree. */
        rest = !here && path_pattern_is_tree(p) ? below(m->root, inside) : NULL;
        STR_AUTO part = rest ? join(literal, rest) : NULL;
        if (part && same_place(m->point, part))
            add(list, p, m->point);
    }
}

void policy_add_aliases(struct path_pattern ***list)
{
    read_mounts();
    size_t n = 0;
    while (*list && (*list)[n])
        n++;
    for (size_t i = 0; i < n; i++) /* not of those that are added */
        add_names(list, (*list)[i]);
}
