"""Time femsim and every peer found installed on one problem, check that they agree, write a table and a plot.

    python benchmarks/speed/run.py [--sizes 20k,200k,1M] [--peers all] [--runs 3] [--environments DIR] [--out DIR]

See README.md beside this file for how to install the peers and what is and is not equal between them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from problem import SIZES, SOLID_SIZES  # noqa: E402
from programs import PROGRAMS, Program, find, surroundings  # noqa: E402
from table import markdown, write  # noqa: E402

#: a run longer than this (s) is not repeated
ONCE = 60.0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = ",".join((*SIZES, *SOLID_SIZES))
    parser.add_argument("--sizes", default="20k,200k,1M", help=f"of {every} (default %(default)s)")
    parser.add_argument("--peers", default="all", help="names with commas: " + ", ".join(p.key for p in PROGRAMS))
    parser.add_argument(
        "--runs", type=int, default=3, help="runs of a program that takes less than a minute (default %(default)s)"
    )
    parser.add_argument("--limit", type=float, default=900.0, help="longest run in seconds (default %(default)s)")
    parser.add_argument(
        "--environments", type=Path, default=Path("peers"), help="directory of the peers' virtual environments"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("speed"), help="directory of the results; sizes timed before are kept"
    )
    return parser.parse_args()


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def load_average() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"


def run_once(program: Program, python: str, size: str, directory: Path, limit: float) -> dict[str, Any]:
    """One account, with what the program itself noted."""
    for old in (directory / f"{program.key}.npz", directory / f"{program.key}.json"):
        old.unlink(missing_ok=True)
    account = directory / f"{program.key}.account.json"
    command = program.command(python, size, directory)
    with (directory / f"{program.key}.log").open("wb") as log:
        subprocess.run(
            [sys.executable, str(HERE / "measure.py"), str(account), str(limit), "--", *command],
            cwd=directory,
            env=surroundings(program),
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
        )
    found: dict[str, Any] = json.loads(account.read_text(encoding="utf-8"))
    found["cpu"] = found["user"] + found["sys"]
    noted = directory / f"{program.key}.json"
    if noted.exists():
        found["facts"] = json.loads(noted.read_text(encoding="utf-8"))
        found["peak_mb"] = max(
            found["peak_mb"], found["facts"].get("peak_all_mb", 0.0)
        )  # of all processes, where there are several
    return found


def export(size: str, directory: Path) -> tuple[int, int]:
    """Write the problem in a process of its own; its unknowns and elements."""
    import numpy as np

    subprocess.run(
        [sys.executable, str(HERE / "problem.py"), size, str(directory)], check=True, stdout=subprocess.DEVNULL
    )
    with np.load(directory / "problem.npz") as file:
        return int(file["points"].size), len(file["cells"])


def agreement(size: str, directory: Path, programs: list[Program]) -> dict[str, Any]:
    """Every result against femsim's; see compare.py."""
    files = [f"{p.key}.npz" for p in programs if (directory / f"{p.key}.npz").exists()]
    reference = next((f for f in ("femsim.npz", "femsim-plain.npz") if f in files), None)
    if reference is None:
        return {}
    command = [sys.executable, str(HERE / "compare.py"), size, reference, *files]
    done = subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout))


def time_size(size: str, chosen: list[tuple[Program, str]], directory: Path, runs: int, limit: float) -> dict[str, Any]:
    """All programs in turn, round by round."""
    directory.mkdir(parents=True, exist_ok=True)
    unknowns, elements = export(size, directory)
    entries: dict[str, dict[str, Any]] = {}
    for program, _ in chosen:
        entries[program.key] = {"label": program.label, "group": program.group, "extra": program.extra, "runs": []}
    before = load_average()
    for number in range(runs):
        for program, python in chosen:
            entry = entries[program.key]
            if entry["runs"] and (entry["runs"][0]["wall"] > ONCE or entry["runs"][0]["exit"] != 0):
                continue
            found = run_once(program, python, size, directory, limit)
            entry["facts"] = found.pop("facts", entry.get("facts"))
            entry["runs"].append({**found, "round": number})
            say(
                f"  {size} round {number + 1}: {program.label}: {found['wall']:.1f} s, {found['peak_mb']:.0f} MB, "
                f"exit {found['exit']}"
            )
    for program, _ in chosen:
        if program.collect is not None and entries[program.key]["runs"][-1]["exit"] == 0:
            program.collect(directory)
    compared = agreement(size, directory, [p for p, _ in chosen])
    for key, entry in entries.items():
        entry["agreement"] = compared.get(key)
    result = {"unknowns": unknowns, "elements": elements, "load": f"{before} to {load_average()}", "programs": entries}
    return {**result, "reference": compared.get("reference")}


def main() -> int:
    options = arguments()
    sizes = options.sizes.split(",")
    known = {p.key for p in PROGRAMS}
    wanted = known if options.peers == "all" else set(options.peers.split(","))
    every = (*SIZES, *SOLID_SIZES)
    if not set(sizes) <= set(every) or not wanted <= known:
        say(f"sizes: {', '.join(every)}; peers: {', '.join(p.key for p in PROGRAMS)}")
        return 2
    chosen: list[tuple[Program, str]] = []
    for program in PROGRAMS:
        if program.key not in wanted:
            continue
        python = find(program, options.environments.resolve())
        say(f"{program.label}: {'not installed' if python is None else python or 'found'}")
        if python is not None:
            chosen.append((program, python))
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "results.json"
    old = json.loads(kept.read_text(encoding="utf-8"))["sizes"] if kept.exists() else {}
    machine = {"processor": processor(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"}
    results: dict[str, Any] = {"machine": machine, "sizes": {}}
    say("warming up: compilers and caches")
    warm = options.out / "work" / "warm"
    warm.mkdir(parents=True, exist_ok=True)
    for smallest in (next(iter(SIZES)), *([next(iter(SOLID_SIZES))] if set(sizes) & set(SOLID_SIZES) else [])):
        if smallest not in SIZES or set(sizes) & set(SIZES):
            export(smallest, warm)
            for program, python in chosen:
                if program.solves(smallest):
                    run_once(program, python, smallest, warm, options.limit)
    for size in (s for s in every if s in sizes or s in old):
        done = (
            time_size(
                size, [c for c in chosen if c[0].solves(size)], options.out / "work" / size, options.runs, options.limit
            )
            if size in sizes
            else old[size]
        )
        results["sizes"][size] = done
        write(results, options.out)
    print(markdown(results))
    unequal = [
        e["label"]
        for s in results["sizes"].values()
        for e in s["programs"].values()
        if e["agreement"] and not e["agreement"]["equal"]
    ]
    if unequal:
        say("not equal: " + ", ".join(unequal))
    return 1 if unequal else 0


if __name__ == "__main__":
    sys.exit(main())
