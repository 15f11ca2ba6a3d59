#include "resolve_folders.h"
#include "buf.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KNOWN 64
#define FOR_NS (100 * 1000 * 1000u)

struct folder {
    char *text, *name; /* without the slash behind: "" is the root */
    uint64_t when;
    unsigned changes;
};

static _Thread_local struct folder known[KNOWN];
static atomic_uint changes;

void folders_forget(void)
{
    atomic_fetch_add_explicit(&changes, 1, memory_order_relaxed);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct folder *slot(const char *text, size_t n)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    return &known[h % KNOWN];
}

/* Where the last component begins; NULL when it does not name an entry of the folder before it. */
static const char *leaf(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash || !slash[1] || !strcmp(slash, "/.") || !strcmp(slash, "/.."))
        return NULL;
    return slash + 1;
}

char *folders_name(const char *path, struct stat *ret)
{
    const char *last = leaf(path);
    if (!last)
        return NULL;
    size_t n = (size_t)(last - path) - 1;
    const struct folder *f = slot(path, n);
    if (!f->text || strncmp(f->text, path, n) || f->text[n] || f->changes != atomic_load_explicit(&changes, memory_order_relaxed) ||
        now() - f->when > FOR_NS || lstat(path, ret) || S_ISLNK(ret->st_mode))
        return NULL;
    size_t folder = strlen(f->name), rest = strlen(last);
    char *name = xmalloc(folder + 1 + rest + 1);
    memcpy(name, f->name, folder);
    name[folder] = '/';
    memcpy(name + folder + 1, last, rest + 1);
    return name;
}

void folders_learn(const char *path, const char *name, bool plain)
{
    const char *last = leaf(path), *named = leaf(name);
    struct stat st;
    unsigned before = atomic_load_explicit(&changes, memory_order_relaxed);
    /* A link as the last component says nothing of the folder that it stands in. */
    if (!last || !named || strcmp(last, named) || (!plain && (lstat(path, &st) || S_ISLNK(st.st_mode))))
        return;
    size_t n = (size_t)(last - path) - 1;
    struct folder *f = slot(path, n);
    free(f->text);
    free(f->name);
    *f = (struct folder){.text = xstrndup(path, n), .name = xstrndup(name, (size_t)(named - name) - 1), .when = now(), .changes = before};
}
