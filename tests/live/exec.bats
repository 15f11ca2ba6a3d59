#!/usr/bin/env bats
# exec: every way to run a program is judged, and what runs is what was judged.

load helper

test_setup() {
    cp /bin/true prog0
    cp /bin/false prog1 # what may not run, in the races
    mkdir ways
    TRIES=${SW_TRIES:-300}
}

same_ways_plain_and_enforced() {
    run "$@" "$AGENTS/exec_ways" "$PWD/prog0" "$PWD/ways"
    [ "$status" -eq 0 ]
    plain=$output
    rm -rf ways/*
    run "$@" timeout 60 "$SW" -q -p "$ALLOW_ALL" --allow exec:anonymous -o a.jsonl -- "$AGENTS/exec_ways" "$PWD/prog0" "$PWD/ways"
    [ "$status" -eq 0 ]
    diff <(echo "$plain") <(echo "$output")
    [[ $output == *"execve status 0"* ]]
    [[ $output == *"sixdeep errno 40"* ]]
    [[ $output == *"toobig errno 7"* ]]
    [[ $output == *"noformat errno 8"* ]]
}

@test "every way to run a program, and to fail, is as without us" {
    same_ways_plain_and_enforced env
}

@test "every way to run a program, and to fail, is as without us, as an ordinary user" {
    give_to_user
    same_ways_plain_and_enforced as_user
}

@test "no way runs a program that is denied, by its path or its identity" {
    run "$AGENTS/exec_ways" "$PWD/prog0" "$PWD/ways"
    [ "$(grep -c ' status 0$' <<<"$output")" -eq 15 ]
    rm -rf ways/*
    run sw -q -p "$ALLOW_ALL" --deny "exec:$PWD/prog0" --deny exec:anonymous -o a.jsonl -- "$AGENTS/exec_ways" "$PWD/prog0" "$PWD/ways"
    [ "$status" -eq 0 ]
    echo "$output"
    [ "$(grep -c ' status 0$' <<<"$output")" -eq 0 ]
    not grep -q signal <<<"$output"
    [ "$(jq -r 'select(.verb=="exec" and .decision=="deny") | .errno // .result' a.jsonl | sort -u)" = -13 ]
    [ "$(jq -r 'select(.verb=="exec" and .decision=="deny") | .decided_by' a.jsonl | sort -u)" = policy ]
}

@test "a memfd program is asked about, and so denied when nobody is there" {
    run "$AGENTS/exec_ways" "$PWD/prog0" "$PWD/ways" memfd
    [ "$output" = "memfd status 0" ]
    run sw -q --approval reject -o a.jsonl -- "$AGENTS/exec_ways" "$PWD/prog0" "$PWD/ways" memfd
    [ "$output" = "memfd errno 13" ]
    [ "$(jq -r 'select(.decision=="deny") | .decided_by' a.jsonl)" = unattended ]
}

@test "a path that is flipped by a sibling runs the wrong program when nobody watches, and never under enforce" {
    for way in thread vm shared; do
        run "$AGENTS/exec_race" $way "$PWD/prog0" "$PWD/prog1" "$TRIES"
        echo "$way plain: $output"
        [[ ! $output =~ "evil 0 " ]]
        run sw -q -p "$ALLOW_ALL" --deny "exec:$PWD/prog1" -o a-$way.jsonl -- "$AGENTS/exec_race" $way "$PWD/prog0" "$PWD/prog1" "$TRIES"
        echo "$way enforced: $output"
        [ "$status" -eq 0 ]
        [[ $output =~ "evil 0 " ]]
        [[ ! $output =~ "good 0 " ]]
        killed=$(sed 's/.*killed //' <<<"$output")
        [ "$(jq -r 'select(.verb=="exec" and .decision=="deny" and .decided_by=="error")|.seq' a-$way.jsonl | wc -l)" -eq "$killed" ]
    done
}

@test "a program that its caller may not read is refused with that reason, as an ordinary user" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to become an ordinary user"
    chmod 755 .
    chmod 0111 prog0
    give_to_user
    chown 0 prog0
    run as_user ./prog0
    [ "$status" -eq 0 ]
    run as_user timeout 20 "$SW" -q -p "$ALLOW_ALL" -o a.jsonl -- sh -c './prog0; echo $?'
    [[ $output == *126* ]]
    [ "$(jq -r 'select(.decided_by=="protected") | .target.path' a.jsonl)" = "$PWD/prog0" ]
}
