#include "pattern.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum what { WHAT_ANY, WHAT_OWN, WHAT_NETS, WHAT_HOST, WHAT_BELOW, WHAT_UNIX, WHAT_ABSTRACT };

struct net {
    bool v6;
    uint8_t bits;
    uint8_t ip[16]; /* IPv4: the first four bytes */
};

struct address_pattern {
    char *text;
    enum what what;
    uint8_t proto;    /* IPPROTO_TCP, IPPROTO_UDP, 0: both */
    uint16_t lo, hi;
    const struct net *nets; /* a word's, or &one */
    size_t nnets;
    struct net one;
    bool every;       /* written 0.0.0.0 or [::] */
    uint32_t scope;   /* [fe80::1%2]; 0: any */
    char *host;       /* lower case, no dot at the end; BELOW: without the `*.` */
    struct path_pattern *path;
    char *abstract;   /* a glob */
};

/* ---- the words */

#define V4(a, b, c, d, n) {false, n, {a, b, c, d}}
static const struct net loopback[] = {V4(127, 0, 0, 0, 8), {true, 128, {[15] = 1}}};
static const struct net link_local[] = {V4(169, 254, 0, 0, 16), {true, 10, {0xfe, 0x80}}};
static const struct net multicast[] = {V4(224, 0, 0, 0, 4), {true, 8, {0xff}}};
/* RFC 1918, RFC 6598 (CGNAT), RFC 4193 (ULA); mapped and NAT64 forms are IPv4 by then (address.h) */
static const struct net private_nets[] = {
    V4(10, 0, 0, 0, 8), V4(172, 16, 0, 0, 12), V4(192, 168, 0, 0, 16), V4(100, 64, 0, 0, 10), {true, 7, {0xfc}},
};
/* Where clouds hand out credentials to whoever asks from the machine. */
static const struct net metadata[] = {
    V4(169, 254, 169, 254, 32),                                                      /* AWS, GCP, Azure, OpenStack, ... */
    V4(169, 254, 170, 2, 32),                                                        /* AWS ECS task credentials */
    V4(169, 254, 170, 23, 32),                                                       /* AWS EKS pod identity */
    V4(100, 100, 100, 200, 32),                                                      /* Alibaba Cloud */
    V4(168, 63, 129, 16, 32),                                                        /* Azure wire server */
    V4(192, 0, 0, 192, 32),                                                          /* Oracle Cloud, classic */
    V4(169, 254, 0, 23, 32),                                                         /* Tencent Cloud */
    {true, 128, {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}},                 /* AWS, fd00:ec2::254 */
    {true, 128, {0xfd, 0x00, 0x0e, 0xc2, [15] = 0x23}},                              /* AWS EKS, fd00:ec2::23 */
    {true, 128, {0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54}},                 /* GCP, fd20:ce::254 */
    {true, 128, {0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe}},                        /* OpenStack, fe80::a9fe:a9fe */
};
#undef V4

#define NETS(n) n, sizeof n / sizeof n[0]
static const struct word {
    const char *name;
    enum what what;
    const struct net *nets;
    size_t nnets;
} words[] = {
    {"any", WHAT_ANY, NULL, 0},
    {"own", WHAT_OWN, NULL, 0},
    {"loopback", WHAT_NETS, NETS(loopback)},
    {"link-local", WHAT_NETS, NETS(link_local)},
    {"private", WHAT_NETS, NETS(private_nets)},
    {"multicast", WHAT_NETS, NETS(multicast)},
    {"metadata", WHAT_NETS, NETS(metadata)},
};
#undef NETS

/* ---- reading */

struct reader {
    const char *text;
    size_t *column;
    struct err *err;
};

#define FAIL(r, at, ...) (*(r)->column = (size_t)((at) - (r)->text), err_set((r)->err, 0, __VA_ARGS__))

/* Digits only, 0 to max. -1 when it is anything else. */
static long number(const char *s, size_t n, long max)
{
    long v = 0;
    if (!n || n > 10)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]))
            return -1;
        v = v * 10 + (s[i] - '0');
    }
    return v <= max ? v : -1;
}

static int read_ports(struct reader *r, const char *s, struct address_pattern *p)
{
    const char *dash = strchr(s, '-');
    long lo = number(s, dash ? (size_t)(dash - s) : strlen(s), 65535);
    long hi = dash ? number(dash + 1, strlen(dash + 1), 65535) : lo;
    if (lo < 0 || hi < 0)
        return FAIL(r, s, "`%s` is no port; expected a number up to 65535 or a range like `8000-8999`", s);
    if (lo > hi)
        return FAIL(r, s, "the port range `%s` is empty; expected the lower number first", s);
    p->lo = (uint16_t)lo;
    p->hi = (uint16_t)hi;
    return 0;
}

