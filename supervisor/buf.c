#include "buf.h"
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *must(void *p)
{
    if (!p) {
        static const char text[] = "sentinel-watch: out of memory\n"; /* log_warn would need some */
        if (write(log_fd(), text, sizeof text - 1) < 0)
            fwrite(text, 1, sizeof text - 1, stderr);
        abort();
    }
    return p;
}

void *xmalloc(size_t n)
{
    return must(malloc(n ? n : 1));
}

void *xcalloc(size_t n, size_t size)
{
    return must(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t n)
{
    return must(realloc(p, n ? n : 1));
}

char *xstrdup(const char *s)
{
    return must(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
    return must(strndup(s, n));
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;
    char *s;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return must(n < 0 ? NULL : s);
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

void buf_cleanup(struct buf *b)
{
    buf_free(b);
}

void str_cleanup(char **s)
{
    free(*s);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = 0;
}

void buf_grow(struct buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->len <= n)
        cap *= 2;
    b->data = xrealloc(b->data, cap);
    b->cap = cap;
}

static void room(struct buf *b, size_t n)
{
    if (b->cap - b->len <= n)
        buf_grow(b, n);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n > 0) {
        room(b, (size_t)n);
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

char *buf_steal(struct buf *b)
{
    char *s = b->data ? b->data : xstrdup("");
    *b = (struct buf){0};
    return s;
}

/* Length of the valid UTF-8 sequence at p (at most n bytes), 0 when there is none. Overlong forms, surrogates and
 * numbers above 10FFFF are not valid (RFC 3629). */
static size_t utf8_len(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 0;
    if (!len || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

static bool plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '\\' && c != '"';
}

/* Eight bytes at once: is one of them not plain? (Bit tricks: a byte below 0x20, a quote, a backslash, 0x7f and above.) */
static bool eight_plain(const unsigned char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    uint64_t v;
    memcpy(&v, p, sizeof v);
    uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';
    uint64_t low = v - ones * 0x20, zero = (quote - ones) | (slash - ones), above = v + ones;
    return !((v | low | zero | above) & high);
}

static size_t plain_run(const unsigned char *p, size_t n)
{
    size_t run = 0;
    while (n - run >= 8 && eight_plain(p + run))
        run += 8;
    while (run < n && plain(p[run]))
        run++;
    return run;
}

/* Characters that make a terminal show other characters in another order, or nothing: a name with them would look like
 * another one. U+061C, U+200B to 200F, U+2028 to 202E, U+2060 to 206F, U+FEFF. (The interfaces know far more of them.) */
static bool turns_text(const unsigned char *p, size_t len)
{
    if (len == 2)
        return p[0] == 0xd8 && p[1] == 0x9c;
    if (len != 3)
        return false;
    if (p[0] == 0xe2 && p[1] == 0x80)
        return (p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae);
    return (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf) || (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf);
}

/* json: write for the inside of a JSON string, so that the backslash of an escape is doubled and quotes get one. */
static void escape(struct buf *b, const void *src, size_t n, bool json)
{
    const unsigned char *p = src;
    const char *bs = json ? "\\\\" : "\\";
    for (size_t i = 0; i < n;) {
        size_t run = plain_run(p + i, n - i);
        if (run) {
            buf_put(b, p + i, run);
            i += run;
            continue;
        }
        size_t len = utf8_len(p + i, n - i);
        /* C1 controls are the two-byte sequences c2 80 .. c2 9f: controls to a terminal, so escaped byte by byte. */
        bool hidden = (len == 2 && p[i] == 0xc2 && p[i + 1] < 0xa0) || (!json && turns_text(p + i, len));
        if (p[i] == '\\')
            buf_printf(b, "%s%s", bs, bs);
        else if (p[i] == '"')
            buf_puts(b, json ? "\\\"" : "\"");
        else if (len > 1 && !hidden)
            buf_put(b, p + i, len);
        else
            buf_printf(b, "%sx%02x", bs, p[i]);
        i += len > 1 && !hidden ? len : 1;
    }
}

void buf_escape(struct buf *b, const void *p, size_t n)
{
    escape(b, p, n, false);
    if (!b->data)
        buf_put(b, "", 0);
}

void buf_shell(struct buf *b, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,.@%/";
    if (*word && !word[strspn(word, plain)]) {
        buf_puts(b, word);
        return;
    }
    buf_putc(b, '\'');
    for (; *word; word++)
        if (*word == '\'')
            buf_puts(b, "'\\''");
        else
            buf_putc(b, *word);
    buf_putc(b, '\'');
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int buf_unescape(struct buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] != '\\') {
            buf_putc(b, s[i]);
        } else if (i + 1 < n && s[i + 1] == '\\') {
            buf_putc(b, '\\');
            i++;
        } else if (i + 3 < n && s[i + 1] == 'x' && hex(s[i + 2]) >= 0 && hex(s[i + 3]) >= 0) {
            buf_putc(b, (char)(hex(s[i + 2]) * 16 + hex(s[i + 3])));
            i += 3;
        } else {
            return -1;
        }
    }
    if (!b->data)
        buf_put(b, "", 0);
    return 0;
}

void json_bytes(struct buf *b, const void *p, size_t n)
{
    buf_putc(b, '"');
    escape(b, p, n, true);
    buf_putc(b, '"');
}

void json_str(struct buf *b, const char *s)
{
    if (s)
        json_bytes(b, s, strlen(s));
    else
        buf_puts(b, "null");
}

void json_key(struct buf *b, const char *key)
{
    if (b->len && b->data[b->len - 1] != '{' && b->data[b->len - 1] != '[')
        buf_putc(b, ',');
    buf_printf(b, "\"%s\":", key);
}
