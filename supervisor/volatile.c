#include "volatile.h"

#include <ctype.h>
#include <string.h>

enum class { LOWER, UPPER, DIGIT };

static enum class class_of(char c)
{
    return isdigit((unsigned char)c) ? DIGIT : isupper((unsigned char)c) ? UPPER : LOWER;
}

static bool random_looking(const char *s, size_t n)
{
    size_t changes = 0, digits = 0, hex = 0;
    for (size_t i = 0; i < n; i++) {
        digits += class_of(s[i]) == DIGIT;
        hex += isxdigit((unsigned char)s[i]) != 0;
        changes += i && class_of(s[i]) != class_of(s[i - 1]);
    }
    if (digits == n)
        return n >= 3; /* a process number, a time; v1 or x86_64 are names */
    if (hex == n && digits && n >= 8)
        return true; /* a hash, a piece of a uuid */
    return n >= 6 && changes >= 3 && digits != 0; /* XXXXXX of mkstemp: letters of both cases and digits, mixed */
}

/* Python's tempfile: "tmp" and eight of [a-z0-9_]. */
static size_t stem(const char *s, size_t n)
{
    return n > 8 && strncmp(s, "tmp", 3) == 0 && memchr(s, '.', n) == NULL ? 3 : 0;
}

bool volatile_glob(struct buf *b, const char *name, size_t n, void (*put)(struct buf *b, const char *s, size_t n))
{
    bool any = false;
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && isalnum((unsigned char)name[end]))
            end++;
        size_t len = end - i, keep = stem(name + i, len);
        if (len && random_looking(name + i, len)) {
            put(b, name + i, keep);
            buf_putc(b, '*');
            any = true;
        } else if (len) {
            put(b, name + i, len);
        }
        if (end < n)
            put(b, name + end, 1);
        i = end + 1;
    }
    return any;
}
