#include "plain.h"

#include <string.h>
#include <wchar.h>

/* Of valid UTF-8: the bytes of the character at s, its number in *c; 0 for a byte that starts none. */
static size_t decode(const char *s, uint32_t *c)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 0;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t v = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    if (!n || v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 0;
    *c = v;
    return n;
}

/* wcwidth gives some of these a width. */
static bool deceives(uint32_t c)
{
    static const struct { uint32_t from, to; } t[] = {
        {0x7f, 0xa0},       /* DEL, C1, the no-break space */
        {0xad, 0xad},       /* soft hyphen */
        {0x300, 0x36f},     /* combining marks */
        {0x61c, 0x61c},     /* Arabic letter mark */
        {0x115f, 0x1160},   /* Hangul fillers */
        {0x1680, 0x1680},   /* Ogham space */
        {0x17b4, 0x17b5},   /* Khmer inherent vowels */
        {0x180b, 0x180f},   /* Mongolian selectors */
        {0x2000, 0x200f},   /* blanks, zero width, direction marks */
        {0x2028, 0x202f},   /* separators, embeddings, overrides */
        {0x205f, 0x206f},   /* blanks, invisible operators, isolates */
        {0x2800, 0x2800},   /* the empty Braille pattern */
        {0x3000, 0x3000},   /* ideographic space */
        {0x3164, 0x3164},   /* Hangul filler */
        {0xe000, 0xf8ff},   /* private use */
        {0xfe00, 0xfe0f},   /* variation selectors */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xffa0, 0xffa0},   /* half-width Hangul filler */
        {0xfff0, 0xffff},   /* specials */
        {0x1d173, 0x1d17a}, /* invisible musical marks */
        {0xe0000, 0x10ffff} /* tags, selectors, private use */
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
        if (c >= t[i].from && c <= t[i].to)
            return true;
    return false;
}

static size_t put_one(struct buf *b, const char *s)
{
    uint32_t c;
    size_t n = decode(s, &c);
    if (!n) {
        buf_printf(b, "\\x%02x", (unsigned char)*s);
        return 1;
    }
    if (c < 0x20 || c == 0x7f)
        buf_printf(b, "\\x%02x", c);
    else if (c >= 0x80 && (deceives(c) || wcwidth((wchar_t)c) <= 0))
        buf_printf(b, "\\u{%04x}", c);
    else
        buf_put(b, s, n);
    return n;
}

void plain_put(struct buf *b, const char *text)
{
    buf_put(b, "", 0);
    while (*text)
        text += put_one(b, text);
}

static size_t char_columns(const char *s, size_t *bytes)
{
    uint32_t c = 0;
    *bytes = decode(s, &c);
    if (!*bytes)
        *bytes = 1;
    int w = c < 0x80 ? 1 : wcwidth((wchar_t)c);
    return w > 0 ? (size_t)w : 1;
}

size_t plain_columns(const char *safe)
{
    size_t n = 0, bytes;
    for (; *safe; safe += bytes)
        n += char_columns(safe, &bytes);
    return n;
}

/* An escape is never cut: half of `\x1b` reads as something else. The length of the unit at s. */
static size_t unit(const char *s, size_t *columns)
{
    size_t bytes;
    if (*s != '\\') {
        *columns = char_columns(s, &bytes);
        return bytes;
    }
    if (s[1] == '\\')
        bytes = 2;
    else if (s[1] == 'x' && s[2] && s[3])
        bytes = 4;
    else if (s[1] == 'u' && strchr(s, '}'))
        bytes = (size_t)(strchr(s, '}') - s) + 1;
    else
        bytes = 1;
    *columns = bytes;
    return bytes;
}

size_t plain_fit(const char *safe, size_t columns)
{
    size_t n = 0, used = 0, w;
    while (safe[n] && safe[n] != '\n') {
        size_t bytes = unit(safe + n, &w);
        if (n && used + w > columns)
            break;
        n += bytes;
        used += w;
    }
    return n;
}

void plain_elide(struct buf *b, const char *text, size_t columns)
{
    BUF_AUTO all = {0};
    plain_put(&all, text);
    if (columns < 24)
        columns = 24;
    size_t total = plain_columns(all.data);
    if (total <= columns) {
        buf_put(b, all.data, all.len);
        return;
    }
    BUF_AUTO middle = {0};
    buf_printf(&middle, "[... %zu characters ...]", total);
    size_t room = columns > middle.len ? columns - middle.len : 0, head = room / 2, tail = room - head, used = 0, w;
    const char *s = all.data;
    for (size_t n; *s; s += n, used += w) {
        n = unit(s, &w);
        if (used + w > head)
            break;
    }
    buf_put(b, all.data, (size_t)(s - all.data));
    buf_put(b, middle.data, middle.len);
    /* From the front, so that escapes stay whole: skip until what is left fits. */
    size_t left = total - used;
    for (size_t n; *s && left > tail; s += n, left -= w)
        n = unit(s, &w);
    buf_puts(b, s);
}
