#!/usr/bin/env bats
# A moment of `make chaos`: see tests/chaos/chaos.py.
load helper

@test "chaos: whatever is stopped, killed or full, nothing hangs, nothing is left, each verdict has its rule" {
    run timeout 300 "$TESTS/chaos/chaos.py" "$SW_BUILD" 10 --ms 700 --round calm --round stops --round agent --round supervisor \
        --round front --round scribe --round two --round disk --round signals --round tight
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *"rounds, 0 wrong"* ]]
}

@test "chaos: many processes and calls leave the supervisor's descriptors and memory as they were" {
    case $SW_BUILD in */san) skip "the address sanitizer keeps freed memory" ;; esac
    run timeout 300 "$TESTS/chaos/chaos.py" "$SW_BUILD" 0 --user --round growth
    echo "$output"
    [ "$status" = 0 ]
}
