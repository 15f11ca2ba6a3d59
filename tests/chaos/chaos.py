#!/usr/bin/env python3
"""chaos.py BUILD [SECONDS] [--user] [--root] [--round NAME] [--seed N] [--calls N --processes N]

Random work under enforce (tests/agents/chaos_work.c) while something goes wrong, round after round. After each: the command's status is
the expected one, no process and no file of the run is left, the log is whole or says where it ends, each verdict in it is the one
that `policy explain` gives, and nobody dumped core. Then many calls and processes in one run: the supervisor's descriptors and
memory stay as they were. As root both as root and as an ordinary user. Ends with 1 when anything was wrong; what a round left
behind is then kept in its folder.
"""
import argparse, collections, json, os, random, re, shutil, signal, statistics, subprocess, sys, tempfile, time, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
USER = 65534
POLICY = """version: 1
name: chaos
rules:
  - {{deny: [read, write], name: secret, path: "{0}/secret/**", errno: EPERM}}
  - {{ask: read, name: asked, path: "{0}/ask/**"}}
  - {{deny: exec, name: noexec, path: /usr/bin/whoami}}
  - {{deny: connect, name: nine, to: "127.0.0.1:9", errno: EHOSTUNREACH}}
defaults: {{read: allow, write: allow, exec: allow, connect: allow, bind: allow}}
audit: {{level: all}}
"""
DECIDED = {"policy", "default", "hard", "protected"}
ASKED = {"user", "answer", "timeout", "unattended"}


class Wrong(Exception):
    pass


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode(errors="replace")
    except OSError:
        return ""


def children(pid):
    found = []
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            found += [int(c) for c in read(f"/proc/{pid}/task/{tid}/children").split()]
    except OSError:
        pass
    return found


def name_of(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).split(" ")[0]
    except OSError:
        return ""


def status_of(pid, field):
    m = re.search(rf"^{field}:\s*(\d+)", read(f"/proc/{pid}/status"), re.M)
    return int(m.group(1)) if m else 0


