/* room - the log as a file: opened once, locked, appended to, with room kept ahead on the disk.
 *
 * Room is taken with fallocate(2) FALLOC_FL_KEEP_SIZE beyond the end of the file, so a log on a disk that fills can
 * still take everything that is on its way: what lies in the supervisor's buffer (32 KiB and a line) and in the socket
 * (audit.c sets it; twice 64 KiB), grown by the chain's own fields. The last TAIL bytes of it are for the last line
 * alone. Where the file system cannot do it (EOPNOTSUPP), there is no room and the first line says "room":false.
 */
#ifndef SCRIBE_ROOM_H
#define SCRIBE_ROOM_H

#include "buf.h"
#include "err.h"
#include "chain.h"
#include <sys/types.h>

#define ROOM (512 * 1024)
#define ROOM_TAIL (32 * 1024)

struct room {
    int fd;
    off_t size, taken; /* bytes written; bytes that the disk holds for us */
    bool keeps;        /* fallocate works here */
};

/* Creates the file, or opens a whole log of ours to go on with; anything else there is an error in words. *ret_end is
 * where the chain goes on. */
int room_open(const char *path, const struct key *key, struct room *ret, struct chain *ret_end, struct err *err);
/* Takes more where less than ROOM is ahead after `coming` more bytes. 0 or -errno. */
int room_ahead(struct room *r, size_t coming);
/* All or nothing: 0, or -errno and the file is as long as before. `last`: may use the tail. */
int room_write(struct room *r, const char *bytes, size_t n, bool last);
void room_close(struct room *r); /* gives back what was not used */

#endif
