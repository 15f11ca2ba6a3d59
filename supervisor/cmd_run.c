#include "cmd_run.h"
#include "agent_env.h"
#include "answers.h"
#include "audit.h"
#include "baseline_load.h"
#include "command.h"
#include "fd.h"
#include "front.h"
#include "log.h"
#include "nested.h"
#include "options.h"
#include "places.h"
#include "session.h"
#include "started.h"
#include "usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define ROOM_FOR_OURS 128 /* descriptors that we need above the inherited ones */

struct run {
    struct options o;
    struct places places;
    struct policy *policy;
    enum mode mode;
    char *session, *path;
    struct baseline *baseline;
    struct audit *audit;
    pid_t scribe;
    struct rlimit nofile;
    bool has_terminal;
    int console, desktop; /* sockets of the interfaces on this terminal and on the desktop, -1 */
    unsigned handlers;    /* which interfaces auto may start */
    char *socket;         /* for interfaces; NULL: none can attach */
    char *answers;        /* the file of remembered answers; NULL: none is read or written */
};

/* Ours live above every inherited descriptor; the limit that the command gets is the one that we were started with. */
static int raise_limit(struct run *r, struct err *err)
{
    if (getrlimit(RLIMIT_NOFILE, &r->nofile))
        return err_set(err, errno, "getrlimit");
    struct rlimit most = {r->nofile.rlim_max, r->nofile.rlim_max};
    setrlimit(RLIMIT_NOFILE, &most);
    if (most.rlim_max != RLIM_INFINITY && (rlim_t)fd_base() + ROOM_FOR_OURS > most.rlim_max)
        return err_set(err, 0, "descriptor %d is open and the hard limit is %llu: no room for ours above it (ulimit -Hn)", fd_base() - 1,
                       (unsigned long long)most.rlim_max);
    return 0;
}

