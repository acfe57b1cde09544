"""Parts of measure.py about whole processes: many files in the outbox, commands, logs through de-identification, a
preview of a gibibyte."""

import os
import random
import resource
import shutil
import statistics
import subprocess
import time

import measure_support
import rig

MIB = 1 << 20
RUNS = 5


def spent(command, **how):
    """Seconds of the clock and of processors of one process with its children."""
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **how)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begun, used


def median(command):
    return median_of(lambda _: command)


def median_of(command):
    """Of so many processes, each with a command of its own."""
    taken = [spent(command(run)) for run in range(RUNS)]
    return tuple(statistics.median(one[at] for one in taken) for at in (0, 1))


def many_files(bench):
    """Files of one event each: twice as many should take twice as long."""
    before = 0
    for count in (bench.some(25_000), bench.some(50_000), bench.some(100_000)):
        site = bench.granted()
        site.leave(rig.errors(count), 1)
        taken = site.run_once()
        held = site.status()["waiting"]["usage"]["records"]
        if held != count or any(site.outbox.iterdir()):
            raise SystemExit(f"{held} of {count} events wait")
        growth = f", {taken.cpu / before:.2f} times the CPU of half" if before else ""
        shown = f"{taken.wall:.1f} s, {taken.cpu:.2f} s CPU, peak {taken.peak / MIB:.1f} MiB{growth}"
        bench.row(f"{count:,} files of one event in the outbox", shown, "100,000 in 3 s")
        before = taken.cpu


def first_file(bench):
    """From the rename of a file until its events are durable, in a running service."""
    site = bench.granted()
    site.start()
    for what, count in (("one event", 1), ("20,000 events", 20_000)):
        taken = []
        for seed in range(RUNS):
            lines = rig.errors(count, seed)
            begun = time.monotonic()
            site.leave(lines, count)
            while any(site.outbox.iterdir()):
                time.sleep(0.005)
            taken.append(time.monotonic() - begun)
        bench.row(f"a file of {what} until it is taken in", f"{statistics.median(taken):.2f} s")
    site.stop()


def commands(bench):
    """Each as a process of its own, beside one that does nothing."""
    site = bench.granted()
    nothing = median(["true"])
    bench.row("a process that does nothing", f"{nothing[0] * 1e3:.1f} ms, {nothing[1] * 1e3:.1f} ms CPU")
    for what, words in (("--version", ["--version"]), ("status, no service", site.command("status")[1:])):
        wall, cpu = median([site.program, *words])
        bench.row(f"kathea-agent {what}", f"{wall * 1e3:.1f} ms, {cpu * 1e3:.1f} ms CPU", "5 ms CPU")
    starts = []
    for _ in range(RUNS):
        starts.append(site.start())
        site.stop()
    bench.row("start, until status answers, median of 5", f"{statistics.median(starts) * 1e3:.1f} ms", "8 ms")


def realistic(count, seed=4):
    """Lines of a program beside a scanner: forty kinds, some of them often, their numbers drawn for each."""
    draw, lines, second = random.Random(seed), [], 0.0
    names = [f"{name}^{first}" for name in ("Holm", "Vang", "Skov", "Lund") for first in ("Else", "Per", "Ida")]
    kinds = [
        lambda: f"[INFO] acquisition(1001): exposure started: kV={draw.choice([80, 85, 90])} mA=8.0 ms=12500",
        lambda: f"[DEBUG] detector(2107): frame {draw.randint(1, 512)} of 512, offset {draw.gauss(0, 3):.2f} counts",
        lambda: f"[WARN] detector(2107): lost {draw.randint(1, 9)} of 512 frames (E2107), 0x8007000{draw.randint(1, 9)}",
        lambda: f"[DEBUG] motion(311): axis rotation at {draw.uniform(-200, 200):.3f} deg, following error {draw.randint(0, 90)}",
        lambda: f"[INFO] ui(12): patient={draw.choice(names)} opened after {draw.randint(20, 900)} ms",
        lambda: f"[DEBUG] archive(3): C:\\Kathea\\Scans\\{draw.randint(1, 99)}\\volume.raw saved, {draw.randint(1, 900)} MB",
        lambda: f"[INFO] worklist(5): query returned {draw.randint(0, 40)} items in {draw.randint(9, 99)} ms from 192.168.1.20:104",
        lambda: "[DEBUG] reconstruction(12): voxel size 0.2 mm, volume 800x800x600",
        lambda: "[INFO] link(40): heartbeat",
        lambda: f"[DEBUG] link(41): sequence {draw.randint(1, 99999)} acknowledged in {draw.randint(1, 40)} us",
        lambda: f"[ERROR] generator(1042): arc detected at {draw.choice([80, 90])} kV, retry {draw.randint(1, 3)}/3",
        lambda: f"[INFO] tube(7): temperature {draw.uniform(20, 60):.1f} °C, {draw.randint(1, 99)} % of the limit",
    ]
    weights = [2, 20, 1, 20, 2, 3, 2, 4, 20, 20, 1, 5]
    for kind in draw.choices(kinds, weights, k=count):
        second = (second + draw.expovariate(20)) % 86_400
        at = f"2026-11-21 {int(second) // 3600:02}:{int(second) // 60 % 60:02}:{second % 60:06.3f}"
        lines.append(f"{at} {kind()}\n")
    return "".join(lines).encode()


