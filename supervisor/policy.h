/* policy - floor 3: what a user wrote, compiled. Built before the agent starts, immutable afterwards, const to everyone.
 *
 * Pure: no system call, no clock, no I/O. policy_yaml and policy_load (floor 4) build it: they resolve literal parts and
 * variables; here patterns are already absolute. Memory lives until policy_free.
 */
#ifndef SW_POLICY_H
#define SW_POLICY_H

#include "request.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum effect { EFFECT_ALLOW, EFFECT_ASK, EFFECT_DENY };
enum mode { MODE_ENFORCE, MODE_LOG, MODE_OFF };
enum audit_level { AUDIT_DEFAULT, AUDIT_ALL, AUDIT_DECISIONS, AUDIT_DENIALS };
enum setting3 { SETTING_AUTO, SETTING_ON, SETTING_OFF };
enum resolve_names { RESOLVE_ANY, RESOLVE_LISTED, RESOLVE_OFFLINE };
/* NULL after the last. */
extern const char *const effect_names[]; /* "allow", "ask", "deny" */
extern const char *const mode_names[];   /* "enforce", "log", "off" */

struct path_pattern;    /* pattern.h */
struct address_pattern; /* pattern.h */

enum argv_match { ARGV_NONE, ARGV_EXACT, ARGV_PREFIX, ARGV_GLOB };

struct rule {
    char *name;       /* NULL: unnamed */
    char *label;      /* "FILE:NAME" or "FILE:#N" */
    char *at;         /* "path:line" for people; "command line" for --allow and its kin */
    enum effect effect;
    unsigned verbs;   /* 1 << VERB_... */
    struct path_pattern **path;  /* NULL-terminated; NULL: any */
    struct path_pattern **except;
    struct address_pattern **to; /* NULL-terminated; NULL: any */
    bool anonymous;   /* exec: path held the word `anonymous` */
    bool hard;
    char *message;
    int errnum;       /* deny: EACCES unless said */
    int64_t timeout_ms; /* ask: -1 unless said; 0 for ever */
    enum argv_match argv_match;
    char **argv;      /* NULL-terminated */
    struct path_pattern **by, **under;
    bool stricter_only; /* of an untrusted project file: counts only towards a stricter verdict */
    unsigned number;  /* position in policy->rules: for hit counts */
};

struct defaults {
    char *at[VERB_COUNT];       /* where the default was said, NULL: built in */
    char *label[VERB_COUNT];
    enum effect effect[VERB_COUNT];
};

struct policy_identity { /* a file inside a literal deny tree that has several hard links */
    dev_t dev;
    ino_t ino;
    const struct rule *rule;
};

struct policy_test { /* of the chosen policies: what they say about themselves (policy check, policy test) */
    char *at;         /* "path:line" */
    enum verb verb;
    char *target;     /* variables filled in */
    char **argv;      /* exec: NULL-terminated, from argv[1]; NULL when not said */
    enum effect expect;
    char *by_rule;    /* NAME or FILE:NAME; NULL: any */
};

struct policy {
    struct rule **rules; /* in the order of precedence, hard denies of every file included where they stand */
    size_t nrules;
    struct rule **protections; /* denies that come before everything: our own files, the desktop's sockets */
    size_t nprotections;
    struct defaults defaults;
    struct policy_identity *identity;
    size_t nidentity;

    /* settings, each from the first file that has it */
    enum mode mode;
    bool mode_set;
    char *baseline; /* "mvp" unless said; "off"; a file's path */
    char *approval; /* "auto", "reject", or a list "desktop,tui" */
    int64_t approval_timeout_ms;
    enum audit_level audit_level;
    char *proxy;
    bool proxy_only;
    enum resolve_names resolve;
    char **env_drop, **env_keep; /* globs; NULL-terminated or NULL */
    bool debug_allow;
    enum setting3 fast_reads;
    char *advice;
    unsigned exposed; /* bits of enum expose */
    char *require_mode, *require_baseline, *require_approval;

    struct policy_test *tests;
    size_t ntests;

    char *name;    /* of the chosen policy: for the start line */
    char **files;  /* every file that was read, in order; NULL-terminated */
    char **said;   /* the same as they were named, absolute: symbolic links may stand in these */
    char *project_note; /* set when an untrusted project file counts only half */
    char *source;  /* the bytes of those files, one after the other: what policy_sha256 of the log is of */
    size_t source_len;

    struct policy_index *index; /* policy_index */
};

/* Once, when rules, protections, their literal parts and identity stand: makes the questions below cost the same for ten rules and for
 * ten thousand. Without it the answers are the same. */
void policy_index(struct policy *p);

enum rule_set {
    SET_PROTECTIONS,
    SET_HARD,     /* hard denies of every file */
    SET_RULES,    /* all but those of an untrusted project file */
    SET_STRICTER, /* its denies and asks */
};
/* The first rule of the set that matches by name (rule_matches), or NULL. */
const struct rule *policy_first(const struct policy *p, enum rule_set set, const struct need *n, char *const *argv,
                                const struct process *process, bool any_caller);
/* Where in policy->identity to look for this file: from what is returned up to *end. Compare each: there may be others too. */
const struct policy_identity *policy_same_file(const struct policy *p, dev_t dev, ino_t ino, const struct policy_identity **end);
/* The next deny or ask rule, or protection, with a literal part at or below the folder; *pos starts at 0. NULL: no more. */
const struct rule *policy_next_around(const struct policy *p, bool protections, const char *folder, size_t *pos);

/* Does the rule match this right of a call? argv and process may be NULL: unknown. What cannot be known (argv, by, under) counts as
 * a match in deny and ask rules and never in allow rules. any_caller: argv, by and under of deny and ask rules are taken
 * to match (what a rename would open to some other program). Identity (hard links) is decide's. */
bool rule_matches(const struct rule *r, const struct need *n, char *const *argv, const struct process *process, bool any_caller);
/* Does the rule match the target's name, whatever the verb, the argv and the caller? */
bool rule_names(const struct rule *r, const struct need *n);
/* Would the rule match if the target went by a name that the rule covers (another hard link of the same file)? Places that it
 * excepts stay excepted. */
bool rule_matches_file(const struct rule *r, const struct need *n, char *const *argv, const struct process *process, bool any_caller);
/* Does a literal part of the rule, `unix:` ones included, lie at (RULE_AT) or below (RULE_BELOW) the folder? Bits. */
enum { RULE_AT = 1, RULE_BELOW = 2 };
int rule_place(const struct rule *r, const char *folder);
/* The path patterns of a rule, `unix:` ones included; NULL after the last. */
const struct path_pattern *rule_pattern(const struct rule *r, size_t i);
void rule_free(struct rule *r);

enum expose { EXPOSE_DBUS, EXPOSE_X11, EXPOSE_WAYLAND, EXPOSE_TMUX, EXPOSE_DOCKER, EXPOSE_SYSTEMD, EXPOSE_SSH_AGENT, EXPOSE_GPG_AGENT, EXPOSE_COUNT };
extern const char *const expose_names[EXPOSE_COUNT + 1]; /* NULL after the last */

void policy_free(struct policy *p);
bool policy_mentions_own(const struct policy *p); /* does any rule use the word `own`? Proving it costs */
bool policy_mentions_verb(const struct policy *p, enum verb v); /* has any rule or default a say about it other than allow? */

#endif
