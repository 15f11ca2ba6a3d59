#include "rules.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct path_pattern *path_of(const char *text)
{
    size_t column;
    struct err err;
    struct path_pattern *p = path_pattern_new(text, &column, &err);
    cr_assert(p, "%s: %s", text, err.text);
    return p;
}

static struct address_pattern *address_of(const char *text)
{
    size_t column;
    struct err err;
    struct address_pattern *p = address_pattern_new(text, &column, &err);
    cr_assert(p, "%s: %s", text, err.text);
    return p;
}

Test(pattern, paths_match)
{
    static const struct { const char *pattern, *path; bool yes; } t[] = {
        {"/a/b", "/a/b", true}, {"/a/b", "/a/b/c", false}, {"/a/b", "/a/bc", false}, {"/a/b", "/a", false},
        {"/a/**", "/a", true}, {"/a/**", "/a/b", true}, {"/a/**", "/a/b/c", true}, {"/a/**", "/ab", false},
        {"/**", "/", true}, {"/**", "/x/y", true}, {"**", "/x", true}, {"/", "/", true}, {"/", "/x", false},
        {"/*", "/x", true}, {"/*", "/", false}, {"/*", "/x/y", false},
        {"/a/*", "/a/.hidden", true}, {"/a/*", "/a", false}, {"/a/*", "/a/b/c", false}, {"/a/?", "/a/.", true},
        {"/a/*.txt", "/a/x.txt", true}, {"/a/*.txt", "/a/.txt", true}, {"/a/*.txt", "/a/x.txt2", false},
        {"/a/x*y*z", "/a/xyyz", true}, {"/a/x*y*z", "/a/xzy", false}, {"/a/*ab", "/a/aab", true},
        {"/a/**/z", "/a/z", true}, {"/a/**/z", "/a/b/c/z", true}, {"/a/**/z", "/a/b/c/zz", false},
        {"/a/**/b/*/c", "/a/b/b/x/c", true}, {"/a/**/b/**", "/a/x/b", true}, {"/a/**/b/**/c/d", "/a/b/c/c/d", true},
        {"**/.env", "/.env", true}, {"**/.env", "/w/x/.env", true}, {"**/.env", "/w/.env/x", false},
        {"**/.git/**", "/w/.git", true}, {"**/.git/**", "/w/.git/hooks/x", true},
        {"/a/**/**/z", "/a/z", true},
        {"/a/\\*", "/a/*", true}, {"/a/\\*", "/a/b", false}, {"/a/\\**", "/a/*b", true}, {"/a/x\\?*", "/a/x?y", true},
        {"/a/x\\?*", "/a/xzy", false}, {"/a/\\\\", "/a/\\", true},
        {"/a/[bc]", "/a/b", false}, {"/a/[bc]", "/a/[bc]", true}, {"/a/{b,c}", "/a/{b,c}", true},
        {"/a//b/./c", "/a/b/c", true}, {"/a/*//b", "/a/x/b", true},
        {"/a/\xff*", "/a/\xff\xfe", true}, {"/a/?", "/a/\xc3\xa9", false}, /* bytes, not characters */
        {"/a/*", "relative", false},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct path_pattern *p = path_of(t[i].pattern);
        cr_expect_eq(path_pattern_match(p, t[i].path), t[i].yes, "%s on %s", t[i].pattern, t[i].path);
        path_pattern_free(p);
    }
}

Test(pattern, path_parts)
{
    static const struct { const char *pattern, *literal; bool tree, exact; } t[] = {
        {"/a/b", "/a/b", false, true}, {"/a/b/**", "/a/b", true, false}, {"/a/b*/c", "/a", false, false}, {"/*", "", false, false},
        {"/", "/", false, true}, {"/**", "/", true, false}, {"**", "/", true, false}, {"**/x", "", false, false},
        {"/a\\*b/**", "/a*b", true, false}, {"/a/../b/x", "/a/../b/x", false, true}, {"/a/**/b", "/a", false, false},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct path_pattern *p = path_of(t[i].pattern);
        cr_expect_str_eq(path_pattern_literal(p), t[i].literal, "%s", t[i].pattern);
        cr_expect_eq(path_pattern_is_tree(p), t[i].tree, "%s", t[i].pattern);
        cr_expect_eq(path_pattern_is_exact(p), t[i].exact, "%s", t[i].pattern);
        cr_expect_str_eq(path_pattern_text(p), t[i].pattern);
        path_pattern_free(p);
    }
}

