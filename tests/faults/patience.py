"""F12, F17, F18 and F26: who answers late, for ever, too much, or is cut off: every attempt has an end, and what waits
arrives in the end."""

import gzip
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from answers import arrives, is_batch, waiting
from clocks import clock
from matrix import need
from proxy import Fault, Proxy
from receiver import Receiver
from workstation import NOWHERE, spawn, until


def paced(bench):
    """F11, F12: a service against a collector that is down, and one that asks to come back later: it does not come
    earlier, nor when it is started anew meanwhile."""
    need("faketime")
    seconds = bench.many(12, 5)
    for what, least, most in (("500", 1, 8), ("Retry-After 4", 1, 4), ("Retry-After 1e9", 1, 1), ("Retry-After -5", 1, 12),
                              ("Retry-After date", 1, 1)):
        site = waiting(bench, 8)
        asked = []

        def answer(handler, _, what=what, asked=asked):
            if not is_batch(handler):
                return False
            asked.append(time.monotonic())
            after = {"500": None, "Retry-After 1e9": "1000000000", "Retry-After date": "Fri, 01 Jan 2099 00:00:00 GMT"}
            after = after.get(what, what.split(" ")[-1])
            handler.problem(500 if what == "500" else 503, "later", **({"Retry_After": after} if after else {}))
            return True

        bench.receiver.answer = answer
        process = site.start("run", stdout=None, stderr=subprocess.DEVNULL)
        until(lambda asked=asked: asked)
        time.sleep(seconds)
        process.kill()
        process.wait()
        bench.cases += 1
        bench.check(f"{len(asked)} requests in {seconds} s" if not least <= len(asked) <= most else None, what)
        if what == "Retry-After 4":
            early = [b - a for a, b in zip(asked, asked[1:]) if b - a < 3.9]
            bench.check(f"came after {early} s" if early else None, what)
        bench.note(f"requests in {seconds} s", f"{what}: {len(asked)}")
        before = len(asked)
        bench.ended(site.once("--close"), what + ", started anew", codes=(3,))
        if what in ("Retry-After 1e9", "Retry-After date"):
            bench.check("came earlier than asked" if len(asked) > before else None, what + ", started anew")
        if what == "500":
            bench.control("no Retry-After: it asks at once", len(asked) > before)
        site.wrapper = clock("+25h")  # nobody may ask for more than a day
        arrives(bench, site, what)
    return "nothing earlier than asked; the hour and the month are in simulated time: `cargo test -p agent pace`"


def hangs(bench):
    """F17: whoever hangs or drips; every attempt ends."""
    def head(handler, _):
        time.sleep(200)
        return True

    def slow_head(handler, _):
        for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" * 9:
            handler.wfile.write(bytes([byte]))
            time.sleep(1)
        return True

    def slow_body(handler, _):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n")
        for _ in range(300):
            handler.wfile.write(b" ")
            time.sleep(1)
        return True

    cases = {"nobody accepts TLS": Fault("hole"), "no answer": head, "a head that drips": slow_head,
             "a body that drips": slow_body, "a handshake that drips": Fault("drip", pause=1.0)}
    if not bench.full:
        cases = {"nobody accepts TLS": Fault("hole")}
        bench.note("only in a full run", "answers that hang for two minutes")
    sites, threads, took = {}, [], {}
    for what, bad in cases.items():
        receiver = Receiver(bench.home / what.replace(" ", "-"), bench.receiver.authority)
        receiver.consents = bench.receiver.consents
        site = bench.site(what.replace(" ", "-"))
        site.fill(bench.draw, 1, 20)
        port = receiver.port
        if isinstance(bad, Fault):
            proxy = Proxy(receiver.port)
            proxy.usual, port = bad, proxy.port
        else:
            receiver.answer = lambda handler, body, bad=bad: is_batch(handler) and bad(handler, body)
        site.configure(receiver.url(port))
        sites[what] = site

        def go(what=what, site=site):
            begun = time.monotonic()
            ended = site.once("--close", timeout=200)
            took[what] = time.monotonic() - begun
            bench.ended(ended, what, codes=(3,))

        threads.append(threading.Thread(target=go))
        bench.cases += 1
    hole = Proxy(bench.receiver.port)
    hole.usual = Fault("hole")
    patient = socket.create_connection(("127.0.0.1", hole.port))
    patient.settimeout(0.1)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bench.control("a client without limits still waits", waits(patient))
    for what, site in sites.items():
        bench.check(f"{took[what]:.0f} s" if took[what] > 150 else None, what)
        bench.receiver.begin()
        site.configure(bench.receiver.url())
        arrives(bench, site, what)
    return ", ".join(f"{what}: {seconds:.0f} s" for what, seconds in took.items())


