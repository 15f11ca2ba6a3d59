/* execve and execveat on a real listener with the ptrace machine behind: the facts of read(), and that nothing but what was
 * judged ever runs. The scratch policy: a path that ends in "denied", and the arguments X X "exit 1", are denied, everything else
 * allowed. */
#include "hands.h"
#include "buf.h"
#include "calls_tables.h"
#include "notify.h"
#include "proc.h"
#include "scratch.h"
#include "trace.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEN_MAX 64

static struct {
    struct scratch scratch;
    struct calls_env env;
    struct trace *trace;
    bool unverified; /* CONTINUE after the check, as a supervisor without the machine would */
    pthread_mutex_t lock;
    struct buf seen; /* one line a request */
    atomic_int ended;
    atomic_long ends[5];
} S;

static struct {
    atomic_int good, evil, killed, failed;
} *shared;

static char dir[] = "/tmp/exec-XXXXXX";

static void in_dir(char *to, const char *name)
{
    snprintf(to, 128, "%s/%s", dir, name);
}

static bool verify(struct trace_job *j, pid_t tgid)
{
    struct request *r = j->arg;
    return r->call->verify(&S.env, r, tgid);
}

static void done(struct trace_job *j, enum trace_end how)
{
    S.ends[how]++;
    request_free(j->arg);
    free(j);
}

static bool denied(const struct request *r)
{
    if (r->argc == 3 && !strcmp(r->argv[2], "exit 1"))
        return true;
    for (int i = 0; i < r->needs; i++) {
        const char *p = r->need[i].target.path;
        size_t n = strlen(p);
        if (n > 6 && !strcmp(p + n - 6, "denied"))
            return true;
    }
    return false;
}

static void note(const struct request *r)
{
    pthread_mutex_lock(&S.lock);
    for (int i = 0; i < r->needs; i++) {
        const struct target *t = &r->need[i].target;
        const char *slash = strrchr(t->path, '/');
        buf_printf(&S.seen, "%s%s ", t->kind == TARGET_ANONYMOUS ? "anonymous:" : "", slash ? slash + 1 : t->path);
    }
    buf_printf(&S.seen, "argc=%d native=%d refuse=%d\n", r->argc, r->native, r->refuse);
    pthread_mutex_unlock(&S.lock);
}

/* On a hand, which waits for file systems: a slow one that happens to be mounted here changes nothing. */
static void receiver(struct hand *self, void *arg)
{
    (void)self;
    (void)arg;
    for (;;) {
        struct notice n;
        int e = notify_receive(S.env.listener, &n);
        if (e == -EINTR || e == -ENOENT)
            continue;
        if (e)
            return;
        struct request *r = xcalloc(1, sizeof *r);
        *r = (struct request){.notice = n, .tid = n.tid, .moved_from = -1, .moved_to = -1, .process = procs_of(S.env.procs, n.tid)};
        r->call = calls_find(&n);
        enum next next = r->process ? r->call->read(&S.env, r) : NEXT_GONE;
        if (next == NEXT_PASS)
            notify_continue(S.env.listener, n.id, r->call->pass);
        if (next != NEXT_JUDGE || !notify_valid(S.env.listener, n.id)) {
            request_free(r);
            continue;
        }
        note(r);
        int errnum = r->refuse ? r->refuse : denied(r) ? EPERM : r->native;
        if (errnum || S.unverified) {
            if (errnum)
                notify_error(S.env.listener, n.id, errnum);
            else
                notify_continue(S.env.listener, n.id, CONTINUE_LOG_MODE);
            request_free(r);
            continue;
        }
        struct trace_job *j = xcalloc(1, sizeof *j);
        *j = (struct trace_job){.id = n.id, .tid = n.tid, .tgid = r->process->pid, .verify = verify, .done = done, .arg = r};
        trace_exec(S.trace, j);
    }
}

static void ended(void *arg, int status)
{
    S.ended = status;
}

static void copy_program(const char *from, const char *name, mode_t mode)
{
    char cmd[300], to[128];
    in_dir(to, name);
    snprintf(cmd, sizeof cmd, "cp %s %s && chmod %o %s", from, to, (unsigned)mode, to);
    cr_assert_eq(system(cmd), 0);
}

