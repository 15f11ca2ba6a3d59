#!/usr/bin/env bats
# Asking: a held call waits, everything else goes on; who answers, how wide, and who never does.

load helper

test_setup() {
    mkdir -p "$T/keep"
    echo s3cret >"$T/keep/one"
    echo also >"$T/keep/two"
    cat >"$T/ask.yaml" <<-YAML
	version: 1
	name: asks
	rules:
	  - {ask: read, path: ['$T/keep/**'], name: keep}
	defaults: {read: allow, write: allow, exec: allow, connect: allow, bind: allow}
	YAML
    PIDS=()
}

test_teardown() {
    local s
    for s in "$T/inner" "$T/tmux"; do [ -S "$s" ] && tmux -S "$s" kill-server 2>/dev/null; done
    local p
    for p in "${PIDS[@]}"; do kill -KILL "$p" 2>/dev/null; done
    return 0
}

wait_for() { # FILE TEXT: until the file holds the text, 10 seconds at most
    local i
    for ((i = 0; i < 200; i++)); do
        grep -qF -- "$2" "$1" 2>/dev/null && return 0
        sleep 0.05
    done
    echo "never seen in $1: $2"
    tail -n 40 "$1"
    return 1
}

start() { # COMMAND...: a session named t without a terminal, in the background; options in OPTS
    setsid "$SW" --session t -p "$T/ask.yaml" -o "$T/log" "${OPTS[@]}" -- "$@" >"$T/out" 2>"$T/err" </dev/null &
    SESSION_PID=$!
    PIDS+=("$SESSION_PID")
    wait_for "$T/err" "mode enforce"
}

attach() { # NAME [ARG...]: a line interface on pipes: keys in $T/NAME.keys, its lines in $T/NAME
    local name=$1
    shift
    mkfifo "$T/$name.keys"
    setsid "$SW" console "${@:-t}" <"$T/$name.keys" >"$T/$name" 2>&1 &
    PIDS+=($!)
    exec {fd}>"$T/$name.keys"
    eval "KEYS_$name=$fd"
    wait_for "$T/$name" "attached to t"
}

key() { # NAME LINE
    local fd=KEYS_$1
    echo "$2" >&"${!fd}"
}

finish() { # waits for the session's end; its status is $status
    local i
    for ((i = 0; i < 200; i++)); do
        kill -0 "$SESSION_PID" 2>/dev/null || break
        sleep 0.05
    done
    status=0
    wait "$SESSION_PID" || status=$?
}

decided() { # what decided the reads of the kept files; in no order: a hand may write its record after the next call's
    jq -r 'select(.target.path? != null and (.target.path | startswith("'"$T/keep"'"))) | "\(.decision) \(.decided_by) \(.handler)"' "$T/log"
}

decided_is() { # WANT
    [ "$(decided | sort)" = "$(sort <<<"$1")" ] && return 0
    printf 'wanted:\n%s\nfound:\n%s\n' "$1" "$(decided)"
    return 1
}

# An agent that waits until an interface is attached.
GO='while ! [ -e ../go ]; do sleep 0.05; done;'

@test "an exchange of two names: what either name refuses is asked about, in both orders" {
    local a b
    for ((i = 0; i < 2; i++)); do
        echo harmless >"$T/work/plain"
        a=$T/work/plain b=$T/keep/one
        ((i)) && { a=$T/keep/one b=$T/work/plain; }
        run sw --approval reject -p "$T/ask.yaml" -o "$T/log$i" -- python3 -c '
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
r = libc.renameat2(-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2)
print("exchanged" if r == 0 else os.strerror(ctypes.get_errno()))' "$a" "$b"
        [[ $output == *"Permission denied"* ]]
        [ "$(cat "$T/keep/one")" = s3cret ]
        [ "$(log_of "$T/log$i" 'select(.syscall == "renameat2") | .decided_by')" = unattended ]
    done
}

