# open: files and paths behave as natively, and are held to the policy.

bats_require_minimum_version 1.5.0
load helper

test_teardown() {
    umount -l "$T/work/hung" 2>/dev/null || true
}

# The same table of calls plain, in log and in enforce with everything allowed; the folder stands in the user's hands.
errno_table() { # $@: what runs it (as_user, or nothing)
    for m in plain log enforce; do
        mkdir -p "$T/$m/w"
        chmod 777 "$T/$m" "$T/$m/w"
    done
    "$@" "$AGENTS/errnos" "$T/plain/w" >"$T/plain.out"
    [ "$(wc -l <"$T/plain.out")" -gt 350 ]
    for m in log enforce; do
        "$@" timeout 60 "$SW" -q -m "$m" -p "$T/all.yaml" -o "$T/$m/audit.jsonl" -- "$AGENTS/errnos" "$T/$m/w" >"$T/$m.out"
        diff "$T/plain.out" "$T/$m.out"
    done
}

allow_all() {
    printf 'version: 1\nrules:\n  - allow: [read, write, exec]\n  - allow: [connect, bind]\n' >"$T/all.yaml"
}

@test "hundreds of arguments give the same result plain, in log and in enforce" {
    allow_all
    errno_table
}

@test "the same as an ordinary user" {
    allow_all
    give_to_user
    errno_table as_user
}

@test "the same for a child that became another user inside a session of root" {
    [ "$(id -u)" = 0 ] || skip "needs root"
    allow_all
    for m in plain enforce; do
        mkdir -p "$T/$m/w"
        chmod 777 "$T/$m" "$T/$m/w"
    done
    become="setpriv --reuid=$USER_ID --regid=$USER_ID --groups=$USER_ID,777"
    $become "$AGENTS/errnos" "$T/plain/w" >"$T/plain.out"
    sw -q -p "$T/all.yaml" -o "$T/enforce/audit.jsonl" -- $become "$AGENTS/errnos" "$T/enforce/w" >"$T/enforce.out"
    diff "$T/plain.out" "$T/enforce.out"
}

@test "opens that wait: only their thread, interrupted and restarted as natively" {
    allow_all
    mkdir plain enforce
    "$AGENTS/fifo_wait" plain >"$T/plain.out"
    sw -q -p "$T/all.yaml" -o "$T/audit.jsonl" -- "$AGENTS/fifo_wait" enforce >"$T/enforce.out"
    diff "$T/plain.out" "$T/enforce.out"
}

@test "a file is closed when close() returns" {
    allow_all
    "$AGENTS/late_reference" "$T/work" 300
    sw -q -p "$T/all.yaml" -o "$T/audit.jsonl" -- "$AGENTS/late_reference" "$T/work" 1000
}

