/* Any bytes as a policy: read, checked and compiled without a crash; what is taken without a mistake can be judged. Other files
 * are never opened: that is policy_load's, and `extends` stays a list of names here. */
#include "pattern.h"
#include "policy_compile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct places places = {.home = "/home/u", .workspace = "/w", .tmpdir = "/tmp", .config_home = "/home/u/.config",
                                     .state_home = "/home/u/.s", .data_home = "/home/u/.d", .cache_home = "/home/u/.c",
                                     .runtime_dir = "/run/user/1"};

static void judge(struct rule *r)
{
    static const char *const paths[] = {"/", "/home/u/.ssh/x", "/a/b/c/d", "/w"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct need need = {.verb = VERB_READ, .target = {.kind = TARGET_PATH, .path = (char *)paths[i]}};
        rule_matches(r, &need, NULL, NULL, true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    /* An exact copy, so that one byte too far is seen by the address sanitizer. */
    char *text = xmalloc(n);
    memcpy(text, data, n);
    struct mistakes m = {0};
    struct policy_file *f = policy_file_read("fuzz.yaml", text, n, &m);
    if (!f && !m.n)
        abort(); /* a file that is refused is refused in words */
    if (f) {
        policy_compile(f, &places, &m);
        for (size_t i = 0; i < f->nrules; i++) {
            if (!f->compiled[i] && !m.n)
                abort();
            if (f->compiled[i])
                judge(f->compiled[i]);
            rule_free(f->compiled[i]);
        }
        policy_file_free(f);
    }
    BUF_AUTO out = {0};
    mistakes_write(&m, &out);
    mistakes_free(&m);
    free(text);
    return 0;
}
