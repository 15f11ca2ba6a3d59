#!/usr/bin/env bats
# A thousand callers that wait at once: no thousand threads, a signal to each as natively, and each goes on when its peer comes.

bats_require_minimum_version 1.5.0
load helper

crowd() { # KIND [PREFIX...]
    local kind=$1
    shift
    mkdir "$T/plain" "$T/enforce"
    chmod 777 "$T/plain" "$T/enforce" "$T/state"
    (cd "$T/plain" && "$@" "$AGENTS/crowd_waits" "$kind" 1000) >"$T/plain.out"
    (cd "$T/enforce" && "$@" timeout 100 "$SW" -q -p "$ALLOW_ALL" -o "$T/state/a.jsonl" -- "$AGENTS/crowd_waits" "$kind" 1000) >"$T/enforce.out"
    cat "$T/plain.out" "$T/enforce.out" "$T/enforce/threads"
    diff "$T/plain.out" "$T/enforce.out"
    [ "$(cat "$T/enforce.out")" = "$kind: 1000 waited, 1000 handlers ran, 500 got EINTR once, 0 more often, 500 were restarted, 1000 done, 0 failed" ]
    [ "$(awk '/Threads/ {print $2}' "$T/enforce/threads")" -le 40 ]
}

@test "connect, TCP, the backlog full" { crowd tcp; }
@test "connect, unix, the backlog full" { crowd unix; }
@test "sendto a unix socket whose queue is full" { crowd dgram; }
@test "sendmsg on a unix stream that is full" { crowd stream; }
@test "sendmsg on a TCP connection that is full" { crowd inet; }
@test "readers of a FIFO without a writer, who then only looks in" { crowd reader; }
@test "writers of a FIFO without a reader, who then only looks in" { crowd writer; }

@test "the same as an ordinary user" {
    [ "$(id -u)" = 0 ] || skip "is an ordinary user anyway"
    give_to_user
    crowd unix as_user
}
