#include "policy_protect.h"
#include "policy_compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOT_EXPOSED = -1 }; /* refused always */

struct protecting {
    struct policy *policy;
    struct vars vars;
};

static struct rule *rule_new(const char *name, unsigned verbs, const char *message)
{
    struct rule *r = xcalloc(1, sizeof *r);
    r->name = xstrdup(name);
    r->label = xasprintf("protected:%s", name);
    r->at = xstrdup("built in");
    r->effect = EFFECT_DENY;
    r->verbs = verbs;
    r->errnum = EACCES;
    r->timeout_ms = -1;
    r->message = xstrdup(message);
    return r;
}

/* A rule that names nothing would match everything. */
static void keep(struct policy *p, struct rule *r)
{
    if (!r->path && !r->to) {
        rule_free(r);
        return;
    }
    p->protections = xrealloc(p->protections, (p->nprotections + 1) * sizeof *p->protections);
    r->number = (unsigned)p->nprotections;
    p->protections[p->nprotections++] = r;
}

/* A literal path in the escapes of a pattern, with what may follow it (a glob). Folders that are not absolute name nothing. */
static char *pattern_of(const char *path, const char *more)
{
    struct buf b = {0};
    for (const char *c = path; *c; c++) {
        if (strchr("*?\\", *c))
            buf_putc(&b, '\\');
        buf_putc(&b, *c);
    }
    buf_puts(&b, more);
    return buf_steal(&b);
}

static void add_literal(struct rule *r, const char *path, const char *more)
{
    if (!path || path[0] != '/')
        return;
    STR_AUTO pattern = pattern_of(path, more);
    rule_add_path(r, pattern);
}

static void add_socket(struct rule *r, const char *path, const char *more)
{
    if (!path || path[0] != '/')
        return;
    STR_AUTO pattern = pattern_of(path, more);
    STR_AUTO to = xasprintf("unix:%s", pattern);
    rule_add_to(r, to);
}

/* ---- ourselves */

static void add_link(void *rule, const char *link)
{
    add_literal(rule, link, "");
}

static void protect_own_files(struct protecting *k, const struct policy_sources *s)
{
    const struct places *pl = s->places;
    struct rule *r = rule_new("own-files", 1 << VERB_WRITE, "Nothing that is supervised changes the supervisor's policies, logs and programs.");
    STR_AUTO config = xasprintf("%s/sentinel-watch", pl->config_home);
    STR_AUTO state = xasprintf("%s/sentinel-watch", pl->state_home);
    add_literal(r, config, "/**");
    add_literal(r, state, "/**");
    rule_add_path(r, "/etc/sentinel-watch/**");
    add_literal(r, pl->profiles, "/**");
    static const char *const programs[] = {"sentinel-watch", "sentinel-scribe", "sentinel-policy", "sentinel-notifier"};
    static const char *const folders[] = {".", "../lib/sentinel-watch", "../../bin"};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        for (size_t j = 0; j < sizeof folders / sizeof folders[0]; j++) {
            STR_AUTO path = xasprintf("%s/%s/%s", pl->own_programs, folders[j], programs[i]);
            if (!access(path, F_OK))
                add_literal(r, path, "");
        }
    for (char **f = k->policy->files; f && *f; f++)
        if (strncmp(*f, "/dev/", 5) && strncmp(*f, "/proc/", 6)) /* a pipe (-p <(...)) is no place, and its name is the agent's too */
            add_literal(r, *f, "");
    /* Who replaces a link on the way to a policy writes the policy of the next run. */
    for (char **f = k->policy->said; f && *f; f++)
        if (strncmp(*f, "/dev/", 5) && strncmp(*f, "/proc/", 6))
            literal_links(*f, add_link, r);
    if (k->policy->baseline && k->policy->baseline[0] == '/')
        add_literal(r, k->policy->baseline, "");
    for (size_t i = 0; s->protect && s->protect[i]; i++)
        add_literal(r, s->protect[i], "");
    keep(k->policy, r);
}

