"""F36: the power goes while the agent promises something else than that it has read a file: an answer over the socket, a
device's identity, a yes, a no, a key, a sealed bundle. Images of the disk as in `power`, half of them of the moment
behind the promise.
"""

import json
import os
import shutil
import signal
import time

import kills
from matrix import need
from power import Traced, boot, image, kept, lay, read_log, record, strace
from workstation import NOWHERE, Site, Socket

CARRIED_OUT = "its end"


def every_promise(bench):
    """F36: what was promised is there after the power is back, and what was not is whole or absent."""
    need("strace")
    reverted, works = 0, WORKS
    while bench.more(2000, 6 * len(works)):
        for work in works:
            if not bench.more(2000, 6 * len(works)):
                break
            made = work(bench)
            for _ in range(bench.many(40, 6)):
                if not bench.more(2000, 6 * len(works)):
                    break
                bench.cases += 1
                reverted += made.boot(bench, f"{work.__name__}, image {bench.cases}", bench.check)
    for work in works:
        control(bench, work)
    return f"{', '.join(work.__name__ for work in works)}: {reverted} files went back, {len(bench.wrong)} violations"


def control(bench, work):
    """Without the syncs that a promise waits for, it has to be broken in some image."""
    made, bad = work(bench), []
    for number in range(40):
        made.boot(bench, f"{number}", lambda wrong, _: bad.append(wrong) if wrong else None, ignored=made.syncs)
        if bad:
            break
    bench.control(f"{work.__name__} without its syncs", bad)


class Made:
    """What was recorded while something was promised. `judge` gets the site on an image, what the receiver has, and
    when the cut was; `syncs` names the files whose syncs the control leaves out."""

    def __init__(self, traced, judge, syncs, **settings):
        self.traced, self.judge, self.settings = traced, judge, settings
        self.syncs = lambda path: any(word in path for word in syncs)

    def boot(self, bench, where, note, ignored=lambda path: False):
        """One image; how many files lost something."""
        whole = len(self.traced.calls)
        cut = whole if bench.draw.random() < 0.5 else bench.draw.randrange(1, whole + 1)
        left, moment, reverted = image(bench, self.traced, ignored, cut)
        site = lay(bench, self.traced, left, **self.settings)
        received = bench.receiver.begin()
        note(self.judge(site, received, CARRIED_OUT if cut == whole else moment), where)
        return reverted


def watched(bench, site, *words, codes=(0,)):
    """Runs a command under strace; what it wrote."""
    before = kept(bench, site)
    ended = site.run(*words, wrapper=strace(bench))
    bench.ended(ended, f"{words} under strace", codes)
    return Traced(site, before, read_log(bench.home, site.home), bench.receiver.received)


def sends(site, received, given=None):
    """Two drains to the collector; what went wrong with them, or is missing of `given`."""
    wrong = []
    for _ in range(2):
        ended = site.once("--close")
        wrong += [ended.broke() or f"exit code {ended.code}: {ended.err[:200]}"] if ended.broke() or ended.code else []
    damaged = site.status()["dropped"].get("damaged")
    wrong += [f"{damaged} counted as damaged"] if damaged else []
    wrong += [] if site.run("consent", "verify").code == 0 else ["the ledger does not verify"]
    return wrong + (site.verify(received, but=given) if given is not None else [])


def socket(bench):
    """Events over the socket, each of which was answered."""
    site = bench.site("spoken", url=NOWHERE)
    before, answered = kept(bench, site), {}
    process = site.start("run", wrapper=strace(bench))
    line = Socket(site.socket, patience=30)
    for _ in range(bench.draw.randrange(4, 20)):
        answer = line.ask(site.event(spoken=True))
        if answer and answer["ok"]:
            answered[site.given[-1]] = time.time()
    bench.check(None if answered else "no event was taken", "socket under strace")
    calls = stopped(bench, process, site)

    def judge(site, received, moment):
        site.configure(bench.receiver.url())
        there = lambda at: moment == CARRIED_OUT or at <= moment
        return sends(site, received, [event for event, at in answered.items() if not there(at)])

    return Made(Traced(site, before, calls, bench.receiver.received), judge, ("/db", "/conf"))


def stopped(bench, process, site):
    """Ends a service in order; what it wrote."""
    os.killpg(process.pid, signal.SIGTERM)  # strace keeps it from itself
    process.communicate(timeout=60)
    return read_log(bench.home, site.home)