class Round:
    def __init__(self, build, as_user, rand, flags, ms, command=None):
        self.build, self.as_user, self.rand = build, as_user, rand
        self.token = uuid.uuid4().hex
        self.dir = tempfile.mkdtemp(prefix="chaos", dir="/tmp")
        self.handlers, self.samples, self.mounted, self.limits = [], [], False, ""
        for name in ("open", "secret", "ask", "home", "r", "state", "work"):
            os.mkdir(f"{self.dir}/{name}")
        for name in ("open/here", "secret/key", "ask/interrupted", *(f"ask/q{i}" for i in range(8))):
            with open(f"{self.dir}/{name}", "w") as f:
                f.write("x")
        with open(f"{self.dir}/policy.yaml", "w") as f:
            f.write(POLICY.format(self.dir))
        os.chmod(f"{self.dir}/r", 0o700)
        self.env = {"PATH": os.environ["PATH"], "HOME": f"{self.dir}/home", "XDG_RUNTIME_DIR": f"{self.dir}/r",
                    "XDG_STATE_HOME": f"{self.dir}/state", "XDG_CONFIG_HOME": f"{self.dir}/home/.config", "CHAOS": self.token}
        for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "SENTINEL_WATCH_NO_LANDLOCK"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.log = f"{self.dir}/state/sentinel-watch/chaos.jsonl"
        self.socket = None
        self.command = command or [f"{build}/agents/chaos_work", self.dir, str(rand.randrange(1 << 30)), str(ms), flags]
        self.patience = ms / 1000 + 60

    def wrap(self, argv):
        if not self.as_user or os.getuid():
            return argv
        return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--", *argv]

    def start(self, *options):
        if self.as_user and not os.getuid():
            subprocess.run(["chown", "-R", f"{USER}:{USER}", self.dir], check=True)
            os.chmod(self.dir, 0o755)
        argv = [f"{self.build}/sentinel-watch", "-p", f"{self.dir}/policy.yaml", "--session", "chaos", "--approval", "auto",
                "--approval-timeout", "1s", *options, "--", *self.command]
        self.out = open(f"{self.dir}/out", "wb")
        self.err = open(f"{self.dir}/err", "wb")
        self.front = subprocess.Popen(["sh", "-c", f'ulimit -c unlimited; {self.limits} exec "$0" "$@"', *self.wrap(argv)], cwd=f"{self.dir}/work",
                                      env=self.env, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, start_new_session=True)
        self.scribe = self.supervisor = self.guardian = self.agent = None
        end = time.time() + 20
        while not self.agent and time.time() < end and self.front.poll() is None:
            time.sleep(0.01)
            self.find(self.front.pid, 0)
        if not self.agent and self.front.poll() is None:
            raise Wrong("the agent did not start within 20 s")

    def look(self):
        try:
            fds = len(os.listdir(f"/proc/{self.supervisor}/fd"))
        except OSError:
            return
        rss = status_of(self.supervisor, "VmRSS")
        if rss:
            self.samples.append((fds, rss))

    def flat(self):
        """Descriptors and memory of the supervisor in the first half of the looks and in the second."""
        if len(self.samples) < 10:
            raise Wrong(f"only {len(self.samples)} looks at the supervisor")
        # What is known of processes is swept when it has doubled, so descriptors go up and down: their medians.
        half = len(self.samples) // 2
        fds = [int(statistics.median(s[0] for s in part)) for part in (self.samples[:half], self.samples[half:])]
        rss = [max(s[1] for s in part) for part in (self.samples[:half], self.samples[half:])]
        say = f"fds {fds[0]} -> {fds[1]}, RSS {rss[0]} -> {rss[1]} KiB"
        if fds[1] > fds[0] * 1.25 + 64 or rss[1] > rss[0] + 512:
            raise Wrong(f"it grows: {say}")
        return say

    def find(self, parent, depth):
        for pid in children(parent):
            if name_of(pid) == "sentinel-scribe":
                self.scribe = pid
            elif name_of(pid) == os.path.basename(self.command[0]):
                self.supervisor, self.agent = parent, pid
            elif name_of(pid) == "sentinel-watch" and depth < 2 and not self.agent:
                self.guardian = pid # of --linger; else it is the supervisor
                self.find(pid, depth + 1)

    def interface(self):
        """One more handler: ours, or the line interface fed with keys."""
        path = next((f"{d}/{f}" for d, _, files in os.walk(f"{self.dir}/r") for f in files if f.endswith(".sock")), None)
        if not path:
            return
        if self.rand.random() < 0.3:
            argv = [f"{self.build}/sentinel-watch", "console", "chaos"]
        else:
            argv = [f"{HERE}/handler.py", path, str(self.rand.randrange(1 << 30))]
        p = subprocess.Popen(self.wrap(argv), env=dict(self.env, CHAOS="interface"), stdin=subprocess.PIPE, bufsize=0, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        self.handlers.append(p)

    def tend(self, until, doing=lambda: None):
        """Interfaces come, answer and are killed."""
        while time.time() < until and self.front.poll() is None:
            while len(self.handlers) < 3:
                before = len(self.handlers)
                self.interface()
                if len(self.handlers) == before:
                    break
            for p in list(self.handlers):
                try:
                    p.stdin.write(self.rand.choice([b"y\n", b"n\n", b"\n", b"d\n", b"a\n"]))
                    p.stdin.flush()
                except OSError:
                    pass
                if self.rand.random() < 0.1:
                    p.kill()
                if p.poll() is not None:
                    p.stdin.close()
                    self.handlers.remove(p)
            self.look()
            doing()
            time.sleep(0.05)

    def wait(self, expected):
        try:
            status = self.front.wait(timeout=self.patience)
        except subprocess.TimeoutExpired:
            for pid in self.mine():
                print(f"    {pid} {name_of(pid)}: {read(f'/proc/{pid}/wchan')} {status_of(pid, 'Threads')} threads,"
                      f" {read(f'/proc/{pid}/status').split()[4:6]}")
            raise Wrong(f"it hangs: no end after {self.patience:.0f} s")
        if status not in expected:
            raise Wrong(f"the status is {status} instead of {expected}: {read(f'{self.dir}/err')[-600:]}")

    def mine(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if f"CHAOS={self.token}" in read(f"/proc/{pid}/environ") and read(f"/proc/{pid}/stat").rsplit(") ", 1)[-1][:1] not in "ZX":
                found.append(int(pid))
        return found

    def nobody_left(self):
        end = time.time() + 10
        while self.mine():
            if time.time() > end:
                raise Wrong("left running: " + ", ".join(f"{p} {name_of(p)} {read(f'/proc/{p}/cmdline')!r}" for p in self.mine()))
            time.sleep(0.02)

    def nothing_left(self):
        for folder in ("r", "state"):
            for d, _, files in os.walk(f"{self.dir}/{folder}"):
                for f in files:
                    if f != "chaos.jsonl":
                        raise Wrong(f"left behind: {d}/{f}")
        for folder in ("work", "home"):
            for f in os.listdir(f"{self.dir}/{folder}"):
                if f.startswith("core"):
                    raise Wrong(f"somebody dumped core: {f}")
        text = read(f"{self.dir}/err")
        if re.search(r"Sanitizer|runtime error|out of memory|Aborted|corrupted|stack smashing", text):
            raise Wrong(f"on stderr: {text[:800]}")

    def verify(self, expected):
        p = subprocess.run([f"{self.build}/sentinel-watch", "audit", "verify", self.log], env=self.env, capture_output=True, text=True)
        if p.returncode not in expected:
            raise Wrong(f"audit verify says {p.returncode}: {p.stdout}{p.stderr}")

    def records(self):
        for line in read(self.log).split("\n"):
            if line.endswith("}"):
                yield json.loads(line)

    def explain(self, verb, target, cache):
        text = target.get("path") or target.get("addr")
        if target.get("anonymous") or not text:
            return None
        if "port" in target:
            text = f"{target.get('proto', 'tcp')}:" + (f"[{text}]" if ":" in text else text) + f":{target['port']}"
            if target.get("own") or target["port"] != 9: # the ports of its own sockets are as one
                text = re.sub(r":\d+$", ":4000", text)
        text = re.sub(r"/(f|s)\d+(\.\d+)?(\.moved)*$", r"/\g<1>0", text)
        if text.startswith("/proc/"):
            text = re.sub(r"/\d+", "/self", text)
        if (verb, text) not in cache:
            p = subprocess.run([f"{self.build}/sentinel-watch", "policy", "explain", "-p", f"{self.dir}/policy.yaml", verb, text],
                               cwd=f"{self.dir}/work", env=self.env, capture_output=True, text=True)
            if p.returncode not in (0, 10, 11):
                raise Wrong(f"policy explain {verb} {text}: {p.returncode} {p.stderr}")
            cache[verb, text] = ({0: "allow", 10: "ask", 11: "deny"}[p.returncode], p.stdout)
        return cache[verb, text]

    def explained(self, faults):
        """Each verdict by its rule; how many records there were."""
        cache, calls, why = {}, 0, collections.Counter()
        end = None
        for r in self.records():
            end = r if r.get("event") == "end" else end
            if "decision" not in r or "event" in r:
                continue
            calls += 1
            by, rule = r["decided_by"], r["rule"]
            if by == "error":
                why[r.get("why")] += 1
                if not r.get("why"):
                    raise Wrong(f"an error without a reason: {r}")
                continue
            if not r["verb"]:
                if r["decision"] == "deny" and not r.get("why"):
                    raise Wrong(f"refused without a reason: {r}")
                continue
            told = self.explain(r["verb"], r["target"], cache)
            if not told or by in ("kernel", "gone"):
                continue
            wanted = "ask" if by in ASKED else r["decision"]
            if told[0] != wanted or (rule and by != "answer" and rule not in told[1]):
                raise Wrong(f"explain says {told}, the log {r}")
            if r["decision"] == "allow" and by in DECIDED:
                for also in r.get("also", []):
                    told = self.explain(also["verb"], also["target"], cache)
                    if told and told[0] != "allow":
                        raise Wrong(f"explain says {told} of what was allowed: {r}")
        if not faults:
            if why:
                raise Wrong(f"failures of ours: {dict(why)}")
            if not end or end["dropped"] or end["records"] != calls:
                raise Wrong(f"{calls} records, and the last line says {end}")
        return calls

    def finish(self, failed):
        for p in self.handlers:
            p.kill()
            p.wait()
        for pid in self.mine() if failed else []:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        self.front.poll()
        for f in (self.out, self.err):
            f.close()
        if self.mounted:
            subprocess.run(["umount", "-l", f"{self.dir}/state"], check=False)
        if not failed:
            shutil.rmtree(self.dir, ignore_errors=True)

    def hit(self, what, pids, sig=signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, sig)
            except (OSError, TypeError):
                raise Wrong(f"{what} is not there to be hit")


# ---- what goes wrong: name -> (flags of the work, the story)

def calm(r, ms):
    r.start()
    r.tend(time.time() + ms / 1000 + 1)
    r.wait({0})
    if ms >= 30000 and not r.build.endswith("/san"):
        print("          " + r.flat())
    return {0}, False


def tight(r, ms):
    """Few descriptors, little address space."""
    r.limits = "" if r.build.endswith("/san") else "ulimit -v 300000;"
    r.limits += "ulimit -n 256;"
    r.start()
    r.tend(time.time() + ms / 1000 + 1)
    r.wait({0})
    return {0}, True


def stops(r, ms):
    """Ours are stopped for a moment, again and again, and get signals that are not for them."""
    strange = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGPIPE, signal.SIGALRM, signal.SIGURG,
               signal.SIGCHLD, signal.SIGTSTP, signal.SIGTTIN, signal.SIGWINCH, signal.SIGRTMIN + 1]

    def doing():
        for _ in range(20):
            r.hit("it", [r.rand.choice([r.supervisor, r.scribe])], r.rand.choice(strange))
        victim = r.rand.choice([r.front.pid, r.supervisor, r.scribe])
        r.hit("it", [victim], signal.SIGSTOP)
        time.sleep(r.rand.random() * 0.1)
        r.hit("it", [victim], signal.SIGCONT)
    r.start()
    r.tend(time.time() + ms / 2000, doing)
    r.tend(time.time() + ms / 1000 + 1)
    r.wait({0})
    return {0}, False


def later(r, ms):
    r.tend(time.time() + ms / 1000 * r.rand.random())


def term(r, ms):
    r.start()
    later(r, ms)
    sig = r.rand.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2])
    r.hit("the front", [r.front.pid], sig)
    r.wait({-sig})
    return {0}, False


