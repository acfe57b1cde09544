"""F37: a failure that passes against one that lasts. A file cannot be read once, three times, or through a whole run; the
calls that write fail from one of them on. While it lasts, the command ends in order and says so; when it is over, all is as
if it had not been: what was out of reach is neither absent nor damaged.
"""

import calls
import sweep
from matrix import need

LOOKS = "openat,read,pread64,statx,newfstatat,getdents64"
# How long a file is out of reach, as strace's `when`.
PASSING = {"once": ":when=1", "three times": ":when=1..3", "for the whole run": ""}
WRITES = [("fsync", "EIO"), ("fdatasync", "EIO"), ("write", "ENOSPC"), ("pwrite64", "EIO"), ("pwrite64", "ENOSPC"),
          ("rename", "EIO"), ("openat", "EIO"), ("openat", "EMFILE"), ("unlink", "EIO"), ("read", "EIO"), ("pread64", "EIO")]


def passing_and_lasting(bench):
    """F37: every file of a workstation, four commands, three durations; then calls that fail from one of them on."""
    need("strace")
    template = sweep.prepared(bench)
    files = sorted(str(path.relative_to(template.data)) for path in template.data.rglob("*")
                   if path.is_file() and path.name not in ("lock", "CACHEDIR.TAG"))
    everything = [(file, name, how) for file in files for name in sweep.commands(template) for how in PASSING]
    said = dict.fromkeys(PASSING, 0)
    # A bounded run does the worst first.
    worst = [(file, "run --once", "for the whole run") for file in ("keys/device.key", "keys/root")]
    for file, name, how in everything if bench.full else worst + bench.draw.sample(everything, min(len(everything), 12)):
        if bench.is_over():
            bench.note("ended by time", f"after {bench.cases} of {len(everything)}")
            break
        hit = sweep.tried(bench, template, name, LOOKS, f"error=EIO{PASSING[how]}", f"EIO {how}", file)
        said[how] += bool(hit and hit.is_said)
    fired = lasting_writes(bench)
    control(bench, template)
    listed = ", ".join(f"{how} {count}" for how, count in said.items())
    return f"commands that said so: {listed}; {fired} runs whose calls failed from one on; {len(bench.wrong)} violations"


def lasting_writes(bench):
    """From the n-th call on every call of this kind fails. How many runs that hit."""
    template = calls.prepared(bench)
    device, fired = template.status()["device"], 0
    for call, error in WRITES:
        for number in sorted(bench.draw.sample(range(1, 80), bench.many(40, 1))):
            if bench.is_over():
                bench.note("ended by time", f"in {error} of {call}")
                return fired
            what = f"call {number} and all after it, {error} of {call}"
            if not calls.tried(bench, template, device, call, error, f"{number}+", what):
                break
            fired += 1
    return fired


def control(bench, template):
    """What protects is that only an absent file counts as absent. Where a key counts as absent,
    the agent does what it would do without that: the same judgement has to find it."""
    for file in ("keys/device.key", "keys/root"):
        seen = bench.found(lambda: sweep.tried(bench, template, "run --once", LOOKS, "error=ENOENT", "ENOENT", file))
        bench.control(f"{file} out of reach counts as absent", seen)
