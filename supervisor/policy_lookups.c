#include "policy_lookups.h"
#include "fd.h"
#include "policy_compile.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

enum { RESOLV_CONF_MAX = 65536 };

/* Both protocols: a long answer comes over TCP. The scope of a link-local address stays out: patterns know it by number. */
static bool add_server(struct rule *r, char *address)
{
    uint8_t ip[16];
    address[strcspn(address, "%")] = 0;
    bool v6 = inet_pton(AF_INET6, address, ip) == 1;
    if (!v6 && inet_pton(AF_INET, address, ip) != 1)
        return false;
    STR_AUTO pattern = xasprintf(v6 ? "[%s]:53" : "%s:53", address);
    rule_add_to(r, pattern);
    return true;
}

struct rule *policy_lookups_rule(const char *resolv_conf)
{
    struct rule *r = xcalloc(1, sizeof *r);
    r->name = xstrdup("network.resolve");
    r->label = xstrdup("network.resolve:any");
    r->at = xstrdup(resolv_conf);
    r->effect = EFFECT_ALLOW;
    r->verbs = 1 << VERB_CONNECT;
    r->timeout_ms = -1;
    char *text = NULL, *lines;
    if (fd_read_file(AT_FDCWD, resolv_conf, RESOLV_CONF_MAX, &text, NULL))
        text = NULL;
    int servers = 0;
    for (char *line = text ? strtok_r(text, "\n", &lines) : NULL; line && servers < MAXNS; line = strtok_r(NULL, "\n", &lines)) {
        char *words;
        char *key = strtok_r(line, " \t\r", &words);
        char *address = key && !strcmp(key, "nameserver") ? strtok_r(NULL, " \t\r", &words) : NULL;
        servers += address && add_server(r, address);
    }
    free(text);
    if (!servers)
        rule_add_to(r, "loopback:53");
    return r;
}
