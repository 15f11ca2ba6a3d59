#!/usr/bin/env bats
# connect, sends with an address, bind, listen: native where allowed, never tricked, and the policy's word `own`.

bats_require_minimum_version 1.5.0
load helper

test_setup() {
    chmod 755 "$T" "$T/work"
    cat >"$T/allow.yaml" <<P
version: 1
name: net-allow
rules:
  - allow: [read, write, exec]
  - allow: connect
  - allow: bind
P
}

test_teardown() {
    for p in ${SERVER:-}; do kill "$p" 2>/dev/null || true; done
}

serve() { # sets OK and BAD: two ports, TCP and UDP each
    mkfifo "$T/hold"
    sleep 300 3>&- >"$T/hold" &
    HOLDER=$!
    python3 "$TESTS/agents/net_server.py" 3>&- <"$T/hold" >"$T/ports" &
    SERVER="$! $HOLDER"
    for _ in $(seq 100); do [ -s "$T/ports" ] && break; sleep 0.05; done
    read -r OK BAD <"$T/ports"
}

table() { # PREFIX MODE: the table of every case, in a folder of its own
    local out=$T/$2.out
    rm -rf "$T/table" && mkdir "$T/table" && chmod 777 "$T/table" && cd "$T/table" || return 1
    case $2 in
        plain) $1 timeout 60 "$AGENTS/net_errno" >"$out" 2>&1 ;;
        *) $1 timeout 60 "$SW" -q --mode "$2" -p "$T/allow.yaml" -o "$T/state/$2.jsonl" -- "$AGENTS/net_errno" >"$out" 2>&1 ;;
    esac
}

compare() {
    table "$1" plain && table "$1" log && table "$1" enforce
    [ "$(wc -l <"$T/plain.out")" -gt 200 ]
    diff "$T/plain.out" "$T/log.out"
    diff "$T/plain.out" "$T/enforce.out"
}

@test "two hundred results and errnos are native, in log and in enforce" {
    compare ""
}

@test "... and as an ordinary user" {
    [ "$(id -u)" = 0 ] || skip "is an ordinary user anyway"
    give_to_user
    compare as_user
}

succeeds() { # PATTERN COMMAND...: without us the attack works; on a busy machine a second try may be needed
    local pattern=$1
    shift
    for _ in $(seq 10); do
        run -0 "$@"
        if [[ $output =~ $pattern ]]; then return 0; fi
    done
    echo "never succeeded: $output"
    return 1
}

