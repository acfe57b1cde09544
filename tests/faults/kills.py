"""F1 and F2: the process is killed, at random and at every named step. What it took in arrives once, in order."""

import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import time

from clocks import NOW, at
from matrix import ROOT
from proxy import Fault
from workstation import NOWHERE, Ended, Site, Socket


def at_random(bench):
    """F1: kill -9 while lines come in by file and by socket and batches go out."""
    site, unanswered = bench.site(), set()
    received = bench.receiver.received
    for number in bench.up_to(1000, 25):
        site.fill(bench.draw, bench.draw.randrange(3), bench.draw.randrange(1, 30))
        if number % 2:
            process = site.start("run", "--once", "--close")
        else:
            process = site.start("run")
            unanswered |= talk(bench, site)
        time.sleep(bench.draw.uniform(0.005, 0.15))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        bench.check("it panicked: " + errors[:200] if "panicked" in errors else None, f"kill {number}")
    site.fill(bench.draw, 1, 10)
    site.once("--close", kill_at="send.answered:1")  # for once surely between an answer and what follows from it
    bench.ended(site.once("--close"), "at the end", codes=(0,))
    bench.check(site.verify(received, but=unanswered), "after all kills")
    bench.control("the dedupe is off", received.twice)
    site.given.append(10**9)
    bench.control("a line is said to be given that was not", site.verify(received))
    return f"{len(site.given) - 1} events, {sum(site.sums.values())} counts, {received.twice} records sent twice and deduplicated"


def talk(bench, site):
    """Some lines over the socket; those that were sent and not answered may have been taken or not."""
    try:
        line = Socket(site.socket, patience=bench.draw.uniform(0.05, 0.4))
    except OSError:
        return set()
    for _ in range(bench.draw.randrange(1, 12)):
        text = site.event(spoken=True)
        answer = line.ask(text)
        if answer is None:
            return {site.given[-1]}
        if not answer["ok"]:
            bench.check(f"a good line was refused: {answer}", "socket")
    return set()


def steps():
    """Every step that the product names."""
    found = set()
    for path in (ROOT / "agent/src").rglob("*.rs"):
        found |= set(re.findall(r'killpoint::step\("([a-z_.]+)"\)', path.read_text()))
    return sorted(found)


def at_every_step(bench):
    """F2: a kill at each step, in every kind of work that comes to it, and at the same step again while that is
    repaired; in a bounded run once, in the work that is known for it."""
    works = {work.__name__: work(bench) for work in WORKS}
    unseen, least = [], 50
    for step in steps():
        known = KNOWN.get(step, KNOWN.get(step.split(".")[0], "day"))
        known = known if known in works else "day"
        order = [known, known, *(work for work in works if work != known)]
        reaching, done, missed = [], 0, 0
        for work in order:
            if not bench.is_over() and (bench.full or not reaching) and cut(bench, works[work], f"{step}:1"):
                reaching.append(work)
                done += 1
        times = [1, 1, 2, 3]
        while bench.full and reaching and done < 50 and missed < 50 and not bench.is_over():
            time = bench.draw.choice(times)
            if cut(bench, works[bench.draw.choice(reaching)], f"{step}:{time}"):
                done += 1
            else:
                # It may come but once in all of that work; and what is on its way to the collector keeps a merge off.
                missed += 1
                times = [other for other in times if other < time] or [1]
        bench.cases += done
        least = min(least, done)
        unseen += [] if done or step == "ledger.begun_later" and answers_end not in WORKS else [step]
    if bench.is_over():
        bench.note("ended by time", f"{len(unseen)} steps not reached")
    else:
        bench.check(f"never came to {unseen}" if unseen else None, "steps")
    control(bench)
    return f"{len(steps())} steps, each {least} times at least"


# The work that reaches the steps of one subsystem; all others occur on an ordinary day.
KNOWN = {"anew": "harmed", "carve": "damaged", "decommission": "retirement", "discard": "first_yes", "ended": "new_owner", "owner": "new_owner",
         "file.marked": "withdrawal", "file.overwritten": "withdrawal", "fold": "journal", "grant": "first_yes", "history": "own_history", "install": "merging", "key": "withdrawal", "merge": "merging", "purge": "withdrawal",
         "request": "asking", "withdraw": "withdrawal", "ledger.begun_later": "answers_end"}


