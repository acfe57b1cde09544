"""F40: everything at once with the shipped collector at the other end: sled and SQLite, kills of both programs, cuts, the
power, a full disk, wrong clocks, in seeded order. What the collector exports at the end is what was given, once and in order.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from clocks import clock
from collector_power import listens
from disk import MIB, Volume, own_view
from matrix import Skipped, need
from power import Traced, image, kept, put_back, read_log, strace
from proxy import Proxy, any_fault
from receiver import Received
from workstation import COUNTER, EVENT, FEATURES, Site, Socket, spawn, until

CLOCKS = ["+1d", "-1d", "-2h", "+3650d", "-3650d"]


class Vendor:
    """The shipped collector: its files, its process, and what its export shows. It stands where a receiver does."""

    def __init__(self, bench, home):
        self.program, self.home, self.data = bench.beside / "kathea-collector", home, home / "collector"
        self.process, self.port, self.said, self.kills = None, 0, home / "said", 0
        self.home.mkdir()
        self.must("init")
        self.ca, self.authority = self.data / "ca.pem", self

    def run(self, command, *words):
        return subprocess.run([self.program, command, "--data", self.data, *words], capture_output=True, text=True,
                              timeout=300)

    def must(self, command, *words):
        ended = self.run(command, *words)
        if ended.returncode:
            raise AssertionError(f"{command} ended with {ended.returncode}: {ended.stderr[:500]}")
        return ended.stdout

    def up(self):
        """Starts it on the port of before."""
        with self.said.open("w") as out:
            self.process = spawn([self.program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}"],
                                 stdout=out, stderr=subprocess.STDOUT)
        address = until(lambda: listens(self.said) or self.process.poll() is not None) and listens(self.said)
        if not address:
            raise AssertionError(f"the collector does not start: {self.said.read_text()[:500]}")
        self.port = int(address.rsplit(":", 1)[1])

    def down(self, how):
        """Ends it; what it said that it must not."""
        self.process.send_signal(how)
        self.process.wait(60)
        said = self.said.read_text()
        return f"the collector panicked: {said[:300]}" if "panicked" in said else None

    def url(self, port=None):
        return f"https://127.0.0.1:{port or self.port}"

    def exported(self):
        """What its export shows, as a receiver keeps it."""
        received = Received()
        for line in map(json.loads, self.must("export", "--to", "Example Vendor", "--why", "audit").splitlines()):
            name, attributes = (line["epoch"], line["seq"]), line["attributes"]
            if name in received.records:
                received.wrong.append(f"{name} is exported twice")
            record = {"entry": line["entry"], "attributes": [], "value": line["count"]}
            if line["entry"] == "kathea.crash":
                record |= {"entry": EVENT, "attributes": [None, attributes["signature"]]}
            elif line["entry"] == "feature.use":
                record |= {"entry": COUNTER, "attributes": [FEATURES[attributes["feature"]]]}
            received.records[name] = record
        return received


def everything(bench):
    """F40: sessions of the agent, each under other faults; at the end all is sound, and everything came."""
    need("strace", "faketime")
    own_view()
    if not (bench.beside / "kathea-collector").exists():
        raise Skipped("needs kathea-collector; cargo build --workspace makes it")
    vendor = Vendor(bench, bench.home / "vendor")
    volume = Volume(bench.home / "disk", size=96 * MIB)
    try:
        return soaked(bench, vendor, volume)
    finally:
        volume.end()


def soaked(bench, vendor, volume):
    """The sessions, on a disk of the workstation's own."""
    vendor.up()
    proxy = Proxy(vendor.port)
    site = Site(volume.place / "site", bench.program, vendor)
    site.configure(vendor.url(proxy.port))
    (site.home / "token").write_text(vendor.must("token").strip())
    site.must("enroll", "--token-file", site.home / "token")
    bench.ended(site.grant(), "the grant", codes=(0,))
    seconds = 3600 if bench.full else 40
    seconds = min(seconds, bench.until - time.monotonic()) if bench.until else seconds
    begun, unanswered, times, reverted = time.monotonic(), set(), dict.fromkeys(KINDS, 0), 0
    while not bench.cases or time.monotonic() - begun < seconds:
        bench.cases += 1
        kind = bench.draw.choices(list(KINDS), list(KINDS.values()))[0]
        times[kind] += 1
        where = f"session {bench.cases}, {kind}"
        site.fill(bench.draw, bench.draw.randrange(3), bench.draw.randrange(1, 60))
        proxy.faults += [any_fault(bench.draw, 4000) for _ in range(bench.draw.randrange(3))]
        if kind == "power":
            reverted += power(bench, site, where)
        else:
            wrapper = clock(bench.draw.choice(CLOCKS)) if kind == "clock" else None
            if kind == "full":
                volume.fill(bench.draw.choice([0, 4096, bench.draw.randrange(MIB)]))
            unanswered |= service(bench, (site, vendor, proxy), wrapper, kind, where)
            volume.free()
    figures = ", ".join(f"{times[kind]} {kind}" for kind in KINDS)
    bench.note("seconds", f"{time.monotonic() - begun:.0f}")
    proxy.faults = []
    bench.ended(site.once("--close", timeout=300), "at the end", codes=(0,))
    bench.check(vendor.down(signal.SIGTERM), "at the end")
    received = vendor.exported()
    bench.check(site.verify(received, but=unanswered), "at the end")
    bench.check(f"{site.status()['dropped']} was dropped" if site.status()["dropped"].get("damaged") else None, "at the end")
    verified = vendor.run("verify")
    bench.check(f"verify: {verified.stdout[:300]} {verified.stderr[:300]}" if verified.returncode else None, "at the end")
    given, held = len(site.given), len(received.records)
    bench.control("a line that nobody gave", site.given.append(10**9) or site.verify(received, but=unanswered))
    return (f"{given} events given, {len(unanswered)} of them without an answer, {held} records held; sessions: {figures}; "
            f"{vendor.kills} ends of the collector, {proxy.connections} connections, {reverted} files went back")


