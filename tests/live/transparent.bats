#!/usr/bin/env bats
# A program that is allowed everything behaves as without us: same stdout, stderr, exit status and files, with no
# supervisor, in log mode, and in enforce under a policy that allows everything; as root and as an ordinary user.

load helper

GIT='git -c user.name=n -c user.email=e@x -c init.defaultBranch=main -c core.fsync=none'
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1

# What is left in the working folder: kind, mode, owner, links, size, target, and a hash of every file's bytes.
tree_of() {
    (cd "$1" && find . -mindepth 1 ! -path './.git/index' ! -path '*/.git/index' -printf '%y %m %U:%G %n %l %P\n' | sed -E 's/^(d .*) [0-9]+ ( .*)$/\1 -\2/' | LC_ALL=C sort
        find . -type f ! -path '*/.git/index' -print0 | LC_ALL=C sort -z | xargs -0r sha256sum)
}

run_one() { # VARIANT WHO SCRIPT: leaves out, err, status, tree in $T/VARIANT.*
    local variant=$1 who=$2 script=$3 run=()
    rm -rf "$T/work"
    mkdir -p "$T/work"
    [ "$who" = root ] || chown $USER_ID:$USER_ID "$T/work"
    cd "$T/work" || return 1
    case $variant in
    log) run=("$SW" -q --mode log -p "$ALLOW_ALL" -o "$T/$who.log.jsonl" --) ;;
    enforce) run=("$SW" -q --mode enforce -p "$ALLOW_ALL" -w "$T/work" -o "$T/$who.enforce.jsonl" ${LINGER:+--linger} --) ;;
    esac
    local as=()
    [ "$who" = root ] || as=(as_user)
    local status=0
    "${as[@]}" timeout 120 "${run[@]}" bash -c "$script" >"$T/$variant.out" 2>"$T/$variant.err" </dev/null || status=$?
    echo $status >"$T/$variant.status"
    tree_of "$T/work" >"$T/$variant.tree"
}

transparent() { # SCRIPT
    local who variant part
    for who in root user; do
        [ "$who" = root ] || { [ "$(id -u)" = 0 ] || continue; give_to_user; }
        [ "$who" = root ] && [ "$(id -u)" != 0 ] && continue
        for variant in plain log enforce; do
            run_one $variant $who "$1"
            [ $variant = plain ] && continue
            for part in status out err tree; do
                if ! diff "$T/plain.$part" "$T/$variant.$part" >"$T/diff"; then
                    echo "as $who, $variant: $part differs (< plain, > supervised)"
                    head -n 20 "$T/diff"
                    head -n 5 "$T/$variant.err"
                    return 1
                fi
            done
        done
    done
}

@test "git: init, commit, clone, status, gc" {
    transparent "$GIT init -q r && cd r && for i in 1 2 3 4 5 6 7 8; do echo \$i >f\$i; done && $GIT add . && $GIT commit -qm one && cd .. &&
        $GIT clone -q --no-hardlinks r c && cd c && echo x >>f1 && $GIT status --short && $GIT commit -qam two && $GIT gc -q && $GIT log --format='%H %s' && $GIT fsck"
}

@test "make -j2 builds a C project with gcc" {
    transparent 'for i in 0 1 2 3 4 5; do printf "#include <stdio.h>\nint f$i(int x){return x+$i;}\n" >f$i.c; done
        printf "#include <stdio.h>\nint f0(int);int main(void){printf(\"%%d\\\\n\",f0(41)+1);return 3;}\n" >main.c
        printf "prog: main.o f0.o f1.o f2.o f3.o f4.o f5.o\n\tcc -o \$@ \$^\n" >Makefile; make -s -j2 && ./prog'
}

