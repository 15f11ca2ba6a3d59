/* Any bytes as an audit log: verified and read without a crash; and what the scribe's writer makes of any fields verifies, until a
 * byte of it is changed or a line is lost. */
#include "chain.h"
#include "record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum chain_state check(const char *log, size_t n, struct chain_report *r)
{
    FILE *f = fmemopen((void *)(uintptr_t)log, n ? n : 1, "r");
    if (!f)
        abort();
    if (!n)
        fgetc(f);
    chain_check(f, NULL, r);
    fclose(f);
    if (r->state != CHAIN_WHOLE && !r->text[0])
        abort(); /* what is wrong is said */
    return r->state;
}

static void records(const char *log, size_t n)
{
    struct record_reader reader = {.file = fmemopen((void *)(uintptr_t)log, n ? n : 1, "r")};
    struct record r;
    uint64_t good = 0;
    while (record_read(&reader, &r)) {
        BUF_AUTO b = {0};
        good++;
        record_effect(&r);
        record_bytes(r.json, "comm", &b);
        record_target(r.target, &b);
        record_free(&r);
    }
    if (good + reader.strange != reader.lines)
        abort();
    record_reader_end(&reader);
}

/* Fields as the supervisor may send them: never a newline, which ends them there. */
static void written(const uint8_t *data, size_t n)
{
    static const char ts[] = "\"ts\":\"2026-01-01T00:00:00.000000000Z\"";
    struct chain c = chain_start;
    struct chain_report r;
    BUF_AUTO log = {0};
    size_t at = n > 2 ? 2 : n, lines = 0;
    while (at < n) {
        size_t len = 0;
        while (at + len < n && data[at + len] != '\n' && data[at + len])
            len++;
        BUF_AUTO fields = {0};
        buf_puts(&fields, ts);
        buf_putc(&fields, ',');
        buf_put(&fields, data + at, len);
        if (chain_put(&c, fields.data, fields.len, NULL, &log))
            abort();
        lines++;
        at += len + 1;
    }
    BUF_AUTO end = {0};
    buf_printf(&end, "%s,\"event\":\"end\"", ts);
    if (chain_put(&c, end.data, end.len, NULL, &log))
        abort();
    if (check(log.data, log.len, &r) != CHAIN_WHOLE || r.end.lines != lines + 1 || strcmp(r.end.hash, c.hash))
        abort();
    records(log.data, log.len);
    if (n < 2)
        return;
    size_t where = (data[0] * 256u + data[1]) % log.len;
    log.data[where] ^= 1 + (data[0] & 0x7e);
    if (check(log.data, log.len, &r) == CHAIN_WHOLE)
        abort();
    log.data[where] ^= 1 + (data[0] & 0x7e);
    if (where && check(log.data, log.len - where, &r) == CHAIN_WHOLE)
        abort(); /* cut short */
    char *nl = memchr(log.data, '\n', log.len);
    if (lines && check(nl + 1, log.len - (size_t)(nl + 1 - log.data), &r) == CHAIN_WHOLE)
        abort(); /* the first line removed */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct chain_report r;
    char *log = xmalloc(n);
    memcpy(log, data, n);
    check(log, n, &r);
    records(log, n);
    free(log);
    written(data, n);
    return 0;
}
