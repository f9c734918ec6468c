"""What a sweep gains: throughput against single command-line solves of the same points, efficiency at two workers,
memory over the run.

    python benchmarks/sweep/measure.py [STUDY] [--points N] [--single N] [--out DIR]

Prints one JSON document. Seconds of wall time on an idle machine; on a shared one compare the CPU seconds, which are
given too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from processes import below

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def children() -> tuple[float, float]:
    """CPU seconds of finished child processes, and the clock."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, time.perf_counter()


def single(study: str, count: int) -> dict[str, float]:
    """The first points of the study as ``femsim solve`` commands, one after the other."""
    sys.path.insert(0, str(ROOT))
    from femsim.study.points import overrides
    from femsim.study.studyfile import load_study

    found = load_study(study)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    cpu, start = children()
    for row in found.rows[:count]:
        given = [*found.spec.study.set, *overrides(found.keys, row)]
        sets = [part for text in given for part in ("--set", text)]
        command = [sys.executable, "-m", "femsim", "solve", found.spec.case, *sets, "--json", "--quiet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after, end = children()
    return {"points": count, "seconds_each": (end - start) / count, "cpu_each": (after - cpu) / count}


def memory(pid: int) -> list[int]:
    """Resident kB of a process and those below it, the parent first."""
    return [_resident(one) for one in (pid, *below(pid))]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4
    except (OSError, IndexError):
        return 0


def swept(study: str, workers: int, out: Path) -> dict[str, object]:
    """The sweep command with so many workers; memory is sampled ten times a minute."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    cpu, start = children()
    command = [sys.executable, "-m", "femsim", "sweep", study, "--out", str(out), "--workers", str(workers), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    samples: list[list[int]] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(6.0):
            samples.append(memory(process.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    text, _ = process.communicate()
    stop.set()
    after, end = children()
    document = json.loads(text)
    points = document["ran"]
    totals = [sum(s) for s in samples if len(s) == workers + 1]
    fifth = max(len(totals) // 5, 1)
    return {
        "workers": workers,
        "points": points,
        "failed": document["failed"],
        "seconds": end - start,
        "points_per_second": points / (end - start),
        "cpu_each": (after - cpu) / max(points, 1),
        "reuse": document["reuse"],
        "memory_mb_second_fifth": sum(totals[fifth : 2 * fifth]) / fifth / 1024 if len(totals) > 4 else None,
        "memory_mb_last_fifth": sum(totals[-fifth:]) / fifth / 1024 if len(totals) > 4 else None,
        "memory_mb_most": max(totals) / 1024 if totals else None,
    }


def shortened(study: str, points: int, folder: Path) -> str:
    """The study with fewer points."""
    text = Path(study).read_text(encoding="utf-8")
    lines = [f"samples = {points}" if line.startswith("samples") else line for line in text.splitlines()]
    path = folder / Path(study).name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("study", nargs="?", default=str(HERE / "bilayer-10000.toml"))
    parser.add_argument("--points", type=int, help="of the sweep at two workers (default: all)")
    parser.add_argument("--pair", type=int, default=300, help="points of the comparison of one and two workers")
    parser.add_argument("--single", type=int, default=10, help="command-line solves")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        pair = shortened(arguments.study, arguments.pair, folder)
        one = single(pair, arguments.single)
        runs = [swept(pair, n, folder / f"pair-{n}") for n in (1, 2)]
        whole = shortened(arguments.study, arguments.points, folder) if arguments.points else arguments.study
        most = swept(whole, 2, folder / "whole")
        rates = [float(str(r["points_per_second"])) for r in runs]
        document = {
            "command_line": one,
            "pair": runs,
            "efficiency_two_workers": rates[1] / (2 * rates[0]),
            "sweep": most,
            "times_faster": float(str(most["points_per_second"])) * one["seconds_each"],
        }
        print(json.dumps(document, indent=2))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
