#!/usr/bin/env bats
# The audit log: the chain, what tampering looks like, and disks and scribes that fail. scribe-talk stands in for the supervisor.
load helper

SCRIBE=$SW_BUILD/sentinel-scribe

talk() { # LOG [OPTION...] with commands on stdin
    local log=$1
    shift
    timeout 60 "$AGENTS/scribe-talk" "$SCRIBE" --log "$log" --session s "$@"
}

a_log() { # LOG [OPTION...]: a whole session of 12 lines
    talk "$@" >/dev/null <<'IN'
r "event":"start","session":"s","mode":"enforce"
many 10 40
l "event":"end","session":"s","mode":"enforce","end":"exited","exit":0
IN
}

verify() {
    run "$SCRIBE" audit verify "$@"
}

test_setup() {
    a_log "$T/log.jsonl"
}

# A small disk of its own, seen by nobody else: the commands run with it at $T/disk.
on_small_disk() { # KIB COMMAND...
    local size=$1
    shift
    mkdir -p "$T/disk"
    unshare -rm bash -c 'mount -t tmpfs -o size="$1"k none "$2" && shift 2 && "$@"' bash "$size" "$T/disk" "$@"
}

@test "a whole log is whole, and says what that is worth" {
    verify "$T/log.jsonl"
    [ "$status" = 0 ]
    [[ $output == *"whole, 12 lines, 1 sessions"* ]]
    [[ $output == *"chained, not signed"* ]]
    [ "$(stat -c %a "$T/log.jsonl")" = 600 ]
}

