#!/usr/bin/env bats
# The three processes as a shell, a terminal and a user's signals see them.
load helper

test_setup() {
    command -v tmux >/dev/null || skip "tmux is not installed"
    SERVERS=0
    ID=$BATS_ROOT_PID # sleeps that nobody else's tests have
    RUN="$SW -q -m ${MODE:-enforce} -p $ALLOW_ALL -a reject"
}

test_teardown() {
    [ -z "$S" ] || $S kill-server 2>/dev/null || true
}

# Everything that inside prints, less what differs by itself: bash's `_` and what enforce adds.
facts() { grep -vE '^env (_|SENTINEL_WATCH_DENIALS)=' "$1"; }

# A terminal with bash in it; the prompt is `> `.
terminal() {
    SERVERS=$((SERVERS + 1)) # a server that is just going away would take the new session with it
    S="tmux -L sw-$$-$BATS_TEST_NUMBER-$SERVERS -f /dev/null"
    # shellcheck disable=SC2086
    env -u TMUX $S new-session -d -x 250 -y 24 -s t "env PS1='> ' bash --norc --noprofile"
    wait_for '^>'
}

type_line() { $S send-keys -t t -l -- "$1"; $S send-keys -t t Enter; }
key() { $S send-keys -t t "$@"; }
screen() { $S capture-pane -p -t t -S -200; }

wait_for() { # a line of the screen that matches
    local i
    for i in $(seq 100); do
        screen | grep -qE -- "$1" && return 0
        sleep 0.05
    done
    echo "no line matches: $1"
    screen
    return 1
}

state_of() { ps -o stat= -p "$1" | cut -c1; }

wait_gone() { # no process whose argument list has this word
    local i
    for i in $(seq 100); do
        pgrep -f -- "$1" >/dev/null || return 0
        sleep 0.05
    done
    echo "still there:"
    pgrep -af -- "$1"
    return 1
}

wait_there() {
    local i
    for i in $(seq 100); do
        pgrep -xf -- "$1" >/dev/null && return 0
        sleep 0.05
    done
    echo "never started: $1"
    return 1
}

both_modes() { # FUNCTION: once in enforce, once in log mode
    local mode
    for mode in enforce log; do
        RUN="$SW -q -m $mode -p $ALLOW_ALL -a reject"
        echo "mode $mode"
        "$1"
        $S kill-server 2>/dev/null || true
    done
}

@test "the program finds exactly what it would find without us" {
    export STARTER_SID=$(ps -o sid= -p $$ | tr -d ' ')
    start() { # WHAT...: with signals ignored, descriptors open, limits and a umask that nobody has by chance
        (
            trap '' USR1 PIPE 40
            umask 0137
            ulimit -Sn 300
            ulimit -Sc 0
            exec 5<"$ALLOW_ALL" 7>/dev/null 63<&0
            nice -n 3 "$@"
        )
    }
    local mode
    start "$AGENTS/inside" a 'b c' "" >"$T/out" 2>"$T/err"
    cp "$T/out" "$T/plain"
    for mode in log enforce; do
        start "$SW" -q -m $mode -p "$ALLOW_ALL" -a reject -- "$AGENTS/inside" a 'b c' "" >"$T/out" 2>"$T/err"
        [ ! -s "$T/err" ]
        cp "$T/out" "$T/$mode"
        diff <(facts "$T/plain") <(facts "$T/$mode")
    done
    not grep -q SENTINEL_WATCH "$T/log"
    grep -q '^env SENTINEL_WATCH_DENIALS=/' "$T/enforce"
    grep -q '^signal 40 ignored' "$T/plain"
}

@test "on a terminal too: its settings, its foreground group" {
    terminal
    type_line "($AGENTS/inside) | tee $T/plain; ($SW -q -m log -p $ALLOW_ALL -- $AGENTS/inside) | tee $T/log; ($RUN -- $AGENTS/inside) | tee $T/enforce; echo done"
    wait_for '^done'
    diff <(facts "$T/plain") <(facts "$T/log")
    diff <(facts "$T/plain") <(facts "$T/enforce")
    grep -q 'foreground 1' "$T/plain"
}

@test "with standard descriptors closed" {
    local mode
    for mode in log enforce; do
        run bash -c "exec 0<&- 2>&-; exec $SW -q -m $mode -p $ALLOW_ALL -a reject -- $AGENTS/inside"
        [ "$status" = 0 ]
        plain=$(bash -c "exec 0<&- 2>&-; exec $AGENTS/inside" | cat)
        diff <(facts - <<<"$plain") <(facts - <<<"$output")
    done
}

