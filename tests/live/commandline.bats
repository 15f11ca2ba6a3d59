#!/usr/bin/env bats
# The command line: each mistake one clear error (what was found, what was expected, the way out) and its exit status.
load helper

# expect STATUS TEXT ARG...: sentinel-watch ARG... ends with it, says it on stderr, says nothing on stdout, leaves no log.
expect() {
    local want=$1 text=$2 got=0
    shift 2
    sw "$@" >"$T/out" 2>"$T/err" </dev/null || got=$?
    if [ "$got" != "$want" ] || ! grep -qF -- "$text" "$T/err" || [ -s "$T/out" ] || [ -e ran ] || grep -qv '^sentinel-watch: ' "$T/err"; then
        echo "sentinel-watch $*"
        echo "status $got, expected $want; expected on stderr: $text"
        cat "$T/err" "$T/out"
        [ ! -e ran ] || echo "and the program ran"
        return 1
    fi
}

logs() { find "$T/state" -name '*.jsonl' ! -name '*.denials.jsonl' | wc -l; }

@test "mistakes on the command line: 2" {
    expect 2 'expected `-- COMMAND`'
    expect 2 'expected `-- COMMAND`' -m log
    expect 2 'expected `-- COMMAND`' -m log --
    expect 2 'expected `--` before the program: sentinel-watch -m log -- touch ran' -m log touch ran
    expect 2 "sentinel-watch -- sh -c 'touch ran'" sh -c 'touch ran'
    expect 2 'unknown option `--mdoe` (nearest: --mode)' --mdoe log -- touch ran
    expect 2 '-m: found `enforced`, expected log, enforce or off (nearest: enforce)' -m enforced -- touch ran
    expect 2 '--approval-timeout: found `60`' --approval-timeout 60 -- touch ran
    expect 2 '--allow: found `read`, expected VERB:TARGET' --allow read -- touch ran
    expect 2 '--deny: found `reed:/x`' --deny reed:/x -- touch ran
    expect 2 'command line, --allow: found `relative`, expected a path pattern' -p "$ALLOW_ALL" --allow read:relative -- touch ran
    expect 2 'is not built in this version' --record-syscalls -- touch ran
    expect 2 'nearest: strict' --baseline strickt -- touch ran
    expect 2 '--baseline FILE' --baseline custom -- touch ran
    [ "$(logs)" = 0 ]
}

@test "variables that stand for flags: 2, and flags beat them" {
    SENTINEL_MODE=loud expect 2 'SENTINEL_MODE: found `loud`' -p "$ALLOW_ALL" -- touch ran
    SENTINEL_SECCOMP_MODE=loud expect 2 'SENTINEL_SECCOMP_MODE: found `loud`' -p "$ALLOW_ALL" -- touch ran
    SENTINEL_SECCOMP_PROFILE=custom expect 2 'SENTINEL_SECCOMP_PROFILE: `custom`' -p "$ALLOW_ALL" -- touch ran
    SENTINEL_APPROVAL_MODE=x expect 2 'SENTINEL_APPROVAL_MODE: found `x`' -p "$ALLOW_ALL" -- touch ran
    SENTINEL_PRODUCTION=true expect 2 'SENTINEL_PRODUCTION=true' -p "$ALLOW_ALL" -- touch ran
    SENTINEL_PRODUCTION=true expect 2 'found mode log, expected enforce' -m log -p "$ALLOW_ALL" -- touch ran
    SENTINEL_POLICY_SHA256=00 expect 2 'SENTINEL_POLICY_SHA256' -p "$ALLOW_ALL" -- touch ran
    SENTINEL_POLICY_HMAC_KEY=k expect 2 'SENTINEL_POLICY_HMAC_KEY' -p "$ALLOW_ALL" -- touch ran
    SENTINEL_POLICY_IMMUTABLE=true expect 2 'found a rule on the command line (read:/x)' -p "$ALLOW_ALL" --deny read:/x -- touch ran
    [ "$(logs)" = 0 ]
    SENTINEL_MODE=loud run sw -q -m log -p "$ALLOW_ALL" -- echo said
    [ "$status" = 0 ]
    [ "$output" = said ]
    SENTINEL_MODE='' SENTINEL_POLICY=$ALLOW_ALL run sw -m log -- true
    [[ $output == *"mode log, policy allow-all"* ]]
    SENTINEL_SECCOMP_MODE=log SENTINEL_POLICY=$ALLOW_ALL run sw -- true
    [[ $output == *"mode log, policy allow-all"* ]]
}

