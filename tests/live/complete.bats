#!/usr/bin/env bats
# Completeness: in log mode the audit holds as many execve, open-family and connect records as strace counts, none is
# dropped, and each names what the call really reached.

load helper

CALLS='execve execveat open openat openat2 creat connect'

count_strace() { # CALL: how many of them strace saw
    grep -cE "^[0-9]+ +$1\(" "$T/strace" || true
}

counts_agree() { # COMMAND...
    strace -f -qq -o "$T/strace" -e "trace=${CALLS// /,}" "$@" >/dev/null 2>&1 || true
    sw -q --mode log -o "$T/log.jsonl" -- "$@" >/dev/null 2>&1 || true
    local call traced logged
    for call in $CALLS; do
        traced=$(count_strace "$call")
        logged=$(jq -r "select(.syscall == \"$call\") | .syscall" "$T/log.jsonl" | wc -l)
        echo "$call: strace $traced, audit $logged"
        [ "$traced" = "$logged" ] || return 1
    done
    [ "$(tail -n 1 "$T/log.jsonl" | jq -r .dropped)" = 0 ]
    rm -f "$T/log.jsonl"
}

@test "a shell with pipelines" {
    counts_agree sh -c 'ls /etc | head -3 | sort >out; cat out nothing; for i in 1 2 3; do /bin/true; done; no-such-program'
}

@test "gcc" {
    printf '#include <stdio.h>\nint main(void){return 0;}\n' >m.c
    counts_agree gcc -o m m.c
}

@test "python over loopback and unix sockets" {
    cat >c.py <<'P'
import socket, os
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
for i in range(5):
    c = socket.create_connection(s.getsockname()); c.close()
u = socket.socket(socket.AF_UNIX); u.bind("u"); u.listen(); c = socket.socket(socket.AF_UNIX); c.connect("u"); os.unlink("u")
try: socket.create_connection(("127.0.0.1", 1))
except OSError: pass
P
    counts_agree /usr/bin/python3 -S c.py
}

@test "each record names what was reached: through links, relative paths, other folders" {
    mkdir -p real/deep && echo x >real/deep/file && ln -s real/deep short && ln -s file real/deep/link
    sw -q --mode log -o "$T/log.jsonl" -- sh -c 'cat short/link; cd real/deep && cat ../deep/file >/dev/null; echo y >new' >/dev/null
    jq -r 'select(.verb == "read") | .target.path' "$T/log.jsonl" | grep -c "^$PWD/real/deep/file$" | grep -qx 2
    jq -r 'select(.verb == "write") | .target.path' "$T/log.jsonl" | grep -qx "$PWD/real/deep/new"
    jq -r 'select(.verb == "exec") | .target.path' "$T/log.jsonl" | grep -qx "$(realpath "$(command -v cat)")"
    [ "$(jq -r 'select(.syscall) | .decision' "$T/log.jsonl" | sort -u)" = allow ]
    jq -e 'select(.target.raw == "../deep/file") | .cwd' "$T/log.jsonl" | grep -q "$PWD/real/deep"
}

@test "connect records carry the address, and the program that made it" {
    cat >c.py <<'P'
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1]); socket.create_connection(s.getsockname()).close()
s = socket.socket(socket.AF_INET6); s.bind(("::1", 0)); s.listen(); t = socket.socket(socket.AF_INET6); t.connect(("::ffff:127.0.0.1", 9)) if 0 else t.connect(s.getsockname())
P
    port=$(sw -q --mode log -o "$T/log.jsonl" -- /usr/bin/python3 -S c.py)
    jq -r 'select(.verb == "connect") | "\(.target.addr) \(.target.port) \(.exe)"' "$T/log.jsonl" >got
    cat got
    grep -q "127.0.0.1.*$port.*/usr/bin/python3" got
    grep -q "::1" got
}
