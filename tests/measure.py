#!/usr/bin/env python3
"""Measures the whole process and prints a table: what, measured, to reach. Nothing passes or fails here.

    cargo build --release --locked -p kathea-agent -p kathea-collector
    python3 tests/measure.py --agent target/release/kathea-agent --collector target/release/kathea-collector [--quick]

`--peers` measures other programs beside the agent in the same run: tests/measure_peers.py says which and where from.
Everything happens in a temporary directory and on loopback. The disk below that directory is the one that is
measured: TMPDIR names another. `--only WORD,WORD` runs the parts whose names have one, `--record` keeps the table in
tests/MEASURED.md, or in a file that it names. `--runs N` runs all of them N times, one run after the other, and prints
the median of every number; a part that waits has its runs side by side. Python 3, standard library only.
"""

import argparse
import concurrent.futures
import os
import shutil
import subprocess
import tempfile
import threading
import time
import zlib
from pathlib import Path

import measure_peers
import measure_whole
import rig
from crowd import Crowd, ask_for
from measure_table import machine, medians, record
from rig import Site

PARTS = [*measure_whole.PARTS]
WAITING = []
MIB = 1 << 20
LAST = Path(__file__).parent / "MEASURED.md"


def part(function):
    PARTS.append(function)
    return function


def waiting_part(function):
    WAITING.append(function)
    return function


