/* exec: execve and execveat. The facts: which files would be run, by which interpreters, with which arguments.
 *
 * The act is the kernel's own (CONTINUE), so what is found here is compared afterwards: exec_verify().
 */
#include "binfmt.h"
#include "buf.h"
#include "calls_exec.h"
#include "calls_tables.h"
#include "fd.h"
#include "memory.h"
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_EXECVE_CHECK /* Linux 6.14 */
#define AT_EXECVE_CHECK 0x10000
#endif

/* Kept of the arguments: enough for every rule and for the log. The rest is the kernel's own business. */
#define ARGS_MAX 1024
#define ARGS_BYTES (64 * 1024)

#define FILES_MAX (BINFMT_REWRITES + 2)

struct exec {
    struct place file[FILES_MAX]; /* pinned: the file of the call, then each interpreter */
    int files;
    bool script;      /* the kernel gives its path to the interpreter */
    char *name;       /* that path: the kernel's bprm->filename */
    bool cut;         /* argv was longer than what is kept */
    struct buf stack; /* the arguments as they must stand on the new stack, each with its NUL; a prefix when cut */
};

static void drop(struct request *r)
{
    struct exec *x = r->own;
    if (!x)
        return;
    for (int i = 0; i < x->files; i++)
        place_finish(&x->file[i]);
    free(x->name);
    buf_free(&x->stack);
    free(x);
    r->own = NULL;
}

/* ---- the arguments */

static void keep_arg(struct request *r, char *s)
{
    r->argv = xrealloc(r->argv, (size_t)(r->argc + 2) * sizeof *r->argv);
    r->argv[r->argc++] = s;
    r->argv[r->argc] = NULL;
}

/* 0, or the native errno. */
static int read_args(struct request *r, struct exec *x, uint64_t at)
{
    static const size_t chunk = 64;
    size_t room = ARGS_BYTES;
    r->argv = xcalloc(1, sizeof *r->argv);
    while (at) {
        uint64_t pointers[64];
        ssize_t n = memory_read_some(r->tid, at, pointers, sizeof pointers);
        size_t got = n < 0 ? 0 : (size_t)n / sizeof *pointers;
        if (!got)
            return EFAULT;
        for (size_t i = 0; i < got; i++) {
            if (!pointers[i])
                goto complete;
            if (r->argc == ARGS_MAX) {
                x->cut = true;
                return 0;
            }
            if (!room) { /* the number of arguments stays right for a while */
                keep_arg(r, xstrdup(""));
                continue;
            }
            char small[256], *s = small;
            ssize_t len = memory_string(r->tid, pointers[i], small, sizeof small < room ? sizeof small : room);
            if (len == -ENAMETOOLONG && room > sizeof small) {
                s = xmalloc(room);
                len = memory_string(r->tid, pointers[i], s, room);
            }
            if (len == -ENAMETOOLONG) { /* cut: its beginning is read again as plain bytes */
                x->cut = true;
                ssize_t some = memory_read_some(r->tid, pointers[i], s, room < sizeof small ? room : s == small ? sizeof small : room);
                len = some < 0 ? -EFAULT : some;
                room = 0;
            } else if (len >= 0) {
                room -= (size_t)len < room ? (size_t)len : room;
            }
            if (len >= 0)
                keep_arg(r, xstrndup(s, (size_t)len));
            if (s != small)
                free(s);
            if (len < 0)
                return EFAULT;
        }
        at += got * sizeof *pointers;
        if (got < chunk && n >= 0 && (size_t)n % sizeof *pointers)
            return EFAULT; /* a pointer that straddles the end of what is mapped */
    }
complete:
    /* Since Linux 5.18 an empty argv becomes {""}; before, argc was 0. Either way nothing was passed that a rule could read. */
    return 0;
}
