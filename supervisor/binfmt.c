#include "binfmt.h"
#include "buf.h"
#include "fd.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MISC_DIR "/proc/sys/fs/binfmt_misc"

/* ---- scripts: binfmt_script.c, load_script() */

static bool spacetab(char c)
{
    return c == ' ' || c == '\t';
}

static const char *next_non_spacetab(const char *first, const char *last)
{
    for (; first <= last; first++)
        if (!spacetab(*first))
            return first;
    return NULL;
}

static const char *next_terminator(const char *first, const char *last)
{
    for (; first <= last; first++)
        if (spacetab(*first) || !*first)
            return first;
    return NULL;
}

static void copy(char *to, const char *from, const char *end)
{
    size_t n = strnlen(from, (size_t)(end - from));
    memcpy(to, from, n);
    to[n] = 0;
}

static enum binfmt_kind look_script(const char *head, struct binfmt *ret)
{
    const char *last = head + BINFMT_HEAD - 1;
    const char *end = memchr(head, '\n', BINFMT_HEAD);
    const char *nul = memchr(head, 0, BINFMT_HEAD); /* the kernel's strnchr stops there */
    if (!end || (nul && nul < end)) {
        end = next_non_spacetab(head + 2, last);
        if (!end || !next_terminator(end, last))
            return BINFMT_NONE; /* nothing, or a path that was cut */
        end = last;
    }
    while (spacetab(end[-1]))
        end--;
    const char *name = next_non_spacetab(head + 2, end);
    if (!name || name == end)
        return BINFMT_NONE;
    const char *sep = next_terminator(name, end), *arg = NULL;
    if (sep && *sep)
        arg = next_non_spacetab(sep, end);
    copy(ret->interpreter, name, sep && sep < end ? sep : end);
    if (arg && arg < end) {
        copy(ret->arg, arg, end);
        ret->has_arg = ret->arg[0];
    }
    return ret->interpreter[0] ? BINFMT_SCRIPT : BINFMT_NONE;
}

/* ---- registered formats: binfmt_misc.c; the text of an entry is what bm_entry_read() writes */

struct misc {
    char *interpreter, *extension;
    unsigned char magic[BINFMT_HEAD], mask[BINFMT_HEAD];
    size_t offset, len;
    bool keep_argv0;
    struct misc *next;
};
static struct misc *registered;

static size_t hex(const char *s, unsigned char *to)
{
    size_t n = 0;
    unsigned v;
    for (; n < BINFMT_HEAD && s[0] && s[1]; s += 2) {
        char two[3] = {s[0], s[1], 0}, *stop;
        v = (unsigned)strtoul(two, &stop, 16);
        if (*stop)
            break;
        to[n++] = (unsigned char)v;
    }
    return n;
}

static struct misc *read_entry(char *text)
{
    if (strncmp(text, "enabled\n", 8))
        return NULL;
    struct misc *m = xcalloc(1, sizeof *m);
    memset(m->mask, 0xff, sizeof m->mask);
    char *save;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (!strncmp(line, "interpreter ", 12))
            m->interpreter = xstrdup(line + 12);
        else if (!strncmp(line, "flags: ", 7))
            m->keep_argv0 = strchr(line + 7, 'P');
        else if (!strncmp(line, "extension .", 11))
            m->extension = xstrdup(line + 11);
        else if (!strncmp(line, "offset ", 7))
            m->offset = strtoul(line + 7, NULL, 10);
        else if (!strncmp(line, "magic ", 6))
            m->len = hex(line + 6, m->magic);
        else if (!strncmp(line, "mask ", 5))
            hex(line + 5, m->mask);
    }
    if (m->interpreter && strlen(m->interpreter) < BINFMT_HEAD && (m->extension || (m->len && m->offset + m->len <= BINFMT_HEAD)))
        return m;
    free(m->interpreter);
    free(m->extension);
    free(m);
    return NULL;
}