@test "a held cat waits while everything else goes on; allow once is once" {
    start sh -c "$GO (cat $T/keep/one; echo cat=\$?) & i=0; while [ \$i -lt 20 ]; do /bin/true; i=\$((i+1)); done; echo others went on; wait; cat $T/keep/one; echo again=\$?"
    attach a
    touch go ../go
    wait_for "$T/a" "question 1"
    wait_for "$T/out" "others went on"
    not grep -q s3cret "$T/out"
    key a "a 1"
    wait_for "$T/out" "cat=0"
    wait_for "$T/a" "question 2"
    key a "a 2"
    finish
    [ "$status" = 0 ]
    [ "$(grep -c s3cret "$T/out")" = 2 ]
    decided_is $'allow user console\nallow user console'
}

@test "deny once: EACCES, and the same again is not asked for a while" {
    start sh -c "$GO cat $T/keep/one; echo first=\$?; cat $T/keep/one; echo second=\$?; cat $T/keep/two"
    attach a
    touch ../go
    wait_for "$T/a" "question 1"
    key a "d 1"
    wait_for "$T/a" "question 2"
    grep -q "wants to read $T/keep/two" "$T/a"
    key a "a 2"
    finish
    grep -q first=1 "$T/out"
    grep -q second=1 "$T/out"
    grep -q "Permission denied" "$T/err"
    not grep -q s3cret "$T/out"
    decided_is $'deny user console\ndeny answer console\nallow user console'
}

@test "moving a file out of what asks: the card says what is asked, and the answer for the session is found again" {
    start sh -c "$GO mv $T/keep/one $T/work/1; mv $T/keep/two $T/work/2; cat $T/keep/three"
    attach a
    echo three >"$T/keep/three"
    touch ../go
    wait_for "$T/a" "question 1"
    key a "s 1 dir"
    wait_for "$T/a" "{allow: [read], path: ['$T/keep/*'], by: ['$(realpath "$(command -v mv)")']}"
    wait_for "$T/a" "question 2"
    grep -q "wants to read $T/keep/three" "$T/a"
    key a "d 2"
    finish
    [ "$(cat "$T/work/1" "$T/work/2")" = $'s3cret\nalso' ]
    decided_is $'allow user console\nallow answer null\ndeny user console'
}

@test "allow for the session, one folder, this program: asked once; another program is asked" {
    start sh -c "$GO cat $T/keep/one; cat $T/keep/two; cat $T/keep/one; head -n 1 $T/keep/one"
    attach a
    touch ../go
    wait_for "$T/a" "question 1"
    key a "s 1 dir"
    wait_for "$T/a" "{allow: [read], path: ['$T/keep/*'], by: ['$(realpath "$(command -v cat)")']}"
    wait_for "$T/a" "question 2"
    grep -q "^sentinel-watch asks, question 2.*: head wants to read $T/keep/one" "$T/a"
    key a "D 2"
    finish
    [ "$(cat "$T/out")" = $'s3cret\nalso\ns3cret' ]
    decided_is $'allow user console\nallow answer null\nallow answer null\ndeny user console'
}

@test "an answer settles what waits already, and the other interface is told" {
    start sh -c "$GO (cat $T/keep/one) & (cat $T/keep/two) & wait"
    attach a
    attach b
    touch ../go
    wait_for "$T/a" "question 2"
    wait_for "$T/b" "question 2"
    key b "s 1 tree any"
    wait_for "$T/a" "question 1: allowed by console"
    wait_for "$T/a" "question 2: settled"
    finish
    [ "$(sort "$T/out")" = $'also\ns3cret' ]
}

@test "an exact answer is for the very file: what is put in its place is asked about" {
    start sh -c "$GO cat $T/keep/one; cat $T/keep/one; echo twice; while ! [ -e ../go2 ]; do sleep 0.05; done; cat $T/keep/one"
    attach a
    touch ../go
    wait_for "$T/a" "question 1"
    key a "s 1"
    wait_for "$T/out" twice
    mv "$T/keep/one" "$T/away"
    echo other >"$T/keep/one"
    touch ../go2
    wait_for "$T/a" "question 2"
    key a "d 2"
    finish
    [ "$(cat "$T/out")" = $'s3cret\ns3cret\ntwice' ]
}

