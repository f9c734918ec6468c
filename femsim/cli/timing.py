"""Where the time of a small solve goes: interpreter, imports by package, and the steps of the solve itself."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import femsim
from femsim.base.errors import NumericsError
from femsim.cli.text import out, table

#: about ten thousand unknowns
SMALL = ("solve", "bilayer", "--set", "mesh.size=0.05", "--set", "mesh.growth=2.2", "--json", "--quiet")
#: packages and modules that are named
MOST = 12
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)")


def start_up() -> dict[str, Any]:
    """Wall times (s): of an empty interpreter, of a small solve, of its imports by package and its steps.

    Each is the less of two runs, so that what the first one leaves in the system's caches does not count. Raises
    NumericsError where the solve fails.
    """
    command = [sys.executable, "-m", "femsim", *SMALL]
    empty = min(_wall([sys.executable, "-c", "pass"])[0] for _ in range(2))
    whole, told, _ = min((_wall(command) for _ in range(2)), key=lambda run: run[0])
    _, _, listed = _wall([sys.executable, "-X", "importtime", *command[1:]])
    document = json.loads(told)
    packages: dict[str, dict[str, Any]] = {}
    modules: list[tuple[float, str]] = []
    for line in listed.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        own, name = int(found[1]) * 1e-6, found[4]
        package = name.split(".")[0]
        entry = packages.setdefault(
            package if package in sys.stdlib_module_names or importlib.util.find_spec(package) else "other",
            {"seconds": 0.0, "modules": 0},
        )
        entry["seconds"] += own
        entry["modules"] += 1
        modules.append((own, name))
    library: dict[str, Any] = {"seconds": 0.0, "modules": 0}
    for name in [name for name in packages if name in sys.stdlib_module_names]:
        entry = packages.pop(name)
        library = {key: library[key] + entry[key] for key in library}
    packages["Python's own library"] = library
    ranked = sorted(packages.items(), key=lambda item: float(item[1]["seconds"]), reverse=True)
    return {
        "command": " ".join(("femsim", *SMALL)),
        "unknowns": document["mesh"]["unknowns"],
        "wall": whole,
        "interpreter": empty,
        "imports": {"seconds": sum(entry["seconds"] for _, entry in ranked), "packages": dict(ranked)},
        "slowest": [{"module": name, "seconds": own} for own, name in sorted(modules, reverse=True)[:MOST]],
        "steps": document["timing"],
        "compiled": _compiled(),
    }


def _wall(command: list[str]) -> tuple[float, str, str]:
    """Seconds a command takes, what it says on standard output and on standard error."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise NumericsError(f"doctor: the small solve that is timed failed: {last}")
    return taken, done.stdout, done.stderr


def _compiled() -> bool:
    """Whether femsim's modules are kept compiled, so that a start need not do it again."""
    source = str(Path(femsim.__file__).parent / "runs" / "run.py")
    return Path(importlib.util.cache_from_source(source)).is_file()


def show(found: dict[str, Any]) -> None:
    """The times as text."""
    out(f"\n{found['command']}\n  {found['wall']:.2f} s of wall time, {found['unknowns']} unknowns; in it")
    rows = [["part", "seconds", "modules"], ["interpreter", f"{found['interpreter']:.3f}", ""]]
    packages = found["imports"]["packages"]
    for name, entry in list(packages.items())[:MOST]:
        rows.append([f"import {name}", f"{entry['seconds']:.3f}", str(entry["modules"])])
    rest = list(packages.values())[MOST:]
    if rest:
        rows.append(["import others", f"{sum(e['seconds'] for e in rest):.3f}", str(sum(e["modules"] for e in rest))])
    rows += [[name, f"{seconds:.3f}", ""] for name, seconds in found["steps"].items()]
    out(table(rows, right=(1, 2), indent=2))
    slowest = ", ".join(f"{one['module']} {1e3 * one['seconds']:.0f} ms" for one in found["slowest"][:6])
    out(f"  slowest modules (without what they import): {slowest}")
    if not found["compiled"]:
        out(
            "  femsim's modules are compiled at every start: PYTHONDONTWRITEBYTECODE is set, or its folder is read-only"
        )
