/* logs - where the logs of a user's sessions are: a FILE as given, a SESSION by name, or the latest one. */
#ifndef SCRIBE_LOGS_H
#define SCRIBE_LOGS_H

#include "buf.h"
#include "err.h"
#include <stdio.h>

/* which: a path (with a `/` or existing as a file), a session's name, or NULL for the log that was written last. */
FILE *logs_open(const char *which, char **ret_path, struct err *err);

#endif
