"""F4: the power goes. What the agent wrote is recorded by strace; of what was not synced at the moment of the cut, each
piece is kept, dropped or torn by a coin, and the agent starts on what is left.

Two models of a file system, by turns. *Ordered*: names change in the order of their journal, and a sync of anything
makes all names before it last (ext4). *Strict*: only a sync of the directory makes its names last (POSIX).
`sync_file_range` is no barrier in either. Sizes follow the names, content only a sync of the file itself.
"""

import os
import re
import shutil

from matrix import need
from workstation import NOWHERE

CALLS = "openat,write,pwrite64,lseek,ftruncate,fsync,fdatasync,rename,unlink,unlinkat,rmdir,mkdir,copy_file_range"
LINE = re.compile(r"^(\d+\.\d+) (\w+)\((.*)\)\s+= (-?\d+)(?:<.*>)?(?: .*)?$")
FD = re.compile(r"^(\d+)<(.*?)>$")
SECTOR = 512


def power_loss(bench):
    """F4: every image starts, and has all that was acknowledged."""
    need("strace")
    reverted = images(bench, record, boot, each=bench.many(40, 20), bounded=60)
    control(bench)
    return f"{reverted} files went back behind what was written, {len(bench.wrong)} violations"


def images(bench, record, boot, each, bounded):
    """2,000 images, or as many as a bounded run wants: `each` of a recording. How many files lost something."""
    reverted = 0
    while bench.more(2000, bounded):
        traced = record(bench)
        for _ in range(each):
            if not bench.more(2000, bounded):
                break
            bench.cases += 1
            reverted += boot(bench, traced, f"image {bench.cases}", bench.check)
    return reverted


def control(bench):
    """Without the syncs of sled's file and of its settings, acknowledged records have to be lost."""
    bad, traced = [], record(bench)
    for number in range(30):
        boot(bench, traced, f"{number}", lambda wrong, _: bad.append(wrong) if wrong else None,
             ignored=lambda path: path.endswith(("/db", "/conf")))
        if bad:
            break
    bench.control("the syncs of sled's files are off", bad)


class Traced:
    """What was written, in order, and what the receiver had when; `files` are those of the last image, removed ones too."""

    def __init__(self, site, before, calls, received):
        self.site, self.before, self.calls, self.received = site, before, calls, received


def record(bench, site=None):
    """A morning of a workstation under strace: intake, a drain that is cut, intake, a drain."""
    site = site or bench.site("traced", url=NOWHERE)
    site.fill(bench.draw, bench.draw.randrange(1, 5), bench.draw.randrange(1, 40))
    before = kept(bench, site)
    calls = []
    for words, url in ((("run", "--once"), NOWHERE), (("run", "--once", "--close"), bench.receiver.url())):
        site.configure(url)
        bench.ended(site.run(*words, timeout=90, wrapper=strace(bench)), "under strace")
        calls += read_log(bench.home, site.home)
    return Traced(site, before, calls, bench.receiver.received)


def kept(bench, site):
    """A copy of what is there before something is recorded."""
    before = bench.home / "before"
    shutil.rmtree(before, ignore_errors=True)
    for name in ("data", "outbox"):
        (site.home / name).mkdir(exist_ok=True)
        shutil.copytree(site.home / name, before / name)
    return before


def strace(bench):
    """What runs a program and writes a log of each thread, for `read_log`."""
    log = str(bench.home / "strace")
    return ["strace", "-ff", "-q", "-ttt", "-y", "-xx", "-s", "9000000", "-o", log, "-e", f"trace={CALLS}"]


def read_log(home, below):
    """The calls about files below `below`: (time, what, path, more), in the order of their time."""
    calls = []
    for path in home.glob("strace.*"):
        offsets = {}
        for line in path.read_text(errors="replace").splitlines():
            found = LINE.match(line)
            if found and int(found[4]) >= 0:
                calls += _call(float(found[1]), found[2], _split(found[3]), int(found[4]), offsets, str(below) + "/")
        path.unlink()
    return sorted(calls, key=lambda call: call[0])


def _split(text):
    """The arguments of a call, as strace wrote them."""
    parts, part, quoted = [], "", False
    for piece in re.split(r'(", |", |, |")', text):
        if piece == '"':
            quoted = not quoted
        elif piece == '", ' and quoted:
            quoted = False
            parts.append(part)
            part = ""
            continue
        elif piece == ", " and not quoted:
            parts.append(part)
            part = ""
            continue
        part += piece if piece != '"' else ""
    return [*parts, part]


