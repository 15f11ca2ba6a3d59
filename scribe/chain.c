#include "chain.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

const struct chain chain_start = {0, "0000000000000000000000000000000000000000000000000000000000000000"};

#define PREV ",\"prev\":\""
#define SIG ",\"sig\":\""
#define HASH ",\"hash\":\""
#define LEN(s) (sizeof(s) - 1)
#define TIME LEN("\"ts\":\"2026-01-01T00:00:00.000000000Z\"")

int chain_hash(const char *bytes, size_t n, char ret[HASH_TEXT + 1])
{
    static EVP_MD *md; /* fetched once: the fetch costs more than the hash of a line */
    static EVP_MD_CTX *ctx;
    unsigned char raw[32];
    if (!md)
        md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!ctx)
        ctx = EVP_MD_CTX_new();
    if (!md || !ctx || EVP_DigestInit_ex2(ctx, md, NULL) != 1 || EVP_DigestUpdate(ctx, bytes, n) != 1 ||
        EVP_DigestFinal_ex(ctx, raw, NULL) != 1)
        return -1;
    for (int i = 0; i < 32; i++) {
        ret[2 * i] = "0123456789abcdef"[raw[i] >> 4];
        ret[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
    }
    ret[HASH_TEXT] = 0;
    return 0;
}

int chain_put(struct chain *c, const char *fields, size_t n, const struct key *key, struct buf *out)
{
    size_t start = out->len;
    buf_printf(out, "{\"seq\":%llu,", (unsigned long long)c->lines + 1);
    buf_put(out, fields, n);
    buf_put(out, PREV, LEN(PREV));
    buf_put(out, c->hash, HASH_TEXT);
    buf_putc(out, '"');
    if (key) {
        char sig[SIGNATURE_TEXT + 1];
        if (key_sign(key, out->data + start, out->len - start, sig) < 0)
            return -1;
        buf_put(out, SIG, LEN(SIG));
        buf_put(out, sig, SIGNATURE_TEXT);
        buf_putc(out, '"');
    }
    if (chain_hash(out->data + start, out->len - start, c->hash) < 0)
        return -1;
    buf_put(out, HASH, LEN(HASH));
    buf_put(out, c->hash, HASH_TEXT);
    buf_puts(out, "\"}\n");
    c->lines++;
    return 0;
}

/* ---- checking */

struct line {
    uint64_t seq;
    const char *event; /* points into the line, not terminated; NULL: a call */
    const char *prev, *sig, *hash;
    size_t signed_len, hashed_len;
};

static bool is_hex(const char *s, size_t n)
{
    return strspn(s, "0123456789abcdef") >= n;
}

/* s ends with TAG and `len` bytes and a quote before position end: where the bytes begin, and end moves before TAG. */
static const char *tail(const char *s, size_t *end, const char *tag, size_t len)
{
    size_t all = strlen(tag) + len + 1;
    if (*end < all || memcmp(s + *end - all, tag, strlen(tag)) != 0 || s[*end - 1] != '"')
        return NULL;
    *end -= all;
    return s + *end + strlen(tag);
}

/* n without the newline; s is NUL-terminated after it. */
static bool line_split(const char *s, size_t n, struct line *l)
{
    if (memchr(s, 0, n) || strncmp(s, "{\"seq\":", 7) != 0 || n < 2 || s[n - 1] != '}')
        return false;
    char *p;
    l->seq = strtoull(s + 7, &p, 10);
    if (*p != ',' || s[7] < '1' || s[7] > '9')
        return false;
    p++;
    l->event = NULL;
    if ((size_t)(s + n - p) > TIME + 10 && !strncmp(p + TIME, ",\"event\":\"", 10))
        l->event = p + TIME + 10;
    size_t end = n - 1;
    l->hash = tail(s, &end, HASH, HASH_TEXT);
    l->hashed_len = end;
    size_t before = end;
    l->sig = tail(s, &end, SIG, SIGNATURE_TEXT);
    if (l->sig && memchr(l->sig, '"', SIGNATURE_TEXT)) { /* the end of a field of that name, and what we put behind it */
        l->sig = NULL;
        end = before;
    }
    l->signed_len = end;
    l->prev = tail(s, &end, PREV, HASH_TEXT);
    return l->hash && l->prev && is_hex(l->hash, HASH_TEXT) && is_hex(l->prev, HASH_TEXT);
}

static bool event_is(const struct line *l, const char *name)
{
    return l->event && !strncmp(l->event, name, strlen(name)) && l->event[strlen(name)] == '"';
}

