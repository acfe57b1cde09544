"""F7 and F32: the disk damages what is kept, and somebody the configuration."""

import json
import shutil
from collections import Counter

from workstation import COUNTER, EVENT, NOWHERE

# What is put back after it was damaged, all of its kind or the one file; then nothing may be missing.
RESTORED = {"identity": ["keys/root", "keys/device.key"], "consent": ["ledger.ndjson", "ledger.head"], "key": None,
            "certificate.pem": None}
# How often a kind of file is hit. The rest once.
WEIGHTS = {"spool": 20, "numbering": 8, "key": 6, "consent": 4, "configuration": 3, "bundle": 3, "bundle's record": 3,
           "draft": 4, "request": 2}


def corruption(bench):
    """F7: one file is damaged; the agent starts, sends nothing wrong, and counts what it lost."""
    counted = bench.in_parts(damaged)
    for name in sorted(counted.keys() - {"lost", "unchanged"}):
        bench.note("files", f"{name} {counted[name]}")
    control(bench, prepared(bench))
    return f"{counted['lost']} records lost, each counted; {counted['unchanged']} changed no byte"


def damaged(bench):
    """The cases of F7: how often each kind of file was hit, what was lost, and what changed no byte."""
    template = prepared(bench)
    support_case(bench, template)
    targets = {"configuration": ["../agent.toml"]}
    for path in sorted(template.data.rglob("*")):
        if path.is_file() and path.name not in ("lock", "CACHEDIR.TAG", "ballast"):
            targets.setdefault(kind(path.relative_to(template.data)), []).append(path.relative_to(template.data))
    names = sorted(targets)
    counted = Counter()
    for number in bench.up_to(10_000, 60):
        name = bench.draw.choices(names, [WEIGHTS.get(name, 1) for name in names])[0]
        target = bench.draw.choice(targets[name])
        site = template.copy(bench.home / "site", case=True)
        site.draft = template.draft
        bench.receiver.begin()
        whole = (site.home / "agent.toml").read_text()
        how, same = damage(bench.draw, site.data / target)
        counted["unchanged"] += same
        counted[name] += 1
        where = f"case {number}, {how} of {target}"
        if name == "configuration":
            broken(bench, site, whole, where)
        else:
            counted["lost"] += judge(bench, site, name, target, where, template, same)
    return counted


def prepared(bench):
    """Records wait, a journal is open, a file lies in the outbox, something was dropped."""
    site = bench.site("prepared", url=NOWHERE)
    for _ in range(4):
        site.fill(bench.draw, 2, 15)
        site.leave(["no line\n"])
        site.once()
    site.fill(bench.draw, 1, 10)
    site.configure(bench.receiver.url())
    site.device = site.status()["device"]
    return site


def support_case(bench, site):
    """And a support case: a sealed bundle waits, and a draft to be looked at."""
    site.configure(NOWHERE, case=True)
    for name in ("SEALED-1", "DRAFT-1"):
        copy = site.home / f"copy-{name}"
        site.draft = json.loads(site.must("support", "preview", "--case", name, "--reason", "error", "--json", "-o", copy))
        if name == "SEALED-1":
            site.must("support", "create", site.draft["draft"], "--yes", site.draft["digest"], "--by", "owner")
    site.configure(bench.receiver.url(), case=True)


def kind(path):
    """What a file below data_dir is."""
    if path.parts[0] == "spool":
        queue = path.parts[1].split(".")[0]
        return "request" if queue == "requests" else "spool" if len(path.parts) > 2 else "numbering"
    if path.parts[0] == "keys":
        held = path.name.split("-")[0]
        return {"usage_statistics": "key", "device.key": "identity", "root": "identity"}.get(held, "another key")
    if path.parts[0] == "bundles":
        return "bundle" if path.suffix == ".age" else "bundle's record"
    return {"drafts": "draft", "ledger.ndjson": "consent", "ledger.head": "consent"}.get(path.parts[0], path.name)


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
    if path.name == "agent.toml":
        data = in_its_place(before, data)
    path.write_bytes(data)
    return how, data == before


