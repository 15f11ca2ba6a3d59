#include "usage.h"

#include <stdio.h>

static const char help[] =
    "usage: sentinel-watch [OPTIONS] -- COMMAND [ARG...]\n"
    "       sentinel-watch VERB ...\n"
    "\n"
    "Starts COMMAND and everything it starts under a policy: each file it opens, program it runs and address it\n"
    "reaches is allowed, denied, or held while you are asked.\n"
    "\n"
    "  -m, --mode log|enforce|off     log: change nothing, write down everything; enforce (default); off\n"
    "  -p, --policy FILE|NAME         may repeat, first wins; default: the profile that fits COMMAND\n"
    "      --allow VERB:TARGET        a rule for this run, before every file's (VERB: read write exec connect bind)\n"
    "      --ask VERB:TARGET\n"
    "      --deny VERB:TARGET\n"
    "  -w, --workspace DIR            what ${WORKSPACE} means; default: the working folder\n"
    "  -a, --approval auto|desktop|tui|console|reject   how you are asked; auto (default): an interface that is\n"
    "                                 attached, else the desktop, else this terminal (in tmux a popup over a full screen)\n"
    "      --approval-timeout DUR     how long an ask waits; 0 for ever; default 60s\n"
    "  -o, --audit FILE               default: $XDG_STATE_HOME/sentinel-watch/SESSION.jsonl\n"
    "      --audit-key FILE           Ed25519 key that signs the log's checkpoints\n"
    "      --session NAME             default: BASENAME-YYYYMMDDTHHMMSS-PID\n"
    "      --baseline NAME|FILE       strict, mvp, datasci, off or an OCI seccomp JSON file\n"
    "      --record-syscalls          also count every system call\n"
    "      --linger                   keep supervising what COMMAND left running\n"
    "      --fail-on-denied           exit 120 when COMMAND said 0 and something was denied\n"
    "      --json                     the exit summary as one JSON object on stderr\n"
    "  -q, --quiet   -v, --verbose   --no-color   -V, --version   -h, --help\n"
    "\n"
    "Verbs: run (the same as none), init, last, policy, audit, answers, console, tui, desktop, sessions, doctor,\n"
    "profiles, completion. Variables: SENTINEL_MODE, SENTINEL_POLICY, SENTINEL_WORKSPACE, SENTINEL_APPROVAL_MODE,\n"
    "SENTINEL_SECCOMP_PROFILE, SENTINEL_POLICY_IMMUTABLE, SENTINEL_PRODUCTION, NO_COLOR.\n"
    "\n"
    "Exit status: COMMAND's own (when a signal ended it, the same signal); 2 the command line; 125 everything else\n"
    "of ours; 126 COMMAND was denied or is not executable; 127 not found; 120 see --fail-on-denied.\n";

int usage_help(void)
{
    fputs(help, stdout);
    return 0;
}

int usage_version(void)
{
    puts("sentinel-watch " VERSION);
    return 0;
}