def agent(r, ms):
    r.start()
    later(r, ms)
    r.hit("the agent", [r.agent])
    r.wait({-9})
    return {0}, False


def supervisor(r, ms):
    r.start()
    later(r, ms)
    r.hit("the supervisor", [r.supervisor])
    r.wait({125})
    return {0}, True


def front(r, ms):
    r.start()
    later(r, ms)
    r.hit("the front", [r.front.pid])
    r.wait({-9})
    return {0}, True


def linger(r, ms):
    """What the command left running goes on, until the supervisor or its guardian is killed."""
    r.start("--linger")
    guardian = r.guardian
    later(r, ms)
    victim = r.rand.choice(["agent", "supervisor", "front", "guardian"])
    if victim == "agent":
        r.hit("the agent", [r.agent])
        r.wait({-9})
        time.sleep(r.rand.random())
        if not os.path.exists(f"/proc/{r.supervisor}"):
            return {0}, True
        r.hit("the supervisor", [r.supervisor])
    elif victim == "front":
        r.hit("the front", [r.front.pid])
        r.wait({-9})
    else:
        r.hit("the " + victim, [guardian if victim == "guardian" else r.supervisor])
        r.wait({125})
    return {0}, True


def scribe(r, ms):
    r.start()
    later(r, ms)
    r.hit("the scribe", [r.scribe])
    r.tend(time.time() + ms / 1000 + 1)
    r.wait({0})
    if "the scribe has died" not in read(f"{r.dir}/err") or "RECORDS WERE LOST" not in read(f"{r.dir}/err"):
        raise Wrong("nobody says that the log was lost: " + read(f"{r.dir}/err"))
    return {3}, True


