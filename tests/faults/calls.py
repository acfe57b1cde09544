"""F3: the n-th call of the file system fails, for every n until none is left to fail."""

import re
import shutil

from matrix import Skipped, need
from workstation import NOWHERE

# What fails, and how: as a disk that is broken, full, or interrupted.
FAILURES = [
    *((call, error) for call in ("fsync", "fdatasync") for error in ("EIO", "ENOSPC")),
    *((call, error) for call in ("write", "pwrite64") for error in ("EIO", "ENOSPC", "EINTR")),
    *((call, error) for call in ("read", "pread64") for error in ("EIO", "EINTR")),
    *(("openat", error) for error in ("EIO", "EMFILE", "ENOSPC")),
    ("rename", "EIO"), ("unlink", "EIO"), ("unlinkat", "EIO"), ("mkdir", "ENOSPC"), ("ftruncate", "ENOSPC"),
    ("sync_file_range", "EIO"), ("copy_file_range", "EIO"), ("statx", "EIO"),
]


def nth_call(bench):
    """F3: after whatever error, the process ended in order and the next start has everything."""
    need("strace")
    template = prepared(bench)
    device = template.status()["device"]
    fired = 0
    for calls, error in FAILURES:
        silent, number = 0, 0
        steps = 1 if bench.full else bench.draw.randrange(17, 41)
        while not silent:
            if bench.is_over():
                bench.note("ended by time", f"in {error} of {calls}")
                break
            number += steps if number else bench.draw.randrange(1, steps + 1)
            hit = tried(bench, template, device, calls, error, number, f"call {number}, {error} of {calls}")
            silent += not hit
            fired += hit
    control(bench, template)
    return f"{fired} failures, {len(bench.wrong)} violations"


def prepared(bench):
    """Something waits sealed, something is journaled, and something lies in the outbox."""
    site = bench.site("template-calls", url=NOWHERE)
    site.fill(bench.draw, 2, 10)
    site.once()
    site.fill(bench.draw, 2, 10)
    site.configure(bench.receiver.url())
    return site


def tried(bench, template, device, call, error, number, where):
    """One case: a run in which this call fails, then a clean start. Whether it failed: no case if not."""
    site, received = template.copy(bench.home / "site"), bench.receiver.begin()
    hit = inject(site, bench.home / "strace", call, f"error={error}", number)
    if hit is None:
        raise Skipped("strace may not trace here")
    ended, injected = hit
    if injected:
        bench.cases += 1
        bench.check(ended.broke(), where)
        verify(bench, site, received, where, device)
    return injected


def inject(site, log, calls, what, number, timeout=60):
    """A run with a fault at the n-th of these calls: how it ended, and whether the fault came."""
    wrapper = ["strace", "-f", "-q", "-o", str(log), "-e", f"trace={calls}", "-e", f"inject={calls}:{what}:when={number}"]
    ended = site.once("--close", wrapper=wrapper, timeout=timeout)
    if not log.exists():
        return None
    injected = "(INJECTED)" in log.read_text(errors="replace")
    log.unlink()
    return ended, injected


def verify(bench, site, received, where, device):
    """A clean start is the same device, with the same consent, and has everything: what could not be read once is
    neither absent nor damaged."""
    bench.ended(site.once("--close"), "clean start after " + where)
    status = site.status()
    bench.check("another identity" if status["device"] != device else None, where)
    state = status["consent"]["usage_statistics"]
    bench.check(f"the consent is {state}" if state != "granted" else None, where)
    bench.check(f"dropped {status['dropped']}" if status["dropped"] else None, where)
    # The file that can't be read now is read after the others.
    passed_over = "EIO of" in where or "of openat" in where
    wrong = site.verify(received)
    bench.check([what for what in wrong if not passed_over or what != "out of order"], where)
    waiting = sum(queue["records"] for queue in status["waiting"].values())
    bench.check(f"{waiting} records wait for ever" if waiting else None, where)


def control(bench, template):
    """A disk that says yes and writes nothing: the check has to see it."""
    log = bench.home / "strace"
    site = template.copy(bench.home / "site")
    bench.receiver.begin()
    site.once("--close", wrapper=["strace", "-f", "-q", "-o", str(log), "-e", "trace=pwrite64"], timeout=60)
    written = [int(size) for size in re.findall(r"pwrite64\(.*= (\d+)$", log.read_text(errors="replace"), re.MULTILINE)]
    log.unlink()
    seen = False
    for number in sorted(range(len(written)), key=lambda at: -written[at]):
        site = template.copy(bench.home / "site")
        received = bench.receiver.begin()
        ended, _ = inject(site, log, "pwrite64", f"retval={written[number]}", number + 1, timeout=10)
        site.once("--close")
        lost = site.status()["dropped"].get("damaged", 0)
        if ended.code not in (0, 3) or lost or site.verify(received):
            seen = True
            break
    bench.control("a write that is said to be done and is not", seen)
    shutil.rmtree(bench.home / "site", ignore_errors=True)
