#include "policy_identity.h"
#include "pattern.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every start pays for the walk. Of our own places only the policies matter, and they are few; logs may be many. */
enum { ENTRIES = 20000, OWN_ENTRIES = 500, DEPTH = 64 };

struct walk {
    struct policy *policy;
    const struct rule *rule;
    long left;
};

static void remember(struct walk *w, const char *path, const struct stat *st)
{
    if (!S_ISREG(st->st_mode) || st->st_nlink < 2)
        return;
    for (struct path_pattern **e = w->rule->except; e && *e; e++)
        if (path_pattern_match(*e, path))
            return;
    struct policy *p = w->policy;
    p->identity = xrealloc(p->identity, (p->nidentity + 1) * sizeof *p->identity);
    p->identity[p->nidentity++] = (struct policy_identity){st->st_dev, st->st_ino, w->rule};
}

/* Takes fd. Links are not followed: what they lead to lies elsewhere. */
static void walk_folder(struct walk *w, int fd, const char *path, int depth)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return;
    }
    for (struct dirent *e; w->left > 0 && (e = readdir(d));) {
        struct stat st;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        w->left--;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        STR_AUTO below = xasprintf("%s/%s", path, e->d_name);
        remember(w, below, &st);
        if (S_ISDIR(st.st_mode) && depth < DEPTH) {
            int sub = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (sub >= 0)
                walk_folder(w, sub, below, depth + 1);
        }
    }
    closedir(d);
}

static void index_rule(struct policy *p, const struct rule *r, long entries, struct buf *warnings)
{
    for (struct path_pattern **pp = r->path; pp && *pp; pp++) {
        const char *literal = path_pattern_literal(*pp);
        bool tree = path_pattern_is_tree(*pp);
        struct stat st;
        /* everything is everything's name already; what the kernel makes up has no links */
        if (!(tree || path_pattern_is_exact(*pp)) || !strcmp(literal, "/") || path_within(literal, "/proc") || path_within(literal, "/sys") ||
            lstat(literal, &st))
            continue;
        struct walk w = {p, r, entries};
        remember(&w, literal, &st);
        int fd = tree && S_ISDIR(st.st_mode) ? open(literal, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (fd >= 0)
            walk_folder(&w, fd, literal, 0);
        if (w.left <= 0 && warnings)
            buf_printf(warnings, "%s: more than %d files below %s; hard links to the rest of them are not known\n", r->label, ENTRIES, literal);
    }
}

void policy_index_identity(struct policy *p, struct buf *warnings)
{
    for (size_t i = 0; i < p->nprotections; i++)
        index_rule(p, p->protections[i], OWN_ENTRIES, NULL);
    for (size_t i = 0; i < p->nrules; i++)
        if (p->rules[i]->effect == EFFECT_DENY)
            index_rule(p, p->rules[i], ENTRIES, warnings);
}
