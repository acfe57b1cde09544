"""F39: one input is far too large: each file that the agent reads, grown to half a GiB, and a line without an end. It ends
in order, soon, and within its memory; with the file as it was, all is there.
"""

import os
import shutil
import socket
import threading
import time

import damage
from patience import highest
from workstation import NOWHERE, Site, Socket, spawn

GROWN = 512 << 20
# KiB that the agent may have in memory: the promise.
MEMORY = 64 << 10


def one_input(bench):
    """F39: the files of the data directory, those that people write, the outbox and the socket."""
    figures = {}
    for name, case in (("data", data), ("configuration", configuration), ("outbox", outbox), ("socket", spoken)):
        figures[name] = max(case(bench), default=(0, "nothing"))
    control(bench)
    listed = ", ".join(f"{name} {peak >> 10} MiB ({where})" for name, (peak, where) in figures.items())
    return f"highest memory: {listed}; {len(bench.wrong)} violations"


def grow(path):
    """Zeros behind what is there, none of which take space."""
    os.truncate(path, path.stat().st_size + GROWN)


def measured(bench, site, where, codes, *words):
    """Runs a command; the KiB that it had at most, and where."""
    process = site.start(*words)
    peak = highest(process)
    _, err = process.communicate()
    bench.check(f"{peak} KiB in memory" if peak > MEMORY else None, where)
    bench.check("it panicked: " + err[:300] if "panicked" in err else None, where)
    bench.check(f"exit code {process.returncode}: {err[:200]}" if process.returncode not in codes else None, where)
    return peak, where


def data(bench):
    """Each kind of file below `data_dir`."""
    template = damage.prepared(bench)
    damage.support_case(bench, template)
    seen = {}
    for path in sorted(path for path in template.data.rglob("*") if path.is_file()):
        kind = damage.kind(path.relative_to(template.data))
        # The store's own files are read page by page; they are F7's and F34's.
        if path.name not in ("lock", "CACHEDIR.TAG", "ballast") and kind not in ("spool", "request"):
            seen.setdefault((kind, path.suffix), path.relative_to(template.data))
    for (kind, _), path in seen.items():
        if bench.is_over():
            bench.note("ended by time", f"after {bench.cases} files")
            return
        site = template.copy(bench.home / "site", case=True)
        site.draft = template.draft
        received = bench.receiver.begin()
        grow(site.data / path)
        where = f"{path} grown"
        for words in (("status", "--json"), ("run", "--once")):
            yield measured(bench, site, f"{where}, {words[0]}", (0, 1, 3), *words)
        bench.check(received.wrong, where)
        if kind in damage.RESTORED:
            damage.restored(bench, site, kind, path, where, template)
        bench.cases += 1


def configuration(bench):
    """What people write: the configuration, the CA, a policy, a token."""
    template = bench.site("people", url=NOWHERE)
    template.fill(bench.draw, 1, 10)
    template.once()
    for what in ("agent.toml", "ca.pem", "policy.toml", "token"):
        site = template.copy(bench.home / "site")
        received = bench.receiver.begin()
        path = site.home / what
        words, codes = ("run", "--once"), (0, 1, 2, 3)
        if what == "ca.pem":
            shutil.copy(bench.receiver.authority.ca, path)
            site.configure(bench.receiver.url(), ca=path)
        elif what == "policy.toml":
            path.write_text("# a policy\n")
            site.configure(bench.receiver.url(), policy=path)
        elif what == "token":
            path.write_text("any")
            site = Site(bench.home / "unknown", bench.program, bench.receiver)
            words = ("enroll", "--token-file", path)
        grow(path)
        bench.cases += 1
        yield measured(bench, site, f"{what} grown", codes, *words)
        site = template.copy(bench.home / "site") if what == "token" else site
        site.configure(bench.receiver.url())
        bench.ended(site.once("--close"), f"{what} as it was", codes=(0,))
        bench.check(site.verify(received), f"{what} as it was")


def outbox(bench):
    """A line without an end, a file beyond its bound, and a good one after them."""
    site = bench.site("outbox")
    received = bench.receiver.received
    for name, size in (("long.ndjson", GROWN // 8), ("vast.ndjson", 4 << 30)):
        with open(site.outbox / name, "wb") as file:
            file.truncate(size)
            file.seek(size)
            file.write(b"\n")
        os.utime(site.outbox / name, (time.time() - 300,) * 2)  # nobody writes it any more
    site.fill(bench.draw, 1, 10)
    bench.cases += 1
    yield measured(bench, site, "outbox", (0, 3), "run", "--once", "--close")
    site.once("--close")
    bench.check(site.verify(received), "outbox")
    dropped = site.status()["dropped"]
    bench.check(f"dropped {dropped}, not a line and a file" if dropped != {"too_long": 2} else None, "outbox")


def spoken(bench):
    """64 MiB over the socket without the end of a line, while another connection is served."""
    site = bench.site("spoken")
    process = site.start("run")
    peak = []
    watch = threading.Thread(target=lambda: peak.append(highest(process)))
    watch.start()
    other = Socket(site.socket, patience=30)
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(10)
    line.connect(str(site.socket))
    try:
        for _ in range(64):
            line.sendall(b"x" * (1 << 20))
    except OSError:
        pass  # it was cut off, which is what a service may do
    answer = other.ask(site.event(spoken=True))
    bench.check(None if answer and answer["ok"] else f"another connection is not served: {answer}", "socket")
    process.terminate()
    process.communicate()
    watch.join()
    bench.cases += 1
    bench.check(f"{peak[0]} KiB in memory" if peak[0] > MEMORY else None, "socket")
    bench.ended(site.once("--close"), "socket, after it", codes=(0,))
    bench.check(site.verify(bench.receiver.received), "socket")
    yield peak[0], "a line without an end"


def control(bench):
    """A reader without a bound has to be seen: the same measurement, of a program that reads the file whole."""
    file = bench.home / "grown"
    file.touch()
    grow(file)
    greedy = spawn(["python3", "-c", f"open({str(file)!r}, 'rb').read()"])
    bench.control("a program that reads the whole of a file", highest(greedy) > MEMORY)