/* Root may write there, and the kernel then runs a program outside of this session or ends and stops processes outside of it. */
static void protect_kernel(struct protecting *k)
{
    static const char *const paths[] = {
        "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",   "/proc/sys/kernel/hotplug", "/proc/sys/kernel/poweroff_cmd",
        "/proc/sys/fs/binfmt_misc/**",   "/proc/sysrq-trigger",         "/sys/kernel/uevent_helper", "/sys/fs/cgroup/**",
        "/dev/userfaultfd",
    };
    struct rule *r = rule_new("kernel", 1 << VERB_WRITE, "What is written there makes the kernel act outside of this session.");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        rule_add_path(r, paths[i]);
    keep(k->policy, r);
}

/* The sessions' sockets and the remembered answers: nothing below them is reached in any way. An interface that was
 * started elsewhere may use another of the usual folders, so all of them are closed. */
static void protect_own_secrets(struct protecting *k, const struct policy_sources *s)
{
    const struct places *pl = s->places;
    static const char message[] = "Nothing that is supervised answers the supervisor's questions.";
    struct rule *r = rule_new("own-sockets", 1 << VERB_READ | 1 << VERB_WRITE | 1 << VERB_EXEC | 1 << VERB_BIND, message);
    struct rule *c = rule_new("own-sockets", 1 << VERB_CONNECT, message);
    STR_AUTO answers = xasprintf("%s/sentinel-watch/answers", pl->config_home);
    STR_AUTO runtime = xasprintf("%s/sentinel-watch", pl->runtime_dir);
    STR_AUTO usual = xasprintf("/run/user/%u/sentinel-watch", (unsigned)geteuid());
    STR_AUTO temporary = xasprintf("/tmp/sentinel-watch-%u", (unsigned)geteuid());
    const char *folders[] = {answers, pl->sockets, runtime, usual, temporary};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        size_t same = 0;
        while (strcmp(folders[same], folders[i]))
            same++;
        if (same < i)
            continue;
        add_literal(r, folders[i], "/**");
        add_socket(c, folders[i], "/**");
    }
    keep(k->policy, r);
    keep(k->policy, c);
    struct rule *key = rule_new("own-key", 1 << VERB_READ | 1 << VERB_WRITE | 1 << VERB_EXEC, "Who reads the key can sign a log of their own.");
    for (size_t i = 0; s->hide && s->hide[i]; i++)
        add_literal(key, s->hide[i], "");
    keep(k->policy, key);
}

/* ---- the ways out */

/* Places in pattern form; RUN stands for both runtime folders: the one that XDG_RUNTIME_DIR names and /run/user/UID. */
static const struct way {
    int expose;
    const char *name;
    const char *to[16];   /* sockets: connect is refused */
    const char *path[12]; /* where other programs' pipes and sockets live: refused entirely */
} ways[] = {
    {NOT_EXPOSED, "name-service", {"unix:/var/run/nscd/socket", "unix:/run/systemd/resolve/io.systemd.*"}, {0}},
    {EXPOSE_DBUS, "dbus",
     {"unix:RUN/bus", "unix:RUN/dbus-1/**", "unix:RUN/at-spi/**", "unix:/tmp/dbus-*", "unix:@/tmp/dbus-*", "unix:/run/dbus/system_bus_socket"}, {0}},
    {EXPOSE_X11, "x11", {"unix:/tmp/.X11-unix/**", "unix:@/tmp/.X11-unix/*", "unix:/tmp/.ICE-unix/**", "unix:@/tmp/.ICE-unix/*"}, {0}},
    {EXPOSE_WAYLAND, "wayland", {"unix:RUN/wayland-*"}, {0}},
    {EXPOSE_TMUX, "tmux",
     {"unix:/tmp/tmux-${UID}/**", "unix:/run/screen/**", "unix:/tmp/screens/**", "unix:~/.screen/**", "unix:RUN/zellij/**"},
     {"/tmp/tmux-${UID}/**", "/run/screen/**", "/tmp/screens/**", "~/.screen/**", "RUN/zellij/**"}},
    {EXPOSE_DOCKER, "docker",
     {"unix:/run/docker.sock", "unix:RUN/docker.sock", "unix:~/.docker/run/**", "unix:~/.docker/desktop/**", "unix:/run/podman/**",
      "unix:RUN/podman/**", "unix:/run/containerd/**", "unix:/run/crio/**", "unix:/run/buildkit/**", "unix:/var/lib/lxd/unix.socket",
      "unix:/var/snap/lxd/common/lxd/unix.socket", "unix:/var/lib/incus/unix.socket", "unix:/run/libvirt/**", "unix:RUN/libvirt/**"}, {0}},
    {EXPOSE_SYSTEMD, "systemd", {"unix:/run/systemd/private", "unix:/run/systemd/io.systemd.*", "unix:RUN/systemd/**"}, {0}},
    {EXPOSE_SSH_AGENT, "ssh-agent",
     {"unix:/tmp/ssh-*/agent.*", "unix:~/.ssh/agent/**", "unix:RUN/keyring/**", "unix:RUN/gcr/**", "unix:RUN/ssh-agent*",
      "unix:RUN/openssh_agent", "unix:~/.gnupg/S.gpg-agent.ssh", "unix:RUN/gnupg/S.gpg-agent.ssh"}, {0}},
    {EXPOSE_GPG_AGENT, "gpg-agent", {"unix:RUN/gnupg/**", "unix:~/.gnupg/S.*", "unix:${env:GNUPGHOME}/S.*"}, {0}},
};

