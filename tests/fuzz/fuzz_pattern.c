/* A pattern, a newline, a path or address: reading must neither crash nor lose track, matching must stay inside its bytes, and what a
 * pattern without wildcards matches is itself. */
#include "pattern.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void path(const char *text, const char *subject)
{
    size_t column = SIZE_MAX;
    struct err err = {0};
    struct path_pattern *p = path_pattern_new(text, &column, &err);
    if (!p) {
        if (!err.text[0] || column > strlen(text))
            abort();
        return;
    }
    bool yes = path_pattern_match(p, subject);
    const char *literal = path_pattern_literal(p);
    if (literal[0] && literal[0] != '/')
        abort();
    if ((path_pattern_is_tree(p) || path_pattern_is_exact(p)) && !path_pattern_match(p, literal))
        abort();
    if (yes && literal[0] && !path_within(subject, literal) && strcmp(subject, literal))
        abort();
    if (!path_pattern_covers(p, p))
        abort();
    path_pattern_set_literal(p, "/somewhere/else");
    path_pattern_match(p, subject);
    path_pattern_free(p);
}

static void address(const char *text, const char *subject, const uint8_t *ip, size_t n)
{
    size_t column = SIZE_MAX;
    struct err err = {0};
    struct address_pattern *p = address_pattern_new(text, &column, &err);
    if (!p) {
        if (!err.text[0] || column > strlen(text))
            abort();
        return;
    }
    if (!address_pattern_covers(p, p))
        abort();
    struct target t = {.kind = TARGET_ADDRESS, .name = (char *)subject, .path = (char *)subject};
    memcpy(t.addr.ip, ip, n < 16 ? n : 16);
    for (int kind = ADDRESS_NONE; kind <= ADDRESS_OTHER; kind++) {
        t.addr.kind = (enum address_kind)kind;
        address_pattern_match(p, &t);
        address_pattern_match_wildcard(p, &t, kind & 1);
    }
    address_pattern_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = xmalloc(n + 1); /* an exact copy: one byte too far is seen */
    memcpy(text, data, n);
    text[n] = 0;
    char *nl = memchr(text, '\n', n);
    char *subject = xstrdup(nl ? nl + 1 : "");
    if (nl)
        *nl = 0;
    path(text, subject);
    address(text, subject, data, n);
    glob_match(text, subject);
    free(subject);
    free(text);
    return 0;
}
