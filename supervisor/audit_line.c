#include "audit_line.h"
#include "calls.h"

#include <arpa/inet.h>
#include <string.h>

#define LIT(b, s) buf_put(b, s, sizeof(s) - 1)

static const char *const safe_names[] = {NULL, "emulated", "verified", "kernel", "hint"};

static void put_int(struct buf *b, int64_t v)
{
    char text[24], *p = text + sizeof text;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    buf_put(b, p, (size_t)(text + sizeof text - p));
}

/* A word of ours: nothing in it needs escaping. */
static void put_word(struct buf *b, const char *s)
{
    if (!s) {
        LIT(b, "null");
        return;
    }
    buf_putc(b, '"');
    buf_puts(b, s);
    buf_putc(b, '"');
}

static const char *family_name(const struct address *a)
{
    switch (a->family) {
    case AF_UNIX:
        return "unix";
    case AF_INET:
        return "inet";
    case AF_INET6:
        return "inet6";
    case AF_NETLINK:
        return "netlink";
    default:
        return "other";
    }
}

static void put_address(struct buf *b, const struct target *t)
{
    const struct address *a = &t->addr;
    char text[INET6_ADDRSTRLEN + 1] = "";
    LIT(b, ",\"family\":");
    put_word(b, family_name(a));
    LIT(b, ",\"addr\":");
    switch (a->kind) {
    case ADDRESS_INET:
    case ADDRESS_INET6:
        inet_ntop(a->kind == ADDRESS_INET ? AF_INET : AF_INET6, a->ip, text, sizeof text);
        put_word(b, text);
        LIT(b, ",\"port\":");
        put_int(b, a->port);
        if (a->scope) {
            LIT(b, ",\"scope\":");
            put_int(b, a->scope);
        }
        if (a->proto == IPPROTO_TCP || a->proto == IPPROTO_UDP) {
            LIT(b, ",\"proto\":");
            put_word(b, a->proto == IPPROTO_TCP ? "tcp" : "udp");
        }
        break;
    case ADDRESS_UNIX: {
        BUF_AUTO full = {0};
        buf_puts(&full, "unix:");
        if (t->path)
            buf_puts(&full, t->path);
        else
            buf_put(&full, a->name ? a->name : "", a->name ? a->name_len : 0);
        json_bytes(b, full.data, full.len);
        break;
    }
    case ADDRESS_ABSTRACT: {
        BUF_AUTO full = {0};
        buf_puts(&full, "unix:@");
        buf_put(&full, a->name ? a->name : "", a->name ? a->name_len : 0);
        json_bytes(b, full.data, full.len);
        break;
    }
    default:
        LIT(b, "null");
    }
    if (a->wildcard)
        LIT(b, ",\"wildcard\":true");
    if (t->own)
        LIT(b, ",\"own\":true");
}

/* {raw, path | addr, port, family, name, resolved, flags}: `resolved` says that the name led to something that was
 * there. */
static void put_target(struct buf *b, const struct target *t)
{
    LIT(b, "{\"raw\":");
    if (t->raw)
        json_bytes(b, t->raw, t->raw_len);
    else
        LIT(b, "null");
    switch (t->kind) {
    case TARGET_PATH:
        LIT(b, ",\"path\":");
        json_str(b, t->path);
        break;
    case TARGET_ANONYMOUS:
        LIT(b, ",\"path\":null,\"anonymous\":true");
        break;
    case TARGET_ADDRESS:
        put_address(b, t);
        break;
    }
    if (t->name) {
        LIT(b, ",\"name\":");
        json_str(b, t->name);
    }
    if (t->kind == TARGET_PATH || t->path) {
        if (t->exists)
            LIT(b, ",\"resolved\":true");
        else
            LIT(b, ",\"resolved\":false");
        if (t->is_dir)
            LIT(b, ",\"dir\":true");
        if (t->exists && S_ISSOCK(t->mode))
            LIT(b, ",\"socket\":true");
    }
    LIT(b, ",\"flags\":");
    put_int(b, t->flags);
    buf_putc(b, '}');
}

/* verb, target, also. The right that gave the verdict comes first; `moved` names the old and the new name of a rename
 * or link by their place in that order (0 is target, 1 the first of also), for replays. */
