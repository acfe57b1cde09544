"""F3: the n-th call of the file system fails, for every n until none is left to fail."""

import shutil

from matrix import Skipped, need

# What fails, and how: as a disk that is broken, full, or interrupted.
FAILURES = [
    ("fsync,fdatasync", "EIO"), ("fsync,fdatasync", "ENOSPC"), ("write,pwrite64", "EIO"), ("write,pwrite64", "ENOSPC"),
    ("rename,renameat,renameat2", "EIO"), ("unlink,unlinkat", "EIO"), ("mkdir,mkdirat", "ENOSPC"),
    ("openat", "EMFILE"), ("openat", "EIO"), ("openat", "ENOSPC"), ("read,pread64", "EIO"), ("read,pread64", "EINTR"),
    ("write,pwrite64", "EINTR"), ("ftruncate,fallocate", "ENOSPC"), ("sync_file_range", "EIO"),
    ("copy_file_range", "EIO"), ("statx,fstat,newfstatat", "EIO"),
]


def nth_call(bench):
    """F3: after whatever error, the process ended in order and the next start has everything."""
    need("strace")
    template = prepared(bench)
    fired, log = 0, bench.home / "strace"
    for calls, error in FAILURES:
        silent, number = 0, 0
        steps = 1 if bench.full else bench.draw.randrange(17, 41)
        while not silent:
            if bench.is_over():
                bench.note("ended by time", f"in {error} of {calls}")
                break
            number += steps if number else bench.draw.randrange(1, steps + 1)
            site = template.copy(bench.home / "site")
            received = bench.receiver.begin()
            where = f"{error} at call {number} of {calls}"
            hit = inject(site, log, calls, f"error={error}", number)
            if hit is None:
                raise Skipped("strace may not trace here")
            ended, injected = hit
            silent += not injected
            fired += injected
            bench.cases += 1
            bench.check(ended.broke(), where)
            verify(bench, site, received, where)
    control(bench, template, log)
    return f"{fired} failures, {len(bench.wrong)} violations"


def prepared(bench):
    """Something waits sealed, something is journaled, and something lies in the outbox."""
    site = bench.site("template-calls", url="https://127.0.0.1:1")
    site.fill(bench.draw, 2, 10)
    site.once()
    site.fill(bench.draw, 2, 10)
    site.configure(bench.receiver.url())
    return site


def inject(site, log, calls, what, number):
    """A run with a fault at the n-th of these calls: how it ended, and whether the fault came."""
    wrapper = ["strace", "-f", "-q", "-o", str(log), "-e", f"trace={calls}", "-e", f"inject={calls}:{what}:when={number}"]
    ended = site.once("--close", wrapper=wrapper, timeout=60)
    if not log.exists():
        return None
    injected = "(INJECTED)" in log.read_text(errors="replace")
    log.unlink()
    return ended, injected


def verify(bench, site, received, where):
    """A clean start has everything, but what it counts as lost when the disk did not give the bytes back."""
    bench.ended(site.once("--close"), "clean start after " + where)
    lost = site.status()["dropped"].get("damaged", 0)
    wrong = site.verify(received, but=site.given if lost else (), sums=not lost)
    bench.check(wrong, where)
    if lost:
        bench.note("losses that were counted", f"{where.split(' at ')[0]} of {where.rsplit(' ', 1)[1]}")


def control(bench, template, log):
    """A disk that says yes and writes nothing: the check has to see it."""
    seen = False
    for number in range(1, 60):
        site = template.copy(bench.home / "site")
        received = bench.receiver.begin()
        ended, injected = inject(site, log, "pwrite64,write", "retval=4096", number)
        if not injected:
            break
        site.once("--close")
        lost = site.status()["dropped"].get("damaged", 0)
        if ended.code not in (0, 3) or lost or site.verify(received):
            seen = True
            break
    bench.control("a write that is said to be done and is not", seen)
    shutil.rmtree(bench.home / "site", ignore_errors=True)
