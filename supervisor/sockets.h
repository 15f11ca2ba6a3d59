/* sockets - floor 0: the folder of the sessions' sockets, found the same way by the supervisor and by the interfaces. */
#ifndef SW_SOCKETS_H
#define SW_SOCKETS_H

/* $XDG_RUNTIME_DIR (unless it is so long that no socket fits into it), else /run/user/UID when it is ours, each with /sentinel-watch; else /tmp/sentinel-watch-UID. A fresh string;
 * nothing is made. Without a runtime folder of their own, an interface from another login still finds the same one. */
char *sockets_folder(void);

#endif
