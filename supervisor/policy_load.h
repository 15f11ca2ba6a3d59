/* policy_load - floor 4: from names and files to one struct policy: layers, `auto`, `extends`, `without`, variables, the
 * protections. policy_yaml (the only user of libyaml) reads one file; this puts them together.
 *
 * Every mistake of every file is reported at once: one line each, file:line:column, what was found, what was expected, the
 * nearest known name. A policy that does not load stops the program before the agent starts.
 */
#ifndef SW_POLICY_LOAD_H
#define SW_POLICY_LOAD_H

#include "buf.h"
#include "err.h"
#include "policy.h"

struct adhoc { enum effect effect; const char *text; }; /* --allow/--ask/--deny VERB:TARGET, in the order given */

struct places {        /* product manual, Places; filled once from the environment by places.h */
    const char *home;
    const char *workspace; /* absolute, resolved */
    const char *tmpdir;
    const char *config_home, *state_home, *data_home, *cache_home, *runtime_dir; /* XDG_* with their defaults */
    const char *sockets;   /* folder of the sessions' sockets, whether it is there yet or not */
    const char *profiles;  /* folder of the built-in profiles (installed, or beside a build tree); NULL: not found */
    const char *own_programs; /* folder that our programs were started from */
    bool home_is_ours;
};

struct policy_sources {
    const char *const *policies; /* -p FILE|NAME, in order; NULL-terminated; empty: auto */
    const char *command;         /* as typed: `auto` looks at its base name */
    const struct adhoc *adhoc;
    size_t nadhoc;
    const struct places *places;
    const char *const *hide;     /* files that the agent must not even read: the log's signing key; NULL-terminated */
    const char *const *protect;  /* further paths that nobody writes: the audit file, the socket folder; NULL-terminated */
    bool immutable;              /* no project file, no ad-hoc rule, no `always` */
    bool no_layers;              /* check FILE: that file and what it extends only */
};

/* 0 or -1. mistakes gets one line per mistake, warnings one line per warning, "\n" after each. */
int policy_load(const struct policy_sources *s, struct policy **ret, struct buf *mistakes, struct buf *warnings);

#endif
