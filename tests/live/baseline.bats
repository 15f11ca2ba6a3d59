#!/usr/bin/env bats
# Baselines: what each refuses (shown to work without us), that real programs run under it, and files of one's own.

load helper

enforced() { # BASELINE COMMAND...
    local baseline=$1
    shift
    rm -f "$T/a.jsonl"
    sw -q --baseline "$baseline" -p "$ALLOW_ALL" -w "$T/work" -o "$T/a.jsonl" -- "$@"
}

denied() { jq -r 'select(.decision == "deny") | "\(.syscall) \(.rule) \(.decided_by) \(.result)"' "$T/a.jsonl"; }

# What baseline_calls says under a baseline: EPERM and a record for the sets it refuses, as without us for the others.
refuses() { # BASELINE "SETS" PREFIX...
    local baseline=$1 sets=$2 set name result rest
    shift 2
    "$@" "$AGENTS/baseline_calls" >"$T/plain"
    # The capabilities that the agent loses decide about some by themselves: `off` shows what is left without a baseline.
    rm -f "$T/off.jsonl" "$T/a.jsonl"
    "$@" "$SW" -q --baseline off -p "$ALLOW_ALL" -o "$T/off.jsonl" -- "$AGENTS/baseline_calls" >"$T/off"
    "$@" "$SW" -q --baseline "$baseline" -p "$ALLOW_ALL" -o "$T/a.jsonl" -- "$AGENTS/baseline_calls" >"$T/under"
    [ "$(wc -l <"$T/under")" = "$(wc -l <"$T/plain")" ]
    while read -r set name result; do
        rest=$(grep -F "$set $name " "$T/under")
        if [[ " $sets " == *" $set "* ]]; then
            [ "$rest" = "$set $name EPERM" ] || { echo "$baseline: $rest"; return 1; }
            denied | grep -Fx "$name baseline:$baseline protected -1" >/dev/null || { echo "$baseline: no record of $name"; return 1; }
        else
            grep -Fx "$rest" "$T/off" >/dev/null || { echo "$baseline: $rest, off: $(grep -F "$set $name " "$T/off")"; return 1; }
        fi
    done <"$T/plain"
    # Most of it works without us, or this shows nothing.
    [ "$(grep -c ' ok$' "$T/plain")" -ge 15 ]
    not jq -e 'select((.rule // "") | startswith("baseline:"))' "$T/off.jsonl" >/dev/null
}

@test "mvp, datasci and strict refuse what they say, as root and as a user" {
    refuses mvp "mvp" env
    refuses datasci "mvp datasci" env
    refuses strict "mvp datasci strict" env
    give_to_user
    refuses mvp "mvp" as_user
    refuses strict "mvp datasci strict" as_user
}

@test "what the older systems refused under mvp and strict is refused under every name" {
    cat >"$T/older.py" <<'P'
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
calls = dict(ptrace=101, pivot_root=155, mount=165, umount2=166, swapon=167, swapoff=168, reboot=169, init_module=175, delete_module=176,
             kexec_load=246, add_key=248, request_key=249, keyctl=250, perf_event_open=298, open_by_handle_at=304, setns=308,
             finit_module=313, bpf=321, userfaultfd=323, move_mount=429, fsopen=430, fsconfig=431, fsmount=432, fspick=433)
for name, nr in calls.items():
    r = libc.syscall(nr, -1, -1, -1, -1, -1)
    print(name, errno.errorcode[ctypes.get_errno()] if r < 0 else "ok")
print("clone3", errno.errorcode[ctypes.get_errno()] if libc.syscall(435, 0, 0) < 0 else "ok")
P
    [ "$(uname -m)" = x86_64 ] || skip "the numbers are x86-64's"
    local b
    for b in off mvp strict datasci; do
        run enforced $b /usr/bin/python3 "$T/older.py"
        [ "$(grep -c EPERM <<<"$output")" = 24 ] && [[ $output == *"clone3 ENOSYS"* ]] || { echo "$b: $output"; return 1; }
        [ "$(denied | grep -c ' protected -1$')" -ge 24 ]
    done
}

