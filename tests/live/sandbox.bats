#!/usr/bin/env bats
# An agent's own sandbox cannot be built inside ours: it is refused in a way that the program reports, named in the summary
# with the setting that turns it off, and never leaves the program believing that it is sandboxed.

load helper

@test "a new namespace: works without us, refused in enforce, named in the summary with the policy's advice" {
    unshare -r true || skip "this kernel allows no unprivileged user namespace, so nothing is shown by a refusal"
    printf 'version: 1\nextends: [agent-base]\nadvice: "Start it with --no-sandbox."\n' >p.yaml
    run sw -p p.yaml -o "$T/a.jsonl" -- unshare -r true
    echo "$output"
    [ "$status" = 1 ]
    [[ "$output" == *"Operation not permitted"* ]]
    [[ "$output" == *"its own sandbox was refused (unshare): Start it with --no-sandbox."* ]]
    [ "$(jq -r 'select(.syscall == "unshare") | .decision, .decided_by' "$T/a.jsonl" | paste -sd' ')" = "deny protected" ]
}

@test "log mode lets it be, and says that records may be missing" {
    unshare -r true || skip "this kernel allows no unprivileged user namespace"
    run sw --mode log -p "$ALLOW_ALL" -o "$T/a.jsonl" -- unshare -r true
    echo "$output"
    [ "$status" = 0 ]
    [[ "$output" == *"may be missing from this log"* ]]
    [ "$(jq -r 'select(.syscall == "unshare") | .decision, .would' "$T/a.jsonl" | paste -sd' ')" = "allow deny" ]
}

@test "a Landlock ruleset: EOPNOTSUPP (which Python calls ENOTSUP), as where the kernel has none" {
    cat >l.py <<'P'
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.syscall(444, ctypes.byref(ctypes.c_uint64(4)), 8, 0)
print("ruleset" if fd >= 0 else errno.errorcode[ctypes.get_errno()])
P
    [ "$(/usr/bin/python3 l.py)" = ruleset ] || skip "this kernel has no Landlock"
    [ "$(sw -q -p "$ALLOW_ALL" -o "$T/a.jsonl" -- /usr/bin/python3 l.py)" = ENOTSUP ]
    [ "$(sw -q --mode log -p "$ALLOW_ALL" -o "$T/b.jsonl" -- /usr/bin/python3 l.py)" = ruleset ]
}
