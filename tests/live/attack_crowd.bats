# Many callers at once: no verdict is given to the wrong one, none is lost, and the supervisor stays.

load helper

crowd() { # $1: "" or user; crowd's arguments
    local who=$1 run=env
    shift
    [ -z "$who" ] || run=as_user
    "$AGENTS/crowd" prepare "$T/work"
    cat >"$T/p.yaml" <<END
version: 1
rules:
  - {deny: [read, write], name: sec, path: "$T/work/sec/**"}
  - {deny: exec, name: prog, path: /usr/bin/id}
  - {deny: connect, name: port, to: "loopback:9"}
  - allow: [read, write, exec]
  - allow: [connect, bind]
END
    give_to_user
    run "$run" timeout 200 "$SW" -q -p "$T/p.yaml" -o "$T/audit.jsonl" -- "$AGENTS/crowd" "$1" "$T/work" "${@:2}"
    echo "$output"
    [ "$status" = 0 ]
}

# Each denial by the rule that it belongs to, and by nothing else.
only_the_rules() {
    [ "$(jq -r 'select(.decision == "deny") | .rule' "$T/audit.jsonl" | sort -u | paste -sd' ')" = "p:port p:prog p:sec" ]
}

@test "thousands of mixed calls from 64 threads: each gets its own verdict" {
    crowd "" mixed "${SW_SECONDS:-2}" 64
    [[ "$output" =~ ([0-9]+)\ calls ]]
    [ "${BASH_REMATCH[1]}" -gt 3000 ]
    only_the_rules
}

@test "the same as an ordinary user" {
    crowd user mixed "${SW_SECONDS:-2}" 64
    only_the_rules
}

@test "callers that are killed in the middle of their calls" {
    crowd "" killed 150
    only_the_rules
}

@test "programs that are replaced while their other threads call" {
    crowd "" execs 100
    not grep . <(jq -r 'select(.decided_by == "error") | .why' "$T/audit.jsonl")
}

# Only as an ordinary user and with nothing but its folder to write to: noise.c says why.
@test "arguments that make no sense, an ordinary user" {
    local d=$T/work/a/b/c
    mkdir -p "$d/sec" "$d/pub"
    echo SECRET >"$d/sec/file"
    cat >"$T/p.yaml" <<END
version: 1
rules:
  - {deny: [read, write], name: sec, path: "$d/sec/**"}
  - {allow: write, path: ["$d/**", /dev/null]}
defaults: {read: allow, write: deny, exec: allow, connect: deny, bind: deny}
END
    give_to_user
    stat -c '%n %a %u %s %Y' "$d/sec" "$d/sec/file" >"$T/before"
    run as_user timeout 200 "$SW" -q -p "$T/p.yaml" -o "$T/audit.jsonl" -- "$AGENTS/noise" "$d" "${SW_SECONDS:-3}"
    echo "$output"
    [ "$status" = 0 ]
    chmod 755 "$d"
    stat -c '%n %a %u %s %Y' "$d/sec" "$d/sec/file" | diff "$T/before" -
    "$SW" audit verify "$T/audit.jsonl"
    [ "$(jq -r .syscall "$T/audit.jsonl" | sort -u | wc -l)" -gt 40 ]
}

@test "a thousand opens that wait for ever" {
    crowd "" fifos 1000
    [[ "$output" == *" 0 refused"* ]]
    only_the_rules
}

@test "thousands of opens that wait for ever, and all else goes on" {
    [ "$(ulimit -Hu)" = unlimited ] || [ "$(ulimit -Hu)" -gt 12000 ] || skip "so many threads are not to be had here"
    crowd "" fifos 3000
    not grep -v '^p:\(port\|prog\|sec\)$' <(jq -r 'select(.decision == "deny") | .rule' "$T/audit.jsonl")
}

@test "a process that forks and exits for ever is ended with the session" {
    mkdir -p work
    printf 'version: 1\nrules:\n  - allow: [read, write, exec]\n  - allow: [connect, bind]\n' >"$T/p.yaml"
    cp "$AGENTS/crowd" "$T/work/comet-$$"
    sw -q -p "$T/p.yaml" -o "$T/audit.jsonl" -- "$T/work/comet-$$" comet "$T/work"
    sleep 0.2
    not grep -qv '^Z' <(ps -eo stat,args | grep "[c]omet-$$ comet")
}