@test "each line is JSON with its number, and its hash is the SHA-256 of what stands before it" {
    [ "$(jq -r .seq "$T/log.jsonl" | paste -sd,)" = 1,2,3,4,5,6,7,8,9,10,11,12 ]
    [ "$(jq -r .prev "$T/log.jsonl" | head -n 1)" = "$(printf '0%.0s' {1..64})" ]
    local before= line
    while IFS= read -r line; do
        [ "$(printf %s "${line%,\"hash\"*}" | sha256sum | cut -d' ' -f1)" = "$(jq -r .hash <<<"$line")" ]
        [ -z "$before" ] || [ "$(jq -r .prev <<<"$line")" = "$before" ]
        before=$(jq -r .hash <<<"$line")
    done <"$T/log.jsonl"
}

@test "any byte that is changed is found, with its line" {
    local line
    for line in 1 5 12; do
        sed "${line}s/01-02T03/01-02T04/" "$T/log.jsonl" >"$T/changed.jsonl"
        verify "$T/changed.jsonl"
        [ "$status" = 1 ]
        [[ $output == *"changed: line $line "* ]]
    done
    # in the hash itself, and in the chain
    sed '5s/"hash":"./"hash":"g/' "$T/log.jsonl" >"$T/changed.jsonl"
    verify "$T/changed.jsonl"
    [ "$status" = 1 ]
    sed '5s/"prev":"../"prev":"zz/' "$T/log.jsonl" >"$T/changed.jsonl"
    [ "$(cmp "$T/log.jsonl" "$T/changed.jsonl" | wc -l)" = 1 ]
    verify "$T/changed.jsonl"
    [ "$status" = 1 ]
}

@test "a changed line with a fitting hash does not fit its neighbour" {
    local body
    body=$(sed -n 5p "$T/log.jsonl" | sed 's/,"hash".*//; s/xxx/xyx/')
    { sed -n 1,4p "$T/log.jsonl"; printf '%s,"hash":"%s"}\n' "$body" "$(printf %s "$body" | sha256sum | cut -d' ' -f1)"; sed -n '6,$p' "$T/log.jsonl"; } >"$T/forged.jsonl"
    verify "$T/forged.jsonl"
    [ "$status" = 1 ]
    [[ $output == *"line 6 (seq 6) follows another line"* ]]
}

@test "removed lines are found, first, middle and several" {
    sed 5d "$T/log.jsonl" >"$T/removed.jsonl"
    verify "$T/removed.jsonl"
    [ "$status" = 1 ]
    [[ $output == *"removed: seq 5 is missing before line 5"* ]]
    sed 5,7d "$T/log.jsonl" >"$T/removed.jsonl"
    verify "$T/removed.jsonl"
    [ "$status" = 1 ]
    [[ $output == *"removed: seq 5 to 7 are missing"* ]]
    sed 1d "$T/log.jsonl" >"$T/removed.jsonl"
    verify "$T/removed.jsonl"
    [ "$status" = 1 ]
    [[ $output == *"removed: seq 1 is missing"* ]]
}

@test "reordered and doubled lines are found" {
    sed '5{h;d};7G' "$T/log.jsonl" >"$T/reordered.jsonl"
    verify "$T/reordered.jsonl"
    [ "$status" = 1 ]
    [[ $output == *"reordered: seq 5 stands in line 7"* ]]
    sed 5p "$T/log.jsonl" >"$T/doubled.jsonl"
    verify "$T/doubled.jsonl"
    [ "$status" = 1 ]
    [[ $output == *"line 6 is seq 5, where seq 6 belongs"* ]]
}

@test "cut short: whole lines, half a line, everything" {
    head -n 11 "$T/log.jsonl" >"$T/cut.jsonl"
    verify "$T/cut.jsonl"
    [ "$status" = 3 ]
    [[ $output == *"after line 11 the last line"* ]]
    head -c -1 "$T/log.jsonl" >"$T/cut.jsonl"
    verify "$T/cut.jsonl"
    [ "$status" = 3 ]
    head -c 700 "$T/log.jsonl" >"$T/cut.jsonl"
    verify "$T/cut.jsonl"
    [ "$status" = 3 ]
    : >"$T/cut.jsonl"
    verify "$T/cut.jsonl"
    [ "$status" = 3 ]
}

@test "signatures: the right key, the wrong key, none, and a chain made anew" {
    openssl genpkey -algorithm ed25519 -out "$T/key.pem"
    openssl pkey -in "$T/key.pem" -pubout -out "$T/public.pem"
    openssl genpkey -algorithm ed25519 -out "$T/other.pem"
    a_log "$T/signed.jsonl" --key "$T/key.pem"
    verify "$T/signed.jsonl"
    [ "$status" = 0 ]
    [[ $output == *"not checked without --key"* ]]
    verify --key "$T/public.pem" "$T/signed.jsonl"
    [ "$status" = 0 ]
    [[ $output == *"signed with this key"* ]]
    verify --key "$T/other.pem" "$T/signed.jsonl"
    [ "$status" = 4 ]
    verify --key "$T/public.pem" "$T/log.jsonl"
    [ "$status" = 4 ]
    [[ $output == *"has no signature"* ]]
    # somebody makes the whole chain anew with another key
    a_log "$T/anew.jsonl" --key "$T/other.pem"
    verify --key "$T/public.pem" "$T/anew.jsonl"
    [ "$status" = 4 ]
    # checkpoints come by themselves in a long log
    talk "$T/long.jsonl" --key "$T/key.pem" >/dev/null <<<$'r "event":"start","session":"s"\nmany 5000 20\nl "event":"end","end":"exited"'
    [ "$(grep -c '"event":"checkpoint"' "$T/long.jsonl")" -ge 1 ]
    verify --key "$T/public.pem" "$T/long.jsonl"
    [ "$status" = 0 ]
}

@test "a whole log is continued, and the chain goes on" {
    a_log "$T/log.jsonl"
    verify "$T/log.jsonl"
    [ "$status" = 0 ]
    [[ $output == *"24 lines, 2 sessions"* ]]
}

@test "anything else that lies there is an error in words, and is left as it was" {
    echo "my thesis" >"$T/thesis"
    run a_log "$T/thesis"
    [ "$status" = 125 ]
    run talk "$T/thesis" </dev/null
    [[ $output == *"error $T/thesis is there already and is not a whole audit log"* ]]
    [ "$(cat "$T/thesis")" = "my thesis" ]

    head -n 5 "$T/log.jsonl" >"$T/cut.jsonl"
    run talk "$T/cut.jsonl" </dev/null
    [ "$status" = 125 ]
    [[ $output == *"cut short: after line 5"* ]]
    [ "$(wc -l <"$T/cut.jsonl")" = 5 ]

    ln -s "$T/log.jsonl" "$T/link.jsonl"
    run talk "$T/link.jsonl" </dev/null
    [ "$status" = 125 ]
    [[ $output == *"symbolic link"* ]]

    mkfifo "$T/fifo"
    run talk "$T/fifo" </dev/null
    [ "$status" = 125 ]
    [[ $output == *"is not a file"* ]]

    run talk "$T" </dev/null
    [ "$status" = 125 ]
    run talk "$T/none/log.jsonl" </dev/null
    [ "$status" = 125 ]
    [[ $output == *"--audit"*"No such file"* ]]
}

@test "a place that may not be written, as an ordinary user" {
    mkdir "$T/locked"
    chmod 555 "$T/locked"
    run as_user timeout 20 "$AGENTS/scribe-talk" "$SCRIBE" --log "$T/locked/log.jsonl" --session s </dev/null
    [ "$status" = 125 ]
    [[ $output == *"error "*"Permission denied"* ]]
}

@test "two sessions do not write one log" {
    run talk "$T/log.jsonl" <<<"run timeout 20 $AGENTS/scribe-talk $SCRIBE --log $T/log.jsonl --session t </dev/null"
    [[ $output == *"is being written by another session"* ]]
    verify "$T/log.jsonl"
    [ "$status" = 0 ]
}

@test "a log that is being written is whole so far" {
    run talk "$T/log.jsonl" <<<$'r "event":"start","session":"s"\nsleep 200\nrun '"$SCRIBE audit verify $T/log.jsonl"
    [[ $output == *"whole so far, still being written"* ]]
}

@test "when the supervisor dies the log says so" {
    talk "$T/died.jsonl" >/dev/null <<<$'r "event":"start","session":"s"\nmany 3 10'
    [ "$(tail -n 1 "$T/died.jsonl" | jq -r .end)" = "supervisor died" ]
    verify "$T/died.jsonl"
    [ "$status" = 0 ]
}

@test "when the scribe is killed the log is cut short, and the supervisor's end of the socket says so" {
    run talk "$T/killed.jsonl" <<<$'r "event":"start","session":"s"\nmany 3 10\nsleep 300\nkill\nsleep 200\nr "x":1'
    [[ $output == *gone* ]]
    verify "$T/killed.jsonl"
    [ "$status" = 3 ]
}

full_disk() { # fills the disk under a log that is being written; prints what the scribe says
    cd "$1" || exit 1
    timeout 60 "$2/agents/scribe-talk" "$2/sentinel-scribe" --log log.jsonl --session s <<-'IN'
	r "event":"start","session":"s","mode":"log"
	hear 2000
	many 10 100
	run dd if=/dev/zero of=filler bs=64k 2>/dev/null; true
	many 2000 300
	hear 1500
	run echo "has $(wc -l <log.jsonl) lines"
	many 3000 300
	hear 1500
	run rm filler
	hear 2500
	r "after":true
	l "event":"end","session":"s","mode":"log","end":"exited"
	IN
    "$2/sentinel-scribe" audit verify log.jsonl
    tail -n 1 log.jsonl
    grep '"event":"lost"' log.jsonl
    ls -s --block-size=1 log.jsonl
}

@test "a disk that fills: said while there is room for what is on its way, counted when there is none, and mended" {
    export -f full_disk
    run on_small_disk 4096 full_disk "$T/disk" "$SW_BUILD"
    echo "$output"
    [ "${lines[0]}" = ready ]
    [[ $output == *"failed No space left on device"* ]]
    # the first 2000 were on their way when it was said: the room ahead took what fits, and no line is torn
    [[ $output == *"has "*" lines"* ]]
    local there
    there=$(grep -oE 'has [0-9]+ lines' <<<"$output" | grep -oE '[0-9]+')
    [ "$there" -gt 900 ]
    [[ $output == *"lost "* ]]
    [[ $output == *again* ]]
    [[ $output == *"whole, "* ]]
    local dropped told
    dropped=$(grep '"event":"end"' <<<"$output" | jq -r .dropped)
    told=$(grep '"event":"lost"' <<<"$output" | jq -r .lost | paste -sd+ | bc)
    [ "$dropped" -gt 0 ]
    [ "$dropped" = "$told" ]
}

@test "no room for the log at the start is said at the start" {
    run on_small_disk 256 bash -c 'cd "$1" && timeout 20 "$2/agents/scribe-talk" "$2/sentinel-scribe" --log log.jsonl --session s </dev/null; ls "$1"' bash "$T/disk" "$SW_BUILD"
    [[ $output == *"error no room for the audit log"* ]]
    [[ $output != *log.jsonl$'\n' ]]
}

# ---- the same with the real supervisor

everything() { # a policy that allows all and records all
    cat >"$T/all.yaml" <<-'IN'
	version: 1
	name: everything
	rules:
	  - allow: [read, write, exec]
	  - allow: [connect, bind]
	audit: {level: all}
	IN
}

# Runs an agent that opens a file when it is told to, kills the scribe first, and prints what the agent could do.
with_scribe_killed() { # MODE
    everything
    mkfifo "$T/go"
    exec 9<>"$T/go"
    # shellcheck disable=SC2016
    sw --mode "$1" -a reject -p "$T/all.yaml" -o "$T/run.jsonl" -- bash -c 'exec 3<"$1"; : >"$2"; read -r -u 3 -t 30 _; if : </etc/hostname; then echo OPENED; else echo DENIED; fi' \
        bash "$T/go" "$T/ready" >"$T/out" 2>"$T/err" 9>&- &
    local run=$! i scribe=
    for ((i = 0; i < 200; i++)); do
        [ -e "$T/ready" ] && break
        sleep 0.05
    done
    scribe=$(pgrep -f "^[^ ]*/sentinel-scribe write --log $T/run.jsonl") || true # of this test and no other: $T is its own
    [ -n "$scribe" ] && kill -KILL "$scribe"
    sleep 0.3
    echo go >&9
    wait "$run" || true
    exec 9>&-
    [ -n "$scribe" ]
}

@test "a run leaves a whole log, with the command first and the totals last" {
    everything
    sw -a reject -p "$T/all.yaml" -o "$T/run.jsonl" -- sh -c 'echo x >f; cat f; exit 3' || [ $? = 3 ]
    verify "$T/run.jsonl"
    [ "$status" = 0 ]
    [ "$(head -n 1 "$T/run.jsonl" | jq -r '.event + " " + .command[0]')" = "start sh" ]
    [ "$(tail -n 1 "$T/run.jsonl" | jq -r '"\(.event) \(.exit) \(.dropped)"')" = "end 3 0" ]
    [ "$(jq -r --arg f "$T/work/f" 'select(.verb == "write" and .target.path == $f) | .decision' "$T/run.jsonl")" = allow ]
}

@test "a name with a newline and quotes forges nothing, and reads back" {
    everything
    name=$'a\n{"seq":1,"decision":"deny"}"\\x41\xff'
    sw -a reject -p "$T/all.yaml" -o "$T/run.jsonl" -- touch "$name"
    verify "$T/run.jsonl"
    [ "$status" = 0 ]
    [ "$(jq -r 'select(.decision == "deny")' "$T/run.jsonl" | wc -l)" = 0 ]
    path=$(jq -r 'select(.verb == "write") | .target.path' "$T/run.jsonl" | tail -n 1)
    [ "$(printf '%b' "${path}")" = "$T/work/$name" ]
}

@test "the scribe is killed: in enforce everything is denied from then on" {
    with_scribe_killed enforce
    cat "$T/out" "$T/err"
    grep -q DENIED "$T/out"
    grep -q "the scribe has died; every supervised call is denied" "$T/err"
}

@test "the scribe is killed: in log mode the run goes on and what is lost is counted" {
    with_scribe_killed log
    cat "$T/out" "$T/err"
    grep -q OPENED "$T/out"
    grep -q "the scribe has died; the run goes on" "$T/err"
    grep -q "LOST" "$T/err"
}

fill_and_open() { # SW MODE: an agent that fills the disk under its own log, then opens a file again and again
    # shellcheck disable=SC2016
    timeout 60 "$1" --mode "$2" -a reject -p "$T/all.yaml" -o "$T/disk/log.jsonl" -- bash -c 'dd if=/dev/zero of="$1/filler" bs=64k 2>/dev/null
        for ((i = 0; i < 5000; i++)); do : </etc/hostname || { echo "denied at $i"; exit 7; }; done; echo "all opened"' bash "$T/disk" 2>&1
    echo "status $?"
    "$SW_BUILD/sentinel-scribe" audit verify "$T/disk/log.jsonl"
    tail -n 1 "$T/disk/log.jsonl"
    # every open that the agent was granted is in the log
    echo "recorded $(grep -c '"path":"/etc/hostname".*"decision":"allow"' "$T/disk/log.jsonl")"
}

@test "a full disk: in enforce calls are denied rather than unrecorded, and none that was allowed is lost" {
    everything
    export -f fill_and_open
    export T SW_BUILD
    run on_small_disk 3072 fill_and_open "$SW" enforce
    echo "$output"
    [[ $output == *"No space left on device; every supervised call is denied"* ]]
    [[ $output == *"status 7"* ]]
    [[ $output == *"whole, "* ]]
    [ "$(grep '"event":"end"' <<<"$output" | jq -r .dropped)" = 0 ]
    opened=$(grep -oE 'denied at [0-9]+' <<<"$output" | grep -oE '[0-9]+')
    [ "$(grep -oE '^recorded [0-9]+' <<<"$output" | grep -oE '[0-9]+')" = "$opened" ]
}

@test "a full disk: in log mode nothing is denied, and the last line and the summary say how much was lost" {
    everything
    export -f fill_and_open
    export T SW_BUILD
    run on_small_disk 3072 fill_and_open "$SW" log
    echo "$output"
    [[ $output == *"all opened"*"status 0"* ]]
    [[ $output == *"LOST"* ]]
    [[ $output == *"whole, "* ]]
    [ "$(grep '"event":"end"' <<<"$output" | jq -r .dropped)" -gt 0 ]
}

@test "no place for the log: 125, with the name of the flag, and the command is not run" {
    everything
    run sw -p "$T/all.yaml" -o "$T/none/x.jsonl" -- touch "$T/ran"
    [ "$status" = 125 ]
    [[ $output == *"--audit"* ]]
    ln -s "$T/log.jsonl" "$T/link.jsonl"
    run sw -p "$T/all.yaml" -o "$T/link.jsonl" -- touch "$T/ran"
    [ "$status" = 125 ]
    echo "mine" >"$T/mine"
    run sw -p "$T/all.yaml" -o "$T/mine" -- touch "$T/ran"
    [ "$status" = 125 ]
    [ "$(cat "$T/mine")" = mine ]
    [ ! -e "$T/ran" ]
}

@test "the agent reads its own denials, and nobody else's file is left behind" {
    mkdir -p "$HOME/.ssh"
    echo secret >"$HOME/.ssh/id_ed25519"
    # shellcheck disable=SC2016
    run sw -a reject -p agent-base -o "$T/run.jsonl" -- sh -c 'cat "$HOME/.ssh/id_ed25519" 2>/dev/null; echo; cat "$SENTINEL_WATCH_DENIALS"; stat -c %a "$SENTINEL_WATCH_DENIALS"'
    [[ $output != *secret* ]]
    line=$(grep '^{' <<<"$output")
    [ "$(jq -r '.verb + " " + .rule' <<<"$line")" = "read agent-base:ssh-keys" ]
    [ "$(jq -r '.message | length' <<<"$line")" -gt 10 ]
    [[ $output == *600* ]]
    [ -z "$(find "$T/state" -name '*.denials.jsonl')" ]
    run "$SCRIBE" last "$T/run.jsonl"
    [[ $output == *"read $HOME/.ssh/id_ed25519"* ]]
    [[ $output == *"without: [agent-base:ssh-keys]"* ]]
}

@test "Ctrl-C and TERM to the job do not reach the scribe" {
    everything
    sw -a reject -p "$T/all.yaml" -o "$T/run.jsonl" -- sh -c 'kill -INT 0; sleep 1' || true
    verify "$T/run.jsonl"
    [ "$status" = 0 ]
    [ "$(tail -n 1 "$T/run.jsonl" | jq -r .end)" = exited ]
}

@test "every answer is in the log, the last one before the end too" {
    printf 'version: 1\nrules:\n  - deny: read\n    path: [/etc/hostname]\n  - allow: [read, write, exec]\n' >"$T/deny.yaml"
    local round
    for round in 1 2 3 4 5; do
        rm -f "$T/run.jsonl"
        run sw -q -a reject -p "$T/deny.yaml" -o "$T/run.jsonl" -- bash -c 'for ((i = 0; i < 1500; i++)); do : </etc/hostname; done 2>/dev/null; exit 0'
        [ "$status" = 0 ]
        [ -z "$output" ]
        [ "$(grep -c '"path":"/etc/hostname".*"decision":"deny"' "$T/run.jsonl")" = 1500 ]
    done
}

# ---- reading

some_records() { # a log by hand: two programs, three verbs, allowed, denied and asked
    talk "$T/read.jsonl" >/dev/null <<'IN'
r "event":"start","session":"s","mode":"enforce"
r "session":"s","mode":"enforce","pid":7,"exe":"/usr/bin/cat","syscall":"openat","verb":"read","target":{"raw":"a","path":"/w/a","resolved":true,"flags":0},"decision":"allow","rule":null,"rule_at":null,"decided_by":"default"
r "session":"s","mode":"enforce","pid":7,"exe":"/usr/bin/cat","syscall":"openat","verb":"read","target":{"raw":"k","path":"/h/.ssh/k","resolved":true,"flags":0},"decision":"deny","rule":"base:keys","rule_at":"base.yaml:3","decided_by":"hard"
r "session":"s","mode":"enforce","pid":8,"exe":"/usr/bin/curl","syscall":"connect","verb":"connect","target":{"raw":null,"family":"inet","addr":"10.0.0.1","port":443,"flags":0},"decision":"deny","rule":null,"rule_at":null,"decided_by":"unattended"
r "session":"s","mode":"enforce","pid":8,"exe":"/usr/bin/mv","syscall":"rename","verb":"write","target":{"raw":"a","path":"/w/it's *","resolved":true,"flags":0},"also":[{"verb":"write","target":{"raw":"b","path":"/w/b","resolved":false,"flags":0}}],"decision":"allow","rule":null,"rule_at":null,"decided_by":"user","waited_us":2000000
r "session":"s","mode":"enforce","pid":8,"exe":"/usr/bin/mv","syscall":"openat","verb":"write","target":{"raw":"a","path":"/w/it's *","resolved":true,"flags":0},"decision":"deny","rule":null,"rule_at":null,"decided_by":"timeout"
l "event":"end","session":"s","mode":"enforce","end":"exited","exit":0
IN
}

@test "show: each filter, and the lines as they stand with --json" {
    some_records
    shows() { "$SCRIBE" audit show --json "$@" "$T/read.jsonl" | jq -r .seq | paste -sd, -; }
    [ "$(shows)" = 1,2,3,4,5,6,7 ]
    [ "$(shows --verb read)" = 2,3 ]
    [ "$(shows --decision deny)" = 3,4,6 ]
    [ "$(shows --decision allow)" = 2,5 ]
    [ "$(shows --decision ask)" = 4,5,6 ]
    [ "$(shows --exe '*/curl')" = 4 ]
    [ "$(shows --target '/w/*')" = 2,5,6 ]
    [ "$(shows --target '/w/b')" = 5 ] # a further right of the call
    [ "$(shows --target '10.0.0.1:443')" = 4 ]
    [ "$(shows --since 2026-01-02)" = 1,2,3,4,5,6,7 ]
    [ "$(shows --since 2026-01-02T03:04:06Z)" = "" ]
    [ "$(shows --since 1h)" = "" ]
    run "$SCRIBE" audit show --verb open "$T/read.jsonl"
    [ "$status" = 2 ]
    run "$SCRIBE" audit show --since yesterday "$T/read.jsonl"
    [ "$status" = 2 ]
    [ "$(shows --json | wc -l)" = 1 ]
    "$SCRIBE" audit show --json "$T/read.jsonl" | cmp - "$T/read.jsonl"
}

@test "last: the latest session's denials, each with its rule and what would permit it, from the default place too" {
    some_records
    mkdir -p "$XDG_STATE_HOME/sentinel-watch"
    cp "$T/log.jsonl" "$XDG_STATE_HOME/sentinel-watch/older.jsonl"
    sleep 0.05
    cp "$T/read.jsonl" "$XDG_STATE_HOME/sentinel-watch/newer.jsonl"
    run "$SCRIBE" last
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *newer.jsonl* ]]
    [[ $output == *"3 different denials"* ]]
    [[ $output == *"base:keys (base.yaml:3)"*"without: [base:keys]"* ]]
    [[ $output == *"--allow connect:10.0.0.1:443"* ]]
    [[ $output == *"--allow 'write:/w/it'\\''s \\*'"* ]]
    run "$SCRIBE" last older
    [[ $output == *"nothing was denied"* ]]
}

