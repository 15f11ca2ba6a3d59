/* command - floor 1: which file a command's name means: execvp(3)'s search, done before anything is started. */
#ifndef SW_COMMAND_H
#define SW_COMMAND_H

#include "err.h"

/* 0 and a fresh path; or -1 with status 127 (not found) or 126 (found, and cannot be run). */
int command_find(const char *name, char **ret, struct err *err);

#endif
