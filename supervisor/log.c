#include "log.h"
#include "buf.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level level = LOG_NORMAL;
static const char *name = "sentinel-watch";
static int out = 2;

void log_init(enum log_level l, const char *program)
{
    level = l;
    if (program)
        name = program;
    if (out != 2)
        return;
    int high = fcntl(2, F_DUPFD_CLOEXEC, fd_base());
    if (high >= 0 || errno == EBADF) /* started without a stderr: then nothing is said, whatever gets the number 2 later */
        out = high;
}

int log_fd(void)
{
    return out;
}

void log_close(void)
{
    if (out > 2)
        close(out);
    out = -1;
}

static void line(const char *fmt, va_list ap)
{
    char text[4096];
    int n = snprintf(text, sizeof text, "%s: ", name);
    int m = vsnprintf(text + n, sizeof text - (size_t)n - 1, fmt, ap);
    if (m < 0 || out < 0)
        return;
    size_t len = strlen(text);
    text[len] = '\n';
    fd_write_all(out, text, len + 1);
}

void log_note(const char *fmt, ...)
{
    if (level < LOG_NORMAL)
        return;
    va_list ap;
    va_start(ap, fmt);
    line(fmt, ap);
    va_end(ap);
}

void log_warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    line(fmt, ap);
    va_end(ap);
}

void log_debug(const char *fmt, ...)
{
    if (level < LOG_VERBOSE)
        return;
    va_list ap;
    va_start(ap, fmt);
    line(fmt, ap);
    va_end(ap);
}
