#!/usr/bin/env python3
"""The small agent of `make demo`: it does what a coding agent does (edits, compiles, tests over loopback, commits), and
one thing that it should not: it reads a key that lies outside its project. Takes the key's path as its argument."""
import http.server
import subprocess
import sys
import threading
import urllib.request

def say(what):
    print("  agent: " + what, flush=True)

def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

def edit_and_build():
    with open("hello.c", "w") as f:
        f.write('#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n')
    run("cc", "-o", "hello", "hello.c")
    say("compiled and ran a program: " + run("./hello"))

def try_over_loopback():
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with urllib.request.urlopen("http://127.0.0.1:%d/hello.c" % server.server_port) as answer:
        say("fetched %d bytes from its own development server" % len(answer.read()))
    server.shutdown()

def commit():
    run("git", "add", "hello.c")
    run("git", "-c", "user.name=agent", "-c", "user.email=agent@example.org", "commit", "-q", "--allow-empty", "-m", "say hello")
    say("committed: " + run("git", "log", "--format=%s", "-1"))

def steal(path):
    try:
        with open(path) as f:
            say("READ A KEY that is none of its business: " + f.readline().strip())
    except OSError as e:
        say("could not read the key: " + e.strerror)

edit_and_build()
try_over_loopback()
commit()
steal(sys.argv[1])
