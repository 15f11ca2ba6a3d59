#include "session.h"
#include "answers.h"
#include "baseline.h"
#include "buf.h"
#include "calls_tables.h"
#include "clock.h"
#include "fd.h"
#include "front_link.h"
#include "hands.h"
#include "landlock.h"
#include "log.h"
#include "needs.h"
#include "own.h"
#include "rights.h"
#include "settle.h"
#include "summary.h"
#include "trap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#define X32_BIT 0
#endif

struct session {
    const struct session_config *c;
    struct stage stage;
    struct launched agent;
    struct front_link front;
    pthread_t receiver;
    int wake;                /* eventfd: something below changed */
    _Atomic bool ended;      /* the agent's first process is gone, `status` is its wait status */
    _Atomic int status;
    _Atomic bool alone;      /* no child is left */
    _Atomic bool stop;       /* a user said: stop the agent */
};

/* ---- one notification */

static const struct call foreign_call = {.nr = -1, .name = "foreign", .unseen = true};
static const struct call unknown_call = {.nr = -1, .name = "unknown"};

/* i386 through int 0x80 or an i386 program, or x32: another table of numbers, so nothing of ours would hold there. */
static bool foreign(const struct notice *n)
{
    return n->arch != NATIVE_ARCH || (X32_BIT && (n->nr & X32_BIT));
}

static struct request *begin(struct session *s, const struct notice *n)
{
    struct request *r = xcalloc(1, sizeof *r);
    r->moved_from = r->moved_to = -1;
    r->notice = *n;
    r->tid = n->tid;
    r->received_ns = now_ns();
    inject_called(&s->stage.inject, r->tid, r->received_ns);
    r->process = procs_of(s->stage.env.procs, n->tid);
    return r;
}

static enum next read_facts(struct session *s, struct request *r)
{
    if (foreign(&r->notice)) {
        r->call = &foreign_call;
        r->refuse = ENOSYS;
        r->why = "made through another architecture's calls (i386 or x32)";
        return NEXT_JUDGE;
    }
    r->call = calls_find(&r->notice);
    if (!r->call) {
        r->call = &unknown_call;
        r->refuse = ENOSYS;
        r->why = "no row of ours knows this call";
        return NEXT_JUDGE;
    }
    return r->call->read(&s->stage.env, r);
}

/* Log mode: the kernel goes on at once; what was read before is written down afterwards. */
static void note(struct session *s, struct request *r, enum next next)
{
    if (!r->cwd && next == NEXT_JUDGE) /* not of a chdir: it is not over when it asks */
        r->cwd = procs_cwd(s->stage.env.procs, r->tid);
    if (r->later) /* what lies on a slow file system is read on a hand, while the caller still waits */
        settle_later(&s->stage, r);
    else if (settle_let_go(&s->stage, r, next) && next == NEXT_JUDGE)
        settle_judge(&s->stage, r, true);
    else
        request_free(r);
}

/* Its /proc cannot be read: nothing can be known of the caller. */
static void unreadable(struct session *s, const struct notice *n)
{
    struct stage *st = &s->stage;
    const struct call *call = calls_find(n);
    const char *why = settle_used_up(EMFILE);
    STR_AUTO fields = xasprintf("\"tid\":%d,\"syscall\":\"%s\",\"decision\":\"%s\",\"why\":\"%s\"", n->tid, call ? call->name : "unknown",
                                st->mode == MODE_LOG ? "allow" : "deny", why ? why : "its /proc could not be read");
    if (st->mode == MODE_LOG)
        notify_continue(st->env.listener, n->id, CONTINUE_LOG_MODE);
    else
        notify_error(st->env.listener, n->id, EACCES);
    audit_event(st->audit, "unreadable", fields);
}

