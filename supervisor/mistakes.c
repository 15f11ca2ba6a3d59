#include "mistakes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mistakes_add(struct mistakes *m, const char *file, int line, int column, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text;
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        text = xstrdup("out of memory");
    unsigned order = 0, next = 0;
    bool known = false;
    for (size_t i = 0; i < m->n; i++) {
        const struct mistake *k = &m->mistake[i];
        next = k->order >= next ? k->order + 1 : next;
        if (strcmp(k->file, file))
            continue;
        known = true;
        order = k->order;
        if (k->line == line && k->column == column && !strcmp(k->text, text)) {
            free(text); /* a file that two others extend is told of once */
            return;
        }
    }
    if (!known)
        order = next;
    m->mistake = xrealloc(m->mistake, (m->n + 1) * sizeof *m->mistake);
    m->mistake[m->n++] = (struct mistake){xstrdup(file), order, line, column, text};
}

static int before(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->text, y->text);
}

void mistakes_write(struct mistakes *m, struct buf *out)
{
    if (m->n)
        qsort(m->mistake, m->n, sizeof *m->mistake, before);
    for (size_t i = 0; i < m->n; i++) {
        const struct mistake *k = &m->mistake[i];
        buf_escape(out, k->file, strlen(k->file));
        if (k->line)
            buf_printf(out, ":%d:%d", k->line, k->column);
        buf_printf(out, ": %s\n", k->text);
    }
}

void mistakes_free(struct mistakes *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->mistake[i].file);
        free(m->mistake[i].text);
    }
    free(m->mistake);
    *m = (struct mistakes){0};
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment: insertions, removals, replacements and swaps of neighbours cost one. */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t row[3][LONGEST + 1], n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX / 4; /* near to nothing */
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    size_t *two = row[2], *one = row[0], *now = row[1];
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            now[j] = min3(one[j] + 1, now[j - 1] + 1, one[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two[j - 2] + 1 < now[j])
                now[j] = two[j - 2] + 1;
        }
        size_t *free_row = two;
        two = one;
        one = now;
        now = free_row;
    }
    return one[m];
}

const char *nearest_name(const char *found, const char *const *names)
{
    const char *best = NULL;
    size_t least = 0;
    for (; *names; names++) {
        size_t longer = strlen(*names) > strlen(found) ? strlen(*names) : strlen(found);
        size_t d = distance(found, *names);
        if (d * 3 <= longer + 1 && (!best || d < least)) {
            best = *names;
            least = d;
        }
    }
    return best;
}

char *nearest_text(const char *found, const char *const *names)
{
    const char *n = nearest_name(found, names);
    return n ? xasprintf(" (nearest: %s)", n) : xstrdup("");
}

char *found_text(const char *text)
{
    enum { SHOWN = 60 };
    struct buf b = {0};
    size_t n = strlen(text);
    buf_putc(&b, '`');
    buf_escape(&b, text, n > SHOWN ? SHOWN : n);
    buf_puts(&b, n > SHOWN ? "...`" : "`");
    return buf_steal(&b);
}

char *names_text(const char *const *names)
{
    struct buf b = {0};
    for (size_t i = 0; names[i]; i++)
        buf_printf(&b, "%s%s", !i ? "" : names[i + 1] ? ", " : " or ", names[i]);
    return buf_steal(&b);
}
