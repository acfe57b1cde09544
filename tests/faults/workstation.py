"""A workstation with the real agent, what Kathea gave it, and whether that is what arrived."""

import datetime
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

EVENT, COUNTER = 33, 35
FEATURES = {"viewer_3d": 1, "length": 18, "implant_plan": 28, "report": 46}  # its place on the list of the catalog
NOWHERE = "https://127.0.0.1:1"
# Of a published key pair; nobody opens these bundles.
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


STARTED = []


def spawn(command, **more):
    """Starts a program, which ends with its row at the latest."""
    process = subprocess.Popen(command, start_new_session=True, **more)
    STARTED.append(process)
    return process


def end_all():
    """Ends what a row that broke left running."""
    for process in STARTED:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    STARTED.clear()


def until(fact, patience=60):
    """Waits until something holds, however slow the machine is; what it was at last."""
    deadline = time.monotonic() + patience
    while not (held := fact()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return held


class Ended:
    """How a process ended."""

    def __init__(self, process, out, err, hung):
        self.code, self.out, self.err, self.hung = process.returncode, out, err, hung

    def broke(self):
        """Why this is no orderly end; None if it is one."""
        if self.hung:
            return "it hung"
        if "panicked" in self.err:
            return "it panicked: " + self.err[:300]
        return f"ended by signal {-self.code}" if self.code < 0 else None


class Site:
    """One workstation: a directory with configuration, outbox and data."""

    def __init__(self, home, program, receiver, url=None, **settings):
        self.home, self.program, self.receiver = Path(home), str(program), receiver
        self.data, self.outbox, self.socket = self.home / "data", self.home / "outbox", self.home / "sock"
        self.home.mkdir(parents=True, exist_ok=True)
        self.outbox.mkdir(exist_ok=True)
        self.given, self.spoken, self.sums, self.files, self.wrapper, self.env = [], set(), {}, 0, [], {}
        self.configure(url or receiver.url(), **settings)

    def configure(self, url, ca=None, proxy=None, interval="0s", quota="64 MiB", policy=None, case=False):
        """Writes the configuration."""
        line = f'proxy = "{proxy}"\n' if proxy else ""
        follows = f'policy = "{policy}"\n' if policy else ""
        support = f'[support]\nrecipients = ["{RECIPIENT}"]\n' if case else ""
        (self.home / "agent.toml").write_text(
            f'data_dir = "{self.data}"\n{follows}[kathea]\noutbox = "{self.outbox}"\nlogs = []\nscans = []\n'
            f'socket = "{self.socket}"\nuser = ""\n[collector]\nurl = "{url}"\n'
            f'ca = "{ca or self.receiver.authority.ca}"\n{line}[consent]\ngroup = ""\n[ship]\n'
            f'interval = "{interval}"\nrate = "1 GiB/s"\n[spool]\nquota = "{quota}"\n[keys]\nprotector = "file"\n{support}')

    def copy(self, home, **settings):
        """Another one with the same data: keys, consent, what waits."""
        home = Path(home)
        if home.exists():
            shutil.rmtree(home)
        home.mkdir(parents=True)
        copied = Site(home, self.program, self.receiver, **settings)
        for name in ("data", "outbox"):
            shutil.rmtree(home / name, ignore_errors=True)
            if (self.home / name).exists():
                shutil.copytree(self.home / name, home / name)
        copied.given, copied.spoken = list(self.given), set(self.spoken)
        copied.sums, copied.files = dict(self.sums), self.files
        return copied

    # The agent

    def start(self, *words, kill_at=None, wrapper=None, **more):
        """Starts the agent."""
        env = {name: value for name, value in os.environ.items() if name not in ("RUST_LOG", "KATHEA_KILL_AT")}
        env.update(self.env)
        if kill_at:
            env["KATHEA_KILL_AT"] = kill_at
        command = [*(wrapper or self.wrapper), self.program, "--config", str(self.home / "agent.toml"), *map(str, words)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **more}
        return spawn(command, env=env, text=True, **streams)

    def run(self, *words, timeout=120, **more):
        """Runs it to its end."""
        process = self.start(*words, **more)
        try:
            out, err = process.communicate(timeout=timeout)
            return Ended(process, out, err, False)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            return Ended(process, out, err, True)

    def once(self, *words, **more):
        return self.run("run", "--once", *words, **more)

    def must(self, *words, code=0, **more):
        ended = self.run(*words, **more)
        if ended.code != code:
            raise AssertionError(f"{words} ended with {ended.code}, not {code}: {ended.err[:500]}")
        return ended.out

    def status(self):
        return json.loads(self.must("status", "--json"))

    def enrol(self):
        token = self.home / "token"
        token.write_text("any")
        self.must("enroll", "--token-file", token)
        return self

    def grant(self, **more):
        digest = json.loads(self.must("consent", "show", "usage_statistics", "--json"))["digest"]
        return self.run("consent", "grant", "usage_statistics", "--by", "owner", "--yes", digest, **more)

    # Kathea

    def event(self, at=None, version="1.2.3.4", spoken=False):
        """One line that no other is like; `spoken` if it goes over the socket, which no file waits for."""
        number = len(self.given) + 1
        self.given.append(number)
        if spoken:
            self.spoken.add(number)
        return _line("kathea.crash", at, module="start", signature=number, version=version)

    def count(self, draw, at=None):
        """One line that is folded with others."""
        feature = draw.choice(list(FEATURES))
        self.sums[FEATURES[feature]] = self.sums.get(FEATURES[feature], 0) + 1
        return _line("feature.used", at, feature=feature)

    def leave(self, lines):
        """A file in the outbox, as Kathea leaves one: written aside and renamed."""
        self.files += 1
        aside = self.home / f"{self.files}.tmp"
        aside.write_text("".join(lines))
        aside.rename(self.outbox / f"{self.files:06}.ndjson")

    def fill(self, draw, files, lines, at=None):
        """Files of events and counts, mixed."""
        for _ in range(files):
            self.leave([self.event(at) if draw.random() < 0.5 else self.count(draw, at) for _ in range(lines)])

    # What arrived

    def verify(self, received, but=(), sums=True):
        """What is wrong between what was given and what arrived; `but` may be missing."""
        events = [record["attributes"][1] for record in received.in_order() if record["entry"] == EVENT]
        wrong = list(received.wrong[:3])
        lost = set(self.given) - set(events) - set(but)
        if lost:
            wrong.append(f"{len(lost)} lost, among them {min(lost)}")
        if len(events) != len(set(events)):
            wrong.append(f"{len(events) - len(set(events))} twice")
        if set(events) - set(self.given):
            wrong.append("a record that nobody gave")
        for way in (self.spoken, set(self.given) - self.spoken):
            in_turn = [event for event in events if event in way]
            if in_turn != sorted(in_turn):
                wrong.append("out of order")
        if sums and self.arrived_sums(received) != self.sums:
            wrong.append(f"sums {self.arrived_sums(received)}, not {self.sums}")
        return wrong

    @staticmethod
    def arrived_sums(received):
        sums = {}
        for record in received.records.values():
            if record["entry"] == COUNTER:
                feature = record["attributes"][0]
                sums[feature] = sums.get(feature, 0) + record["value"]
        return sums


class Socket:
    """A connection to the running service."""

    def __init__(self, path, patience=10):
        deadline = time.monotonic() + patience
        while True:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.settimeout(patience)
                self.socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)
        self.answers = self.socket.makefile("r")

    def ask(self, line):
        """The answer; None if the connection ended before."""
        try:
            self.socket.sendall(line.strip().encode() + b"\n")
            answer = self.answers.readline()
        except OSError:
            return None
        return json.loads(answer) if answer.endswith("\n") else None


def _line(event, at, **attributes):
    at = at or (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2))
    return json.dumps({"event": event, "at": at.isoformat(timespec="seconds"), **attributes}) + "\n"