race() { # KIND [dup]: succeeds without us, never with us
    serve
    # dup: a datagram socket may go to the port that a stream socket may not.
    if [ "${2:-}" = dup ]; then allowed="udp:127.0.0.1:$BAD"; else allowed="127.0.0.1:$OK"; fi
    cat >"$T/race.yaml" <<P
version: 1
name: race
rules:
  - allow: [read, write, exec]
  - allow: connect
    to: ["$allowed"]
  - deny: connect
    name: port
  - allow: bind
P
    succeeds 'reached [1-9]' "$AGENTS/net_race" "$1" "$OK" "$BAD" 300
    run -0 sw -q -p "$T/race.yaml" -o "$T/a.jsonl" -- "$AGENTS/net_race" "$1" "$OK" "$BAD" "${SW_RACE_MS:-1000}"
    echo "$output"
    [[ $output =~ tries\ [1-9][0-9]+\ reached\ 0$ ]]
    # Refused by the rule, and not by some native error.
    [ "$(jq -r 'select(.decision == "deny" and .verb == "connect") | .rule' "$T/a.jsonl" | sort -u)" = race:port ]
    # ... and what was allowed did happen.
    [ "$(jq -r 'select(.decision == "allow" and .verb == "connect") | .rule' "$T/a.jsonl" | sort -u)" = race:#2 ]
}

@test "race: a thread rewrites the address" { race thread; }
@test "race: a CLONE_VM process rewrites the address" { race vm; }
@test "race: another process rewrites it through shared memory" { race shared; }
@test "race: sendto's address" { race sendto; }
@test "race: sendmsg's address" { race sendmsg; }
@test "race: the pointer in sendmsg's header" { race name; }
@test "race: the pointer in one entry of sendmmsg" { race mmsg; }
@test "race: dup2 of a stream socket over the datagram socket that may" { race dup dup; }

own_policy() {
    cat >"$T/own.yaml" <<P
version: 1
name: own
rules:
  - allow: [read, write, exec]
  - allow: connect
    to: own
  - deny: connect
    name: others
    errno: ECONNREFUSED
  - allow: bind
P
}

@test "own: a server and its client, over loopback, and nobody else's" {
    own_policy
    serve
    cat >"$T/work/a.sh" <<'S'
: >out
python3 -u -m http.server --bind 127.0.0.1 0 >>out 2>&1 &
for _ in $(seq 200); do grep -q port out && break; sleep 0.05; done
port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' out)
curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/"
curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$1/"
kill %1
S
    run bash "$T/work/a.sh" "$OK"
    [ "${lines[0]}" = 200 ]
    run -0 sw -q -p "$T/own.yaml" -o "$T/a.jsonl" -- bash "$T/work/a.sh" "$OK"
    [ "${lines[0]}" = 200 ]
    [ "${lines[1]}" = 000 ]
    [ "$(jq -r "select(.syscall == \"connect\" and .target.port == $OK) | .rule" "$T/a.jsonl")" = own:others ]
    rm "$T/a.jsonl"
    sw -q --mode log -p "$T/own.yaml" -o "$T/a.jsonl" -- bash "$T/work/a.sh" "$OK"
    [ "$(jq -r 'select(.syscall == "connect" and .target.port) | .would' "$T/a.jsonl" | paste -sd' ')" = "allow deny" ]
}

@test "own: each kind of socket, and a port that another program took over" {
    own_policy
    cat >"$T/work/own.py" <<'P'
import os, socket, subprocess, sys, asyncio
here = "127.0.0.1"
def reach(what, family, kind, address):
    s = socket.socket(family, kind)
    try:
        s.connect(address)
        print(what, "reached")
    except OSError as e:
        print(what, e.errno)
    return s
def listener(family, address, kind=socket.SOCK_STREAM):
    s = socket.socket(family, kind)
    s.bind(address)
    if kind == socket.SOCK_STREAM: s.listen()
    return s
I, S, U = socket.AF_INET, socket.SOCK_STREAM, socket.AF_UNIX
D = socket.SOCK_DGRAM
a = listener(I, (here, 0)); port = a.getsockname()[1]
reach("tcp", I, S, (here, port))
reach("tcp by another loopback address", I, S, ("127.0.0.2", port))
w = listener(I, ("0.0.0.0", 0))
reach("tcp wildcard", I, S, (here, w.getsockname()[1]))
reach("tcp wildcard, 0.0.0.0", I, S, ("0.0.0.0", w.getsockname()[1]))
reach("tcp wildcard, an address elsewhere", I, S, ("192.0.2.1", w.getsockname()[1]))
six = listener(socket.AF_INET6, ("::", 0))
reach("tcp6 dual, v4", I, S, (here, six.getsockname()[1]))
reach("tcp6 dual, v6", socket.AF_INET6, S, ("::1", six.getsockname()[1]))
l = socket.socket(); l.listen()
reach("tcp listen without bind", I, S, (here, l.getsockname()[1]))
b = listener(I, (here, 0), D)
c = reach("udp", I, D, b.getsockname()); c.send(b"hi")
data, who = b.recvfrom(10)
b.sendto(b"ho", who); print("udp answer", c.recv(10))
u = socket.socket(I, D); u.sendto(b"again", b.getsockname()); data, who = b.recvfrom(10)
b.sendto(b"yes", who); print("udp answer to an unbound one", u.recv(10))
reach("udp nobody there", I, D, (here, 9))
listener(U, "own.sock") and None
p = listener(U, "./own2.sock")
reach("unix path", U, S, os.path.abspath("own2.sock"))
ab = listener(U, "\0own-%d" % os.getpid())
reach("unix abstract", U, S, "\0own-%d" % os.getpid())
reach("unix of another program", U, S, sys.argv[1])
reach("abstract of another program", U, S, "\0" + sys.argv[2])
a.close()
reach("tcp closed", I, S, (here, port))
print("port", port, flush=True)
open("go", "w").close()
while not os.path.exists("taken"): pass
reach("tcp taken over by another program", I, S, (here, port))
r = listener(I, (here, 0)); rport = r.getsockname()[1]
r.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1) # late, and others may join all the same
reach("reuseport, alone", I, S, (here, rport))
open("rport", "w").write(str(rport)); os.rename("rport", "rgo")
while not os.path.exists("rtaken"): pass
reach("reuseport, shared with another program", I, S, (here, rport))
P
    # Another program, outside: takes the port that the agent gave back, and joins its SO_REUSEPORT group.
    cat >"$T/other.py" <<'P'
import os, re, socket, sys, time
work, path, name = sys.argv[1:]
s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen(); os.chmod(path, 0o777)
a = socket.socket(socket.AF_UNIX); a.bind("\0" + name); a.listen()
open(work + "/../ready", "w").close()
while not os.path.exists(work + "/go"): time.sleep(0.01)
port = int(re.search(r"port (\d+)", open(work + "/out").read()).group(1))
t = socket.socket(); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); t.bind(("127.0.0.1", port)); t.listen()
open(work + "/taken", "w").close()
while not os.path.exists(work + "/rgo"): time.sleep(0.01)
r = socket.socket(); r.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
r.bind(("127.0.0.1", int(open(work + "/rgo").read()))); r.listen()
open(work + "/rtaken", "w").close()
time.sleep(60)
P
    name=other-$$
    python3 "$T/other.py" "$T/work" "$T/other.sock" "$name" 3>&- &
    SERVER=$!
    for _ in $(seq 100); do [ -e "$T/ready" ] && break; sleep 0.05; done
    sw -q -p "$T/own.yaml" -o "$T/a.jsonl" -- sh -c 'exec python3 own.py "$@" >out 2>&1' sh "$T/other.sock" "$name"
    sed 's/^port .*/port N/' "$T/work/out" >"$T/got"
    cat >"$T/want" <<'W'
tcp reached
tcp by another loopback address 111
tcp wildcard reached
tcp wildcard, 0.0.0.0 reached
tcp wildcard, an address elsewhere 111
tcp6 dual, v4 reached
tcp6 dual, v6 reached
tcp listen without bind reached
udp reached
udp answer b'ho'
udp answer to an unbound one b'yes'
udp nobody there 111
unix path reached
unix abstract reached
unix of another program 111
abstract of another program 111
tcp closed 111
port N
tcp taken over by another program 111
reuseport, alone reached
reuseport, shared with another program 111
W
    diff "$T/want" "$T/got"
}