@test "a user without capabilities finds the same" {
    give_to_user
    as_user "$AGENTS/inside" | cat >"$T/plain"
    for mode in log enforce; do
        as_user "$SW" -q -m $mode -p "$ALLOW_ALL" -a reject -- "$AGENTS/inside" | cat >"$T/$mode"
        diff <(facts "$T/plain") <(facts "$T/$mode")
    done
}

@test "exit status and ending by a signal" {
    local mode n
    for mode in enforce log; do
        for n in 0 1 2 77 125 126 127 255; do
            status=0
            sw -q -m $mode -p "$ALLOW_ALL" -a reject -- sh -c "exit $n" || status=$?
            [ "$status" = $n ]
        done
        for n in HUP INT TERM KILL SEGV USR1; do
            run bash -c "'$SW' -q -m $mode -p '$ALLOW_ALL' -a reject -- sh -c 'kill -$n \$\$'"
            [ "$status" = $((128 + $(kill -l $n))) ]
            python3 - "$SW" $mode "$ALLOW_ALL" $n <<-'P'
		import signal, subprocess, sys
		sw, mode, policy, n = sys.argv[1:]
		r = subprocess.run([sw, "-q", "-m", mode, "-p", policy, "-a", "reject", "--", "sh", "-c", "kill -%s $$" % n])
		sys.exit(0 if r.returncode == -getattr(signal, "SIG" + n) else 1)
		P
        done
    done
}

ctrl_c() {
    terminal
    type_line "$RUN -- sleep ${ID}100; echo status \$?"
    wait_there "sleep ${ID}100"
    key C-c
    wait_for '^status 130|^> *$' # bash drops the rest of the line when the command died of SIGINT
    type_line 'echo again $?'
    wait_for '^again 130'
    type_line "while true; do $RUN -- sleep ${ID}101; done"
    wait_there "sleep ${ID}101"
    key C-c
    type_line 'echo after the loop'
    wait_for '^after the loop'
    wait_gone "sleep ${ID}101"
}
@test "Ctrl-C ends the command, and a shell's loop" { both_modes ctrl_c; }

ctrl_z() {
    terminal
    type_line "$RUN -- sleep ${ID}102"
    wait_there "sleep ${ID}102"
    key C-z
    wait_for 'Stopped'
    [ "$(state_of "$(pgrep -xf "sleep ${ID}102")")" = T ]
    type_line 'bg; echo in the background'
    wait_for '^in the background'
    sleep 0.2
    [ "$(state_of "$(pgrep -xf "sleep ${ID}102")")" = S ]
    type_line 'fg'
    sleep 0.3
    key C-z
    sleep 0.3
    type_line 'kill %1; wait; echo killed'
    wait_for '^killed'
    wait_gone "sleep ${ID}102"
}
@test "Ctrl-Z, bg, fg, kill %1" { both_modes ctrl_z; }

full_screen() {
    terminal
    echo "a line of text" >file
    type_line "clear; $RUN -- vim -u NONE -i NONE file"
    wait_for '^a line of text'
    wait_for '^~'
    key C-z
    wait_for 'Stopped'
    not grep -q '^~' <(screen | tail -n 5) # the shell's own screen is back
    type_line 'fg'
    sleep 0.3
    key -l ":s/a line/one line/"
    key Enter
    key -l ":wq"
    key Enter
    sleep 0.3
    type_line 'echo vim $?'
    wait_for '^vim 0'
    grep -qx 'one line of text' file
    rm file
}
@test "a full-screen program gives the screen back when it stops" { both_modes full_screen; }

inner_shell() {
    terminal
    type_line "$RUN -- env PS1='in> ' bash --norc --noprofile -i"
    wait_for '^in>'
    type_line "sleep ${ID}103"
    wait_there "sleep ${ID}103"
    key C-z
    wait_for "Stopped.*sleep ${ID}103"
    type_line 'suspend'
    wait_for 'Stopped.*bash'
    type_line 'echo outside'
    wait_for '^outside'
    type_line 'fg'
    wait_for '^in>'
    type_line 'fg'
    sleep 0.3
    key C-c
    type_line 'echo inside $?'
    wait_for '^inside 130'
    type_line 'exit 5'
    sleep 0.2
    type_line 'echo outer $?'
    wait_for '^outer 5'
}
@test "a shell inside: its own jobs, suspend, fg" { both_modes inner_shell; }

background_read() {
    terminal
    type_line "$RUN -- cat &"
    sleep 0.5
    type_line ''
    wait_for 'Stopped.*cat'
    type_line 'fg'
    type_line 'some text'
    wait_for '^some text'
    key C-d
    type_line 'echo cat $?'
    wait_for '^cat 0'
}
@test "reading the terminal from the background stops the job" { both_modes background_read; }