class Bench:
    """The programs, the collector, and a fresh site whenever one is asked for."""

    def __init__(self, words, home, run=1):
        home.mkdir()
        self.agent, self.home, self.quick, self.sites, self.rows = words.agent.resolve(), home, words.quick, [], []
        self.run, self.runs = run, words.runs
        self.collector = rig.Collector(words.collector.resolve(), home)

    def site(self, interval="6h"):
        self.sites.append(Site(self.agent, self.home / f"s{len(self.sites)}", self.collector, interval))
        return self.sites[-1]

    def end(self):
        """Also what a part that broke left running."""
        for site in self.sites:
            if site.service and site.service.poll() is None:
                site.service.kill()
                site.service.wait()
        self.collector.end()
        shutil.rmtree(self.home)

    def granted(self):
        return self.site().grant()

    def some(self, count):
        return count // 10 if self.quick else count

    def seconds(self, count):
        """Of waiting in this run: all runs together wait for as long as one alone would."""
        return 20 if self.quick else max(12, count // self.runs)

    def row(self, what, measured, reach=""):
        load = os.getloadavg()[0]
        self.rows.append((what, measured, reach, load))
        shown = what if self.runs == 1 else f"{self.run}: {what}"
        print(f"{shown:<55} {measured:<50} {reach:<20} {load:4.1f}".rstrip(), flush=True)


@part
def binary(bench):
    stripped = bench.home / "stripped"
    shutil.copy(bench.agent, stripped)
    if shutil.which("strip"):
        subprocess.run(["strip", stripped], check=True)
    bench.row("agent binary, stripped", mib(stripped.stat().st_size), "8 MiB")


@part
def disk_itself(bench):
    """What a sync of this disk costs without the agent."""
    taken = []
    with open(bench.home / "probe", "wb", buffering=0) as file:
        for _ in range(bench.some(2000)):
            file.write(b"Z" * 300)
            begun = time.monotonic()
            os.fdatasync(file.fileno())
            taken.append(time.monotonic() - begun)
    bench.row("bare append of 300 bytes and sync, p50 / p99", percentiles(taken))


@part
def intake(bench):
    count = bench.some(200_000)
    for what, lines in (("device.error", rig.errors(count)), ("exposure.completed", rig.exposures(count))):
        site = bench.granted()
        empty = site.run_once()
        site.leave(lines)
        spent = site.run_once()
        check(site, {"dropped": {}})
        rate = f"{count / spent.wall:,.0f} lines/s, {spent.cpu / count * 1e6:.2f} us CPU a line"
        bench.row(f"intake of {count:,} {what}, nothing sent", rate, "200,000 lines/s")
        if what == "device.error":
            shown = f"{empty.wall * 1e3:.0f} ms, {empty.cpu * 1e3:.0f} ms CPU"
            bench.row("  the same with nothing in the outbox", shown)


@part
def end_to_end(bench):
    count = bench.some(200_000)
    site = bench.granted().enroll()
    site.leave(rig.errors(count))
    bench.collector.relay.take()
    spent = site.run_once()
    check(site, {"dropped": {}}, usage=0)
    rate = f"{count / spent.wall:,.0f} lines/s, {spent.cpu / count * 1e6:.2f} us CPU a line, peak {mib(spent.peak)}"
    bench.row(f"outbox to collector, {count:,} device.error", rate)
    bench.row("  the collector holds", f"{bench.collector.held():,} records")


@part
def wire(bench):
    count = bench.some(200_000)
    for what, lines in (("device.error", rig.errors(count)), ("device.error, even", rig.uniform_errors(count))):
        site = bench.granted().enroll()
        site.leave(lines)
        bench.collector.relay.take()
        site.run_once()
        up, down, connections = bench.collector.relay.take()
        body = site.status()["sent"]["usage_statistics"]["bytes"]
        packed = sum(len(gzip("".join(lines[at : at + 1000]))) for at in range(0, count, 1000))
        shown = f"{up / count:.2f} up, {down / count:.2f} down, bodies {body / count:.2f}, {connections} TLS"
        bench.row(f"wire bytes an event, {what}, all of TLS", shown, "8 bytes")
        shown = f"{packed / count:.2f}, ratio of bodies {body / packed:.3f}, of all {up / packed:.3f}"
        bench.row("  gzip -6 of the same lines, 1,000 a batch", shown, "0.3")


@part
def burst(bench):
    peaks = []
    for count in (50_000, 200_000, 800_000):
        site = bench.granted()
        site.leave(rig.errors(bench.some(count)))
        spent = site.run_once()
        peaks.append(f"{bench.some(count) // 1000}k {mib(spent.peak)}")
    bench.row("peak RSS of a burst", ", ".join(peaks), "32 MiB, no growth")


@part
def backlog(bench):
    """Five million events in the outbox of a running service, then its next start with all of them waiting."""
    count, site = bench.some(5_000_000), bench.granted()
    site.start()
    begun = time.monotonic()
    for seed in range(10):
        site.leave(rig.errors(count // 10, seed), 5000)
    while any(site.outbox.iterdir()):
        time.sleep(0.1)
    taken = time.monotonic() - begun
    bench.row(f"intake of {count:,} waiting, peak RSS", mib(rig.memory(site.service.pid, "VmHWM")), "16 MiB")
    site.stop()
    check(site, {"dropped": {}}, usage=count)
    bench.row("  with writing them", f"{taken:.0f} s, {mib(site.disk()[0])} on disk")
    for start in ("start", "second start"):
        bench.row(f"{start}, {count:,} waiting, until status answers", f"{site.start():.2f} s", "0.3 s")
        slowest, end = 0, time.monotonic() + bench.seconds(30)
        while time.monotonic() < end:
            begun = time.monotonic()
            site.talk().say('{"request":"status"}')
            slowest = max(slowest, time.monotonic() - begun)
            time.sleep(0.02)
        shown = f"{slowest * 1e3:.0f} ms, peak RSS {mib(rig.memory(site.service.pid, 'VmHWM'))}"
        bench.row("  slowest answer afterwards", shown, "16 MiB")
        site.stop()
    check(site, {"dropped": {}}, usage=count)


@part
def disk(bench):
    count = bench.some(200_000)
    lines = rig.errors(count)
    site = bench.granted().enroll()
    site.leave(lines[:1])
    floor, waiting, ballast = fill(bench, site, [])
    bench.row("disk, fixed: one event waiting / ballast", f"{floor / 1024:,.0f} KiB / {mib(ballast)}")
    for cycle in range(1, 11):
        full, waiting, _ = fill(bench, site, lines)
        if cycle in (1, 10):
            shown = f"{full / waiting:.2f}, without the fixed part {(full - floor) / waiting:.2f}"
            bench.row(f"disk bytes an event waiting, {waiting:,}, cycle {cycle}", shown, "20 bytes")
        if site.run_once().exit != 0:
            raise SystemExit("something remains after a drain")
    bench.row("  drained", f"{site.disk()[0] / 1024:,.0f} KiB")


def fill(bench, site, lines):
    """Takes lines in with the certificate out of the way, so that nothing is sent."""
    certificate, aside = site.data / "certificate.pem", site.data / "aside"
    certificate.rename(aside)
    site.leave(lines)
    site.run_once()
    aside.rename(certificate)
    held, ballast = site.disk()
    return held, site.status()["waiting"]["usage"]["records"], ballast


@part
def single_commits(bench):
    """One event a commit, over the socket, one after the other."""
    site = bench.granted()
    site.start()
    talk, taken, before = site.talk(), [], rig.cpu(site.service.pid)
    for line in rig.errors(bench.some(2000)):
        begun = time.monotonic()
        talk.say(line)
        taken.append(time.monotonic() - begun)
    spent = (rig.cpu(site.service.pid) - before) / len(taken)
    shown = f"{percentiles(taken)}, {spent * 1e3:.2f} ms CPU"
    bench.row("commit of one event over the socket, p50 / p99", shown, "p99 20 ms")
    held, count = site.disk()[0], len(taken)
    bench.row(f"disk bytes an event, {count:,} single commits", f"{held / count:.0f}, in a generation not yet closed")
    site.stop()


@part
def commits_of_several(bench):
    """One event a commit, on six connections at once, until generations close."""
    site = bench.granted()
    site.start()
    shares = [rig.errors(bench.some(10_000), seed) for seed in range(6)]
    threads = [threading.Thread(target=say_all, args=(site, share)) for share in shares]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count, wall = sum(map(len, shares)), time.monotonic() - begun
    generations = sorted(int(path.name) for path in (site.data / "spool/usage").iterdir() if path.name.isdigit())
    held = site.disk()[0]
    shown = f"{held / count:.0f}, {len(generations)} generations, {count / wall:,.0f} events/s on 6 connections"
    bench.row(f"disk bytes an event, {count:,} in small commits", shown)
    site.stop()


def say_all(site, lines):
    talk = site.talk()
    for line in lines:
        talk.say(line)


@part
def crowd(bench):
    """Requests and events over the socket, alone and beside a thousand clients that never read."""
    site = bench.granted()
    site.start()
    asked, errors = ['{"request":"busy"}', '{"request":"status"}'], rig.errors(1000)
    for folder in (bench.home, site.home):
        folder.chmod(0o755)  # for the crowd's account
    seconds = bench.seconds(30)
    for beside in ("alone", "in a crowd"):
        many = Crowd(site.socket) if beside != "alone" else None
        for what, lines in (("requests", asked), ("events", errors)):
            taken, busy = ask_for(site, seconds, lines)
            rate = f"{len(taken) / seconds:,.0f}/s, {percentiles(taken)}, longest {max(taken) * 1e3:.1f} ms, {busy} busy"
            bench.row(f"socket, {what} {beside}, p50 / p99", rate, "p99 20 ms")
        if many:
            pid = site.service.pid
            shown = f"{mib(rig.memory(pid))}, {len(os.listdir(f'/proc/{pid}/task'))} threads"
            let, closed, size = many.end()
            bench.row("  the agent's memory then", shown)
            bench.row("  1,000 clients that never read", f"{let:,} connections, {closed:,} closed, {mib(size)} written")
        else:
            bench.row("  the agent's memory then", mib(rig.memory(site.service.pid)))
    site.stop()


@waiting_part
def idle(bench):
    def rest(what, site, reach_rss, reach_wakes):
        time.sleep(3)
        pid, seconds = site.service.pid, bench.seconds(60)
        before = rig.wakes(pid)
        time.sleep(seconds)
        woken = rig.wakes(pid) - before
        anonymous = rig.memory(pid, "RssAnon")
        threads = len(os.listdir(f"/proc/{pid}/task"))
        shown = f"RSS {mib(rig.memory(pid))} ({mib(anonymous)} its own), {threads} threads"
        bench.row(f"idle {what}", shown, reach_rss)
        bench.row(f"  wake-ups over {seconds} s", f"{woken}, {woken / seconds:.3f} a second", reach_wakes)

    site = bench.site()
    bench.row("start, empty spool, until status answers", f"{site.start() * 1e3:.0f} ms", "100 ms")
    rest("without a grant", site, "8 MiB", "0")
    site.stop()

    site = bench.granted()
    site.start()
    rest("with a grant, empty", site, "8 MiB", "0.1 a second")
    count = 100_000
    site.leave(rig.errors(count))
    while any(site.outbox.iterdir()):
        time.sleep(0.1)
    rest("100,000 waiting, after taking them in", site, "12 MiB", "0.1 a second")
    bench.row("  its peak until then", mib(rig.memory(site.service.pid, "VmHWM")), "32 MiB")
    site.stop()
    bench.row("start, 100,000 records, until status answers", f"{site.start() * 1e3:.0f} ms", "1 s")
    rest("100,000 waiting, after a start", site, "12 MiB", "0.1 a second")
    site.stop()


@waiting_part
def ordinary_day(bench):
    """A day in seven minutes: a file at a time, so that each has its own commit, and four uploads."""
    scans, lines = rig.ordinary_day()
    pause, interval, size = (0.05, "3s", 10) if bench.quick else (2.1, "110s", 10)
    site = bench.site(interval).grant().enroll()
    bench.collector.relay.take()
    site.start()
    for at in range(0, len(lines), size):
        site.leave(lines[at : at + size], size)
        time.sleep(pause)
    while any(site.outbox.iterdir()):
        time.sleep(0.1)
    cpu = site.stop().cpu + site.run_once("--close").cpu
    up, down, connections = bench.collector.relay.take()
    status = check(site, {"dropped": {}}, usage=0)
    sent = status["sent"]["usage_statistics"]
    together = " (files come together)" if bench.quick else ""
    bench.row(f"an ordinary day: {scans} scans, {len(lines):,} lines, 200 files", f"{cpu:.2f} s CPU{together}", "1 s")
    shown = f"{(up + down) / 1e3:.1f} kB: {up / 1e3:.1f} up, {down / 1e3:.1f} down, {connections} TLS"
    bench.row("  wire, all of TLS", shown, "20 kB")
    bench.row("  in it", f"{sent['records']} records, {sent['bytes'] / 1e3:.1f} kB of batches")


def check(site, wanted, usage=None):
    """A figure for lines that were refused, or not sent, would be a lie."""
    status = site.status()
    if any(status[key] != value for key, value in wanted.items()):
        raise SystemExit(f"status says {[status[key] for key in wanted]}")
    if usage is not None and status["waiting"]["usage"]["records"] != usage:
        raise SystemExit(f"{status['waiting']} waits: {status['problems']}")
    return status


def gzip(text):
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(text.encode()) + packer.flush()


def mib(count):
    return f"{count / MIB:.1f} MiB"


def percentiles(taken):
    taken = sorted(taken)
    return f"{taken[len(taken) // 2] * 1e3:.2f} / {taken[len(taken) * 99 // 100] * 1e3:.2f} ms"


def attempt(measure, bench):
    """A part that fails, a peer that loses lines, say, is said: the others are worth something without it."""
    try:
        measure(bench)
    except SystemExit as why:
        bench.row(measure.__name__, f"NOT MEASURED: {why}")


def once(words, home, run):
    """The rows of one run of all parts that do not wait."""
    bench = Bench(words, home / f"run{run}", run)
    try:
        for measure in PARTS:
            if is_wanted(measure, words):
                attempt(measure, bench)
    finally:
        bench.end()
    return bench.rows


def beside(words, home):
    """The rows of each run of the parts that wait."""
    benches = [Bench(words, home / f"wait{run}", run) for run in range(1, words.runs + 1)]
    try:
        for measure in WAITING:
            if is_wanted(measure, words):
                with concurrent.futures.ThreadPoolExecutor(len(benches)) as pool:
                    list(pool.map(lambda bench: attempt(measure, bench), benches))
    finally:
        for bench in benches:
            bench.end()
    return [bench.rows for bench in benches]


def is_wanted(measure, words):
    return any(word in measure.__name__ for word in words.only.split(","))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", type=Path, required=True)
    parser.add_argument("--collector", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="a tenth of the lines, 20 s of idling")
    parser.add_argument("--record", nargs="?", const=LAST, type=Path, help="keep the table in tests/MEASURED.md, or in this file")
    parser.add_argument("--only", default="", help="parts of parts' names, with commas")
    parser.add_argument("--runs", type=int, default=1, help="so many of all, and the median of every number")
    parser.add_argument("--peers", action="store_true", help="other programs too, where they are installed")
    words = parser.parse_args()
    if words.peers:
        PARTS.append(measure_peers.peers)
    home = Path(tempfile.mkdtemp(prefix="kathea"))
    try:
        print(machine(home))
        print(f"\n{'what':<55} {'measured':<50} {'to reach':<20} load", flush=True)
        runs = [once(words, home, run) for run in range(1, words.runs + 1)]
        table = medians(runs) + medians(beside(words, home))
        if words.runs > 1:
            print(f"\nthe median of {words.runs}")
            for what, measured, spread, reach, load in table:
                print(f"{what:<55} {measured:<50} {spread:<20} {reach:<20} {load}".rstrip())
        if words.record:
            record(words.record, table, machine(home), words)
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