def in_its_place(before, data):
    """The damaged configuration with the lines that name a folder or an address, and the heads of their tables, as
    they were: another folder would be made and used, and another address asked; without a line, those of an agent
    that is installed on this machine."""
    names = (b"data_dir ", b"[kathea]", b"outbox ", b"logs ", b"scans ", b"socket ", b"[collector]", b"url ", b"ca ")
    old, new = before.split(b"\n"), data.split(b"\n")
    new += [b""] * (len(old) - len(new))
    return b"\n".join(line if line.startswith(names) else new[at] for at, line in enumerate(old))


def judge(bench, site, name, target, where, template, same):
    """Starts it on what is left, and again. Returns how many records it lost."""
    received, said = bench.receiver.received, ""
    for again in (False, True):
        if again and ended.code == 0 and bench.draw.random() < 0.7:
            break  # `status` is a start too
        ended = site.once("--close", timeout=60)
        bench.ended(ended, where, codes=(0, 1, 3) if name == "identity" else (0, 3))
        said += ended.err
    status = site.status()
    arrived = {record["attributes"][1] for record in received.records.values() if record["entry"] == EVENT}
    counts = sum(record["value"] for record in received.records.values() if record["entry"] == COUNTER)
    lost = len(set(site.given) - arrived) + sum(site.sums.values()) - counts
    bench.check(received.wrong, where)
    bench.check("a record that nobody gave" if arrived - set(site.given) else None, where)
    dropped = {reason: count for reason, count in status["dropped"].items() if reason != "not_json"}
    if name in RESTORED:
        # What was read and does not verify costs nothing that is not got back with it.
        bench.check(f"dropped {dropped}" if dropped else None, where)
        bench.check("nothing is said" if lost and not (status["problems"] or said.strip()) else None, where)
        if name == "identity":
            new = status["device"] != template.device
            bench.check("a payload was sent by another device" if new and received.records else None, where)
        if name == "consent":
            same = all(bytes_of(site.data / file) == bytes_of(template.data / file) for file in RESTORED[name])
            healed = (site.data / "ledger.torn").exists() or same
            bench.check("sent under a consent that was changed" if received.records and not healed else None, where)
        restored(bench, site, name, target, where, template)
        return 0
    if name in ("spool", "numbering"):
        counted = status["dropped"].get("damaged", 0)
        wrong = lost != counted
        if name == "numbering" and lost < counted:
            # What was settled last is known to the newest slot alone: without it, it counts as lost.
            wrong = False
            bench.note("counted though it had arrived, its numbering being hit", f"{counted - lost} records")
        bench.check(f"{lost} lost, {counted} counted" if wrong else None, where)
    else:
        bench.check(f"{lost} lost" if lost else None, where)
    support(bench, site, name, where, status, said + " ".join(status["problems"]), same)
    return lost


def restored(bench, site, name, target, where, template):
    """The file is what it was, as after another look at the disk or from a backup: everything is there again."""
    for file in RESTORED[name] or [target]:
        (site.data / file).write_bytes((template.data / file).read_bytes())
    for _ in range(2):
        ended = site.once("--close", timeout=60)
    bench.ended(ended, where + ", restored", codes=(0,))
    status = site.status()
    bench.check("another identity" if status["device"] != template.device else None, where + ", restored")
    dropped = {reason: count for reason, count in status["dropped"].items() if reason != "not_json"}
    bench.check(f"dropped {dropped}" if dropped else None, where + ", restored")
    # What waited for its key went after the others.
    wrong = [what for what in site.verify(bench.receiver.received) if what != "out of order"]
    bench.check(wrong, where + ", restored")
    whole = bench.receiver.received.uploads.whole
    bench.check("the bundle did not arrive" if not whole else None, where + ", restored")


