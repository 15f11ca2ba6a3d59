/* scribe - the verbs of sentinel-scribe, one file each. Each gets argv with its own name first and returns an exit
 * status. */
#ifndef SCRIBE_SCRIBE_H
#define SCRIBE_SCRIBE_H

int cmd_write(int argc, char **argv); /* internal: started by audit.c */
int cmd_show(int argc, char **argv);
int cmd_tail(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_last(int argc, char **argv);

#endif