@test "stats and tail" {
    some_records
    run "$SCRIBE" audit stats "$T/read.jsonl"
    [[ $output == *"5 records, 1 sessions"* ]]
    [[ $output == *"waited 2.0 s"* ]]
    [[ $output == *"2  read"* || $output == *"1  read     deny"* ]]
    run "$SCRIBE" audit tail -n 2 --json "$T/read.jsonl"
    [ "$(jq -r .seq <<<"$output" | paste -sd,)" = 6,7 ]
    # -f shows what is written while it looks, and ends with the session
    talk "$T/grow.jsonl" >/dev/null < <(printf 'r "event":"start","session":"s"\n'; sleep 1; printf 'r "late":true\nl "event":"end","session":"s","end":"exited"\n') &
    sleep 0.4
    run timeout 20 "$SCRIBE" audit tail -f --json "$T/grow.jsonl"
    wait
    [ "$status" = 0 ]
    [ "$(jq -r .seq <<<"$output" | paste -sd,)" = 1,2,3 ]
}

@test "--audit-key signs the log of a run, and the agent can neither read nor replace the key" {
    openssl genpkey -algorithm ed25519 -out "$T/key.pem" 2>/dev/null
    openssl pkey -in "$T/key.pem" -pubout -out "$T/pub.pem"
    run sw -q --audit-key "$T/key.pem" -p "$ALLOW_ALL" -o "$T/signed.jsonl" -- sh -c "head -n 1 $T/key.pem; echo x >$T/key.pem; ln $T/key.pem $T/other; cat $T/other"
    [[ "$output" == *"Permission denied"* ]]
    [[ "$output" != *"BEGIN PRIVATE"* ]]
    grep -q "BEGIN PRIVATE" "$T/key.pem"
    run sw audit verify --key "$T/pub.pem" "$T/signed.jsonl"
    echo "$output"
    [ "$status" = 0 ]
    [[ "$output" == *sign* ]]
    run sw --audit-key "$T/none.pem" -p "$ALLOW_ALL" -o "$T/no.jsonl" -- touch ran
    [ "$status" = 125 ]
    [[ "$output" == *"$T/none.pem"* ]]
    [ ! -e ran ]
}

@test "the first line has the hash of the policy files, as they were read" {
    first() { jq -r 'select(.event == "start")' "$1"; }
    printf 'version: 1\nname: two\nextends: [%s]\ndefaults: {bind: deny}' "$ALLOW_ALL" >"$T/two.yaml" # no newline at its end
    run sw -q -p "$T/two.yaml" -o "$T/two.jsonl" -- true
    mapfile -t files < <(first "$T/two.jsonl" | jq -r '.policy_files[]')
    [ "${#files[@]}" -ge 2 ]
    [ "$(first "$T/two.jsonl" | jq -r .policy_sha256)" = "$(cat "${files[@]}" | sha256sum | cut -d' ' -f1)" ]
    run sw -q -m log -o "$T/base.jsonl" -- true # agent-base
    mapfile -t files < <(first "$T/base.jsonl" | jq -r '.policy_files[]')
    [ "$(first "$T/base.jsonl" | jq -r .policy_sha256)" = "$(cat "${files[@]}" | sha256sum | cut -d' ' -f1)" ]
    run sw -q -m off -o "$T/off.jsonl" -- true
    [ "$(first "$T/off.jsonl" | jq -r .policy_sha256)" = null ]
}
