/* pattern - floor 3: path patterns and address patterns, parsed once, matched without allocation. Pure.
 *
 * Paths (policy manual): `*` and `?` inside one component, matching a leading dot; `**` only as a whole component, for none
 * or more; `DIR/` `**` is DIR itself and all below it; `\` takes the next byte literally. Bytes, not characters. A
 * pattern is kept as a literal prefix of whole components plus the rest, so that literal trees are plain prefix tests.
 * Addresses: host, *.domain, IPv4, [IPv6], CIDR, each with :port, :lo-hi or nothing; any:443; tcp: and udp:;
 * unix:/glob, unix:@glob; own loopback link-local private multicast metadata any.
 */
#ifndef SW_PATTERN_H
#define SW_PATTERN_H

#include "err.h"
#include "request.h"

struct path_pattern;
struct address_pattern;

/* text is absolute or starts with a `**` component, variables already expanded (what they held escaped with `\`). On failure err
 * says what was found and what was expected, and *column (0-based) where. */
struct path_pattern *path_pattern_new(const char *text, size_t *column, struct err *err);
bool path_pattern_match(const struct path_pattern *p, const char *path);
const char *path_pattern_text(const struct path_pattern *p);
/* The literal whole components: "/home/u/.ssh"; "" when the first component is a glob; "/" for "/" and for the whole tree.
 * `.` and doubled slashes are gone from it; a `..` stays until the loader has resolved it. */
const char *path_pattern_literal(const struct path_pattern *p);
bool path_pattern_is_tree(const struct path_pattern *p);        /* LITERAL followed by one `**` component and nothing else */
bool path_pattern_is_exact(const struct path_pattern *p);       /* no glob at all */
void path_pattern_set_literal(struct path_pattern *p, const char *resolved); /* replaces the literal part (symlinks resolved at load) */
bool path_pattern_inside(const struct path_pattern *p, const char *folder); /* literal part is folder itself or lies below it */
bool path_within(const char *path, const char *folder);                      /* path is folder itself or lies below it */
bool path_pattern_covers(const struct path_pattern *a, const struct path_pattern *b); /* everything b matches, a matches; may say no wrongly */
void path_pattern_free(struct path_pattern *p);

struct address_pattern *address_pattern_new(const char *text, size_t *column, struct err *err);
bool address_pattern_match(const struct address_pattern *p, const struct target *t);
/* The same for a bind to every address of the machine (addr.wildcard). some: is the pattern about any of those addresses (a
 * deny of one must hold)? Otherwise: is it about all of them (allowing one is not enough)? :: takes IPv4 too. */
bool address_pattern_match_wildcard(const struct address_pattern *p, const struct target *t, bool some);
struct path_pattern *address_pattern_path(const struct address_pattern *p); /* of unix:/glob, to resolve its literal; else NULL */
const char *address_pattern_text(const struct address_pattern *p);
bool address_pattern_is_name(const struct address_pattern *p); /* a host or *.domain */
bool address_pattern_covers(const struct address_pattern *a, const struct address_pattern *b);
void address_pattern_free(struct address_pattern *p);

/* For an index of many patterns: a pattern stands under one or more keys, and whatever it matches leads to one of them. Keys are
 * hashes: equal keys of different things cost time, never correctness. */
typedef void key_fn(void *arg, uint64_t key);
struct net_lengths { uint64_t bits[2][3]; }; /* prefix lengths in use, of IPv4 and IPv6 */
uint64_t key_of(char kind, const void *bytes, size_t n);
void path_pattern_keys(const struct path_pattern *p, key_fn *fn, void *arg);
void path_keys(const char *path, key_fn *fn, void *arg);
void address_pattern_keys(const struct address_pattern *p, struct net_lengths *add, key_fn *fn, void *arg);
void address_keys(const struct target *t, const struct net_lengths *lengths, key_fn *fn, void *arg);

bool glob_match(const char *glob, const char *text); /* `*`, `?` and `\` only, no components: argv and env names */
bool glob_match_bytes(const char *glob, const char *text, size_t len); /* the same of bytes that may hold NULs (abstract names) */

#endif
