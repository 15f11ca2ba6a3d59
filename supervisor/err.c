#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put(struct err *e, const char *fmt, va_list ap)
{
    vsnprintf(e->text, sizeof e->text, fmt, ap);
}

int err_set(struct err *e, int errnum, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put(e, fmt, ap);
    va_end(ap);
    e->status = 125;
    e->errnum = errnum;
    if (errnum) {
        size_t n = strlen(e->text);
        snprintf(e->text + n, sizeof e->text - n, ": %s", strerror(errnum));
    }
    return -1;
}

int err_status(struct err *e, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put(e, fmt, ap);
    va_end(ap);
    e->status = status;
    e->errnum = 0;
    return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char old[sizeof e->text];
    memcpy(old, e->text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    put(e, fmt, ap);
    va_end(ap);
    size_t n = strlen(e->text);
    snprintf(e->text + n, sizeof e->text - n, ": %.*s", (int)(sizeof e->text - n - 3), old);
    return -1;
}