@test "a timeout denies that one call and is no answer" {
    OPTS=(--approval-timeout 1s)
    start sh -c "$GO cat $T/keep/one; cat $T/keep/one"
    attach a
    touch ../go
    wait_for "$T/a" "question 1: timeout"
    wait_for "$T/a" "question 2: timeout"
    finish
    [ ! -s "$T/out" ]
    decided_is $'deny timeout null\ndeny timeout null'
}

@test "nobody there: denied at once, and the record says which setting changes it" {
    local before=$SECONDS
    start cat "$T/keep/one"
    finish
    [ $((SECONDS - before)) -lt 5 ]
    decided_is "deny unattended null"
    grep -q "no terminal" "$T/err"
    jq -r 'select(.decided_by == "unattended") | .why' "$T/log" | grep -q -- --approval
    rm "$T/log"
    OPTS=(--approval reject)
    start cat "$T/keep/one"
    finish
    [ "$status" = 1 ]
}

@test "a signal during an ask: the handler runs, and the question is not asked twice" {
    cat >"$T/alarm.py" <<-'PY'
	import os, signal, sys, time
	r, w = os.pipe()
	os.set_blocking(w, False)
	signal.set_wakeup_fd(w)  # a byte from the C handler itself: the open is restarted without a return to Python
	signal.signal(signal.SIGALRM, lambda *_: None)
	while not os.path.exists("../go"):
	    time.sleep(0.05)
	signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
	text = open(sys.argv[1]).read()
	signal.setitimer(signal.ITIMER_REAL, 0)
	print(text.strip(), "ticks" if len(os.read(r, 100)) >= 4 else "no ticks", flush=True)
	PY
    start /usr/bin/python3 "$T/alarm.py" "$T/keep/one"
    attach a
    touch ../go
    wait_for "$T/a" "question 1"
    sleep 1.5
    key a "a 1"
    finish
    [ "$(cat "$T/out")" = "s3cret ticks" ]
    [ "$(grep -c "^sentinel-watch asks" "$T/a")" = 1 ]
    decided_is "allow user console"
}

@test "a connect that was allowed once and then interrupted: the call that comes again joins the answer, another one does not" {
    cat >"$T/ask.yaml" <<-YAML
	version: 1
	name: asks
	rules:
	  - {ask: connect, name: reach}
	defaults: {read: allow, write: allow, exec: allow, connect: ask, bind: allow}
	YAML
    cat >"$T/again.py" <<-'PY'
	import os, signal, socket, threading, time
	r, w = os.pipe()
	os.set_blocking(w, False)
	signal.set_wakeup_fd(w)
	signal.signal(signal.SIGALRM, lambda *_: None)
	signal.siginterrupt(signal.SIGALRM, False)  # the kernel restarts the call: Python does not see it
	l = socket.socket(socket.AF_UNIX); l.bind("u"); l.listen(0)
	while not os.path.exists("../go"): time.sleep(0.05)
	first = socket.socket(socket.AF_UNIX); first.connect("u")
	print("first", flush=True)
	def peer():
	    while not os.path.exists("../room"): time.sleep(0.05)
	    l.accept()
	threading.Thread(target=peer, daemon=True).start()
	signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
	def connect():
	    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
	    s = socket.socket(socket.AF_UNIX); s.connect("u")
	    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
	    print("second", "ticks" if len(os.read(r, 100)) >= 3 else "no ticks", flush=True)
	    s.close()
	t = threading.Thread(target=connect)
	t.start()
	while not os.path.exists("../tick"): time.sleep(0.05)
	for i in range(5):
	    signal.pthread_kill(t.ident, signal.SIGALRM); time.sleep(0.2)
	open("../room", "w").close()
	t.join()
	third = socket.socket(socket.AF_UNIX); third.setblocking(False)
	print("third", third.connect_ex("u"), flush=True)
	PY
    start /usr/bin/python3 "$T/again.py"
    attach a
    touch ../go
    wait_for "$T/a" "question 1"
    key a "a 1"
    wait_for "$T/out" first
    wait_for "$T/a" "question 2"
    key a "a 2"
    wait_for "$T/a" "question 2: allowed"
    touch ../tick
    wait_for "$T/out" second
    wait_for "$T/a" "question 3"
    key a "d 3"
    finish
    cat "$T/out" "$T/a"
    [ "$(paste -sd, "$T/out")" = "first,second ticks,third 13" ]
    [ "$(grep -c "^sentinel-watch asks" "$T/a")" = 3 ]
}