@test "python3: subprocess, threads, multiprocessing, asyncio over loopback, sqlite3" {
    cat >"$T/p.py" <<'P'
import asyncio, multiprocessing, os, sqlite3, subprocess, sys, tempfile, threading
def square(x): return x * x
if __name__ == "__main__":
    print(subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 7"], capture_output=True))
    r = []
    ts = [threading.Thread(target=lambda i=i: r.append(open("/etc/passwd").read()[:0] + str(i))) for i in range(8)]
    [t.start() for t in ts]; [t.join() for t in ts]
    print(sorted(r))
    with multiprocessing.Pool(2) as p: print(p.map(square, range(10)))
    async def main():
        async def handle(r, w):
            w.write((await r.readline()).upper()); await w.drain(); w.close()
        s = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = s.sockets[0].getsockname()[1]
        rd, wr = await asyncio.open_connection("127.0.0.1", port)
        wr.write(b"hello\n"); print(await rd.read()); wr.close(); s.close()
    asyncio.run(main())
    db = sqlite3.connect("d.sqlite"); db.execute("create table t(a)"); db.executemany("insert into t values(?)", [(i,) for i in range(50)]); db.commit()
    print(db.execute("select sum(a) from t").fetchone()); db.close()
    with tempfile.TemporaryDirectory() as d: open(os.path.join(d, "x"), "w").write("y")
    try: open("/nonexistent/x")
    except OSError as e: print(e, file=sys.stderr)
    os.remove("d.sqlite"); os.mkdir("dir", 0o750); os.symlink("dir", "ln"); os.rename("ln", "ln2"); os.chmod("dir", 0o711)
    sys.exit(5)
P
    chmod 644 "$T/p.py"
    transparent "/usr/bin/python3 $T/p.py"
}

@test "python3 -m venv" {
    transparent "/usr/bin/python3 -m venv --without-pip v && v/bin/python -c 'import sys; print(sys.prefix)'; find v -name __pycache__ | xargs rm -rf"
}

@test "node: require, child_process, worker_threads, http over loopback" {
    cat >"$T/n.js" <<'N'
const cp = require('child_process'), http = require('http'), fs = require('fs'), { Worker, isMainThread, parentPort } = require('worker_threads');
if (!isMainThread) { parentPort.postMessage(fs.readFileSync('/etc/passwd').length > 0); }
else {
  console.log(cp.execFileSync('sh', ['-c', 'echo hi; exit 0']).toString());
  new Worker(__filename).on('message', m => { console.log('worker', m);
    const s = http.createServer((q, r) => r.end('body ' + q.url)).listen(0, '127.0.0.1', () =>
      http.get({ port: s.address().port, path: '/x', agent: false }, r => { r.on('data', d => console.log(d.toString())); r.on('end', () => { s.close(); fs.writeFileSync('w', 'z'); process.exitCode = 4; }); })); });
}
N
    chmod 644 "$T/n.js"
    transparent "node $T/n.js"
}

@test "npm installs a local tarball offline" {
    mkdir -p "$T/pkg/package"
    echo '{"name":"leaf","version":"1.0.0","main":"i.js"}' >"$T/pkg/package/package.json"
    echo 'module.exports = 42' >"$T/pkg/package/i.js"
    tar -C "$T/pkg" -czf "$T/leaf.tgz" package
    chmod -R a+rX "$T"
    transparent "export npm_config_cache=$T/work/.c npm_config_update_notifier=false; npm install --offline --no-audit --no-fund --silent --prefix . $T/leaf.tgz; node -p 'require(\"leaf\")'; rm -rf .c node_modules/.package-lock.json"
}

@test "tar and untar of a tree" {
    transparent 'mkdir -p a/b/c && echo 1 >a/b/c/x && ln -s x a/b/c/l && ln a/b/c/x a/h && mkfifo a/p && chmod 4750 a/b && tar -cf t.tar --mtime=@0 --sort=name a && mkdir o && tar -C o -xpf t.tar && tar -tvf t.tar | wc -l'
}

@test "find | xargs" {
    transparent 'find /usr/include/linux -type f -name "*.h" | LC_ALL=C sort | xargs cat | sha256sum; find /etc -name "host*" -maxdepth 1 | LC_ALL=C sort | xargs -n1 ls -l'
}

@test "curl from a loopback server" {
    transparent 'echo body >index.txt; /usr/bin/python3 -c "
import http.server,threading,functools,subprocess,sys
class H(http.server.SimpleHTTPRequestHandler):
    def log_message(self,*a): pass
s=http.server.ThreadingHTTPServer((\"127.0.0.1\",0),H); threading.Thread(target=s.serve_forever,daemon=True).start()
sys.exit(subprocess.call([\"curl\",\"-s\",\"http://127.0.0.1:%d/index.txt\"%s.server_port]))"; curl -s http://127.0.0.1:1/; echo $?'
}

@test "bash: pipelines, process substitution, here-documents" {
    transparent 'echo a b c | tr " " "\n" | sort -r | head -2; diff <(echo 1) <(echo 2); cat <<X
here $((6*7))
X
        cat /dev/fd/3 3<<<three; echo err >/dev/stderr; echo out >/dev/stdout; read x </dev/stdin; echo "[$x]"; exec 9>f; echo nine >&9; cat f; cd / ; cd - >/dev/null; umask 027; mkdir d; touch d/x; kill -TERM $$'
}

@test "static, musl and busybox programs" {
    cp "$AGENTS/static_open" "$T/so"
    printf '#include <stdio.h>\nint main(void){FILE*f=fopen("/etc/hostname","r");printf("%%d\\n",f!=0);return 0;}\n' >"$T/m.c"
    musl-gcc -o "$T/m" "$T/m.c"
    chmod 755 "$T/so" "$T/m"
    transparent "$T/so /etc/passwd /nonexistent /proc/self/status; $T/m; $(command -v busybox) sh -c 'busybox ls -l /etc/hostname; busybox cat /etc/hostname | busybox wc -c; busybox ls /nonexistent'"
}

@test "good and bad arguments of execve and execveat" {
    transparent "$AGENTS/exec_errnos"
    [ "$(grep -c . "$T/plain.out")" -ge 60 ]
}

@test "bash: coprocesses, traps, a timed read, jobs without a terminal" {
    transparent 'coproc C { read a; echo "$a"; }; echo hi >&${C[1]}; read x <&${C[0]}; echo $x; trap "echo trap" USR1; kill -USR1 $$
        (sleep 0.2; kill -USR1 $$) & read -t 2 y < <(sleep 0.5; echo yy); echo $y; wait; { sleep 0.1; exit 3; } & wait $!; echo $?
        set -m; sleep 0.1 & fg; trap "echo bye" EXIT'
}

@test "a HOME that is another user's and closed" {
    [ "$(id -u)" = 0 ] || skip "needs root, to be two users"
    give_to_user
    mkdir -m 700 "$T/closed"
    chown 0:0 "$T/closed"
    unset XDG_CONFIG_HOME
    HOME=$T/closed run as_user "$SW" -q -p "$ALLOW_ALL" -o "$T/a.jsonl" -- sh -c 'echo $HOME'
    [ "$status" = 0 ] && [ "${lines[-1]}" = "$T/closed" ]
}

@test "64 threads open files at once" {
    transparent "$AGENTS/threads64"
}

@test "flock and pid files" {
    transparent 'exec 8>lock; flock -n 8 && echo got; flock -n lock true; echo $?; echo $$ >pid; [ "$(cat pid)" = $$ ] && echo same; rm pid; set -C; echo x >one; echo y >one; cat one'
}

@test "a program written, closed and executed at once" {
    transparent "$AGENTS/writeexec /bin/true 60; rm -f copy*"
}

@test "a daemon lives on in log mode and under --linger, and is ended in enforce" {
    chmod 777 "$T"
    LINGER=1 transparent "$AGENTS/daemon $T/d.\$PPID 1; sleep 2; ls $T | grep -c '^d\.[0-9]*\$' >/dev/null; rm -f $T/d.*"
    "$AGENTS/daemon" "$T/probe" 1
    sleep 1.5
    [ "$(cat "$T/probe")" = lived ]
    rm -f "$T/probe"*
    sw -q --mode log -p "$ALLOW_ALL" -o "$T/l.jsonl" -- "$AGENTS/daemon" "$T/log" 1
    [ ! -e "$T/log" ]
    sleep 2
    [ "$(cat "$T/log")" = lived ]
    sw -q --linger -p "$ALLOW_ALL" -o "$T/m.jsonl" -- "$AGENTS/daemon" "$T/linger" 1
    [ ! -e "$T/linger" ]
    sleep 2
    [ "$(cat "$T/linger")" = lived ]
    sw -q -p "$ALLOW_ALL" -o "$T/n.jsonl" -- sh -c "'$AGENTS/daemon' '$T/held' 1; sleep 0.3"
    sleep 2
    [ ! -e "$T/held" ]
}
