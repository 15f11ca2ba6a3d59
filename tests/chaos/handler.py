#!/usr/bin/env python3
"""handler.py SOCKET SEED: an interface without reason: answers at random, late, twice, wrongly, sometimes hangs up or never listens."""
import json, random, socket, sys, time
rand = random.Random(int(sys.argv[2]))
session = socket.socket(socket.AF_UNIX)
session.connect(sys.argv[1])
mood = rand.random()
if mood < 0.1: # hears nothing of all that it asked for
    session.sendall(b"subscribe events deaf\n")
    time.sleep(1000)
if mood < 0.15: # says nothing whole
    session.sendall(b"answer 1 al")
    time.sleep(1000)
if mood < 0.2:
    session.sendall(b"x" * 100000)
session.sendall(b"subscribe asks chaos\n")
for line in session.makefile(encoding="utf-8"):
    ask = json.loads(line)
    if ask["type"] != "ask":
        continue
    what = rand.randrange(12)
    if what == 0:
        time.sleep(rand.random())
    if what == 1:
        continue
    if what == 2:
        session.sendall(b"answer 999999 allow once\n")
    scope = rand.choice(["once", "once", "once", "5s", "session"] if what > 9 else ["once"])
    for _ in range(2 if what == 3 else 1):
        session.sendall(f"answer {ask['id']} {rand.choice(['allow', 'deny'])} {scope}\n".encode())
    if what == 4:
        break
    if what == 5:
        session.sendall(b"nonsense \xff\0\n")
