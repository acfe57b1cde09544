"""C4: the power goes at the collector. Its calls are recorded while devices enrol, send and withdraw, which makes a key
for each; of what was not synced at the moment of the cut, each piece is kept, dropped or torn (see `power`). What was
acknowledged before is held, once, and a withdrawal stands.
"""

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing

from matrix import Skipped, need
from power import CALLS, Traced, image, images, read_log
from workstation import end_all, spawn, until

DEVICES = 8


def power_loss(bench):
    """C4: every image is served, and has all that was acknowledged."""
    need("strace")
    for program in (bench.beside / "kathea-collector", bench.beside / "examples/load"):
        if not program.exists():
            raise Skipped(f"needs {program.name}; cargo build --workspace --examples makes it")
    reverted = images(bench, record, boot, each=bench.many(100, 12), bounded=12)
    control(bench)
    return f"{reverted} files went back behind what was written, {len(bench.wrong)} violations"


def control(bench):
    """Without the syncs of the database and its log, or of the keys, acknowledged records have to be lost."""
    for name, ignored in (
        ("the syncs of the database are off", lambda path: path.endswith(("collector.db-wal", "collector.db"))),
        ("the syncs of the devices' keys are off", lambda path: "/keys/devices" in path),
    ):
        bad, traced = [], record(bench)
        for number in range(60):
            boot(bench, traced, f"{number}", lambda wrong, _: bad.extend(one for one in wrong if "acknowledged" in one),
                 ignored=ignored)
            if bad:
                break
        bench.control(name, bad)


class Vendor:
    """Where a collector's files are."""

    def __init__(self, home):
        self.home, self.data = home, home / "collector"


def record(bench):
    """A morning of a collector under strace: devices enrol, send, and half of them withdraw."""
    vendor = Vendor(bench.home / "vendor")
    shutil.rmtree(vendor.home, ignore_errors=True)
    vendor.home.mkdir()
    run(bench, vendor, "init")
    tokens = bench.home / "tokens"
    tokens.write_text(run(bench, vendor, "token", "--count", str(DEVICES)).stdout)
    before = bench.home / "before"
    shutil.rmtree(before, ignore_errors=True)
    shutil.copytree(vendor.home, before)
    said, acknowledged = bench.home / "said", bench.home / "acknowledged"
    with said.open("w") as out:
        serving = spawn(["strace", "-ff", "-q", "-ttt", "-y", "-xx", "-s", "9000000", "-o", str(bench.home / "strace"), "-e",
                         f"trace={CALLS}", str(bench.beside / "kathea-collector"), "serve", "--data", str(vendor.data),
                         "--listen", "127.0.0.1:0"], stdout=out, stderr=subprocess.STDOUT)
    address = until(lambda: listens(said))
    assert address, said.read_text()
    visits, records = bench.draw.randrange(2, 8), bench.draw.choice([3, 40, 400])
    subprocess.run([bench.beside / "examples/load", "--address", address, "--ca", vendor.data / "ca.pem", "--tokens", tokens,
                    "--first", str(bench.draw.randrange(1_000_000)), "--visits", str(visits), "--records", str(records),
                    "--threads", "3", "--acknowledged", acknowledged, "--withdraw"], check=True, stdout=subprocess.DEVNULL)
    if bench.draw.random() < 0.5:
        # An orderly end: the log is emptied into the database.
        child = open(f"/proc/{serving.pid}/task/{serving.pid}/children").read().split()[0]
        subprocess.run(["kill", "-TERM", child], check=True)
        serving.wait(60)
    end_all()
    traced = Traced(vendor, before, read_log(bench.home, vendor.home), None)
    traced.acknowledged = [json.loads(line) for line in acknowledged.read_text().splitlines()]
    assert len(traced.acknowledged) == DEVICES * visits + DEVICES // 2, traced.acknowledged
    return traced


def listens(said):
    """The address that a collector prints when it listens."""
    found = [line for line in said.read_text().splitlines() if "https://" in line]
    return found[0].split("https://")[1].split()[0].rstrip("/") if found else None


def run(bench, vendor, command, *words):
    """A command of the collector on these files."""
    return subprocess.run([bench.beside / "kathea-collector", command, "--data", vendor.data, *words], capture_output=True,
                          text=True, timeout=120)


def boot(bench, traced, where, note, ignored=lambda path: False):
    """One image: cut somewhere, served and read. Returns how many files lost something."""
    left, moment, reverted = image(bench, traced, ignored)
    vendor = Vendor(bench.home / "image")
    shutil.rmtree(vendor.home, ignore_errors=True)
    vendor.home.mkdir(mode=0o700)
    for path, content in sorted(left.items()):
        place = vendor.home / os.path.relpath(path, traced.site.home)
        if content is None:
            place.mkdir(mode=0o700, exist_ok=True, parents=True)
        # The image stands for the directory itself, and `lock` knows a copy.
        elif place.parent.is_dir() and place.name != "lock":
            place.write_bytes(content)
            place.chmod(0o600)
    said = bench.home / "said"
    with said.open("w") as out:
        serving = spawn([bench.beside / "kathea-collector", "serve", "--data", vendor.data, "--listen", "127.0.0.1:0"],
                        stdout=out, stderr=subprocess.STDOUT)
    started = until(lambda: listens(said) or serving.poll() is not None) and listens(said)
    end_all()
    note([] if started else [f"not served: {said.read_text()[:300]}"], where)
    wrong = []
    exported, verified = run(bench, vendor, "export", "--to", "Example Vendor", "--why", "audit"), run(bench, vendor, "verify")
    for name, ended in (("export", exported), ("verify", verified)):
        if ended.returncode != 0 or "panicked" in ended.stderr:
            found = ended.stdout[:200] if name == "verify" else ""
            wrong.append(f"{name}: exit code {ended.returncode}: {ended.stderr[:200]} {found}")
    held = [(line["device"], line["seq"]) for line in map(json.loads, exported.stdout.splitlines())]
    if len(held) != len(set(held)):
        wrong.append(f"{len(held) - len(set(held))} records are held twice")
    acknowledged = [one for one in traced.acknowledged if one["at"] <= moment]
    records = {(one["device"], seq) for one in acknowledged if "lo" in one for seq in range(one["lo"], one["hi"] + 1)}
    if lost := records - set(held):
        wrong.append(f"{len(lost)} of {len(records)} acknowledged records are lost")
    withdrawn = {one["device"] for one in acknowledged if "withdrawn" in one}
    if forgotten := withdrawn - standing(vendor):
        wrong.append(f"{len(forgotten)} of {len(withdrawn)} acknowledged withdrawals are forgotten")
    note(wrong, where)
    return reverted


def standing(vendor):
    """The devices whose second ledger line is held; none where the database cannot be read."""
    try:
        with closing(sqlite3.connect(vendor.data / "collector.db")) as sql:
            rows = sql.execute("SELECT lower(hex(device.id)) FROM ledger JOIN device ON device.no = ledger.device"
                               " WHERE ledger.n = 1 AND ledger.kind <> 0")
            return {row[0] for row in rows}
    except sqlite3.DatabaseError:
        return set()