# A program that counts what it gets.
counter() {
    cat >"$T/counter.py" <<-'P'
	import os, signal, sys
	n = {}
	def got(s, f):
	    n[s] = n.get(s, 0) + 1
	for s in (signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP, signal.SIGCONT, signal.SIGWINCH):
	    signal.signal(s, got)
	print("ready", flush=True)
	while n.get(signal.SIGHUP, 0) == 0:
	    signal.pause()
	print({s.name: c for s, c in sorted((signal.Signals(k), v) for k, v in n.items())}, flush=True)
	P
}

@test "one signal is one signal: to the process, to its group, from the same group, by timeout" {
    counter
    local mode pid i how
    for mode in enforce log; do
        for how in pid group; do
            : >"$T/out"
            # In a group of its own, as a shell with job control starts it.
            setsid "$SW" -q -m $mode -p "$ALLOW_ALL" -a reject -- python3 "$T/counter.py" >"$T/out" 2>&1 &
            pid=$!
            for i in $(seq 100); do grep -q ready "$T/out" && break; sleep 0.05; done
            pid=$(pgrep -f "^$SW -q -m $mode -p $ALLOW_ALL -a reject -- python3 $T/counter.py" | head -n 1)
            target=$pid
            [ $how = pid ] || target=-$pid
            for i in 1 2 3; do
                kill -USR1 -- "$target"
                sleep 0.1
            done
            kill -TERM -- "$target"
            sleep 0.1
            kill -CONT -- "$target"
            sleep 0.1
            kill -HUP -- "$target"
            wait
            echo "$mode $how: $(cat "$T/out")"
            grep -q "'SIGHUP': 1, 'SIGUSR1': 3, 'SIGTERM': 1, 'SIGCONT': 1}" "$T/out"
        done
        # A script's own `kill $!`: sender and front are in one group, and the front alone is meant.
        run timeout 20 bash -c "'$SW' -q -m $mode -p '$ALLOW_ALL' -a reject -- sleep ${ID}104 & sleep 0.5; kill \$!; wait \$!; echo status \$?"
        [ "${lines[-1]}" = "status 143" ]
        run timeout 20 timeout --foreground 0.5 "$SW" -q -m $mode -p "$ALLOW_ALL" -a reject -- sleep ${ID}104
        [ "$status" = 124 ]
        run timeout 20 timeout 0.5 "$SW" -q -m $mode -p "$ALLOW_ALL" -a reject -- sleep ${ID}104
        [ "$status" = 124 ]
    done
    wait_gone "sleep ${ID}104"
}

# The tree of a run that daemonised something: front, supervisor, command, and the daemon (its own session).
start_tree() { # MODE WORD [RUNNER...]: RUNNER: as_user, or nothing
    "${@:3}" setsid "$SW" -q -m "$1" -p "$ALLOW_ALL" -a reject -- sh -c "(setsid sh -c 'setsid sleep $2 & exec sleep $2' &) ; exec sleep $2" >/dev/null 2>&1 </dev/null &
    local i
    for i in $(seq 100); do
        [ "$(pgrep -cxf "sleep $2")" = 3 ] && break
        sleep 0.05
    done
    [ "$(pgrep -cxf "sleep $2")" = 3 ]
    FRONT=$(pgrep -f "^$SW .*sleep $2" | head -n 1)
    SUPERVISOR=$(pgrep -P "$FRONT" | while read -r p; do pgrep -P "$p" -f "sleep $2" >/dev/null && echo "$p"; done | head -n 1)
    [ -n "$FRONT" ]
    [ -n "$SUPERVISOR" ]
    [ "$FRONT" != "$SUPERVISOR" ]
}

@test "kill -9 of the supervisor ends the tree, daemons too" {
    start_tree enforce ${ID}105
    kill -9 "$SUPERVISOR"
    wait_gone "sleep ${ID}105"
    wait_gone "$SW .*sleep ${ID}105"
}

@test "kill -9 of the front ends the tree, daemons too" {
    start_tree enforce ${ID}106
    kill -9 "$FRONT"
    wait_gone "sleep ${ID}106"
}

@test "the same as an ordinary user" {
    give_to_user
    start_tree enforce ${ID}113 as_user
    kill -9 "$SUPERVISOR"
    wait_gone "sleep ${ID}113"
    start_tree enforce ${ID}114 as_user
    kill -9 "$FRONT"
    wait_gone "sleep ${ID}114"
}