def cut(bench, prepared, kill_at):
    """One case: True if the step was reached."""
    template, words, verify, *codes = prepared
    codes = codes or [(0, 3)]
    site = template.copy(bench.home / "site")
    received = bench.receiver.begin()
    killed = words(site, kill_at) if callable(words) else site.run(*words, kill_at=kill_at)
    if killed.code != -signal.SIGABRT:
        bench.ended(killed, kill_at, *codes)
        return False
    if bench.draw.random() < 0.3:
        again = site.once("--close", kill_at=kill_at)
        if again.code != -signal.SIGABRT:
            bench.ended(again, f"again at {kill_at}", *codes)
    bench.ended(site.once("--close"), f"after {kill_at}", *codes)
    bench.ended(site.once("--close"), f"twice after {kill_at}", *codes)
    bench.check(verify(site, received), kill_at)
    return True


def whole(site, received):
    return site.verify(received)


def day(bench):
    """Intake of files, periods that close, batches and their answers."""
    site = bench.site("day")
    site.fill(bench.draw, 5, 12)
    site.leave(["no line\n"])
    return site, ("run", "--once", "--close"), whole


def first_yes(bench):
    """The first yes, with files in the outbox that nobody said yes to."""
    site = bench.template.copy(bench.home / "yes")
    site.must("consent", "withdraw", "usage_statistics")
    site.once()
    digest = json.loads(site.must("consent", "show", "usage_statistics", "--json"))["digest"]
    site.leave([site.event()])
    site.given.clear()
    return site, ("consent", "grant", "usage_statistics", "--by", "owner", "--yes", digest), whole


def journal(bench):
    """A journal of so many pieces that the next one folds them."""
    site = bench.site("journal")
    process = site.start("run", stdout=None, stderr=subprocess.DEVNULL)
    line = Socket(site.socket)
    for _ in range(64):
        line.ask(site.count(bench.draw))
    process.kill()
    process.wait()
    site.leave([site.count(bench.draw) for _ in range(3)])
    return site, ("run", "--once"), whole


def withdrawal(bench, name="no"):
    """A no, with records and files that wait."""
    site = bench.site(name, url=NOWHERE)
    site.fill(bench.draw, 3, 10)
    site.once()
    site.fill(bench.draw, 1, 10)
    site.configure(bench.receiver.url())

    return site, ("consent", "withdraw", "usage_statistics"), nothing_left


def nothing_left(site, received, is_asked=True):
    """After a no: no key, no record, no payload, and the vendor was asked to erase."""
    status = site.status()
    if status["consent"]["usage_statistics"] == "granted":
        return site.verify(received)  # it was cut before the no was written: the yes stands
    wrong = ["a payload after the no"] if received.records else []
    wrong += [] if not is_asked or any("withdraw" in path for path, _ in received.privacy) else ["the vendor was not asked"]
    keys = [path.name for path in (site.data / "keys").glob("usage_statistics-*")]
    wrong += [f"keys left: {keys}"] if keys else []
    return wrong + (["records left"] if any(queue["records"] for queue in status["waiting"].values()) else [])


def new_owner(bench):
    """The clinic is sold, with records and files that wait."""
    site, _, _ = withdrawal(bench, "sold")
    return site, ("consent", "new-owner"), lambda site, received: nothing_left(site, received, is_asked=False)


def harmed(bench):
    """A no over a ledger that somebody changed, with records and files that wait: a new one begins."""
    site, _, _ = withdrawal(bench, "harmed")
    ledger = site.data / "ledger.ndjson"
    text = bytearray(ledger.read_bytes())
    text[30] ^= 1
    ledger.write_bytes(text)

    def erased(site, received):
        if any("begins a new ledger" in problem for problem in site.status()["problems"]):
            # It was cut before the new one began: nothing is allowed, nothing erased, and the user is informed.
            return ["a payload without a yes"] if received.records else []
        return nothing_left(site, received, is_asked=False)

    return site, ("consent", "withdraw", "usage_statistics"), erased


def retirement(bench):
    """The end of a device: what waits is sent, then every key goes."""
    site = bench.site("retired", url=NOWHERE)
    site.fill(bench.draw, 2, 10)
    site.once()
    site.configure(bench.receiver.url())

    def all_or_nothing(site, received):
        if not (site.data / "decommissioning").exists() and not (site.data / "decommissioned").exists():
            return site.verify(received)  # it was cut before the decision was durable
        keys = [path.name for path in (site.data / "keys").glob("*.key")]
        wrong = [f"keys left: {keys}"] if keys else []
        wrong += [] if any("decommission" in path for path, _ in received.privacy) else ["the vendor was not informed"]
        return wrong + ([] if (site.data / "decommissioned").exists() else ["no certificate"])

    return site, ("decommission", "--yes"), all_or_nothing, (0, 1, 3, 4)