@test "a caller that is killed takes its question with it" {
    start sh -c "$GO cat $T/keep/one & sleep 1; kill -9 \$!; sleep 1; echo done"
    attach a
    touch ../go
    wait_for "$T/a" "question 1: gone"
    finish
    grep -q done "$T/out"
}

@test "always: the rule that was shown is kept, check accepts it, and the next run does not ask" {
    start sh -c "$GO cat $T/keep/one"
    attach a
    touch ../go
    wait_for "$T/a" "question 1"
    key a "A 1 dir"
    wait_for "$T/a" "Keep it?"
    grep -qF "{allow: [read], path: ['$T/keep/*'], by: ['$(realpath "$(command -v cat)")']}" "$T/a"
    [ ! -e "$XDG_CONFIG_HOME/sentinel-watch/answers" ] # not before it is confirmed
    key a yes
    wait_for "$T/a" "question 1: allowed"
    finish
    file=$XDG_CONFIG_HOME/sentinel-watch/answers/asks-sh.yaml
    grep -qF "  - {allow: [read], path: ['$T/keep/*'], by: ['$(realpath "$(command -v cat)")']}" "$file"
    grep -q "session t, answered at console, asked by asks:keep" "$file"
    "$SW" policy check "$file"
    "$SW" answers list | grep -qF "asks-sh:1  {allow: [read], path: ['$T/keep/*'], by: ["
    rm "$T/log"
    start sh -c "cat $T/keep/two; head -n1 $T/keep/one"
    finish
    [ "$(cat "$T/out")" = also ]
    decided_is $'allow answer null\ndeny unattended null'
    "$SW" answers forget asks-sh:1
    start sh -c "cat $T/keep/two"
    finish
    [ ! -s "$T/out" ]
}

@test "exec and connect: what was asked, what is kept, and what the next run makes of it" {
    cat >"$T/ask.yaml" <<-YAML
	version: 1
	name: asks
	rules:
	  - {ask: exec, path: [/usr/bin/id], name: run}
	  - {ask: connect, to: ['127.0.0.1:9'], name: reach}
	defaults: {read: allow, write: allow, exec: allow, connect: allow, bind: allow}
	YAML
    agent="/usr/bin/id -un; /usr/bin/python3 -c \"import socket; print(socket.socket().connect_ex(('127.0.0.1', 9)))\""
    start sh -c "$GO $agent"
    attach a
    touch ../go
    wait_for "$T/a" "question 1"
    grep -qE "^  runs +/usr/bin/id -un" "$T/a"
    key a "A 1 exact parent"
    key a yes
    wait_for "$T/a" "question 2"
    grep -q "wants to connect to 127.0.0.1:9" "$T/a"
    key a "A 2 any any"
    key a yes
    finish
    [ "$(cat "$T/out")" = "$(id -un)"$'\n111' ] # ECONNREFUSED: it was let through
    file=$XDG_CONFIG_HOME/sentinel-watch/answers/asks-sh.yaml
    "$SW" policy check "$file"
    grep -qF "{allow: [connect], to: ['any:9']}" "$file"
    start sh -c "$agent"
    finish
    [ "$(cat "$T/out")" = "$(id -un)"$'\n111' ]
}

