#include "agent_env.h"
#include "buf.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define DENIALS "SENTINEL_WATCH_DENIALS"

static const char *const proxy_names[] = {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"};
enum { PROXY_NAMES = sizeof proxy_names / sizeof *proxy_names };

static bool matches(char **globs, const char *name)
{
    for (char **g = globs; g && *g; g++)
        if (!fnmatch(*g, name, 0))
            return true;
    return false;
}

static bool replaced(const char *name, const struct policy *p, const char *denials)
{
    if (denials && !strcmp(name, DENIALS))
        return true;
    for (size_t i = 0; p->proxy && i < PROXY_NAMES; i++)
        if (!strcmp(name, proxy_names[i]))
            return true;
    return false;
}

char **agent_env(char **environ_, const struct policy *p, const char *denials)
{
    size_t n = 0, k = 0;
    while (environ_[n])
        n++;
    char **env = xcalloc(n + 1 + PROXY_NAMES + 1, sizeof *env);
    for (size_t i = 0; i < n; i++) {
        STR_AUTO name = xstrndup(environ_[i], strcspn(environ_[i], "="));
        if (replaced(name, p, denials) || (matches(p->env_drop, name) && !matches(p->env_keep, name)))
            continue;
        env[k++] = environ_[i];
    }
    if (denials)
        env[k++] = xasprintf(DENIALS "=%s", denials);
    for (size_t i = 0; p->proxy && i < PROXY_NAMES; i++)
        env[k++] = xasprintf("%s=%s", proxy_names[i], p->proxy);
    env[k] = NULL;
    return env;
}
