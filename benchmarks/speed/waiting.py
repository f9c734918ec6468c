"""What a user waits for, before and after: the same commands from two checkouts in turn, round by round.

    python benchmarks/speed/waiting.py [--before CHECKOUT] [--runs 5] [--sizes 200k] [--sweeps 12k,30k]

Prints a table of processor seconds (user and system, all processes), peak memory of the largest process and wall
seconds, medians over the rounds, with the ratios after over before round by round; and how ``solve --json`` compares
with the core's solve of the same problem. On a machine that others use trust the processor time alone. One thread
unless OMP_NUM_THREADS says otherwise. Without ``--before`` this checkout stands alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from problem import overrides

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
#: the command line of any checkout, old or new
CLI = (
    "import importlib, importlib.util as u, sys; "
    "name = 'femsim.__main__' if u.find_spec('femsim.__main__') else 'femsim.cli'; "
    "sys.exit(importlib.import_module(name).main())"
)
#: the mesh that stacks have by default
DEFAULT = ("mesh.size=0.01", "mesh.growth=1.6")
#: and that of about ten thousand unknowns
SMALL = ("mesh.size=0.1", "mesh.growth=2.5")
#: points of the sweep whose difference is the cost of a point
FEW, MANY = 10, 210
SWEPT = {"12k": SMALL, "30k": DEFAULT}


def solve(*words: str, sets: tuple[str, ...]) -> list[str]:
    """A ``femsim solve`` of the bilayer case."""
    given = [part for text in sets for part in ("--set", text)]
    return [sys.executable, "-c", CLI, "solve", "bilayer", *given, "--quiet", *words]


def study(folder: Path, points: int, sets: tuple[str, ...]) -> list[str]:
    """A sweep of the claimed windows by one worker."""
    text = (ROOT / "benchmarks" / "sweep" / "bilayer-10000.toml").read_text(encoding="utf-8")
    lines = text.splitlines()
    for k, line in enumerate(lines):
        if line.startswith("samples"):
            lines[k] = f"samples = {points}"
        elif line.startswith("set "):
            lines[k] = f"set = {json.dumps(list(sets))}"
    file = folder / f"{points}-{abs(hash(sets))}.toml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tempfile.mkdtemp(dir=folder)
    return [sys.executable, "-c", CLI, "sweep", str(file), "--out", out, "--workers", "1", "--json"]


def run(command: list[str], checkout: Path, folder: Path) -> dict[str, float]:
    """Account of a command with femsim from a checkout."""
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    account = folder / "account.json"
    with (folder / "log").open("wb") as log:
        wrapped = [sys.executable, str(HERE / "measure.py"), str(account), "900", "--", *command]
        subprocess.run(wrapped, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, check=True)
    found: dict[str, float] = json.loads(account.read_text(encoding="utf-8"))
    if found["exit"]:
        raise SystemExit(f"{' '.join(command)}: exit {found['exit']}\n{(folder / 'log').read_text()[-500:]}")
    return {"cpu": found["user"] + found["sys"], "wall": found["wall"], "mb": found["peak_mb"]}


def difference(more: dict[str, float], less: dict[str, float]) -> dict[str, float]:
    """Account of one point of a sweep."""
    count = MANY - FEW
    return {"cpu": (more["cpu"] - less["cpu"]) / count, "wall": (more["wall"] - less["wall"]) / count, "mb": more["mb"]}


def rounds(
    checkouts: dict[str, Path], sizes: list[str], runs: int, swept: list[str], folder: Path
) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Accounts by what was run and checkout, one a round."""
    found: dict[str, dict[str, list[dict[str, float]]]] = {}

    def note(what: str, name: str, account: dict[str, float]) -> None:
        found.setdefault(what, {}).setdefault(name, []).append(account)

    for checkout in checkouts.values():  # fills caches
        run(solve("--json", sets=SMALL), checkout, folder)
    for _ in range(runs):
        for name, checkout in checkouts.items():
            start = [sys.executable, "-c", CLI, "--version"]
            note("start (`femsim --version`)", name, run(start, checkout, folder))
            note("`solve --json`, 12k unknowns", name, run(solve("--json", sets=SMALL), checkout, folder))
            note("`solve --json`, 30k unknowns", name, run(solve("--json", sets=DEFAULT), checkout, folder))
            out = ("--out", tempfile.mkdtemp(dir=folder))
            note("`solve --out`, 30k unknowns", name, run(solve(*out, sets=DEFAULT), checkout, folder))
            for label, sets in SWEPT.items():
                if label in swept:
                    few, many = (run(study(folder, n, sets), checkout, folder) for n in (FEW, MANY))
                    note(f"a point of a sweep, {label} unknowns", name, difference(many, few))
            for size in sizes:
                script = str(checkout / "benchmarks" / "speed" / "peers" / "femsim_solve.py")
                core = [sys.executable, script, "problem.npz", str(folder / "r.npz"), size]
                note(f"core solve, {size}", name, run(core, checkout, folder))
                sets = tuple(overrides(size))
                note(f"`solve --json`, {size}", name, run(solve("--json", sets=sets), checkout, folder))
    return found


def table(found: dict[str, dict[str, list[dict[str, float]]]], names: list[str]) -> str:
    """Rows of processor seconds, peak memory and wall seconds, medians."""
    titles = [f"{name}: CPU s" for name in names] + (["ratio"] if len(names) > 1 else [])
    lines = [f"| what | {' | '.join(titles)} | MB | wall s |", "| --- |" + " ---: |" * (len(titles) + 2)]
    for what, by in found.items():
        cells = [f"{median(a['cpu'] for a in by[name]):.3g}" for name in names]
        if len(names) > 1:
            pairs = zip(by[names[-1]], by[names[0]], strict=True)
            cells.append(f"{median(a['cpu'] / b['cpu'] for a, b in pairs):.2f}")
        last = by[names[-1]]
        cells += [f"{median(a['mb'] for a in last):.0f}", f"{median(a['wall'] for a in last):.3g}"]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    for what, by in found.items():
        if what.startswith("core solve, "):
            size = what.removeprefix("core solve, ")
            pairs_ = list(zip(found[f"`solve --json`, {size}"][names[-1]], by[names[-1]], strict=True))
            cpu, mb = (median(a[key] / b[key] for a, b in pairs_) for key in ("cpu", "mb"))
            lines.append(
                f"\n`solve --json` over the core's solve, {size}: {cpu:.2f} in processor time, {mb:.2f} in memory"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", type=Path, help="another checkout of femsim")
    parser.add_argument("--runs", type=int, default=5, help="rounds that count (default %(default)s)")
    parser.add_argument("--sizes", default="200k", help="of the core's problem, with commas; empty for none")
    parser.add_argument("--sweeps", default="12k,30k", help="unknowns of the sweeps' meshes; empty for none")
    options = parser.parse_args()
    checkouts = ({} if options.before is None else {"before": options.before.resolve()}) | {"now": ROOT}
    sizes = [size for size in options.sizes.split(",") if size]
    start = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        found = rounds(checkouts, sizes, options.runs, options.sweeps.split(","), Path(folder))
    print(table(found, list(checkouts)))
    print(
        f"\nload average {start:.1f} to {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, {options.runs} rounds"
    )


if __name__ == "__main__":
    main()
