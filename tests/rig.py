"""What measure.py measures with: the two programs in temporary directories, a relay that counts bytes, and lines as
Kathea writes them. Python 3, standard library only; it reads /proc, so Linux only."""

import datetime
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

BLOCK = 512
FILE = 500
SPAN = 40 * 3600


class Relay:
    """A TCP relay on loopback that counts what passes."""

    def __init__(self, target):
        self.target, self.up, self.down, self.connections = target, 0, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(("127.0.0.1", self.target))
            self.connections += 1
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, sink, direction in ((near, far, "up"), (far, near, "down")):
                threading.Thread(target=self._pass, args=(source, sink, direction), daemon=True).start()

    def _pass(self, source, sink, direction):
        try:
            while data := source.recv(1 << 16):
                setattr(self, direction, getattr(self, direction) + len(data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def take(self):
        """Bytes up, bytes down and connections since the last call."""
        taken = self.up, self.down, self.connections
        self.up = self.down = self.connections = 0
        return taken


class Collector:
    """`kathea-collector serve` behind a relay."""

    def __init__(self, program, home):
        self.program, self.data = program, home / "collector"
        self._run("init")
        command = [program, "serve", "--data", self.data, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.relay = Relay(int(self.process.stdout.readline().rsplit(":", 1)[1]))

    def _run(self, *words):
        command = [self.program, *words, "--data", self.data]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def token(self):
        return self._run("token").strip()

    def held(self):
        """Records that it holds."""
        return self._run("export", "--to", "Example Vendor", "--why", "audit").count("\n")

    def end(self):
        self.process.terminate()
        self.process.wait()


class Spent:
    """What a finished process cost."""

    def __init__(self, process):
        self.begun, self.peak = time.monotonic(), 0
        while True:
            # The exit status's own peak would include this script's, from which it was forked.
            self.peak = max(self.peak, memory(process.pid, "VmHWM") or 0)
            pid, self.status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(0.003)
        self.wall = time.monotonic() - self.begun
        self.cpu = usage.ru_utime + usage.ru_stime
        self.exit = process.returncode = os.waitstatus_to_exitcode(self.status)


class Site:
    """A workstation with its own data directory, outbox and configuration."""

    def __init__(self, program, home, collector, interval="6h"):
        home.mkdir()
        self.program, self.home, self.collector = program, home, collector
        self.outbox, self.data, self.socket = home / "outbox", home / "data", home / "sock"
        self.outbox.mkdir()
        self.files = 0
        self.service = None
        (home / "agent.toml").write_text(f"""
data_dir = "{self.data}"
[kathea]
outbox = "{self.outbox}"
logs = []
scans = []
socket = "{self.socket}"
user = ""
[collector]
url = "https://127.0.0.1:{collector.relay.port}"
ca = "{collector.data}/ca.pem"
[consent]
group = ""
[ship]
interval = "{interval}"
rate = "1 GiB/s"
[keys]
protector = "file"
""")

    def command(self, *words):
        return [self.program, *words, "--config", self.home / "agent.toml"]

    def ask(self, *words):
        return subprocess.run(self.command(*words), check=True, capture_output=True, text=True).stdout

    def run_once(self, *words):
        command = self.command("run", "--once", *words)
        spent = Spent(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        if spent.exit not in (0, 3):
            raise SystemExit(f"run --once ended with {spent.exit}")
        return spent

    def grant(self):
        digest = json.loads(self.ask("consent", "show", "usage_statistics", "--json"))["digest"]
        self.ask("consent", "grant", "usage_statistics", "--by", "owner", "--yes", digest)
        return self

    def enroll(self):
        token = self.home / "token"
        token.write_text(self.collector.token())
        self.ask("enroll", "--token-file", str(token))
        return self

    def leave(self, lines, size=FILE):
        """Puts lines into the outbox, in files of `size`."""
        for at in range(0, len(lines), size):
            self.files += 1
            aside = self.outbox / f"{self.files}.tmp"
            aside.write_text("".join(lines[at : at + size]))
            aside.rename(self.outbox / f"{self.files}.ndjson")

    def status(self):
        return json.loads(self.ask("status", "--json"))

    def start(self):
        """Starts the service; seconds until `status` answers over the socket."""
        begun = time.monotonic()
        self.service = subprocess.Popen(self.command("run"), stderr=subprocess.DEVNULL)
        self.talk().say('{"request":"status"}')
        return time.monotonic() - begun

    def talk(self):
        """A connection to the running service."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return Conversation(self.socket)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.001)

    def stop(self):
        self.service.send_signal(signal.SIGTERM)
        return Spent(self.service)

    def disk(self):
        """Bytes on disk: what waits with its numbering, and the ballast."""
        spool = self.data / "spool"
        ballast = blocks(spool / "ballast")
        return sum(map(blocks, spool.rglob("*"))) - ballast, ballast


class Conversation:
    """Lines to the service, one answer each."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.answers = self.socket.makefile("r")

    def ask(self, line):
        """The answer, whatever it is."""
        self.socket.sendall(line.strip().encode() + b"\n")
        return json.loads(self.answers.readline())

    def say(self, line):
        """The answer to what must not be refused."""
        answer = self.ask(line)
        if not answer["ok"]:
            raise SystemExit(f"refused: {answer['error']}")
        return answer


def blocks(path):
    try:
        return os.lstat(path).st_blocks * BLOCK
    except FileNotFoundError:
        return 0


def memory(pid, field="VmRSS"):
    """Bytes, as the kernel says it; None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = [line for line in text.splitlines() if line.startswith(field + ":")]
    return int(found[0].split()[1]) * 1024 if found else None


def cpu(pid):
    """Seconds of processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wakes(pid):
    """How often its threads went to sleep so far."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        found = [line for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt")]
        total += int(found[0].split()[1])
    return total


def times(count, span=SPAN, begin=60):
    """`count` times over `span` seconds, as Kathea writes them."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    begun = datetime.datetime.now(zone).replace(microsecond=0) + datetime.timedelta(seconds=begin)
    known = {}
    for number in range(count):
        second = number * span // count
        if second not in known:
            known = {second: (begun + datetime.timedelta(seconds=second)).isoformat()}
        yield known[second]


SUBSYSTEMS = "generator detector motion collimator camera tracker safety controller network power".split()
SEVERITIES = "info warn error stop".split()


def errors(count, seed=1):
    """Errors of the device: some sixty codes, few of them often, each of one subsystem and severity."""
    draw = random.Random(seed)
    codes = [(1000 + 37 * rank, SUBSYSTEMS[rank % 10], SEVERITIES[rank % 7 % 4]) for rank in range(60)]
    weights = [1 / (1 + rank) for rank in range(60)]
    drawn = draw.choices(codes, weights, k=count)
    repeats = draw.choices([1, 2, 3, 5, 17], [80, 8, 6, 4, 2], k=count)
    return [_error(at, *code, often) for at, code, often in zip(times(count), drawn, repeats)]


def uniform_errors(count, seed=1):
    """Likewise with nothing to learn from: every attribute drawn evenly and by itself."""
    draw = random.Random(seed)
    return [
        _error(at, draw.randint(1000, 1400), draw.choice(SUBSYSTEMS), draw.choice(SEVERITIES), draw.randint(1, 20))
        for at in times(count)
    ]


def _error(at, code, subsystem, severity, repeats):
    return (
        f'{{"event":"device.error","at":"{at}","code":{code},"subsystem":"{subsystem}",'
        f'"severity":"{severity}","repeats":{repeats}}}\n'
    )


def exposures(count, seed=2):
    """Cone-beam exposures with everything that one says of itself."""
    draw = random.Random(seed)
    return [_exposure(draw, at) for at in times(count)]


def _exposure(draw, at):
    return line("exposure.completed", at, mode="cbct", patient_size=draw.choice(["child", "medium", "large"]),
                kv=draw.choice([80, 85, 90, 95]), ma=draw.randint(20, 120) / 10, beam_s=draw.randint(60, 180) / 10,
                dap=draw.randint(1000, 12000) / 10, fov=draw.choice(["5x5", "8x8", "12x8", "15x9"]),
                voxel_um=draw.choice([75, 150, 200, 300]), projections_lost=draw.randint(0, 2),
                protocol=draw.choice(["adult_standard", "endodontic", "implant_single"]), changed_by_user="no",
                tube_heat=draw.randint(20, 80), kv_deviation=draw.randint(0, 9) / 10,
                ma_deviation=draw.randint(0, 9) / 10)


def line(event, at, **attributes):
    return json.dumps({"event": event, "at": at, **attributes}, separators=(",", ":")) + "\n"


def ordinary_day(seed=3, lines=2000, span=9 * 3600):
    """A clinic's day: 5 to 40 scans, some 2,000 lines, most of them clicks and movements."""
    draw = random.Random(seed)
    scans, day = draw.randint(5, 40), []
    tools, axes = ["viewer_3d", "length", "implant_plan", "report"], ["rotation", "column", "x"]
    for number, at in enumerate(times(lines, span)):
        if number % (lines // scans) == 0:
            day.append(_exposure(draw, at))
        elif number % (lines // 4) == 1:
            day.append(_error(at, draw.randint(1000, 1400), draw.choice(SUBSYSTEMS), "warn", draw.randint(1, 20)))
        elif draw.random() < 0.7:
            day.append(line("feature.used", at, feature=draw.choice(tools)))
        elif draw.random() < 0.9:
            day.append(line("gantry.positioned", at, axis=draw.choice(axes), error=draw.randint(0, 120)))
        else:
            day.append(line("device.link", at, fault="retransmit", count=draw.randint(1, 40)))
    return scans, day