/* Is a line with this seq further down? Its number, or 0. */
static uint64_t find_seq(FILE *f, uint64_t number, uint64_t seq)
{
    char *s = NULL;
    size_t cap = 0;
    ssize_t n;
    uint64_t found = 0;
    while (!found && (n = getline(&s, &cap, f)) > 0) {
        struct line l;
        number++;
        if (s[n - 1] == '\n')
            s[--n] = 0;
        if (line_split(s, (size_t)n, &l) && l.seq == seq)
            found = number;
    }
    free(s);
    return found;
}

#define U(v) ((unsigned long long)(v))

static void out_of_order(FILE *f, uint64_t number, uint64_t seq, uint64_t expected, struct chain_report *r)
{
    r->state = CHAIN_CHANGED;
    if (seq < expected) {
        snprintf(r->text, sizeof r->text, "reordered: line %llu is seq %llu, where seq %llu belongs", U(number), U(seq),
                 U(expected));
        return;
    }
    uint64_t at = find_seq(f, number, expected);
    if (at)
        snprintf(r->text, sizeof r->text, "reordered: seq %llu stands in line %llu, after seq %llu in line %llu",
                 U(expected), U(at), U(seq), U(number));
    else if (seq == expected + 1)
        snprintf(r->text, sizeof r->text, "removed: seq %llu is missing before line %llu", U(expected), U(number));
    else
        snprintf(r->text, sizeof r->text, "removed: seq %llu to %llu are missing before line %llu", U(expected),
                 U(seq - 1), U(number));
}

static void check_line(FILE *f, char *s, size_t n, uint64_t number, const struct key *key, struct chain_report *r,
                       bool *ended)
{
    struct line l;
    char hash[HASH_TEXT + 1];
    if (!line_split(s, n, &l)) {
        r->state = CHAIN_CHANGED;
        snprintf(r->text, sizeof r->text,
                 number == 1 ? "line 1 is not a line of sentinel-watch's audit log"
                             : "changed: line %llu is not a line of sentinel-watch's audit log",
                 U(number));
        return;
    }
    if (chain_hash(s, l.hashed_len, hash) < 0 || memcmp(hash, l.hash, HASH_TEXT) != 0) {
        r->state = CHAIN_CHANGED;
        snprintf(r->text, sizeof r->text,
                 "changed: line %llu (it calls itself seq %llu) does not have the hash that it carries", U(number),
                 U(l.seq));
        return;
    }
    if (l.seq != r->end.lines + 1) {
        out_of_order(f, number, l.seq, r->end.lines + 1, r);
        return;
    }
    if (memcmp(l.prev, r->end.hash, HASH_TEXT) != 0) {
        r->state = CHAIN_CHANGED;
        snprintf(r->text, sizeof r->text, "changed: line %llu (seq %llu) follows another line than the one before it",
                 U(number), U(l.seq));
        return;
    }
    *ended = event_is(&l, "end");
    bool due = event_is(&l, "start") || event_is(&l, "checkpoint") || *ended;
    if (key && (due || l.sig) && !(l.sig && key_verify(key, s, l.signed_len, l.sig, SIGNATURE_TEXT))) {
        r->state = CHAIN_SIGNATURE;
        snprintf(r->text, sizeof r->text,
                 l.sig ? "bad signature: line %llu (seq %llu) was not signed with this key"
                       : "not signed: line %llu (seq %llu) has no signature, and it should",
                 U(number), U(l.seq));
        return;
    }
    r->sessions += event_is(&l, "start");
    r->signatures += l.sig != NULL;
    r->end.lines = l.seq;
    memcpy(r->end.hash, l.hash, HASH_TEXT);
}

void chain_check(FILE *f, const struct key *key, struct chain_report *ret)
{
    *ret = (struct chain_report){.end = chain_start, .empty = true};
    char *s = NULL;
    size_t cap = 0;
    ssize_t n;
    uint64_t number = 0;
    bool ended = false;
    while (ret->state == CHAIN_WHOLE && (n = getline(&s, &cap, f)) > 0) {
        ret->empty = false;
        number++;
        if (s[n - 1] != '\n') {
            ret->state = CHAIN_CUT;
            snprintf(ret->text, sizeof ret->text, "cut short: line %llu is not complete", U(number));
            break;
        }
        s[--n] = 0;
        check_line(f, s, (size_t)n, number, key, ret, &ended);
    }
    free(s);
    if (ret->state != CHAIN_WHOLE || ended)
        return;
    ret->state = CHAIN_CUT;
    if (ret->empty)
        snprintf(ret->text, sizeof ret->text, "cut short: the file is empty");
    else
        snprintf(ret->text, sizeof ret->text, "cut short: after line %llu the last line of its session is missing",
                 U(number));
}