@test "/proc and /dev/fd are the caller's, by every path; other processes' are refused" {
    allow_all
    mkdir "$T/plain" "$T/enforce"
    "$AGENTS/whose_proc" "$T/plain" >"$T/plain.out"
    not grep "NOT" "$T/plain.out"
    sw -q -p "$T/all.yaml" -o "$T/audit.jsonl" -- "$AGENTS/whose_proc" "$T/enforce" >"$T/enforce.out"
    diff <(grep -v "^the parent's" "$T/plain.out") <(grep -v "^the parent's" "$T/enforce.out")
    [ "$(grep -c "^the parent's .*: opened" "$T/plain.out")" -ge 10 ]
    [ "$(grep "^the parent's .*: opened" "$T/enforce.out")" = "the parent's status: opened" ]
    [ "$(jq -r 'select(.decided_by == "protected") | .syscall' "$T/audit.jsonl" | wc -l)" -ge 15 ]
}

# What decides which file is opened changes while the call is made: memory of a sibling thread, of a CLONE_VM process, shared
# memory, the descriptor, links, the working folder, openat2's flags.
@test "an open cannot be raced" {
    mkdir pub sec own
    echo public >pub/file
    echo SECRET >sec/file
    cat >"$T/p.yaml" <<END
version: 1
rules:
  - {deny: [read, write], name: sec, path: "$T/work/sec/**"}
  - {deny: write, name: pub, path: "$T/work/pub/**"}
  - allow: [read, write, exec]
  - allow: [connect, bind]
END
    for kind in path vm shared dirfd link exchange cwd flags opath create newname mkdir; do
        "$AGENTS/flip" $kind "$T/work" 1000000 until
        run sw -q -p "$T/p.yaml" -o "$T/$kind.jsonl" -- "$AGENTS/flip" $kind "$T/work" 3000
        echo "$kind: $output"
        [ "$status" = 1 ]
        [ $kind = opath ] || [[ "$output" != *" 0 what was allowed"* ]]
        [ $kind = opath ] || [ "$(jq -r 'select(.decision == "deny") | .rule' "$T/$kind.jsonl" | grep -c '^p:')" -gt 0 ]
    done
}

# $1: the rules; $2: the errno of a denial; then what runs it (as_user, or nothing)
no_writing() {
    local rules=$1 errno=$2 status=0 n
    shift 2
    rm -rf sec pub "$T/audit.jsonl"
    "$@" "$AGENTS/attack_write" "$T/work" prepare
    find sec -printf '%p %m %s %T@ %n\n' | sort >"$T/before"
    printf 'version: 1\nname: p\n%s\n' "$rules" >"$T/p.yaml"
    "$@" timeout 60 "$SW" -q -p "$T/p.yaml" -a reject -o "$T/audit.jsonl" -- "$AGENTS/attack_write" "$T/work" >"$T/out" || status=$?
    cat "$T/out"
    [ "$status" = 1 ]
    n=$(sed -n 's/ attempts, 0 done$//p' "$T/out")
    [ "$n" -gt 60 ]
    [ "$(grep -c " $errno\$" "$T/out")" = "$n" ]
    find sec -printf '%p %m %s %T@ %n\n' | sort | diff "$T/before" -
}

denied_write() {
    echo "rules:
  - {deny: write, name: sec, path: '$T/work/sec/**', errno: EPERM}
  - allow: [read, write, exec]
  - allow: [connect, bind]"
}

@test "no way of writing reaches what a rule denies" {
    no_writing "$(denied_write)" EPERM
    # And with nobody in the way each of them gets through, on victims of its own.
    for only in $(seq 0 $(($(grep -c EPERM "$T/out") - 1))); do
        rm -rf sec pub
        "$AGENTS/attack_write" "$T/work" prepare
        "$AGENTS/attack_write" "$T/work" "only" "$only"
    done
}

@test "nor as an ordinary user, nor where writing is denied unless said" {
    give_to_user
    no_writing "$(denied_write)" EPERM as_user
    no_writing "defaults: {read: allow, exec: allow, write: deny}
rules:
  - {allow: write, path: '$T/work/pub/**'}" EACCES as_user
    no_writing "defaults: {read: allow, exec: allow, write: deny}
rules:
  - {allow: write, path: '$T/work/pub/**'}" EACCES
}

# The same of reading.
no_reading() {
    local status=0
    rm -rf sec pub hard "$T/audit.jsonl"
    mkdir -p sec/folder pub
    echo SECRET >sec/file
    ln sec/file hard
    [ "$#" = 0 ] || give_to_user
    "$@" "$AGENTS/attack_read" "$T/work"
    rm -rf pub hard
    mkdir pub
    ln sec/file hard
    [ "$#" = 0 ] || give_to_user
    cat >"$T/p.yaml" <<END
version: 1
rules:
  - {deny: read, name: sec, path: "$T/work/sec/**", errno: EPERM}
  - allow: [read, write, exec]
  - allow: [connect, bind]
END
    "$@" timeout 60 "$SW" -q -p "$T/p.yaml" -o "$T/audit.jsonl" -- "$AGENTS/attack_read" "$T/work" >"$T/out" || status=$?
    cat "$T/out"
    [ "$status" = 1 ]
    [ "$(jq -r 'select(.rule == "p:sec") | .syscall' "$T/audit.jsonl" | wc -l)" -ge 35 ]
    # Nothing else decided, but for openat2 with O_PATH, which is refused by name.
    [ "$(jq -r 'select(.decision == "deny" and .rule != "p:sec") | .syscall' "$T/audit.jsonl")" = openat2 ]
}

@test "no way of reading reaches what a rule denies" {
    no_reading
}

@test "nor as an ordinary user who asks for a secret" {
    no_reading as_user
}

# A file system that never answers: natively only who asks it waits, and so it is here.
@test "a hung file system keeps only its own callers waiting" {
    [ "$(id -u)" = 0 ] || skip "needs root: mounts"
    [ -c /dev/fuse ] || skip "needs /dev/fuse"
    allow_all
    mkdir hung
    ln -s hung/y link
    "$AGENTS/hung_mount" hung 4 >mounted 3>&- &
    for _ in $(seq 50); do [ -s mounted ] && break || sleep 0.1; done
    [ -s mounted ]
    sw -q -p "$T/all.yaml" -o "$T/audit.jsonl" -- bash -c '
        for i in 1 2 3; do cat hung/x; done 2>one &
        cat link 2>two &
        mkdir hung/new 2>three &
        sleep 0.5
        for i in $(seq 20); do cat /etc/hostname >/dev/null || exit 1; done
        echo x >here
        echo went on after ${SECONDS}s
        wait
        tail -n1 one two three' >out
    umount -l hung
    cat out
    grep -q "went on after [0-2]s" out
    [ "$(grep -c "not connected\|connection abort" out)" = 3 ]
}

@test "message queues are files below /dev/mqueue" {
    allow_all
    "$AGENTS/queues" "sw-test-$$" >"$T/plain.out"
    sw -q -p "$T/all.yaml" -o "$T/audit.jsonl" -- "$AGENTS/queues" "sw-test-$$" >"$T/enforce.out"
    diff "$T/plain.out" "$T/enforce.out"
    printf 'version: 1\nname: p\nrules:\n  - {deny: [read, write], path: "/dev/mqueue/sw-test-*", name: q}\n  - allow: [read, write, exec]\n' >"$T/p.yaml"
    run sw -q -p "$T/p.yaml" -o "$T/denied.jsonl" -- "$AGENTS/queues" "sw-test-$$"
    echo "$output"
    [ "$status" = 1 ]
    [ "$(grep -c EACCES <<<"$output")" -ge 8 ]
    [ "$(jq -r 'select(.rule == "p:q") | .target.path' "$T/denied.jsonl" | sort -u)" = "/dev/mqueue/sw-test-$$" ]
}

@test "64 threads at once: every answer is its own" {
    mkdir own deny
    for i in $(seq 0 63); do mkdir "deny/f$i"; done
    "$AGENTS/many_opens" "$T/work" 20
    printf 'version: 1\nname: p\nrules:\n  - {deny: [read, write], path: "%s/deny/**", errno: EPERM}\n  - allow: [read, write, exec]\n' "$T/work" >"$T/p.yaml"
    sw -q -p "$T/p.yaml" -o "$T/audit.jsonl" -- "$AGENTS/many_opens" "$T/work" 50 denied
    [ "$(jq -r 'select(.decision == "deny") | .syscall' "$T/audit.jsonl" | wc -l)" = $((64 * 50 * 2)) ]
}

@test "the terminal of a program outside is not opened: neither the user's keys nor our own questions" {
    local t="python3 $TESTS/agents/terminals.py"
    run -0 $t outside $t try
    [ "$(grep -c reached <<<"$output")" = 4 ]
    run -0 $t outside "$SW" -q -p "$ALLOW_ALL" -o "$T/a.jsonl" -- $t try
    [ "$(grep -c '^O_.* held 13$' <<<"$output")" = 3 ]
    grep -q 'inner reached' <<<"$output"
    [ "$(jq -r 'select(.decision == "deny") | .decided_by' "$T/a.jsonl" | sort | uniq -c | xargs)" = "3 protected" ]
    # At a terminal: that is the agent's as well.
    cat >"$T/in.sh" <<S
exec script -qec "'$SW' -q -p '$ALLOW_ALL' -o '$T/b.jsonl' -- $t try \$1" /dev/null
S
    run -0 $t outside bash "$T/in.sh" </dev/null
    [ "$(grep -c 'held 13' <<<"$output")" = 3 ]
    [ "$(grep -cE '^(inner|mine|the job.s) reached' <<<"$output")" = 3 ]
}
