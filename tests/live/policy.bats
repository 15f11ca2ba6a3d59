#!/usr/bin/env bats
# Policies from text tables: tests/cases/*.case are a policy, a line `---`, and requests with what is expected of them, each run
# through `policy explain`; tests/cases/*.bad are policies with mistakes and exactly what is said about them.

load helper

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