real='set -e
bash -c "for i in 1 2 3; do echo \$i; done | sort -r | head -1; cat <(echo sub); x=\$(id -u); [ -n \"\$x\" ]"
getent hosts localhost | grep -q localhost && echo looked up
/usr/bin/python3 - <<P
import subprocess, threading, sqlite3, multiprocessing, socket, asyncio, tempfile
print(subprocess.run(["echo", "sub"], capture_output=True, text=True).stdout, end="")
t = [threading.Thread(target=lambda: None) for _ in range(20)]
[x.start() for x in t]; [x.join() for x in t]
d = sqlite3.connect("d.db"); d.execute("create table if not exists t(x)"); d.execute("insert into t values(1)"); d.commit()
print(d.execute("select count(*) from t").fetchone()[0] > 0, socket.gethostbyname("localhost"))
with multiprocessing.Pool(2) as p: print(p.map(abs, [-1, -2]))
P
if command -v node >/dev/null; then node -e "
const {execSync} = require(\"child_process\"), {Worker} = require(\"worker_threads\");
console.log(execSync(\"echo child\").toString().trim());
new Worker(\"require(\\\"worker_threads\\\").parentPort.postMessage(1)\", {eval: true}).on(\"message\", m => console.log(\"worker\", m));
require(\"dns\").lookup(\"localhost\", e => console.log(\"dns\", !e))"; fi
printf "#include <stdio.h>\n#include <pthread.h>\nstatic void *f(void *x) { return x; }\nint main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); puts(\"built\"); }\n" >m.c
gcc -O2 -pthread m.c -o m && ./m
git init -q r 2>/dev/null && echo git
"$0/static_open" /etc/hostname >/dev/null; echo static $?'

@test "a shell, threads, name look-up, Python, Node, gcc and git run under each baseline, as root and as a user" {
    local b
    bash -c "$real" "$AGENTS" >"$T/plain"
    [ "$(wc -l <"$T/plain")" -ge 9 ]
    for b in mvp strict datasci off none; do
        rm -rf "$T/work"/*
        run enforced $b bash -c "$real" "$AGENTS"
        diff "$T/plain" - <<<"$output" || { echo "under $b"; denied; return 1; }
        ! denied | grep baseline: || return 1
    done
    give_to_user
    for b in strict mvp; do
        rm -rf "$T/work"/* "$T/a.jsonl"
        run as_user "$SW" -q --baseline $b -p "$ALLOW_ALL" -o "$T/a.jsonl" -- bash -c "$real" "$AGENTS"
        diff "$T/plain" - <<<"$output" || { echo "under $b, as a user"; denied; return 1; }
    done
}

@test "log mode refuses nothing, and would says it" {
    "$AGENTS/baseline_calls" >"$T/plain"
    sw -q -m log --baseline strict -p "$ALLOW_ALL" -o "$T/a.jsonl" -- "$AGENTS/baseline_calls" >"$T/log"
    diff "$T/plain" "$T/log"
    [ "$(jq -r 'select(.would == "deny") | .rule' "$T/a.jsonl" | grep -c baseline:strict)" -ge "$(wc -l <"$T/plain")" ]
    [ -z "$(denied)" ]
    run sw -q -m log -p "$ALLOW_ALL" -o "$T/b.jsonl" -- umount /nowhere
    [ "$(jq -r 'select(.syscall == "umount2") | "\(.decision) \(.would)"' "$T/b.jsonl" | head -1)" = "allow deny" ]
}

everything_but() { # NAMES...: a profile as Docker's are: the default refuses, and a list is allowed
    local but
    but=$(printf '%s\n' "$@")
    sed -nE 's/^#define __NR_([a-z0-9_]+) .*/\1/p' /usr/include/x86_64-linux-gnu/asm/unistd_64.h | grep -vxF "$but" |
        jq -R . | jq -s '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1, architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
            syscalls: [{names: ., action: "SCMP_ACT_ALLOW"}]}'
}

@test "an OCI profile: the default refuses, and what no program can live without stays" {
    [ "$(uname -m)" = x86_64 ] || skip "the profile is x86-64's"
    everything_but mkdir mkdirat arch_prctl rseq set_robust_list close_range futex unshare clone3 socketpair >"$T/oci.json"
    mkdir plain
    run enforced "$T/oci.json" bash -c 'mkdir made; /usr/bin/python3 -c "
import socket, threading
t = threading.Thread(target=print, args=(\"thread\",)); t.start(); t.join()
try: socket.socketpair()
except OSError as e: print(e.errno)"'
    echo "$output"
    [[ $output == *"Operation not permitted"* && $output == *thread* && $output == *1 ]]
    [ ! -e made ]
    denied | grep -Fx "mkdir baseline:oci.json protected -1"
    denied | grep -F "socketpair baseline:oci.json"
    [ "$(jq -r 'select(.event == "start") | .baseline' "$T/a.jsonl")" = "$T/oci.json" ]
    bash -c "$real" "$AGENTS" >"$T/plain.out"
    everything_but reboot swapon acct >"$T/wide.json"
    run enforced "$T/wide.json" bash -c "$real" "$AGENTS"
    diff "$T/plain.out" - <<<"$output"
}

@test "an OCI profile: conditions, errnos, and what is allowed under one is not even recorded" {
    cat >"$T/oci.json" <<'P'
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
  {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "args": [{"index": 0, "value": 262144, "valueTwo": 262144, "op": "SCMP_CMP_MASKED_EQ"}]},
  {"names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13, "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
  {"names": ["sched_getaffinity"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 4096, "op": "SCMP_CMP_GE"}]},
  {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97, "args": [{"index": 0, "value": 10, "op": "SCMP_CMP_EQ"}]}]}
P
    cat >"$T/t.py" <<'P'
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
def t(name, *a):
    r = getattr(libc, name)(*a)
    print(name, a[0], errno.errorcode[ctypes.get_errno()] if r == -1 else "ok")
t("personality", 0x40000); t("personality", 0)
t("getpriority", 2, 0); t("getpriority", 0, 0)
b = ctypes.create_string_buffer(8192)
t("sched_getaffinity", 0, 8192, b); t("sched_getaffinity", 0, 1024, b)
t("socket", socket.AF_INET6, 1, 0); t("socket", socket.AF_INET, 1, 0); t("socket", socket.AF_VSOCK, 1, 0)
P
    [ "$(/usr/bin/python3 "$T/t.py" | grep -c ok)" -ge 8 ]
    run enforced "$T/oci.json" /usr/bin/python3 "$T/t.py"
    diff - <(echo "$output") <<'X'
personality 262144 ENOSYS
personality 0 ok
getpriority 2 EACCES
getpriority 0 ok
sched_getaffinity 0 EPERM
sched_getaffinity 0 ok
socket 10 EAFNOSUPPORT
socket 2 ok
socket 40 EAFNOSUPPORT
X
    [ "$(denied | sort)" = "getpriority baseline:oci.json protected -13
personality baseline:oci.json protected -38
sched_getaffinity baseline:oci.json protected -1" ]
    # Nobody is killed.
    cat >"$T/only.json" <<'P'
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["uname"], "action": "SCMP_ACT_KILL_PROCESS"}]}
P
    run enforced "$T/only.json" uname -s
    [ "$status" = 1 ]
    denied | grep -Fx "uname baseline:only.json protected -1"
    run sw -q -m log --baseline "$T/oci.json" -p "$ALLOW_ALL" -o "$T/l.jsonl" -- /usr/bin/python3 "$T/t.py"
    diff <(/usr/bin/python3 "$T/t.py") - <<<"$output"
    [ "$(jq -r 'select(.would == "deny") | .syscall' "$T/l.jsonl" | sort -u | paste -sd' ')" = "getpriority personality sched_getaffinity socket" ]
}

@test "the YAML form: deny alone takes away, allow alone is all there is" {
    printf 'version: 1\ndeny: [mkdir, mkdirat]\n' >"$T/deny.yaml"
    run enforced "$T/deny.yaml" bash -c 'mkdir a; echo b >b; cat b'
    [[ $output == *"Operation not permitted"*b ]]
    [ ! -e a ]
    denied | grep -Fx "mkdir baseline:deny.yaml protected -1"
    { echo 'version: 1'; echo 'allow:'; strace -f -o /dev/stdout bash -c 'echo b >b; cat b' | grep -oE '^[0-9]+ +[a-z0-9_]+\(' | grep -oE '[a-z0-9_]+\($' | tr -d '(' | sort -u | sed 's/^/  - /'; } >"$T/allow.yaml"
    run enforced "$T/allow.yaml" bash -c 'echo b >b; cat b'
    [ "$status" = 0 ]
    [ "$output" = b ]
    run enforced "$T/allow.yaml" bash -c 'mkdir a'
    [ "$status" = 1 ] && denied | grep -Fx "mkdir baseline:allow.yaml protected -1"
}

@test "where it is said: the flag, the variable, the policy (its file beside it), the site's require" {
    baseline_of() { jq -r 'select(.event == "start") | .baseline' "$1"; }
    sw -q -p "$ALLOW_ALL" -o "$T/1" -- true
    [ "$(baseline_of "$T/1")" = mvp ]
    SENTINEL_SECCOMP_PROFILE=datasci sw -q -p "$ALLOW_ALL" -o "$T/2" -- true
    [ "$(baseline_of "$T/2")" = datasci ]
    SENTINEL_SECCOMP_PROFILE=datasci sw -q --baseline none -p "$ALLOW_ALL" -o "$T/3" -- true
    [ "$(baseline_of "$T/3")" = off ]
    mkdir "$T/p" && printf 'version: 1\ndeny: [mkdir]\n' >"$T/p/mine.yaml"
    printf 'version: 1\nname: p\nextends: [%s]\nbaseline: ./mine.yaml\n' "$ALLOW_ALL" >"$T/p/p.yaml"
    run sw -q -p "$T/p/p.yaml" -o "$T/4" -- mkdir a
    [ "$status" = 1 ]
    [ "$(baseline_of "$T/4")" = "$T/p/mine.yaml" ]
    # Nobody inside writes it for the next run.
    run sw -q -p "$T/p/p.yaml" -o "$T/5" -- sh -c "echo >'$T/p/mine.yaml'"
    [ "$status" != 0 ]
    grep -q mkdir "$T/p/mine.yaml"
    for b in strict datasci off; do
        printf 'version: 1\nname: p\nextends: [%s]\nbaseline: %s\n' "$ALLOW_ALL" $b >"$T/p/p.yaml"
        sw -q -p "$T/p/p.yaml" -o "$T/6.$b" -- true
        [ "$(baseline_of "$T/6.$b")" = $b ]
    done
}

@test "a baseline that cannot be used: one clear error, and nothing runs" {
    bad() { # STATUS TEXT ARGS...
        local want=$1 text=$2
        shift 2
        run sw -q -p "$ALLOW_ALL" -o "$T/log" "$@" -- touch ran
        echo "$output"
        [ "$status" = "$want" ]
        [[ $output == *"$text"* ]]
        [ "${#lines[@]}" = 1 ]
        [ ! -e ran ]
        [ ! -e "$T/log" ]
    }
    file() { printf '%s' "$1" >"$T/b.json"; }
    bad 2 'nearest: strict' --baseline stric
    bad 2 'now a file' --baseline custom
    bad 125 'No such file' --baseline ./nowhere.json
    bad 125 'Is a directory' --baseline "$T"
    file '{"defaultAction": "SCMP_ACT_ALLOW"'
    bad 125 'line 1' --baseline "$T/b.json"
    file '{"syscalls": []}'
    bad 125 'defaultAction' --baseline "$T/b.json"
    file '{"defaultAction": "SCMP_ACT_NOTIFY"}'
    bad 125 'SCMP_ACT_NOTIFY' --baseline "$T/b.json"
    file '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdri"], "action": "SCMP_ACT_ERRNO"}]}'
    bad 125 '`mkdri`' --baseline "$T/b.json"
    file '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir 0\ncall x"], "action": "SCMP_ACT_ERRNO"}]}'
    bad 125 'syscalls[0]' --baseline "$T/b.json"
    file '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 7, "value": 0, "op": "SCMP_CMP_EQ"}]}]}'
    bad 125 'index' --baseline "$T/b.json"
    file '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_S390X"]}'
    bad 125 'other machines' --baseline "$T/b.json"
    file '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "unless": 1}]}'
    bad 125 'unless' --baseline "$T/b.json"
    file 'version: 1
denied: [mkdir]'
    bad 125 'denied' --baseline "$T/b.json"
    file 'allow: [mkdir]'
    bad 125 'version' --baseline "$T/b.json"
    printf 'version: 1\nname: p\nbaseline: strikt\n' >"$T/p.yaml"
    run sw -q -p "$T/p.yaml" -- touch ran
    [ "$status" = 125 ]
    [[ $output == *p.yaml:3*"nearest: strict"* ]]
    [ ! -e ran ]
    printf 'version: 1\nname: p\nextends: [%s]\nbaseline: ./b.json\n' "$ALLOW_ALL" >"$T/p.yaml"
    run sw policy check "$T/p.yaml"
    [ "$status" = 1 ]
    [[ $output == *"b.json: "*version* ]]
    printf 'version: 1\ndeny: [mkdir]\n' >"$T/b.json"
    run sw policy check "$T/p.yaml"
    [ "$status" = 0 ]
}