def text(bench):
    """A log and a trace as files of a case, whole process; the processor's time of an empty one is taken off. Once with
    nothing learned, once beside the scans of two hundred patients."""
    logs_of_case(bench, "text", 0)
    logs_of_case(bench, "text beside scans", 200)


def logs_of_case(bench, name, patients):
    folder = bench.home / name
    (folder / "scans").mkdir(parents=True)
    for number in range(patients):
        scan = measure_support.slice_of(measure_support.patient(number), number + 1, 1)
        born = f"{1930 + number % 80}{number % 12 + 1:02}{number % 28 + 1:02}".encode()
        (folder / "scans" / f"{number}.dcm").write_bytes(scan.replace(b"19610704", born))
    scans = [folder / "scans"] if patients else []
    draw = random.Random(5)
    rows = "".join(f"{20 * at},{draw.gauss(0, 1):.3f},{draw.gauss(0, 1):.3f},{draw.gauss(0, 1):.3f}\n" for at in range(bench.some(400_000)))
    logs = {"an empty log": b"2026-11-21 10:32:11.123 [INFO] link(40): heartbeat\n",
            "a realistic log": realistic(bench.some(300_000)), "rows of numbers": rows.encode()}
    least = 0
    for what, content in logs.items():
        path = folder / "kathea.log"
        path.write_bytes(content)
        taken = []
        for run in range(RUNS):
            taken.append(spent([bench.agent, "deidentify", path, *scans, "-o", folder / f"{what}{run}"]))
        cpu = statistics.median(one[1] for one in taken)
        least = least or cpu
        rate = len(content) / MIB / max(cpu - least, 1e-9)
        shown = f"{cpu:.3f} s CPU" if cpu == least else f"{cpu:.2f} s CPU for {len(content) / MIB:.1f} MiB: {rate:.1f} MiB/s a core"
        beside = f" beside the scans of {patients} patients" if patients else ""
        bench.row(f"deidentify, {what}{beside}", shown, "60 MB/s")


def preview(bench):
    """A preview of a case whose logs are a gibibyte, lines that come again with other numbers."""
    clinic = measure_support.Clinic(bench.agent, bench.home / "preview")
    measure_support.write_scans(clinic, 1, 1)
    minutes, size = 64, bench.some(16 * MIB)
    measure_support.write_log(clinic.logs / "kathea.log", minutes, size)
    held = (clinic.logs / "kathea.log").stat().st_size
    taken, draft, manifest = clinic.preview("--since", "2h")
    step = measure_support.outcome(manifest, "kathea_logs")
    shown = f"{taken}, {draft['bytes'] / MIB:.1f} MiB in it ({step['outcome']})"
    bench.row(f"preview of {held / MIB:,.0f} MiB of logs", shown, "1 GiB in 10 s")


class Support(measure_support.Bench):
    """Lets a part of measure_support.py write its rows into this table."""

    def __init__(self, bench):
        super().__init__(bench.agent, bench.home, bench.quick)
        self.table = bench

    def row(self, what, measured, more=""):
        self.table.row(what, f"{measured}; {more}", "8 s, 400 MiB" if what == "sealing it" else "")


def sealing(bench):
    """Sealing a gibibyte that a preview showed, and the same files through tar, a packer and age."""
    measure_support.sealing(Support(bench), [packer for packer in ("gzip -1", "zstd -1") if shutil.which(packer[:4])])


def dicom(bench):
    """Headers of CT slices: one in a process, and one of a thousand, of which the time of one alone is taken off."""
    folder, count = bench.home / "dicom", bench.some(1000)
    of_one, of_all = folder / "one", folder / "all"
    for slices, into in ((1, of_one), (count, of_all)):
        into.mkdir(parents=True)
        for number in range(1, slices + 1):
            (into / f"{number:05}.dcm").write_bytes(measure_support.slice_of(measure_support.patient(1), 1, number))
    programs = {"deidentify": lambda files, out: [bench.agent, "deidentify", files, "-o", out]}
    if peer := shutil.which("dcmanon"):
        programs["dcmanon"] = lambda files, out: [peer, "anonymize", "-r", "-i", files, "-o", out]
    for name, command in programs.items():
        whole, run = (median_of(lambda at: command(files, fresh(folder / f"{name} {files.name}{at}")))
                      for files in (of_one, of_all))
        bench.row(f"{name}, a CT slice, whole process", f"{whole[0] * 1e3:.1f} ms, {whole[1] * 1e3:.1f} ms CPU", "5 ms")
        each = [(more - less) / (count - 1) * 1e3 for more, less in zip(run, whole)]
        bench.row(f"{name}, one of {count:,} CT slices in a run", f"{each[0]:.3f} ms, {each[1]:.3f} ms CPU", "0.3 ms")


def fresh(folder):
    folder.mkdir()
    return folder


PARTS = [many_files, first_file, commands, text, preview, sealing, dicom]