static void mask(struct net *n)
{
    size_t size = n->v6 ? 16 : 4;
    for (size_t i = 0; i < size; i++) {
        int keep = n->bits - (int)i * 8;
        n->ip[i] &= keep >= 8 ? 0xff : keep <= 0 ? 0 : (uint8_t)(0xff << (8 - keep));
    }
}

/* The address between its brackets (or bare IPv4) with what follows a `/`, into p->one. */
static int read_net(struct reader *r, const char *s, size_t n, bool v6, struct address_pattern *p)
{
    char copy[80];
    struct net *net = &p->one;
    if (n >= sizeof copy)
        return FAIL(r, s, "`%.*s` is too long for an address", (int)n, s);
    memcpy(copy, s, n);
    copy[n] = 0;
    char *slash = strchr(copy, '/'), *scope = strchr(copy, '%');
    long bits = v6 ? 128 : 32;
    if (slash) {
        *slash = 0;
        bits = number(slash + 1, strlen(slash + 1), bits);
        if (bits < 0)
            return FAIL(r, s + (slash + 1 - copy), "`/%s` is no prefix length; expected 0 to %d", slash + 1, v6 ? 128 : 32);
    }
    if (v6 && scope) {
        *scope = 0;
        long v = slash && scope > slash ? -1 : number(scope + 1, strlen(scope + 1), INT32_MAX);
        if (v < 0)
            return FAIL(r, s + (scope - copy), "a scope is the number of an interface here, as in `[fe80::1%%2]`");
        p->scope = (uint32_t)v;
    }
    net->v6 = v6;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, copy, net->ip) != 1)
        return FAIL(r, s, "`%s` is no %s address", copy, v6 ? "IPv6" : "IPv4");
    net->bits = (uint8_t)bits;
    mask(net);
    if (v6 && bits >= 96 && address_embedded(net->ip)) {
        net->v6 = false;
        net->bits = (uint8_t)(bits - 96);
    }
    p->what = WHAT_NETS;
    p->nets = net;
    p->nnets = 1;
    return 0;
}

static bool is_host_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