@test "the program: 126 and 127, before anything is started" {
    echo 'echo never' >script
    mkdir folder "$T/bin"
    expect 127 'nonesuch: not found' -p "$ALLOW_ALL" -- nonesuch
    expect 127 './nonesuch: not found' -p "$ALLOW_ALL" -- ./nonesuch
    expect 127 'not found' -p "$ALLOW_ALL" -- ''
    expect 127 'script/x: not found' -p "$ALLOW_ALL" -- script/x
    expect 126 './script: Permission denied' -p "$ALLOW_ALL" -- ./script
    expect 126 './folder: Permission denied' -p "$ALLOW_ALL" -- ./folder
    cp script "$T/bin/tool"
    PATH=$T/bin:$PATH expect 126 'tool: Permission denied' -p "$ALLOW_ALL" -- tool
    [ "$(logs)" = 0 ]
    # Found through PATH: a working folder as an empty part, and what the shell would run.
    chmod 755 script
    PATH=:$PATH run sw -q -p "$ALLOW_ALL" -a reject -- script
    [ "$status" = 0 ]
    [ "$output" = never ]
    printf '#!/no/such/interpreter\n' >dangling
    chmod 755 dangling
    status=0
    sw -q -p "$ALLOW_ALL" -a reject -- ./dangling 2>"$T/err" || status=$?
    [ "$status" = 127 ]
    grep -q 'dangling' "$T/err"
}

@test "a program that the policy denies: 126" {
    status=0
    sw -q -p "$ALLOW_ALL" -a reject --deny exec:/usr/bin/env -- env touch ran 2>"$T/err" || status=$?
    [ "$status" = 126 ]
    [ ! -e ran ]
    grep -q '^sentinel-watch: env: ' "$T/err"
}

@test "a policy that does not load: 125, every mistake at once" {
    printf 'version: 1\nruels: []\nrules:\n  - alow: read\n' >bad.yaml
    expect 125 'bad.yaml:2:1' -p ./bad.yaml -- touch ran
    grep -q 'bad.yaml:4' "$T/err"
    grep -q 'nothing was started' "$T/err"
    expect 125 'nonesuch' -p nonesuch -- touch ran
    expect 125 'No such file' -p ./nonesuch.yaml -- touch ran
    [ "$(logs)" = 0 ]
}

@test "the audit file: 125 when it cannot be written or is not ours" {
    echo 'not a log' >other
    expect 125 '' -p "$ALLOW_ALL" -o other -- touch ran
    [ "$(cat other)" = 'not a log' ]
    expect 125 'No such file' -p "$ALLOW_ALL" -o no/such/folder/log -- touch ran
    mkdir full
    expect 125 '' -p "$ALLOW_ALL" -o full -- touch ran
    XDG_STATE_HOME=/proc/nowhere expect 125 '--audit' -p "$ALLOW_ALL" -- touch ran
    XDG_STATE_HOME=/proc/nowhere run sw -q -p "$ALLOW_ALL" -a reject -o "$T/log" -- echo said
    [ "$status" = 0 ]
    [ "$output" = said ]
    run sw -q -p "$ALLOW_ALL" -a reject -o "$T/log" -- echo said # a whole log of ours is continued
    [ "$status" = 0 ]
}

@test "a workspace that is everything one has" {
    cd /
    expect 125 '--workspace /' -p "$ALLOW_ALL" -- true
    cd "$HOME"
    expect 125 "--workspace $HOME" -p "$ALLOW_ALL" -- true
    run sw -q -w "$HOME" -p "$ALLOW_ALL" -a reject -- echo said
    [ "$output" = said ]
    SENTINEL_WORKSPACE=/ run sw -q -p "$ALLOW_ALL" -a reject -- echo said
    [ "$output" = said ]
    expect 125 'nonesuch' -w nonesuch -p "$ALLOW_ALL" -- true
}

@test "started inside another session: 125, with its name" {
    local mode
    export ASAN_OPTIONS=detect_leaks=0 # the leak checker of a build with sanitizers wants ptrace, which nothing has in here
    for mode in enforce log; do
        run sw -q -m $mode -p "$ALLOW_ALL" -a reject --session outer -- "$SW" -p "$ALLOW_ALL" -- touch ran
        [ "$status" = 125 ]
        [[ $output == "sentinel-watch: already supervised by outer:"* ]]
        run sw -q -m $mode -p "$ALLOW_ALL" -a reject -- "$SW" -p "$ALLOW_ALL" -- touch ran
        [ "$status" = 125 ]
        [[ $output == "sentinel-watch: already supervised by sentinel-watch-2"*[0-9]": "* ]]
    done
    [ ! -e ran ]
}