/* /bin/true with another PT_INTERP: a short path, so that it fits in place of the system's loader's. */
static void make_loads_denied(void)
{
    copy_program("/bin/true", "loads-another", 0755);
    char path[128], link[128], text[65536];
    in_dir(path, "evil-denied");
    snprintf(link, sizeof link, "/tmp/%.10s", strrchr(dir, '/') + 1); /* /tmp/exec-XXXXX: one letter less */
    cr_assert_eq(symlink(path, link), 0);
    in_dir(path, "loads-another");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text);
    char *at = memmem(text, (size_t)n, "/lib64/ld-linux", 15);
    cr_assert_not_null(at);
    cr_assert_eq(pwrite(fd, link, strlen(link) + 1, at - text), (ssize_t)strlen(link) + 1);
    close(fd);
}

static void write_script(const char *name, const char *fmt, const char *interpreter)
{
    char to[128];
    in_dir(to, name);
    FILE *f = fopen(to, "we");
    fprintf(f, fmt, dir, interpreter);
    fclose(f);
    chmod(to, 0755);
}

static void run(void (*agent)(void))
{
    cr_assert_not_null(mkdtemp(dir));
    chmod(dir, 0755);
    copy_program("/bin/true", "good", 0755);
    copy_program("/bin/false", "evil-denied", 0755);
    copy_program("/bin/true", "unreadable", 0111);
    copy_program("/bin/true", "no-x", 0644);
    make_loads_denied();
    write_script("garbage", "nothing the kernel knows %s%s", "");
    write_script("bad-interpreter", "#!%s/nowhere%s\n", "");
    write_script("s1", "#!%s/good%s\n", "");
    for (int i = 2; i <= 6; i++) {
        char name[8], last[8];
        snprintf(name, sizeof name, "s%d", i);
        snprintf(last, sizeof last, "s%d", i - 1);
        write_script(name, "#!%s/%s an argument\n", last);
    }
    write_script("script-of-denied", "#!%s/evil-denied%s\n", "");
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    calls_prepare(NULL);
    S.ended = -1;
    pthread_mutex_init(&S.lock, NULL);
    scratch_start(&S.scratch, (int[]){SYS_execve, SYS_execveat}, 2, agent);
    S.env = (struct calls_env){.listener = S.scratch.listener, .procs = procs_new(getpid()), .enforce = true, .supervisor = getpid()};
    procs_root(S.env.procs, S.scratch.agent);
    struct trace_ops ops = {.agent_ended = ended};
    S.trace = trace_start(S.env.listener, S.scratch.agent, &ops);
    cr_assert_not_null(S.trace);
    cr_assert_eq(hands_submit(hands_new(), receiver, NULL), 0);
    scratch_go(&S.scratch);
    for (int i = 0; i < 50000 && S.ended == -1; i++)
        usleep(1000);
    if (S.ended == -1)
        kill(S.scratch.agent, SIGKILL);
    trace_stop(S.trace);
    char cmd[64];
    snprintf(cmd, sizeof cmd, "rm -rf %s /tmp/%.10s", dir, strrchr(dir, '/') + 1);
    cr_assert_eq(system(cmd), 0);
}

static bool saw(const char *line)
{
    BUF_AUTO with_newline = {0};
    buf_printf(&with_newline, "%s\n", line);
    return S.seen.data && strstr(S.seen.data, with_newline.data);
}

/* ---- what is seen, and how it ends */

static void expect(const char *name, int errnum)
{
    char path[128];
    in_dir(path, name);
    pid_t p = fork();
    if (!p) {
        char *argv[] = {(char *)"x", (char *)"one", NULL};
        char *envp[] = {NULL};
        execve(path, argv, envp);
        _exit(errno);
    }
    int status;
    waitpid(p, &status, 0);
    if (status != errnum << 8)
        dprintf(2, "%s: status %x, expected errno %d\n", name, status, errnum), shared->failed++;
}

static void expect_fd(int fd, const char *path, int flags, int errnum)
{
    pid_t p = fork();
    if (!p) {
        char *argv[] = {(char *)"x", NULL};
        syscall(SYS_execveat, fd, path, argv, NULL, flags);
        _exit(errno);
    }
    int status;
    waitpid(p, &status, 0);
    if (status != errnum << 8)
        dprintf(2, "fd %s: status %x, expected errno %d\n", path, status, errnum), shared->failed++;
}

