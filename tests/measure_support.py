#!/usr/bin/env python3
"""Measures support bundles with the real program: gathering from much, and sealing beside `tar | gzip | age`.

    cargo build --release --locked -p kathea-agent
    python3 tests/measure_support.py --agent target/release/kathea-agent [--quick] [--only scans|year|log|sealing]

Wants Debian's `age`, and up to 8 GB below TMPDIR. Nothing passes or fails here, but for a manifest that does not say
what it should. Python 3, standard library only; it reads /proc, so Linux only.
"""

import argparse
import datetime
import json
import os
import random
import resource
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

MIB = 1 << 20


class Peak:
    """Runs a command to its end: seconds on the clock and of processors, and the most memory of it and of the process
    that reads files for it."""

    def __init__(self, command, **how):
        begun, used, self.own, self.child = time.monotonic(), processors(), 0, 0
        process = subprocess.Popen(command, **how)
        while process.poll() is None:
            self.own = max(self.own, memory(process.pid))
            for child in filter(is_reader, children(process.pid)):
                self.child = max(self.child, memory(child))
            time.sleep(0.005)
        self.wall, self.cpu = time.monotonic() - begun, processors() - used
        if process.returncode != 0:
            raise SystemExit(f"{command[1:3]} ended with {process.returncode}")

    def __str__(self):
        child = f", its reader {mib(self.child)}" if self.child else ""
        return f"{self.wall:.1f} s, CPU {self.cpu:.1f} s, peak RSS {mib(self.own)}{child}"


def memory(pid):
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line for line in text.splitlines() if line.startswith("VmHWM:")]
    return int(found[0].split()[1]) * 1024 if found else 0


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += task.read_text().split()
        except OSError:
            pass
    return found


def is_reader(pid):
    """Whether it is the process that reads files, and not what becomes it in a moment."""
    try:
        return b"\0parse\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def processors():
    """Seconds of processor time of everything that ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Clinic:
    """A workstation without a collector, whose bundles the key in `key` opens."""

    def __init__(self, program, home):
        self.program, self.home, self.key = program, home, home / "key"
        self.logs, self.scans = home / "logs", home / "scans"
        for folder in (self.logs, self.scans):
            folder.mkdir(parents=True)
        subprocess.run(["age-keygen", "-o", self.key], check=True, capture_output=True)
        made = subprocess.run(["age-keygen", "-y", self.key], check=True, capture_output=True, text=True)
        self.recipient = made.stdout.strip()
        (home / "agent.toml").write_text(f"""