@test "asyncio: a server and a hundred clients, own only" {
    own_policy
    cat >"$T/work/aio.py" <<'P'
import asyncio
async def main():
    async def serve(r, w):
        w.write((await r.readline()).upper()); await w.drain(); w.close()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async def client(i):
        r, w = await asyncio.open_connection("127.0.0.1", port)
        w.write(b"line %d\n" % i); await w.drain()
        return await r.readline()
    print(sum(len(x) for x in await asyncio.gather(*(client(i) for i in range(100)))))
asyncio.run(main())
P
    run -0 sw -q -p "$T/own.yaml" -o "$T/a.jsonl" -- python3 "$T/work/aio.py"
    [ "$output" = 790 ]
}

@test "a connect that waits holds nobody up" {
    cat >"$T/work/wait.py" <<'P'
import socket, threading, time
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(0); where = l.getsockname()
fill = [socket.socket() for _ in range(3)]
for f in fill: f.setblocking(False); f.connect_ex(where)
u = socket.socket(socket.AF_UNIX); u.bind("u"); u.listen(0)
ufill = [socket.socket(socket.AF_UNIX) for _ in range(3)]
for f in ufill: f.setblocking(False); f.connect_ex("u")
done = []
def wait(address, family):
    s = socket.socket(family); s.connect(address); done.append(1)
for i in range(20):
    threading.Thread(target=wait, args=(where, socket.AF_INET), daemon=True).start()
    threading.Thread(target=wait, args=("u", socket.AF_UNIX), daemon=True).start()
time.sleep(0.2)
t = time.monotonic(); n = 0
while time.monotonic() - t < 0.5:
    open("/dev/null").close(); n += 1
print(len(done), "done,", "free" if n > 500 else "held up: %d" % n)
P
    run -0 sw -q -p "$T/allow.yaml" -o "$T/a.jsonl" -- python3 "$T/work/wait.py"
    [ "$output" = "0 done, free" ]
}

