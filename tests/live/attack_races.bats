# Races that open.bats, exec.bats and connect.bats do not have: both paths of a rename, descriptors under fchmod and its kin, argv.
# Each first succeeds without us, then is tried for a while in enforce (SW_SECONDS, `make attack` for long).

load helper

race() { # KIND
    local kind=$1 got=1
    for _ in 1 2 3; do
        rm -rf "$T/work/r"
        mkdir -p "$T/work/r"
        "$AGENTS/race" prepare "$T/work/r" 0
        if "$AGENTS/race" "$kind" "$T/work/r" 20 until; then got=0; break; fi
    done
    [ $got = 0 ]
    rm -rf "$T/work/r"
    mkdir -p "$T/work/r"
    "$AGENTS/race" prepare "$T/work/r" 0
    cat >"$T/p.yaml" <<END
version: 1
rules:
  - {deny: write, name: sec, path: "$T/work/r/sec/**"}
  - {deny: exec, name: sec-word, path: [/bin/echo, /usr/bin/echo], argv: {exact: [sec]}}
  - allow: [read, write, exec]
  - allow: [connect, bind]
END
    run sw -q -p "$T/p.yaml" -o "$T/$kind.jsonl" -- "$AGENTS/race" "$kind" "$T/work/r" "${SW_SECONDS:-0.5}"
    echo "$output"
    [ "$status" = 1 ]
    [[ "$output" == *" 0 wrong"* ]]
    [ "$(jq -r 'select(.decision == "deny") | .rule' "$T/$kind.jsonl" | grep -c '^p:sec')" -gt 0 ]
}

@test "race: fchmod, dup2 over its number" { race fchmod; }
@test "race: fchown, dup2 over its number" { race fchown; }
@test "race: futimens, dup2 over its number" { race futimens; }
@test "race: fsetxattr, dup2 over its number" { race fsetxattr; }
@test "race: FS_IOC_SETFLAGS, dup2 over its number" { race setflags; }
@test "race: linkat of a descriptor, dup2 over its number" { race flink; }
@test "race: chmod's path" { race chmod; }
@test "race: truncate's path" { race truncate; }
@test "race: utimensat's path" { race utimensat; }
@test "race: setxattr's path" { race setxattr; }
@test "race: unlink's path" { race unlink; }
@test "race: the old name of a rename" { race rename_from; }
@test "race: the new name of a rename" { race rename_to; }
@test "race: the old name of a link" { race link; }
@test "race: symlink's name" { race symlink; }
@test "race: mknod's name" { race mknod; }
@test "race: mkdir's name" { race mkdir; }
@test "race: an open that truncates" { race open_trunc; }
@test "race: openat2's path" { race openat2; }
@test "race: an argument that a rule looks at" { race argv; }
