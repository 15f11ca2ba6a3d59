#include "policy_vars.h"
#include "verbs.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A path is taken as the kernel would take it: from the working folder, every link followed. */
static void path_target(const char *text, struct target *t)
{
    STR_AUTO here = text[0] == '/' ? NULL : realpath(".", NULL);
    STR_AUTO full = here ? xasprintf("%s/%s", here, text) : xstrdup(text);
    STR_AUTO own = NULL;
    struct stat st;
    t->raw = xstrdup(text);
    t->raw_len = strlen(text);
    t->path = literal_resolve(full, &own);
    if (!stat(t->path, &st))
        target_stat(t, &st);
}

static int unix_target(const char *text, struct target *t, struct err *err)
{
    if (text[0] == '@') {
        t->addr.kind = ADDRESS_ABSTRACT;
        t->addr.name = xstrdup(text + 1);
    } else if (text[0] == '/') {
        t->addr.kind = ADDRESS_UNIX;
        t->addr.name = xstrdup(text);
        path_target(text, t);
    } else {
        return err_set(err, 0, "found `unix:%s`, expected `unix:/path` or `unix:@name`", text);
    }
    t->addr.family = AF_UNIX;
    t->addr.name_len = strlen(t->addr.name);
    return 0;
}

/* The port behind the last colon: -1 when there is none. */
static long port_of(const char *text, size_t *ret_host_len)
{
    const char *colon = strrchr(text, ':');
    char *end;
    *ret_host_len = strlen(text);
    if (!colon || !colon[1] || (text[0] == '[' && colon < strchr(text, ']')))
        return -1;
    long port = strtol(colon + 1, &end, 10);
    if (*end || port < 0 || port > 65535)
        return -1;
    *ret_host_len = (size_t)(colon - text);
    return port;
}

static int inet_target(enum verb verb, const char *text, struct target *t, struct err *err)
{
    uint8_t proto = !strncmp(text, "udp:", 4) ? IPPROTO_UDP : IPPROTO_TCP;
    if (!strncmp(text, "udp:", 4) || !strncmp(text, "tcp:", 4))
        text += 4;
    size_t len;
    long port = port_of(text, &len);
    if (port < 0 || !len)
        return err_set(err, 0, "found `%s`, expected `ADDRESS:PORT`, `[IPV6]:PORT`, `NAME:PORT`, `unix:/path` or `unix:@name`", text);
    STR_AUTO host = text[0] == '[' ? xstrndup(text + 1, len - 2) : xstrndup(text, len);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    enum address_use use = verb == VERB_BIND ? ADDRESS_BIND : ADDRESS_CONNECT;
    if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
        address_decode_for(use, (struct sockaddr *)&in, sizeof in, AF_INET, proto, &t->addr);
    } else if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
        address_decode_for(use, (struct sockaddr *)&in6, sizeof in6, AF_INET6, proto, &t->addr);
    } else if (verb == VERB_BIND) {
        return err_set(err, 0, "found `%s`, expected an address of this machine with its port, or `unix:/path`", text);
    } else {
        t->name = xstrdup(host);
        t->addr.port = (uint16_t)port;
        t->addr.proto = proto;
    }
    return 0;
}

int need_from_text(enum verb verb, const char *text, struct need *ret, struct err *err)
{
    struct need n = {.verb = verb};
    bool address = verb == VERB_CONNECT || (verb == VERB_BIND && text[0] != '/');
    n.target.kind = address || verb == VERB_BIND ? TARGET_ADDRESS : TARGET_PATH;
    int r = 0;
    if (verb == VERB_EXEC && !strcmp(text, "anonymous"))
        n.target.kind = TARGET_ANONYMOUS;
    else if (verb == VERB_BIND && !address)
        r = unix_target(text, &n.target, err);
    else if (address)
        r = !strncmp(text, "unix:", 5) ? unix_target(text + 5, &n.target, err) : inet_target(verb, text, &n.target, err);
    else
        path_target(text, &n.target);
    if (r) {
        target_free(&n.target);
        return -1;
    }
    *ret = n;
    return 0;
}

struct decision decide_need(const struct policy *p, const struct need *need, char *const *argv,
                            void (*trace)(void *arg, const char *step), void *arg)
{
    struct question q = {.need = need, .needs = 1, .moved_from = -1, .moved_to = -1, .argv = argv};
    return decide(p, NULL, &q, trace, arg);
}