@test "mode off: one loud line, one record, the program itself" {
    run sw -q -m off --session s -- sh -c 'echo said; grep Seccomp: /proc/self/status; exit 3'
    [ "$status" = 3 ]
    [ "${#lines[@]}" = 3 ]
    [[ ${lines[0]} == "sentinel-watch: MODE OFF: sh runs without any supervision" ]]
    [ "${lines[1]}" = said ]
    [ "${lines[2]}" = "$(grep Seccomp: /proc/self/status)" ]
    [ "$(jq -r '.mode' "$T/state/sentinel-watch/s.jsonl" | sort -u)" = off ]
    "$SW" audit verify "$T/state/sentinel-watch/s.jsonl"
    # No child of ours is left for the program to find.
    run sw -q -m off -- python3 -c 'import os
try: print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError: print("no child")'
    [ "${lines[1]}" = "no child" ]
}

@test "our lines are on stderr, -q removes them, stdout is the program's" {
    sw -p "$ALLOW_ALL" -a reject --session s -- echo said >"$T/out" 2>"$T/err"
    [ "$(cat "$T/out")" = said ]
    grep -q '^sentinel-watch: s: mode enforce, policy allow-all.*audit .*/s.jsonl' "$T/err"
    [ "$(wc -l <"$T/err")" = 2 ]
    sw -q -p "$ALLOW_ALL" -a reject -- echo said >"$T/out" 2>"$T/err"
    [ ! -s "$T/err" ]
    sw -q --json -p "$ALLOW_ALL" -a reject -- echo said >"$T/out" 2>"$T/err"
    jq -e . "$T/err" >/dev/null
}

@test "--fail-on-denied: 120 when the program said 0 and something was denied" {
    echo secret >secret
    local what='cat secret 2>/dev/null; exit'
    status=0
    sw -q -p "$ALLOW_ALL" -a reject --fail-on-denied --deny "read:$PWD/secret" -- sh -c "$what 0" || status=$?
    [ "$status" = 120 ]
    status=0
    sw -q -p "$ALLOW_ALL" -a reject --fail-on-denied --deny "read:$PWD/secret" -- sh -c "$what 7" || status=$?
    [ "$status" = 7 ]
    sw -q -p "$ALLOW_ALL" -a reject --fail-on-denied -- sh -c "$what 0"
    sw -q -p "$ALLOW_ALL" -a reject --deny "read:$PWD/secret" -- sh -c "$what 0"
}

@test "the environment: dropped, kept, and unchanged in log mode" {
    cat >env.yaml <<-'Y'
	version: 1
	rules:
	  - allow: [read, write, exec]
	env: {drop: ["AWS_*", "*_TOKEN"], keep: [GITHUB_TOKEN]}
	Y
    export AWS_KEY=1 A_TOKEN=2 GITHUB_TOKEN=3 PLAIN=4
    run sw -q -p ./env.yaml -a reject -- env
    [ "$status" = 0 ]
    not grep -qE '^(AWS_KEY|A_TOKEN)=' <<<"$output"
    grep -qx GITHUB_TOKEN=3 <<<"$output"
    grep -qx PLAIN=4 <<<"$output"
    run sw -q -m log -p ./env.yaml -- env
    grep -qx AWS_KEY=1 <<<"$output"
    not grep -q SENTINEL_WATCH <<<"$output"
}

@test "a verb is only a verb as the first word; run is the same as none" {
    run sw run -q -m log -p "$ALLOW_ALL" -- echo said
    [ "$output" = said ]
    printf '#!/bin/sh\necho a program\n' >policy
    chmod 755 policy
    PATH=$PWD:$PATH run sw -q -m log -p "$ALLOW_ALL" -- policy check
    [ "$output" = "a program" ]
    run sw --help
    [ "$status" = 0 ]
    [[ ${lines[0]} == "usage: sentinel-watch [OPTIONS] -- COMMAND [ARG...]" ]]
    run sw --version
    [ "$status" = 0 ]
    [[ $output =~ ^sentinel-watch\ [0-9.]+$ ]]
    run sw policy check "$ALLOW_ALL"
    [ "$status" = 0 ]
    run sw doctor more
    [ "$status" = 2 ]
}

@test "--help names every option, with its letter" {
    run sw --help
    local name
    for name in --mode --policy --allow --ask --deny --workspace --approval --approval-timeout --audit --audit-key --session \
        --baseline --record-syscalls --linger --fail-on-denied --json --quiet --verbose --no-color --version --help; do
        grep -qE -- "$name( |$)" <<<"$output" || { echo "$name is not in the help"; return 1; }
    done
}

@test "doctor says what it tried, as root and as a user" {
    run sw doctor
    [ "$status" = 0 ]
    [[ $output == *"seccomp notification: a trapped call was answered"* ]]
    [[ $output != *FAIL* ]]
    SENTINEL_WATCH_NO_LANDLOCK=1 run sw doctor
    [[ $output == *"note Landlock"* ]]
    give_to_user
    run as_user "$SW" doctor
    [ "$status" = 0 ]
    # Inside a session it fails, and says so.
    run sw -q -m log -p "$ALLOW_ALL" --session outer -- "$SW" doctor
    [ "$status" = 1 ]
    [[ $output == *"FAIL already supervised by outer"* ]]
}

