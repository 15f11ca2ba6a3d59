/* The first bytes of a program, a whole ELF file, and the arguments of a dynamic loader. */
#include "binfmt.h"
#include "buf.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void first_bytes(const uint8_t *data, size_t n)
{
    char *head = xcalloc(1, BINFMT_HEAD); /* of that very size: one byte too far is seen */
    memcpy(head, data, n < BINFMT_HEAD ? n : BINFMT_HEAD);
    struct binfmt f;
    memset(&f, 0x55, sizeof f);
    binfmt_look(head, "/x/y.z", &f);
    size_t len = strnlen(f.interpreter, sizeof f.interpreter), arg = strnlen(f.arg, sizeof f.arg);
    if (len == sizeof f.interpreter || arg == sizeof f.arg)
        abort();
    if (f.kind == BINFMT_SCRIPT) {
        if (head[0] != '#' || head[1] != '!' || !len || strpbrk(f.interpreter, " \t\n") || f.has_arg != (arg > 0))
            abort();
        if (!memmem(head, BINFMT_HEAD, f.interpreter, len) || (arg && !memmem(head, BINFMT_HEAD, f.arg, arg)))
            abort();
        if (arg && (strchr(f.arg, '\n') || strchr(" \t", f.arg[0])))
            abort();
    }
    if (f.kind == BINFMT_ELF && memcmp(head, "\177ELF", 4))
        abort();
    free(head);
}

static void elf(const uint8_t *data, size_t n)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("elf", MFD_CLOEXEC);
    if (ftruncate(fd, 0) || pwrite(fd, data, n, 0) != (ssize_t)n)
        return;
    STR_AUTO loader = binfmt_elf_loader(fd);
    if (loader && (strlen(loader) > PATH_MAX || !memmem(data, n, loader, strlen(loader))))
        abort();
}

static void loader_arguments(const uint8_t *data, size_t n)
{
    char *text = xmalloc(n + 1), *argv[64];
    int argc = 0;
    memcpy(text, data, n);
    text[n] = 0;
    for (size_t at = 0; at <= n && argc < 63; at += strlen(text + at) + 1)
        argv[argc++] = text + at;
    argv[argc] = NULL;
    int at = binfmt_loaded(argv, argc);
    if (at < 0 || at >= argc)
        abort();
    binfmt_loader(text);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    first_bytes(data, n);
    elf(data, n);
    loader_arguments(data, n);
    return 0;
}
