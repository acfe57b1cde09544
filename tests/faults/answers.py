"""F11, F13, F16 and F25: whatever answers: nothing that waits is deleted, and it arrives in the end."""

import hashlib
import json
import math
import socket
import threading
import time

import wire_decoder
from receiver import BATCHES, JSON
from workstation import until


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
    bodies = ("problem", "page", "nothing")
    chosen = statuses if bench.full else {410, *bench.draw.sample(statuses, 12)}
    most = 0
    for status in chosen:
        for body in bodies if bench.full or status == 410 else [bench.draw.choice(bodies)]:
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
            # Halved until one record stands alone, at most; else once, and after 409 or 428 as the wire says.
            allowed = 2 * (len(site.given) + len(site.sums)) if status in (400, 413, 422) else 3
            bench.check(f"{len(asked)} tries" if not 1 <= len(asked) <= allowed else None, where)
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
    """F14: while the collector says 410, no payload leaves, not after a start either; one stray 410 loses nothing."""
    batches = []

    def answer(handler, _):
        if is_batch(handler):
            batches.append(time.monotonic())
        handler.problem(410, "device_retired")
        handler.close_connection = True
        return True

    bench.receiver.answer = answer
    for _ in range(2):
        site.once("--close")
    bench.check("a payload after 410" if batches else None, where)
    arrives(bench, site, where)


def deletes(bench):
    """The honest collector: what it has goes, so the check of the others can fail."""
    site = waiting(bench, 8)
    site.must("run", "--once", "--close")
    return site.status()["waiting"]["usage"]["records"] < len(site.given)


def one_bad_record(bench):
    """F13: one record that is refused is found, named or not; the others arrive."""
    worst = 0
    for number in bench.up_to(60, 6):
        named = bool(number % 2)
        site = waiting(bench, bench.draw.randrange(10, 120))
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
    for what, lie in lies.items():
        for status in (200, 201) if bench.full else [bench.draw.choice((200, 201))]:
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


def redirects(bench):
    """F25: a redirect is never followed."""
    other = socket.create_server(("127.0.0.1", 0))
    seen = []

    def listen():
        while True:
            seen.append(other.accept()[1])

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
    last = socket.create_connection(other.getsockname()).getsockname()
    came = until(lambda: last in seen)  # behind everybody who came before
    bench.control("somebody does come to the other place", came)
    followed = len(seen) - bool(came)
    bench.check(f"{followed} connections elsewhere" if followed else None, "redirects")
    return f"{followed} connections elsewhere"
