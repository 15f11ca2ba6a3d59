/* still - floor 2: no name changes while somebody else reads one a second time.
 *
 * Calls that change what paths name (calls/change.h: rename, unlink, link, symlink, mkdir, rmdir, mknod) are all carried out by
 * us, each between change_begin and change_end: many at once. (An open that creates a file leads no other path elsewhere.) bind() to a unix path lets the kernel resolve
 * the agent's own string again (calls/net_bind.c), between still_begin and still_end: alone. Neither is nested, and
 * nothing that can wait for the agent may stand between them.
 */
#ifndef SW_STILL_H
#define SW_STILL_H

void change_begin(void);
void change_end(void);
void still_begin(void);
void still_end(void);

#endif
