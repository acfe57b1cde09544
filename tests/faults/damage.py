"""F7 and F8: the disk damages what is kept, or an old copy of it comes back."""

import hashlib
import json
import os
import shutil
import struct

from workstation import COUNTER, EVENT, NOWHERE

MAGIC, KEY_AT, NONCE_AT, CURSORS_AT = b"KSL1", 46, 54, 66
HEAD = struct.Struct("<BBII")


def corruption(bench):
    """F7: one file of data_dir is damaged; the agent starts, sends nothing wrong, and counts what it lost."""
    template = prepared(bench)
    targets = {}
    for path in sorted(template.data.rglob("*")):
        if path.is_file() and path.name not in ("lock", "CACHEDIR.TAG", "ballast"):
            targets.setdefault(kind(path.relative_to(template.data)), []).append(path.relative_to(template.data))
    weights = {"spool": 10, "numbering": 4, "key": 3, "consent": 2}
    names = sorted(targets)
    lost = unchanged = 0
    hit = {}
    for number in bench.up_to(10_000, 60):
        name = bench.draw.choices(names, [weights.get(name, 1) for name in names])[0]
        target = bench.draw.choice(targets[name])
        site = template.copy(bench.home / "site")
        bench.receiver.begin()
        how, same = damage(bench.draw, site.data / target)
        unchanged += same
        hit[name] = hit.get(name, 0) + 1
        lost += judge(bench, site, name, f"case {number}, {how} of {target}", template)
    for name, count in sorted(hit.items()):
        bench.note("files", f"{name} {count}")
    control(bench, template)
    return f"{lost} records lost, each counted; {unchanged} changed no byte"


def prepared(bench):
    """Records wait, a journal is open, a file lies in the outbox, something was dropped."""
    site = bench.site("prepared", url=NOWHERE)
    for _ in range(4):
        site.fill(bench.draw, 2, 15)
        site.leave(["no line\n"])
        site.once()
    site.fill(bench.draw, 1, 10)
    site.configure(bench.receiver.url())
    return site


def kind(path):
    """What a file below data_dir is."""
    if path.parts[0] == "spool":
        return "spool" if len(path.parts) > 2 else "numbering"
    if path.parts[0] == "keys":
        return "key" if "-" in path.name else "identity"
    return "consent" if path.name.startswith("ledger") else path.name


def damage(draw, path):
    """Damages a file; how, and whether it is the same after all."""
    before = data = path.read_bytes()
    how = draw.choice(["flip", "flip", "flip", "truncation", "zeros", "noise", "emptying", "growth"])
    at = draw.randrange(len(data)) if data else 0
    # Half of the blows fall where there is something: most of sled's file is zeros.
    filled = len(data.rstrip(b"\0"))
    if filled and draw.random() < 0.7:
        at = draw.randrange(filled)
    block = draw.choice([1, 16, 512, 4096])
    if how == "flip":
        data = data[:at] + bytes([(data[at] if data else 0) ^ 1 << draw.randrange(8)]) + data[at + 1:]
    elif how == "truncation":
        data = data[:at]
    elif how == "zeros":
        data = data[:at] + bytes(min(block, len(data) - at)) + data[at + block:]
    elif how == "noise":
        data = data[:at] + draw.randbytes(min(block, len(data) - at)) + data[at + block:]
    elif how == "emptying":
        data = b""
    else:
        data += draw.randbytes(block)
    path.write_bytes(data)
    return how, data == before


def judge(bench, site, name, where, template):
    """Starts it twice on what is left. Returns how many records it lost."""
    received = bench.receiver.received
    for _ in range(2):
        bench.ended(site.once("--close", timeout=60), where, codes=(0, 1, 3) if name == "identity" else (0, 3))
    status = site.status()
    arrived = {record["attributes"][1] for record in received.records.values() if record["entry"] == EVENT}
    counts = sum(record["value"] for record in received.records.values() if record["entry"] == COUNTER)
    lost = len(set(site.given) - arrived) + sum(site.sums.values()) - counts
    bench.check(received.wrong, where)
    bench.check("a record that nobody gave" if arrived - set(site.given) else None, where)
    if name in ("spool", "numbering", "key"):
        counted = status["dropped"].get("damaged", 0)
        wrong = lost != counted
        if name == "numbering" and lost < counted:
            # What was settled last is known to the newest slot alone: without it, it counts as lost.
            wrong = False
            bench.note("counted though it had arrived, its numbering being hit", f"{counted - lost} records")
        bench.check(f"{lost} lost, {counted} counted" if wrong else None, where)
    elif name == "consent":
        same = all((site.data / file).read_bytes() == (template.data / file).read_bytes()
                   for file in ("ledger.ndjson", "ledger.head"))
        healed = (site.data / "ledger.torn").exists() or same
        bench.check("sent under a consent that was changed" if received.records and not healed else None, where)
        lost = 0
    elif name not in ("identity", "certificate.pem"):
        bench.check(f"{lost} lost" if lost else None, where)
    else:
        lost = 0
    return lost


def control(bench, template):
    """A loss that nobody counts: what was counted is taken out of the tally."""
    site = template.copy(bench.home / "site")
    received = bench.receiver.begin()
    shutil.rmtree(site.data / "spool/usage")
    site.once("--close")
    tally = site.data / "tally.json"
    held = json.loads(tally.read_text())
    counted = held["dropped"].pop("damaged", 0)
    tally.write_text(json.dumps(held))
    arrived = {record["attributes"][1] for record in received.records.values() if record["entry"] == EVENT}
    lost = len(set(site.given) - arrived)
    bench.control("the count of what is lost", lost and counted == lost
                  and site.status()["dropped"].get("damaged", 0) != lost)


def configuration(bench):
    """F32: a configuration that is broken: it is said, and nothing is done to the data."""
    template = prepared(bench)
    os.chmod(bench.home, 0o755)
    good = (template.home / "agent.toml").read_text()
    started = 0
    for number in bench.up_to(1000, 30):
        site = template.copy(bench.home / "site")
        config = site.home / "agent.toml"
        text = good.replace(str(template.home), str(site.home))
        cases = [text.replace("quota", "qota"), text + "\n[ship\n", text.replace('"64 MiB"', '"-1 MiB"'),
                 text.replace("interval", "intervall"), "\0" * 200, "", text[:bench.draw.randrange(len(text))],
                 text.replace('"file"', '"rot13"'), text.replace("https://", "http://"), text + text]
        broken = cases[number % len(cases)] if number < 3 * len(cases) else None
        if broken is None:
            # Some bytes of the values that name no path: a path of its own would be made and used.
            at = bench.draw.choice([i for i, line in enumerate(text.splitlines()) if "/" not in line])
            lines = text.splitlines()
            place = bench.draw.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:place] + chr(bench.draw.randrange(1, 0x250)) + lines[at][place + 1:]
            broken = "\n".join(lines)
        config.write_text(broken)
        ended = site.run("status", "--json")
        bench.ended(ended, f"case {number}", codes=(0, 1, 2))
        started += ended.code == 0
        bench.check("no word of why" if ended.code and not ended.err.strip() else None, f"case {number}")
        if number % 10 == 0:
            bench.receiver.begin()
            config.write_text(text)
            bench.ended(site.once("--close"), f"case {number}, mended")
            bench.check(site.verify(bench.receiver.received), f"case {number}, mended")
    bench.control("a key that is not known", template.copy(bench.home / "site").run("status").code == 0)
    return f"{started} were still good configurations"


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