@test "as an ordinary user, and without HOME and XDG variables" {
    give_to_user
    run as_user "$SW" -q -p "$ALLOW_ALL" -a reject -- sh -c 'echo said; exit 5'
    [ "$status" = 5 ]
    [ "$output" = said ]
    run as_user env -u HOME -u XDG_STATE_HOME -u XDG_RUNTIME_DIR -u XDG_CONFIG_HOME -u XDG_CACHE_HOME "$SW" -q -p "$ALLOW_ALL" -a reject -o "$T/log" -- echo said
    [ "$status" = 0 ] && [ "$output" = said ]
}

@test "no descriptor is left for ours: 125 and nothing runs" {
    # Ours stand above the highest inherited one, so one that is inherited at the limit leaves no room.
    status=0
    bash -c "ulimit -n 1024; exec 1023</dev/null; exec '$SW' -p '$ALLOW_ALL' -a reject -- touch ran" 2>"$T/err" || status=$?
    [ "$status" = 125 ]
    grep -q 'no room for ours' "$T/err"
    [ ! -e ran ]
}

@test "a kernel or container without what enforce needs: 125, the reason, and nothing runs" {
    local call
    export ASAN_OPTIONS=detect_leaks=0 # as above
    "$AGENTS/without" openat2 true # the tool itself works
    for call in seccomp seccomp:1 ptrace ptrace:1 pidfd_open pidfd_getfd pidfd_getfd:1 process_vm_readv process_vm_readv:1 unshare openat2; do
        status=0
        timeout 20 "$AGENTS/without" $call "$SW" -q -p "$ALLOW_ALL" -a reject -- touch ran 2>"$T/err" || status=$?
        if [ "$status" != 125 ] || [ -e ran ] || ! grep -q '^sentinel-watch: ' "$T/err"; then
            echo "without $call: status $status"
            cat "$T/err"
            [ ! -e ran ] || echo "and the program ran"
            return 1
        fi
        echo "without $call: $(cat "$T/err")"
    done
}

@test "a kernel without Landlock: it runs, and the log says so" {
    run timeout 20 "$AGENTS/without" landlock "$SW" -q -p "$ALLOW_ALL" -a reject -o "$T/log" -- echo said
    [ "$status" = 0 ]
    [ "$output" = said ]
    [ "$(jq -r 'select(.features).features.kernel_holds | length' "$T/log")" = 0 ]
}

@test "profiles, sessions, init, completion" {
    run sw profiles
    [ "$status" = 0 ]
    grep -qE '^agent-base +built in +what every agent' <<<"$output"
    mkdir -p "$XDG_CONFIG_HOME/sentinel-watch/profiles"
    printf '# codex: mine.\nversion: 1\n' >"$XDG_CONFIG_HOME/sentinel-watch/profiles/codex.yaml"
    run sw profiles
    grep -qE '^codex +yours +mine\.$' <<<"$output"
    grep -qE '^codex +built in .*yours of that name stands before it' <<<"$output"

    run sw init
    [ "$status" = 0 ]
    sw policy check ./.sentinel-watch.yaml
    expect 125 '.sentinel-watch.yaml: File exists' init

    run sw sessions
    [ "$status" = 0 ]
    [ -z "$output" ]
    sw -q -p "$ALLOW_ALL" -a auto --session one -- sleep 3 </dev/null &
    local i
    for i in $(seq 50); do [ "$("$SW" sessions)" = one ] && break; sleep 0.05; done
    [ "$("$SW" sessions)" = one ]
    wait
    touch "$XDG_RUNTIME_DIR/sentinel-watch/dead.sock"
    [ -z "$("$SW" sessions)" ]

    eval "$(sw completion bash)"
    complete_words() { COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); COMPREPLY=(); _sentinel_watch; echo "${COMPREPLY[*]}"; }
    [ "$(complete_words sentinel-watch -m l)" = log ]
    [ "$(complete_words sentinel-watch --fail)" = --fail-on-denied ]
    [ "$(complete_words sentinel-watch doc)" = doctor ]
    command -v zsh >/dev/null && sw completion zsh | zsh -n
    command -v fish >/dev/null && sw completion fish | fish -n
    expect 2 'expected bash, zsh or fish' completion tcsh
}

@test "a runtime folder whose name is too long for a socket is passed over" {
    export XDG_RUNTIME_DIR=$T/$(printf 'x%.0s' {1..100})
    mkdir -m 700 "$XDG_RUNTIME_DIR"
    run sw -q -p "$ALLOW_ALL" -o "$T/log" -- echo said
    echo "$output"
    [ "$status" = 0 ]
    [ "$output" = said ]
}