static void add_way(struct protecting *k, struct rule *r, const char *pattern, bool to)
{
    STR_AUTO usual = xasprintf("/run/user/%u", (unsigned)geteuid());
    const char *run = strstr(pattern, "RUN/");
    const char *runs[] = {"${XDG_RUNTIME_DIR}", usual};
    for (int i = 0; i < (run && strcmp(k->vars.places->runtime_dir, usual) ? 2 : 1); i++) {
        STR_AUTO text = run ? xasprintf("%.*s%s%s", (int)(run - pattern), pattern, runs[i], run + 3) : xstrdup(pattern);
        char *tilde = strstr(text, "~/");
        STR_AUTO home = tilde ? xasprintf("%.*s${HOME}%s", (int)(tilde - text), text, tilde + 1) : xstrdup(text);
        size_t column;
        struct err err;
        STR_AUTO full = vars_expand(&k->vars, home, VARS_PATTERN, &column, &err);
        if (full && to)
            rule_add_to(r, full);
        else if (full)
            rule_add_path(r, full);
    }
}

/* D-Bus writes its addresses as transport:key=value,key=value;... with %XX for odd bytes (D-Bus specification, "Server addresses"). */
static void add_dbus_addresses(struct rule *r, const char *addresses)
{
    STR_AUTO copy = xstrdup(addresses ? addresses : "");
    char *outer;
    for (char *one = strtok_r(copy, ";", &outer); one; one = strtok_r(NULL, ";", &outer)) {
        if (strncmp(one, "unix:", 5))
            continue;
        char *inner;
        for (char *kv = strtok_r(one + 5, ",", &inner); kv; kv = strtok_r(NULL, ",", &inner)) {
            bool path = !strncmp(kv, "path=", 5), abstract = !strncmp(kv, "abstract=", 9);
            if (!path && !abstract)
                continue;
            BUF_AUTO plain = {0};
            for (const char *c = strchr(kv, '=') + 1; *c; c++) {
                char hex[3] = {c[0] == '%' ? c[1] : 0, c[0] == '%' && c[1] ? c[2] : 0, 0};
                char *end;
                long byte = strtol(hex, &end, 16);
                bool escaped = hex[0] && hex[1] && !*end;
                buf_putc(&plain, escaped ? (char)byte : *c);
                c += escaped ? 2 : 0;
            }
            if (path && plain.len) {
                add_socket(r, plain.data, "");
            } else if (plain.len) {
                STR_AUTO pattern = pattern_of(plain.data, "");
                STR_AUTO to = xasprintf("unix:@%s", pattern);
                rule_add_to(r, to);
            }
        }
    }
}

