/* log - floor 0: our own lines on stderr, each with the prefix `sentinel-watch: `. stdout belongs to the agent.
 *
 * The descriptor is a high copy of the stderr that we were started with (log_init), or -1 after log_close. A line is
 * one write(2). log_note is removed by -q; log_warn is not. log_debug shows with -v.
 */
#ifndef SW_LOG_H
#define SW_LOG_H

#include <stdbool.h>

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

void log_init(enum log_level level, const char *program); /* program: NULL means sentinel-watch */
int log_fd(void);
void log_close(void); /* nothing is said any more; whoever reads our stderr can see its end */
void log_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
