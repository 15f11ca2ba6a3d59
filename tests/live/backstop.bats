#!/usr/bin/env bats
# What the kernel holds by itself under the agent (landlock.h), seen from outside: writes that no call of the agent makes, and
# what the log and doctor say of it. tests/unit/test_landlock.c tries each right of the domain.

load helper

test_setup() {
    mkdir "$T/denied" "$T/allowed"
    chmod 777 "$T/denied" "$T/allowed"
    cat >"$T/p.yaml" <<P
version: 1
name: cores
rules:
  - deny: write
    path: "$T/denied/**"
defaults: {read: allow, write: allow, exec: allow, connect: allow, bind: allow}
P
}

crash='ulimit -c unlimited || exit 9; cd "$0" && (kill -SEGV $BASHPID); ls'

@test "a core file is a write that nobody could judge: there is none, with Landlock and without" {
    [[ $(cat /proc/sys/kernel/core_pattern) != [/\|]* ]] || skip "this machine's core_pattern leads elsewhere"
    run bash -c "$crash" "$T/denied"
    echo "$output"
    [[ $output == *core* ]]
    rm -f "$T"/denied/core*
    run sw -q -p "$T/p.yaml" -- bash -c "$crash" "$T/denied"
    [[ $output != *core* ]]
    [ -z "$(ls "$T/denied")" ]
    # Without Landlock the limit holds it: the shell cannot raise it.
    SENTINEL_WATCH_NO_LANDLOCK=1 run sw -q -p "$T/p.yaml" -- bash -c "$crash" "$T/denied"
    [ -z "$(ls "$T/denied")" ]
    give_to_user
    run as_user "$SW" -q -p "$T/p.yaml" -- bash -c "$crash" "$T/denied"
    [ -z "$(ls "$T/denied")" ]
}

@test "the log's first line says what the kernel holds by itself and what only the supervisor does" {
    parts() { jq -c 'select(.event == "start") | .features | [.kernel_holds, .supervisor_only]' "$1"; }
    SENTINEL_WATCH_NO_LANDLOCK=1 run sw -q -p "$ALLOW_ALL" -o "$T/without" -- true
    [ "$(parts "$T/without")" = '[[],["files","tcp","scopes"]]' ]
    run sw -q -p "$ALLOW_ALL" -o "$T/with" -- true
    abi=$(jq 'select(.event == "start") | .features.landlock_abi' "$T/with")
    [ "$abi" -ge 6 ] || skip "this kernel's Landlock has ABI $abi"
    [ "$(parts "$T/with")" = '[["files","tcp","scopes"],[]]' ]
    run sw doctor
    [[ $output == *"held by the kernel itself: no write"* ]]
    # Log mode changes nothing, so nothing is held.
    run sw -q -m log -p "$ALLOW_ALL" -o "$T/log" -- true
    [ "$(parts "$T/log")" = '[[],["files","tcp","scopes"]]' ]
}