/* DISPLAY is host:number.screen; with a host (ssh -X sets localhost) the server is at port 6000 + number. */
static void add_display(struct rule *r, const char *display)
{
    const char *colon = display ? strrchr(display, ':') : NULL;
    if (!colon || colon == display)
        return;
    if (display[0] == '/') {
        add_socket(r, display, "");
        return;
    }
    long number = strtol(colon + 1, NULL, 10);
    if (number < 0 || number > 1000 || !strncmp(display, "unix:", 5))
        return;
    bool here = !strncmp(display, "localhost:", 10);
    STR_AUTO to = xasprintf("tcp:%.*s:%ld", here ? 8 : (int)(colon - display), here ? "loopback" : display, 6000 + number);
    rule_add_to(r, to);
}

/* DOCKER_HOST, CONTAINER_HOST: unix:///path or tcp://address:port. */
static void add_container_host(struct rule *r, const char *host)
{
    if (!host)
        return;
    if (!strncmp(host, "unix://", 7)) {
        add_socket(r, host + 7, "");
    } else if (!strncmp(host, "tcp://", 6)) {
        bool here = !strncmp(host + 6, "localhost", 9);
        STR_AUTO to = xasprintf("tcp:%s%s", here ? "loopback" : "", host + 6 + (here ? 9 : 0));
        rule_add_to(r, to);
    }
}

/* TMUX is SOCKET,PID,SESSION. */
static void add_tmux(struct rule *to, struct rule *path)
{
    const char *tmux = getenv("TMUX"), *folder = getenv("TMUX_TMPDIR"), *screens = getenv("SCREENDIR");
    STR_AUTO socket = tmux ? xstrndup(tmux, strcspn(tmux, ",")) : NULL;
    add_socket(to, socket, "");
    add_literal(path, socket, "");
    STR_AUTO below = folder && *folder == '/' ? xasprintf("%s/tmux-%u", folder, (unsigned)geteuid()) : NULL;
    add_socket(to, below, "/**");
    add_literal(path, below, "/**");
    add_socket(to, screens, "/**");
    add_literal(path, screens, "/**");
}

static void add_environment(int expose, struct rule *to, struct rule *path)
{
    switch (expose) {
    case EXPOSE_DBUS:
        add_dbus_addresses(to, getenv("DBUS_SESSION_BUS_ADDRESS"));
        add_dbus_addresses(to, getenv("AT_SPI_BUS_ADDRESS"));
        break;
    case EXPOSE_X11:
        add_display(to, getenv("DISPLAY"));
        break;
    case EXPOSE_WAYLAND:
        add_socket(to, getenv("WAYLAND_DISPLAY"), "");
        break;
    case EXPOSE_TMUX:
        add_tmux(to, path);
        break;
    case EXPOSE_DOCKER:
        add_container_host(to, getenv("DOCKER_HOST"));
        add_container_host(to, getenv("CONTAINER_HOST"));
        break;
    case EXPOSE_SSH_AGENT:
        add_socket(to, getenv("SSH_AUTH_SOCK"), "");
        break;
    default:
        break;
    }
}

static void protect_ways(struct protecting *k)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const struct way *w = &ways[i];
        if (w->expose != NOT_EXPOSED && k->policy->exposed & 1u << w->expose)
            continue;
        STR_AUTO message = w->expose == NOT_EXPOSED ? xstrdup("Names are looked up without this daemon: it would look them up unseen.")
                                                    : xasprintf("A way out of the session; `expose: [%s]` in the policy opens it.", w->name);
        struct rule *to = rule_new(w->name, 1 << VERB_CONNECT, message);
        struct rule *path = rule_new(w->name, 1 << VERB_READ | 1 << VERB_WRITE | 1 << VERB_EXEC | 1 << VERB_BIND, message);
        for (size_t j = 0; j < sizeof w->to / sizeof w->to[0] && w->to[j]; j++)
            add_way(k, to, w->to[j], true);
        for (size_t j = 0; j < sizeof w->path / sizeof w->path[0] && w->path[j]; j++)
            add_way(k, path, w->path[j], false);
        add_environment(w->expose, to, path);
        keep(k->policy, to);
        keep(k->policy, path);
    }
}

void policy_protect(struct policy *p, const struct policy_sources *s)
{
    struct protecting k = {p, {s->places, NULL}};
    protect_own_files(&k, s);
    protect_own_secrets(&k, s);
    protect_kernel(&k);
    protect_ways(&k);
}
