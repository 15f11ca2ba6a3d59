/* binfmt - floor 2: what the kernel makes of the first bytes of a program.
 *
 * As fs/exec.c, binfmt_script.c and binfmt_misc.c do it: 256 bytes are looked at (zeros behind a shorter file), registered
 * formats first, then scripts and ELF. Registrations are read once: only who has CAP_SYS_ADMIN can add one, and one that was
 * added meanwhile shows up as another program than the one that was judged, which is killed before it runs.
 */
#ifndef SW_BINFMT_H
#define SW_BINFMT_H

#include <stdbool.h>

#define BINFMT_HEAD 256
#define BINFMT_REWRITES 5 /* interpreters of interpreters; one more is ELOOP */

enum binfmt_kind {
    BINFMT_NONE, /* ENOEXEC */
    BINFMT_ELF,
    BINFMT_SCRIPT,
    BINFMT_MISC,
};

struct binfmt {
    enum binfmt_kind kind;
    char interpreter[BINFMT_HEAD]; /* SCRIPT, MISC: as the kernel opens it, from the caller's cwd */
    char arg[BINFMT_HEAD];         /* SCRIPT: the rest of the line, one argument; "" when there is none */
    bool has_arg;
    bool keep_argv0; /* MISC with P: argv[0] stays behind the path */
};

/* name: the file's name as passed, for formats that go by the extension. */
void binfmt_look(const char head[BINFMT_HEAD], const char *name, struct binfmt *ret);
/* The path in an ELF program's PT_INTERP: what the kernel maps beside it and starts. NULL: none, or not to be read. fd: open for
 * reading. Owned by the caller. */
char *binfmt_elf_loader(int fd);
/* A dynamic loader by its name: ld-linux*, ld-musl-*, ld.so, ld64.so.*: run by itself it loads the program that its arguments name. */
bool binfmt_loader(const char *path);
/* Among the arguments of a loader: the index of the program's, 0 when none will be run. argv[0] is the loader's. */
int binfmt_loaded(char *const *argv, int argc);

#endif
