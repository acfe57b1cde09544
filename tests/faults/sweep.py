"""F35: each read, open and stat of four commands fails once, as on a disk that does not answer: nothing is lost by it."""

import json
import re

from damage import support_case
from matrix import Skipped, need
from workstation import EVENT, NOWHERE

LOOKS = ("openat", "read", "pread64", "statx", "newfstatat", "fstat", "getdents64")
LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")
GIVEN = 520


def every_look(bench):
    """F35: the command says so and stops, or does it all the same; done again, it does what it would have done."""
    need("strace")
    template = prepared(bench)
    figures = []
    for name, words in commands(template).items():
        looks = looks_of(bench, template, words)
        if not bench.full:
            looks = bench.draw.sample(looks, min(len(looks), 12))
        fired = quiet = 0
        for call, number, _ in looks:
            if bench.is_over():
                bench.note("ended by time", f"in {name}")
                break
            hit = tried(bench, template, name, call, f"error=EIO:when={number}", f"{call} {number}")
            fired += hit is not None
            if hit and not hit.is_said:
                quiet += 1
                bench.note("absorbed without a word", re.sub(r"[0-9a-f]{8,}", "*", hit.file))
        figures.append(f"{name} {fired} ({quiet} absorbed)")
    control(bench, template)
    return f"EIO once in {', '.join(figures)}: {len(bench.wrong)} violations"


class Hit:
    """A command of which a call failed: the first file that it concerned, and whether the command said so."""

    def __init__(self, file, ended):
        self.file = file
        self.is_said = ended.code not in (0, 3) or bool(ended.err.strip()) or is_reported(ended.out)


def tried(bench, template, name, looks, how, what, path=None):
    """One case: a command whose looks, at `path` alone if there is one, fail as `how` says; then the judgement. None if
    no look failed."""
    site, received = fresh(bench, template)
    words, log = commands(template)[name], bench.home / "strace"
    only = ["-P", str(site.data / path)] if path else []
    inject = [*only, "-e", f"trace={looks}", "-e", f"inject={looks}:{how}"]
    ended = site.run(*words, wrapper=strace(log, *inject), timeout=60)
    files = [file for _, _, file in below(log, site, injected=True)]
    if not files:
        return None
    hit = Hit(files[0].removeprefix(f"{site.home}/"), ended)
    where = f"{name}, {what} of {hit.file}"
    bench.cases += 1
    bench.check(ended.broke(), where)
    judge(bench, site, received, template, name, words, where)
    return hit


def commands(template):
    """What is run while a look fails."""
    return {
        "status": ("status", "--json"), "run --once": ("run", "--once"),
        "consent withdraw": ("consent", "withdraw", "usage_statistics"),
        "support create": ("support", "create", template.draft["draft"], "--yes", template.draft["digest"], "--by", "owner"),
    }


def prepared(bench):
    """520 events wait and some counts, others lie in the outbox; a bundle waits, and a draft to be sealed."""
    site = bench.site("template-sweep", url=NOWHERE)
    site.leave([site.event() for _ in range(GIVEN)])
    site.leave([site.count(bench.draw) for _ in range(20)])
    site.once()
    support_case(bench, site)
    site.fill(bench.draw, 1, 20)
    site.device = site.status()["device"]
    return site


def fresh(bench, template):
    """A copy of the workstation, and an empty page of the receiver."""
    site = template.copy(bench.home / "site", case=True)
    site.draft = template.draft
    return site, bench.receiver.begin()


def strace(log, *words):
    """What runs a program under strace with every thread."""
    return ["strace", "-f", "-q", "-y", "-s", "0", "-o", str(log), *words]


def looks_of(bench, template, words):
    """Each look at a file of the workstation's: the call, its number among those of its thread, the file."""
    site, _ = fresh(bench, template)
    log = bench.home / "strace"
    site.run(*words, wrapper=strace(log, "-e", f"trace={','.join(LOOKS)}"))
    if not log.exists():
        raise Skipped("strace may not trace here")
    return sorted(set(below(log, site)))


def below(log, site, injected=False):
    """The looks of a log at what lies below the workstation's directory; only those that were made to fail."""
    counts, found = {}, []
    for line in log.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if not match:
            continue
        thread, call, rest = match.groups()
        counts[thread, call] = counts.get((thread, call), 0) + 1
        named = [path for path in re.findall(r'[<"]([^<>"]+)[>"]', rest) if path.startswith(str(site.home) + "/")]
        if named and ("(INJECTED)" in rest or not injected):
            found.append((call, counts[thread, call], named[-1]))
    log.unlink()
    return found


def is_reported(out):
    """Whether `status` names a problem that is not always there."""
    try:
        problems = json.loads(out)["problems"]
    except (ValueError, KeyError, TypeError):
        return False
    return any("cannot be" in problem for problem in problems)


def judge(bench, site, received, template, name, words, where):
    """The command done again, then everything sent: as if nothing had been."""
    usual = {"status": (0,), "run --once": (0, 3), "consent withdraw": (0,), "support create": (0, 2)}[name]
    bench.ended(site.run(*words), where + ", again", codes=usual)
    status = site.status()
    bench.check("another identity" if status["device"] != template.device else None, where)
    is_withdrawn = name == "consent withdraw"
    state = status["consent"]["usage_statistics"]
    bench.check(f"the consent is {state}" if state != ("withdrawn" if is_withdrawn else "granted") else None, where)
    cases = {case["case"]: case["support_case"] for case in status["cases"]}
    bench.check(f"the case is {cases}" if cases.get("SEALED-1") != "granted" else None, where)
    bench.ended(site.once("--close"), where + ", sent", codes=(0,))
    dropped = site.status()["dropped"]
    whole = len(received.uploads.whole)
    wanted = 2 if name == "support create" else 1
    bench.check(f"{whole} bundles arrived, not {wanted}" if whole != wanted else None, where)
    if is_withdrawn:
        events = [record for record in received.records.values() if record["entry"] == EVENT]
        bench.check(f"{len(events)} events left after the withdrawal" if events else None, where)
        expected = {"withdrawn": GIVEN + 20, "no_consent": 20}
        bench.check(f"dropped {dropped}, not {expected}" if dropped != expected else None, where)
    else:
        bench.check(f"dropped {dropped}" if dropped else None, where)
        bench.check(site.verify(received), where)


def control(bench, template):
    """A file that is absent, and not only out of reach: the same check has to see that."""
    site, received = fresh(bench, template)
    (site.data / "keys/device.key").unlink()
    seen = bench.found(lambda: judge(bench, site, received, template, "status", ("status", "--json"), "control"))
    bench.control("an identity that is gone", any("another identity" in wrong for wrong in seen))
