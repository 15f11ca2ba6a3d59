#!/usr/bin/env bats
# Holding: a policy that denies reading one folder, writing outside the workspace, running one program and reaching one
# port; each is refused with the errno that the rule gives, in a shell, in Python and in a static C program; all else works.
# Every attempt is first shown to succeed without us.

load helper

test_setup() {
    mkdir -p "$T/secret" "$T/outside" && echo key >"$T/secret/key" && echo o >"$T/outside/file"
    /usr/bin/python3 -c '
import socket, time, os
a = socket.socket(); a.bind(("127.0.0.1", 0)); a.listen(64); b = socket.socket(); b.bind(("127.0.0.1", 0)); b.listen(64)
open("'"$T"'/ports.new", "w").write("%d %d" % (a.getsockname()[1], b.getsockname()[1])); os.rename("'"$T"'/ports.new", "'"$T"'/ports")
time.sleep(300)' 3>&- &
    SERVER=$!
    for _ in $(seq 100); do [ -e "$T/ports" ] && break; sleep 0.05; done
    read -r DENIED OPEN <"$T/ports" || true
    cat >"$T/p.yaml" <<P
version: 1
name: hold
rules:
  - deny: read
    name: secret
    path: "$T/secret/**"
    message: "Ask for it."
  - allow: write
    path: ["\${WORKSPACE}/**", /dev/null]
  - deny: write
    name: outside
    errno: EPERM
  - deny: exec
    name: no-id
    path: /usr/bin/id
  - deny: connect
    name: port
    to: "127.0.0.1:$DENIED"
    errno: ECONNREFUSED
  - allow: connect
    to: loopback
defaults: {read: allow, exec: allow, connect: deny, bind: allow}
P
    chmod -R a+rX "$T/secret" "$T/outside" "$T/p.yaml"
}

test_teardown() {
    kill "$SERVER" 2>/dev/null || true
}

held() { # COMMAND...: under enforce, with the audit in $T/a.jsonl
    rm -f "$T/a.jsonl"
    sw -q -p "$T/p.yaml" -w "$T/work" -o "$T/a.jsonl" -- "$@"
}

rules_denied() {
    jq -r 'select(.decision == "deny") | .rule' "$T/a.jsonl" | sort -u | paste -sd' '
}

@test "in a shell" {
    script="cat $T/secret/key; echo x 2>/dev/null >$T/outside/new; rm -f $T/outside/new; /usr/bin/id -u; exec 3<>/dev/tcp/127.0.0.1/$DENIED && echo reached"
    run bash -c "$script"
    [[ "$output" == *key*0*reached* || "$output" == *key*[0-9]*reached* ]]
    run held bash -c "$script"
    echo "$output"
    [[ "$output" == *"secret/key: Permission denied"* ]]
    [[ "$output" == *"/usr/bin/id: Permission denied"* ]]
    [[ "$output" == *"Connection refused"* && "$output" != *reached* && "$output" != *"key
"* ]]
    [ ! -e "$T/outside/new" ]
    [ "$(rules_denied)" = "hold:no-id hold:outside hold:port hold:secret" ]
    run held bash -c "cat /etc/hostname >/dev/null && echo in >inside && cat inside && exec 3<>/dev/tcp/127.0.0.1/$OPEN && echo reached"
    [ "$output" = "in
reached" ]
}

@test "in Python, with the errno that each rule gives" {
    cat >"$T/t.py" <<P
import errno, os, socket, subprocess
def t(name, f):
    try: f(); print(name, "ok")
    except OSError as e: print(name, errno.errorcode[e.errno])
t("read", lambda: open("$T/secret/key").read())
t("list", lambda: os.listdir("$T/secret"))
t("create", lambda: open("$T/outside/new", "w"))
t("append", lambda: open("$T/outside/file", "a"))
t("truncate", lambda: os.truncate("$T/outside/file", 0))
t("unlink", lambda: os.unlink("$T/outside/file"))
t("rename", lambda: os.rename("$T/outside/file", "$T/work/stolen"))
t("mkdir", lambda: os.mkdir("$T/outside/dir"))
t("symlink", lambda: os.symlink("x", "$T/outside/ln"))
t("chmod", lambda: os.chmod("$T/outside/file", 0o777))
t("utime", lambda: os.utime("$T/outside/file"))
t("exec", lambda: subprocess.run(["/usr/bin/id"], stdout=subprocess.DEVNULL))
t("connect", lambda: socket.create_connection(("127.0.0.1", $DENIED)))
t("mapped", lambda: socket.create_connection(("::ffff:127.0.0.1", $DENIED)))
t("missing", lambda: open("$T/secret/no"))
t("fine", lambda: (open("$T/work/f", "w").write("x"), os.rename("f", "g"), os.unlink("g"), socket.create_connection(("127.0.0.1", $OPEN))))
P
    run held /usr/bin/python3 "$T/t.py"
    echo "$output"
    [ "$output" = "read EACCES
list EACCES
create EPERM
append EPERM
truncate EPERM
unlink EPERM
rename EPERM
mkdir EPERM
symlink EPERM
chmod EPERM
utime EPERM
exec EACCES
connect ECONNREFUSED
mapped ECONNREFUSED
missing EACCES
fine ok" ]
    [ "$(cat "$T/outside/file")" = o ]
    run /usr/bin/python3 "$T/t.py"
    [[ "$output" == *"read ok"*"create ok"*"truncate ok"*"exec ok"*"connect ok"* ]]
}

@test "in a static C program" {
    run "$AGENTS/static_open" "$T/secret/key" /etc/passwd
    [ "$status" = 0 ]
    run held "$AGENTS/static_open" "$T/secret/key" "$T/secret/../secret/key" "$T/work/../secret/key" /etc/passwd
    [ "$output" = "$T/secret/key: EACCES
$T/secret/../secret/key: EACCES
$T/work/../secret/key: EACCES
/etc/passwd: opened" ]
}

@test "--fail-on-denied, the summary and --json say what was denied" {
    run sw -p "$T/p.yaml" -o "$T/a.jsonl" --fail-on-denied -- sh -c "cat $T/secret/key; true"
    echo "$output"
    [ "$status" = 120 ]
    [[ "$output" == *"1 denied"* && "$output" == *"$T/secret/key"* && "$output" == *"hold:secret"* ]]
    run sw -q -p "$T/p.yaml" -o "$T/b.jsonl" --fail-on-denied -- true
    [ "$status" = 0 ]
    run sw -q --json -p "$T/p.yaml" -o "$T/c.jsonl" -- sh -c "cat $T/secret/key 2>/dev/null; exit 3"
    [ "$status" = 3 ]
    [ "$(jq -r '.exit, .denied, .denials[0].rule' <<<"$output" | paste -sd' ')" = "3 1 hold:secret" ]
}

@test "the same as an ordinary user" {
    [ "$(id -u)" = 0 ] || skip "already an ordinary user"
    give_to_user
    run as_user "$SW" -q -p "$T/p.yaml" -w "$T/work" -o "$T/u.jsonl" -- bash -c "cat $T/secret/key; echo x >$T/outside/new; echo y >$T/work/in && cat $T/work/in"
    echo "$output"
    [[ "$output" == *"secret/key: Permission denied"*"Operation not permitted"*y ]]
}
