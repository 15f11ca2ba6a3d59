#include "request.h"
#include "buf.h"
#include "calls.h"

#include <stdlib.h>
#include <string.h>

const char *const verb_names[VERB_COUNT + 1] = {"read", "write", "exec", "connect", "bind", NULL};

struct need *request_add(struct request *r, enum verb verb, enum target_kind kind)
{
    if (r->needs == NEEDS_MAX)
        return NULL;
    if (r->needs == r->room) {
        r->room = r->room ? 2 * r->room : 2;
        r->need = xrealloc(r->need, (size_t)r->room * sizeof *r->need);
    }
    struct need *n = &r->need[r->needs++];
    memset(n, 0, sizeof *n);
    n->verb = verb;
    n->target.kind = kind;
    return n;
}

void target_free(struct target *t)
{
    free(t->raw);
    free(t->path);
    free(t->name);
    address_free(&t->addr);
}

void target_stat(struct target *t, const struct stat *st)
{
    t->exists = true;
    t->is_dir = S_ISDIR(st->st_mode);
    t->dev = st->st_dev;
    t->ino = st->st_ino;
    t->nlink = st->st_nlink;
    t->mode = st->st_mode;
}

void request_forget(struct request *r)
{
    if (r->call && r->call->drop)
        r->call->drop(r);
    for (int i = 0; i < r->needs; i++)
        target_free(&r->need[i].target);
    for (int i = 0; i < r->argc; i++)
        free(r->argv[i]);
    free(r->argv);
    free(r->need);
    r->need = NULL;
    r->room = 0;
    r->own = NULL;
    r->argv = NULL;
    r->needs = r->argc = r->native = r->refuse = r->restart = 0;
    r->moved_from = r->moved_to = -1;
    r->exchange = r->creates = r->later = false;
    r->why = NULL;
    r->waited = WAIT_NOT;
}

void request_free(struct request *r)
{
    if (!r)
        return;
    request_forget(r);
    free(r->cwd);
    process_unref(r->process);
    free(r);
}
