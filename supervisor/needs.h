/* needs - floor 1: what supervision rests on, each tried and not looked up. err says which is missing, what for, and the way
 * out: a session that lacks one does not start, and doctor prints the same sentences.
 */
#ifndef SW_NEEDS_H
#define SW_NEEDS_H

#include "err.h"
#include <sys/types.h>

int needs_notify(struct err *err);              /* seccomp(2) with user notification */
int needs_yama(struct err *err);                /* may we read and seize our descendants? */
int needs_openat2(struct err *err);             /* paths resolved without our own magic links */
/* child: a child of ours that runs our own program and is not being waited for by anybody. */
int needs_memory(pid_t child, struct err *err); /* process_vm_readv(2) */
int needs_ptrace(pid_t child, struct err *err); /* PTRACE_SEIZE; the child is let go again */
int needs_getfd(pid_t child, int fd, int *ret, struct err *err); /* pidfd_open(2) and pidfd_getfd(2); its descriptor fd */

#endif