static void put_needs(struct buf *b, const struct request *r, int main)
{
    if (!r->needs) {
        LIT(b, ",\"verb\":null,\"target\":null");
        return;
    }
    LIT(b, ",\"verb\":");
    put_word(b, verb_names[r->need[main].verb]);
    LIT(b, ",\"target\":");
    put_target(b, &r->need[main].target);
    if (r->needs == 1)
        return;
    int from = -1, to = -1, place = 1;
    LIT(b, ",\"also\":[");
    for (int i = 0; i < r->needs; i++) {
        int at = i == main ? 0 : place++;
        from = i == r->moved_from ? at : from;
        to = i == r->moved_to ? at : to;
        if (i == main)
            continue;
        if (at > 1)
            buf_putc(b, ',');
        LIT(b, "{\"verb\":");
        put_word(b, verb_names[r->need[i].verb]);
        LIT(b, ",\"target\":");
        put_target(b, &r->need[i].target);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
    if (from >= 0 && to >= 0) {
        LIT(b, ",\"moved\":[");
        put_int(b, from);
        buf_putc(b, ',');
        put_int(b, to);
        buf_putc(b, ']');
        if (r->exchange)
            LIT(b, ",\"exchange\":true");
    }
}

static void put_process(struct buf *b, const struct request *r)
{
    const struct process *p = r->process;
    LIT(b, "\"pid\":");
    put_int(b, p ? p->pid : r->tid);
    LIT(b, ",\"tid\":");
    put_int(b, r->tid);
    if (p) {
        LIT(b, ",\"ppid\":");
        put_int(b, p->ppid);
        LIT(b, ",\"exe\":");
        json_str(b, p->exe);
        LIT(b, ",\"comm\":");
        json_bytes(b, p->comm, strnlen(p->comm, sizeof p->comm));
    } else {
        LIT(b, ",\"ppid\":null,\"exe\":null,\"comm\":null");
    }
    LIT(b, ",\"cwd\":");
    json_str(b, r->cwd);
    LIT(b, ",\"uid\":");
    if (p)
        put_int(b, p->uid);
    else
        LIT(b, "null");
}

static int main_need(const struct request *r, const struct outcome *o)
{
    return o->decision.need >= 0 && o->decision.need < r->needs ? o->decision.need : 0;
}

static void put_call(struct buf *b, const struct request *r, const struct outcome *o)
{
    LIT(b, ",\"syscall\":");
    if (r->call)
        put_word(b, r->call->name);
    else
        put_int(b, r->notice.nr);
    put_needs(b, r, main_need(r, o));
}

void audit_line(struct buf *b, enum mode mode, const struct request *r, const struct outcome *o)
{
    const struct decision *d = &o->decision;
    put_process(b, r);
    put_call(b, r, o);
    if (r->argv) {
        LIT(b, ",\"argv\":[");
        for (int i = 0; i < r->argc && r->argv[i]; i++) {
            if (i)
                buf_putc(b, ',');
            json_str(b, r->argv[i]);
        }
        buf_putc(b, ']');
    }
    LIT(b, ",\"decision\":");
    put_word(b, o->allowed ? "allow" : "deny");
    if (mode == MODE_LOG) {
        LIT(b, ",\"would\":");
        put_word(b, effect_names[o->would]);
    }
    LIT(b, ",\"rule\":");
    json_str(b, d->rule || o->by == BY_PROTECTED ? d->label : NULL);
    LIT(b, ",\"rule_at\":");
    json_str(b, d->rule ? d->at : NULL);
    LIT(b, ",\"decided_by\":");
    put_word(b, decided_by_names[o->by]);
    if (r->why) {
        LIT(b, ",\"why\":");
        json_str(b, r->why);
    }
    LIT(b, ",\"safe\":");
    put_word(b, safe_names[o->safe]);
    LIT(b, ",\"handler\":");
    json_str(b, o->handler);
    LIT(b, ",\"waited_us\":");
    put_int(b, (int64_t)(o->waited_ns / 1000));
    LIT(b, ",\"eval_us\":");
    put_int(b, (int64_t)(r->eval_ns / 1000));
    LIT(b, ",\"result\":");
    if (o->result_known)
        put_int(b, o->result);
    else
        LIT(b, "null");
}

/* What the agent is told: no rule of another program, no user's answer rule text beyond its name, nothing it did not
 * ask. */
void audit_denial_line(struct buf *b, const char *ts, const struct request *r, const struct outcome *o)
{
    LIT(b, "{\"ts\":");
    put_word(b, ts);
    put_call(b, r, o);
    LIT(b, ",\"rule\":");
    json_str(b, o->decision.rule || o->by == BY_PROTECTED ? o->decision.label : NULL);
    LIT(b, ",\"decided_by\":");
    put_word(b, decided_by_names[o->by]);
    LIT(b, ",\"message\":");
    json_str(b, o->decision.message ? o->decision.message : r->why);
    buf_putc(b, '}');
}

bool audit_keeps(enum audit_level level, enum mode mode, const struct request *r, const struct outcome *o)
{
    bool denied = !o->allowed || (mode == MODE_LOG && o->would == EFFECT_DENY);
    if (denied || level == AUDIT_ALL)
        return true;
    if (level == AUDIT_DENIALS)
        return false;
    bool asked = mode == MODE_LOG ? o->would == EFFECT_ASK : o->decision.effect == EFFECT_ASK || o->waited_ns;
    if (asked || o->by == BY_USER || o->by == BY_ANSWER)
        return true;
    for (int i = 0; i < r->needs; i++)
        if (r->need[i].verb != VERB_READ && r->need[i].verb != VERB_WRITE)
            return true;
    return r->needs == 0;
}
