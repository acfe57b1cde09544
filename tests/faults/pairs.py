"""F38: two faults in one run. Each pair of: a kill at a step, a call of the file system that fails, a disk that is full from
some call on, a line that fails, a clock that is wrong, an old copy that was restored. Afterwards nothing is missing and
nothing came twice.
"""

import datetime
import itertools
import re
import signal

from clocks import NOW, at
from kills import steps
from matrix import need
from proxy import Fault
from workstation import NOWHERE

CALLS = [("fsync", "EIO"), ("fdatasync", "EIO"), ("write", "EIO"), ("pwrite64", "EIO"), ("rename", "EIO"),
         ("openat", "EIO"), ("read", "EIO"), ("unlink", "EIO")]
FULL = "write,pwrite64,ftruncate,mkdir"
KINDS = ("a kill", "a call that fails", "a full disk", "a line that fails", "a wrong clock", "an old copy")
PAIRS = list(itertools.combinations(KINDS, 2))
# Steps that an ordinary day comes to.
DAILY = re.compile(r"^(intake|outbox|fold|put|close|send|file|promise|remove)\.")


class Run:
    """One run of the agent with what was drawn for it."""

    def __init__(self, bench, site, proxy):
        self.bench, self.draw, self.site, self.proxy = bench, bench.draw, site, proxy
        self.wrapper, self.strace, self.kill_at, self.said = [], [], None, []

    def add(self, kind):
        """Draws a fault of this kind."""
        draw = self.draw
        if kind == "a kill":
            daily = [step for step in steps() if DAILY.match(step)]
            # Half of them where what was read is durable and its file is still there.
            self.kill_at = draw.choice(("intake.counted:1", f"{draw.choice(daily)}:{draw.choice((1, 1, 2, 3))}"))
            self.said.append(self.kill_at)
        elif kind == "a call that fails":
            call, error = draw.choice(CALLS)
            self._inject(call, f"error={error}:when={draw.randrange(1, 60)}")
        elif kind == "a full disk":
            self._inject(FULL, f"error=ENOSPC:when={draw.randrange(1, 120)}+")
        elif kind == "a line that fails":
            how = draw.choice(("cut", "deaf", "reset", "refuse"))
            self.proxy.faults = [Fault(how, after=draw.randrange(1, 6000)) for _ in range(draw.randrange(1, 4))]
            self.said.append(f"line: {how}")
        elif kind == "a wrong clock":
            days = draw.choice((3653, -3653, 1, -1, 400, -40))
            self.wrapper = at(NOW + datetime.timedelta(days))
            self.said.append(f"clock {days:+} days")
        else:
            self.said.append("an old copy")

    def _inject(self, call, what):
        self.strace += ["-e", f"inject={call}:{what}"]
        self.said.append(f"{call} {what}")

    def go(self):
        """Runs it; how it ended."""
        log = self.bench.home / "strace"
        calls = ",".join(sorted({call for call, _ in CALLS} | set(FULL.split(","))))
        traced = ["strace", "-f", "-q", "-o", str(log), "-e", f"trace={calls}", *self.strace] if self.strace else []
        # A period is closed by a clock that is right.
        close = [] if self.wrapper else ["--close"]
        ended = self.site.once(*close, wrapper=[*traced, *self.wrapper], kill_at=self.kill_at, timeout=90)
        log.unlink(missing_ok=True)
        return ended


def two_at_once(bench):
    """F38: every pair, in turn, at random places."""
    need("strace", "faketime")
    proxy, hit = bench.proxy(), {}
    for number in bench.up_to(1500, 2 * len(PAIRS)):
        pair = PAIRS[number % len(PAIRS)]
        site = bench.site(url=NOWHERE)
        received = bench.receiver.received
        site.fill(bench.draw, 2, 10)
        site.once()
        if "an old copy" in pair:
            site = restored(bench, site)
        site.fill(bench.draw, 2, 10)
        device = site.status()["device"]
        site.configure(bench.receiver.url(proxy.port))
        run = Run(bench, site, proxy)
        for kind in pair:
            run.add(kind)
        where = f"case {number}, {' and '.join(run.said)}"
        ended = run.go()
        if ended.code != -signal.SIGABRT or not run.kill_at:
            bench.check(ended.broke(), where)
        proxy.faults = []
        site.configure(bench.receiver.url())
        for _ in range(2):
            bench.ended(site.once("--close"), where + ", over", codes=(0,))
        status = site.status()
        bench.check("another identity" if status["device"] != device else None, where)
        bench.check(f"dropped {status['dropped']}" if status["dropped"] else None, where)
        # A file that could not be read is read after the others.
        bench.check([wrong for wrong in site.verify(received) if wrong != "out of order"], where)
        hit[pair] = hit.get(pair, 0) + 1
    control(bench)
    return f"{len(hit)} of {len(PAIRS)} pairs, {min(hit.values())} times at least; {len(bench.wrong)} violations"


def restored(bench, site):
    """The workstation goes on for a while and is then put back to what it was; the vendor knows what it sent meanwhile."""
    old = site.copy(bench.home / "old", url=NOWHERE)
    site.configure(bench.receiver.url())
    site.must("run", "--once")
    return old


def control(bench):
    """The cursor of a source is made useless by one fault, and the line cut by the other: its lines come twice."""
    site, proxy = bench.site(), bench.proxy()
    site.fill(bench.draw, 1, 40)
    proxy.faults = [Fault("deaf", after=2000)]
    site.configure(bench.receiver.url(proxy.port))
    site.once(kill_at="intake.counted:1")
    for path in site.outbox.iterdir():
        path.rename(path.with_name("another.ndjson"))
    site.configure(bench.receiver.url())
    site.once("--close")
    bench.control("the cursor is off", site.verify(bench.receiver.received))
