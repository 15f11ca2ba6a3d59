#include "answers.h"
#include "fd.h"
#include "policy_compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

int answers_load(const char *path, const struct places *places, struct grants *grants, struct err *err)
{
    STR_AUTO text = NULL;
    size_t len;
    int e = fd_read_file(AT_FDCWD, path, YAML_MAX, &text, &len);
    if (e == -ENOENT)
        return 0;
    if (e)
        return err_set(err, -e, "reading the answers that were kept, %s", path);
    struct mistakes m = {0};
    struct policy_file *f = policy_file_read(path, text, len, &m);
    if (f) {
        f->path = xstrdup(path);
        policy_compile(f, places, &m);
    }
    if (!f || m.n) {
        BUF_AUTO b = {0};
        mistakes_write(&m, &b);
        err_set(err, 0, "the answers that were kept do not load: mend or remove %s\n%.*s", path, (int)strcspn(b.data ? b.data : "", "\n"),
                b.data ? b.data : "");
        mistakes_free(&m);
        policy_file_free(f);
        return -1;
    }
    for (size_t i = 0; i < f->nrules; i++) { /* oldest first: the newest of the grants stands first */
        grants_add(grants, f->compiled[i], 0, 0, 0);
        f->compiled[i] = NULL;
    }
    mistakes_free(&m);
    policy_file_free(f);
    return 0;
}
