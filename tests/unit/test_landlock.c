/* The backstop: a process inside it, without any filter, changes nothing; descriptors that were opened outside do everything. */
#include "landlock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static struct sockaddr_in server;

/* Each returns 0, or the errno. */
static int said(int r)
{
    return r < 0 ? errno : 0;
}

static int opens(const char *path, int flags)
{
    int fd = open(path, flags, 0600), e = said(fd);
    if (fd >= 0)
        close(fd);
    return e;
}

static int write_file(void) { return opens("file", O_WRONLY); }
static int list_folder(void) { return opens(".", O_RDONLY | O_DIRECTORY); }
static int new_file(void) { return opens("new", O_RDONLY | O_CREAT); }
static int make_folder(void) { return said(mkdir("made", 0700)); }
static int make_fifo(void) { return said(mkfifo("fifo", 0600)); }
static int make_link(void) { return said(symlink("x", "link")); }
static int remove_file(void) { return said(unlink("gone")); }
static int move_file(void) { return said(rename("file", "sub/file")); }
static int truncate_file(void) { return said(truncate("file", 0)); }
static int bind_unix(void)
{
    struct sockaddr_un a = {AF_UNIX, "sock"};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return said(bind(s, (struct sockaddr *)&a, sizeof a));
}
static int connect_tcp(void)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return said(connect(s, (struct sockaddr *)&server, sizeof server));
}
static int bind_tcp(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return said(bind(s, (struct sockaddr *)&a, sizeof a));
}
static int signal_outside(void) { return said(kill(getppid(), 0)); }

static const struct act {
    const char *name;
    int (*act)(void);
    unsigned part;
    int errnum; /* inside */
    int abi;    /* of this right, where it is newer than its part */
} acts[] = {
    {"open for writing", write_file, LANDLOCK_FILES, EACCES, 1},
    {"list a folder", list_folder, LANDLOCK_FILES, EACCES, 1},
    {"create a file", new_file, LANDLOCK_FILES, EACCES, 1},
    {"mkdir", make_folder, LANDLOCK_FILES, EACCES, 1},
    {"mkfifo", make_fifo, LANDLOCK_FILES, EACCES, 1},
    {"symlink", make_link, LANDLOCK_FILES, EACCES, 1},
    {"unlink", remove_file, LANDLOCK_FILES, EACCES, 1},
    {"bind a unix path", bind_unix, LANDLOCK_FILES, EACCES, 1},
    {"truncate", truncate_file, LANDLOCK_FILES, EACCES, 3},
    {"rename", move_file, LANDLOCK_FILES, EACCES, 2},
    {"connect", connect_tcp, LANDLOCK_TCP, EACCES, 4},
    {"bind", bind_tcp, LANDLOCK_TCP, EACCES, 4},
    {"a signal outside", signal_outside, LANDLOCK_SCOPES, EPERM, 6},
};

static void prepare(void)
{
    strcpy(folder, "/tmp/sw-landlock.XXXXXX");
    cr_assert(mkdtemp(folder) && !chdir(folder) && !mkdir("sub", 0700));
    cr_assert(!opens("file", O_CREAT | O_WRONLY) && !opens("gone", O_CREAT | O_WRONLY));
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof server;
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cr_assert(!bind(s, (struct sockaddr *)&server, sizeof server) && !listen(s, 8) && !getsockname(s, (struct sockaddr *)&server, &len));
}

static void clean(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert(!chdir("/") && !system(command));
}

/* In a child, inside the domain or not: what each act said, as exit status of a child of its own. */
static int in_child(bool inside, int (*act)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        if (inside && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || landlock_enter() < 0))
            _exit(255);
        _exit(act());
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(landlock, what_it_refuses, .init = prepare, .fini = clean)
{
    int abi = landlock_abi();
    if (!abi)
        cr_skip_test("this kernel has no Landlock");
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (abi < acts[i].abi)
            continue;
        cr_expect_eq(in_child(true, acts[i].act), acts[i].errnum, "%s, inside: %d", acts[i].name, in_child(true, acts[i].act));
        cr_expect_eq(in_child(false, acts[i].act), 0, "%s, outside", acts[i].name);
    }
}

static int read_file(void) { return opens("file", O_RDONLY); }
static int run_program(void)
{
    pid_t pid = fork();
    if (!pid) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(errno);
    }
    int status;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static int handed; /* opened outside */
static int use_handed(void)
{
    return write(handed, "12345678", 8) != 8 ? errno : said(ftruncate(handed, 4)) ? errno : said(fchmod(handed, 0644));
}

static int master;
static int other_side(void)
{
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    return slave < 0 ? errno : write(slave, "x", 1) == 1 ? 0 : errno;
}

Test(landlock, what_it_lets_be, .init = prepare, .fini = clean)
{
    handed = open("file", O_RDWR | O_CLOEXEC);
    master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(handed >= 0 && master >= 0 && !unlockpt(master));
    cr_expect_eq(in_child(true, read_file), 0, "read");
    cr_expect_eq(in_child(true, run_program), 0, "run a program");
    cr_expect_eq(in_child(true, use_handed), 0, "write, truncate and chmod through a descriptor from outside");
    cr_expect_eq(in_child(true, other_side), 0, "TIOCGPTPEER");
}

Test(landlock, parts_by_abi)
{
    cr_expect_eq(landlock_can(0), 0);
    cr_expect_eq(landlock_can(3), LANDLOCK_FILES);
    cr_expect_eq(landlock_can(5), LANDLOCK_FILES | LANDLOCK_TCP);
    cr_expect_eq(landlock_can(6), LANDLOCK_FILES | LANDLOCK_TCP | LANDLOCK_SCOPES);
    cr_assert(!setenv("SENTINEL_WATCH_NO_LANDLOCK", "1", 1));
    cr_expect_eq(landlock_abi(), 0);
    cr_expect_eq(landlock_enter(), 0);
}
