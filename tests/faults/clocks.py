"""F9, F10 and F31: a wrong clock, a month without the collector, a store of another version; time is faketime's."""

import datetime
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import threading

from damage import support_case
from disk import runs, watch
from matrix import ROOT, need
from receiver import Authority, Receiver
from workstation import EVENT, NOWHERE, Site, spawn, until

NOW = datetime.datetime.now(datetime.timezone.utc)


def clock(how):
    """What starts a program with another clock, as faketime understands it; by its library alone: the program of that
    name does not start where one with its process number was killed before, so it is asked again, under another."""
    ask = ["faketime", "-f", "+0d", "printenv", "LD_PRELOAD"]
    library = until(lambda: subprocess.run(ask, capture_output=True, text=True).stdout.strip())
    return ["env", "TZ=UTC", f"LD_PRELOAD={library}", f"FAKETIME={how}"]


def at(moment):
    """Starts a program at this time (UTC); the clock runs on from there."""
    return clock(moment.strftime("@%Y-%m-%d %H:%M:%S"))


def wrong(bench):
    """F9: years ahead, years behind, 1970, the hour that comes twice: nothing that waits is deleted."""
    need("faketime")
    moments = {
        "ten years ahead": NOW + datetime.timedelta(3653), "ten years behind": NOW - datetime.timedelta(3653),
        "1970": datetime.datetime(1970, 1, 2), "2038": datetime.datetime(2038, 1, 19, 3, 14, 6),
        "the night of summer time": datetime.datetime(2027, 3, 28, 0, 59, 58),
        "the night of winter time": datetime.datetime(2027, 10, 31, 0, 59, 58),
        "a leap day": datetime.datetime(2028, 2, 29, 23, 59, 58), "a day ahead": NOW + datetime.timedelta(1),
        "an hour behind": NOW - datetime.timedelta(hours=1),
    }
    for what, moment in moments.items():
        site = bench.site(url=NOWHERE)
        received = bench.receiver.received
        site.fill(bench.draw, 2, 20)
        site.once()
        before = site.status()["waiting"]
        # And what Kathea reports lies in the outbox when the clock jumps.
        site.fill(bench.draw, 2, 25)
        site.configure(bench.receiver.url())
        bench.cases += 1
        for words in (("run", "--once"), ("status",), ("run", "--once")):
            bench.ended(site.run(*words, wrapper=at(moment)), what, codes=(0, 1, 3))
        after = site.status()
        kept = after["waiting"]["usage"]["records"] + len(received.records)
        bench.check(f"{before} became {after['waiting']}" if kept < before["usage"]["records"] else None, what)
        bench.check(f"dropped {after['dropped']}" if after["dropped"] else None, what)
        beside = site.home / "consent.json"  # not written while nothing is new
        reported = json.loads(beside.read_text())["usage_statistics"] if beside.exists() else "granted"
        bench.check(f"Kathea sees {reported}" if reported != "granted" else None, what)
        bench.ended(site.once("--close"), what + ", the clock is right", codes=(0,))
        bench.check(site.verify(received), what + ", the clock is right")
        if what == "1970":
            shutil.rmtree(site.data / "spool", ignore_errors=True)
            site.fill(bench.draw, 1, 5)
            bench.control("what is taken in while the clock is wrong", site.once("--close", wrapper=at(moment)) and
                          site.verify(received))
    past_end(bench)
    return "0 deletions; the drain after the clock was right sent everything"