@test "bind to a path: the write rules hold, the name is judged where it leads, strings through /proc are refused" {
    mkdir "$T/locked" "$T/work/ok"
    ln -s "$T/locked" "$T/work/ln"
    cat >"$T/p.yaml" <<P
version: 1
name: p
rules:
  - allow: [read, exec]
  - deny: write
    name: locked
    path: "$T/locked/**"
    errno: EPERM
  - allow: write
  - allow: connect
  - deny: bind
    name: no-bind
    to: "unix:$T/work/ok/no.sock"
  - allow: bind
P
    cat >"$T/work/b.py" <<'P'
import os, socket
def b(path):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.bind(path); print("ok", s.getsockname())
    except OSError as e:
        print(e.errno)
b("ok/a.sock"); b("./ok/../ok/b.sock"); b("ln/c.sock"); b("ok/no.sock")
if os.path.exists("ok/no.sock"): os.unlink("ok/no.sock")
b("ok/../ok/no.sock")
fd = os.open("ok", os.O_RDONLY); b("/proc/self/fd/%d/d.sock" % fd); b("/dev/fd/%d/e.sock" % fd)
os.chdir("ln"); b("f.sock")
P
    run -0 python3 "$T/work/b.py"
    [ "$(grep -c ok <<<"$output")" = 8 ]
    rm -f "$T"/work/ok/* "$T"/locked/*
    run -0 sw -q -p "$T/p.yaml" -o "$T/a.jsonl" -- python3 "$T/work/b.py"
    [ "$(paste -sd, <<<"$output")" = "ok ok/a.sock,ok ./ok/../ok/b.sock,1,13,13,13,13,1" ]
    [ "$(cd "$T/work/ok" && echo *)" = "a.sock b.sock" ]
    [ -z "$(ls "$T/locked")" ]
}

@test "race: bind through a link that another thread exchanges" {
    mkdir "$T/work/ok" "$T/work/bad"
    cat >"$T/p.yaml" <<P
version: 1
name: p
rules:
  - allow: [read, exec]
  - deny: write
    name: bad
    path: "$T/work/bad/**"
  - allow: write
  - allow: bind
P
    succeeds 'there [1-9]' "$AGENTS/bind_race" ln ok bad 300
    rm -f "$T"/work/bad/s* "$T"/work/ok/s*
    run -0 sw -q -p "$T/p.yaml" -o "$T/a.jsonl" -- "$AGENTS/bind_race" ln ok bad "${SW_RACE_MS:-1000}"
    echo "$output"
    [[ $output =~ bound\ [1-9][0-9]*\ there\ 0$ ]]
    jq -r 'select(.syscall == "bind" and .decision == "deny") | .rule' "$T/a.jsonl" | grep -qx p:bad
}

@test "0.0.0.0 and :: are judged as where they lead from an address that the socket is bound to" {
    local n=17
    python3 "$TESTS/agents/wildcard.py" serve "$T/port" 3>&- &
    SERVER=$!
    for _ in $(seq 100); do [ -s "$T/port" ] && break; sleep 0.05; done
    local port
    port=$(<"$T/port")
    run python3 "$TESTS/agents/wildcard.py" try "$port"
    [ "$(grep -c outside <<<"$output")" = $n ]

    own_policy # the agent's own server is at the same port of ::1
    run -0 sw -q -p "$T/own.yaml" -- python3 "$TESTS/agents/wildcard.py" try "$port"
    [ "$(grep -c held <<<"$output")" = $n ]

    cat >"$T/one.yaml" <<P
version: 1
rules:
  - {deny: connect, to: ["127.0.0.2"]}
  - allow: [read, write, exec]
  - allow: [connect, bind]
P
    run -0 sw -q -p "$T/one.yaml" -- python3 "$TESTS/agents/wildcard.py" try "$port"
    [ "$(grep 0.0.0.0 <<<"$output" | grep -c held)" = 8 ]
    [ "$(grep '::' <<<"$output" | grep -c outside)" = 8 ] # 127.0.0.1 is allowed, and is reached as natively
}

@test "race: an IPv6 socket that becomes an IPv4 one, where AF_UNSPEC is an address" {
    own_policy
    "$AGENTS/addrform" serve >"$T/came" 3>&- &
    SERVER=$!
    for _ in $(seq 100); do [ -s "$T/came" ] && break; sleep 0.05; done
    local port before
    port=$(head -1 "$T/came")
    for _ in 1 2 3 4 5 6; do # a race: on a busy machine the other thread may hardly run
        run -0 "$AGENTS/addrform" try "$port"
        sleep 0.3
        before=$(wc -l <"$T/came")
        if [ "$before" -gt 1 ]; then break; fi
    done
    [ "$before" -gt 1 ]
    run -0 sw -q -p "$T/own.yaml" -- "$AGENTS/addrform" try "$port"
    sleep 0.3
    [ "$(wc -l <"$T/came")" = "$before" ]
}
