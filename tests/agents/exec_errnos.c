/* exec_errnos: what good and bad arguments of execve and execveat give: the errno, or how the program ended. Prints nothing
 * that differs from run to run, so that plain, log and enforce can be compared. Works in the current, empty folder. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wnonnull"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* In a child: an exec that returns has failed. */
#define TRY(...)                                                                                                       \
    do {                                                                                                               \
        printf("%-60.60s ", #__VA_ARGS__);                                                                             \
        fflush(stdout);                                                                                                \
        pid_t child = fork();                                                                                          \
        if (!child) {                                                                                                  \
            __VA_ARGS__;                                                                                               \
            printf("%s\n", strerrorname_np(errno));                                                                    \
            fflush(stdout);                                                                                            \
            _exit(99);                                                                                                 \
        }                                                                                                              \
        int status;                                                                                                    \
        waitpid(child, &status, 0);                                                                                    \
        if (status != 99 << 8)                                                                                         \
            printf("ran, status %x\n", status);                                                                        \
    } while (0)
#define AT(...) TRY(syscall(SYS_execveat, __VA_ARGS__))

static void file(const char *name, const char *bytes, size_t n, mode_t mode)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || fchmod(fd, mode) || close(fd))
        exit(1);
}

static void text(const char *name, const char *s, mode_t mode)
{
    file(name, s, strlen(s), mode);
}

static char *row_of(char c, size_t n)
{
    char *s = calloc(1, n + 1);
    return memset(s, c, n);
}

static void paths(char **t)
{
    char *path = row_of('a', 5000), *component = row_of('b', 300);
    TRY(execve("/bin/true", t, environ));
    TRY(execve("nope", t, environ));
    TRY(execve("", t, environ));
    TRY(execve("folder", t, environ));
    TRY(execve("plain", t, environ));
    TRY(execve("plain/below", t, environ));
    TRY(execve("empty", t, environ));
    TRY(execve("loop", t, environ));
    TRY(execve("link", t, environ));
    TRY(execve("link/", t, environ));
    TRY(execve("fifo", t, environ));
    TRY(execve("/dev/null", t, environ));
    TRY(execve("elf-head", t, environ));
    TRY(execve("elf-cut", t, environ));
    TRY(execve(path, t, environ));
    TRY(execve(component, t, environ));
    TRY(chdir("folder"), execve("../link", t, environ));
    TRY(chmod("script", 0), execve("./script", t, environ));
    chmod("script", 0755);
    int writer = open("script", O_WRONLY | O_CLOEXEC);
    TRY(execve("./script", t, environ));
    close(writer);
}

static void arguments(char **t)
{
    char *big[] = {"x", row_of('a', 200000), NULL}, *bad[] = {"x", (char *)8, NULL}, *none[] = {NULL};
    TRY(execve("/bin/true", big, environ));
    TRY(execve("/bin/true", NULL, NULL));
    TRY(execve("/bin/true", none, none));
    TRY(syscall(SYS_execve, NULL, t, environ));
    TRY(syscall(SYS_execve, 8, t, environ));
    TRY(syscall(SYS_execve, "/bin/true", 8, environ));
    TRY(syscall(SYS_execve, "/bin/true", t, 8));
    TRY(syscall(SYS_execve, "/bin/true", bad, environ));
    TRY(syscall(SYS_execve, "/bin/true", t, bad));
}

static void interpreters(char **t)
{
    char *long_name = row_of('c', 300), *long_line = NULL;
    if (asprintf(&long_line, "#!/%s\n", long_name) < 0)
        exit(1);
    text("to-2", "#!./to-1\n", 0755);
    text("to-1", "#!./to-2\n", 0755);
    text("no-name", "#!\n", 0755);
    text("to-folder", "#! folder\n", 0755);
    text("to-plain", "#! plain\n", 0755);
    text("to-nothing", "#!/nonexistent/x\n", 0755);
    text("words", "#!/bin/echo   one two   \n", 0755);
    text("no-newline", "#!/bin/echo", 0755);
    text("long", long_line, 0755);
    text("nested", "#!./words three\n", 0755);
    TRY(execve("./script", t, environ));
    TRY(execve("./to-1", t, environ));
    TRY(execve("./no-name", t, environ));
    TRY(execve("./to-folder", t, environ));
    TRY(execve("./to-plain", t, environ));
    TRY(execve("./to-nothing", t, environ));
    TRY(execve("./words", t, environ));
    TRY(execve("./no-newline", t, environ));
    TRY(execve("./long", t, environ));
    TRY(execve("./nested", t, environ));
}

static void by_descriptor(char **t)
{
    int folder = open("folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC), plain = open("plain", O_RDONLY | O_CLOEXEC);
    int program = open("/bin/true", O_RDONLY | O_CLOEXEC), pinned = open("/bin/true", O_PATH | O_CLOEXEC);
    int closing = open("script", O_RDONLY | O_CLOEXEC), script = open("script", O_RDONLY);
    AT(AT_FDCWD, "link", t, environ, 0);
    AT(AT_FDCWD, "link", t, environ, AT_SYMLINK_NOFOLLOW);
    AT(AT_FDCWD, "", t, environ, AT_EMPTY_PATH);
    AT(AT_FDCWD, "link", t, environ, 0x8000);
    AT(-1, "link", t, environ, 0);
    AT(-1, "/bin/true", t, environ, 0);
    AT(-1, "", t, environ, AT_EMPTY_PATH);
    AT(folder, "../link", t, environ, 0);
    AT(folder, "../script", t, environ, 0);
    AT(folder, "", t, environ, AT_EMPTY_PATH);
    AT(folder, "", t, environ, 0);
    AT(plain, "below", t, environ, 0);
    AT(plain, "", t, environ, AT_EMPTY_PATH);
    AT(program, "", t, environ, AT_EMPTY_PATH);
    AT(program, "", t, environ, 0);
    AT(pinned, "", t, environ, AT_EMPTY_PATH);
    AT(closing, "", t, environ, AT_EMPTY_PATH);
    AT(script, "", t, environ, AT_EMPTY_PATH);
    TRY(fexecve(program, t, environ));
}

int main(void)
{
    char *t[] = {"true", "argument", NULL}, head[200];
    int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, head, sizeof head) != sizeof head || mkdir("folder", 0755) || symlink("loop", "loop") ||
        symlink("/bin/true", "link") || mkfifo("fifo", 0755))
        return 1;
    close(fd);
    text("plain", "", 0644);
    text("empty", "", 0755);
    text("script", "#!/bin/sh\necho \"$#\" \"$1\"\n", 0755);
    file("elf-head", "\177ELF\2\1\1", 7, 0755);
    file("elf-cut", head, sizeof head, 0755);
    paths(t);
    arguments(t);
    interpreters(t);
    by_descriptor(t);
    return 0;
}