def bytes_of(path):
    """None if it was set aside."""
    return path.read_bytes() if path.exists() else None


def support(bench, site, name, where, status, said, same):
    """The bundle is at the vendor's whole, or it is said why not; the draft can be sealed, or not if it was hit."""
    whole = bench.receiver.received.uploads.whole
    sent = [bundle["sha256"] for bundle in status["bundles"] if bundle["state"] == "sent"]
    bench.check("a bundle counts as sent that is not there" if set(sent) - set(whole) else None, where)
    may_miss = not same and name in ("bundle", "bundle's record", "another key")
    bench.check("the bundle did not arrive" if not whole and not may_miss else None, where)
    is_said = "bundle" in said or "sealed under" in said
    bench.check("nothing is said of the bundle" if not whole and not is_said else None, where)
    if name in ("draft", "another key"):
        ended = site.run("support", "create", site.draft["draft"], "--yes", site.draft["digest"], "--by", "owner")
        bench.ended(ended, where + ", sealed", codes=(0, 1, 2))
        if name == "draft":
            bench.check("a damaged draft was sealed" if ended.code == 0 and not same else None, where)
            bench.check("a good draft was not sealed" if ended.code and same else None, where)


def broken(bench, site, whole, where):
    """A configuration that is not the one that was written: taken or refused, and with the right one all is there."""
    ended = site.once("--close", timeout=60)
    bench.ended(ended, where, codes=(0, 1, 2, 3, 5))
    bench.check("no word of why" if ended.code and not ended.err.strip() else None, where)
    (site.home / "agent.toml").write_text(whole)
    for _ in range(2):
        bench.ended(site.once("--close", timeout=60), where + ", mended", codes=(0, 3))
    bench.check(site.verify(bench.receiver.received), where)


def control(bench, template):
    """A loss that nobody counts: what was counted is removed from `tally.json`."""
    site = template.copy(bench.home / "site")
    received = bench.receiver.begin()
    shutil.rmtree(site.data / "spool/usage")
    site.once("--close")
    counters = site.data / "tally.json"
    held = json.loads(counters.read_text())
    counted = held["dropped"].pop("damaged", 0)
    counters.write_text(json.dumps(held))
    arrived = {record["attributes"][1] for record in received.records.values() if record["entry"] == EVENT}
    lost = len(set(site.given) - arrived)
    bench.control("the count of what is lost", lost and counted == lost
                  and site.status()["dropped"].get("damaged", 0) != lost)


def configuration(bench):
    """F32: a configuration that is broken: it is said, and nothing is done to the data."""
    template = prepared(bench)
    started = 0
    for number in bench.up_to(1000, 30):
        site = template.copy(bench.home / "site")
        config = site.home / "agent.toml"
        text = config.read_text()
        senseless = [text.replace("quota", "qota"), text + "\n[ship\n", text.replace('"64 MiB"', '"-1 MiB"'),
                     text.replace("interval", "intervall"), "\0" * 200, text.replace('"file"', '"rot13"'), text + text]
        cut = [in_its_place(text.encode(), text[:at].encode()).decode() for at in (0, bench.draw.randrange(len(text)))]
        cases = [*senseless, *cut, text.replace("https://", "http://")]
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
        bench.ended(ended, f"case {number}", codes=(2,) if broken in senseless else (0, 1, 2))
        started += ended.code == 0
        bench.check("no word of why" if ended.code and not ended.err.strip() else None, f"case {number}")
        if number % 7 == 0:
            bench.receiver.begin()
            config.write_text(text)
            bench.ended(site.once("--close"), f"case {number}, mended")
            bench.check(site.verify(bench.receiver.received), f"case {number}, mended")
    bench.control("a configuration with nothing wrong", template.copy(bench.home / "site").run("status").code != 2)
    return f"{started} were still good configurations"