static void say_lines(struct buf *b)
{
    char *save = NULL;
    for (char *line = b->data ? strtok_r(b->data, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
        log_warn("%s", line);
}

/* A mistake in a rule of the command line stands under its flag and comes first. */
static bool on_command_line(const struct buf *mistakes)
{
    static const char start[] = "command line, --";
    return mistakes->data && !strncmp(mistakes->data, start, sizeof start - 1);
}

/* The real path of a file that may have to be made yet: then by its name. NULL for NULL. */
static char *where_is(const char *path)
{
    char *real = path ? realpath(path, NULL) : NULL;
    if (real || !path || path[0] == '/')
        return real ? real : path ? xstrdup(path) : NULL;
    STR_AUTO cwd = getcwd(NULL, 0);
    return xasprintf("%s/%s", cwd ? cwd : "", path);
}

static int load_policy(struct run *r, struct err *err)
{
    static const char *const none[] = {NULL};
    BUF_AUTO mistakes = {0};
    BUF_AUTO warnings = {0};
    STR_AUTO audit = where_is(r->o.audit);
    STR_AUTO key = where_is(r->o.audit_key);
    const char *const protect[] = {audit, NULL}, *const hide[] = {key, NULL};
    struct policy_sources s = {.policies = r->o.policies ? r->o.policies : none,
                               .command = r->o.command[0],
                               .adhoc = r->o.adhoc,
                               .nadhoc = r->o.nadhoc,
                               .places = &r->places,
                               .protect = protect,
                               .hide = hide,
                               .immutable = r->o.immutable};
    int e = policy_load(&s, &r->policy, &mistakes, &warnings);
    bool theirs = on_command_line(&mistakes);
    say_lines(&warnings);
    if (!e)
        return 0;
    say_lines(&mistakes);
    return err_status(err, theirs ? 2 : 125, "the policy does not load; nothing was started");
}

/* What the site's file demands of every run. */
static int meet_requirements(const struct run *r, const char *baseline, const char *approval, struct err *err)
{
    const struct policy *p = r->policy;
    const struct {
        const char *key, *found, *wanted;
    } q[] = {{"mode", mode_names[r->mode], p->require_mode},
             {"baseline", baseline, p->require_baseline},
             {"approval", approval, p->require_approval}};
    for (size_t i = 0; i < sizeof q / sizeof *q; i++)
        if (q[i].wanted && strcmp(q[i].found, q[i].wanted))
            return err_set(err, 0, "the site's policy requires %s %s, and this run has %s", q[i].key, q[i].wanted, q[i].found);
    return 0;
}

static int settle_settings(struct run *r, struct err *err)
{
    static const char *const approval_text[] = {"auto", "console", "tui", "desktop", "reject"}; /* enum approval_how */
    struct options *o = &r->o;
    if (!o->mode_set && r->policy->mode_set)
        r->mode = r->policy->mode;
    const char *baseline = o->baseline ? o->baseline : r->policy->baseline ? r->policy->baseline : "mvp";
    if (baseline_load(&r->places, baseline, &r->baseline, err))
        return -1;
    if (!o->approval_set && options_approval(r->policy->approval, &o->approval, &r->handlers, err))
        return -1;
    if (o->approval_timeout_ms < 0)
        o->approval_timeout_ms = r->policy->approval_timeout_ms;
    return meet_requirements(r, baseline, approval_text[o->approval], err);
}

static enum audit_level level_of(const struct run *r)
{
    if (r->policy && r->policy->audit_level != AUDIT_DEFAULT)
        return r->policy->audit_level;
    return r->mode == MODE_LOG ? AUDIT_ALL : AUDIT_DECISIONS;
}

static int begin_audit(struct run *r, struct err *err)
{
    STR_AUTO scribe = places_program(&r->places, "sentinel-scribe");
    if (!scribe)
        return err_set(err, 0, "sentinel-scribe is not beside this program (%s), nor in ../lib/sentinel-watch", r->places.own_programs);
    struct audit_config c = {.path = r->o.audit,
                             .key = r->o.audit_key,
                             .state_home = r->places.state_home,
                             .session = r->session,
                             .scribe = scribe,
                             .mode = r->mode,
                             .level = level_of(r)};
    return audit_begin(&c, &r->audit, &r->scribe, err);
}

static int fail(const struct err *err)
{
    log_warn("%s", err->text);
    return err->status;
}

/* No filter and no policy: a line that -q does not remove, a record, and the command in this very process. */
static int run_off(struct run *r)
{
    struct err err;
    log_warn("MODE OFF: %s runs without any supervision", r->o.command[0]);
    if (begin_audit(r, &err) || audit_ready(r->audit, &err))
        return fail(&err);
    BUF_AUTO b = {0};
    buf_puts(&b, "\"version\":\"" VERSION "\",\"command\":[");
    for (char **a = r->o.command; *a; a++) {
        if (a != r->o.command)
            buf_putc(&b, ',');
        json_str(&b, *a);
    }
    buf_putc(&b, ']');
    audit_first(r->audit, b.data);
    audit_last(r->audit, 0, NULL);
    waitpid(r->scribe, NULL, 0); /* the command must not find a child that it does not know */
    setrlimit(RLIMIT_NOFILE, &r->nofile);
    execvp(r->o.command[0], r->o.command);
    int e = errno;
    log_warn("%s: %s", r->o.command[0], strerror(e));
    return e == ENOENT ? 127 : 126;
}

static void supervise(struct run *r, int sock, pid_t front, pid_t keeper, const sigset_t *mask) __attribute__((noreturn));
static void supervise(struct run *r, int sock, pid_t front, pid_t keeper, const sigset_t *mask)
{
    bool enforce = r->mode == MODE_ENFORCE;
    if (enforce && r->o.linger)
        front_guardian(sock, &(struct front_files){r->socket, audit_denials(r->audit)});
    struct session_config c = {
        .mode = r->mode,
        .name = r->session,
        .policy = r->policy,
        .baseline = r->baseline,
        .places = &r->places,
        .argv = r->o.command,
        .path = r->path,
        .envp = enforce ? agent_env(environ, r->policy, audit_denials(r->audit)) : environ,
        .approval = r->o.approval,
        .approval_timeout_ms = r->o.approval_timeout_ms,
        .socket = r->socket,
        .console_fd = r->console,
        .desktop_fd = r->desktop,
        .has_terminal = r->has_terminal,
        .answers = enforce ? r->answers : NULL,
        .audit = r->audit,
        .audit_path = audit_path(r->audit),
        .linger = r->o.linger,
        .front_sock = sock,
        .front = front,
        .keeper = keeper,
        .mask = *mask,
        .nofile = r->nofile,
        .quiet = r->o.quiet,
        .json = r->o.json,
        .fail_on_denied = r->o.fail_on_denied,
    };
    session_run(&c);
}

static bool exposes(const struct run *r, enum expose e)
{
    return r->policy->exposed & 1u << e;
}

/* Notifications: when they were asked for, or of auto when there is a desktop and the agent is kept away from it. */
static int begin_desktop(struct run *r, const char *notifier, struct err *err)
{
    bool reached = exposes(r, EXPOSE_DBUS) || exposes(r, EXPOSE_X11) || exposes(r, EXPOSE_WAYLAND);
    if (r->o.approval == APPROVAL_DESKTOP) {
        if (reached)
            log_warn("the policy exposes the desktop: the agent can press the buttons of its own questions");
        return started_on_desktop(notifier, r->session, true, &r->desktop, err);
    }
    if (r->o.approval != APPROVAL_AUTO || !(r->handlers & 1u << APPROVAL_DESKTOP) || reached || !started_desktop_likely())
        return 0;
    if (started_on_desktop(notifier, r->session, false, &r->desktop, err))
        log_warn("%s", err->text);
    return 0;
}

/* Lines on this terminal: when they were asked for, and of auto and desktop when there is nothing better. */
static int begin_console(struct run *r, const char *notifier, int tty, struct err *err)
{
    bool automatic = r->o.approval == APPROVAL_AUTO && r->handlers & 1u << APPROVAL_CONSOLE;
    if (tty < 0 || (r->o.approval != APPROVAL_CONSOLE && r->o.approval != APPROVAL_DESKTOP && !automatic))
        return 0;
    /* An agent that reaches tmux could press keys in a popup. */
    const char *tmux = getenv("TMUX");
    bool popup = automatic && tmux && *tmux && !exposes(r, EXPOSE_TMUX);
    return started_on_terminal(notifier, tty, r->session, popup, &r->console, err);
}

/* Who answers: the interfaces that the session starts by itself. */
static int begin_asking(struct run *r, struct err *err)
{
    if (r->mode != MODE_ENFORCE)
        return 0;
    STR_AUTO folder = NULL;
    struct err no_folder;
    if (r->o.approval != APPROVAL_REJECT && places_sockets(&r->places, &folder, &no_folder))
        log_warn("no interface can attach: %s", no_folder.text);
    if (folder)
        r->socket = xasprintf("%s/%s.sock", folder, r->session);
    if (!r->o.immutable)
        r->answers = answers_path(r->places.config_home, r->policy->name, r->o.command[0]);
    /* As with the user's layer: a home that is not ours may be closed to us. Then nothing is remembered. */
    if (r->answers && !r->places.home_is_ours && faccessat(AT_FDCWD, r->answers, R_OK, AT_EACCESS) && errno != ENOENT) {
        free(r->answers);
        r->answers = NULL;
    }
    FD_AUTO tty = fd_high(open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
    r->has_terminal = tty >= 0;
    bool automatic = r->o.approval == APPROVAL_AUTO;
    if (r->o.approval == APPROVAL_CONSOLE && tty < 0)
        return err_set(err, 0, "--approval console: there is no controlling terminal to ask on");
    if (r->o.approval == APPROVAL_TUI || r->o.approval == APPROVAL_REJECT)
        return 0;
    STR_AUTO notifier = places_program(&r->places, "sentinel-notifier");
    if (!notifier)
        return automatic ? 0 : err_set(err, 0, "sentinel-notifier is not beside this program (%s), nor in ../lib/sentinel-watch", r->places.own_programs);
    return begin_desktop(r, notifier, err) || begin_console(r, notifier, tty, err) ? -1 : 0;
}

/* The three processes. */
static int start(struct run *r, struct err *err)
{
    int sock[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock))
        return err_set(err, errno, "socketpair");
    sock[0] = fd_high(sock[0]);
    sock[1] = fd_high(sock[1]);
    pid_t me = getpid();
    pid_t keeper = front_job_keeper();
    sigset_t mask;
    if (begin_asking(r, err))
        return -1;
    front_prepare(&mask);
    pid_t child = fork();
    if (child < 0)
        return err_set(err, errno, "fork");
    if (!child) {
        close(sock[0]);
        supervise(r, sock[1], me, keeper, &mask);
    }
    close(sock[1]);
    fd_close(&r->console);
    fd_close(&r->desktop);
    audit_forget(r->audit);
    struct front_files files = {r->socket, audit_denials(r->audit)};
    front_end(front_run(child, sock[0], r->scribe, r->o.quiet, &files));
}

static int prepare(struct run *r, struct err *err)
{
    struct options *o = &r->o;
    if (raise_limit(r, err) || places_find(&r->places, o->workspace, err) || command_find(o->command[0], &r->path, err))
        return -1;
    STR_AUTO other = nested_session(&r->places);
    if (other)
        return err_set(err, 0, "already supervised by %s: the kernel allows one supervisor", other);
    r->session = o->session ? options_session_name(o->session) : options_session_default(o->command[0]);
    r->mode = o->mode_set ? o->mode : MODE_ENFORCE;
    if (r->mode == MODE_OFF)
        return 0;
    return load_policy(r, err) || settle_settings(r, err) ? -1 : 0;
}

static int run(struct run *r, int argc, char **argv, struct err *err)
{
    if (options_parse(&r->o, argc, argv, err))
        return fail(err);
    if (r->o.help)
        return usage_help();
    if (r->o.version)
        return usage_version();
    if (options_environment(&r->o, err))
        return fail(err);
    log_init(r->o.quiet ? LOG_QUIET : r->o.verbose ? LOG_VERBOSE : LOG_NORMAL, NULL);
    if (!r->o.command) {
        log_warn("no program: found nothing after the options, expected `-- COMMAND`: sentinel-watch [OPTIONS] -- COMMAND [ARG...]");
        return 2;
    }
    if (prepare(r, err))
        return fail(err);
    if (r->mode == MODE_OFF)
        return run_off(r);
    if (begin_audit(r, err))
        return fail(err);
    if (start(r, err)) { /* the session waits until the audit is ready; start() returns on failure only */
        audit_abandon(r->audit);
        return fail(err);
    }
    return 125;
}

int cmd_run(int argc, char **argv)
{
    static struct run r = {.console = -1, .desktop = -1, .handlers = APPROVAL_ALL}; /* lives as long as the process, as what places_find gives does */
    struct err err;
    log_init(LOG_NORMAL, NULL);
    int status = run(&r, argc, argv, &err);
    options_free(&r.o);
    free(r.session);
    free(r.path);
    free(r.socket);
    if (r.policy)
        policy_free(r.policy);
    return status;
}