static void agent_each_kind(void)
{
    expect("good", 0);
    expect("missing", ENOENT);
    expect("good/below", ENOTDIR);
    expect("no-x", EACCES);
    expect(".", EACCES);
    expect("garbage", ENOEXEC);
    expect("bad-interpreter", ENOENT);
    expect("evil-denied", EPERM);
    expect("missing-denied", EPERM);
    expect("script-of-denied", EPERM);
    expect("s1", 0);
    expect("s3", 0);
    expect("s5", 0);
    expect("s6", ELOOP);
    if (geteuid())
        expect("unreadable", EACCES);

    char path[128];
    in_dir(path, "good");
    int file = open(path, O_RDONLY | O_CLOEXEC), folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    expect_fd(file, "", AT_EMPTY_PATH, 0);
    expect_fd(file, "", 0, ENOENT);
    expect_fd(folder, "good", 0, 0);
    expect_fd(folder, "evil-denied", 0, EPERM);
    expect_fd(12345, "good", 0, EBADF);
    expect_fd(folder, "good", 0x4000000, EINVAL);
    in_dir(path, "link");
    if (symlink("good", path))
        shared->failed++;
    expect_fd(folder, "link", AT_SYMLINK_NOFOLLOW, ELOOP);
    int memory = (int)syscall(SYS_memfd_create, "x", 0);
    char text[1 << 16];
    ssize_t n;
    while ((n = read(file, text, sizeof text)) > 0)
        if (write(memory, text, (size_t)n) != n)
            shared->failed++;
    /* A memfd that is open for writing cannot be run: it is passed on through a descriptor that is not. */
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    int again = open(path, O_RDONLY);
    close(memory);
    expect_fd(again, "", AT_EMPTY_PATH, 0);

    pid_t p = fork();
    if (!p) {
        char loader[] = "/lib64/ld-linux-x86-64.so.2", evil[128];
        in_dir(evil, "evil-denied");
        execl(loader, "ld.so", "--argv0", "x", evil, (char *)NULL);
        if (errno != EPERM)
            _exit(1);
        execl(loader, "ld.so", "--library-path", dir, "evil-denied", (char *)NULL);
        if (errno != EACCES)
            _exit(2);
        in_dir(evil, "good");
        execl(loader, "ld.so", evil, (char *)NULL);
        _exit(3);
    }
    int status;
    waitpid(p, &status, 0);
    if (status)
        dprintf(2, "ld.so: %x\n", status), shared->failed++;

    /* A program that names a denied one as its loader. */
    expect("loads-another", EPERM);

    static char big[4 << 20];
    memset(big, 'a', sizeof big - 1);
    p = fork();
    if (!p) {
        in_dir(path, "good");
        execl(path, "x", big, (char *)NULL);
        _exit(errno);
    }
    waitpid(p, &status, 0);
    if (status != E2BIG << 8)
        dprintf(2, "big: %x\n", status), shared->failed++;

    /* More arguments than are kept, and one that is longer than what is kept. */
    p = fork();
    if (!p) {
        static char *many[5001];
        for (int i = 0; i < 5000; i++)
            many[i] = (char *)"arg";
        in_dir(path, "good");
        if (!fork())
            execv(path, many);
        int st;
        wait(&st);
        if (st)
            _exit(1);
        big[100000] = 0;
        execl(path, "x", big, "y", (char *)NULL);
        _exit(2);
    }
    waitpid(p, &status, 0);
    if (status)
        dprintf(2, "many: %x\n", status), shared->failed++;
    char *none[] = {NULL};
    p = fork();
    if (!p) {
        execve(path, none, none);
        _exit(errno);
    }
    waitpid(p, &status, 0);
    in_dir(path, "good");
    p = fork();
    if (!p) {
        execve(path, none, none);
        _exit(errno);
    }
    waitpid(p, &status, 0);
    if (status)
        dprintf(2, "no argv: %x\n", status), shared->failed++;
    p = fork();
    if (!p) {
        syscall(SYS_execve, path, 8L, NULL);
        _exit(errno);
    }
    waitpid(p, &status, 0);
    if (status != EFAULT << 8)
        dprintf(2, "bad argv: %x\n", status), shared->failed++;
}

