#include "client.h"
#include "fd.h"
#include "sockets.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1u << 20)
#define SUFFIX ".sock"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **client_sessions(void)
{
    char **names = xcalloc(1, sizeof *names);
    size_t n = 0;
    STR_AUTO folder = sockets_folder();
    DIR *d = opendir(folder);
    if (!d)
        return names;
    struct dirent *e;
    while ((e = readdir(d))) {
        size_t len = strlen(e->d_name);
        if (len <= strlen(SUFFIX) || strcmp(e->d_name + len - strlen(SUFFIX), SUFFIX))
            continue;
        names = xrealloc(names, (n + 2) * sizeof *names);
        names[n++] = xstrndup(e->d_name, len - strlen(SUFFIX));
        names[n] = NULL;
    }
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    return names;
}

void client_sessions_free(char **names)
{
    for (char **n = names; n && *n; n++)
        free(*n);
    free(names);
}

struct client *client_from_fd(int fd, const char *name)
{
    struct client *c = xcalloc(1, sizeof *c);
    c->fd = fd;
    c->session = xstrdup("");
    if (name)
        client_say(c, "subscribe asks %s", name);
    return c;
}

int client_socket(const char *session, struct err *err)
{
    STR_AUTO folder = sockets_folder();
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strchr(session, '/') || (size_t)snprintf(a.sun_path, sizeof a.sun_path, "%s/%s" SUFFIX, folder, session) >= sizeof a.sun_path)
        return err_set(err, 0, "%s is no name of a session", session);
    FD_AUTO fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a))
        return err_set(err, errno, "session %s (%s)", session, a.sun_path);
    return fd_steal(&fd);
}

struct client *client_connect(const char *session, const char *name, struct err *err)
{
    int fd = client_socket(session, err);
    if (fd < 0)
        return NULL;
    struct client *c = client_from_fd(fd, name);
    free(c->session);
    c->session = xstrdup(session);
    return c;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    fd_close(&c->fd);
    buf_free(&c->in);
    free(c->session);
    free(c->word);
    free(c->policy);
    free(c->why);
    free(c);
}

int client_say(struct client *c, const char *fmt, ...)
{
    BUF_AUTO b = {0};
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    buf_printf(&b, "%s\n", line);
    return send(c->fd, b.data, b.len, MSG_NOSIGNAL) == (ssize_t)b.len ? 0 : -1;
}

static void one_line(struct client *c, const char *line, size_t n, void (*each)(void *arg, struct client *c, json_t *object), void *arg)
{
    json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(o, "type"));
    if (type && strcmp(type, "bye") == 0) {
        const char *why = json_string_value(json_object_get(o, "why"));
        free(c->why);
        c->why = xstrdup(why ? why : "");
    } else if (type && strcmp(type, "hello") == 0) {
        const char *s = json_string_value(json_object_get(o, "session"));
        const char *word = json_string_value(json_object_get(o, "word"));
        if (s) {
            free(c->session);
            c->session = xstrdup(s);
        }
        free(c->word);
        c->word = word ? xstrdup(word) : NULL;
        const char *policy = json_string_value(json_object_get(o, "policy"));
        free(c->policy);
        c->policy = policy ? xstrdup(policy) : NULL;
    }
    if (type)
        each(arg, c, o);
    json_decref(o);
}

int client_turn(struct client *c, void (*each)(void *arg, struct client *c, json_t *object), void *arg)
{
    char chunk[16384];
    ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return -1;
    buf_put(&c->in, chunk, (size_t)n);
    size_t at = 0;
    char *nl;
    while ((nl = memchr(c->in.data + at, '\n', c->in.len - at))) {
        size_t len = (size_t)(nl - (c->in.data + at));
        one_line(c, c->in.data + at, len, each, arg);
        at += len + 1;
    }
    memmove(c->in.data, c->in.data + at, c->in.len - at);
    c->in.len -= at;
    return c->in.len > LINE_MAX_BYTES ? -1 : 0;
}