@test "hostile names are shown escaped and cannot draw a prompt of their own" {
    name=$'x\n\e[2J\xe2\x80\xaesentinel-watch asks\xff'
    echo hostile >"$T/keep/$name"
    start sh -c "$GO cat \"\$1\"" sh "$T/keep/$name"
    attach a
    touch ../go
    wait_for "$T/a" "question 1"
    grep -qF 'x\x0a\x1b[2J\u{202e}sentinel-watch asks\xff' "$T/a"
    [ "$(grep -c '^sentinel-watch asks' "$T/a")" = 1 ]
    not grep -q $'\e' "$T/a"
    key a "A 1"
    wait_for "$T/a" "cannot be kept"
    key a "s 1"
    finish
    [ "$(cat "$T/out")" = hostile ]
}

@test "the agent never answers: not through the socket, not with our own console" {
    cat >"$T/answer.py" <<-'PY'
	import glob, os, socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	s.sendall(b"subscribe asks evil\n")
	print(s.makefile().readline())
	PY
    start sh -c "$GO python3 $T/answer.py $XDG_RUNTIME_DIR/sentinel-watch/t.sock; $SW console t </dev/null; cat $T/keep/one & sleep 1; echo 'a 1' | timeout 3 $SW console t; echo end; wait"
    # The same program unsupervised does attach: it is the supervision that stops it.
    [[ $(python3 "$T/answer.py" "$XDG_RUNTIME_DIR/sentinel-watch/t.sock") == *'"hello"'* ]]
    attach a
    touch ../go
    wait_for "$T/a" "question 1"
    wait_for "$T/out" end
    not grep -q s3cret "$T/out"
    not grep -q hello "$T/out"
    key a "d 1"
    finish
    not grep -q '"handler":"evil"' "$T/log"
}

@test "nor does the agent of another session, though its own policy would let it connect" {
    start sh -c "$GO cat $T/keep/one"
    attach a
    touch ../go
    wait_for "$T/a" "question 1"
    sw -q --mode log --session other -o "$T/other" -- sh -c "sleep 2 | $SW console t" </dev/null >"$T/refused" 2>&1 || true
    cat "$T/refused"
    grep -q "a program that is supervised cannot answer" "$T/refused"
    key a "d 1"
    finish
    [ ! -s "$T/out" ]
}

@test "the handlers of docs/handlers work" {
    PATH=$SW_BUILD:$PATH
    start sh -c "$GO cat $T/keep/one; cat $T/keep/two; echo end"
    attach a # somebody is there, so what is asked waits for the handler
    setsid "$TESTS/../docs/handlers/handler.sh" t "$T/keep" >"$T/h" 2>&1 &
    PIDS+=($!)
    touch ../go
    wait_for "$T/out" end
    finish
    [ "$(cat "$T/out")" = $'s3cret\nalso\nend' ]
    decided_is $'allow user handler-sh\nallow user handler-sh'
    rm "$T/log" "$T/go"
    start sh -c "$GO cat $T/keep/one; cat $T/keep/one; echo end"
    attach b
    setsid python3 "$TESTS/../docs/handlers/handler.py" "$XDG_RUNTIME_DIR/sentinel-watch/t.sock" "$T/elsewhere" >"$T/h" 2>&1 &
    PIDS+=($!)
    touch ../go
    wait_for "$T/out" end
    finish
    decided_is $'deny user handler-py\ndeny answer handler-py'
}