Test(pattern, a_literal_is_replaced)
{
    struct path_pattern *p = path_of("/bin/*sh");
    path_pattern_set_literal(p, "/usr/bin");
    cr_expect(path_pattern_match(p, "/usr/bin/bash"));
    cr_expect_not(path_pattern_match(p, "/bin/bash"));
    cr_expect_str_eq(path_pattern_text(p), "/bin/*sh");
    path_pattern_set_literal(p, "/");
    cr_expect(path_pattern_match(p, "/zsh"));
    path_pattern_free(p);
}

Test(pattern, path_mistakes)
{
    static const struct { const char *text; size_t column; const char *says; } t[] = {
        {"a/b", 0, "starts with"}, {"", 0, "starts with"}, {"*/a", 0, "starts with"}, {"**a", 0, "starts with"},
        {"/a/b**", 4, "whole component"}, {"/a/***", 3, "whole component"}, {"/ab/", 3, "/ab/**"}, {"/a\\", 2, "backslash"},
        {"/a/*/../b", 5, ".."},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        size_t column = 99;
        struct err err = {0};
        cr_expect_null(path_pattern_new(t[i].text, &column, &err), "%s", t[i].text);
        cr_expect_eq(column, t[i].column, "%s: column %zu", t[i].text, column);
        cr_expect(strstr(err.text, t[i].says), "%s: %s", t[i].text, err.text);
    }
}

Test(pattern, paths_cover)
{
    static const struct { const char *a, *b; bool yes; } t[] = {
        {"/a/**", "/a/b", true}, {"/a/**", "/a/b/**", true}, {"/a/**", "/a/*/c", true}, {"/a/**", "/a", true}, {"/a/b/**", "/a/**", false},
        {"/**", "**/x", true}, {"/a/*", "/a/b", true}, {"/a/*", "/a/b*", true}, {"/a/*", "/a/**", false}, {"/a/b*", "/a/*", false},
        {"/a/*.c", "/a/*.c", true}, {"/a/*.c", "/a/x.c", true}, {"**/x", "/a/x", true}, {"**/x", "/a/**/x", true}, {"**/x", "/a/y", false},
        {"/a/**/z", "/a/b/*/z", true}, {"/a", "/a", true}, {"/a", "/a/**", false}, {"/", "/", true}, {"/**", "/", true},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct path_pattern *a = path_of(t[i].a), *b = path_of(t[i].b);
        cr_expect_eq(path_pattern_covers(a, b), t[i].yes, "%s over %s", t[i].a, t[i].b);
        path_pattern_free(a);
        path_pattern_free(b);
    }
}

/* Covering is a promise about every path: hold it to random patterns and paths over a small alphabet. */
static void random_path(char *s, size_t max, bool pattern)
{
    static const char *const parts[] = {"/a", "/b", "/ab", "/*", "/a*", "/?", "/**"};
    *s = 0;
    for (int n = rand() % 4 + 1; n > 0; n--)
        strncat(s, parts[rand() % (pattern ? 7 : 3)], max - strlen(s) - 1);
}

Test(pattern, covering_is_never_wrong)
{
    srand(7);
    char a[64], b[64], path[64];
    size_t covers = 0;
    for (int i = 0; i < 20000; i++) {
        random_path(a, sizeof a, true);
        random_path(b, sizeof b, true);
        struct path_pattern *pa = path_of(a), *pb = path_of(b);
        if (path_pattern_covers(pa, pb))
            for (int k = 0; k < 20; k++) {
                random_path(path, sizeof path, false);
                covers += path_pattern_match(pb, path);
                cr_assert(!path_pattern_match(pb, path) || path_pattern_match(pa, path), "%s over %s on %s", a, b, path);
            }
        path_pattern_free(pa);
        path_pattern_free(pb);
    }
    cr_assert_gt(covers, 1000);
}

Test(pattern, globs)
{
    cr_expect(glob_match("*", ""));
    cr_expect(glob_match("AWS_*", "AWS_KEY"));
    cr_expect(glob_match("*_TOKEN", "A_TOKEN_TOKEN"));
    cr_expect(glob_match("a*/c", "a/b/c"));
    cr_expect_not(glob_match("a?", "a"));
    cr_expect(glob_match("\\*", "*"));
    cr_expect_not(glob_match("\\*", "x"));
    cr_expect(glob_match_bytes("a?b", "a\0b", 3));
}