def asking(bench):
    """A no whose request to the vendor waits."""
    site, _, _ = withdrawal(bench, "asked")
    site.must("consent", "withdraw", "usage_statistics")
    return site, ("run", "--once"), nothing_left


def damaged(bench):
    """A generation that has to be carved."""
    site = bench.site("damaged", url=NOWHERE)
    site.fill(bench.draw, 3, 10)
    site.once()
    site.configure(bench.receiver.url())
    for generation in (site.data / "spool/usage").iterdir():
        conf = generation / "conf"
        conf.write_bytes(b"\0" * conf.stat().st_size)
    return site, ("run", "--once", "--close"), whole


def merging(bench):
    """A generation of small records that is as long as one may be: what comes next closes it, and it is merged."""
    site = bench.site("merging", url=NOWHERE)
    process = site.start("run", stdout=None, stderr=subprocess.DEVNULL)
    line = Socket(site.socket)
    for _ in range(60):
        line.ask(site.event(spoken=True))
    process.kill()
    process.wait()

    def grown(site, kill_at):
        # It grows under the running service: sled cuts free segments off a file that it opens.
        site.configure(NOWHERE)
        process = site.start("run", kill_at=kill_at)
        try:
            line = Socket(site.socket)
            line.ask(site.event(spoken=True))
            for generation in (site.data / "spool/usage").iterdir():
                os.truncate(generation / "db", 8 << 20)
            line.ask(site.event(spoken=True))
        except OSError:
            pass  # it was killed before it listened
        site.unanswered = set(site.given[-2:])
        process.terminate()
        out, err = process.communicate()
        site.configure(bench.receiver.url())
        return Ended(process, out, err, False)

    return site, grown, lambda site, received: site.verify(received, but=site.unanswered)


def own_history(bench):
    """The clinic keeps its own history of the same events."""
    site = bench.site("own")
    site.must("history", "on")
    site.fill(bench.draw, 3, 10)
    return site, ("run", "--once", "--close"), whole


def answers_end(bench):
    """A no that is half a year old ends: the ledger begins later. By a clock that went through that time."""
    site = Site(bench.home / "answers", bench.program, bench.receiver)
    site.must("consent", "deny", "usage_statistics", "--by", "owner", wrapper=at(NOW))
    for days in (4, 8, 38, 68, 98, 128, 158, 181):
        site.once(wrapper=at(NOW + datetime.timedelta(days)))
    later = at(NOW + datetime.timedelta(186))

    def ended(site, kill_at):
        site.wrapper = later
        return site.run("run", "--once", kill_at=kill_at)

    def sound(site, received):
        left = (site.data / "ledger.ndjson").read_bytes()
        wrong = ["a payload without a yes"] if received.records else []
        wrong += ["the old answer is still there"] if left else []
        return wrong + ([] if site.run("consent", "verify").code == 0 else ["the ledger does not verify"])

    return site, ended, sound


WORKS = (day, first_yes, journal, withdrawal, asking, damaged, merging, new_owner, harmed, retirement, own_history,
         *([answers_end] if shutil.which("faketime") else []))


def control(bench):
    """The cursor of a source that was cut off is made useless: its lines have to come twice."""
    site = bench.site()
    site.fill(bench.draw, 1, 40)
    site.once(kill_at="intake.counted:1")
    for path in site.outbox.iterdir():
        path.rename(path.with_name("another.ndjson"))
    site.once("--close")
    bench.control("the cursor is off", site.verify(bench.receiver.received))


def cut_replies(bench):
    """F15: the collector stored a batch and its answer is cut, anywhere."""
    site, proxy = bench.site(), bench.proxy()
    received = bench.receiver.received
    site.configure(bench.receiver.url(proxy.port))
    site.fill(bench.draw, 1, 10)
    site.must("run", "--once")
    size = proxy.finished()[1]
    for number in bench.up_to(1000, 15):
        site.fill(bench.draw, 1, bench.draw.randrange(1, 20))
        proxy.faults = [Fault("deaf", after=max(1, size - bench.draw.randrange(0, 700)))]
        # A cut behind the answer lets all that waits go, one batch for each process before.
        bench.ended(site.once(timeout=300), f"cut {number}")
    proxy.faults = []
    bench.ended(site.once("--close", timeout=600), "at the end", codes=(0,))
    bench.check(site.verify(received), "after all cuts")
    bench.control("the dedupe is off", received.twice)
    return f"{received.twice} records came twice and were deduplicated"