@test "500 requests from 200 threads, three interfaces, one killed in the middle: each gets exactly one answer" {
    cat >"$T/storm.py" <<-'PY'
	import os, sys, threading, time
	folder, results, lock = sys.argv[1], [], threading.Lock()
	names = ["%s/f%d" % (folder, i) for i in range(500)]
	def work():
	    while True:
	        with lock:
	            if not names:
	                return
	            n = names.pop()
	        try:
	            ok = open(n).read() == n
	        except PermissionError:
	            ok = None
	        with lock:
	            results.append(ok)
	while not os.path.exists("../go"):
	    time.sleep(0.05)
	t = [threading.Thread(target=work) for _ in range(200)]
	[x.start() for x in t]
	[x.join() for x in t]
	print(len(results), results.count(True))
	PY
    for ((i = 0; i < 500; i++)); do printf %s "$T/keep/f$i" >"$T/keep/f$i"; done
    cat >"$T/handler.py" <<-'PY'
	import json, socket, sys, time
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	s.sendall(b"subscribe asks %s\n" % sys.argv[2].encode())
	print("attached", flush=True)
	seen = 0
	for o in map(json.loads, s.makefile()):
	    if o["type"] == "ask":
	        seen += 1
	        if sys.argv[3:] and seen > int(sys.argv[3]):
	            sys.exit()
	        s.sendall(b"answer %d allow once\n" % o["id"])
	PY
    start /usr/bin/python3 "$T/storm.py" "$T/keep"
    local sock=$XDG_RUNTIME_DIR/sentinel-watch/t.sock
    /usr/bin/python3 "$T/handler.py" "$sock" one >"$T/one" & PIDS+=($!)
    /usr/bin/python3 "$T/handler.py" "$sock" two >"$T/two" & PIDS+=($!)
    /usr/bin/python3 "$T/handler.py" "$sock" dies 40 >"$T/dies" & PIDS+=($!)
    for i in one two dies; do wait_for "$T/$i" attached; done
    touch ../go
    finish
    [ "$(cat "$T/out")" = "500 500" ]
    [ "$(decided | wc -l)" = 500 ]
    not grep -v "^allow user" <(decided)
}

@test "the word of true questions is shown elsewhere and never on the agent's terminal" {
    terminal
    run_in_terminal "cat $T/keep/one"
    on_screen "answer 1"
    attach a
    wait_for "$T/a" "question 1"
    word=$(sed -n 's/^attached to t; its true questions say: //p' "$T/a")
    [[ $word =~ ^[a-z]+-[a-z]+-[0-9]{3}$ ]]
    grep -qF "question 1 of t [$word]" "$T/a"
    ! screen | grep -q "$word" || false
    key a "a 1"
    on_screen s3cret
}

# ---- on the agent's own terminal

screen() { tmux -S "$T/tmux" capture-pane -p -J; }

on_screen() { # TEXT
    local i
    for ((i = 0; i < 100; i++)); do
        screen | grep -qF -- "$1" && return 0
        sleep 0.05
    done
    echo "never on the screen: $1"
    screen | grep .
    decided
    return 1
}

terminal() { # a shell in a terminal of its own
    cat >"$T/env.sh" <<-SH
	export PATH=$PATH HOME=$HOME XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR XDG_STATE_HOME=$XDG_STATE_HOME XDG_CONFIG_HOME=$XDG_CONFIG_HOME
	unset TMUX
	cd $T/work
	PS1='PROMPT> '
	SH
    LC_ALL=C.UTF-8 tmux -f /dev/null -S "$T/tmux" new-session -d -x 150 -y 60 "bash --rcfile $T/env.sh -i"
    on_screen "PROMPT>"
}

type_keys() { tmux -S "$T/tmux" send-keys "$@"; }

run_in_terminal() { type_keys "$SW -q --session t -p $T/ask.yaml -o $T/log ${OPTS[*]} -- $1" Enter; }

@test "terminal: the question is asked and answered there; typed ahead and Enter alone answer nothing" {
    terminal
    run_in_terminal "sh -c 'sleep 1; cat $T/keep/one; echo cat=\$?'"
    sleep 0.5
    type_keys a Enter
    on_screen "question 1"
    on_screen "cannot prove itself"
    on_screen "answer 1"
    type_keys Enter
    type_keys Enter
    sleep 0.3
    ! screen | grep -q "cat=0" || false
    type_keys a Enter
    on_screen "s3cret"
    on_screen "cat=0"
    decided_is "allow user terminal"
}

@test "terminal: Ctrl-C during a question reaches the agent, and the terminal is the shell's again" {
    terminal
    run_in_terminal "cat $T/keep/one"
    on_screen "answer 1"
    type_keys C-c
    sleep 0.5
    type_keys "echo status=\$?" Enter
    on_screen "status=130"
    ! screen | grep -q s3cret || false
}

