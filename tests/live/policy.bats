#!/usr/bin/env bats
# Policies from text tables: tests/cases/*.case are a policy, a line `---`, and requests with what is expected of them, each run
# through `policy explain`; tests/cases/*.bad are policies with mistakes and exactly what is said about them.

load helper

bats_require_minimum_version 1.5.0

test_setup() {
    unset TMPDIR UNSET_FOR_SURE DOCKER_HOST
    export CASE_VARIABLE=/from/environment
    mkdir -p "$HOME/project"
    cases=$TESTS/cases
    policy=$SW_BUILD/sentinel-policy
    cd "$HOME/project" || return 1
}

# run_case FILE: one line per request that came out otherwise than it says; fails when there is one, or none was run.
run_case() {
    local line words n request effect label got want status ran=0 bad=0
    sed '/^---$/,$d' "$1" >policy-under-test.yaml
    while read -r line; do
        [[ -z $line || $line == '#'* ]] && continue
        read -ra words <<<"$line"
        n=${#words[@]}
        effect=${words[n - 2]} label=${words[n - 1]} request=("${words[@]:0:n-2}")
        status=0
        got=$("$policy" explain -p ./policy-under-test.yaml "${request[@]}" 2>&1) || status=$?
        case $effect in allow) want=0 ;; ask) want=10 ;; deny) want=11 ;; *) want=none ;; esac
        ran=$((ran + 1))
        if [ "$status" != "$want" ] || ! grep -qF -- "$effect: $label (" <<<"$got"; then
            bad=$((bad + 1))
            printf '%s\n' "$line" "  got status $status:" "$got"
        fi
    done < <(sed '1,/^---$/d' "$1")
    echo "$ran requests, $bad otherwise"
    [ "$ran" -gt 0 ] && [ "$bad" = 0 ]
}

# run_bad FILE: blocks `### what`, the policy, `>>>`, the lines that `policy check` writes (the file's name left out).
run_bad() {
    local what="" part="" line ran=0 bad=0 text="" want=""
    finish() {
        [ -n "$what" ] || return 0
        local got status=0
        printf '%s' "$text" >bad.yaml
        got=$("$policy" check ./bad.yaml 2>&1) || status=$?
        got=$(sed 's|^\./bad\.yaml||; s|(\./bad\.yaml|(|g'" ; s|$PWD|PWD|g" <<<"$got")
        ran=$((ran + 1))
        if [ "$status" != 1 ] || [ "$got" != "${want%$'\n'}" ]; then
            bad=$((bad + 1))
            printf '%s\n' "### $what: status $status" "$got" "expected:" "$want"
        fi
    }
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        '### '*) finish; what=${line#'### '} part=text text="" want="" ;;
        '>>>') part=want ;;
        *) if [ "$part" = text ]; then text+=$line$'\n'; elif [ "$part" = want ] && [ -n "$line" ]; then want+=$line$'\n'; fi ;;
        esac
    done <"$1"
    finish
    echo "$ran policies, $bad otherwise"
    [ "$ran" -gt 0 ] && [ "$bad" = 0 ]
}

@test "order of judgement" {
    run_case "$cases/order.case"
}

@test "path patterns" {
    run_case "$cases/paths.case"
}

@test "addresses" {
    run_case "$cases/addresses.case"
}

@test "protections and expose" {
    export DBUS_SESSION_BUS_ADDRESS="unix:path=/tmp/case%2dbus,guid=1;unix:abstract=/case/abstract" DISPLAY=localhost:10.0 SSH_AUTH_SOCK=/tmp/case-agent
    run_case "$cases/protections.case"
}

@test "each kind of mistake, word by word" {
    run_bad "$cases/mistakes.bad"
}

@test "what YAML is not taken" {
    run_bad "$cases/yaml.bad"
}

# ---- layers, profiles, trust

# explained EFFECT LABEL ARGS...: what explain says of a request.
explained() {
    local effect=$1 label=$2 got status=0 want
    shift 2
    got=$("$policy" explain "$@" 2>&1) || status=$?
    case $effect in allow) want=0 ;; ask) want=10 ;; deny) want=11 ;; esac
    [ "$status" = "$want" ] && grep -qF -- "$effect: $label (" <<<"$got" && return 0
    printf '%s\n' "wanted $effect: $label for $*, got status $status:" "$got"
    return 1
}

user_file() { # NAME below sentinel-watch's configuration, from stdin
    mkdir -p "$(dirname "$XDG_CONFIG_HOME/sentinel-watch/$1")"
    cat >"$XDG_CONFIG_HOME/sentinel-watch/$1"
}

