/* popup - a window of tmux over the agent's screen, in which a question is asked that its terminal has no room for.
 *
 * The agent holds its terminal raw (a full screen): nothing is printed there. tmux can show a window above it and put the screen back
 * afterwards. What runs in it is `console --popup SESSION`, a child of the tmux server and so nobody's descendant in
 * the session; it leaves when nothing waits any more. The agent cannot reach the tmux server (a protection of the
 * policy; where that is lifted the session does not ask for popups).
 */
#ifndef SW_POPUP_H
#define SW_POPUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct popup {
    const char *session; /* NULL: none may be opened */
    pid_t pid;           /* the tmux client that shows it, 0 none */
    uint64_t shown;      /* the newest question that it was opened for: once closed it does not come back for that one */
    uint64_t wanted;
    int64_t opened_ms, again_ms;
};

/* Question `newest` waits and the terminal is not free: opens one, if it has not been opened for it. */
void popup_want(struct popup *p, uint64_t newest, int64_t now_ms);
void popup_turn(struct popup *p, int64_t now_ms); /* is it still there? One that could not be shown is tried again later */

#endif
