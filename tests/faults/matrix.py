"""What every row is run with, and the table that comes of it."""

import datetime
import multiprocessing
import os
import random
import shutil
import subprocess
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from proxy import Proxy
from receiver import Receiver
from workstation import Site, end_all

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "tests/faults/LAST_RUN.md"

# The negative controls that take away what the product does.
PROTECTIONS = {
    "the syncs of sled's files are off",
    "the syncs of the database are off",
    "the cursor is off",
    "the count of what is lost",
    "an administrator adds the proxy's root",
    "a second agent in another directory",
    "the number's own digest",
    *(f"{work} without its syncs" for work in ("socket", "identity", "yes", "key", "no", "bundle")),
    *(f"{file} out of reach counts as absent" for file in ("keys/device.key", "keys/root")),
}


class Skipped(Exception):
    """The row can't be run on this machine; says why. Under `REQUIRE_PEERS` the row has failed."""


class Row:
    """One line of the matrix and the function that runs it. `share` is its part of the time in a bounded run."""

    def __init__(self, name, what, function, share=1):
        self.name, self.what, self.function, self.share = name, what, function, share


class Bench:
    """What a row works with. Its random numbers follow from the seed and the row alone, those of a case from its number
    too. With `part`, a pair of numbers, it does the cases of one part of so many."""

    def __init__(self, row, words, home, part=(0, 1)):
        self.row, self.words, self.part, self.wanted = row, words, part, 0
        self.draw = random.Random(f"{words.seed} {row.name}")
        self.full, self.program, self.home = words.full, Path(words.agent).resolve(), Path(home)
        self.beside = Path(words.beside)
        self.until = time.monotonic() + words.minutes * 60 * row.share if words.minutes else None
        self.cases, self.wrong, self.controls, self.said = 0, [], [], {}
        self._receiver, self._template = None, None

    @property
    def receiver(self):
        """The receiving end, of its own for each row."""
        self._receiver = self._receiver or Receiver(self.home / "receiver")
        return self._receiver

    @property
    def template(self):
        """A workstation that is enrolled, said yes, and sent that."""
        if self._template is None:
            self._template = Site(self.home / "template", self.program, self.receiver).enrol()
            granted = self._template.grant()
            assert granted.code == 0, granted.err
            self._template.must("run", "--once")
        return self._template

    def site(self, name="site", **settings):
        """A fresh copy of the template, and a fresh page of the receiver."""
        self.receiver.begin()
        return self.template.copy(self.home / name, **settings)

    def proxy(self):
        """A fault proxy in front of the receiver."""
        return Proxy(self.receiver.port)

    def up_to(self, full, bounded):
        """Counts the cases: `full` of them in a full run, else `bounded`; fewer when the time is over."""
        self.wanted = self.many(full, bounded)
        for number in range(self.part[0], self.wanted, self.part[1]):
            if self.is_over():
                self.note("ended by time", f"after {self.cases} of {self.wanted}")
                return
            self.cases += 1
            self.draw = random.Random(f"{self.words.seed} {self.row.name} {number}")
            yield number

    def in_parts(self, work):
        """Does the cases of `work`, a function of a module, in as many processes as `--jobs` says. Each has a receiver and a
        workstation of its own; a case is the same in any. The sum of what they count."""
        jobs = self.words.jobs
        if jobs == 1:
            return work(self)
        parts = [(self.row, self.words, self.home / f"part-{number}", (number, jobs), work) for number in range(jobs)]
        counted = Counter()
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
            for counts, cases, wrong, said, self.wanted in pool.map(_part, parts):
                counted += counts
                self.cases += cases
                self.wrong += wrong
                for subject, what in said.items():
                    self.said.setdefault(subject, set()).update(what)
        if "ended by time" in self.said:
            self.said["ended by time"] = {f"after {self.cases} of {self.wanted}"}
        return counted

    def many(self, full, bounded):
        """A number that depends on the kind of run."""
        return full if self.full else bounded

    def more(self, full, bounded):
        """Whether there is another case to do; like `up_to`, for loops within loops."""
        wanted = self.many(full, bounded)
        if self.cases < wanted and self.is_over():
            self.note("ended by time", f"after {self.cases} of {wanted}")
            return False
        return self.cases < wanted

    def is_over(self):
        """Whether the row's time has run out. A slow machine does one case all the same: none would show nothing."""
        return bool(self.cases and self.until and time.monotonic() > self.until)

    def note(self, subject, what):
        """Something that the table has to say, each thing once."""
        self.said.setdefault(subject, set()).add(what)

    def check(self, wrong, where):
        """Notes what went wrong, if anything did."""
        for what in [wrong] if isinstance(wrong, str) else wrong or []:
            self.wrong.append(f"{where}: {what}")

    def ended(self, ended, where, codes=(0, 3)):
        """Notes an end that is not one of these."""
        broke = ended.broke() or (None if ended.code in codes else f"exit code {ended.code}: {ended.err[:200]}")
        self.check(broke, where)
        return broke is None

    def found(self, judgement):
        """What a judgement finds of something that is wrong on purpose: no case, and none of it is a violation."""
        cases, before, self.wrong = self.cases, self.wrong, []
        judgement()
        found, self.wrong, self.cases = self.wrong, before, cases
        return found

    def control(self, what, fails):
        """A negative control: the check has to fail. Where it is one of PROTECTIONS, something that the product does was
        taken away; else the check, the oracle, was shown a wrong result. `tests/mutants` switches off the rest."""
        kind = "protection" if what in PROTECTIONS else "oracle"
        self.controls.append((f"{what} ({kind})", bool(fails)))


