#!/usr/bin/env python3
"""Which lines of each parser its fuzzing target reaches; called by `fuzz/run coverage SECONDS`, which gives the folder of the
programs, built to count lines (`-Cinstrument-coverage`).

Each target is fuzzed for so long, and LAST_RUN.md is written. Needs llvm-profdata and llvm-cov of rustc's LLVM
(`apt-get install llvm-22` for LLVM 22).
"""

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OWN = ("dicom", "text", "structured")
# The files of each parser.
FILES = {
    "dicom": ["agent/deidentify/src/dicom"],
    "text": ["agent/deidentify/src/text"],
    "structured": ["agent/deidentify/src/structured"],
    "envelope": ["protocol/src/envelope.rs", "protocol/src/envelope", "protocol/src/batch.rs"],
    "ledger": ["protocol/src/ledger.rs"],
    "enrolment": ["agent/src/ship/enrol.rs"],
    "tus": ["protocol/src/bundle.rs", "agent/src/ship/tus.rs"],
    "answers": ["agent/src/ship/routes.rs", "protocol/src/answer.rs", "protocol/src/reply.rs"],
    "outbox": ["agent/src/usage/validation.rs", "agent/src/usage/line.rs"],
    "configuration": ["agent/src/config.rs", "agent/src/config"],
    "carving": ["agent/src/seal/record.rs"],
    "literals": ["agent/provenance/src"],
    "lists": ["agent/src/programs/lists.rs", "agent/src/programs/installed.rs"],
    "socket": ["agent/src/request.rs", "agent/src/request"],
    "policy": ["agent/src/consent/policy.rs", "agent/src/consent/policy"],
    "manifest": ["agent/src/support/manifest.rs"],
}

# Functions of these files that read nothing from outside: they write, ask, or need a disk, a key or a consent. Where no
# input enters one, its lines do not count.
ASIDE = {
    "protocol/src/batch.rs": ["hi", "id"],
    "protocol/src/ledger.rs": ["line_hash"],
    "protocol/src/bundle.rs": ["receipt"],
    "protocol/src/answer.rs": ["new"],
    "protocol/src/reply.rs": ["new"],
    "agent/src/ship/enrol.rs": ["enrol", "renew", "signing_request", "der_bytes", "algorithm", "sign"],
    "agent/src/ship/tus.rs": ["announcement", "exchange"],
    "agent/src/ship/routes.rs": ["capabilities", "consent", "privacy", "news", "json", "to_json"],
    "agent/src/usage/validation.rs": ["clean", "batch", "into_batch", "records", "to_bytes", "from_bytes", "catalog", "events"],
    "agent/src/usage/line.rs": ["expecting"],
    "agent/deidentify/src/structured/json.rs": ["expecting"],
    "agent/src/config.rs": ["load", "language"],
    "agent/src/config/defaults.rs": ["default_path"],
    "agent/src/seal/record.rs": ["new", "open", "verifies", "text", "aad"],
    "agent/src/programs/lists.rs": ["add", "all", "folder", "read", "verified"],
    "agent/src/request.rs": ["new"],
    "agent/src/consent/policy.rs": ["load", "configured", "problem"],
    "agent/src/support/manifest.rs": ["purposes"],
}


def main(programs, seconds):
    tools = [tool(name) for name in ("llvm-profdata", "llvm-cov")]
    targets = said([HERE / "run", "list"]).split()
    assert set(targets) == set(FILES), "a target without files"
    gone = [f"{name} of {file}" for file, names in ASIDE.items() for name in names
            if f"fn {name}" not in (ROOT / file).read_text()]
    assert not gone, f"functions that are gone: {gone}"
    rows, missed = [], []
    for target in targets:
        row, silent = covered(target, Path(programs).resolve(), seconds, *tools)
        rows.append(f"| {target} | {row} |")
        missed += silent
        print(rows[-1], flush=True)
    record(rows, missed, seconds)


