#include "duration.h"

#include <string.h>

static const struct { char letter; int64_t ms; } units[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}};
static const int64_t most = (int64_t)3660 * 86400000;

int duration_parse(const char *text, int64_t *ret_ms)
{
    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return 0;
    }
    int64_t total = 0;
    size_t unit = 0;
    if (!*text)
        return -1;
    while (*text) {
        int64_t n = 0;
        const char *start = text;
        for (; *text >= '0' && *text <= '9'; text++) {
            n = n * 10 + (*text - '0');
            if (n > most)
                return -1;
        }
        if (text == start || !*text)
            return -1;
        while (unit < 4 && units[unit].letter != *text)
            unit++;
        if (unit == 4 || n > most / units[unit].ms)
            return -1;
        total += n * units[unit++].ms;
        text++;
    }
    if (total > most)
        return -1;
    *ret_ms = total;
    return 0;
}
