# open: files and paths behave as natively, and are held to the policy.

load helper

# The same table of calls plain, in log and in enforce with everything allowed; the folder stands in the user's hands.
errno_table() { # $@: what runs it (as_user, or nothing)
    for m in plain log enforce; do
        mkdir -p "$T/$m/w"
        chmod 777 "$T/$m" "$T/$m/w"
    done
    "$@" "$AGENTS/errnos" "$T/plain/w" >"$T/plain.out"
    [ "$(wc -l <"$T/plain.out")" -gt 350 ]
    for m in log enforce; do
        "$@" timeout 60 "$SW" -q -m "$m" -p "$T/all.yaml" -o "$T/$m/audit.jsonl" -- "$AGENTS/errnos" "$T/$m/w" >"$T/$m.out"
        diff "$T/plain.out" "$T/$m.out"
    done
}

allow_all() {
    printf 'version: 1\nrules:\n  - allow: [read, write, exec]\n  - allow: [connect, bind]\n' >"$T/all.yaml"
}

@test "hundreds of arguments give the same result plain, in log and in enforce" {
    allow_all
    errno_table
}

@test "the same as an ordinary user" {
    allow_all
    give_to_user
    errno_table as_user
}
