/* memory - floor 1: bounded copies out of (and, for results only, into) the agent.
 *
 * process_vm_readv(2) on a thread id: works for a descendant of ours without a capability. A copy is only worth
 * something when notify_valid() still says yes *after* it: until then the tid could have been another process's.
 */
#ifndef SW_MEMORY_H
#define SW_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

int memory_read(pid_t tid, uint64_t addr, void *buf, size_t n);         /* 0 or -EFAULT, -ESRCH, -EPERM */
ssize_t memory_read_some(pid_t tid, uint64_t addr, void *buf, size_t n); /* as much as is mapped; -EFAULT when none */
/* A NUL-terminated string of at most max bytes, the NUL included, never touching a page behind its end. Its length, or
 * -EFAULT, or -ENAMETOOLONG when there is no NUL in max bytes (buf then holds max
 * bytes of it). */
ssize_t memory_string(pid_t tid, uint64_t addr, char *buf, size_t max);
int memory_write(pid_t tid, uint64_t addr, const void *buf, size_t n);

#endif
