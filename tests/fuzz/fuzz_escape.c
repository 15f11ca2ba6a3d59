/* Hostile bytes into text and back: exact, valid for every JSON reader, and without a control byte on the way. */
#include "buf.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    BUF_AUTO text = {0}, back = {0}, json = {0}, read = {0}, any = {0}, once = {0}, twice = {0};
    char *bytes = xmalloc(n); /* an exact copy: one byte too far is seen */
    memcpy(bytes, data, n);

    buf_escape(&text, bytes, n);
    if (strlen(text.data) != text.len)
        abort();
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f || ((unsigned char)text.data[i] == 0xc2 && (unsigned char)text.data[i + 1] < 0xa0))
            abort();
    if (buf_unescape(&back, text.data, text.len) || back.len != n || memcmp(back.data, bytes, n))
        abort();

    json_key(&json, "k");
    json_bytes(&json, bytes, n);
    BUF_AUTO object = {0};
    buf_printf(&object, "{%s}", json.data);
    json_error_t e;
    json_t *j = json_loads(object.data, JSON_REJECT_DUPLICATES, &e);
    const json_t *s = json_object_get(j, "k");
    if (!s || json_string_length(s) > text.len) /* text for a terminal escapes more: direction marks and their kind */
        abort();
    if (buf_unescape(&read, json_string_value(s), json_string_length(s)) || read.len != n || memcmp(read.data, bytes, n))
        abort();
    json_decref(j);

    /* As text that somebody else wrote: refused or read, and what was read is written in one way only. */
    if (buf_unescape(&any, bytes, n) == 0) {
        if (any.len > n)
            abort();
        buf_escape(&once, any.data, any.len);
        if (buf_unescape(&twice, once.data, once.len) || twice.len != any.len || memcmp(twice.data, any.data, any.len))
            abort();
    }
    free(bytes);
    return 0;
}
