"""F8: an old copy of the data is restored, a disk is cloned: no number and no nonce twice."""

import hashlib
import struct

from workstation import NOWHERE

MAGIC, KEY_AT, NONCE_AT, CURSORS_AT = b"KSL1", 46, 54, 66
HEAD = struct.Struct("<BBII")


def old_copies(bench):
    """F8: an old copy is restored, a disk is cloned: no number and no nonce twice, and the fork is seen."""
    nonces, forks = {}, 0
    for number in bench.up_to(100, 4):
        site = bench.site(url=NOWHERE)
        received = bench.receiver.received
        site.fill(bench.draw, 1, bench.draw.randrange(1, 30))
        site.once()
        clone = site.copy(bench.home / "clone", url=NOWHERE)
        for one in (site, clone):
            one.fill(bench.draw, 1, bench.draw.randrange(1, 30))
        for one in (site, clone):
            one.once()
            bench.check(collect(one, nonces), f"case {number}")
        for one in (site, clone):
            one.configure(bench.receiver.url())
            bench.ended(one.once("--close"), f"case {number}", codes=(0,))
        bench.check(received.wrong, f"case {number}")
        forks += received.forks()
        bench.check("the fork was not seen" if not received.forks() else None, f"case {number}")
    site.configure(NOWHERE)
    site.fill(bench.draw, 1, 10)
    site.once()
    seen = dict.fromkeys(nonces, b"another text")
    collect(site, seen)
    again = dict.fromkeys(seen, b"another text")
    bench.control("a nonce under another text", collect(site, again))
    return f"{len(nonces)} nonces, {forks} forks seen"


def collect(site, nonces):
    """Notes the nonces of everything sealed on disk; what is wrong if one comes under another text."""
    for path in (site.data / "spool").rglob("db"):
        data, at = path.read_bytes(), -1
        while (at := data.find(MAGIC, at + 1)) >= 0:
            _, cursors, _, length = HEAD.unpack_from(data, at + 4)
            begin = at + CURSORS_AT + 24 * cursors
            text = hashlib.sha256(data[begin:begin + length + 16]).digest()
            name = data[at + KEY_AT:at + CURSORS_AT]
            if nonces.setdefault(name, text) != text:
                return "a nonce came twice under one key"
    return None
