#!/usr/bin/env bats
# CPython's own tests of the operating system do no worse in log mode and in enforce (everything allowed) than without us.
#
# Every single case is compared by name: what is ok without us must be ok, what is skipped may not fail, and none may be
# missing. The only cases that may do worse are those of the table below, each with the sentence of docs/threat-model.md that
# says why; a sentence that is not there fails the test.

load helper

PYTHON=/usr/bin/python3.11

# PATTERN|SENTENCE. Cases of test_socket for further families are not run at all: without us some wait for ever for a peer.
TOLERATED='*.BasicCANTest.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
*.CANTest.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
*.ISOTPTest.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
*.J1939Test.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
*.BasicRDSTest.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
*.RDSTest.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
*.TIPCTest.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
*.TIPCThreadableTest.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
*.LinuxKernelCryptoAPI.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
*.BasicQIPCRTRTest.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
*.BasicBluetoothTest.*|socket families other than UNIX, INET, INET6, NETLINK_ROUTE
test.test_shutil.TestCopy.test_*xattr*|Started as root, the agent loses the capabilities that would go around all this'

FILES='test_os test_posix test_fcntl test_tempfile test_shutil test_fileio test_glob test_pathlib test_stat test_posixpath
    test_unicode_file_functions test_mmap test_dbm test_import'
PROCESSES='test_subprocess test_pty test_openpty test_signal test_eintr test_threading test_fork1 test_wait4 test_resource'
NETWORK='test_socket test_socketserver test_httpservers test_urllib2_localnet'
LEFT_OUT=(-i '*VSOCK*' -i '*siginterrupt_off' -i '*NoPoll*') # VSOCK as above; 30 s of waiting; everything once more

# One line a case: NAME ok|skipped|failed
results() { # JUNIT-XML
    "$PYTHON" - "$1" <<'P' | LC_ALL=C sort -u
import sys, xml.etree.ElementTree as tree
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    bad = case.find("error") is not None or case.find("failure") is not None
    print(case.get("name").replace(" ", "_"), "failed" if bad else "skipped" if case.find("skipped") is not None else "ok")
P
}

run_python() { # VARIANT WHO NAME...: leaves its results in $T/VARIANT
    local variant=$1 who=$2 sw=() as=() dir=$T/$1.d
    shift 2
    mkdir -p "$dir/cwd" "$dir/tmp"
    [ "$who" = root ] || as=(as_user)
    [ "$who" = root ] || [ "$(id -u)" != 0 ] || chown -R $USER_ID:$USER_ID "$dir"
    [ "$variant" = plain ] || sw=("$SW" -q --mode "$variant" -p "$ALLOW_ALL" -w "$dir" -o "$dir/audit.jsonl" --)
    (cd "$dir/cwd" && TMPDIR=$dir/tmp LANG=C.UTF-8 "${as[@]}" env --default-signal=INT,QUIT timeout 400 "${sw[@]}" \
        "$PYTHON" -m test -j4 -u network "${LEFT_OUT[@]}" --junit-xml "$dir/junit.xml" "$@" >"$dir/out" 2>&1 </dev/null) || true
    results "$dir/junit.xml" >"$T/$variant" || { tail -n 20 "$dir/out"; return 1; }
}

tolerated() { # NAME
    local pattern
    while IFS='|' read -r pattern _; do
        # shellcheck disable=SC2254
        case $1 in $pattern) return 0 ;; esac
    done <<<"$TOLERATED"
    return 1
}

no_worse() { # VARIANT: says each case that does worse than plain
    local name plain now worse=0
    while read -r name plain now; do
        case $plain:$now in
        ok:ok | skipped:ok | skipped:skipped | failed:*) continue ;;
        esac
        tolerated "$name" && continue
        echo "$1: $name: $plain without us, $now"
        worse=$((worse + 1))
    done < <(LC_ALL=C join -a 1 -e missing -o 0,1.2,2.2 "$T/plain" "$T/$1")
    [ "$worse" = 0 ] || { grep -vE '^(0:|\[| *test)' "$T/$1.d/out" | tail -n 60; return 1; }
}

compare() { # WHO LEAST NAME...
    local who=$1 least=$2 variant
    shift 2
    [ "$who" = root ] || [ "$(id -u)" != 0 ] || give_to_user
    run_python plain "$who" "$@"
    [ "$(grep -c ' ok$' "$T/plain")" -ge "$least" ] # else there is nothing to compare with
    for variant in log enforce; do
        run_python $variant "$who" "$@"
        no_worse $variant
    done
}

test_setup() {
    [[ $SW_BUILD != */san ]] || skip "these compare behaviour, once, with the plain build: with sanitizers they take too long"
}

@test "each tolerated difference is explained in docs/threat-model.md" {
    while IFS='|' read -r _ sentence; do
        tr '\n' ' ' <"$TESTS/../docs/threat-model.md" | grep -qF "$sentence" || { echo "not there: $sentence"; return 1; }
    done <<<"$TOLERATED"
}

@test "files, processes and network, as an ordinary user" {
    compare user 2000 $FILES $PROCESSES $NETWORK
}

@test "files and processes as root" {
    [ "$(id -u)" = 0 ] || skip "needs root"
    compare root 800 $FILES test_pty test_fork1 test_socketserver
}