@test "every built-in profile is clean, its own tests included" {
    local f n=0
    unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR
    export HOME=/home/somebody # not below /tmp, where everything may be written
    for f in "$TESTS"/../profiles/*.yaml; do
        run "$policy" check "$(basename "$f" .yaml)"
        echo "$output"
        [ "$status" = 0 ]
        [[ $output == *clean* ]]
        [[ $output != *" 0 tests"* ]]
        n=$((n + 1))
    done
    [ "$n" -ge 1 ]
}

@test "order of the layers: command line, chosen policy, what it extends, the user's" {
    printf 'version: 1\nextends: ./base.yaml\nrules: [{allow: read, path: /l/a}]\ndefaults: {write: deny}\n' >top.yaml
    printf 'version: 1\nrules: [{deny: read, path: [/l/a, /l/b, /l/c]}]\ndefaults: {write: ask, exec: deny}\n' >base.yaml
    printf 'version: 1\nrules: [{allow: read, path: [/l/b, /l/c, /l/d]}]\ndefaults: {read: deny, exec: allow, connect: deny}\n' | user_file policy.yaml
    explained allow top:#1 -p ./top.yaml read /l/a
    explained deny base:#1 -p ./top.yaml read /l/b
    explained allow policy:#1 -p ./top.yaml read /l/d
    explained deny policy:defaults.read -p ./top.yaml read /l/e
    explained deny top:defaults.write -p ./top.yaml write /l/e
    explained deny base:defaults.exec -p ./top.yaml exec /l/e
    explained deny policy:defaults.connect -p ./top.yaml connect 1.2.3.4:5
    explained allow command-line:#1 -p ./top.yaml --allow read:/l/b --deny read:/l/b read /l/b
    explained deny base:#1 -p ./base.yaml -p ./top.yaml read /l/a
}

@test "a hard deny holds against everything; without takes it out of its own chain only" {
    printf 'version: 1\nrules: [{deny: read, name: h, path: /h/**, hard: true}]\ndefaults: {read: ask}\n' >hard.yaml
    printf 'version: 1\nextends: ./hard.yaml\nrules: [{allow: read}]\n' >open.yaml
    printf 'version: 1\nextends: ./hard.yaml\nwithout: hard:h\nrules: [{allow: read}]\n' >lifted.yaml
    explained deny hard:h -p ./open.yaml --allow 'read:/h/**' read /h/x
    explained allow lifted:#1 -p ./lifted.yaml read /h/x
    explained deny hard:h -p ./lifted.yaml -p ./open.yaml read /h/x
    cp hard.yaml "$HOME/hard.yaml"
    printf 'version: 1\nextends: %s/hard.yaml\n' "$PWD" | user_file policy.yaml
    explained deny hard:h -p ./lifted.yaml read /h/x
}

@test "auto picks by the base name as typed; the user's profile stands before the built-in one" {
    [[ $("$policy" show -- claude) == "policy: claude-code"* ]]
    [[ $("$policy" show -- /opt/bin/codex --yes) == "policy: codex"* ]]
    [[ $("$policy" show -- env claude) == "policy: agent-base"* ]]
    [[ $("$policy" show -- claudette) == "policy: agent-base"* ]]
    printf 'version: 1\nname: mine\nfor: [claude, other]\n' | user_file profiles/mine.yaml
    [[ $("$policy" show -- claude) == "policy: mine"* ]]
    printf 'version: 1\nfor:\n  - claude\n' | user_file profiles/second.yaml
    run "$policy" show -- claude
    [ "$status" = 125 ]
    [[ $output == *"found two profiles for \`claude\`"* ]]
    printf 'version: 1\nname: agent-base\nrules: [{deny: read}]\n' | user_file profiles/agent-base.yaml
    explained deny agent-base:#1 -p agent-base read /x
}

@test "an untrusted project file only makes stricter; trust counts until a byte changes" {
    printf 'version: 1\nrules:\n  - {allow: write, path: /p/**}\n  - {deny: read, path: /p/d}\n  - {ask: read, path: /p/a, name: a}\ndefaults: {write: allow}\nexpose: [dbus]\n' >.sentinel-watch.yaml
    explained ask agent-base:defaults.write write /p/x
    explained deny .sentinel-watch:#2 read /p/d
    explained ask .sentinel-watch:a read /p/a
    explained deny protected:dbus connect "unix:$XDG_RUNTIME_DIR/bus"
    run "$policy" show
    [[ $output == *"is not trusted"*"2 of 3 rules"* ]]
    "$policy" trust
    explained allow .sentinel-watch:#1 write /p/x
    explained allow .sentinel-watch:defaults.write write /elsewhere
    explained ask agent-base:defaults.connect connect "unix:$XDG_RUNTIME_DIR/bus"
    SENTINEL_POLICY_IMMUTABLE=true explained ask agent-base:defaults.write write /p/x
    echo >>.sentinel-watch.yaml
    explained ask agent-base:defaults.write write /p/x
    # the same bytes in another workspace were not trusted there
    mkdir "$HOME/second"
    "$policy" trust
    cp .sentinel-watch.yaml "$HOME/second"
    explained ask agent-base:defaults.write -w "$HOME/second" write /p/x
    # as a -p file it is the user's choice
    explained allow .sentinel-watch:#1 -w "$HOME/second" -p "$HOME/second/.sentinel-watch.yaml" write /p/x
}

@test "a project file that is a FIFO or a folder does not hold the start up" {
    mkfifo .sentinel-watch.yaml
    run timeout 5 "$policy" show
    [ "$status" = 125 ]
    [[ $output == *"not a plain file"* ]]
}

@test "literal parts are led to where they lead, and a link that ends a pattern counts by its own name too" {
    mkdir -p real/keys
    ln -s real linked
    ln -s real/keys keylink
    ln -s "$PWD/not/yet" dangling
    printf 'version: 1\nrules:\n  - {deny: [read, write], name: d, path: ["%s/linked/x", "%s/keylink/**", "%s/dangling"]}\ndefaults: {read: allow, write: allow}\n' "$PWD" "$PWD" "$PWD" >l.yaml
    explained deny l:d -p ./l.yaml read "$PWD/real/x"
    explained deny l:d -p ./l.yaml read "$PWD/linked/x"
    explained deny l:d -p ./l.yaml read "$PWD/real/keys/k"
    explained deny l:d -p ./l.yaml read "$PWD/not/yet"
    run "$policy" show --resolved -p ./l.yaml
    [[ $output == *"$PWD/real/keys/**"* ]]
    [[ $output == *"$PWD/keylink/**"* ]]
    printf 'version: 1\nrules: [{deny: read, path: [/proc/self/environ, /proc/mounts, "/dev/fd/**"]}]\n' >p.yaml
    run "$policy" show --resolved -p ./p.yaml
    [[ $output == *" /proc/self/environ"* ]]
    [[ $output == *" /proc/self/mounts"* ]]
    [[ $output == *" /proc/self/fd/**"* ]]
}

@test "a file in a denied tree is denied by its other hard links too" {
    mkdir closed open
    echo secret >closed/a
    ln closed/a open/b
    echo plain >open/c
    ln open/c open/d
    printf 'version: 1\nrules:\n  - {deny: read, name: d, path: "%s/closed/**", except: "%s/closed/free"}\ndefaults: {read: allow}\n' "$PWD" "$PWD" >i.yaml
    explained deny i:d -p ./i.yaml read "$PWD/open/b"
    explained allow i:defaults.read -p ./i.yaml read "$PWD/open/c"
    explained allow i:defaults.read -p ./i.yaml read "$PWD/open/d"
}

@test "a layer that cannot be read stops the program; a missing one does not" {
    printf 'version: 1\n' | user_file policy.yaml
    chmod 0 "$XDG_CONFIG_HOME/sentinel-watch/policy.yaml"
    give_to_user
    run as_user "$policy" show
    [ "$status" = 125 ]
    [[ $output == *policy.yaml*"Permission denied"* ]]
    rm -f "$XDG_CONFIG_HOME/sentinel-watch/policy.yaml"
    run as_user "$policy" show
    [ "$status" = 0 ]
}

@test "settings come key by key from the first file that has them" {
    printf 'version: 1\nmode: log\nenv: {drop: [A]}\napproval: {timeout: 5s}\n' >one.yaml
    printf 'version: 1\nmode: off\nenv: {drop: [B], keep: [C]}\napproval: {handlers: reject, timeout: 9s}\naudit: {level: denials}\nfast_reads: off\n' >two.yaml
    run "$policy" show -p ./one.yaml -p ./two.yaml
    [[ $output == *"mode: log"* && $output == *"env.drop: A"* && $output == *"env.keep: C"* && $output == *"approval.timeout: 5s"* ]]
    [[ $output == *"approval.handlers: reject"* && $output == *"audit.level: denials"* && $output == *"fast_reads: off"* ]]
}

@test "diff tells what differs, schema is JSON that knows every key, verbs not built are refused in words" {
    printf 'version: 1\nrules: [{allow: read, path: /a}]\n' >a.yaml
    printf 'version: 1\nname: other\nrules: [{allow: read, path: /b}]\n' >b.yaml
    run "$policy" diff ./a.yaml ./a.yaml
    [ "$status" = 0 ]
    [ -z "$output" ]
    run "$policy" diff ./a.yaml ./b.yaml
    [ "$status" = 1 ]
    [ "$output" = $'- allow read /a\n+ allow read /b' ]
    "$policy" schema | jq -e '.properties.rules.items.properties.hard and .properties.defaults.properties.bind' >/dev/null
    run "$policy" sign
    [ "$status" = 2 ]
    [[ $output == *"not built"* ]]
    run "$policy" chekc
    [ "$status" = 2 ]
    [[ $output == *"nearest: check"* ]]
}

@test "look-ups at the machine's resolver are no matter of connect rules, but of hard denies" {
    local server
    server=$(awk '$1 == "nameserver" {sub(/%.*/, "", $2); print $2; exit}' /etc/resolv.conf)
    [[ $server == *:* ]] && server="[$server]"
    server=${server:-127.0.0.1}
    printf 'version: 1\nrules: [{deny: connect}]\n' >closed.yaml
    printf 'version: 1\nrules: [{deny: connect, hard: true}]\n' >hard.yaml
    explained allow network.resolve:any -p ./closed.yaml connect "udp:$server:53"
    explained deny closed:#1 -p ./closed.yaml connect "tcp:$server:443"
    explained deny hard:#1 -p ./hard.yaml connect "udp:$server:53"
}