def tool(name):
    """The one that belongs to rustc's LLVM."""
    version = re.search(r"LLVM version: (\d+)", said(["rustc", "-vV"]))[1]
    found = shutil.which(f"{name}-{version}")
    return found or sys.exit(f"needs {name}-{version}: apt-get install llvm-{version}")


def said(words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, cwd=HERE, **more).stdout


def covered(target, programs, seconds, profdata, cov):
    """Fuzzes one target: the cells of its row, and the functions of its files that nothing enters. A crash ends all."""
    program = programs / (target if target in OWN else "parsers")
    corpus = HERE / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        environment = os.environ | {"PARSER": target, "LLVM_PROFILE_FILE": f"{place}/%p-%m.profraw"}
        limits = [f"-max_total_time={seconds}", "-max_len=16384", "-rss_limit_mb=512", "-timeout=20", "-print_final_stats=1"]
        done = subprocess.run([program, *limits, corpus, HERE / "seeds" / target], cwd=place, env=environment,
                              capture_output=True, text=True, errors="replace")
        if done.returncode:
            sys.exit(f"{target}: {done.stderr[-4000:]}")
        executions = int(re.search(r"number_of_executed_units: (\d+)", done.stderr)[1])
        merged = f"{place}/merged"
        said([profdata, "merge", "-sparse", "-o", merged, *Path(place).glob("*.profraw")])
        files = [ROOT / name for name in FILES[target]]
        show = [cov, "export", f"-instr-profile={merged}", program]
        trace = said([*show, "-format=lcov", *files])
        entered = functions(json.loads(said([*show, "-format=text", "-skip-expansions", *files])))
    lines, reached, silent, file = 0, 0, [], ""
    for row in trace.splitlines():
        word, _, rest = row.partition(":")
        if word == "SF":
            file = rest
            name = str(Path(file).relative_to(ROOT))
            unentered = [(start, end, function(name, start)) for start, end, count in entered.get(file, []) if not count]
            aside = [(start, end) for start, end, of in unentered if of in ASIDE.get(name, [])]
            silent += [f"{name}: {of}" for *_, of in unentered if of not in ASIDE.get(name, [])]
        elif word == "DA":
            number, count = (int(part) for part in rest.split(",")[:2])
            if not count and any(start <= number <= end for start, end in aside):
                continue
            lines += 1
            reached += count > 0
    return f"{executions} | {reached} of {lines} | {100 * reached / max(1, lines):.0f} %", silent


def functions(exported):
    """First line, last line and executions of each function by its file; what was made of one more than once, together."""
    found = {}
    for function in exported["data"][0].get("functions", []):
        regions = [region for region in function["regions"] if region[5] == 0]
        key = function["filenames"][0], min(region[0] for region in regions), max(region[2] for region in regions)
        found[key] = found.get(key, 0) + function["count"]
    by_file = {}
    for (file, start, end), count in sorted(found.items()):
        by_file.setdefault(file, []).append((start, end, count))
    return by_file


def record(rows, missed, seconds):
    head = said(["git", "rev-parse", "--short", "HEAD"]).strip()
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M")
    by_file = {}
    for place in missed:
        file, name = place.split(": ")
        by_file.setdefault(file, []).append(name)
    (HERE / "LAST_RUN.md").write_text(
        "# The last run of the fuzzing targets\n\n"
        f"Written by `agent/fuzz/run coverage {seconds}` on {now} UTC, {head}: {seconds} s of each target,\n"
        "none of which crashed. Lines are those with code of the parser's files (`coverage.py` lists them), without the\n"
        "functions that read nothing from outside and that no input entered (`ASIDE` there).\n\n"
        "| target | executions | lines reached | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        "Functions that no input enters:\n\n"
        + "".join(f"- `{file}`: {', '.join(dict.fromkeys(names))}\n" for file, names in by_file.items())
    )


def function(file, at):
    """The name of the function that begins on this line; a closure's line has none."""
    lines = (ROOT / file).read_text().splitlines()
    for line in reversed(lines[:at]):
        if found := re.search(r"\bfn (\w+)", line):
            return found[1]
    return f"line {at}"


if __name__ == "__main__":
    main(*sys.argv[1:])
