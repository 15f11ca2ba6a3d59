/* chain - how lines hang together, written and checked in one place.
 *
 *   {"seq":N, FIELDS ,"prev":"HASH OF THE LINE BEFORE" [,"sig":"BASE64"] ,"hash":"SHA-256 OF ALL BYTES BEFORE ,"hash""}
 *
 * seq counts from 1, so it is the line's number. FIELDS begin with "ts", and in a line that is not a call "event" comes
 * right after it: the checker reads both by their place and never by searching, because what follows may hold any text.
 */
#ifndef SCRIBE_CHAIN_H
#define SCRIBE_CHAIN_H

#include "buf.h"
#include "sign.h"
#include <stdio.h>

#define HASH_TEXT 64

struct chain {
    uint64_t lines;           /* seq of the last one */
    char hash[HASH_TEXT + 1]; /* of the last line; 64 zeros before the first */
};

extern const struct chain chain_start;

/* SHA-256 as text. 0, or -1: libcrypto refuses. */
int chain_hash(const char *bytes, size_t n, char ret[HASH_TEXT + 1]);

/* Appends the whole line, newline included, and moves the chain on. key: NULL, or sign this line. */
int chain_put(struct chain *c, const char *fields, size_t n, const struct key *key, struct buf *out);

enum chain_state { /* exit statuses of audit verify */
                   CHAIN_WHOLE = 0,
                   CHAIN_CHANGED = 1, /* changed, removed, reordered */
                   CHAIN_CUT = 3,
                   CHAIN_SIGNATURE = 4,
};

struct chain_report {
    enum chain_state state;
    struct chain end; /* where a continuing writer goes on */
    uint64_t sessions, signatures;
    bool empty;
    char text[512]; /* which line, and what is wrong with it */
};

/* Reads from the current position to the end. key: NULL, or what every first and last line must be signed with. */
void chain_check(FILE *f, const struct key *key, struct chain_report *ret);

#endif