static void on_notice(struct session *s, const struct notice *n)
{
    struct stage *st = &s->stage;
    rights_turn();
    struct request *r = begin(s, n);
    if (!r->process) {
        if (notify_valid(st->env.listener, n->id))
            unreadable(s, n);
        request_free(r);
        return;
    }
    bool switched = rights_differ();
    if (switched && rights_assume(n->tid)) {
        rights_restore();
        r->call = &unknown_call;
        settle_error(st, r, EACCES, "the caller's rights could not be assumed");
        return;
    }
    enum next next = read_facts(s, r);
    if (switched)
        rights_restore();
    if (st->mode == MODE_LOG && next != NEXT_GONE) {
        note(s, r, next);
        return;
    }
    /* Only now is it certain that all that was read belonged to this call's caller. (In log mode the answer itself tells.) */
    if (next == NEXT_GONE || !notify_valid(st->env.listener, n->id)) {
        request_free(r);
        return;
    }
    settle_read(st, r, next, true);
}

static void *receiver(void *arg)
{
    struct session *s = arg;
    /* A umask and a working folder of its own: creations are made with the caller's umask. */
    if (unshare(CLONE_FS))
        abort(); /* as in hands.c */
    rights_thread_start();
    for (;;) {
        struct notice n;
        int e = notify_receive(s->stage.env.listener, &n);
        if (e == 0) {
            s->stage.acting++;
            on_notice(s, &n);
            s->stage.acting--;
        } else if (e != -EINTR && e != -ENOENT)
            return NULL; /* no task is left that could be trapped */
    }
}

/* ---- the agent's life, told by the ptrace machine */

static void wake(struct session *s)
{
    uint64_t one = 1;
    if (write(s->wake, &one, sizeof one) < 0)
        return; /* full: it is awake anyway */
}

static void on_stopped(void *arg, int sig)
{
    struct session *s = arg;
    front_tell_stopped(&s->front, s->agent.pid, sig);
}

static void on_continued(void *arg)
{
    struct session *s = arg;
    front_tell_continued(&s->front);
}

static void on_ended(void *arg, int status)
{
    struct session *s = arg;
    s->status = status;
    s->ended = true;
    wake(s);
}

static void on_reaped(void *arg, pid_t pid)
{
    struct session *s = arg;
    procs_gone(s->stage.env.procs, pid);
}

static void on_last_child(void *arg)
{
    struct session *s = arg;
    s->alone = true;
    wake(s);
}

static void on_stop_agent(void *arg)
{
    /* The approval system's callbacks all get the stage. */
    struct session *s = (struct session *)((char *)arg - offsetof(struct session, stage));
    s->stop = true;
    wake(s);
}

/* ---- the end */

/* Waiting is the ptrace machine's. */
static void end_tree(struct session *s)
{
    for (int i = 0; !s->alone && i < 50000; i++) {
        front_kill_children(0, false);
        struct timespec t = {0, 200000};
        nanosleep(&t, NULL);
    }
}