Test(pattern, addresses_match)
{
    static const struct { const char *pattern, *address; bool yes; } t[] = {
        {"10.0.0.1", "10.0.0.1:80", true}, {"10.0.0.1:80", "10.0.0.1:81", false}, {"10.0.0.0/8:5000-5010", "10.9.9.9:5010", true},
        {"10.0.0.0/8:5000-5010", "10.9.9.9:5011", false}, {"10.128.0.0/9", "10.127.0.1:1", false}, {"10.128.0.0/9", "10.128.0.1:1", true},
        {"0.0.0.0/0", "8.8.8.8:53", true}, {"0.0.0.0/0", "[2001:db8::1]:53", false}, {"[::/0]", "8.8.8.8:53", false},
        {"any", "8.8.8.8:53", true}, {"any:443", "[2001:db8::1]:443", true}, {"any:443", "[2001:db8::1]:80", false},
        {"[::1]:80", "[::1]:80", true}, {"[fd00::/8]", "[fd12::3]:1", true}, {"[fd00::/8]:2", "[fd12::3]:1", false},
        {"10.0.0.1", "[::ffff:10.0.0.1]:80", true}, {"10.0.0.1", "[64:ff9b::10.0.0.1]:80", true},
        {"[::ffff:10.0.0.0/104]", "10.1.2.3:1", true}, {"[::ffff:10.0.0.0/104]", "11.1.2.3:1", false},
        {"loopback", "127.9.9.9:1", true}, {"loopback", "[::1]:1", true}, {"loopback", "0.0.0.0:1", true}, {"loopback", "[::]:1", true},
        {"0.0.0.0", "127.0.0.1:1", true}, {"0.0.0.0", "0.0.0.0:1", true}, {"loopback", "128.0.0.1:1", false},
        {"loopback", "[::ffff:127.0.0.1]:1", true}, {"loopback", "[::ffff:0.0.0.0]:1", true},
        {"link-local", "169.254.3.4:1", true}, {"link-local", "[fe80::1]:1", true}, {"link-local", "[fec0::1]:1", false},
        {"private", "10.1.1.1:1", true}, {"private", "172.31.0.1:1", true}, {"private", "172.32.0.1:1", false}, {"private", "192.168.1.1:1", true},
        {"private", "100.64.0.1:1", true}, {"private", "100.128.0.1:1", false}, {"private", "[fc00::1]:1", true}, {"private", "127.0.0.1:1", false},
        {"private", "[::ffff:192.168.1.1]:1", true}, {"private", "[64:ff9b::192.168.1.1]:1", true}, {"private:5432", "10.0.0.1:80", false},
        {"multicast", "224.0.0.1:1", true}, {"multicast", "[ff02::1]:1", true}, {"multicast", "240.0.0.1:1", false},
        {"metadata", "169.254.169.254:80", true}, {"metadata", "[fd00:ec2::254]:80", true}, {"metadata", "169.254.169.253:80", false},
        {"tcp:any:443", "1.1.1.1:443", true}, {"udp:any:443", "1.1.1.1:443", false}, {"tcp:10.0.0.1", "10.0.0.1:1", true},
        {"unix:**", "1.1.1.1:443", false}, {"own", "127.0.0.1:1", false}, {"example.com", "1.1.1.1:443", false},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct address_pattern *p = address_of(t[i].pattern);
        struct need n = ip_need(VERB_CONNECT, t[i].address);
        cr_expect_eq(address_pattern_match(p, &n.target), t[i].yes, "%s on %s", t[i].pattern, t[i].address);
        address_pattern_free(p);
    }
}

Test(pattern, unix_addresses)
{
    struct target path = unix_need(VERB_CONNECT, "/run/user/1/bus").target;
    struct target abstract = {.kind = TARGET_ADDRESS, .addr = {.kind = ADDRESS_ABSTRACT, .name = (char *)"a\0b", .name_len = 3}};
    static const struct { const char *pattern; bool path, abstract; } t[] = {
        {"unix:/run/user/*/bus", true, false}, {"unix:/run/**", true, false}, {"unix:**", true, true}, {"unix:/**", true, true},
        {"unix:@*", false, true}, {"unix:@a?b", false, true}, {"unix:@a", false, false}, {"any", false, false}, {"own", false, false},
        {"unix:**/bus", true, false},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct address_pattern *p = address_of(t[i].pattern);
        cr_expect_eq(address_pattern_match(p, &path), t[i].path, "%s", t[i].pattern);
        cr_expect_eq(address_pattern_match(p, &abstract), t[i].abstract, "%s", t[i].pattern);
        address_pattern_free(p);
    }
    struct address_pattern *own = address_of("own"), *port = address_of("own:80");
    path.own = true;
    cr_expect(address_pattern_match(own, &path));
    cr_expect_not(address_pattern_match(port, &path));
    address_pattern_free(own);
    address_pattern_free(port);
}

