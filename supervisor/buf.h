/* buf - floor 0: the one growing buffer, memory that cannot run out unnoticed, and the escaping of hostile bytes.
 *
 * A struct buf is owned by whoever declared it; zero-initialise, buf_free at the end. `data` is always
 * NUL-terminated once anything was put. Out of memory ends the program (the kernel side then fails closed: trapped
 * calls return ENOSYS and the guardian ends the tree).
 *
 * Escaping (docs: the log): bytes from the agent become text in which `\` is `\\` and every control byte and every byte
 * that is not part of valid UTF-8 is `\xNN`; JSON's own quoting comes on top. It reads back exactly.
 */
#ifndef SW_BUF_H
#define SW_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
    char *data;
    size_t len, cap;
};

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void buf_free(struct buf *b);
void buf_clear(struct buf *b);
void buf_grow(struct buf *b, size_t n); /* room for n bytes more, and the NUL behind them */

/* Here, because the lines of the log are made of some sixty small pieces each. */
static inline void buf_put(struct buf *b, const void *p, size_t n)
{
    if (b->cap - b->len <= n)
        buf_grow(b, n);
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = 0;
}
static inline void buf_puts(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}
static inline void buf_putc(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *buf_steal(struct buf *b); /* the caller owns the string; the buffer is empty again */

/* The escaping above, without JSON's quoting: for terminals and messages. What turns the direction of text or has no width is escaped too. */
void buf_escape(struct buf *b, const void *p, size_t n);
/* One word for a shell: as it is when it needs no quotes, else in single ones. */
void buf_shell(struct buf *b, const char *word);
/* Undoes buf_escape. 0, or -1 when the text is not what buf_escape writes. */
int buf_unescape(struct buf *b, const char *s, size_t n);

/* JSON writing. A value in agent's bytes goes through both escapings. `json_key` writes a comma when one is needed. */
void json_bytes(struct buf *b, const void *p, size_t n); /* "..." of bytes that came from the agent */
void json_str(struct buf *b, const char *s);             /* the same of a C string; NULL gives null */
void json_key(struct buf *b, const char *key);           /* "key": with the comma before it when needed */

void buf_cleanup(struct buf *b);
#define BUF_AUTO __attribute__((cleanup(buf_cleanup))) struct buf
void str_cleanup(char **s);
#define STR_AUTO __attribute__((cleanup(str_cleanup))) char *

#endif