Test(exec, each_kind, .timeout = 60)
{
    run(agent_each_kind);
    cr_expect_eq(S.ended, 0);
    cr_expect_eq(shared->failed, 0);
    cr_expect_eq(S.ends[TRACE_KILLED] + S.ends[TRACE_DENIED] + S.ends[TRACE_GONE], 0);
    cr_expect(saw("good argc=2 native=0 refuse=0"), "%s", S.seen.data);
    cr_expect(saw("missing argc=2 native=2 refuse=0"));
    cr_expect(saw("s3 s2 s1 good argc=2 native=0 refuse=0"));
    cr_expect(saw("s6 s5 s4 s3 s2 s1 argc=2 native=40 refuse=0"));
    cr_expect(saw("script-of-denied evil-denied argc=2 native=0 refuse=0"));
    cr_expect(saw("loads-another evil-denied argc=2 native=0 refuse=0"));
    cr_expect(strstr(S.seen.data, "anonymous:"));
}

/* ---- races. Two threads flip what the third one passes to execve, between what is allowed and what is not. */

static char racing_path[128], racing_arg[16];
static atomic_int racing;
#define SEEN_BY_OTHERS() __asm__ volatile("" ::: "memory") /* else the first store of the two is left out */

static void *flip_path(void *arg)
{
    char good[16] = "good", evil[16] = "evil-denied", *at = strrchr(racing_path, '/') + 1;
    while (racing) {
        memcpy(at, evil, sizeof evil);
        SEEN_BY_OTHERS();
        memcpy(at, good, sizeof good);
        SEEN_BY_OTHERS();
    }
    return NULL;
}

static void *flip_arg(void *arg)
{
    while (racing) {
        racing_arg[5] = '1';
        SEEN_BY_OTHERS();
        racing_arg[5] = '0';
        SEEN_BY_OTHERS();
    }
    return NULL;
}

/* On a busy machine the other thread may hardly run: go on until the race has been one. */
static bool raced(void)
{
    return S.unverified ? shared->evil > 0 : shared->killed > 0 && shared->good > 0;
}

static void race(void *(*flip)(void *), const char *program, int tries)
{
    in_dir(racing_path, program);
    strcpy(racing_arg, "exit 0");
    for (int i = 0; i < tries || (i < 10 * tries && !raced()); i++) {
        pid_t p = fork();
        if (!p) {
            racing = 1;
            pthread_t t;
            pthread_create(&t, NULL, flip, NULL);
            usleep(1 + (unsigned)i % 50);
            for (int k = 0; k < 20; k++)
                execl(racing_path, "x", "-c", racing_arg, (char *)NULL);
            _exit(42);
        }
        int status;
        waitpid(p, &status, 0);
        if (WIFSIGNALED(status))
            shared->killed++;
        else if (!status)
            shared->good++;
        else if (WEXITSTATUS(status) == 1)
            shared->evil++;
    }
}

static void agent_path_race(void)
{
    race(flip_path, "good", 500);
}

static void agent_arg_race(void)
{
    race(flip_arg, "../../bin/sh", 400);
}

Test(exec, a_path_that_is_flipped_runs_unverified, .timeout = 60)
{
    S.unverified = true;
    run(agent_path_race);
    cr_expect_gt(shared->evil, 0, "the race must be one: good %d", shared->good);
}

Test(exec, a_path_that_is_flipped_never_runs_verified, .timeout = 60)
{
    run(agent_path_race);
    cr_log_info("good %d killed %d evil %d", shared->good, shared->killed, shared->evil);
    cr_expect_eq(S.ended, 0);
    cr_expect_eq(shared->evil, 0);
    cr_expect_gt(shared->killed, 0);
    cr_expect_gt(shared->good, 0);
}

Test(exec, arguments_that_are_flipped_are_those_that_were_judged, .timeout = 60)
{
    run(agent_arg_race);
    cr_log_info("good %d killed %d evil %d", shared->good, shared->killed, shared->evil);
    cr_expect_eq(S.ended, 0);
    cr_expect_eq(shared->evil, 0);
    cr_expect_gt(shared->killed, 0);
    cr_expect_gt(shared->good, 0);
}

Test(exec, arguments_that_are_flipped_pass_unverified, .timeout = 60)
{
    S.unverified = true;
    run(agent_arg_race);
    cr_expect_gt(shared->evil, 0, "the race must be one: good %d", shared->good);
}