static bool children_left(void)
{
    siginfo_t si = {0};
    /* WNOWAIT | WNOHANG reaps nothing, so it is no wait in the ptrace machine's way. ECHILD: none. */
    return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

/* The status to end with when the first exec did not happen: ours (125..127), else the agent's own. */
static int final_status(struct session *s, int *ours)
{
    *ours = 0;
    int e = launch_exec_error(&s->agent);
    if (!e)
        return s->status;
    *ours = 1;
    bool denied = (e == EACCES || e == EPERM) && summary_denied(s->stage.summary);
    log_warn("%s: %s", s->c->argv[0], denied ? "denied by the policy" : strerror(e));
    return (e == ENOENT ? 127 : 126) << 8;
}

static void summary(struct session *s, int status)
{
    struct audit_totals totals;
    audit_totals(s->stage.audit, &totals);
    if (!s->c->quiet || s->c->json)
        summary_print(s->stage.summary, s->c->policy->advice, s->c->name, s->c->mode, s->c->audit_path, &totals, status, s->c->json);
}

/* Whoever was answered just before the end may not be in the log yet: replies come first, records after. What hangs for good
 * (an act on a dead disk) is not waited for. */
static void finish(struct session *s, int status)
{
    for (int i = 0; s->stage.acting > 0 && i < 10000; i++) {
        struct timespec t = {0, 200000};
        nanosleep(&t, NULL);
    }
    audit_flush(s->stage.audit);
    audit_last(s->stage.audit, status, NULL);
}

/* ---- the front */

/* false: the front has gone. */
static bool on_front(struct session *s)
{
    int what = front_link_turn(&s->front, s->agent.pid);
    if (what == FRONT_SIGNAL || what == FRONT_NUDGE)
        trace_nudge(s->stage.trace);
    return what >= 0;
}

/* ---- the start */

/* What the kernel holds by itself (landlock.h), and what only the supervisor does. */
static void features(struct session *s, struct buf *b)
{
    buf_printf(b, ",\"features\":{\"sync_wake_up\":%s,\"landlock_abi\":%d", notify_sync_wakes() ? "true" : "false", landlock_abi());
    static const char *const sides[] = {",\"kernel_holds\":[", "],\"supervisor_only\":["};
    for (unsigned side = 0; side < 2; side++) {
        const char *comma = "";
        buf_puts(b, sides[side]);
        for (int i = 0; i < LANDLOCK_PARTS; i++)
            if (((s->agent.landlock & landlock_parts[i].bit) == 0) == side) {
                buf_printf(b, "%s\"%s\"", comma, landlock_parts[i].name);
                comma = ",";
            }
    }
    buf_puts(b, "]}");
}

static void first_line(struct session *s)
{
    const struct session_config *c = s->c;
    struct utsname u;
    uname(&u);
    audit_policy(s->stage.audit, c->policy->source, c->policy->source_len);
    BUF_AUTO b = {0};
    buf_puts(&b, "\"version\":\"" VERSION "\",\"kernel\":");
    json_str(&b, u.release);
    json_key(&b, "policy");
    json_str(&b, c->policy->name);
    json_key(&b, "baseline");
    json_str(&b, c->baseline->name);
    json_key(&b, "policy_files");
    buf_putc(&b, '[');
    for (char **f = c->policy->files; f && *f; f++) {
        if (f != c->policy->files)
            buf_putc(&b, ',');
        json_str(&b, *f);
    }
    buf_puts(&b, "],\"workspace\":");
    json_str(&b, c->places->workspace);
    json_key(&b, "home"); /* with the workspace: what `policy generate` turns into variables again */
    json_str(&b, c->places->home);
    json_key(&b, "tmpdir");
    json_str(&b, c->places->tmpdir);
    buf_printf(&b, ",\"uid\":%u", getuid());
    features(s, &b);
    json_key(&b, "command");
    buf_putc(&b, '[');
    for (char **a = c->argv; *a; a++) {
        if (a != c->argv)
            buf_putc(&b, ',');
        json_str(&b, *a);
    }
    buf_putc(&b, ']');
    audit_first(s->stage.audit, b.data);
}

static void start_line(struct session *s)
{
    const struct session_config *c = s->c;
    const char *hint = s->stage.approval ? approval_hint(s->stage.approval) : NULL;
    log_note("%s: mode %s, policy %s%s%s, audit %s", c->name, mode_names[c->mode], c->policy->name, hint ? ", " : "",
             hint ? hint : "", c->audit_path);
    if (c->policy->project_note)
        log_note("%s", c->policy->project_note);
    log_debug("workspace %s, home %s, baseline %s, program %s", c->places->workspace, c->places->home, c->baseline->name, c->path);
    for (char **f = c->policy->files; f && *f; f++)
        log_debug("policy file %s", *f);
    for (int i = 0; c->mode == MODE_ENFORCE && i < LANDLOCK_PARTS; i++)
        log_debug("Landlock, %s: %s", landlock_parts[i].name,
                  s->agent.landlock & landlock_parts[i].bit ? landlock_parts[i].what : "not here; only the supervisor holds that");
}

static void die(struct session *s, const struct err *err) __attribute__((noreturn));
static void die(struct session *s, const struct err *err)
{
    log_warn("%s", err->text);
    if (s->agent.pid > 0) {
        kill(s->agent.pid, SIGKILL);
        waitpid(s->agent.pid, NULL, __WALL); /* or the ptrace machine has it */
    }
    front_tell_exit(&s->front, err->status << 8, FRONT_OURS);
    _exit(err->status);
}

/* What enforce rests on, looked at once more in the launcher itself before anything runs. */
static int self_test(struct session *s, struct err *err)
{
    struct proc_ids ids;
    if (proc_status(s->agent.pid, &ids))
        return err_set(err, 0, "the agent's /proc/PID/status cannot be read; enforce cannot supervise it");
    if (ids.seccomp != 2)
        return err_set(err, 0, "the agent runs without our filter (Seccomp: %d in its status)", ids.seccomp);
    if (s->c->mode == MODE_ENFORCE && !ids.no_new_privs)
        return err_set(err, 0, "the agent could gain privileges (NoNewPrivs: 0 in its status)");
    if (needs_memory(s->agent.pid, err))
        return -1;
    if (s->c->mode != MODE_ENFORCE)
        return 0;
    int fd = -1;
    if (needs_getfd(s->agent.pid, 0, &fd, err) || needs_ptrace(s->agent.pid, err))
        return -1;
    fd_close(&fd);
    return 0;
}

/* The policy's debug: allow, "within the tree": ptrace and its kin are then left to the kernel, so only where Landlock keeps
 * them inside. */
static bool debug_allow(const struct session_config *c)
{
    return c->policy->debug_allow && landlock_abi() > 0;
}

static int launch(struct session *s, struct err *err)
{
    const struct session_config *c = s->c;
    bool enforce = c->mode == MODE_ENFORCE;
    struct filter filter;
    if (needs_notify(err) || needs_yama(err) || needs_openat2(err))
        return -1;
    struct trap_config tc = {.enforce = enforce,
                             .baseline = c->baseline,
                             .privileged = rights_can_differ(),
                             .scoped = landlock_can(landlock_abi()) & LANDLOCK_SCOPES,
                             .debug_allow = debug_allow(c)};
    if (trap_build(&tc, &filter, err))
        return -1;
    struct launch l = {.argv = c->argv,
                       .path = c->path,
                       .envp = c->envp,
                       .filter = &filter,
                       .mask = &c->mask,
                       .keep_caps = enforce ? rights_agent_caps() : ~(uint64_t)0,
                       .no_new_privs = enforce,
                       .landlock = enforce,
                       .new_session = !c->keeper,
                       .nofile = c->nofile};
    int r = launch_start(&l, &s->agent, err);
    filter_free(&filter);
    if (r && err->errnum == EBUSY)
        err_set(err, 0, "already supervised by another program: the kernel allows one listener, and this process has one");
    fd_close_inherited();
    return r;
}

static int prepare(struct session *s, struct err *err)
{
    const struct session_config *c = s->c;
    struct stage *st = &s->stage;
    calls_prepare(c->baseline->rows);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (launch(s, err) || audit_ready(c->audit, err)) /* the scribe got ready while we built the filter */
        return -1;
    rights_init(c->mode == MODE_ENFORCE);
    st->mode = c->mode;
    st->policy = c->policy;
    st->audit = c->audit;
    st->grants = grants_new();
    if (c->answers && answers_load(c->answers, c->places, st->grants, err))
        return -1;
    st->summary = summary_new();
    st->env = (struct calls_env){.listener = s->agent.listener,
                                 .procs = procs_new(getpid()),
                                 .enforce = c->mode == MODE_ENFORCE,
                                 .baseline = c->baseline,
                                 .debug_allow = debug_allow(c),
                                 .supervisor = getpid(),
                                 .owned = owned_new(policy_mentions_own(c->policy))};
    procs_root(st->env.procs, s->agent.pid);
    int e = notify_prepare(s->agent.listener);
    if (e)
        return err_set(err, -e, "preparing the listener");
    if (self_test(s, err))
        return -1;
    s->wake = fd_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    st->hands = hands_new();
    st->waits = waits_new();
    st->lines = lines_new();
    struct trace_ops ops = {.agent_stopped = on_stopped,
                            .agent_continued = on_continued,
                            .agent_ended = on_ended,
                            .reaped = on_reaped,
                            .last_child = on_last_child,
                            .arg = s};
    st->trace = trace_start(s->agent.listener, s->agent.pid, &ops);
    if (!st->trace)
        return err_set(err, errno, "starting the ptrace machine");
    struct approval_config ac = {.session = c->name,
                                 .socket = c->socket,
                                 .how = c->approval,
                                 .timeout_ms = c->approval_timeout_ms,
                                 .console_fd = c->console_fd,
                                 .desktop_fd = c->desktop_fd,
                                 .has_terminal = c->has_terminal,
                                 .home = c->places->home,
                                 .answers = c->answers,
                                 .policy = c->policy,
                                 .grants = st->grants,
                                 .trace = st->trace,
                                 .audit = c->audit,
                                 .ops = settle_approval_ops(st)};
    ac.ops.stop_agent = on_stop_agent;
    if (c->mode == MODE_ENFORCE && approval_start(&ac, &st->approval, err))
        return -1;
    int failed = pthread_create(&s->receiver, NULL, receiver, s);
    return failed ? err_set(err, failed, "starting the receiver") : 0;
}

void session_run(struct session_config *c)
{
    struct session *s = xcalloc(1, sizeof *s);
    s->c = c;
    front_link_init(&s->front, c->front_sock, c->front, c->keeper);
    struct err err;
    if (prepare(s, &err))
        die(s, &err);
    first_line(s);
    start_line(s);
    front_tell_agent(&s->front, s->agent.pid);
    launch_go(&s->agent);

    bool told = false; /* the front knows how the command ended, or there is none any more */
    while (!s->alone) {
        struct pollfd q[] = {{s->wake, POLLIN, 0},
                             {audit_poll_fd(c->audit), POLLIN, 0},
                             {s->front.sock, POLLIN, 0},
                             {s->front.front_fd, POLLIN, 0},
                             {s->front.shell_fd, POLLIN, 0}};
        if (poll(q, 5, -1) < 0)
            continue;
        uint64_t count;
        if (q[0].revents && read(s->wake, &count, sizeof count) < 0)
            continue;
        if (q[1].revents)
            audit_turn(c->audit);
        if (q[4].revents) {
            front_link_shell_died(&s->front, s->agent.pid);
            fd_close(&s->front.shell_fd);
        }
        bool front_died = (q[2].revents && !on_front(s)) || q[3].revents;
        if (front_died && !told && c->mode != MODE_LOG)
            break; /* the shell's side of us was killed: nobody could stop the agent any more */
        if (front_died) {
            if (!told)
                kill(s->agent.pid, SIGKILL); /* who killed the front meant the command */
            told = true;
            front_link_close(&s->front);
        }
        if (s->stop)
            break;
        if (s->ended && !told) {
            if ((c->mode != MODE_LOG && !c->linger) || !children_left())
                break;
            /* What the command left running goes on, and so do we; the shell's prompt comes now. */
            int ours, status = final_status(s, &ours);
            summary(s, status);
            log_close();
            front_tell_exit(&s->front, status, (ours ? FRONT_OURS : 0) | FRONT_LIVES_ON);
            told = true;
        }
    }
    if (!(c->mode == MODE_LOG && s->ended) || s->stop)
        end_tree(s);
    int ours = 0, status = s->ended ? final_status(s, &ours) : SIGKILL;
    if (s->stage.approval)
        approval_stop(s->stage.approval);
    finish(s, status);
    if (!told)
        summary(s, status);
    if (c->fail_on_denied && status == 0 && summary_denied(s->stage.summary)) {
        ours = 1;
        status = 120 << 8;
    }
    if (!told)
        front_tell_exit(&s->front, status, ours ? FRONT_OURS : 0);
    _exit(0);
}