def _text(argument):
    return bytes.fromhex(argument.replace("\\x", ""))


def _path(argument):
    return _text(argument).decode() if argument.startswith("\\x") else argument


def _call(time, name, words, result, offsets, below):
    """What one call did, as none or one entry."""
    if name == "openat":
        path, flags = _path(words[1]), words[2]
        made = [(time, "make", path, "O_TRUNC" in flags)] if "O_CREAT" in flags or "O_TRUNC" in flags else []
        offsets[result] = None if "O_APPEND" in flags else 0
        return [call for call in made if path.startswith(below)]
    if name in ("rename", "unlink", "rmdir", "mkdir"):
        path = _path(words[0])
        more = _path(words[1]) if name == "rename" else None
        return [(time, name, path, more)] if path.startswith(below) else []
    if name == "unlinkat":
        base = FD.match(words[0])
        path = _path(words[1])
        path = path if path.startswith("/") else os.path.join(_path(base[2]) if base else "", path)
        return [(time, "rmdir" if "AT_REMOVEDIR" in words[2] else "unlink", path, None)] if path.startswith(below) else []
    fd = FD.match(words[2] if name == "copy_file_range" else words[0])
    if not fd:
        return []
    number, path = int(fd[1]), _path(fd[2])
    if not path.startswith(below):
        return []
    if name in ("fsync", "fdatasync"):
        return [(time, "sync", path, None)]
    if name == "lseek":
        offsets[number] = result
        return []
    if name == "ftruncate":
        return [(time, "size", path, int(words[1]))]
    if name == "copy_file_range":
        source = _path(FD.match(words[0])[2])
        return [(time, "copy", path, (source, result))]
    if name == "write":
        at = offsets.get(number, 0)
        if at is not None:
            offsets[number] = at + result
        return [(time, "write", path, (at, _text(words[1])[:result]))]
    if name == "pwrite64":
        return [(time, "write", path, (int(words[3]), _text(words[1])[:result]))]
    return []


class File:
    """Content as it is in memory, what of it is safe, and what was written since."""

    def __init__(self, content=b""):
        self.now, self.safe, self.since = bytearray(content), bytes(content), []

    def write(self, at, data):
        at = len(self.now) if at is None else at
        if len(self.now) < at + len(data):
            self.now.extend(bytes(at + len(data) - len(self.now)))
        self.now[at:at + len(data)] = data
        self.since.append((at, data))

    def resize(self, size):
        self.now = self.now[:size] + bytes(max(0, size - len(self.now)))
        self.since.append((size, None))

    def sync(self):
        self.safe, self.since = bytes(self.now), []

    def after_the_cut(self, draw):
        """What the disk holds: of what was not synced, anything."""
        if not self.since:
            return self.safe
        left = bytearray(self.safe)
        for at, data in self.since:
            kept = draw.random()
            if data is None:
                left = left[:at] + bytes(max(0, at - len(left))) if kept < 0.5 else left
                continue
            if kept < 0.4:
                continue
            if len(left) < at + len(data):
                left.extend(bytes(at + len(data) - len(left)))
            for sector in range(0, len(data), SECTOR):
                piece = data[sector:sector + SECTOR]
                if kept > 0.7 or draw.random() < 0.5:
                    left[at + sector:at + sector + len(piece)] = piece
        return bytes(left)