@test "terminal: the agent cannot type the answer into its own terminal (TIOCSTI)" {
    [ "$(cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1)" = 1 ] || skip "this kernel refuses TIOCSTI to everybody (dev.tty.legacy_tiocsti)"
    cat >"$T/sti.py" <<-'PY'
	import fcntl, sys, termios, threading, time
	def work():
	    try:
	        print("got", open(sys.argv[1]).read().strip(), flush=True)
	    except OSError as e:
	        print("open:", e.strerror, flush=True)
	t = threading.Thread(target=work, daemon=True)
	t.start()
	time.sleep(1.5)
	try:
	    for c in b"a\n":
	        fcntl.ioctl(0, termios.TIOCSTI, bytes([c]))
	    print("typed it", flush=True)
	except OSError as e:
	    print("cannot type:", e.strerror, flush=True)
	t.join(2)
	print("over", flush=True)
	PY
    terminal
    run_in_terminal "/usr/bin/python3 $T/sti.py $T/keep/one"
    on_screen "answer 1"
    on_screen "cannot type"
    on_screen "over"
    ! screen | grep -q "got s3cret" || false
    type_keys "clear" Enter
    type_keys "/usr/bin/python3 $T/sti.py $T/keep/one" Enter # unsupervised it can
    on_screen "typed it"
}

full_screen() { # an agent that holds its terminal raw while it reads a kept file
    cat >"$T/full.py" <<-'PY'
	import os, sys, threading, time, tty
	tty.setraw(0)
	sys.stdout.write("\x1b[2J\x1b[Hfull screen\r\n"); sys.stdout.flush()
	def work():
	    text = open(sys.argv[1]).read().strip()
	    sys.stdout.write("\x1b[5;1Hgot " + text); sys.stdout.flush()
	t = threading.Thread(target=work); t.start(); t.join()
	time.sleep(1)
	PY
}

@test "terminal: over a full screen nothing is printed; it is answered elsewhere, and the screen stays" {
    full_screen
    terminal
    run_in_terminal "/usr/bin/python3 $T/full.py $T/keep/one"
    on_screen "full screen"
    attach a
    wait_for "$T/a" "question 1"
    sleep 0.5
    [ "$(screen | grep -c .)" = 1 ]
    key a "a 1"
    on_screen "got s3cret"
    ! screen | grep -q question || false
}

@test "terminal: in tmux a popup asks over the full screen, once for each question, and the screen comes back" {
    full_screen
    terminal
    # The agent's tmux is one inside the one that is looked at: popups belong to a client's screen, not to a pane.
    type_keys "env -u TMUX tmux -f /dev/null -S $T/inner new-session -x 140 -y 50 'bash --norc -i'" Enter
    on_screen '[0] 0:bash'
    type_keys "PS1='INNER> '" Enter
    on_screen "INNER> "
    run_in_terminal "/usr/bin/python3 $T/full.py $T/keep/one"
    on_screen "full screen"
    on_screen "question 1"
    on_screen "answer 1"
    word=$(screen | sed -n 's/.*question 1 of t \[\([a-z0-9-]*\)\].*/\1/p')
    [ -n "$word" ] # outside of the agent's reach: it can prove itself
    tmux -S "$T/inner" display-popup -C # taken away without an answer: it waits, and does not come again
    sleep 1
    ! screen | grep -q "question 1" || false
    attach a
    wait_for "$T/a" "question 1"
    key a "a 1"
    on_screen "got s3cret"
    on_screen "full screen"
    on_screen "INNER>"
    rm "$T/log"
    run_in_terminal "/usr/bin/python3 $T/full.py $T/keep/one"
    on_screen "answer 1"
    sleep 0.3
    type_keys a Enter
    on_screen "got s3cret"
    on_screen "full screen"
    tmux -S "$T/inner" kill-server
    [ "$(jq -r 'select(.decided_by == "user") | .handler' "$T/log")" = popup ]
}

@test "terminal: suspended or in the background, the user's shell is left alone" {
    terminal
    run_in_terminal "sh -c 'sleep 1; cat $T/keep/one; echo cat=\$?' &"
    sleep 2
    ! screen | grep -q "answer 1" || false
    type_keys "fg" Enter
    on_screen "answer 1"
    type_keys a Enter
    on_screen "cat=0"
}

