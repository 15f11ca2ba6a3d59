#include "agent_env.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *find(char **env, const char *name)
{
    size_t n = strlen(name);
    for (; *env; env++)
        if (!strncmp(*env, name, n) && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

Test(agent_env, drop_and_keep)
{
    char *env[] = {(char *)"HOME=/h", (char *)"AWS_KEY=1", (char *)"GITHUB_TOKEN=2", (char *)"OTHER_TOKEN=3", (char *)"TOKEN=4",
                   (char *)"http_proxy=old", (char *)"SENTINEL_WATCH_DENIALS=/old", (char *)"odd", NULL};
    char *drop[] = {(char *)"AWS_*", (char *)"*_TOKEN", NULL}, *keep[] = {(char *)"GITHUB_TOKEN", NULL};
    struct policy p = {.env_drop = drop, .env_keep = keep};
    char **e = agent_env(env, &p, "/new");
    cr_assert_str_eq(find(e, "HOME"), "/h");
    cr_assert_null(find(e, "AWS_KEY"));
    cr_assert_null(find(e, "OTHER_TOKEN"));
    cr_assert_str_eq(find(e, "GITHUB_TOKEN"), "2");
    cr_assert_str_eq(find(e, "TOKEN"), "4");
    cr_assert_str_eq(find(e, "http_proxy"), "old");
    cr_assert_str_eq(find(e, "SENTINEL_WATCH_DENIALS"), "/new");
    cr_assert_str_eq(e[4], "odd"); /* what has no `=` goes along as it is */
    p.proxy = (char *)"http://127.0.0.1:3128";
    e = agent_env(env, &p, NULL);
    cr_assert_str_eq(find(e, "http_proxy"), p.proxy);
    cr_assert_str_eq(find(e, "HTTPS_PROXY"), p.proxy);
}
