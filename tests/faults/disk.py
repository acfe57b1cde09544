"""F5 and F6: the disk is full, has no names left, may only be read, is not ours."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from matrix import Skipped, need
from workstation import NOWHERE, Socket

MIB = 1 << 20


class Volume:
    """A small file system of its own, mounted in this process's own view of the file systems."""

    def __init__(self, place, kind="tmpfs", size=16 * MIB, names=None):
        self.place, self.image = Path(place), None
        self.place.mkdir(parents=True, exist_ok=True)
        if kind == "tmpfs":
            options = f"size={size},mode=700" + (f",nr_inodes={names}" if names else "")
            self._mount("-t", "tmpfs", "-o", options, "tmpfs")
        else:
            self.image = self.place.with_suffix(".img")
            with open(self.image, "wb") as file:
                file.truncate(size)
            subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", self.image], check=True, capture_output=True)
            self._mount("-o", "loop", self.image)

    def _mount(self, *words):
        done = subprocess.run(["mount", *words, self.place], capture_output=True, text=True)
        if done.returncode:
            raise Skipped(f"a file system can't be mounted here: {done.stderr.strip()}")

    def fill(self, leave):
        """A foreign file that leaves this many bytes."""
        left = shutil.disk_usage(self.place).free - leave
        with open(self.place / "foreign", "ab", buffering=0) as file:
            try:
                while left > 0:
                    left -= file.write(b"\xff" * min(left, 1 << 16))
            except OSError:
                pass

    def free(self):
        for foreign in self.place.glob("foreign*"):
            foreign.unlink()

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how}", self.place], check=True)

    def end(self):
        subprocess.run(["umount", "-l", self.place], check=True)
        if self.image:
            self.image.unlink()


def own_view():
    """Root's rights and a view of the file systems that ends with the run."""
    if os.geteuid() or "FAULTS_OWN_VIEW" not in os.environ:
        raise Skipped("mounting needs root and a view of the file systems of its own")
    need("mount", "mkfs.ext4")


def full(bench):
    """F5: full at the start, at intake, at a drain, at a yes: nothing is lost, and it goes on by itself."""
    own_view()
    refused = 0
    for number in bench.up_to(300, 10):
        kind = "ext4" if number % 5 == 4 else "tmpfs"
        volume = Volume(bench.home / f"disk{number}", kind, 24 * MIB if kind == "ext4" else 16 * MIB)
        try:
            refused += one_full(bench, volume, f"case {number} on {kind}")
        finally:
            volume.end()
    control(bench)
    return f"{refused} runs were refused on a full disk, 0 lost"


def one_full(bench, volume, where):
    """One volume that fills up at some moment of the work."""
    site, received = on(volume, bench)
    draw, refused = bench.draw, 0
    site.configure(NOWHERE)
    site.fill(draw, 2, 30)
    if draw.random() < 0.7:
        site.once()
    volume.fill(draw.choice([0, 0, 4096, 100 << 10, draw.randrange(6 * MIB)]))
    site.fill(draw, 2, 30)
    for _ in range(2):
        ended = site.once()
        bench.ended(ended, where + ", full", codes=(0, 1, 3))
        refused += ended.code == 1
    ballast = (site.data / "spool/ballast").exists() or shutil.disk_usage(volume.place).free > 3 * MIB
    waits = ballast and status(site).get("usage", {}).get("records", 0)
    site.configure(bench.receiver.url())
    ended = site.once("--close")
    bench.ended(ended, where + ", drained while full", codes=(0, 1, 3))
    bench.check("what waits was not drained" if waits and not received.records else None, where + ", full")
    volume.free()
    begun = time.monotonic()
    bench.ended(site.once("--close"), where + ", space again", codes=(0,))
    bench.check("took longer than 30 s" if time.monotonic() - begun > 30 else None, where)
    bench.check(site.verify(received), where)
    return refused


def on(volume, bench):
    """A workstation whose data lies on this volume."""
    site = bench.site()
    site.data = volume.place / "data"
    shutil.copytree(site.home / "data", site.data)
    site.configure(bench.receiver.url())
    return site, bench.receiver.received


def status(site):
    ended = site.run("status", "--json")
    return json.loads(ended.out)["waiting"] if ended.code == 0 else {}