def two(r, ms):
    """The scribe, and one of its readers, at once."""
    r.start()
    later(r, ms)
    r.hit("the scribe", [r.scribe])
    if r.rand.random() < 0.5:
        r.hit("the supervisor", [r.supervisor])
        r.wait({125})
    else:
        r.hit("the front", [r.front.pid])
        r.wait({-9})
    return {0, 3}, True


def disk(r, ms):
    """The log's disk is filled, and later has room again."""
    if os.getuid():
        return calm(r, ms)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=1777", "chaos", f"{r.dir}/state"], check=True)
    r.mounted = True
    r.start()
    r.tend(time.time() + ms / 3000)
    filler = f"{r.dir}/state/filler"
    with open(filler, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            pass
    r.tend(time.time() + ms / 3000)
    os.unlink(filler)
    r.tend(time.time() + ms / 3000 + 2)
    r.wait({0})
    return {0}, True


ENDED = {"signals", "agent", "supervisor", "front", "two", "linger"}  # these are ended by us, so their work is longer
ROUNDS = {"calm": ("kda", calm), "tight": ("kda", tight), "signals": ("a", term), "stops": ("kda", stops), "agent": ("kda", agent), "supervisor": ("kdaf", supervisor),
          "front": ("kdaf", front), "linger": ("kdaf", linger), "scribe": ("kdaf", scribe), "two": ("kdaf", two), "disk": ("kdaf", disk)}


def one(build, name, as_user, seed, ms):
    rand = random.Random(seed)
    flags, story = ROUNDS[name]
    if ms >= 30000:
        flags = flags.replace("d", "") # daemons would be more and more, and the supervisor holds descriptors of each
    r = Round(build, as_user, rand, flags, ms * 20 if name in ENDED else ms)
    who, failed, calls = "user" if as_user else "root", True, 0
    try:
        states, faults = story(r, ms)
        r.nobody_left()
        r.nothing_left()
        r.verify(states)
        calls = r.explained(faults)
        failed = False
        print(f"  ok      {name:10} {who}, seed {seed}: {calls} calls")
    except Wrong as e:
        print(f"  WRONG   {name:10} {who}, seed {seed}: {e}\n          kept: {r.dir}")
    finally:
        r.finish(failed)
    sys.stdout.flush()
    return not failed


def growth(build, as_user, calls, processes):
    """Descriptors and memory of the supervisor in the first half of the work and in the second."""
    rand = random.Random(1)
    r = Round(build, as_user, rand, "", 0, [f"{build}/agents/chaos_work", None, "count", str(calls), str(processes)])
    r.command[1] = r.dir
    r.patience = 60 + calls / 500 + processes / 20
    failed = True
    try:
        r.start()
        end = time.time() + r.patience
        while r.front.poll() is None and time.time() < end:
            r.look()
            time.sleep(0.05 if calls < 100000 else 0.5)
        r.wait({0})
        r.nobody_left()
        r.nothing_left()
        r.verify({0})
        say = r.flat()
        failed = False
        print(f"  ok      growth     {'user' if as_user else 'root'}: {calls} calls, {processes} processes: {say}")
    except Wrong as e:
        print(f"  WRONG   growth: {e}\n          kept: {r.dir}")
    finally:
        r.finish(failed)
    return not failed


def main():
    for sig in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, lambda *_: sys.exit(1)) # what was started is ended on the way out
    a = argparse.ArgumentParser()
    a.add_argument("build")
    a.add_argument("seconds", nargs="?", type=float, default=60)
    a.add_argument("--user", action="store_true")
    a.add_argument("--root", action="store_true")
    a.add_argument("--round", choices=[*ROUNDS, "growth"], action="append")
    a.add_argument("--seed", type=int)
    a.add_argument("--ms", type=int, default=1500)
    a.add_argument("--calls", type=int, default=20000)
    a.add_argument("--processes", type=int, default=1500)
    a = a.parse_args()
    build = os.path.abspath(a.build)
    users = [False, True] if not os.getuid() else [True]
    if a.user or a.root:
        users = [u for u in users if u == a.user]
    names = [n for n in a.round or ROUNDS if n != "growth"]
    seed = a.seed if a.seed is not None else random.randrange(1 << 30)
    end, n, wrong = time.time() + a.seconds, 0, 0
    while names and (time.time() < end or not n):
        wrong += not one(build, names[n % len(names)], users[n // len(names) % len(users)] if a.round else users[n % len(users)], seed + n, a.ms)
        n += 1
    for u in users if not a.round or "growth" in a.round else []:  # after the rounds: it takes what it takes
        if build.endswith("/san"):
            print("  skipped growth: the address sanitizer keeps freed memory")
            break
        n += 1
        wrong += not growth(build, u, a.calls, a.processes)
    print(f"{n} rounds, {wrong} wrong")
    return 1 if wrong else 0


sys.exit(main())