Test(pattern, names_match_what_was_seen)
{
    static const struct { const char *pattern, *name; bool yes; } t[] = {
        {"example.com", "example.com", true}, {"Example.COM.", "eXample.com", true}, {"example.com", "example.com.", true},
        {"*.example.com", "example.com", false}, {"*.example.com", "a.b.example.com", true}, {"*.example.com", "badexample.com", false},
        {"example.com:443", "example.com", true}, {"example.com:80", "example.com", false}, {"any:443", "example.com", true},
        {"private", "example.com", false},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct address_pattern *p = address_of(t[i].pattern);
        struct target seen = ip_need(VERB_CONNECT, "93.184.216.34:443").target;
        struct target only = {.kind = TARGET_ADDRESS, .addr = {.port = 443}, .name = (char *)t[i].name};
        seen.name = (char *)t[i].name;
        cr_expect_eq(address_pattern_match(p, &seen), t[i].yes, "%s on %s", t[i].pattern, t[i].name);
        cr_expect_eq(address_pattern_match(p, &only), t[i].yes, "%s on %s alone", t[i].pattern, t[i].name);
        address_pattern_free(p);
    }
    struct address_pattern *word = address_of("private"), *host = address_of("private.example"), *below = address_of("*.io");
    cr_expect_not(address_pattern_is_name(word)); /* the words win over hosts of that name */
    cr_expect(address_pattern_is_name(host));
    cr_expect(address_pattern_is_name(below));
    address_pattern_free(word);
    address_pattern_free(host);
    address_pattern_free(below);
}

Test(pattern, address_mistakes)
{
    static const struct { const char *text; size_t column; const char *says; } t[] = {
        {"::1", 0, "[::1]"}, {"fd00::/8", 0, "[fd00::/8]"}, {"tcp:fe80::1", 4, "brackets"}, {"[::1", 0, "]"}, {"[::1]x", 5, "`x`"},
        {"[::1]/64", 5, "inside"}, {"10.0.0.1:http", 9, "port"}, {"any:99999", 4, "port"}, {"any:9-1", 4, "empty"}, {"any:", 4, "port"},
        {"10.0.0/8", 0, "IPv4"}, {"10.0.0.1/33", 9, "prefix"}, {"300.1.1.1", 0, "IPv4"}, {"", 0, "missing"}, {"tcp:", 4, "missing"},
        {"a b", 0, "neither"}, {"a.*.b", 0, "in front"}, {"*", 0, "any"}, {"unix:x", 5, "starts with"}, {"unix:@", 5, "@name"},
        {"tcp:unix:/x", 0, "takes no"}, {"unix:/a/b**", 9, "whole component"}, {"[1.2.3.4]", 1, "IPv6"}, {"[fe80::1%eth0]", 8, "number"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        size_t column = 98;
        struct err err = {0};
        cr_expect_null(address_pattern_new(t[i].text, &column, &err), "%s", t[i].text);
        cr_expect_eq(column, t[i].column, "%s: column %zu", t[i].text, column);
        cr_expect(strstr(err.text, t[i].says), "%s: %s", t[i].text, err.text);
    }
}

Test(pattern, addresses_cover)
{
    static const struct { const char *a, *b; bool yes; } t[] = {
        {"any", "10.0.0.1:80", true}, {"any:443", "10.0.0.1:80", false}, {"any", "unix:**", false}, {"any", "own", false},
        {"any", "example.com:443", true}, {"private", "10.0.0.0/9", true}, {"private", "10.0.0.0/7", false}, {"10.0.0.0/8", "private", false},
        {"loopback", "127.0.0.1", true}, {"tcp:any", "any", false}, {"any", "udp:any:53", true}, {"*.a.io", "b.a.io", true},
        {"*.a.io", "a.io", false}, {"*.a.io", "*.b.a.io", true}, {"unix:/a/**", "unix:/a/b", true}, {"unix:**", "unix:@x", true},
        {"unix:@*", "unix:@x", true}, {"any:1-10", "any:2-3", true}, {"127.0.0.1", "0.0.0.0", false}, {"0.0.0.0/0", "0.0.0.0", true},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct address_pattern *a = address_of(t[i].a), *b = address_of(t[i].b);
        cr_expect_eq(address_pattern_covers(a, b), t[i].yes, "%s over %s", t[i].a, t[i].b);
        address_pattern_free(a);
        address_pattern_free(b);
    }
}