static int read_host(struct reader *r, const char *s, size_t n, struct address_pattern *p)
{
    bool below = n > 2 && s[0] == '*' && s[1] == '.';
    const char *h = s + (below ? 2 : 0);
    size_t len = n - (below ? 2 : 0);
    if (len && h[len - 1] == '.')
        len--;
    bool good = len && len <= 253 && h[0] != '.', digits = true;
    for (size_t i = 0; i < len; i++) {
        if (!(is_host_char(h[i]) || (h[i] == '.' && i + 1 < len && h[i + 1] != '.')))
            good = false;
        if (!isdigit((unsigned char)h[i]) && h[i] != '.')
            digits = false;
    }
    if (memchr(h, '*', len))
        return FAIL(r, s, "`%.*s`: a `*` stands only in front, as in `*.example.com`; all addresses are `any`", (int)n, s);
    if (digits && len)
        return FAIL(r, s, "`%.*s` is no IPv4 address; expected four numbers, as in `10.0.0.1`", (int)n, s);
    if (!good)
        return FAIL(r, s, "`%.*s` is neither an address, a host name, nor one of any, own, loopback, link-local, private, "
                          "multicast, metadata, unix:", (int)n, s);
    p->what = below ? WHAT_BELOW : WHAT_HOST;
    p->host = xstrndup(h, len);
    for (char *c = p->host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return 0;
}

static int read_unix(struct reader *r, const char *s, struct address_pattern *p)
{
    if (s[0] == '@') {
        if (!s[1])
            return FAIL(r, s, "`unix:@` names no socket; expected `unix:@name`, or `unix:@*` for all abstract ones");
        p->what = WHAT_ABSTRACT;
        p->abstract = xstrdup(s + 1);
        return 0;
    }
    size_t column;
    p->what = WHAT_UNIX;
    p->path = path_pattern_new(s, &column, r->err);
    if (p->path)
        return 0;
    *r->column = (size_t)(s - r->text) + column;
    return err_wrap(r->err, "after `unix:`");
}

static int read_all(struct reader *r, struct address_pattern *p)
{
    const char *s = r->text;
    p->hi = 65535;
    if (!strncmp(s, "unix:", 5))
        return read_unix(r, s + 5, p);
    if (!strncmp(s, "tcp:", 4) || !strncmp(s, "udp:", 4)) {
        p->proto = s[0] == 't' ? IPPROTO_TCP : IPPROTO_UDP;
        s += 4;
        if (!strncmp(s, "unix:", 5))
            return FAIL(r, r->text, "`unix:` takes no `%.3s:` in front", r->text);
    }
    if (!*s)
        return FAIL(r, s, "an address is missing; `any` is every IP address");
    if (s[0] == '[') {
        const char *close = strchr(s, ']');
        if (!close)
            return FAIL(r, s, "`%s`: the `]` is missing", s);
        const char *after = close + 1;
        if (*after && *after != ':')
            return FAIL(r, after, "`%s` after `]`; expected `:port` or nothing (a prefix length stands inside: `[fd00::/8]`)", after);
        if (read_net(r, s + 1, (size_t)(close - s - 1), true, p))
            return -1;
        return *after ? read_ports(r, after + 1, p) : 0;
    }
    const char *colon = strchr(s, ':');
    if (colon && strchr(colon + 1, ':'))
        return FAIL(r, s, "`%s` is an IPv6 address without brackets; write `[%s]`, and `[%s]:443` with a port", s, s, s);
    size_t n = colon ? (size_t)(colon - s) : strlen(s);
    if (colon && read_ports(r, colon + 1, p))
        return -1;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].name) == n && !memcmp(words[i].name, s, n)) {
            p->what = words[i].what;
            p->nets = words[i].nets;
            p->nnets = words[i].nnets;
            return 0;
        }
    uint8_t ip[4];
    char copy[INET_ADDRSTRLEN] = "";
    if (n < sizeof copy)
        memcpy(copy, s, n);
    if (memchr(s, '/', n) || inet_pton(AF_INET, copy, ip) == 1)
        return read_net(r, s, n, false, p);
    return read_host(r, s, n, p);
}

/* 0.0.0.0 and :: lead to loopback when something connects to them, and decoded addresses say so; a pattern that names one
 * means the same place, and in a bind every address. */
static void unspecified(struct address_pattern *p)
{
    static const uint8_t zero[16];
    struct net *n = &p->one;
    if (p->nets != n || n->bits != (n->v6 ? 128 : 32) || memcmp(n->ip, zero, sizeof zero))
        return;
    p->every = true;
    memcpy(n->ip, n->v6 ? loopback[1].ip : (uint8_t[16]){127, 0, 0, 1}, 16);
}

struct address_pattern *address_pattern_new(const char *text, size_t *column, struct err *err)
{
    struct address_pattern *p = xcalloc(1, sizeof *p);
    p->text = xstrdup(text);
    *column = 0;
    struct reader r = {text, column, err};
    if (!read_all(&r, p)) {
        unspecified(p);
        return p;
    }
    address_pattern_free(p);
    return NULL;
}

void address_pattern_free(struct address_pattern *p)
{
    if (!p)
        return;
    path_pattern_free(p->path);
    free(p->abstract);
    free(p->host);
    free(p->text);
    free(p);
}

const char *address_pattern_text(const struct address_pattern *p)
{
    return p->text;
}

bool address_pattern_is_name(const struct address_pattern *p)
{
    return p->what == WHAT_HOST || p->what == WHAT_BELOW;
}

struct path_pattern *address_pattern_path(const struct address_pattern *p)
{
    return p->path;
}

/* ---- matching */

static bool in_net(const struct net *n, bool v6, const uint8_t *ip)
{
    if (n->v6 != v6)
        return false;
    size_t whole = n->bits / 8u;
    if (memcmp(n->ip, ip, whole))
        return false;
    unsigned left = n->bits % 8u;
    return !left || (n->ip[whole] ^ ip[whole]) >> (8 - left) == 0;
}

static bool ports_match(const struct address_pattern *p, const struct address *a)
{
    return (!p->proto || p->proto == a->proto) && a->port >= p->lo && a->port <= p->hi;
}

static bool is_below(const char *host, size_t len, const char *domain)
{
    size_t n = strlen(domain);
    return len > n + 1 && host[len - n - 1] == '.' && !strncasecmp(host + len - n, domain, n);
}