static void read_registered(void)
{
    FD_AUTO dir = open(MISC_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int copy_fd = dir < 0 ? -1 : fcntl(dir, F_DUPFD_CLOEXEC, 0);
    DIR *d = copy_fd < 0 ? NULL : fdopendir(copy_fd);
    if (!d)
        return;
    struct dirent *e;
    while ((e = readdir(d))) {
        STR_AUTO text = NULL;
        size_t len;
        if (e->d_name[0] == '.' || !strcmp(e->d_name, "register") || !strcmp(e->d_name, "status") ||
            fd_read_file(dir, e->d_name, 8192, &text, &len))
            continue;
        struct misc *m = read_entry(text);
        if (m) {
            m->next = registered;
            registered = m;
        }
    }
    closedir(d);
}

static bool fits(const struct misc *m, const char *head, const char *name)
{
    if (m->extension) {
        const char *dot = strrchr(name, '.');
        return dot && !strcmp(dot + 1, m->extension);
    }
    for (size_t i = 0; i < m->len; i++)
        if (((unsigned char)head[m->offset + i] ^ m->magic[i]) & m->mask[i])
            return false;
    return true;
}

void binfmt_look(const char head[BINFMT_HEAD], const char *name, struct binfmt *ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_registered);
    memset(ret, 0, sizeof *ret);
    for (const struct misc *m = registered; m; m = m->next)
        if (fits(m, head, name)) {
            ret->kind = BINFMT_MISC;
            ret->keep_argv0 = m->keep_argv0;
            strcpy(ret->interpreter, m->interpreter);
            return;
        }
    if (head[0] == '#' && head[1] == '!')
        ret->kind = look_script(head, ret);
    else
        ret->kind = memcmp(head, "\177ELF", 4) ? BINFMT_NONE : BINFMT_ELF;
}

/* ---- the dynamic loader */

char *binfmt_elf_loader(int fd)
{
    union {
        Elf64_Ehdr head;
        char bytes[4096];
    } u;
    ssize_t n = pread(fd, &u, sizeof u, 0);
    if (n < (ssize_t)sizeof u.head || memcmp(u.bytes, ELFMAG, SELFMAG) || u.head.e_ident[EI_CLASS] != ELFCLASS64 ||
        u.head.e_phentsize != sizeof(Elf64_Phdr))
        return NULL;
    for (unsigned i = 0; i < u.head.e_phnum; i++) {
        Elf64_Phdr ph;
        off_t at = (off_t)(u.head.e_phoff + i * sizeof ph);
        if (at >= 0 && at + (off_t)sizeof ph <= n)
            memcpy(&ph, u.bytes + at, sizeof ph);
        else if (pread(fd, &ph, sizeof ph, at) != (ssize_t)sizeof ph)
            return NULL;
        if (ph.p_type != PT_INTERP)
            continue;
        if (ph.p_filesz < 2 || ph.p_filesz > PATH_MAX)
            return NULL; /* the kernel refuses it: ENOEXEC */
        char path[PATH_MAX + 1] = "";
        ssize_t got = pread(fd, path, ph.p_filesz, (off_t)ph.p_offset);
        return got == (ssize_t)ph.p_filesz ? xstrdup(path) : NULL;
    }
    return NULL;
}

bool binfmt_loader(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return !strncmp(name, "ld-linux", 8) || !strncmp(name, "ld-musl-", 8) || !strcmp(name, "ld.so") ||
           !strncmp(name, "ld.so.", 6) || !strncmp(name, "ld64.so", 7) || (!strncmp(name, "ld-2.", 5) && strstr(name, ".so"));
}

/* glibc's elf/rtld.c and musl's ldso/dynlink.c together. An unknown option ends either of them. */
int binfmt_loaded(char *const *argv, int argc)
{
    static const char *const with_value[] = {"--library-path", "--glibc-hwcaps-prepend", "--glibc-hwcaps-mask", "--inhibit-rpath",
                                             "--audit", "--preload", "--argv0"};
    static const char *const ends[] = {"--help", "--version", "--list-tunables", "--list-diagnostics", "--list", "--verify"};
    int i = 1;
    while (i < argc && !strncmp(argv[i], "--", 2)) {
        const char *a = argv[i++];
        if (!a[2])
            return i - 1; /* musl goes on behind it; glibc looks for a program of that name */
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
            if (!strcmp(a, ends[k]))
                return 0;
        for (size_t k = 0; k < sizeof with_value / sizeof *with_value; k++)
            if (!strcmp(a, with_value[k]))
                i++;
    }
    return i < argc ? i : 0;
}
