#!/usr/bin/env python3
"""handler.py SOCKET FOLDER: reading below FOLDER is allowed for the session, everything else is denied once."""
import json, socket, sys
session = socket.socket(socket.AF_UNIX)
session.connect(sys.argv[1])
session.sendall(b"subscribe asks handler-py\n")
for ask in map(json.loads, session.makefile(encoding="utf-8")):
    if ask["type"] == "ask":
        known = all(r["verb"] == "read" and r["target"].startswith(sys.argv[2] + "/") for r in ask["rights"])
        session.sendall(b"answer %d %s\n" % (ask["id"], b"allow session" if known else b"deny once"))
