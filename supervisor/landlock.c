#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian 12's headers are of Linux 6.1 and know neither `handled_access_net` nor `scoped`. */
#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_IOCTL_DEV (1ULL << 15)
#define NET_BIND_TCP (1ULL << 0)
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)
#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH 1

struct ruleset {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

struct path_beneath {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

const struct landlock_part landlock_parts[LANDLOCK_PARTS] = {
    {LANDLOCK_FILES, 1, "5.13", "files", "no write, no new, moved or removed name and no core file but through the supervisor"},
    {LANDLOCK_TCP, 4, "6.7", "tcp", "no TCP connection and no TCP port but through the supervisor"},
    {LANDLOCK_SCOPES, 6, "6.12", "scopes", "no signal, trace or abstract socket to anything outside"},
};

int landlock_abi(void)
{
    const char *off = getenv("SENTINEL_WATCH_NO_LANDLOCK");
    if (off && off[0] == '1')
        return 0;
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

unsigned landlock_can(int abi)
{
    unsigned parts = 0;
    for (int i = 0; i < LANDLOCK_PARTS; i++)
        if (abi >= landlock_parts[i].abi)
            parts |= landlock_parts[i].bit;
    return parts;
}

/* Every right over files that this ABI knows, less the two that an exec needs. */
static uint64_t file_rights(int abi)
{
    static const uint64_t known[] = {0, 1ULL << 13, 1ULL << 14, 1ULL << 15, 1ULL << 15, 1ULL << 16};
    uint64_t all = known[abi < 5 ? abi : 5] - 1;
    return all & ~(FS_EXECUTE | FS_READ_FILE);
}

static int allow_terminals(int ruleset, uint64_t handled)
{
    struct path_beneath rule = {handled & (FS_WRITE_FILE | FS_IOCTL_DEV), open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (rule.parent_fd < 0)
        return 0; /* then there is no terminal to be had either */
    int r = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
    close(rule.parent_fd);
    return r;
}

int landlock_enter(void)
{
    int abi = landlock_abi();
    unsigned parts = landlock_can(abi);
    if (!parts)
        return 0;
    const struct ruleset attr = {
        .handled_access_fs = file_rights(abi),
        .handled_access_net = parts & LANDLOCK_TCP ? NET_BIND_TCP | NET_CONNECT_TCP : 0,
        .scoped = parts & LANDLOCK_SCOPES ? SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET : 0,
    };
    int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (fd < 0)
        return -errno;
    int r = allow_terminals(fd, attr.handled_access_fs);
    if (!r && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        r = -errno;
    close(fd);
    return r ? r : (int)parts;
}
