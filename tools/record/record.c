#include "record.h"

#include <stdlib.h>
#include <string.h>

const char *record_text(const json_t *object, const char *field)
{
    return json_string_value(json_object_get(object, field));
}

bool record_bytes(const json_t *object, const char *field, struct buf *b)
{
    const json_t *v = json_object_get(object, field);
    return json_is_string(v) && buf_unescape(b, json_string_value(v), json_string_length(v)) == 0;
}

static void fields(struct record *r)
{
    r->ts = record_text(r->json, "ts");
    r->event = record_text(r->json, "event");
    r->session = record_text(r->json, "session");
    r->mode = record_text(r->json, "mode");
    r->exe = record_text(r->json, "exe");
    r->syscall = record_text(r->json, "syscall");
    r->verb = record_text(r->json, "verb");
    r->decision = record_text(r->json, "decision");
    r->would = record_text(r->json, "would");
    r->rule = record_text(r->json, "rule");
    r->rule_at = record_text(r->json, "rule_at");
    r->decided_by = record_text(r->json, "decided_by");
    r->target = json_object_get(r->json, "target");
    if (!json_is_object(r->target))
        r->target = NULL;
}

int record_read(struct record_reader *r, struct record *ret)
{
    long at;
    ssize_t n;
    while (at = ftell(r->file), (n = getline(&r->line, &r->cap, r->file)) > 0) {
        if (r->line[n - 1] != '\n') {
            fseek(r->file, at, SEEK_SET);
            return 0;
        }
        r->lines++;
        r->line[--n] = 0;
        json_t *json = json_loadb(r->line, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(json)) {
            json_decref(json);
            r->strange++;
            continue;
        }
        *ret = (struct record){.json = json, .line = r->line, .len = (size_t)n};
        fields(ret);
        return 1;
    }
    clearerr(r->file); /* a log that grows is read on from here */
    return 0;
}

void record_free(struct record *r)
{
    json_decref(r->json);
    r->json = NULL;
}

void record_reader_end(struct record_reader *r)
{
    free(r->line);
    if (r->file)
        fclose(r->file);
    *r = (struct record_reader){0};
}

void record_target(const json_t *target, struct buf *b)
{
    const char *path = record_text(target, "path"), *addr = record_text(target, "addr"),
               *raw = record_text(target, "raw");
    if (path) {
        buf_puts(b, path);
    } else if (addr) {
        const json_t *port = json_object_get(target, "port");
        bool v6 = strncmp(addr, "unix:", 5) != 0 && strchr(addr, ':');
        buf_printf(b, v6 ? "[%s]" : "%s", addr);
        if (json_is_integer(port))
            buf_printf(b, ":%d", (int)json_integer_value(port));
    } else if (json_is_true(json_object_get(target, "anonymous"))) {
        buf_puts(b, "anonymous");
    } else {
        buf_puts(b, raw ? raw : "?");
    }
}

const char *record_effect(const struct record *r)
{
    static const char *const asked[] = {"user", "answer", "timeout", "unattended"};
    if (r->would)
        return r->would;
    for (size_t i = 0; r->decided_by && i < sizeof asked / sizeof *asked; i++)
        if (!strcmp(r->decided_by, asked[i]))
            return "ask";
    return r->decision ? r->decision : "";
}
