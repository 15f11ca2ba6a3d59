/* exec_ways PROGRAM FOLDER: runs PROGRAM by every way that there is, one line a way: its exit status, or the errno. FOLDER is for
 * what the ways need. With a third argument only that way. PROGRAM should end with status 0 at once. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *program, *folder;
static char *const argv1[] = {"x", NULL};
extern char **environ;

static void plain(void)
{
    execve(program, argv1, environ);
}

static void with_fd(void)
{
    fexecve(open(program, O_RDONLY | O_CLOEXEC), argv1, environ);
}

static void with_o_path(void)
{
    syscall(SYS_execveat, open(program, O_PATH | O_CLOEXEC), "", argv1, environ, AT_EMPTY_PATH);
}

static void below_folder(void)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", program);
    char *slash = strrchr(copy, '/');
    *slash = 0;
    syscall(SYS_execveat, open(copy, O_RDONLY | O_DIRECTORY), slash + 1, argv1, environ, 0);
}

static void through_proc(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", open(program, O_RDONLY));
    execve(path, argv1, environ);
}

static void through_symlink(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/link", folder);
    if (symlink(program, path) && errno != EEXIST)
        return;
    execve(path, argv1, environ);
}

static void through_hard_link(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/hard", folder);
    if (link(program, path) && errno != EEXIST)
        return;
    execve(path, argv1, environ);
}

static void as_interpreter(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/script", folder);
    FILE *f = fopen(path, "we");
    if (!f)
        return;
    fprintf(f, "#! %s  an argument\n", program);
    fclose(f);
    chmod(path, 0755);
    execve(path, argv1, environ);
}

static void three_deep(void)
{
    char path[4096], last[4096];
    snprintf(last, sizeof last, "%s", program);
    for (int i = 1; i <= 3; i++) {
        snprintf(path, sizeof path, "%s/chain%d", folder, i);
        FILE *f = fopen(path, "we");
        if (!f)
            return;
        fprintf(f, "#!%s\n", last);
        fclose(f);
        chmod(path, 0755);
        snprintf(last, sizeof last, "%s", path);
    }
    execve(path, argv1, environ);
}

static void through_loader(void)
{
    execl("/lib64/ld-linux-x86-64.so.2", "ld.so", "--argv0", "x", program, (char *)NULL);
}

static void *thread(void *arg)
{
    plain();
    _exit(errno);
}

static void other_thread(void)
{
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    for (;;)
        pause();
}

static void three_threads(void)
{
    pthread_t t;
    for (int i = 0; i < 2; i++)
        pthread_create(&t, NULL, thread, NULL);
    plain();
}

static void by_vfork(void)
{
    pid_t p = vfork();
    if (!p) {
        pid_t q = vfork();
        if (!q) {
            plain();
            _exit(errno);
        }
        plain();
        _exit(errno);
    }
    int st;
    waitpid(p, &st, 0);
    _exit(WIFEXITED(st) ? WEXITSTATUS(st) : 126);
}

static void by_spawn(void)
{
    pid_t p;
    int e = posix_spawn(&p, program, NULL, NULL, argv1, environ), st;
    if (e)
        _exit(e);
    waitpid(p, &st, 0);
    _exit(WIFEXITED(st) ? WEXITSTATUS(st) : 126);
}

static void memory_file(void)
{
    int from = open(program, O_RDONLY), to = memfd_create("x", 0);
    char text[65536];
    ssize_t n;
    while ((n = read(from, text, sizeof text)) > 0)
        if (write(to, text, n) != n)
            return;
    snprintf(text, sizeof text, "/proc/self/fd/%d", to);
    int again = open(text, O_RDONLY | O_CLOEXEC);
    close(to);
    fexecve(again, argv1, environ);
}

static void too_big(void)
{
    static char big[4 << 20];
    memset(big, 'a', sizeof big - 1);
    execl(program, "x", big, (char *)NULL);
}

static void bad_pointers(void)
{
    syscall(SYS_execve, program, 8L, environ);
}

static void empty(void)
{
    execve("", argv1, environ);
}

static void six_deep(void)
{
    char path[4096], last[4096];
    snprintf(last, sizeof last, "%s", program);
    for (int i = 1; i <= 6; i++) {
        snprintf(path, sizeof path, "%s/deep%d", folder, i);
        FILE *f = fopen(path, "we");
        if (!f)
            return;
        fprintf(f, "#!%s\n", last);
        fclose(f);
        chmod(path, 0755);
        snprintf(last, sizeof last, "%s", path);
    }
    execve(path, argv1, environ);
}

static void no_format(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/noformat", folder);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
    execve(path, argv1, environ);
}

static const struct {
    const char *name;
    void (*run)(void);
} ways[] = {
    {"execve", plain},
    {"fexecve", with_fd},
    {"o_path", with_o_path},
    {"execveat", below_folder},
    {"proc", through_proc},
    {"symlink", through_symlink},
    {"hardlink", through_hard_link},
    {"interpreter", as_interpreter},
    {"chain", three_deep},
    {"loader", through_loader},
    {"thread", other_thread},
    {"threads", three_threads},
    {"vfork", by_vfork},
    {"spawn", by_spawn},
    {"memfd", memory_file},
    /* These fail by themselves. */
    {"toobig", too_big},
    {"badpointer", bad_pointers},
    {"emptypath", empty},
    {"sixdeep", six_deep},
    {"noformat", no_format},
};

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    program = argv[1];
    folder = argv[2];
    setbuf(stdout, NULL);
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (argc > 3 && strcmp(argv[3], ways[i].name))
            continue;
        int p[2], e = 0, st;
        if (pipe2(p, O_CLOEXEC))
            return 1;
        pid_t pid = fork();
        if (!pid) {
            ways[i].run();
            e = errno;
            if (write(p[1], &e, sizeof e) != sizeof e)
                _exit(1);
            _exit(e);
        }
        close(p[1]);
        if (read(p[0], &e, sizeof e) != sizeof e)
            e = 0;
        close(p[0]);
        waitpid(pid, &st, 0);
        printf("%s %s %d\n", ways[i].name, e ? "errno" : WIFEXITED(st) ? "status" : "signal",
               e ? e : WIFEXITED(st) ? WEXITSTATUS(st) : WTERMSIG(st));
    }
    return 0;
}