class Disk:
    """Names and files, those that have no name any more too. A change of names lasts as the model says."""

    def __init__(self, before, home, strict):
        self.strict, self.home = strict, home
        self.names, self.lasting, self.changes, self.files = {}, None, [], []
        for top, folders, files in os.walk(before):
            at = os.path.join(home, os.path.relpath(top, before))
            for name in folders:
                self.names[os.path.normpath(os.path.join(at, name))] = None
            for name in files:
                with open(os.path.join(top, name), "rb") as file:
                    self.names[os.path.normpath(os.path.join(at, name))] = File(file.read())
        self.lasting = dict(self.names)
        self.files += filter(None, self.names.values())

    def apply(self, what, path, more):
        """One call."""
        file = self.names.get(path)
        if what == "make":
            if path not in self.names:
                self.files.append(File())
                self._change(path, [(path, self.files[-1])])
            elif more and file and file.now:
                file.resize(0)
        elif what == "write" and file:
            file.write(*more)
        elif what == "size" and file:
            file.resize(more)
        elif what == "copy" and file:
            source = self.names.get(more[0])
            if source:
                file.write(None, bytes(source.now[:more[1]]))
        elif what == "mkdir":
            self._change(path, [(path, None)])
        elif what == "sync":
            self._sync(path, file)
        elif what in ("unlink", "rmdir"):
            self._change(path, [(path, "gone")])
        elif what == "rename":
            inside = [name for name in self.names if name == path or name.startswith(path + "/")]
            moved = [(more + name[len(path):], self.names[name]) for name in inside]
            self._change(path, [(name, "gone") for name in inside] + moved)

    def _change(self, path, to):
        self.changes.append((os.path.dirname(path), to))
        self._do(self.names, to)

    @staticmethod
    def _do(names, to):
        for name, file in to:
            if file == "gone":
                names.pop(name, None)
            else:
                names[name] = file

    def _sync(self, path, file):
        if file:
            file.sync()
        last = self.changes if not self.strict else [change for change in self.changes if change[0] == path]
        for change in last:
            self._do(self.lasting, change[1])
        self.changes = [change for change in self.changes if change not in last]

    def cut(self, draw):
        """What is there when the power is back: name -> content, None for a directory."""
        if self.strict:
            kept = {folder: draw.randrange(0, 1 + sum(change[0] == folder for change in self.changes))
                    for folder in {change[0] for change in self.changes}}
        left = dict(self.lasting)
        survivors = draw.randrange(0, len(self.changes) + 1)
        for number, (folder, to) in enumerate(self.changes):
            if self.strict:
                kept[folder] -= 1
                if kept[folder] < 0:
                    continue
            elif number >= survivors:
                break
            self._do(left, to)
        return {name: file.after_the_cut(draw) if file else None for name, file in left.items()}


def image(bench, traced, ignored=lambda path: False, cut=None):
    """A cut somewhere: what is left, name -> content, when that was, and how many files lost something."""
    cut = cut or bench.draw.randrange(1, len(traced.calls) + 1)
    disk = Disk(traced.before, str(traced.site.home), strict=bench.draw.random() < 0.5)
    for _, what, path, more in traced.calls[:cut]:
        if what != "sync" or not ignored(path):
            disk.apply(what, path, more)
    left = disk.cut(bench.draw)
    traced.files = disk.files
    reverted = sum(file is not None and path in left and left[path] != bytes(file.now)
                   for path, file in disk.names.items())
    return left, traced.calls[cut - 1][0], reverted


def boot(bench, traced, where, note, ignored=lambda path: False):
    """One image: cut somewhere, started on what is left. Returns how many files lost something."""
    left, moment, reverted = image(bench, traced, ignored)
    site = lay(bench, traced, left)
    received = bench.receiver.begin()
    held = {(epoch, seq) for at, epoch, lo, hi in traced.received.batches if at <= moment for seq in range(lo, hi + 1)}
    received.records.update({name: record for name, record in traced.received.records.items() if name in held})
    for _ in range(2):
        ended = site.once("--close")
        note(ended.broke() or (f"exit code {ended.code}: {ended.err[:200]}" if ended.code != 0 else None), where)
    damaged = site.status()["dropped"].get("damaged")
    note(site.verify(received) + ([f"{damaged} counted as damaged"] if damaged else []), where)
    return reverted


def lay(bench, traced, left, **settings):
    """A workstation on what the cut left."""
    home = bench.home / "image"
    shutil.rmtree(home, ignore_errors=True)
    site = traced.site.copy(home, **settings)
    for name in ("data", "outbox"):
        shutil.rmtree(home / name, ignore_errors=True)
    put_back(site, traced, left)
    return site


def put_back(site, traced, left):
    """Writes what the cut left to a workstation that has no data and no outbox."""
    for name in ("data", "outbox"):
        (site.home / name).mkdir(mode=0o700)
    for path, content in sorted(left.items()):
        place = site.home / os.path.relpath(path, traced.site.home)
        if content is None:
            place.mkdir(mode=0o700, exist_ok=True, parents=True)
        elif place.parent.is_dir():
            place.write_bytes(content)
            kathea = traced.before / os.path.relpath(path, traced.site.home)
            if place.parent.name == "outbox" and kathea.exists():
                shutil.copystat(kathea, place)  # Kathea's files are known by their time
