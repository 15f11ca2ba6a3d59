# helper: what every live test needs. SW_BUILD is the build folder (tests/run sets it).
#
# Each test gets a folder $T of its own (removed afterwards), a HOME and XDG folders inside it, and `sw`, which runs
# sentinel-watch as the user would. `as_user` runs a command as an ordinary user without any capability.

: "${SW_BUILD:=$(cd "${BATS_TEST_DIRNAME:-.}/../.." && pwd)/build}"
TESTS=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
AGENTS=$SW_BUILD/agents
SW=$SW_BUILD/sentinel-watch
ALLOW_ALL=$TESTS/policies/allow-all.yaml
USER_ID=65534

setup() {
    T=$(mktemp -d /tmp/sw-test.XXXXXX)
    chmod 755 "$T"
    # "r", not "run": with it and a 64-byte session name a socket's path is just short enough; else all tests would share a folder in /tmp.
    mkdir -p "$T/home" "$T/r" "$T/work" "$T/state"
    chmod 700 "$T/r"
    export HOME=$T/home XDG_RUNTIME_DIR=$T/r XDG_STATE_HOME=$T/state XDG_CONFIG_HOME=$T/home/.config XDG_CACHE_HOME=$T/home/.cache
    unset SENTINEL_MODE SENTINEL_POLICY SENTINEL_WORKSPACE SENTINEL_APPROVAL_MODE SENTINEL_SECCOMP_MODE SENTINEL_SECCOMP_PROFILE SENTINEL_PRODUCTION
    unset TMUX DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS SSH_AUTH_SOCK
    cd "$T/work" || return 1
    if declare -F test_setup >/dev/null; then test_setup; fi
}

teardown() {
    if declare -F test_teardown >/dev/null; then test_teardown; fi
    cd / || true
    rm -rf "$T"
}

# The test's folder for the ordinary user from here on: whoever is no root is that user already.
give_to_user() {
    [ "$(id -u)" != 0 ] || chown -R $USER_ID:$USER_ID "$T"
}

as_user() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups --inh-caps=-all --bounding-set=-all -- "$@"
    else
        "$@"
    fi
}

sw() {
    timeout "${SW_TIMEOUT:-60}" "$SW" "$@"
}

# Fails when the command succeeds. (`! COMMAND` by itself never fails a test: set -e passes over it.)
not() {
    ! "$@"
}

log_of() { # the audit lines of the run that used -o FILE, one field of each: log_of FILE JQ
    jq -r "$2" "$1"
}
