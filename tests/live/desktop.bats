#!/usr/bin/env bats
# The desktop interface against a real notification server (dunst) on a real display (Xvfb) and bus.

load helper

test_setup() {
    mkdir -p "$T/keep"
    echo s3cret >"$T/keep/one"
    cat >"$T/ask.yaml" <<-YAML
	version: 1
	name: asks
	rules:
	  - {ask: read, path: ['$T/keep/**'], name: keep}
	defaults: {read: allow, write: allow, exec: allow, connect: allow, bind: allow}
	YAML
    # dunst hands its buttons to a menu program: this one presses the button that a file names.
    cat >"$T/menu" <<-SH
	#!/bin/sh
	cat >$T/offered
	[ -s $T/press ] && grep -F "\$(cat $T/press)" $T/offered | head -n 1
	SH
    chmod +x "$T/menu"
    cat >"$T/dunstrc" <<-RC
	[global]
	    dmenu = $T/menu
	    width = 600
	    height = 400
	    markup = full
	RC
}

wait_for() { # FILE TEXT
    local i
    for ((i = 0; i < 200; i++)); do
        grep -qF -- "$2" "$1" 2>/dev/null && return 0
        sleep 0.05
    done
    echo "never seen in $1: $2"
    head -n 30 "$T"/*.txt
    return 1
}

# Runs the script with a display, a bus, dunst, and a session t that waits for ../go before it reads the kept file.
desk() {
    cat >"$T/desk.sh" <<-SH
	trap 'kill \$DUNST \$X \$UI 2>/dev/null' EXIT
	rm -f $T/display
	Xvfb -displayfd 3 -screen 0 1024x768x24 3>$T/display 2>$T/xvfb.txt & X=\$!
	while ! [ -s $T/display ]; do sleep 0.05; done
	export DISPLAY=:\$(cat $T/display)
	dunst -config $T/dunstrc >$T/dunst.txt 2>&1 & DUNST=\$!
	while ! dunstctl count >/dev/null 2>&1; do sleep 0.05; done
	setsid $SW --session t -p $T/ask.yaml -o $T/log --approval-timeout \${TIMEOUT:-20s} -- sh -c 'while ! [ -e ../go ]; do sleep 0.05; done; cat $T/keep/one; echo rc=\$?' >$T/out.txt 2>$T/err.txt </dev/null & SESSION=\$!
	while ! grep -q "mode enforce" $T/err.txt; do sleep 0.05; done
	$SW desktop t >$T/ui.txt 2>&1 & UI=\$!
	sleep 1
	touch ../go
	while ! dunstctl history >/dev/null || ! dunstctl count | grep -q 'Currently displayed: 1'; do sleep 0.1; done
	$1
	wait \$SESSION
	SH
    timeout 60 dbus-run-session -- sh "$T/desk.sh"
}

@test "a button allows; the notification says who asks for what and goes away" {
    echo "Allow once" >"$T/press"
    desk 'dunstctl context'
    grep -q s3cret "$T/out.txt"
    [ "$(jq -r 'select(.decided_by == "user") | .handler' "$T/log")" = desktop ]
    [ "$(grep -c . "$T/offered")" = 3 ] # three buttons, and no default action
    not grep -q '\[.*,default\]' "$T/offered"
}

@test "a button denies" {
    echo "Deny" >"$T/press"
    desk 'dunstctl context'
    grep -q rc=1 "$T/out.txt"
    [ "$(jq -r 'select(.decided_by == "user") | .decision' "$T/log")" = deny ]
}

@test "closing the notification, or its default action, is no answer" {
    TIMEOUT=4s desk 'dunstctl action 0; sleep 0.5; dunstctl close'
    grep -q rc=1 "$T/out.txt"
    [ "$(jq -r 'select(.target.path? == "'"$T/keep/one"'") | .decided_by' "$T/log")" = timeout ]
}

@test "answered elsewhere, the notification goes away" {
    desk "printf 'subscribe asks other\nanswer 1 allow once\n' | (cat; sleep 1) | $SW console --raw t >/dev/null; while dunstctl count | grep -q 'displayed: 1'; do sleep 0.1; done; touch $T/went"
    [ -e "$T/went" ]
    [ "$(jq -r 'select(.decided_by == "user") | .handler' "$T/log")" = other ]
}

@test "without a server it says what to use instead" {
    run timeout 20 dbus-run-session -- "$SW" desktop t
    [ "$status" = 125 ]
    [[ $output == *"sentinel-watch tui"* ]]
    run timeout 20 dbus-run-session -- "$SW" --approval desktop -o "$T/log" -- true
    [ "$status" = 125 ]
    [[ $output == *"no notification server that shows buttons"* ]]
}

# A display, a bus, dunst; then the script.
with_desktop() {
    cat >"$T/desk.sh" <<-SH
	trap 'kill \$DUNST \$X 2>/dev/null' EXIT
	rm -f $T/display
	Xvfb -displayfd 3 -screen 0 1024x768x24 3>$T/display 2>$T/xvfb.txt & X=\$!
	while ! [ -s $T/display ]; do sleep 0.05; done
	export DISPLAY=:\$(cat $T/display)
	dunst -config $T/dunstrc >$T/dunst.txt 2>&1 & DUNST=\$!
	while ! dunstctl count >/dev/null 2>&1; do sleep 0.05; done
	displayed() { while ! dunstctl count | grep -q "Currently displayed: \$1"; do sleep 0.1; done; }
	$1
	SH
    timeout 60 dbus-run-session -- sh "$T/desk.sh"
}

@test "started by the session: desktop when asked for, and of auto when there is one, though there is no terminal" {
    echo "Allow once" >"$T/press"
    for how in desktop auto; do
        with_desktop "setsid $SW -a $how --session t$$ -p $T/ask.yaml -o $T/log-$how -- cat $T/keep/one >$T/out-$how 2>$T/err-$how </dev/null & S=\$!
            displayed 1; dunstctl context; wait \$S"
        grep -q s3cret "$T/out-$how"
        [ "$(jq -r 'select(.decided_by == "user") | .handler' "$T/log-$how")" = desktop ]
    done
    grep -q "answer the notifications" "$T/err-desktop"
    for ((i = 0; i < 40; i++)); do # it ends with its session
        pgrep -f "desktop --started t$$" || return 0
        sleep 0.1
    done
    false
}

@test "auto: who attaches comes before the desktop, and the desktop takes over again" {
    with_desktop "setsid $SW --session t -p $T/ask.yaml -o $T/log -- cat $T/keep/one >$T/out.txt 2>$T/err.txt </dev/null & S=\$!
        displayed 1
        printf 'subscribe asks other\n' | (cat; sleep 2) | $SW console --raw t >$T/raw & R=\$!
        displayed 0; wait \$R; displayed 1; echo back >$T/back
        printf 'subscribe asks other\nanswer 1 allow once\n' | (cat; sleep 1) | $SW console --raw t >/dev/null
        wait \$S"
    [ -e "$T/back" ]
    grep -q '"ask"' "$T/raw"
    grep -q s3cret "$T/out.txt"
}

@test "auto: an inhibited desktop takes no questions; they come when it is disturbed again" {
    echo "Allow once" >"$T/press"
    with_desktop "dunstctl set-paused true
        setsid $SW --session t -p $T/ask.yaml -o $T/log -- cat $T/keep/one >$T/out.txt 2>$T/err.txt </dev/null & S=\$!
        while ! grep -q 'mode enforce' $T/err.txt; do sleep 0.1; done
        sleep 1.5; dunstctl count >$T/count; dunstctl set-paused false
        displayed 1; dunstctl context; wait \$S"
    grep -q "Waiting: 0" "$T/count"
    grep -q s3cret "$T/out.txt"
}

@test "auto: a desktop without a notification server: nobody is there, and what waits is denied" {
    DISPLAY=:99 timeout 30 dbus-run-session -- setsid "$SW" --session t -p "$T/ask.yaml" -o "$T/log" -- cat "$T/keep/one" >"$T/out.txt" 2>"$T/err.txt" </dev/null || true
    [ ! -s "$T/out.txt" ]
    [ "$(jq -r 'select(.target.path? == "'"$T/keep/one"'") | .decided_by' "$T/log")" = unattended ]
}

@test "Review opens the tui in a terminal, also when the session started the interface" {
    echo "Review" >"$T/press"
    # A terminal that is driven by the test: what it would run is run in tmux, and answers there.
    cat >"$T/terminal" <<-SH
	#!/bin/sh
	[ "\$1" = -e ] && shift
	LC_ALL=C.UTF-8 exec tmux -f /dev/null -S $T/tmux new-session -d -x 100 -y 30 "\$@"
	SH
    chmod +x "$T/terminal"
    with_desktop "export TERMINAL=$T/terminal
        setsid $SW -a desktop --session t -p $T/ask.yaml -o $T/log -- cat $T/keep/one >$T/out.txt 2>$T/err.txt </dev/null & S=\$!
        displayed 1; dunstctl context
        while ! tmux -S $T/tmux capture-pane -p 2>/dev/null | grep -q 'wants to read'; do sleep 0.1; done
        sleep 0.5; tmux -S $T/tmux send-keys a
        wait \$S; tmux -S $T/tmux kill-server"
    grep -q s3cret "$T/out.txt"
    [ "$(jq -r 'select(.decided_by == "user") | .handler' "$T/log")" = tui ]
}

@test "the agent presses no button and types no key itself: the bus, the display and tmux are out of its reach" {
    cat >"$T/reach.sh" <<-SH
	dunstctl count >/dev/null 2>&1 && echo dbus
	/usr/bin/python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect("/tmp/.X11-unix/X" + sys.argv[1])' "\${DISPLAY#:}" 2>/dev/null && echo x11
	tmux -L "\$1" send-keys Enter 2>/dev/null && echo tmux
	exit 0
	SH
    cat >"$T/reach" <<-SH
	trap 'kill \$DUNST \$X; tmux -L sw-\$\$ kill-server' EXIT
	Xvfb -displayfd 3 -screen 0 640x480x24 3>$T/display 2>$T/xvfb.txt & X=\$!
	while ! [ -s $T/display ]; do sleep 0.05; done
	export DISPLAY=:\$(cat $T/display)
	dunst -config $T/dunstrc >$T/dunst.txt 2>&1 & DUNST=\$!
	while ! dunstctl count >/dev/null 2>&1; do sleep 0.05; done
	tmux -L sw-\$\$ -f /dev/null new-session -d
	sh $T/reach.sh sw-\$\$ >$T/plain.txt
	$SW -q -a reject -p $ALLOW_ALL -o $T/held -- sh $T/reach.sh sw-\$\$ >$T/held.txt
	SH
    timeout 60 dbus-run-session -- sh "$T/reach" || true
    [ "$(paste -sd' ' "$T/plain.txt")" = "dbus x11 tmux" ]
    [ ! -s "$T/held.txt" ]
    jq -r 'select(.decided_by == "protected") | .rule' "$T/held" | sort -u >"$T/rules.txt"
    cat "$T/rules.txt"
    grep -qx protected:x11 "$T/rules.txt"
    grep -qx protected:dbus "$T/rules.txt"
    grep -qx protected:tmux "$T/rules.txt"
}