# ---- the ncurses interface

tui() { # a tui for session t, 100 columns and 30 lines
    cat >"$T/tui.sh" <<-SH
	export HOME=$HOME XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR
	unset TMUX
	exec $SW tui t
	SH
    LC_ALL=C.UTF-8 tmux -f /dev/null -S "$T/tmux" new-session -d -x 100 -y 30 "sh $T/tui.sh"
    on_screen "sentinel-watch: t ["
}

@test "tui: the queue, the rule that is written, wider and wider, and the log" {
    start sh -c "$GO (cat $T/keep/one) & (sleep 0.3; cat $T/keep/two; echo two=\$?) & wait; cat $T/keep/one"
    tui
    on_screen "Nothing waits."
    touch ../go
    on_screen "2 questions"
    on_screen ">   1"
    on_screen "{allow: [read], path: ['$T/keep/one'], by: ['$(realpath "$(command -v cat)")']}"
    sleep 0.3
    type_keys Enter Enter
    sleep 0.3
    on_screen "2 questions"
    type_keys j
    on_screen ">   2"
    sleep 0.3
    type_keys d
    wait_for "$T/out" two=1
    on_screen "1 question"
    type_keys t
    on_screen "{allow: [read], path: ['$T/keep/*'], by:"
    type_keys p p
    on_screen "{allow: [read], path: ['$T/keep/*']}"
    sleep 0.3
    type_keys s
    on_screen "Nothing waits."
    finish
    [ "$(grep -c s3cret "$T/out")" = 2 ] # the second is settled by the first's answer
    type_keys l
    on_screen "2 denied by tui: cat wants to read $T/keep/two"
    type_keys h
    on_screen "allow for this session, as wide as shown"
    type_keys q
}

@test "tui: what is typed at the moment a question appears answers nothing" {
    start sh -c "$GO cat $T/keep/one"
    tui
    # Somebody types on and on, faster than the quiet that a key needs.
    tmux -S "$T/tmux" pipe-pane -I 'exec python3 -uc "
import os, sys, time
last = time.monotonic()
while True:
    now = time.monotonic()
    if now - last > 0.08:
        open(os.path.expanduser(\"~/gap\"), \"w\")
    last = now
    sys.stdout.write(\"a\")
    sys.stdout.flush()
    time.sleep(0.005)"'
    sleep 0.5
    touch ../go
    on_screen "1 question"
    sleep 1
    tmux -S "$T/tmux" pipe-pane
    [ -s "$T/out" ] && [ -e "$HOME/gap" ] && skip "this machine was too busy to type without a pause"
    on_screen "1 question"
    [ ! -s "$T/out" ]
    sleep 0.3
    type_keys a
    wait_for "$T/out" s3cret
    finish
}

@test "tui: always takes one key and one confirmation; resized, and answered elsewhere" {
    start sh -c "$GO cat $T/keep/one; cat $T/keep/two"
    tui
    attach a
    touch ../go
    on_screen ">   1"
    sleep 0.3
    type_keys A
    on_screen "Keep this rule"
    on_screen "{allow: [read], path: ['$T/keep/one'], by: ["
    sleep 0.3
    type_keys y
    wait_for "$T/a" "question 1: allowed by tui"
    grep -qF "path: ['$T/keep/one']" "$XDG_CONFIG_HOME/sentinel-watch/answers/asks-sh.yaml"
    on_screen ">   2"
    tmux -S "$T/tmux" resize-window -x 60 -y 12
    on_screen "path: ['"
    [ "$(screen | grep -c "2 ")" -ge 1 ]
    sleep 0.3
    type_keys A
    on_screen "Keep this rule"
    key a "d 2" # answered elsewhere while it is being confirmed
    on_screen "Nothing waits."
    type_keys y
    finish
    [ "$(cat "$T/out")" = s3cret ]
    not grep -q two "$XDG_CONFIG_HOME/sentinel-watch/answers/asks-sh.yaml"
}
