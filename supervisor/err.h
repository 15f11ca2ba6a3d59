/* err - floor 0: the one error shape.
 *
 * A function that can fail for a reason worth telling takes a `struct err *` as its last input, returns 0 or -1, and
 * fills the err only on failure. Each caller that passes the failure on puts what *it* was doing in front:
 * "loading the policy: reading /x: Permission denied". `status` is the exit status the program ends with (product
 * manual: 2 command line, 125 ours, 126 denied, 127 not found).
 */
#ifndef SW_ERR_H
#define SW_ERR_H

struct err {
    int status;      /* exit status that fits, 125 unless said */
    int errnum;      /* errno of the failing call, 0 when none */
    char text[2048]; /* one or more lines, without a newline at the end */
};

/* Both return -1, so that `return err_set(...)` reads as what it is. errnum 0: no ": strerror" is appended. */
int err_set(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_status(struct err *e, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
