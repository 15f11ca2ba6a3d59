# The attempts of tests/agents/attempts.c: each gets what it wants without us, none in enforce, and the log says which rule held.

load helper

bats_require_minimum_version 1.5.0

test_setup() {
    mkdir -p "$T/w/sec" "$T/w/pub" "$T/log" "$T/conf"
    echo SECRET >"$T/w/sec/file"
    export OUR_AUDIT=$T/log/audit.jsonl OUR_POLICY=$T/conf/p.yaml OUR_CONFIG=$HOME/.config OUR_SOCKET=$XDG_RUNTIME_DIR/sentinel-watch/attack.sock
    unset VICTIM
}

test_teardown() {
    [ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null || true
    for m in "$T"/m[123]; do ! mountpoint -q "$m" || umount -l "$m"; done
}

policy() { # default-allow, or nothing but what the agent itself needs
    local port=$1
    cat >"$T/conf/p.yaml" <<END
version: 1
rules:
  - {deny: [read, write], name: sec, path: "$T/w/sec/**"}
  - {deny: exec, name: prog, path: /usr/bin/id}
  - {deny: connect, name: port, to: ["any:$port"]}
  - {deny: connect, name: sock, to: ["unix:$T/w/sec/**"]}
  - {deny: connect, name: abstract, to: ["unix:@sw-attempts-*"]}
  - {deny: [read, write], name: mq, path: "/dev/mqueue/sw-attempts*"}
END
    if [ "$2" = allow ]; then
        printf '  - allow: [read, write, exec]\n  - allow: [connect, bind]\n' >>"$T/conf/p.yaml"
    else
        cat >>"$T/conf/p.yaml" <<END
  - {allow: read, path: ["/usr/**", "/lib/**", "/lib64/**", "/etc/**", "$AGENTS/**", "$T/w/pub/**", "/proc/self/**", "$T/log/**", "$T/conf/**", "/bin/true"]}
  - {allow: exec, path: "$AGENTS/**"}
  - {allow: write, path: "$T/w/pub/**"}
defaults: {read: deny, write: deny, exec: deny, connect: deny, bind: deny}
END
    fi
    chmod 644 "$T/conf/p.yaml"
}

serve() { # $@: what runs it
    rm -f "$T/w/pub/served" "$T/w/sec/sock" "$T/w/sec/dgram"
    "$@" "$AGENTS/attempts" serve "$T/w" 3>&- &
    SERVER=$!
    for _ in $(seq 200); do [ -e "$T/w/pub/served" ] && break; sleep 0.05; done
    read -r PORT OPEN VICTIM_PID <"$T/w/pub/served"
}

stop_serving() {
    kill "$VICTIM_PID"
    wait "$SERVER" 2>/dev/null || true
    SERVER=
}

clean() {
    [ "$(id -u)" = 0 ] || skip "needs root, for a file of another user"
    rm -rf "$T/w/pub" "$T/log" "$OUR_CONFIG" "$XDG_RUNTIME_DIR/sentinel-watch"
    mkdir -p "$T/w/pub" "$T/log"
    chmod 755 "$T/w/pub"
    [ -z "$1" ] || give_to_user
    touch "$T/w/pub/foreign"
    chown 4321:4321 "$T/w/pub/foreign"
    chmod 0 "$T/w/pub/foreign"
}

# Without us: everything but what only root gets, what was given away, and what cannot be shown here.
plain() { # $1: "" or user; $@: what runs it
    local who=$1
    shift
    clean "$who"
    mkdir -p "$XDG_RUNTIME_DIR/sentinel-watch"
    touch "$OUR_AUDIT"
    policy 1 allow
    [ -z "$who" ] || chown -R $USER_ID:$USER_ID "$T/log" "$T/conf" "$T/r"
    serve "$@"
    touch "$T/w/denials"
    [ -z "$who" ] || chown $USER_ID "$T/w/denials"
    SENTINEL_WATCH_DENIALS=$T/w/denials "$@" "$AGENTS/attempts" try "$T/w" >"$T/plain.out"
    stop_serving
    awk -F'\t' -v user="$who" '$2 != "GOT" && ($5 == "-" || ($5 == "root" && user == "")) {print "not shown without us: " $0; bad = 1}
        $2 == "GOT" && $5 == "given away" {print "the kernel gives it: " $0; bad = 1}
        END {exit bad}' "$T/plain.out"
}

# In enforce: none, each with its record.
held() { # $1: "" or user, $2: allow or deny, $@: what runs it
    local who=$1 default=$2 scoped=true n
    shift 2
    [ "$SENTINEL_WATCH_NO_LANDLOCK" != 1 ] || scoped=false
    clean "$who"
    (unset OUR_SOCKET; serve "$@"; echo "$SERVER" >"$T/server")
    read -r PORT OPEN VICTIM_PID <"$T/w/pub/served"
    SERVER=$VICTIM_PID
    policy "$PORT" "$default"
    [ -z "$who" ] || chown -R $USER_ID:$USER_ID "$T/conf"
    "$@" env timeout 200 "$SW" -q --session attack -p "$T/conf/p.yaml" -o "$OUR_AUDIT" -- "$AGENTS/attempts" try "$T/w" >"$T/held.out"
    kill "$VICTIM_PID"
    SERVER=
    jq -r 'select(.decision == "deny") | (.pid, .ppid) as $p | [$p, .rule // "-", .decided_by] | @tsv' "$OUR_AUDIT" |
        awk -F'\t' -v scoped=$scoped -v default=$default '
        NR == FNR {seen[$1] = 1; rule[$1, $2] = 1; by[$1, $3] = 1; next}
        {n++; p = $3; bad = ""}
        $2 == "GOT" {bad = "got it"}
        $2 ~ /Alarm|[Ss]egm|Killed|Bad system/ {bad = "ended by a signal"}
        $4 == "protected:kernel" && $5 != "-" && $2 ~ /^(ENOENT|EACCES)$/ {next} # natively refused comes first where there is nothing to hide
        $4 ~ /:/ && !rule[p, $4] && !(default == "deny" && seen[p]) && !by[p, "protected"] {bad = "no record of " $4}
        $4 == "protected" && !by[p, "protected"] && !(default == "deny" && by[p, "default"]) {bad = "no record of a protection"}
        $4 == "signal" && (scoped == "true" ? $2 != "EPERM" : !by[p, "protected"]) {bad = "not by the scope or a protection"}
        $4 == "silent" && $2 !~ /^(ENOSYS|EAFNOSUPPORT|EPROTONOSUPPORT|ESOCKTNOSUPPORT)$/ {bad = "another errno"}
        $4 == "kernel" && $2 !~ /^(EACCES|EPERM)$/ {bad = "another errno"}
        bad {print bad ": " $0; failed = 1}
        END {print n " attempts"; exit failed || n < 160}' - "$T/held.out"
}

@test "default-allow: no attempt gets what a rule or a protection refuses" {
    plain "" env
    held "" allow env
}

@test "default-allow, an ordinary user" {
    plain user as_user
    held user allow as_user
}

@test "default-deny" {
    held "" deny env
}

@test "default-deny, an ordinary user" {
    held user deny as_user
}

@test "without Landlock" {
    export SENTINEL_WATCH_NO_LANDLOCK=1
    held "" allow env
}

@test "without Landlock, an ordinary user" {
    export SENTINEL_WATCH_NO_LANDLOCK=1
    held user allow as_user
}

# The same against whoever supervises: the numbers are found from inside.
ourselves() { # $1: "" or user, $@: what runs it
    local who=$1 v
    shift
    unset OUR_SOCKET
    acts=(prlimit_fsize prlimit_nofile prlimit_core prlimit_supervisor sched_setaffinity sched_setscheduler sched_setparam sched_setattr
        setpriority_process ioprio_process kill kill_group tkill tgkill sigqueueinfo tgsigqueueinfo pidfd_signal sigio_owner sigio_owner_ex
        ptrace_attach process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp migrate_pages move_pages proc_mem proc_mem_task
        proc_environ proc_maps proc_fd proc_fd_folder proc_root proc_task_root proc_cwd proc_exe oom_score proc_auxv coredump_filter clear_refs)
    for v in supervisor front scribe; do
        clean "$who"
        serve "$@"
        policy "$PORT" allow
        VICTIM=$v "$@" timeout 100 "$SW" -q -p "$T/conf/p.yaml" -o "$OUR_AUDIT" -- "$AGENTS/attempts" try "$T/w" "${acts[@]}" >"$T/$v.out"
        stop_serving
        echo "$v"
        [ "$(wc -l <"$T/$v.out")" = ${#acts[@]} ]
        awk -F'\t' '$2 !~ /^(EPERM|EACCES)$/ {print; bad = 1} END {exit bad}' "$T/$v.out"
        [ "$(jq -r 'select(.decided_by == "protected") | .syscall' "$OUR_AUDIT" | wc -l)" -ge 25 ]
    done
}

@test "supervisor, front and scribe are out of reach" {
    ourselves "" env
}

@test "supervisor, front and scribe are out of reach, an ordinary user" {
    ourselves user as_user
}

@test "supervisor, front and scribe are out of reach without Landlock" {
    export SENTINEL_WATCH_NO_LANDLOCK=1
    ourselves "" env
    ourselves user as_user
}

@test "a link above our own places gives the next run no policies of the agent's" {
    clean ""
    mkdir -p "$T/dots/sentinel-watch" "$T/w/pub/fake"
    ln -s "$T/dots" "$HOME/.config"
    policy 1 allow
    cat >"$T/agent" <<'END'
cd "$HOME"
rm .config; mv .config other; ln -sfn "$1/w/pub/fake" .config; mv -T "$1/w/pub/fake" .config
mkdir -p .config/sentinel-watch
echo mine >.config/sentinel-watch/policy.yaml
END
    bash "$T/agent" "$T" 2>/dev/null
    [ "$(cat "$HOME/.config/sentinel-watch/policy.yaml")" = mine ]
    rm -rf "$HOME/.config" "$HOME/other"
    mkdir -p "$T/w/pub/fake"
    ln -s "$T/dots" "$HOME/.config"
    rm -f "$T/dots/sentinel-watch/policy.yaml"
    run sw -q -p "$T/conf/p.yaml" -o "$OUR_AUDIT" -- bash "$T/agent" "$T"
    [ ! -e "$HOME/.config/sentinel-watch/policy.yaml" ]
    [ "$(readlink "$HOME/.config")" = "$T/dots" ]
    [ "$(jq -r 'select(.rule == "protected:own-files") | .syscall' "$OUR_AUDIT" | wc -l)" -ge 4 ]
}

@test "a file system that is mounted at a second place gives no second name to what is denied" {
    [ "$(id -u)" = 0 ] || skip "only root mounts"
    mkdir -p "$T/m1" "$T/m2" "$T/m3" "$T/w/sec/deep"
    echo SECRET >"$T/w/sec/deep/file"
    mount --bind "$T/w/sec" "$T/m1" || skip "nothing can be mounted here"
    mount --bind "$T/w" "$T/m2"
    mount --bind "$T/w/sec/deep" "$T/m3"
    policy 1 allow
    unset OUR_SOCKET
    serve env
    script='for f in m1/file m2/sec/file m1/deep/file m3/file w/sec/file; do cat "$1/$f" 2>/dev/null; done
        for s in m1/sock m2/sec/sock; do python3 -c "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1]); print(\"SECRET\")" "$1/$s" 2>/dev/null; done; true'
    plain=$(sh -c "$script" x "$T")
    held=$(sw -q -p "$T/conf/p.yaml" -o "$OUR_AUDIT" -- sh -c "$script" x "$T")
    stop_serving
    umount "$T/m1" "$T/m2" "$T/m3"
    [ "$(grep -c SECRET <<<"$plain")" = 7 ]
    [ -z "$held" ]
    [ "$(jq -r 'select(.rule == "p:sec") | .target.path' "$OUR_AUDIT" | sort -u | wc -l)" = 5 ]
    [ "$(jq -r 'select(.rule == "p:sock") | .target.addr' "$OUR_AUDIT" | sort -u | wc -l)" = 2 ]
}

@test "a user with some capabilities: a child that gives them away gains nothing through us" {
    [ "$(id -u)" = 0 ] || skip "needs root"
    echo SECRET >"$T/foreign"
    chown 4321:4321 "$T/foreign"
    chmod 0 "$T/foreign"
    printf 'version: 1\nrules:\n  - allow: [read, write, exec]\n  - allow: [connect, bind]\n' >"$T/all.yaml"
    chown -R $USER_ID "$T/work" "$T/home" "$T/r" "$T/state"
    with="setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups --inh-caps=-all,+dac_override --ambient-caps=-all,+dac_override --"
    script='cat "$1/foreign"; setpriv --ambient-caps=-all --inh-caps=-all cat "$1/foreign"'
    run -1 $with sh -c "$script" x "$T"
    [ "$(grep -c SECRET <<<"$output")" = 1 ]
    run -1 $with "$SW" -q -p "$T/all.yaml" -o "$T/work/audit.jsonl" -- sh -c "$script" x "$T"
    [ "$(grep -c SECRET <<<"$output")" = 1 ]
}
