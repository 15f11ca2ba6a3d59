/* pure - the parts that make no system call of their own, run N times: make bench counts their instructions under callgrind.
 *
 *   pure WHAT N POLICY      WHAT: decide, line, resolve
 *
 * decide: a read of a file, by the policy. line: that decision as a line of the audit log. resolve: a path of four components.
 */
#include "audit_line.h"
#include "calls.h"
#include "decide.h"
#include "places.h"
#include "policy_load.h"
#include "resolve.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct policy *load(const char *file)
{
    static struct places places;
    struct err err;
    struct policy *p = NULL;
    BUF_AUTO mistakes = {0};
    BUF_AUTO warnings = {0};
    const char *const files[] = {file, NULL};
    const char *const none[] = {NULL};
    struct policy_sources s = {.policies = files, .command = "true", .places = &places, .protect = none, .hide = none};
    if (places_find(&places, NULL, &err) || policy_load(&s, &p, &mistakes, &warnings)) {
        fprintf(stderr, "pure: %s does not load: %s\n", file, mistakes.data ? mistakes.data : err.text);
        exit(1);
    }
    return p;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "pure decide|line|resolve N POLICY\n");
        return 2;
    }
    long n = atol(argv[2]);
    struct policy *policy = load(argv[3]);
    struct process process = {.refs = 1, .pid = 4711, .ppid = 4710, .uid = 1000, .exe = (char *)"/usr/bin/cat", .comm = "cat", .lineage_known = true};
    struct call call = {.name = "openat"};
    struct request r = {.call = &call, .process = &process, .tid = 4711, .cwd = (char *)"/home/user/project", .moved_from = -1, .moved_to = -1};
    struct need *need = request_add(&r, VERB_READ, TARGET_PATH);
    need->target.path = xstrdup("/usr/include/x86_64-linux-gnu/bits/types.h");
    need->target.raw = xstrdup(need->target.path);
    need->target.raw_len = strlen(need->target.path);
    need->target.exists = true;
    need->target.nlink = 1;
    struct question q = question_of(&r);
    struct decision d = decide(policy, NULL, &q, NULL, NULL);
    struct outcome o = {.allowed = true, .would = d.effect, .by = d.by, .decision = d, .safe = SAFE_EMULATED, .result_known = true, .result = 3};
    BUF_AUTO line = {0};
    struct resolver eyes = {.procs = procs_new(getpid()), .tid = getpid(), .tgid = getpid(), .enforce = true, .quick = true};
    for (long i = 0; i < n; i++) {
        if (!strcmp(argv[1], "decide")) {
            d = decide(policy, NULL, &q, NULL, NULL);
        } else if (!strcmp(argv[1], "line")) {
            buf_clear(&line);
            audit_line(&line, MODE_ENFORCE, &r, &o);
        } else {
            struct place p;
            resolve(&eyes, AT_FDCWD, "/usr/include/linux/seccomp.h", 0, &p);
            place_finish(&p);
        }
    }
    return 0;
}
