/* policy_loading - floor 4: one policy while it is put together. policy_load.c says which files, policy_place.c what of a file
 * goes where; its load_ functions know each file once.
 */
#ifndef SW_POLICY_LOADING_H
#define SW_POLICY_LOADING_H

#include "policy_file.h"
#include "policy_load.h"

struct loading {
    const struct policy_sources *s;
    struct mistakes mistakes;
    struct buf *warnings;
    struct policy_file **file; /* every file once, by its resolved path */
    size_t nfiles;
    struct policy *policy;
    bool fast_reads_said, debug_said;
};

/* The file being placed and those that extend it, innermost first. */
struct chain {
    const struct policy_file *file;
    const struct chain *up;
    int depth;
};

/* Who asked for a file: where a mistake about it is told. */
struct asked {
    const char *shown;
    int line, column;
};

/* Files: each is read, checked and compiled once. NULL: a mistake was added. */
struct policy_file *add_file(struct loading *l, const char *path, const char *shown, const char *text, size_t len);
struct policy_file *load_file(struct loading *l, const char *path, bool regular, const struct asked *by);
struct policy_file *load_profile(struct loading *l, const char *name, const struct asked *by);

void push_rule(struct policy *p, struct rule *r);
/* The file's own rules; untrusted: only its denies and asks, and those only make stricter. */
void place_rules(struct loading *l, struct policy_file *f, const struct chain *up, bool untrusted);
/* The file and what it extends, depth first. A file that is reached twice adds only what was dropped the first time. */
void place(struct loading *l, struct policy_file *f, const struct chain *up);
void settle_settings(struct policy *p); /* the built-in values where no file said anything */
void take_text(char **into, const char *from); /* the first that is said stands */
void take_list(char ***into, const struct said_list *from);

#define SITE_FILE "/etc/sentinel-watch/policy.yaml"

#endif
