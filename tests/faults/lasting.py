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
    commands = sweep.commands(template)
    files = sorted(str(path.relative_to(template.data)) for path in template.data.rglob("*")
                   if path.is_file() and path.name not in ("lock", "CACHEDIR.TAG"))
    everything = [(file, name, how) for file in files for name in commands for how in PASSING]
    said = dict.fromkeys(PASSING, 0)
    # A bounded run does the worst first.
    worst = [(file, "run --once", "for the whole run") for file in ("keys/device.key", "keys/root")]
    for file, name, how in everything if bench.full else worst + bench.draw.sample(everything, min(len(everything), 12)):
        if bench.is_over():
            bench.note("ended by time", f"after {bench.cases} of {len(everything)}")
            break
        site, received = sweep.fresh(bench, template)
        log = bench.home / "strace"
        inject = ["-P", str(site.data / file), "-e", f"trace={LOOKS}", "-e", f"inject={LOOKS}:error=EIO{PASSING[how]}"]
        ended = site.run(*commands[name], wrapper=sweep.strace(log, *inject), timeout=60)
        hit = "(INJECTED)" in log.read_text(errors="replace")
        log.unlink()
        if not hit:
            continue
        bench.cases += 1
        where = f"{name}, {file} out of reach {how}"
        bench.check(ended.broke(), where)
        said[how] += ended.code not in (0, 3) or bool(ended.err.strip()) or sweep.is_reported(ended.out)
        sweep.judge(bench, site, received, template, name, commands[name], where)
    fired = lasting_writes(bench)
    control(bench, template, commands)
    listed = ", ".join(f"{how} {count}" for how, count in said.items())
    return f"commands that said so: {listed}; {fired} runs whose calls failed from one on; {len(bench.wrong)} violations"


def lasting_writes(bench):
    """From the n-th call on every call of this kind fails. How many runs that hit."""
    template = calls.prepared(bench)
    device, fired, log = template.status()["device"], 0, bench.home / "strace"
    for call, error in WRITES:
        for number in sorted(bench.draw.sample(range(1, 80), bench.many(40, 1))):
            if bench.is_over():
                bench.note("ended by time", f"in {error} of {call}")
                return fired
            site = template.copy(bench.home / "site")
            received = bench.receiver.begin()
            ended, injected = calls.inject(site, log, call, f"error={error}", f"{number}+")
            if not injected:
                break
            bench.cases += 1
            fired += 1
            where = f"call {number} and all after it, {error} of {call}"
            bench.check(ended.broke(), where)
            calls.verify(bench, site, received, where, device)
    return fired


def control(bench, template, commands):
    """What protects is that only an absent file counts as absent. Where a key counts as absent,
    the agent does what it would do without that: the same judgement has to find it."""
    violations = len(bench.wrong)
    for file in ("keys/device.key", "keys/root"):
        site, received = sweep.fresh(bench, template)
        log = bench.home / "strace"
        inject = ["-P", str(site.data / file), "-e", f"trace={LOOKS}", "-e", f"inject={LOOKS}:error=ENOENT"]
        site.run("run", "--once", wrapper=sweep.strace(log, *inject), timeout=60)
        log.unlink()
        sweep.judge(bench, site, received, template, "run --once", commands["run --once"], f"control, {file}")
        seen, bench.wrong[violations:] = bench.wrong[violations:], []
        bench.control(f"{file} out of reach counts as absent", seen)