def past_end(bench):
    """A case that is restricted is kept when its end is past, and nothing about it wakes the service."""
    site = bench.site("past", url=NOWHERE)
    support_case(bench, site)
    site.must("consent", "restrict", "support_case", "--case", "SEALED-1")
    # The agent itself has to be the process that is watched.
    site.env = dict(word.split("=", 1) for word in at(NOW + datetime.timedelta(40))[1:])
    process = site.start("run", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    runs(site)
    lines, spent = watch(process, 4)
    bench.cases += 1
    bench.check(f"{spent:.1%} of a processor" if spent > 0.05 else None, "an end that is past")
    bench.check("the bundle is gone" if not site.status()["bundles"] else None, "an end that is past")
    bench.note("a restricted case after its end", f"{spent:.1%} of a processor")
    spinning = spawn([sys.executable, "-c", "while True: pass"], stderr=subprocess.PIPE, text=True)
    bench.control("a loop that never sleeps", watch(spinning, 4)[1] > 0.05)


def outage(bench):
    """F10: thirty days at twenty times the usual, and nobody answers; the quota drops the oldest, counted. What is taken
    in compresses less than anything that Kathea says, so that the quota is reached, by a small one in a bounded run."""
    need("faketime")
    days, lines, quota = (30, 40_000, 16 << 20) if bench.full else (4, 220_000, 16 << 20)
    site = bench.site(url=NOWHERE)
    site.configure(NOWHERE, quota=f"{quota >> 20} MiB")
    received, most = bench.receiver.received, 0
    for day in range(days):
        moment = NOW + datetime.timedelta(day, hours=1)
        left = lines
        while left:
            part = min(left, 4000)
            site.leave([site.event(moment, version(bench.draw)) for _ in range(part - part // 10)] +
                       [site.count(bench.draw, moment) for _ in range(part // 10)])
            left -= part
        bench.ended(site.once(wrapper=at(moment), timeout=300), f"day {day}", codes=(0, 3))
        disk = sum(path.stat().st_blocks * 512 for path in (site.data / "spool").rglob("*") if path.name != "ballast")
        most = max(most, disk)
        bench.cases += lines
    last = NOW + datetime.timedelta(days - 1, hours=3)
    dropped = site.status()["dropped"].get("quota", 0)
    site.configure(bench.receiver.url(), quota=f"{quota >> 20} MiB")
    for _ in range(3):
        ended = site.once("--close", wrapper=at(last), timeout=600)
    bench.ended(ended, "the collector is back", codes=(0,))
    arrived = sorted(record["attributes"][1] for record in received.in_order() if record["entry"] == EVENT)
    lost = len(site.given) - len(arrived)
    # What was folded of counts is dropped too: a record, and no event.
    folded = dropped - lost
    whole = sum(site.sums.values()) == sum(site.arrived_sums(received).values())
    bench.check(f"{lost} lost, {dropped} counted" if folded < 0 or (folded == 0) != whole else None, "outage")
    bench.check(numbers_missing(received), "outage")
    bench.check("not the newest arrived" if arrived != site.given[len(site.given) - len(arrived):] else None, "outage")
    bench.check(f"{most >> 10} KiB on disk" if most > quota else None, "outage")
    bench.check("the quota was not reached" if not dropped else None, "outage")
    bench.check(f"{len(received.gaps)} reported as gaps" if len(received.gaps) != dropped else None, "outage")
    bench.check(received.wrong, "outage")
    epoch, oldest = min(received.records)
    del received.records[epoch, oldest + 1]
    bench.control("a drop that nobody counts", numbers_missing(received))
    return f"{len(site.given)} events in {days} days, {dropped} records dropped by a quota of {quota >> 20} MiB and reported, {most >> 10} KiB at most"


def numbers_missing(received):
    """The numbers that neither a record nor a gap has; None if each has one."""
    for epoch in {epoch for epoch, _ in [*received.records, *received.gaps]}:
        reported = {seq for of, seq in [*received.records, *received.gaps] if of == epoch}
        missing = max(reported) - min(reported) + 1 - len(reported)
        if missing:
            return f"{missing} numbers of an epoch are neither there nor a gap"
    return None


def version(draw):
    """A version that no other is like."""
    return ".".join(str(draw.randrange(1 << 16)) for _ in range(4))


def golden(bench):
    """F31: a store that an earlier version left: everything in it arrives."""
    need("faketime")
    for archive in sorted((ROOT / "tests/faults/golden").glob("*.tar.gz")):
        home = bench.home / archive.name
        with tarfile.open(archive) as tar:
            tar.extractall(home, filter="data")
        authority = Authority.__new__(Authority)
        authority.home, authority.serial = home, 100
        authority.ca, authority.key, authority.lock = home / "ca.pem", home / "ca.key", threading.Lock()
        made, events, counts = (home / "made").read_text().split()
        authority.clock = at(datetime.datetime.fromisoformat(made))
        receiver = Receiver(home, authority)
        site = Site(home / "site", bench.program, receiver, policy=home / "policy.toml")
        site.given = list(range(1, int(events) + 1))
        bench.cases += 1
        moment = datetime.datetime.fromisoformat(made) + datetime.timedelta(hours=1)
        bench.ended(site.once("--close", wrapper=at(moment)), archive.name, codes=(0,))
        bench.check(site.verify(receiver.received, sums=False), archive.name)
        sums = sum(site.arrived_sums(receiver.received).values())
        bench.check(f"{sums} counts of {counts}" if sums != int(counts) else None, archive.name)
        site.given.append(10**9)
        bench.control("a record that the store does not have", site.verify(receiver.received, sums=False))
        later(bench, site, archive.name)
    bench.check("no golden store" if not bench.cases else None, "golden")
    return "opened by the version of today; a store of a later format is refused and kept byte for byte"


def later(bench, site, where):
    """F31 downwards: a store whose number says that a later version wrote it."""
    number = str(2 + bench.draw.randrange(1000))
    (site.data / "format").write_text(f"{number} {hashlib.sha256(number.encode()).hexdigest()[:16]}\n")
    before = contents(site.data)
    for words in (("run", "--once"), ("status",), ("consent", "withdraw", "usage_statistics"), ("decommission", "--yes")):
        ended = site.run(*words)
        bench.cases += 1
        bench.ended(ended, f"{where}, later, {words}", codes=(1,))
        bench.check("no word of why" if "later version" not in ended.err else None, f"{where}, later, {words}")
        bench.check("something changed" if contents(site.data) != before else None, f"{where}, later, {words}")
    (site.data / "format").write_text(f"{number} of no meaning\n")
    bench.control("the number's own digest", site.run("status").code == 0 and contents(site.data) != before)


def contents(folder):
    """Every file and what is in it."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def keep_golden(bench):
    """Makes the golden store of this version, and opens it; for the day on which a format changes."""
    site = bench.site("golden", url=NOWHERE)
    name = site.must("--version").split()[-1]
    site.fill(bench.draw, 3, 20)
    site.once()
    (site.data / "spool/ballast").unlink(missing_ok=True)
    # The yes is to this policy, word for word; the one that a later version brings may ask anew.
    shutil.copy(ROOT / "protocol/policies/copenhagen-imaging.toml", bench.home / "policy.toml")
    made = f"{NOW.isoformat(timespec='seconds')} {len(site.given)} {sum(site.sums.values())}\n"
    (bench.home / "made").write_text(made)
    folder = ROOT / "tests/faults/golden"
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as tar:
        tar.add(site.data, "site/data")
        tar.add(bench.home / "made", "made")
        tar.add(bench.home / "policy.toml", "policy.toml")
        for name in ("ca.pem", "ca.key"):
            tar.add(bench.receiver.authority.home / name, name)
    return golden(bench)
