"""The table of measure.py: of several runs the median of every number, and the file that keeps the last one."""

import collections
import os
import platform
import re
import statistics
import subprocess
import time
from pathlib import Path

MIB = 1 << 20
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def machine(home):
    processors = Path("/proc/cpuinfo").read_text().splitlines()
    model = [line.split(":")[1].strip() for line in processors if "model name" in line] or [platform.machine()]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MIB / 1024
    kind = subprocess.run(["stat", "-fc", "%T", home], capture_output=True, text=True).stdout.strip()
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    system = f"{platform.system()} {platform.release()}"
    return f"{os.cpu_count()} x {model[0]}, {memory:.1f} GiB, {system}, {kind}, load {load}"


def medians(runs):
    """A row for each that a run has: of every number in it the median, and the range of the first one."""
    rows = {}
    for run in runs:
        times = collections.Counter()
        for what, measured, reach, load in run:
            rows.setdefault((what, times[what]), []).append((measured, reach, load))
            times[what] += 1
    table = []
    for (what, _), found in rows.items():
        wordings = [NUMBER.sub("", measured) for measured, *_ in found]
        usual = statistics.mode(wordings)
        same = [one for one, wording in zip(found, wordings) if wording == usual]
        texts = [NUMBER.findall(measured) for measured, *_ in same]
        shown = iter([median(of_all) for of_all in zip(*texts)])
        merged = NUMBER.sub(lambda _: next(shown), same[0][0])
        first = sorted((text[0] for text in texts if text), key=value)
        spread = f"{first[0]} - {first[-1]}" if first and value(first[0]) != value(first[-1]) else ""
        short = f" (of {len(same)})" if len(same) < len(runs) else ""
        loads = [load for *_, load in same]
        table.append((what, merged + short, spread, same[0][1], f"{min(loads):.1f} - {max(loads):.1f}"))
    return table


def median(texts):
    """Written as the numbers are."""
    digits = max(len(text.partition(".")[2]) for text in texts)
    mark = "," if any("," in text for text in texts) else ""
    return f"{statistics.median(map(value, texts)):{mark}.{digits}f}"


def value(text):
    return float(text.replace(",", ""))


def record(file, table, where, words):
    """The table of the last run, whichever parts it had."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent,
                            capture_output=True, text=True).stdout.strip()
    parts = f"`--only {words.only}`" if words.only else "all parts"
    how = f", of every number the median of {words.runs} runs" if words.runs > 1 else ""
    lines = ["# The last run of measure.py", "", "Written by `tests/measure.py --record`: nothing passes or fails here.", "",
             f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, commit {commit}, {parts}{how}"
             f"{', a tenth of the lines' if words.quick else ''}; {where}", "",
             "| what | measured | range of its first number | to reach | load |", "|---|---|---|---|---|",
             *(f"| {' | '.join(cell.strip().replace('|', chr(92) + '|') for cell in row)} |" for row in table), ""]
    file.write_text("\n".join(lines))