@test "sentinel-watch runs the verb, and a run stops on a policy that does not load" {
    printf 'version: 1\nmodes: log\n' >bad.yaml
    run sw policy check ./bad.yaml
    [ "$status" = 1 ]
    [[ $output == "./bad.yaml:2:1: found the key"* ]]
    run sw -p ./bad.yaml -- touch never
    [ "$status" = 125 ]
    [ ! -e never ]
    run sw --allow read:relative -- touch never
    [ "$status" = 2 ]
    [ ! -e never ]
    run sw -p no-such-profile -- touch never
    [ "$status" = 125 ]
    [ ! -e never ]
}

@test "in a home that is another user's the user's layer is left out with a warning" {
    [ "$(id -u)" = 0 ] || skip "needs a second user"
    chmod 700 "$T/home"
    cd "$T/work"
    chown $USER_ID "$T/work"
    run as_user "$policy" explain write "$T/work/x"
    [ "$status" = 0 ]
    [[ $output == *"home is another user's"* ]]
    [[ $output == *"allow: agent-base:workspace"* ]]
}

@test "the home and the root are no workspace unless -w says so" {
    cd "$HOME"
    run sw -- true
    [ "$status" = 125 ]
    [[ $output == *"--workspace $HOME"* ]]
    cd /
    run sw -- true
    [ "$status" = 125 ]
    run sw -q -w "$HOME" -- true
    [ "$status" = 0 ]
}

