#include "policy_vars.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct places places = {.home = "/home/u*", .workspace = "/w/[x]", .tmpdir = "/", .config_home = "/c", .state_home = "/s",
                                     .data_home = "/d", .cache_home = "/k", .runtime_dir = "/r"};

static void expands(const char *text, enum vars_as as, const char *expected)
{
    struct vars v = {&places, NULL};
    struct err err;
    size_t column;
    char *s = vars_expand(&v, text, as, &column, &err);
    cr_assert(s, "%s: %s", text, err.text);
    cr_assert_str_eq(s, expected);
    free(s);
}

static void fails(const char *text, size_t at, const char *part)
{
    struct vars v = {&places, NULL};
    struct err err;
    size_t column = 99;
    cr_assert_null(vars_expand(&v, text, VARS_PATTERN, &column, &err), "%s", text);
    cr_assert_eq(column, at, "%s: column %zu", text, column);
    cr_assert(strstr(err.text, part), "%s: %s", text, err.text);
}

Test(policy_vars, values_are_literal_in_patterns)
{
    expands("~/x", VARS_PATTERN, "/home/u\\*/x");
    expands("~", VARS_PATTERN, "/home/u\\*");
    expands("${HOME}/*", VARS_PATTERN, "/home/u\\*/*");
    expands("${WORKSPACE}/a", VARS_PATTERN, "/w/\\[x\\]/a");
    expands("${HOME}/x", VARS_PLAIN, "/home/u*/x");
    expands("${XDG_CONFIG_HOME}${XDG_STATE_HOME}", VARS_PATTERN, "/c/s");
}

Test(policy_vars, the_root_as_a_value_doubles_no_slash)
{
    expands("${TMPDIR}/x", VARS_PATTERN, "/x");
    expands("${TMPDIR}", VARS_PATTERN, "/");
}

Test(policy_vars, defaults_and_environment)
{
    setenv("SET_HERE", "/v?", 1);
    setenv("EMPTY_HERE", "", 1);
    expands("${NOT_HERE:-/a}/b", VARS_PATTERN, "/a/b");
    expands("${NOT_HERE:-${HOME}}/b", VARS_PATTERN, "/home/u\\*/b");
    expands("${env:SET_HERE}/x", VARS_PATTERN, "/v\\?/x");
    expands("${env:EMPTY_HERE:-/e}/x", VARS_PATTERN, "/e/x");
    expands("/a\\${HOME}", VARS_PATTERN, "/a\\${HOME}");
    expands("/a\\${HOME}", VARS_PLAIN, "/a${HOME}");
    expands("/a$b~", VARS_PATTERN, "/a$b~");
}

Test(policy_vars, mistakes_know_their_column)
{
    fails("/abc/${HOEM}", 5, "nearest: HOME");
    fails("/a/${env:NOT_SET_HERE}", 3, "not set in the environment");
    fails("${HOME", 0, "without `}`");
}

static char *leads(const char *path, const char *own)
{
    char *name, *s = literal_resolve(path, &name);
    cr_assert((name != NULL) == (own != NULL) && (!own || !strcmp(name, own)), "%s: own name %s", path, name ? name : "none");
    free(name);
    return s;
}

#define LEADS(path, own, to)                                                                                           \
    do {                                                                                                               \
        char *s_ = leads(path, own);                                                                                   \
        cr_assert_str_eq(s_, to);                                                                                      \
        free(s_);                                                                                                      \
    } while (0)

Test(policy_vars, literal_paths)
{
    char dir[] = "/tmp/sw-vars.XXXXXX";
    cr_assert(mkdtemp(dir));
    cr_assert_not(chdir(dir));
    cr_assert_not(mkdir("real", 0700) || symlink("real", "link") || symlink("nowhere/deep", "dangling") || symlink("loop", "loop"));
    char *a = xasprintf("%s/link/x/../y", dir), *b = xasprintf("%s/real/y", dir);
    LEADS(a, NULL, b);
    char *c = xasprintf("%s/link", dir), *d = xasprintf("%s/real", dir);
    LEADS(c, c, d);
    char *e = xasprintf("%s/dangling", dir), *f = xasprintf("%s/nowhere/deep", dir);
    LEADS(e, e, f);
    char *g = xasprintf("%s/dangling/z", dir), *h = xasprintf("%s/nowhere/deep/z", dir);
    LEADS(g, NULL, h);
    char *i = xasprintf("%s/loop", dir);
    LEADS(i, i, i);
    LEADS("/../..", NULL, "/");
    LEADS("/no/such/../place", NULL, "/no/place");
    unlink("link");
    unlink("dangling");
    unlink("loop");
    rmdir("real");
    rmdir(dir);
    char *all[] = {a, b, c, d, e, f, g, h, i};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        free(all[k]);
}

Test(policy_vars, procfs_is_about_whoever_looks)
{
    LEADS("/proc/self/status", NULL, "/proc/self/status");
    LEADS("/proc/self", NULL, "/proc/self");
    LEADS("/proc/self/fd/0", NULL, "/proc/self/fd/0");
    LEADS("/proc/mounts", "/proc/mounts", "/proc/self/mounts");
    LEADS("/dev/fd/3", NULL, "/proc/self/fd/3");
    LEADS("/dev/stdin", "/dev/stdin", "/proc/self/fd/0");
}
