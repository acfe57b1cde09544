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
# The files of each parser. What else they hold, writers above all, counts as not reached too.
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


def main(programs, seconds):
    tools = [tool(name) for name in ("llvm-profdata", "llvm-cov")]
    targets = said([HERE / "run", "list"]).split()
    assert set(targets) == set(FILES), "a target without files"
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
    lines, reached, within, within_reached, silent, file = 0, 0, 0, 0, [], ""
    for row in trace.splitlines():
        word, _, rest = row.partition(":")
        if word == "SF":
            file = rest
            silent += [f"{Path(file).relative_to(ROOT)}:{start}" for start, _, count in entered.get(file, []) if not count]
        elif word == "DA":
            number, count = (int(part) for part in rest.split(",")[:2])
            lines += 1
            reached += count > 0
            if any(start <= number <= end for start, end, ran in entered.get(file, []) if ran):
                within += 1
                within_reached += count > 0
    share = lambda part, whole: f"{part} of {whole} | {100 * part / max(1, whole):.0f} %"
    return f"{executions} | {share(reached, lines)} | {share(within_reached, within)}", silent


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
        file, at = place.split(":")
        by_file.setdefault(file, []).append(function(file, int(at)))
    (HERE / "LAST_RUN.md").write_text(
        "# The last run of the fuzzing targets\n\n"
        f"Written by `agent/fuzz/run coverage {seconds}` on {now} UTC, {head}: {seconds} s of each target,\n"
        "none of which crashed. Lines are those with code of the parser's files (`coverage.py` lists them); the files hold\n"
        "writers too, which no input reaches: the last columns count the functions alone that an input enters.\n\n"
        "| target | executions | lines reached | | in functions entered | |\n|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
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
