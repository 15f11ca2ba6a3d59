#!/usr/bin/env bats
# From log to policy: what real programs did under log mode becomes a policy that lets them do it and nothing sensitive.
load helper

POLICY=$SW_BUILD/sentinel-policy

# grep finds nothing; a bare `! grep` would never fail a test (errexit passes over it).
absent() {
    local status=0
    grep -n "$@" || status=$?
    [ "$status" = 1 ]
}

record() { # LOG COMMAND...
    local log=$1
    shift
    sw -q --mode log -p "$T/nothing.yaml" -o "$log" -- "$@" >/dev/null 2>&1
}

test_setup() {
    export TMPDIR=$T/tmp
    mkdir -p "$TMPDIR" "$HOME/.ssh" "$HOME/.cfg" "$T/work/src"
    echo key >"$HOME/.ssh/id_ed25519"
    printf 'version: 1\naudit: {level: all}\n' >"$T/nothing.yaml"
    local i
    for i in a b c d e; do echo "$i" >"$T/work/src/$i"; done
    # what a run does: reads sources, writes results, replaces a settings file through a temporary name, looks at a key
    cat >"$T/job" <<-'IN'
	cat src/* >out-$1
	mkdir -p "$TMPDIR/job.$$" && echo x >"$TMPDIR/job.$$/part"
	echo s >"$HOME/.cfg/settings.json.tmp.$$" && mv "$HOME/.cfg/settings.json.tmp.$$" "$HOME/.cfg/settings.json"
	cat "$HOME/.cfg/settings.json"
	echo alias >>"$HOME/.bashrc"
	cat "$HOME/.ssh/id_ed25519"
	true
	IN
    record "$T/1.jsonl" sh "$T/job" 1
    record "$T/2.jsonl" sh "$T/job" 2
}

@test "the policy loads clean, and replays its own logs with nothing denied or asked but what is left for review" {
    run "$POLICY" generate "$T/1.jsonl" "$T/2.jsonl" -o "$T/made.yaml"
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *" 0 denied, 0 asked"* ]]
    run "$POLICY" check "$T/made.yaml"
    cat "$T/made.yaml"
    [ "$status" = 0 ]
    run "$POLICY" test "$T/made.yaml" "$T/1.jsonl" "$T/2.jsonl"
    echo "$output"
    [ "$status" = 1 ]
    [ "$(grep -cE '^(ask|deny) ' <<<"$output")" = 2 ]
    [[ $output == *"read $HOME/.ssh/id_ed25519"* ]]
    [[ $output == *"write $HOME/.bashrc"* ]]
}

@test "variables, volatile names as globs, folders widened where enough was seen, verbs apart, counts behind each" {
    "$POLICY" generate "$T/1.jsonl" "$T/2.jsonl" >"$T/made.yaml" 2>/dev/null
    cat "$T/made.yaml"
    grep -qE "'\\$\{WORKSPACE\}/src/\*\*'   # [0-9]+ calls, 6 names, in 2 of 2 runs; cat" "$T/made.yaml"
    grep -qF "'~/.cfg/settings.json.tmp.*'" "$T/made.yaml"
    grep -qF "'\${TMPDIR}/job.*'" "$T/made.yaml"
    absent -F "$HOME" "$T/made.yaml"
    # nothing as wide as the home, /etc or /, and no write where only reads were seen
    absent -E "'(~|/etc|)/\*\*?'" "$T/made.yaml"
    sed -n '/allow: write/,/allow: exec/p' "$T/made.yaml" >"$T/writes"
    grep -qF out-1 "$T/writes"
    absent -F src/ "$T/writes"
}

@test "what is sensitive is in comments, with the reason, and nowhere else" {
    "$POLICY" generate "$T/1.jsonl" "$T/2.jsonl" >"$T/made.yaml" 2>/dev/null
    grep -qF "#     - '~/.ssh/id_ed25519'" "$T/made.yaml"
    grep -qF "#     - '~/.bashrc'" "$T/made.yaml"
    grep -qF "sensitive: agent-base:ssh-keys" "$T/made.yaml"
    grep -vE '^ *#' "$T/made.yaml" >"$T/rules"
    grep -qF src/ "$T/rules"
    absent -E 'ssh|bashrc' "$T/rules"
}

@test "the same logs give the same bytes, in any order" {
    "$POLICY" generate "$T/1.jsonl" "$T/2.jsonl" >"$T/a" 2>/dev/null
    "$POLICY" generate "$T/1.jsonl" "$T/2.jsonl" >"$T/b" 2>/dev/null
    "$POLICY" generate "$T/2.jsonl" "$T/1.jsonl" >"$T/c" 2>/dev/null
    cmp "$T/a" "$T/b"
    cmp "$T/a" "$T/c"
}

@test "with a base only what the base does not allow is written" {
    printf 'version: 1\nname: reads\ndefaults: {read: allow}\n' >"$T/reads.yaml"
    "$POLICY" generate --base "$T/reads.yaml" "$T/1.jsonl" "$T/2.jsonl" -o "$T/made.yaml"
    cat "$T/made.yaml"
    grep -qF "extends: [$T/reads.yaml]" "$T/made.yaml"
    absent -F "allow: read" "$T/made.yaml"
    grep -qF "'~/.cfg/settings.json'" "$T/made.yaml"
    run "$POLICY" check "$T/made.yaml"
    [ "$status" = 0 ]
    run "$POLICY" generate --base agent-base "$T/1.jsonl"
    [ "$status" = 0 ]
    [[ $output == *"extends: [agent-base]"* ]]
}

@test "merging into a policy that generate made" {
    "$POLICY" generate "$T/1.jsonl" -o "$T/made.yaml"
    printf '  - ask: exec\n    path:\n      - /usr/bin/of-mine\n' >>"$T/made.yaml"
    "$POLICY" generate --merge "$T/made.yaml" "$T/1.jsonl" "$T/2.jsonl" -o "$T/merged.yaml"
    cat "$T/merged.yaml"
    [ "$(diff "$T/made.yaml" "$T/merged.yaml" | grep -c '^>')" -gt 1 ] # there was something to add
    run "$POLICY" check "$T/merged.yaml"
    [ "$status" = 0 ]
}

@test "merging keeps the text, adds what is missing, and a second time adds nothing" {
    cat >"$T/mine.yaml" <<-'IN'
	# my policy
	version: 1
	rules:
	- allow: read
	  path: ['/usr/**']   # all of it

	# settings
	defaults: {exec: allow}
	IN
    "$POLICY" generate --merge "$T/mine.yaml" "$T/1.jsonl" "$T/2.jsonl" -o "$T/merged.yaml"
    cat "$T/merged.yaml"
    grep -qF "# my policy" "$T/merged.yaml"
    grep -qF "# all of it" "$T/merged.yaml"
    [ "$(diff "$T/mine.yaml" "$T/merged.yaml" | grep -c '^<')" = 0 ]
    [ "$(grep -cF "'/usr/" "$T/merged.yaml")" = 1 ] # the one that was there
    run "$POLICY" check "$T/merged.yaml"
    [ "$status" = 0 ]
    "$POLICY" generate --merge "$T/merged.yaml" "$T/1.jsonl" "$T/2.jsonl" -o "$T/again.yaml"
    [ "$(diff "$T/merged.yaml" "$T/again.yaml" | grep '^>' | grep -cvE '^> *#')" = 0 ]
}

@test "what the user or a policy refused is left for review, and no wider pattern takes it in" {
    cat >"$T/refuse.yaml" <<-IN
	version: 1
	name: refuse
	rules:
	  - deny: read
	    name: not-c
	    path: ['\${WORKSPACE}/src/c']
	IN
    sw -q --mode log -p "$T/refuse.yaml" -o "$T/3.jsonl" -- sh "$T/job" 3 >/dev/null 2>&1
    "$POLICY" generate "$T/3.jsonl" >"$T/made.yaml"
    cat "$T/made.yaml"
    grep -qF "refused by refuse:not-c" "$T/made.yaml"
    run "$POLICY" explain -p "$T/made.yaml" read "$T/work/src/c"
    echo "$output"
    [ "$status" = 10 ]
    run "$POLICY" explain -p "$T/made.yaml" read "$T/work/src/b"
    [ "$status" = 0 ]
}

@test "the made policy lets the job run in enforce, and keeps the key" {
    "$POLICY" generate "$T/1.jsonl" "$T/2.jsonl" -o "$T/made.yaml"
    rm "$T/work/out-2"
    run sw -q -a reject -p "$T/made.yaml" -o "$T/run.jsonl" -- sh "$T/job" 2
    echo "$output"
    "$SW_BUILD/sentinel-scribe" audit show --decision deny "$T/run.jsonl"
    [ "$status" = 0 ]
    [ "$(cat "$T/work/out-2" | tr -d '\n')" = abcde ]
    [[ $output != *"key"* ]]
    [ "$("$SW_BUILD/sentinel-scribe" audit show --json --decision deny "$T/run.jsonl" | jq -r .target.path | sort -u | paste -sd' ')" = "$HOME/.bashrc $HOME/.ssh/id_ed25519" ]
}

@test "policy test: counts, places, and the exit status" {
    printf 'version: 1\nname: none\nrules:\n  - deny: read\n    name: src\n    path: ["${WORKSPACE}/src/**"]\n    hard: true\ndefaults: {read: allow, write: allow, exec: allow, connect: allow}\n' >"$T/none.yaml"
    run "$POLICY" test "$T/none.yaml" "$T/1.jsonl" "$T/2.jsonl"
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *"deny      2x  read $T/work/src/a   (none:src, "*"none.yaml:4)"* ]]
    [[ $output == *" 0 would be asked, 12 would be denied"* ]]
    printf 'version: 1\ndefaults: {read: allow, write: allow, exec: allow, connect: allow}\n' >"$T/all.yaml"
    run "$POLICY" test "$T/all.yaml" "$T/1.jsonl"
    [ "$status" = 0 ]
    echo "no log" >"$T/x"
    run "$POLICY" test "$T/all.yaml" "$T/x"
    [ "$status" = 125 ]
}

@test "policy export says what is missing instead of guessing" {
    run "$POLICY" export --format oci "$T/1.jsonl"
    [ "$status" = 125 ]
    [[ $output == *--record-syscalls* ]]
}

@test "a log that leaves allowed calls out is said to be partial" {
    sw -q -a reject -p "$TESTS/policies/allow-all.yaml" -o "$T/part.jsonl" -- true
    run "$POLICY" generate "$T/part.jsonl"
    [[ $output == *"not everything was recorded"* ]]
    run "$POLICY" generate "$T/1.jsonl"
    [[ $output != *"not everything was recorded"* ]]
}
