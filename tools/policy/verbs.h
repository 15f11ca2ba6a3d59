/* verbs of sentinel-policy: one file each, one row in main.c. A verb gets argv with its own name first and returns the exit
 * status. Findings go to stdout; what keeps a verb from working goes to stderr through log.h.
 */
#ifndef SW_POLICY_VERBS_H
#define SW_POLICY_VERBS_H

#include "decide.h"
#include "options.h"
#include "places.h"
#include "policy_load.h"

int verb_check(int argc, char **argv);
int verb_explain(int argc, char **argv);
int verb_show(int argc, char **argv);
int verb_diff(int argc, char **argv);
int verb_schema(int argc, char **argv);
int verb_trust(int argc, char **argv);
int verb_hash(int argc, char **argv);
int verb_baseline(int argc, char **argv);
int verb_test(int argc, char **argv);
int verb_generate(int argc, char **argv);
int verb_export(int argc, char **argv);

/* The flags that sentinel-watch has too, read the same way, then what is the verb's own. */
struct verb_args {
    struct options options;
    struct places places;
    int argc;    /* what stands behind the flags */
    char **argv;
};
/* 0, or the exit status, after the reason was told. */
int verb_args_read(struct verb_args *a, int argc, char **argv);
void verb_args_free(struct verb_args *a);
#define VERB_ARGS __attribute__((cleanup(verb_args_free))) struct verb_args

/* The policy that a run with these flags would have. NULL: the mistakes were told. */
struct policy *verb_policy(const struct verb_args *a);
/* One file or profile and what it extends, without the layers around it. */
struct policy *verb_policy_alone(const struct verb_args *a, const char *name, struct buf *mistakes, struct buf *warnings);

/* What a user writes for a target (explain, tests): a path as it would be opened, or an address; a host name stands as if it had
 * been seen. argv: for exec, NULL-terminated, with the program first; may be NULL. The need is released by target_free. */
int need_from_text(enum verb verb, const char *text, struct need *ret, struct err *err);
struct decision decide_need(const struct policy *p, const struct need *need, char *const *argv,
                            void (*trace)(void *arg, const char *step), void *arg);
/* Runs the `tests` that the policy carries: a line to out for each that fails. Returns how many failed. */
size_t policy_run_tests(const struct policy *p, struct buf *out);

/* A rule on one line, without its name and place: what show prints and diff compares. resolved: patterns as they lead. */
void rule_text(const struct rule *r, bool resolved, struct buf *out);
/* A baseline's file as the lines of baseline_words.h. 0, or -1 with what is wrong. */
int baseline_lines(const char *path, struct buf *out, struct err *err);
/* Settings and defaults, one line each: "key: value". */
void settings_text(const struct policy *p, struct buf *out);

#endif