def _part(given):
    """What one process of several does for a row."""
    *made, work = given
    made[2].mkdir()
    bench = Bench(*made)
    try:
        return work(bench), bench.cases, bench.wrong, bench.said, bench.wanted
    finally:
        end_all()


def need(*programs):
    """Skips the row without these programs."""
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise Skipped(f"needs {', '.join(missing)}")


def run(rows, words):
    """Runs them one after the other; 1 if one failed. A copy of the program is run: one that is built anew meanwhile
    would open what another one wrote."""
    print(f"seed {words.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-agent-") as place:
        os.chmod(place, 0o755)  # another account's agent is tried too
        words.beside = Path(words.agent).resolve().parent
        words.agent = shutil.copy(words.agent, place)
        lines = [_line(row, words) for row in rows]
    if words.record:
        keep(lines, words)
    return int(any(verdict == "FAILED" for *_, verdict, _ in lines))


def _line(row, words):
    """Runs one row, in a directory of its own; its line of the table."""
    begun = time.monotonic()
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="faults-", dir=shared, ignore_cleanup_errors=True) as home:
        bench = Bench(row, words, home)
        try:
            verdict, figure = _outcome(row, bench)
        finally:
            end_all()
    took = time.monotonic() - begun
    print(f"{row.name:4} {verdict:7} {bench.cases:6} cases {took:6.1f} s  {row.what}: {figure}", flush=True)
    for wrong in bench.wrong[:20]:
        print(f"       {wrong}", flush=True)
    return row.name, row.what, bench.cases, figure, verdict, took


def _outcome(row, bench):
    try:
        figure = row.function(bench)
    except Skipped as why:
        if "REQUIRE_PEERS" in os.environ:
            bench.wrong.append(f"REQUIRE_PEERS is set, but the row {why}")
        if not bench.wrong:
            return "SKIPPED", str(why)
        figure = f"not to its end: {why}"
    except Exception:  # noqa: BLE001  a row that breaks is a row that failed, and the others go on
        bench.wrong.append(traceback.format_exc(limit=4))
        figure = "broke"
    silent = [what for what, fails in bench.controls if not fails]
    bench.wrong += [f"the negative control did not fail: {what}" for what in silent]
    if not bench.wrong and not (bench.cases and bench.controls):
        bench.wrong.append("no case or no negative control was tried, so nothing was shown")
    figure = figure or f"{len(bench.wrong)} violations"
    parts = [figure, *(f"{subject}: {', '.join(sorted(what))}" for subject, what in bench.said.items())]
    if bench.controls:
        parts.append(f"negative controls: {'; '.join(what for what, _ in bench.controls)}")
    return ("FAILED" if bench.wrong else "passed"), "; ".join(parts)


def keep(lines, words):
    """Writes the table. Rows that were not run now stay as they were, with their own date."""
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")
    held = {}
    if KEPT.exists():
        for line in KEPT.read_text().splitlines():
            if line.startswith(("| F", "| C")):
                held[line.split("|")[1].strip()] = line
    for name, what, cases, figure, verdict, seconds in lines:
        ran = f"{now}, {commit}, {words.seed}"
        held[name] = f"| {name} | {what} | {cases} | {figure} | {verdict} | {seconds:.0f} s | {ran} |"
    order = sorted(held, key=lambda name: (name[0] != "F", int(name[1:])))
    head = (ROOT / "tests/faults/LAST_RUN.head.md").read_text()
    table = "| row | fault | cases | figure | verdict | took | run: UTC, commit, seed |\n|---|---|---|---|---|---|---|\n"
    KEPT.write_text(head + table + "\n".join(held[name] for name in order) + "\n")
