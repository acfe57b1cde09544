"""F11 to F18, F25 and F26: whatever answers, and however: nothing that waits is deleted, and it arrives in the end."""

import gzip
import hashlib
import json
import math
import re
import socket
import threading
import time

import wire_decoder
from proxy import Fault, Proxy
from receiver import BATCHES, JSON, Receiver


def waiting(bench, events=20, **settings):
    """A workstation with events that wait."""
    site = bench.site(**settings)
    site.fill(bench.draw, 1, 2 * events)
    return site


def is_batch(handler):
    return handler.path.startswith(BATCHES)


def arrives(bench, site, where):
    """With an honest collector everything arrives."""
    bench.receiver.answer = None
    bench.ended(site.once("--close"), where + ", mended", codes=(0,))
    bench.check(site.verify(bench.receiver.received), where)


def every_status(bench):
    """F11, F14: each status, with a problem as its body, with a page, with nothing: all waits, and the count of tries."""
    statuses = [100, 204, 206, 301, 302, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 413, 415,
                418, 421, 422, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 507, 511, 599, 999]
    chosen = statuses if bench.full else bench.draw.sample(statuses, 12)
    most = 0
    for status in chosen:
        for body in ("problem", "page", "nothing"):
            site = waiting(bench, 8)
            asked = []

            def answer(handler, _, status=status, body=body, asked=asked):
                if not is_batch(handler):
                    return False
                asked.append(time.monotonic())
                if body == "problem":
                    handler.problem(status, "server_error")
                else:
                    handler.reply(status, b"<html>" if body == "page" else b"", "text/html")
                handler.close_connection = True
                return True

            where = f"status {status} with {body}"
            bench.receiver.answer = answer
            bench.cases += 1
            bench.ended(site.once("--close"), where, codes=(0, 3))
            most = max(most, len(asked))
            held = site.status()
            gone = held["dropped"].get("rejected", 0)
            waits = held["waiting"]["usage"]["records"]
            bench.check("records were deleted" if waits + gone < len(site.given) else None, where)
            if gone:
                # These refuse a record that stands alone for good: three go before the stream takes it for a mistake.
                bench.check(f"{gone} given up" if status not in (400, 413, 422) or gone > 3 else None, where)
                continue
            if status == 410 and body == "problem":
                retired(bench, site, where)
                continue
            arrives(bench, site, where)
    bench.control("an acknowledgement that is taken for granted", deletes(bench))
    return f"at most {most} tries of a batch in one drain, 0 records deleted"


def retired(bench, site, where):
    """F14: after 410 no payload ever leaves, not after a start either."""
    bench.receiver.begin()
    for _ in range(2):
        site.once("--close")
    bench.check("a payload after 410" if bench.receiver.received.batches else None, where)


def deletes(bench):
    """The honest collector: what it has goes, so the check of the others can fail."""
    site = waiting(bench, 8)
    site.must("run", "--once", "--close")
    return site.status()["waiting"]["usage"]["records"] < len(site.given)


def paced(bench):
    """F11, F12: a service against a collector that is down, and one that asks to come back later."""
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
        process = site.start("run", stdout=None, stderr=None)
        time.sleep(seconds)
        process.kill()
        process.wait()
        bench.cases += 1
        bench.check(f"{len(asked)} requests in {seconds} s" if not least <= len(asked) <= most else None, what)
        if what == "Retry-After 4":
            early = [b - a for a, b in zip(asked, asked[1:]) if b - a < 3.9]
            bench.check(f"came after {early} s" if early else None, what)
        bench.note(f"requests in {seconds} s", f"{what}: {len(asked)}")
        arrives(bench, site, what)
    return "the hour and the month are in simulated time: `cargo test -p agent pace`"


def one_bad_record(bench):
    """F13: one record that is refused is found, named or not; the others arrive."""
    worst = 0
    for number in bench.up_to(60, 6):
        named = bool(number % 2)
        site = waiting(bench, bench.draw.randrange(2, 120))
        received = bench.receiver.received
        bad, asked = bench.draw.choice(site.given), []

        def answer(handler, body, bad=bad, named=named, asked=asked):
            if not is_batch(handler):
                return False
            batch = wire_decoder.decode(body)
            asked.append(len(batch["records"]))
            hit = [batch["lo"] + at for at, record in enumerate(batch["records"]) if record["attributes"][1:2] == [bad]]
            if not hit:
                return False
            handler.problem(422, "invalid", [{"seq": hit[0], "code": "invalid"}] if named else [])
            return True

        bench.receiver.answer = answer
        bench.ended(site.once("--close"), f"case {number}", codes=(0, 3))
        site.once("--close")
        records = max(asked)
        most = (2 if named else 2 * math.ceil(math.log2(max(2, records))) + 1) + 1
        worst = max(worst, len(asked))
        bench.check(f"{len(asked)} requests for {records} records" if len(asked) > most + 2 else None, f"case {number}")
        bench.check(site.verify(received, but=[bad]), f"case {number}")
        gone = site.status()["dropped"].get("rejected", 0)
        bench.check(f"{gone} given up" if gone != 1 else None, f"case {number}")
    bench.control("a record that nobody refuses is missing", site.verify(received))
    return f"at most {worst} requests"


