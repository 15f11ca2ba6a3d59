"""`outside COMMAND...`: a shell's terminal outside of the session, then COMMAND with its name. `try NAME`: opens it, and its own."""
import os
import pty
import signal
import subprocess
import sys
import time

signal.alarm(60)


def attempt(what, act):
    try:
        print(what, "reached", act() and "")
    except OSError as e:
        print(what, "held", e.errno)


def inner():
    """What tmux, script and expect do: a terminal of its own, opened again by its name."""
    pid, master = pty.fork()
    if not pid:
        for name in ("/dev/tty", os.ttyname(0)):
            os.write(os.open(name, os.O_RDWR), b"x")
        time.sleep(10)
    got = b""
    while len(got) < 2:
        got += os.read(master, 10)
    name = os.readlink("/proc/%d/fd/0" % pid)
    os.close(os.open(name, os.O_RDWR | os.O_NOCTTY))  # by somebody else of the tree
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


if sys.argv[1] == "outside":
    pid, master = pty.fork()
    if not pid:
        time.sleep(60)
    time.sleep(0.3)
    status = subprocess.call(sys.argv[2:] + [os.readlink("/proc/%d/fd/0" % pid)])
    os.kill(pid, signal.SIGKILL)
    sys.exit(status)
for how in ("O_RDONLY", "O_WRONLY", "O_RDWR"):
    attempt(how, lambda: os.open(sys.argv[2], getattr(os, how) | os.O_NOCTTY))
attempt("inner", inner)
if os.isatty(0):
    attempt("mine", lambda: os.open(os.ttyname(0), os.O_RDWR))
    if not os.fork():  # as a daemon of the tree has no terminal of its own any more
        os.setsid()
        attempt("the job's", lambda: os.open(os.ttyname(0), os.O_RDWR | os.O_NOCTTY))
        os._exit(0)
    os.wait()