@test "no link on the way to a policy can be replaced by the agent" {
    mkdir d e conf
    printf 'version: 1\nrules: [{allow: [read, write, exec]}, {allow: [connect, bind]}]\n' >conf/real.yaml
    ln -s ../conf d/c
    ln -s ../d/c/real.yaml e/middle
    ln -s e/middle p.yaml
    cat >replace.sh <<'S'
for link in d/c e/middle p.yaml; do
    mv -T "$link" "$link.x" && mv -T "$link.x" "$link" && echo "moved $link"
    rm "$link" && ln -s elsewhere "$link" && echo "removed $link"
    [ "$link" = d/c ] || { echo evil >new && mv -T new "$link" && echo "over $link"; }
done
ln -s x other && rm other && echo "another link"
S
    for policy in ./p.yaml "$PWD/p.yaml"; do
        run -0 sw -q -p "$policy" -- bash replace.sh
        [ "$(grep -E '^(moved|removed|over|another)' <<<"$output")" = "another link" ]
    done
    printf 'version: 1\nrules: [{allow: [read, write, exec]}, {allow: [connect, bind]}]\n' >plain.yaml
    run -0 sw -q -p ./plain.yaml -- bash replace.sh
    [ "$(grep -cE '^(moved|removed|over|another)' <<<"$output")" = 9 ]
}