def wrong_success(bench):
    """F16: an answer of 200 or 201 that is no acknowledgement."""
    def honest(handler, body):
        return handler.stored(wire_decoder.decode(body), hashlib.sha256(body).digest())

    def changed(**fields):
        return lambda handler, body: {**honest(handler, body), **fields}

    lies = {
        "nothing": lambda *_: b"", "a page": lambda *_: b"<html>Please log in</html>", "no object": lambda *_: [],
        "another batch": changed(batch="0" * 32 + "-0-1"), "another digest": changed(digest="0" * 64),
        "not durable": changed(durable=False), "durable as a word": changed(durable="true"),
        "nothing accepted": changed(accepted=[]), "other numbers": changed(accepted=[[10**9, 10**9 + 5]]),
        "numbers that overflow": changed(accepted=[[0, 2**64]]), "backwards": changed(accepted=[[5, 0]]),
        "no field": lambda *_: {}, "deep": lambda *_: b"[" * 60_000, "two values": lambda h, b: json.dumps(
            honest(h, b)).encode() * 2, "no JSON": lambda *_: b"{'batch': 1}", "NUL": lambda *_: b"\0" * 1000,
        "another kind": honest, "65 KiB": lambda h, b: json.dumps({**honest(h, b), "x": "y" * (66 << 10)}).encode(),
    }
    for status in (200, 201):
        for what, lie in lies.items():
            site = waiting(bench, 8)

            def answer(handler, body, lie=lie, what=what, status=status):
                if is_batch(handler):
                    handler.reply(status, lie(handler, body), "text/html" if what == "another kind" else JSON)
                return is_batch(handler)

            bench.receiver.answer = answer
            bench.cases += 1
            bench.ended(site.once("--close"), what, codes=(3,))
            waits = site.status()["waiting"]["usage"]["records"]
            bench.check("records were deleted" if waits < len(site.given) else None, what)
            arrives(bench, site, what)
    bench.control("the honest answer", deletes(bench))
    return "0 records deleted"


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
        while process.poll() is None:
            try:
                found = re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{process.pid}/status").read())
                peak = max(peak, int(found[1]) if found else 0)
            except OSError:
                break
            time.sleep(0.005)
        bench.check(f"ended with {process.wait()}" if process.wait() != 3 else None, what)
        arrives(bench, site, what)
    bench.check(f"{peak} KiB" if peak > 64 << 10 else None, "memory")
    return f"peak of {peak >> 10} MiB"


def redirects(bench):
    """F25: a redirect is never followed."""
    other = socket.create_server(("127.0.0.1", 0))
    seen = []

    def listen():
        while True:
            seen.append(other.accept())

    threading.Thread(target=listen, daemon=True).start()
    for status in (301, 302, 303, 307, 308):
        site = waiting(bench, 8)

        def answer(handler, _, status=status):
            place = f"https://127.0.0.1:{other.getsockname()[1]}{handler.path}"
            handler.reply(status, b"", Location=place)
            return True

        bench.receiver.answer = answer
        bench.cases += 1
        bench.ended(site.once("--close"), f"{status}", codes=(3,))
        arrives(bench, site, f"{status}")
    followed = len(seen)
    bench.check(f"{followed} connections elsewhere" if followed else None, "redirects")
    socket.create_connection(other.getsockname()).close()
    time.sleep(0.1)
    bench.control("somebody does come to the other place", len(seen) > followed)
    return f"{followed} connections elsewhere"


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
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for what, site in sites.items():
        bench.check(f"{took[what]:.0f} s" if took[what] > 150 else None, what)
        bench.receiver.begin()
        site.configure(bench.receiver.url())
        arrives(bench, site, what)
    return ", ".join(f"{what}: {seconds:.0f} s" for what, seconds in took.items())


def every_byte(bench):
    """F18: the request is cut after each of its bytes, and a batch is whole or not there."""
    site, proxy = bench.site("cut"), bench.proxy()
    site.fill(bench.draw, 1, 300 if bench.full else 30)
    site.configure("https://127.0.0.1:1")
    site.once("--close")
    whole = site.copy(bench.home / "whole", url=bench.receiver.url(proxy.port))
    whole.must("run", "--once")
    while not proxy.last[0]:  # the agent has ended, the proxy notices
        time.sleep(0.01)
    size = proxy.last[0]
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
