/* started - floor 4: the interfaces that a session starts by itself, before the supervisor is forked.
 *
 * Both are the same program and speak the same protocol as those that a user starts, so hostile text meets a terminal or a desktop in
 * one place only, outside the supervisor. Each gets its connection as descriptor 3, made here: nobody else can hold it, so it is
 * not looked at as peers that connect are (peer.h). Each ends when that connection does.
 *
 * On the terminal: whoever reads or writes a terminal as a background group of its session is stopped (SIGTTIN, SIGTTOU), and the
 * supervisor is no part of the shell's job. A process whose session has no claim on the terminal is not stopped
 * (tty_check_change: job control is for those whose controlling terminal it is), so the interface gets a session of its
 * own. It stays a child of the front: it is no part of the tree whose end is waited for. While the agent holds the terminal raw, it may
 * open a popup of tmux, which runs below the tmux server.
 *
 * On the desktop: it opens a terminal with the tui for "Review", which connects like any other; below a supervisor it would be
 * refused. So this one is left to whoever takes orphans (init, the user's systemd) and is nobody's descendant here.
 */
#ifndef SW_STARTED_H
#define SW_STARTED_H

#include "err.h"
#include <stdbool.h>

/* In the process that becomes the front, before it forks. notifier: path of sentinel-notifier. ret_sock is for
 * approval_config; only the supervisor may keep it.
 *
 * tty: the controlling terminal, opened O_RDWR. popup: may it open a popup of tmux when the terminal is not free? */
int started_on_terminal(const char *notifier, int tty, const char *session, bool popup, int *ret_sock, struct err *err);
/* wait: until it has a notification server with buttons; without one that is an error. Else it ends by itself, silently. */
int started_on_desktop(const char *notifier, const char *session, bool wait, int *ret_sock, struct err *err);
bool started_desktop_likely(void); /* is there a desktop, as far as the environment says? */

#endif