# Kinds of sessions, and how often each comes.
KINDS = {"service": 6, "clock": 2, "full": 2, "power": 1}


def service(bench, parts, wrapper, kind, where):
    """The service for a moment, which a kill or a stop ends; the lines that it may not have taken."""
    site, vendor, proxy = parts
    draw, unanswered = bench.draw, set()
    errors = (site.home.parent / "errors").open("w+") if kind != "full" else subprocess.DEVNULL
    process = site.start("run", wrapper=wrapper, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        until(lambda: site.socket.exists() or process.poll() is not None)
        line = Socket(site.socket, patience=3 if kind == "full" else 30)
    except OSError:
        line = None
    for _ in range(draw.randrange(2, 8)):
        what = draw.random()
        if line and what < 0.5:
            for _ in range(draw.randrange(1, 12)):
                answer = line.ask(site.event(spoken=True))
                if not (answer and answer["ok"]):
                    unanswered.add(site.given[-1])
                if answer is None:
                    line = None
                    break
                bench.check(f"a good line was refused: {answer}" if kind == "service" and not answer["ok"] else None, where)
        elif what < 0.65 and kind != "full":
            site.fill(draw, 1, draw.randrange(1, 60))
        elif what < 0.8:
            proxy.faults.append(any_fault(draw, 4000))
        elif what < 0.9:
            vendor.kills += 1
            bench.check(vendor.down(draw.choice([signal.SIGKILL, signal.SIGTERM])), where)
            time.sleep(draw.uniform(0, 0.2))
            vendor.up()
            proxy.target = vendor.port
        time.sleep(draw.uniform(0, 0.2))
    ended = process.poll()
    # On a full disk it may refuse to start, and says so; it never ends by itself otherwise.
    bench.check(f"it ended by itself with {ended}" if ended is not None and (kind != "full" or ended != 1) else None, where)
    process.send_signal(draw.choice([signal.SIGKILL, signal.SIGTERM]))
    process.wait(60)
    if errors is not subprocess.DEVNULL:
        errors.seek(0)
        said = errors.read()
        errors.close()
        bench.check(f"it panicked: {said[:300]}" if "panicked" in said else None, where)
    return unanswered


def power(bench, site, where):
    """The power goes at some moment of a run, and what the collector has by then it keeps: how many files lost something."""
    before = kept(bench, site)
    process = site.start("run", "--once", wrapper=strace(bench), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(bench.draw.uniform(0, 1.5))
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    process.wait(60)
    traced = Traced(site, before, read_log(bench.home, site.home), None)
    if not traced.calls:
        return 0
    left, _, reverted = image(bench, traced, cut=len(traced.calls))
    for name in ("data", "outbox"):
        shutil.rmtree(site.home / name)
    put_back(site, traced, left)
    return reverted
