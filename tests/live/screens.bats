#!/usr/bin/env bats
# The screens themselves: keys in, screen out, compared with tests/screens/*.txt. UPDATE_SCREENS=1 writes those anew (look at the diff).
# What differs from run to run (numbers of processes, seconds, the word, the folder) is made the same first.

load helper

test_setup() {
    mkdir -p "$T/keep"
    LONG=$(printf 'long-name-%.0s' {1..14})
    mkdir -p "$T/keep/$LONG"
    FILES=("$T/keep/one" "$T/keep/$LONG/$LONG" "$T/keep/"$'x\n\e[2J\xe2\x80\xaesentinel-watch asks\xff' "$T/keep/settings.json.tmp.4711.1f09ab3c")
    for f in "${FILES[@]}"; do echo kept >"$f"; done
    cat >"$T/ask.yaml" <<-YAML
	version: 1
	name: asks
	rules:
	  - {ask: read, path: ['$T/keep/**'], name: keep, message: 'kept for a test'}
	  - {deny: [read, write], path: ['$T/work/no'], name: never, hard: true}
	  - {ask: connect, to: ['127.0.0.1:9'], name: reach}
	defaults: {read: allow, write: allow, exec: allow, connect: allow, bind: allow}
	audit: {level: denials}
	YAML
    echo no >"$T/work/no"
    cat >"$T/agent.sh" <<-'SH'
	i=0
	for f; do
	    i=$((i + 1))
	    while ! [ -e ../go$i ]; do sleep 0.05; done
	    cat "$f" &
	done
	cat no
	touch ../denied
	wait
	SH
}

test_teardown() {
    [ -S "$T/tmux" ] && tmux -S "$T/tmux" kill-server 2>/dev/null
    [ -n "$SESSION_PID" ] && kill -KILL "$SESSION_PID" 2>/dev/null
    return 0
}

screen() { tmux -S "$T/tmux" capture-pane -p $JOIN; }

on_screen() { # TEXT
    local i
    for ((i = 0; i < 200; i++)); do
        screen | grep -qF -- "$1" && return 0
        sleep 0.05
    done
    echo "never on the screen: $1"
    screen
    return 1
}

keys() { tmux -S "$T/tmux" send-keys "$@"; sleep 0.3; } # longer than the quiet that keys need

plain_screen() {
    screen | sed -E "s/sw-test\.[A-Za-z0-9]{1,6}/sw-test.X/g; s/\[[a-z]+-[a-z]+-[0-9]{3}\]/[WORD]/; s/\([0-9]+\)/(PID)/g; s/ +[0-9]+ s\b/ N s/g; s/\([0-9]+ min left/(N min left/; s/denied in [0-9]+ min/denied in N min/
        s/[0-9]{2}:[0-9]{2}:[0-9]{2}/HH:MM:SS/; s#/usr/bin/(dash|bash)\b#/usr/bin/sh#g; /network\.resolve/d; s/^[0-9]+ rules, [0-9]+ of/R rules, U of/; s/ +$//" |
        sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

shot() { # NAME: the screen is tests/screens/NAME.txt, now or within five seconds
    local want=$TESTS/screens/$1.txt i
    if [ -n "$UPDATE_SCREENS" ]; then
        sleep 0.5
        plain_screen >"$want"
        return
    fi
    for ((i = 0; i < 50; i++)); do
        plain_screen | cmp -s - "$want" && return 0
        sleep 0.1
    done
    echo "the screen is not tests/screens/$1.txt:"
    plain_screen | diff "$want" -
    return 1
}

# The tui at COLUMNSxROWS, with the first N files asked for, in their order.
begin() { # COLUMNS ROWS N PROGRAM...
    local columns=$1 rows=$2 n=$3 i
    shift 3
    setsid "$SW" --session t -p "$T/ask.yaml" --approval-timeout 1h -o "$T/log" -- sh "$T/agent.sh" "${FILES[@]:0:$n}" >"$T/out" 2>"$T/err" </dev/null &
    SESSION_PID=$!
    for ((i = 0; i < 200; i++)); do
        grep -qs "mode enforce" "$T/err" && break
        sleep 0.05
    done
    LC_ALL=C.UTF-8 NO_COLOR=1 tmux -f /dev/null -S "$T/tmux" new-session -d -x "$columns" -y "$rows" "unset TMUX; exec $SW $* t"
}

ask_all() { # N: each is on the screen before the next is asked
    local i
    for ((i = 1; i <= $1; i++)); do
        touch "$T/go$i"
        on_screen "$i question"
    done
}

@test "tui, 80x24: hostile names in the queue, the rule that is written, wider and always" {
    begin 80 24 4 tui
    on_screen "Nothing waits."
    ask_all 4
    shot tui-80x24-queue
    keys j
    shot tui-80x24-long-name
    keys j
    shot tui-80x24-hostile-name
    keys A
    shot tui-80x24-cannot-be-kept
    keys j
    keys t p
    shot tui-80x24-wider
    keys A
    shot tui-80x24-always
    keys x
    on_screen "nothing was done"
    keys k
    keys v
    shot tui-80x24-details
    keys G
    shot tui-80x24-details-end
    # No colour anywhere: attributes only.
    ! tmux -S "$T/tmux" capture-pane -p -e | grep -qE $'\e\\[([0-9;]*;)?(3[0-7]|4[0-7]|9[0-7])' || false
}

@test "tui, 80x24: live log, rules and the unused ones, sessions, help, search and filter" {
    begin 80 24 4 tui
    on_screen "Nothing waits."
    keys l
    on_screen "Nothing yet."
    ask_all 4
    while ! [ -e "$T/denied" ]; do sleep 0.05; done
    on_screen "[asks:never]" # live: while it is looked at
    shot tui-80x24-log
    keys r
    on_screen "1  asks:never"
    shot tui-80x24-rules
    keys u
    shot tui-80x24-unused
    keys u
    keys "&" r e a c h Enter
    shot tui-80x24-filter
    keys "&" Enter
    keys S
    shot tui-80x24-sessions
    keys h
    shot tui-80x24-help
    keys / f i l t e r Enter
    shot tui-80x24-search
    keys q
    keys / s e t t i n g s Enter
    on_screen ">   4"
}

@test "tui, 200x50 and made small: the same, with room and without" {
    begin 200 50 4 tui
    ask_all 4
    keys j j
    shot tui-200x50-queue
    keys v
    shot tui-200x50-details
    keys q
    tmux -S "$T/tmux" resize-window -x 60 -y 12
    shot tui-60x12-queue
    tmux -S "$T/tmux" resize-window -x 20 -y 5
    on_screen "too small"
    tmux -S "$T/tmux" resize-window -x 200 -y 50
    shot tui-200x50-queue
}

@test "console, 80x24: a hostile name, what each answer would write" {
    JOIN=-J # lines that the terminal wrapped are one: where it wraps depends on the word's length
    begin 80 24 3 console
    on_screen "attached to t"
    for i in 1 2 3; do # one is shown, the others are counted
        touch "$T/go$i"
        sleep 0.5
    done
    keys n Enter
    keys n Enter
    on_screen "answer 3"
    shot console-80x24-hostile-name
    keys "A 1" Enter
    on_screen "Keep it?"
    shot console-80x24-always
}
