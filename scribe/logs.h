/* logs - where the logs of a user's sessions are: a FILE as given, a SESSION by name, or the latest one. */
#ifndef SCRIBE_LOGS_H
#define SCRIBE_LOGS_H

#include "buf.h"
#include "err.h"
#include <stdio.h>

/* which: a path (with a `/` or existing as a file), a session's name, or NULL for the log that was written last. */
FILE *logs_open(const char *which, char **ret_path, struct err *err);

struct record_reader;
/* The one FILE or SESSION that may stand behind a verb's options, opened for reading. 0, or the exit status: the reason is
 * on stderr. */
int logs_begin(int n, char **operands, const char *verb, char **ret_path, struct record_reader *ret);

#endif