def waits(connection):
    """Whether it was neither answered nor ended."""
    try:
        connection.recv(1)
        return False
    except TimeoutError:
        return True


def every_byte(bench):
    """F18: the request is cut after each of its bytes, and a batch is whole or not there."""
    site, proxy = bench.site("cut"), bench.proxy()
    site.fill(bench.draw, 1, 300 if bench.full else 30)
    site.configure(NOWHERE)
    site.once("--close")
    whole = site.copy(bench.home / "whole", url=bench.receiver.url(proxy.port))
    whole.must("run", "--once")
    size = proxy.finished()[0]
    bench.receiver.begin()
    site.configure(bench.receiver.url(proxy.port))
    one = site
    positions = list(range(1, size)) if bench.full else sorted(bench.draw.sample(range(1, size), 25))
    for at in positions:
        if bench.is_over():
            bench.note("ended by time", f"after {bench.cases} of {size - 1} positions")
            break
        one = site.copy(bench.home / "one", url=bench.receiver.url(proxy.port))
        received = bench.receiver.begin()
        bench.cases += 1
        proxy.faults = [Fault(bench.draw.choice(["cut", "reset"]), after=at)]
        ended = one.once()
        bench.ended(ended, f"byte {at}", codes=(0, 3))
        partial = len(received.records)
        waits = one.status()["waiting"]["usage"]["records"]
        bench.check("deleted without an answer" if waits + partial < len(one.given) else None, f"byte {at}")
        proxy.faults = []
        bench.ended(one.once(), f"byte {at}, mended", codes=(0,))
        bench.check(one.verify(received), f"byte {at}")
    bench.control("a batch that is said to be there and is not", one.verify(bench.receiver.begin()))
    return f"{size} bytes of a connection with one batch"


def bombs(bench):
    """F26: answers that would fill the memory."""
    peak = 0
    bodies = {"10 GB": None, "1 MB of brackets": b"[" * (1 << 20), "gzip": gzip.compress(b" " * (64 << 20)),
              "1 MB head": "head"}
    for what, body in bodies.items():
        site = waiting(bench, 8)

        def answer(handler, _, body=body):
            if not is_batch(handler):
                return False
            if body == "head":
                handler.send_response_only(200)
                handler.send_header("X-Long", "y" * (1 << 20))
                handler.end_headers()
            elif body is None:
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n")
                for _ in range(10_000):
                    handler.wfile.write(b" " * (1 << 20))
            else:
                handler.reply(200, body, Content_Encoding="gzip" if body[:2] == b"\x1f\x8b" else "identity")
            return True

        bench.receiver.answer = answer
        bench.cases += 1
        process = site.start("run", "--once")
        peak = max(peak, highest(process))
        bench.check(f"ended with {process.wait()}" if process.wait() != 3 else None, what)
        arrives(bench, site, what)
    bench.check(f"{peak} KiB" if peak > 64 << 10 else None, "memory")
    port = flood()
    greedy = "import socket; s = socket.create_connection(('127.0.0.1', %d)); s.makefile('rb').read(96 << 20)"
    everything = highest(spawn([sys.executable, "-c", greedy % port]))
    bench.control("a client that takes all it is given", everything > 64 << 10)
    return f"peak of {peak >> 10} MiB; {everything >> 10} MiB for a client without a limit"


def highest(process):
    """KiB that a process had in memory at most, until its end."""
    peak = 0
    while process.poll() is None:
        try:
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
        except OSError:
            break
        peak = max(peak, int(found[1]) if found else 0)
        time.sleep(0.005)
    return peak


def flood():
    """The port of a server that gives 100 MB to the first who comes, and keeps the connection a while."""
    listener = socket.create_server(("127.0.0.1", 0))

    def give():
        near, _ = listener.accept()
        try:
            for _ in range(100):
                near.sendall(b" " * (1 << 20))
            time.sleep(1)
        except OSError:
            pass  # who was measured is gone

    threading.Thread(target=give, daemon=True).start()
    return listener.getsockname()[1]
