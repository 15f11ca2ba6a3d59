#!/usr/bin/env bats
# The supervisor under the limits that it was started with (ulimit): what it has no room for is denied and said, nothing hangs,
# nothing that the policy refuses is let through.
load helper

test_setup() {
    mkdir -p "$T/secret"
    echo key >"$T/secret/key"
    cat >"$T/policy.yaml" <<-END
	version: 1
	name: limits
	rules:
	  - {deny: [read, write], name: secret, path: "$T/secret/**", errno: EPERM}
	defaults: {read: allow, write: allow, exec: allow, connect: allow, bind: allow}
	audit: {level: all}
	END
    chmod -R a+rX "$T"
}

# limited "ULIMIT..." COMMAND...: without the descriptors of the test, some of which are numbered high
limited() {
    local limits=$1
    shift
    timeout -k 5 60 python3 -c 'import os, sys; os.closerange(3, 65536); os.execvp(sys.argv[1], sys.argv[1:])' \
        bash -c "$limits; exec \"\$0\" \"\$@\"" "$SW" -p "$T/policy.yaml" --approval reject -o "$T/log" -- "$@"
}

whole() {
    "$SW" audit verify "$T/log"
}

@test "256 descriptors: 600 threads that open at once, and 300 processes, each get what they should" {
    run limited "ulimit -n 256" python3 - "$T/secret/key" <<-'END'
	import collections, os, sys, threading, time
	ended, lock, go = collections.Counter(), threading.Lock(), threading.Event()
	def work():
	    go.wait()
	    for path in ("/etc/hostname", sys.argv[1]) * 2:
	        try:
	            os.close(os.open(path, os.O_RDONLY))
	            e = 0
	        except OSError as x:
	            e = x.errno
	        if e != 24: # its own limit is 256 too
	            with lock:
	                ended[path == sys.argv[1], e] += 1
	threads = [threading.Thread(target=work) for _ in range(600)]
	for t in threads: t.start()
	go.set()
	for t in threads: t.join()
	children = []
	for _ in range(300):
	    pid = os.fork()
	    if not pid:
	        time.sleep(1)
	        try:
	            os.open("/etc/hostname", os.O_RDONLY)
	            os._exit(0)
	        except OSError as x:
	            os._exit(x.errno)
	    children.append(pid)
	for pid in children:
	    ended["child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])] += 1
	print(sorted(map(str, ended)), ended["child", 0], ended[True, 1])
	END
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *"[\"('child', 0)\", '(False, 0)', '(True, 1)'] 300 1200"* ]]
    whole
}

@test "too few descriptors for us: 125 and the reason, and the command never starts" {
    run limited "ulimit -n 150" touch "$T/started"
    echo "$output"
    [ "$status" = 125 ]
    [[ $output == *"hard limit is 150"* ]]
    [ ! -e "$T/started" ]
}

@test "little address space: what gets no thread is denied with EAGAIN and said, all else goes on" {
    case $SW_BUILD in */san) skip "the address sanitizer needs 16 TiB of address space" ;; esac
    run limited "ulimit -v 100000" "$AGENTS/waiters" 1000 "$T/secret/key"
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *" opened "*" EAGAIN; the secret: EPERM"* ]]
    [[ $output == *"no thread could be had to carry it out"* ]]
    whole
}

@test "too little address space for us: 125 and the reason, and the command never starts" {
    case $SW_BUILD in */san) skip "the address sanitizer needs 16 TiB of address space" ;; esac
    run limited "ulimit -v 12000" touch "$T/started"
    echo "$output"
    [ "$status" = 125 ]
    [[ $output == *"sentinel-watch: "* ]]
    [ ! -e "$T/started" ]
}

@test "the user's processes are used up: nothing hangs, the log is whole, and nobody is left" {
    [ "$(id -u)" = 0 ] || skip "needs a user of whom nothing else runs"
    USER_ID=54321
    chown -R $USER_ID:$USER_ID "$T"
    for most in 4 9 16 40; do
        rm -f "$T/log"
        run as_user bash -c "$(declare -f limited); SW=$SW T=$T; limited 'ulimit -u $most' $AGENTS/waiters 100 $T/secret/key"
        echo "$most: $status $output"
        if [ "$status" = 0 ]; then
            [[ $output == *"the secret: EPERM"* ]]
            whole
        else
            [ "$status" = 125 ]
        fi
        [ -z "$(ps -o pid=,stat=,args= -U $USER_ID)" ]
    done
    [ "$status" = 0 ]
}
