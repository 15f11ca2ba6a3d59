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

static size_t run_of(const char *s, size_t n, bool underscore)
{
    size_t i = 0;
    while (i < n && (isalnum((unsigned char)s[i]) || (underscore && s[i] == '_')))
        i++;
    return i;
}

/* What gcc puts behind its ccXXXXXX, of which one in two hundred looks like a word. */
static bool gcc_ending(const char *s, size_t n)
{
    static const char *const endings[] = {".s", ".o", ".res", ".le", ".ld", ".cdtor.c", ".cdtor.o"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (n == strlen(endings[i]) && !memcmp(s, endings[i], n))
            return true;
    return false;
}

static bool has_digit(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (class_of(s[i]) == DIGIT)
            return true;
    return false;
}

static bool has_upper(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (class_of(s[i]) == UPPER)
            return true;
    return false;
}

/* Names that well-known programs make, whose random part may look like a word: how much of the front stays (0: none of them),
 * and how much after it is random. Python's tempfile: tmp and eight of [a-z0-9_]; mktemp: tmp. and ten; gcc: cc and six. */
static size_t known(const char *s, size_t n, size_t *random)
{
    if (n == 11 && !strncmp(s, "tmp", 3) && run_of(s + 3, 8, true) == 8 && !has_upper(s, n))
        return *random = 8, 3;
    if (n == 14 && !strncmp(s, "tmp.", 4) && run_of(s + 4, 10, false) == 10)
        return *random = 10, 4;
    if (n >= 8 && !strncmp(s, "cc", 2) && run_of(s, n, false) == 8 && (n == 8 || s[8] == '.') &&
        (has_upper(s + 2, 6) || has_digit(s + 2, 6) || gcc_ending(s + 8, n - 8)))
        return *random = 6, 2;
    return 0;
}

/* 8-4-4-4-12 hexadecimal digits, and no more after them. */
static bool is_uuid(const char *s, size_t n)
{
    for (size_t i = 0; i < 36; i++)
        if (i >= n || (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !isxdigit((unsigned char)s[i])))
            return false;
    return n == 36 || !isalnum((unsigned char)s[36]);
}

bool volatile_glob(struct buf *b, const char *name, size_t n, void (*put)(struct buf *b, const char *s, size_t n))
{
    size_t random, front = known(name, n, &random);
    bool any = front;
    if (front) {
        put(b, name, front);
        buf_putc(b, '*');
    }
    for (size_t i = front ? front + random : 0; i < n;) {
        size_t end = i;
        if (is_uuid(name + i, n - i)) {
            buf_putc(b, '*');
            any = true;
            i += 36;
            continue;
        }
        while (end < n && isalnum((unsigned char)name[end]))
            end++;
        size_t len = end - i;
        if (len && random_looking(name + i, len)) {
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
