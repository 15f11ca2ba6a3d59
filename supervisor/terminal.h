/* terminal - floor 4: the line interface on the agent's own terminal, started before the supervisor is forked.
 *
 * Why a process, and why there: whoever reads or writes a terminal as a background group of its session is stopped (SIGTTIN,
 * SIGTTOU), and the supervisor is no part of the shell's job. A process whose session has no claim on the terminal is
 * not stopped (tty_check_change: job control is for those whose controlling terminal it is), so the interface gets a session of
 * its own. It is the same program and the same protocol as `sentinel-watch console` elsewhere, so hostile text meets a
 * terminal in one place only, outside the supervisor. A child of the front and not of the supervisor: it is no part of
 * the tree whose end is waited for. It ends when its socket does.
 */
#ifndef SW_TERMINAL_H
#define SW_TERMINAL_H

#include "err.h"
#include <sys/types.h>

/* In the process that becomes the front, before it forks. notifier: path of sentinel-notifier. tty: the controlling terminal,
 * opened O_RDWR. ret_sock is for approval_config.console_fd; only the supervisor may keep it. */
int terminal_start(const char *notifier, int tty, int *ret_sock, pid_t *ret_pid, struct err *err);

#endif
