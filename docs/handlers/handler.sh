#!/bin/bash
# handler.sh SESSION FOLDER: reading below FOLDER is allowed once, everything else is denied. Needs jq.
coproc SESSION { sentinel-watch console --raw "$1"; }
exec 3<&"${SESSION[0]}" 4>&"${SESSION[1]}"
echo "subscribe asks handler-sh" >&4
jq --unbuffered -r --arg folder "$2/" 'select(.type == "ask")
    | all(.rights[]; .verb == "read" and (.target | startswith($folder))) as $known
    | "answer \(.id) \(if $known then "allow" else "deny" end) once"' <&3 >&4