static bool host_match(const struct address_pattern *p, const char *host)
{
    size_t len = strlen(host);
    if (len && host[len - 1] == '.')
        len--;
    if (p->what == WHAT_BELOW)
        return is_below(host, len, p->host);
    return strlen(p->host) == len && !strncasecmp(p->host, host, len);
}

bool address_pattern_match(const struct address_pattern *p, const struct target *t)
{
    const struct address *a = &t->addr;
    bool ip = a->kind == ADDRESS_INET || a->kind == ADDRESS_INET6;
    /* A name without an address (explain): some address of the internet. */
    bool name_only = a->kind == ADDRESS_NONE && t->name;
    if ((ip || name_only) && !ports_match(p, a))
        return false;
    switch (p->what) {
    case WHAT_ANY:
        return ip || name_only;
    case WHAT_OWN:
        return t->own && (ip || (!p->proto && p->lo == 0 && p->hi == 65535));
    case WHAT_NETS:
        if (!ip || (p->scope && p->scope != a->scope))
            return false;
        for (size_t i = 0; i < p->nnets; i++)
            if (in_net(&p->nets[i], a->kind == ADDRESS_INET6, a->ip))
                return true;
        return false;
    case WHAT_HOST:
    case WHAT_BELOW:
        return (ip || name_only) && t->name && host_match(p, t->name);
    case WHAT_UNIX:
        if (a->kind == ADDRESS_UNIX && t->path)
            return path_pattern_match(p->path, t->path);
        /* unix:** is every unix socket, those without a path too */
        return (a->kind == ADDRESS_UNIX || a->kind == ADDRESS_ABSTRACT || a->kind == ADDRESS_UNNAMED) &&
               path_pattern_is_tree(p->path) && !strcmp(path_pattern_literal(p->path), "/");
    case WHAT_ABSTRACT:
        return a->kind == ADDRESS_ABSTRACT && glob_match_bytes(p->abstract, a->name ? a->name : "", a->name_len);
    }
    return false;
}

bool address_pattern_match_wildcard(const struct address_pattern *p, const struct target *t, bool some)
{
    bool v6 = t->addr.kind == ADDRESS_INET6;
    if (!ports_match(p, &t->addr))
        return false;
    if (p->what == WHAT_ANY)
        return true;
    if (p->what != WHAT_NETS)
        return false;
    for (size_t i = 0; i < p->nnets; i++) {
        bool same = p->nets[i].v6 == v6;
        if (some ? same || v6 : same && (p->every || !p->nets[i].bits))
            return true;
    }
    return false;
}

/* ---- covering */

static bool nets_cover(const struct address_pattern *a, const struct address_pattern *b)
{
    for (size_t i = 0; i < b->nnets; i++) {
        bool found = false;
        for (size_t k = 0; k < a->nnets && !found; k++)
            found = a->nets[k].bits <= b->nets[i].bits && in_net(&a->nets[k], b->nets[i].v6, b->nets[i].ip);
        if (!found)
            return false;
    }
    return (!a->scope || a->scope == b->scope) && (!b->every || a->every || a->nets[0].bits == 0);
}

bool address_pattern_covers(const struct address_pattern *a, const struct address_pattern *b)
{
    if (a->what == WHAT_UNIX && b->what == WHAT_ABSTRACT)
        return path_pattern_is_tree(a->path) && !strcmp(path_pattern_literal(a->path), "/");
    if ((a->proto && a->proto != b->proto) || a->lo > b->lo || a->hi < b->hi)
        return false;
    if (a->what == WHAT_ANY)
        return b->what == WHAT_ANY || b->what == WHAT_NETS || address_pattern_is_name(b);
    if (a->what == WHAT_BELOW && b->what == WHAT_HOST)
        return host_match(a, b->host);
    if (a->what != b->what)
        return false;
    switch (a->what) {
    case WHAT_NETS:
        return nets_cover(a, b);
    case WHAT_HOST:
        return !strcmp(a->host, b->host);
    case WHAT_BELOW:
        return !strcmp(a->host, b->host) || host_match(a, b->host);
    case WHAT_UNIX:
        return path_pattern_covers(a->path, b->path);
    case WHAT_ABSTRACT:
        return !strcmp(a->abstract, "*") || !strcmp(a->abstract, "**") || !strcmp(a->abstract, b->abstract);
    case WHAT_OWN:
        return true;
    case WHAT_ANY:
        break;
    }
    return false;
}