data_dir = "{home / 'data'}"
[kathea]
outbox = "{home / 'outbox'}"
logs = ["{self.logs}"]
scans = ["{self.scans}"]
socket = "{home / 'sock'}"
user = ""
[consent]
group = ""
[support]
recipients = ["{self.recipient}"]
[keys]
protector = "file"
""")

    def command(self, *words):
        return [self.program, *words, "--config", self.home / "agent.toml"]

    def preview(self, *words):
        """What it took, the draft, and its manifest."""
        copy = self.home / "copy"
        how = ("support", "preview", "--case", "CASE-1", "--reason", "error", "--json", "--force", "-o", str(copy))
        with open(self.home / "made", "w") as made:
            spent = Peak(self.command(*how, *words), stdout=made, stderr=subprocess.DEVNULL)
        draft = json.loads((self.home / "made").read_text())
        return spent, draft, json.loads((copy / "manifest.json").read_text())


def element(group, number, kind, value):
    value += b" " if len(value) % 2 and kind != b"UI" else b"\0" if len(value) % 2 else b""
    long = kind in (b"OW", b"OB")
    head = struct.pack("<HH2s", group, number, kind)
    return head + (struct.pack("<HI", 0, len(value)) if long else struct.pack("<H", len(value))) + value


def slice_of(patient, scan, number):
    """A slice as a scanner writes it, explicit little endian, with a small image."""
    def text(group, element_number, kind, value):
        return element(group, element_number, kind, value.encode())
    syntax = text(2, 0x10, b"UI", "1.2.840.10008.1.2.1")
    return b"".join([
        bytes(128), b"DICM", element(2, 0, b"UL", struct.pack("<I", len(syntax))), syntax,
        text(8, 0x05, b"CS", "ISO_IR 192"),
        text(8, 0x16, b"UI", "1.2.840.10008.5.1.4.1.1.2"),
        text(8, 0x18, b"UI", f"1.2.826.0.1.3680043.8.498.{scan}.{number}"),
        text(8, 0x60, b"CS", "CT"),
        text(0x10, 0x10, b"PN", patient[0]), text(0x10, 0x20, b"LO", patient[1]), text(0x10, 0x30, b"DA", "19610704"),
        text(0x18, 0x60, b"DS", "90"),
        text(0x20, 0x0D, b"UI", f"1.2.826.0.1.3680043.8.498.{scan}"),
        text(0x20, 0x0E, b"UI", f"1.2.826.0.1.3680043.8.498.{scan}.0"),
        text(0x20, 0x13, b"IS", str(number)),
        element(0x28, 0x10, b"US", struct.pack("<H", 32)), element(0x28, 0x11, b"US", struct.pack("<H", 32)),
        element(0x7FE0, 0x10, b"OW", bytes(2048)),
    ])


def patient(number):
    return f"Vestergaard{number}^Kirstine", f"040761-{4000 + number}"


def write_scans(clinic, scans, slices):
    for scan in range(scans):
        folder = clinic.scans / f"{scan:04}"
        folder.mkdir()
        for number in range(1, slices + 1):
            (folder / f"{number:05}.dcm").write_bytes(slice_of(patient(scan), scan + 1, number))


def minute_of_log(draw, size):
    """Lines of one minute, which begin with `MINUTE`."""
    lines, length = [], 0
    while length < size:
        second = 60 * length // size
        line = draw.choice([
            "[INFO] acquisition(1001): exposure started, 90 kV, 8 mA",
            "[INFO] generator(1042): ready at 90 kV",
            f"[WARN] detector(17): lost {draw.randint(1, 9)} frames",
            f"[ERROR] column(1204): encoder error, position {draw.randint(1, 999)}",
            f"[INFO] worklist(2101): patient {patient(draw.randint(0, 9))[0]} opened",
        ])
        lines.append(f"MINUTE:{second:02}.{draw.randint(0, 999):03} {line}\n")
        length += len(lines[-1]) + 10
    return "".join(lines).encode()


def write_log(path, minutes, size, seed=1):
    """So many minutes until now, so many bytes each."""
    text, now = minute_of_log(random.Random(seed), size), datetime.datetime.now(datetime.timezone.utc)
    with open(path, "wb") as log:
        for back in range(minutes, 0, -1):
            at = now - datetime.timedelta(minutes=back)
            log.write(text.replace(b"MINUTE", at.strftime("%Y-%m-%d %H:%M").encode()))


def write_trace(path, size, seed):
    """Numbers of which a packer sees no repeat: they come again only after megabytes."""
    draw = random.Random(seed)
    lines = "".join(f"{at},{draw.gauss(0, 1):.3f},{draw.gauss(0, 1):.3f},{draw.gauss(0, 1):.3f}\n" for at in range(50_000))
    path.write_text("t_ms,x_mm,y_mm,z_mm\n" + lines * (size // len(lines)))


def outcome(manifest, name):
    return next(step for step in manifest["operations"] if step["name"] == name)


def scans(bench):
    """A preview of 10,000 files."""
    clinic, count = bench.clinic("scans"), 1000 if bench.quick else 10_000
    write_scans(clinic, count // 1000, 1000)
    spent, draft, manifest = clinic.preview("--since", "2h")
    if outcome(manifest, "scans")["files"] != count:
        raise SystemExit(f"scans: {outcome(manifest, 'scans')}")
    bench.row(f"preview of {count:,} scan files", str(spent), f"{draft['files']:,} files in it")
    page = (clinic.home / "copy" / "preview.html").stat().st_size
    bench.row("  its page", mib(page), "20 MB at most")


def year(bench):
    """Previews of the last scan beside a year of them: what is read of the others is whom they are about."""
    clinic, count, slices = bench.clinic("year"), 700 if bench.quick else 7000, 450
    now = time.time()
    for scan in range(count):
        folder = clinic.scans / f"{scan:05}"
        folder.mkdir()
        # The slices between are names of the first: a year of files is more than a disk holds.
        for number in (1, slices):
            (folder / f"{number:05}.dcm").write_bytes(slice_of(patient(scan), scan + 1, number))
        for number in range(2, slices):
            os.link(folder / "00001.dcm", folder / f"{number:05}.dcm")
        at = now - (count - 1 - scan) * 365 * 86400 / count
        for number in (1, slices):
            os.utime(folder / f"{number:05}.dcm", (at, at))
    write_log(clinic.logs / "kathea.log", 30, MIB)
    files = f"{count:,} scans, {count * slices:,} files"
    drop = Path("/proc/sys/vm/drop_caches")
    for what, is_cold in (("cold", True), ("warm", False)):
        if is_cold:
            os.sync()
            try:
                drop.write_text("3")
            except OSError:
                what = "as it is: the cache cannot be dropped"
        spent, draft, manifest = clinic.preview("--last-scan")
        logs = outcome(manifest, "kathea_logs")["outcome"]
        learned = f"{files}; learned from {manifest['files_learned']:,}, logs {logs}"
        bench.row(f"preview beside a year of scans, {what}", str(spent), learned)


def log(bench):
    """A preview of a log of 5 GB whose last two hours are more than fits."""
    clinic, minutes = bench.clinic("log"), 32 if bench.quick else 300
    write_scans(clinic, 1, 1)
    write_log(clinic.logs / "kathea.log", minutes, 16 * MIB)
    size = (clinic.logs / "kathea.log").stat().st_size
    spent, draft, manifest = clinic.preview("--last-scan")
    step = outcome(manifest, "kathea_logs")
    if step["outcome"] != "cut":
        raise SystemExit(f"kathea_logs: {step}")
    bench.row(f"preview of a log of {size / 1e9:.1f} GB", str(spent), f"{mib(draft['bytes'])} in it: {step['why']}")


def sealing(bench, packers=("gzip -1", "gzip -6")):
    """Sealing what a preview showed, and the same files through tar, a packer and age."""
    clinic, count = bench.clinic("sealing"), 2 if bench.quick else 17
    write_scans(clinic, count, 1)
    for scan in range(count):
        write_trace(clinic.scans / f"{scan:04}" / "volume.motion.csv", 57 * MIB, scan)
    write_log(clinic.logs / "kathea.log", 30, 2 * MIB)
    spent, draft, _ = clinic.preview("--since", "2h")
    size = draft["bytes"]
    bench.row(f"preview of {mib(size)} of traces and logs", str(spent), f"{size / MIB / spent.wall:.0f} MiB/s")
    create = ("support", "create", draft["draft"], "--yes", draft["digest"], "--by", "owner")
    ours = Peak(clinic.command(*create), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sealed = next((clinic.home / "data" / "bundles").glob("*.age"))
    bench.row("sealing it", str(ours), f"{size / MIB / ours.wall:.0f} MiB/s, {mib(sealed.stat().st_size)}")
    opened = clinic.home / "opened"
    opened.mkdir()
    shell(f"age -d -i {clinic.key} {sealed} | tar -xz -C {opened}")
    for packer in packers:
        out = clinic.home / "pipe.age"
        pipe = f"tar -c -C {opened} . | {packer} | age -r {clinic.recipient} > {out}; sync {out}"
        # As the agent does it: at the lowest priority.
        theirs = Peak(["nice", "-n", "19", "sh", "-ec", pipe])
        what = f"{theirs.wall:.1f} s, CPU {theirs.cpu:.1f} s"
        ratio = f"ours takes {ours.wall / theirs.wall:.2f} of it, of CPU {ours.cpu / theirs.cpu:.2f}"
        bench.row(f"tar | {packer} | age of the same files", what, f"{mib(out.stat().st_size)}; {ratio}")


def shell(line):
    subprocess.run(["sh", "-ec", line], check=True)


def mib(count):
    return f"{count / MIB:.1f} MiB"


class Bench:
    def __init__(self, agent, home, quick):
        self.agent, self.home, self.quick = agent, home, quick

    def clinic(self, name):
        return Clinic(self.agent, self.home / name)

    def row(self, what, measured, more=""):
        print(f"{what:<48} {measured:<62} {more:<52} {os.getloadavg()[0]:4.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="a tenth of it")
    parser.add_argument("--only", default="", choices=["", "scans", "year", "log", "sealing"], help="one of the parts")
    words = parser.parse_args()
    for part in (scans, year, log, sealing):
        if words.only in ("", part.__name__):
            home = Path(tempfile.mkdtemp(prefix="kathea"))
            try:
                part(Bench(words.agent.resolve(), home, words.quick))
            finally:
                shutil.rmtree(home)


if __name__ == "__main__":
    main()
