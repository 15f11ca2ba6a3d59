/* front - floor 5: the process in the shell's job: guardian of the tree, and the agent's face towards shell and terminal.
 *
 * It stops when the agent stops and continues with it, passes signals on, ends as the agent ended, and when the supervisor
 * dies it ends every process of the tree (it is a subreaper above it). Messages between front and supervisor are
 * struct front_msg over a SOCK_SEQPACKET pair that was made before the fork; the supervisor's side is front_link.h.
 *
 * Signals. All are blocked (dispositions untouched) and read from a signalfd. What the terminal sends (SI_KERNEL) goes to the
 * whole foreground group, so the agent has it already. What somebody sends to our pid alone is passed on; what
 * somebody sends to the whole group must not be doubled. si_code cannot tell these two apart, nor can the sender (a script's
 * `kill $!` and `timeout --foreground` are in our own group and mean us alone; `kill %1` is not and means the group).
 * So a witness, a small process in the same group that blocks everything, is asked whether it got the signal too.
 *
 * Stopping. The agent stops first (so that vim restores its screen), the supervisor sees it and says so, only then
 * do we stop by the same signal, and the shell prompts. It says so in a message: a signal could be merged with the one that the
 * terminal sent. What makes us go on is a signal, because who is stopped reads nothing. A SIGSTOP that is sent to the front
 * alone stops the front alone: nobody can catch it, and the front's parent is the only one who is told.
 */
#ifndef SW_FRONT_H
#define SW_FRONT_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

enum front_what {
    FRONT_AGENT = 1, /* value: the agent's pid; value2: the supervisor's */
    FRONT_STOPPED,   /* value: signal; value2: the group that held the terminal, 0 none */
    FRONT_EXIT,      /* value: wait status; value2: bits of enum front_exit */
    FRONT_SIGNAL,    /* front -> supervisor: pass this signal on */
    FRONT_NUDGE,     /* front -> supervisor: the terminal sent a signal, look at waiting calls */
};
enum front_exit {
    FRONT_OURS = 1,     /* an exit status of ours (125, 126, 127) stands instead of the program's */
    FRONT_LIVES_ON = 2, /* the supervisor goes on serving what the command left running: do not wait for the scribe */
};
struct front_msg {
    int what, value, value2;
};

/* What a supervisor that dies leaves behind; NULL: none. */
struct front_files {
    const char *socket, *denials;
};

/* Before the forks, in the original process: blocks every signal (ret_mask: the mask before), becomes a subreaper. */
void front_prepare(sigset_t *ret_mask);
/* Runs in the original process after the supervisor (or, with --linger, its guardian) was forked. Returns the wait status
 * to end with (front_end). scribe is a child that is not part of the tree: never killed, waited for at the end unless
 * the supervisor lives on; 0 none. quiet: our stderr is closed at once. files: the supervisor's own to remove, and ours when it could not. */
int front_run(pid_t child, int sock, pid_t scribe, bool quiet, const struct front_files *files);
/* --linger in enforce: called in the forked child. Returns in the supervisor-to-be; the caller itself stays behind as the
 * guardian that outlives the front, and ends the tree when the supervisor dies. */
void front_guardian(int sock, const struct front_files *files);
/* Ends this process as the wait status says: same exit status, or the same signal (as pid 1: 128+N). */
void front_end(int wait_status) __attribute__((noreturn));
/* The process that keeps the job's group from being orphaned (the shell), 0 when it is orphaned. Decides how the supervisor
 * leaves the group (setpgid, or setsid). */
pid_t front_job_keeper(void);
/* Kills every descendant of the calling subreaper but `except` (0: none), until none is left, and reaps them. */
void front_end_tree(pid_t except);
/* One sweep of the same, without reaping unless `reap`: how many direct children still stand. */
int front_kill_children(pid_t except, bool reap);

#endif