/* ---- keys
 *
 * Y: any. O: own. N: a network, masked. H: a host. D: all below a domain. U: every unix socket. B: an abstract name; W: abstract
 * wildcards. Y and N carry the port where the pattern has one, else PORTS. Paths have path_pattern's keys. */

enum { PORTS = 65536 };

struct net_key {
    uint32_t port;
    uint8_t v6, bits, ip[16];
};

static uint64_t net_key(const struct net *n, uint32_t port)
{
    struct net_key k;
    memset(&k, 0, sizeof k); /* padding too: its bytes are hashed */
    k.port = port;
    k.v6 = n->v6;
    k.bits = n->bits;
    memcpy(k.ip, n->ip, n->v6 ? 16 : 4);
    return key_of('N', &k, sizeof k);
}

static uint64_t any_key(uint32_t port)
{
    return key_of('Y', &port, sizeof port);
}

void address_pattern_keys(const struct address_pattern *p, struct net_lengths *add, key_fn *fn, void *arg)
{
    uint32_t port = p->lo == p->hi ? p->lo : PORTS;
    switch (p->what) {
    case WHAT_ANY:
        fn(arg, any_key(port));
        break;
    case WHAT_OWN:
        fn(arg, key_of('O', NULL, 0));
        break;
    case WHAT_NETS:
        for (size_t i = 0; i < p->nnets; i++) {
            const struct net *n = &p->nets[i];
            add->bits[n->v6][n->bits / 64] |= 1ull << n->bits % 64;
            fn(arg, net_key(n, port));
        }
        break;
    case WHAT_HOST:
        fn(arg, key_of('H', p->host, strlen(p->host)));
        break;
    case WHAT_BELOW:
        fn(arg, key_of('D', p->host, strlen(p->host)));
        break;
    case WHAT_UNIX:
        if (path_pattern_is_tree(p->path) && !strcmp(path_pattern_literal(p->path), "/"))
            fn(arg, key_of('U', NULL, 0));
        else
            path_pattern_keys(p->path, fn, arg);
        break;
    case WHAT_ABSTRACT:
        if (strpbrk(p->abstract, "*?\\"))
            fn(arg, key_of('W', NULL, 0));
        else
            fn(arg, key_of('B', p->abstract, strlen(p->abstract)));
        break;
    }
}

static void name_keys(const char *name, key_fn *fn, void *arg)
{
    char low[256];
    size_t n = strlen(name);
    if (n && name[n - 1] == '.')
        n--;
    if (n >= sizeof low) { /* longer than any name of a pattern, but it may lie below one: only its end counts */
        name += n - (sizeof low - 1);
        n = sizeof low - 1;
    }
    for (size_t i = 0; i < n; i++)
        low[i] = (char)tolower((unsigned char)name[i]);
    fn(arg, key_of('H', low, n));
    for (size_t i = 0; i < n; i++)
        if (low[i] == '.')
            fn(arg, key_of('D', low + i + 1, n - i - 1));
}

void address_keys(const struct target *t, const struct net_lengths *lengths, key_fn *fn, void *arg)
{
    const struct address *a = &t->addr;
    if (t->own)
        fn(arg, key_of('O', NULL, 0));
    if (t->name)
        name_keys(t->name, fn, arg);
    switch (a->kind) {
    case ADDRESS_NONE:
    case ADDRESS_INET:
    case ADDRESS_INET6:
        fn(arg, any_key(a->port));
        fn(arg, any_key(PORTS));
        break;
    case ADDRESS_ABSTRACT:
        fn(arg, key_of('W', NULL, 0));
        fn(arg, key_of('B', a->name ? a->name : "", a->name_len));
        fn(arg, key_of('U', NULL, 0));
        break;
    case ADDRESS_UNIX:
    case ADDRESS_UNNAMED:
        fn(arg, key_of('U', NULL, 0));
        break;
    case ADDRESS_OTHER:
        break;
    }
    if (a->kind != ADDRESS_INET && a->kind != ADDRESS_INET6)
        return;
    struct net n = {.v6 = a->kind == ADDRESS_INET6};
    for (int bits = n.v6 ? 128 : 32; bits >= 0; bits--) {
        if (!(lengths->bits[n.v6][bits / 64] >> bits % 64 & 1))
            continue;
        memcpy(n.ip, a->ip, n.v6 ? 16 : 4);
        n.bits = (uint8_t)bits;
        mask(&n);
        fn(arg, net_key(&n, a->port));
        fn(arg, net_key(&n, PORTS));
    }
}