@test "kill -9 of the front in log mode ends the command and leaves its daemons" {
    start_tree log ${ID}107
    kill -9 "$FRONT"
    for i in $(seq 40); do [ "$(pgrep -cxf "sleep ${ID}107")" = 2 ] && break; sleep 0.05; done
    [ "$(pgrep -cxf "sleep ${ID}107")" = 2 ]
    pkill -9 -xf "sleep ${ID}107"
    wait_gone "$SW .*sleep ${ID}107"
}

@test "what the command leaves running: ended in enforce, kept in log and under --linger, whose guardian stays" {
    left() { timeout 20 "$SW" -q -p "$ALLOW_ALL" -a reject "$@" -- sh -c "setsid sleep $WORD >/dev/null 2>&1 </dev/null & echo said"; }
    WORD=${ID}108
    run left
    [ "$output" = said ]
    not pgrep -xf "sleep ${ID}108"
    WORD=${ID}109
    run left -m log
    [ "$output" = said ]
    wait_there "sleep ${ID}109"
    pkill -9 -xf "sleep ${ID}109"
    wait_gone "$SW .*sleep ${ID}109"
    WORD=${ID}110
    run left --linger
    [ "$output" = said ]
    wait_there "sleep ${ID}110"
    daemon=$(pgrep -xf "sleep ${ID}110")
    supervisor=$(ps -o ppid= -p "$daemon" | tr -d ' ')
    kill -9 "$supervisor"
    wait_gone "sleep ${ID}110"
}

@test "a pipe end that the command closed is at its end" {
    local mode start
    for mode in enforce log; do
        mkfifo "$T/$mode"
        "$SW" -q -m $mode -p "$ALLOW_ALL" -a reject -- sh -c 'echo x; exec >&-; sleep 3' >"$T/$mode" 2>/dev/null &
        start=$(date +%s%N)
        cat "$T/$mode" >/dev/null
        [ $(($(date +%s%N) - start)) -lt 2000000000 ]
        wait
    done
}

@test "the group that becomes orphaned while stopped gets SIGHUP and SIGCONT" {
    terminal
    type_line "$RUN -- sleep ${ID}111"
    wait_there "sleep ${ID}111"
    key C-z
    wait_for Stopped
    local shell
    shell=$($S display-message -p -t t '#{pane_pid}')
    kill -9 "$shell"
    wait_gone "sleep ${ID}111"
}

# Attacks on the supervisor and the front by what they supervise. Each is shown to work where nothing is held (log mode).
@test "the program cannot signal, trace or read the front, the supervisor and whoever is outside" {
    cat >"$T/attack.py" <<-'P'
	import ctypes, os, signal, sys
	libc = ctypes.CDLL(None, use_errno=True)
	outside, mode = int(sys.argv[1]), sys.argv[2]
	supervisor = os.getppid()
	front = int(open("/proc/%d/stat" % supervisor).read().rsplit(")", 1)[1].split()[1])
	def tries(name, f):
	    try:
	        f()
	        print(name, "worked")
	    except (OSError, ProcessLookupError) as e:
	        print(name, "refused")
	def ptrace(pid):
	    if libc.ptrace(16, pid, 0, 0) < 0: # ATTACH
	        raise OSError(ctypes.get_errno(), "ptrace")
	    os.waitpid(pid, 0x40000000)
	    libc.ptrace(17, pid, 0, 0)
	for name, pid in (("outside", outside), ("supervisor", supervisor), ("front", front)):
	    tries(name + " signal", lambda: os.kill(pid, 0))
	    tries(name + " memory", lambda: open("/proc/%d/mem" % pid, "rb").close())
	    tries(name + " environ", lambda: open("/proc/%d/environ" % pid, "rb").read(1))
	    tries(name + " descriptors", lambda: os.listdir("/proc/%d/fd" % pid))
	    if mode == "enforce" or name == "outside":
	        tries(name + " ptrace", lambda: ptrace(pid))
	P
    sleep "${ID}112" &
    local outside=$!
    "$SW" -q -m log -p "$ALLOW_ALL" -- python3 "$T/attack.py" $outside log >"$T/log"
    "$SW" -q -p "$ALLOW_ALL" -a reject -- python3 "$T/attack.py" $outside enforce >"$T/enforce"
    kill $outside
    cat "$T/log" "$T/enforce"
    [ "$(grep -c worked "$T/log")" -ge 5 ]
    not grep -q refused <(grep outside "$T/log")
    [ "$(grep -c refused "$T/enforce")" -ge 12 ]
    not grep worked "$T/enforce"
}