def identity(bench):
    """An enrolment: the keys of the device and its certificate."""
    home = bench.home / "new"
    shutil.rmtree(home, ignore_errors=True)
    bench.receiver.begin()
    site = Site(home, bench.program, bench.receiver)
    (home / "token").write_text("any")
    traced = watched(bench, site, "enroll", "--token-file", home / "token")
    device = site.status()["device"]

    def judge(site, received, moment):
        wrong = []
        if moment == CARRIED_OUT:
            found = site.status()["device"]
            wrong += [f"another device, {found}"] if found != device else []
        else:
            (site.home / "token").write_text("any")
            again = site.run("enroll", "--token-file", site.home / "token")
            wrong += [again.broke()] if again.broke() else []
        granted = site.grant()
        wrong += [f"no yes after it: {granted.err[:200]}"] if granted.code else []
        site.leave([site.event() for _ in range(3)])
        return wrong + sends(site, received, ())

    return Made(traced, judge, ("/keys", "/certificate"))


def enrolled(bench):
    """A device that nobody has said yes on."""
    place = bench.home / "enrolled"
    if not place.exists():
        Site(place, bench.program, bench.receiver).enrol()
    bench.receiver.begin()
    return Site(place, bench.program, bench.receiver)


def yes(bench):
    """A yes, and what is reported after it."""
    site = enrolled(bench).copy(bench.home / "yes")
    digest = json.loads(site.must("consent", "show", "usage_statistics", "--json"))["digest"]
    traced = watched(bench, site, "consent", "grant", "usage_statistics", "--by", "owner", "--yes", digest)

    def judge(site, received, moment):
        state = site.status()["consent"]["usage_statistics"]
        if state != "granted" and moment == CARRIED_OUT:
            return [f"the yes is {state}"]
        if state != "granted":
            wrong = sends(site, received)
            return wrong + (["a payload without a yes"] if received.records else [])
        site.leave([site.event() for _ in range(3)])
        return sends(site, received, ())

    return Made(traced, judge, ("/ledger.",))


def key(bench):
    """The first events after a yes: the key that they are sealed with."""
    site = enrolled(bench).copy(bench.home / "keyless")
    granted = site.grant()
    bench.ended(granted, "the yes", codes=(0,))
    made = Made(None, None, ("/db", "/conf", "/keys"))
    made.traced = record(bench, site.copy(bench.home / "traced", url=NOWHERE))
    made.boot = lambda bench, where, note, ignored=lambda path: False: boot(bench, made.traced, where, note, ignored)
    return made


def no(bench):
    """A withdrawal, with records and files that wait: no key of theirs is left in any file."""
    site, words, _ = kills.withdrawal(bench, "refused")
    secrets = {path.read_bytes() for path in (site.data / "keys").glob("usage_statistics-*")}
    bench.check(None if secrets else "there is no key to be erased", "no")
    traced = watched(bench, site, *words)

    def judge(site, received, moment):
        wrong = []
        if moment == CARRIED_OUT:
            # A file without a name has its blocks still: each has to be overwritten before.
            held = [file for file in traced.files for _ in range(8) if file.after_the_cut(bench.draw) in secrets]
            wrong += [f"{len(held)} times a key is still on the disk"] if held else []
            state = site.status()["consent"]["usage_statistics"]
            wrong += [f"the no is {state}"] if state != "withdrawn" else []
        return wrong + sends(site, received) + kills.nothing_left(site, received)

    return Made(traced, judge, ("/ledger.", "/keys"))


def bundle(bench):
    """A draft that is sealed."""
    site = bench.site("sealing", url=NOWHERE)
    site.configure(NOWHERE, case=True)
    draft = json.loads(site.must("support", "preview", "--case", "CUT-1", "--reason", "error", "--json", "-o", site.home / "copy"))
    words = ("support", "create", draft["draft"], "--yes", draft["digest"], "--by", "owner")
    traced = watched(bench, site, *words, codes=(0, 2))

    def judge(site, received, moment):
        if moment != CARRIED_OUT:
            again = site.run(*words)  # whatever of it is there already
            if again.broke() or again.code not in (0, 2):
                return [f"sealed again: {again.broke() or again.err[:200]}"]
        wrong = sends(site, received)
        whole = len(received.uploads.whole)
        return wrong + ([f"{whole} bundles arrived"] if whole != 1 else [])

    return Made(traced, judge, ("/bundles", "/keys", "/ledger."), case=True)


WORKS = (socket, identity, yes, key, no, bundle)