def no_names(bench):
    """F5: free space, but no inode for another file."""
    own_view()
    for number in bench.up_to(40, 3):
        volume = Volume(bench.home / f"names{number}", names=40)
        try:
            site, received = on(volume, bench)
            left = bench.draw.randrange(0, 12)
            used = 0
            try:
                for used in range(100):
                    (volume.place / f"foreign{used}").touch()
            except OSError:
                pass
            for at in range(min(left, used)):
                (volume.place / f"foreign{at}").unlink()
            site.fill(bench.draw, 2, 20)
            for _ in range(2):
                bench.ended(site.once("--close"), f"case {number}, no names", codes=(0, 1, 3))
            volume.free()
            bench.ended(site.once("--close"), f"case {number}, names again", codes=(0,))
            bench.check(site.verify(received), f"case {number}")
        finally:
            volume.end()


def control(bench):
    """The queue is removed to free space: the check has to notice."""
    site = bench.site(url=NOWHERE)
    site.fill(bench.draw, 1, 20)
    site.once()
    shutil.rmtree(site.data / "spool")
    site.configure(bench.receiver.url())
    site.once("--close")
    bench.control("the queue is removed to free space", site.verify(bench.receiver.received))


def both(bench):
    """F5, both kinds."""
    figure = full(bench)
    no_names(bench)
    return figure


def forbidden(bench):
    """F6: read-only, gone, another's, in use: said with an exit code, without a busy loop."""
    own_view()
    read_only(bench)
    busy = bench.site("busy")
    process = busy.start("run", stdout=None, stderr=subprocess.DEVNULL)
    runs(busy)
    second = busy.run("run")
    bench.cases += 1
    bench.check(f"exit code {second.code}" if second.code != 5 else None, "a second agent")
    process.kill()
    process.wait()
    others(bench)
    gone = bench.site("gone")
    shutil.rmtree(gone.data)
    gone.fill(bench.draw, 1, 10)
    bench.cases += 1
    bench.ended(gone.once("--close"), "data_dir gone", codes=(0, 3))
    bench.check("a yes that nobody gave" if gone.status()["consent"]["usage_statistics"] == "granted" else None, "data_dir gone")
    bench.check("a payload was sent" if bench.receiver.received.batches else None, "data_dir gone")
    gone = bench.site("gone")
    gone.fill(bench.draw, 1, 10)
    process = gone.start("run", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    runs(gone)
    shutil.rmtree(gone.outbox)
    lines, spent = watch(process, bench.many(60, 8))
    bench.cases += 1
    bench.check(f"{lines} lines, {spent:.1%} of a processor" if lines > 12 or spent > 0.05 else None, "outbox gone")
    bench.control("a second agent in another directory", bench.site("free").once().code != 5)
    return "exit codes as documented"


def runs(site):
    """Waits until the service has begun its work: it answers."""
    Socket(site.socket, patience=60).ask('{"request":"status"}')


def read_only(bench):
    volume = Volume(bench.home / "readonly")
    try:
        site, received = on(volume, bench)
        site.fill(bench.draw, 1, 20)
        volume.remount("ro")
        bench.cases += 1
        for words in (("run", "--once"), ("status",), ("consent", "withdraw", "usage_statistics")):
            ended = site.run(*words)
            bench.ended(ended, f"read-only, {words}", codes=(1, 5))
            bench.check("no word of why" if not ended.err.strip() else None, f"read-only, {words}")
        volume.remount("rw")
        process = site.start("run", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        runs(site)
        volume.fill(0)
        site.fill(bench.draw, 1, 20)
        lines, spent = watch(process, bench.many(60, 8))
        bench.note("a full disk under a service", f"{lines} lines, {spent:.1%} of a processor")
        bench.check(f"{lines} lines, {spent:.1%}" if lines > 12 or spent > 0.05 else None, "a full disk under a service")
        volume.free()
        bench.ended(site.once("--close"), "writable again", codes=(0,))
        bench.check(site.verify(received), "writable again")
    finally:
        volume.end()


def watch(process, seconds):
    """Lines that a service wrote and its share of a processor over so many seconds; it is ended then."""
    before = cpu(process.pid)
    time.sleep(seconds)
    spent = (cpu(process.pid) - before) / seconds if process.poll() is None else 0
    process.terminate()
    _, errors = process.communicate(timeout=30)
    return len(errors.splitlines()), spent


def cpu(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def others(bench):
    """data_dir belongs to another account."""
    need("setpriv")
    site = bench.site("others")
    os.chmod(bench.home, 0o755)
    os.chmod(site.home, 0o755)
    os.chmod(site.data, 0o700)
    bench.cases += 1
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    ended = site.run("status", wrapper=nobody)
    bench.check(f"exit code {ended.code}: {ended.err[:200]}" if ended.code != 5 else None, "another's data_dir")
