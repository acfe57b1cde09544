"""F30, F33 and F34: keys that the system no longer gives, hours of everything at once, and a disk that must not grow."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from proxy import any_fault
from workstation import NOWHERE, Socket


def lost_root(bench):
    """F30: the system's key is another one, or gone: no plain text, no payload, what is lost is said."""
    for number in bench.up_to(40, 4):
        site = bench.site(url=NOWHERE)
        received = bench.receiver.received
        site.fill(bench.draw, 1, 20)
        site.once()
        root = site.data / "keys/root"
        secret = root.read_bytes()
        if number % 2:
            root.write_bytes(bench.draw.randbytes(len(secret)))
        else:
            root.unlink()
        site.configure(bench.receiver.url())
        ended = site.once("--close")
        bench.ended(ended, f"case {number}", codes=(0, 1, 3))
        bench.check("a payload was sent" if received.batches else None, f"case {number}")
        problems = " ".join(site.status()["problems"]) if ended.code != 1 else ended.err
        bench.check("nothing is said" if "key" not in problems else None, f"case {number}")
        plain = [path.name for path in site.data.rglob("*") if path.is_file() and b"kathea.crash" in path.read_bytes()]
        bench.check(f"plain text in {plain}" if plain else None, f"case {number}")
    (site.data / "note").write_bytes(b"kathea.crash")
    bench.control("plain text in data_dir", any(b"kathea.crash" in path.read_bytes() for path in site.data.rglob("*")
                                                if path.is_file()))
    return "0 payloads, 0 plain text"


def mixed(bench):
    """F33: a service under a random mix of cuts, lies and pauses, in seeded order; in the first third with kills, after
    that one process, whose memory and descriptors must not grow."""
    site, proxy = bench.site(), bench.proxy()
    received = bench.receiver.received
    site.configure(bench.receiver.url(proxy.port))
    seconds = 3600 if bench.full else 25
    seconds = min(seconds, bench.until - time.monotonic()) if bench.until else seconds
    disk_before = spool_bytes(site)
    begun, unanswered, figures, process = time.monotonic(), set(), [], None
    while not bench.cases or time.monotonic() - begun < seconds:
        if process is None or process.poll() is not None:
            process = site.start("run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            line = Socket(site.socket, patience=60)
        bench.cases += 1
        what = bench.draw.random()
        if what < 0.03:
            # As many as are taken in at once, over more than a tick of the clock.
            site.fill(bench.draw, 80, 1)
        elif what < 0.5:
            site.fill(bench.draw, bench.draw.randrange(1, 4), bench.draw.randrange(1, 60))
        elif what < 0.7:
            proxy.faults.append(any_fault(bench.draw, 4000))
        elif what < 0.8:
            asked = [500, 503, 429, 408]

            def answer(handler, _, asked=asked):
                if not asked or "/batches/" not in handler.path:
                    return False
                handler.problem(asked.pop(), "later", Retry_After="1")
                return True

            bench.receiver.answer = answer
        elif what < 0.97 or time.monotonic() - begun > seconds * 0.3:
            for _ in range(5):
                if line.ask(site.event(spoken=True)) is None:
                    unanswered.add(site.given[-1])
                    break
        else:
            process.send_signal(signal.SIGKILL)
            process.wait()
            figures = []
        time.sleep(bench.draw.uniform(0, 0.2))
        if process.poll() is None:
            figures.append(measure(process.pid))
    bench.note("seconds", f"{time.monotonic() - begun:.0f}")
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    bench.receiver.answer, proxy.faults = None, []
    # After an hour of faults some 200,000 records wait.
    bench.ended(site.once("--close", timeout=300), "at the end", codes=(0,))
    bench.check(site.verify(received, but=unanswered), "at the end")
    half = figures[len(figures) // 3:]
    if len(half) > 20:
        first, last = half[:len(half) // 4], half[-len(half) // 4:]
        memory = [max(value[0] for value in part) for part in (first, last)]
        files = [max(value[1] for value in part) for part in (first, last)]
        bench.check(f"memory grew from {memory[0]} to {memory[1]} KiB" if memory[1] > memory[0] * 1.15 + 2048 else None, "soak")
        bench.check(f"descriptors grew from {files[0]} to {files[1]}" if files[1] > files[0] + 8 else None, "soak")
        bench.note("memory", f"{memory[0]} KiB, then {memory[1]} KiB, in {len(figures)} looks at one process")
        bench.note("descriptors", f"{files[0]}, then {files[1]}")
    disk = spool_bytes(site)
    bench.check(f"{disk} bytes for an empty spool" if disk > 1 << 20 else None, "disk")
    bench.note("disk of the empty spool", f"{disk_before >> 10} KiB, then {disk >> 10} KiB")
    bench.control("a line that nobody gave", site.given.append(10**9) or site.verify(received, but=unanswered))
    return f"{len(site.given) - 1} events, {proxy.connections} connections"


def spool_bytes(site):
    """What the spool takes on the disk, its ballast aside."""
    return sum(path.stat().st_blocks * 512 for path in (site.data / "spool").rglob("*") if path.name != "ballast")


def measure(pid):
    """KiB of memory and open descriptors; zeros when it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]), len(os.listdir(f"/proc/{pid}/fd"))
    except (OSError, TypeError):
        return 0, 0


def steady(bench):
    """F34: fill and drain, again and again: the disk does not grow."""
    site = bench.site()
    received = bench.receiver.received
    lines = 20_000 if bench.full else 2000
    sizes, events = [], 0
    for _ in bench.up_to(50, 4):
        site.configure(NOWHERE)
        site.leave([site.event() for _ in range(lines)])
        site.once(timeout=120)
        sizes.append(spool_bytes(site))
        site.configure(bench.receiver.url())
        bench.ended(site.once(timeout=300), "drain", codes=(0,))
        events += lines
    bench.check(site.verify(received), "steady")
    bench.check(f"{sizes[0]} bytes, then {max(sizes)}" if max(sizes) > 1.5 * sizes[0] else None, "disk")
    site.configure(NOWHERE)
    for _ in range(2):
        site.leave([site.event() for _ in range(lines)])
        site.once(timeout=120)
    bench.control("nothing drained", spool_bytes(site) > 1.5 * sizes[0])
    return f"{events} events put and settled, at most {max(sizes) / lines:.1f} bytes of disk an event waiting"
