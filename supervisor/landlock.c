#include "landlock.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian 12's headers are of Linux 6.1 and do not know `scoped`. */
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)
#define CREATE_RULESET_VERSION 1U

struct ruleset {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

int landlock_abi(void)
{
    const char *off = getenv("SENTINEL_WATCH_NO_LANDLOCK");
    if (off && off[0] == '1')
        return 0;
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

int landlock_scope_self(void)
{
    if (landlock_abi() < LANDLOCK_ABI_WITH_SCOPES)
        return -EOPNOTSUPP;
    const struct ruleset attr = {0, 0, SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET};
    int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (fd < 0)
        return -errno;
    int r = syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
    close(fd);
    return r;
}
