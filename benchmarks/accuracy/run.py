"""What an answer of a given accuracy costs: time and memory to a root metric whose true error is below 1, 0.1 and
0.01 %.

    python benchmarks/accuracy/run.py [--cases bilayer,staggered] [--peers all] [--environments DIR] [--out DIR]

femsim runs as users run it (``femsim solve CASE --tol T --json``, and with the default mesh); the peers get the first
mesh of a family that is good enough: uniform ones, and ones graded by hand to the roots. README.md says the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SPEED = HERE.parent / "speed"
sys.path[:0] = [str(SPEED), str(ROOT)]

from problem import arrays_of, calculix  # noqa: E402
from programs import CLI, PROGRAMS, Program, find, surroundings  # noqa: E402

#: averaging length (um) of the metrics
LENGTH = 5.0
#: the errors that are asked for, relative to the size of the traction (peel, shear) at the root
WANTED = (1e-2, 1e-3, 1e-4)
#: the tolerances that femsim is given; its true error is smaller than what it promises
TOLERANCES = (1e-1, *WANTED)
#: a mesh with more unknowns is not tried
MOST = 2_500_000
_CHIP = "materials.chip={ E = 160, nu = 0.22, cte = 2.8 }"
#: constants only, as the peers need no tables; the outer wall free
CASES = {
    "bilayer": [
        _CHIP,
        "materials.post={ E = 120, nu = 0.34, cte = 17 }",
        "materials.low={ E = 2.5, nu = 0.34, cte = 50 }",
        "materials.high={ E = 15, nu = 0.30, cte = 10 }",
    ],
    "staggered": [
        _CHIP,
        "materials.insulation={ E = 3, nu = 0.34, cte = 45 }",
        "layer.0.material={ E = 110, nu = 0.34, cte = 17 }",
        "layer.1.material={ E = 80, nu = 0.34, cte = 17 }",
        "layer.2.material={ E = 110, nu = 0.34, cte = 17 }",
    ],
}
#: meshes as users of the peers make them: size at the roots, growth, largest element (um), coarse to fine
MESHES = {
    "uniform": [(h, 1.4, h) for h in (8.0, 4.0, 2.0, 1.0, 0.5)],
    "graded": [(0.5 * 0.5**k, 1.5, 12.0) for k in range(0, 16, 2)],
}
#: the mesh that gives the true values
FINEST = (1e-5, 1.2, 3.0)
PEERS = ("ngsolve", "dolfinx", "skfem-pardiso", "skfem", "calculix")

Values = dict[str, tuple[float, float]]  # peel and shear (MPa) at every root


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def overrides(name: str, mesh: tuple[float, float, float] | None = None) -> list[str]:
    """What makes a shipped case one of the benchmark, on a mesh of its own."""
    own = [*CASES[name], "model.outer=free", f"metrics.length={LENGTH}"]
    if mesh is not None:
        own += [f"mesh.{key}={value!r}" for key, value in zip(("size", "growth", "largest"), mesh, strict=True)]
    return own


class Problem:
    """A case on a mesh: its model, and what its functionals say of a displacement."""

    def __init__(self, name: str, mesh: tuple[float, float, float], element: str = "quad9") -> None:
        from femsim.builders.build import build_model, discretise, resolve_materials
        from femsim.cases.casefile import load_case
        from femsim.measures.averages import averages

        case, origin = load_case(name, [*overrides(name, mesh), f"model.element={element}"])
        disc = discretise(case, origin.base)
        self.model = build_model(disc, resolve_materials(case, disc))
        self.averages = averages(self.model.space, disc.roots, (LENGTH,), chosen=True)

    def of(self, displacement: np.ndarray) -> Values:
        """Root values of a nodal displacement (N, 2)."""
        from femsim.models.fields import ElasticField

        field = ElasticField(self.model, displacement.ravel())
        return {a.root.name: (a.peel.value(field), a.shear.value(field)) for a in self.averages}

    def solved(self) -> Values:
        """Root values of femsim's own solution on the mesh."""
        from femsim.solvers.solve import solve

        return self.of(solve(self.model).displacement)


def error(found: Values, true: Values) -> float:
    """Largest error of a root's traction, relative to its size."""
    return max(float(np.hypot(*np.subtract(found[name], t)) / np.hypot(*t)) for name, t in true.items())


def account(command: list[str], directory: Path, environment: dict[str, str], limit: float) -> dict[str, Any]:
    """Time and memory of one command as a whole process."""
    target = directory / "account.json"
    with (directory / "log").open("wb") as log, (directory / "out.json").open("wb") as out:
        measure = [sys.executable, str(SPEED / "measure.py"), str(target), str(limit), "--", *command]
        subprocess.run(measure, cwd=directory, env=environment, stdout=out, stderr=log, check=True)
    found = json.loads(target.read_text(encoding="utf-8"))
    return {
        "seconds": found["wall"],
        "cpu": found["user"] + found["sys"],
        "mb": found["peak_mb"],
        "exit": found["exit"],
    }


def femsim_rows(name: str, python: str, program: Program, true: Values, directory: Path, limit: float) -> list[Any]:
    """``femsim solve`` to each tolerance, and with the default mesh."""
    rows = []
    for tolerance in (*TOLERANCES, None):
        sets = [word for text in overrides(name) for word in ("--set", text)]
        more = [] if tolerance is None else ["--tol", f"{tolerance!r}"]
        command = [python, "-c", CLI, "solve", name, *sets, "--json", "--quiet", *more]
        found = account(command, directory, surroundings(program), limit)
        if found["exit"] == 0:
            document = json.loads((directory / "out.json").read_text(encoding="utf-8"))
            roots = document["metrics"]["roots"]
            values = {root: (own[0]["peel"], own[0]["shear"]) for root, own in roots.items()}
            found |= {"error": error(values, true), "unknowns": document["mesh"]["unknowns"]}
        label = "femsim solve, default mesh" if tolerance is None else f"femsim solve --tol {100 * tolerance:g}%"
        rows.append({"program": label, "mesh": "own", "wanted": tolerance, **found})
        say(f"  {label}: {found}")
    return rows


def good_enough(name: str, family: str, element: str, true: Values) -> dict[float, tuple[float, float, float]]:
    """The first mesh of a family that is good enough for each of the wanted errors."""
    found: dict[float, tuple[float, float, float]] = {}
    for mesh in MESHES[family]:
        problem = Problem(name, mesh, element)
        if problem.model.ndof > MOST:
            break
        off = error(problem.solved(), true)
        say(f"  {family} {mesh[0]:g} um {element}: {problem.model.ndof} unknowns, error {off:.2e}")
        for wanted in WANTED:
            if off < wanted:
                found.setdefault(wanted, mesh)
        if off < min(WANTED):
            break
    return found


def nodal(model: Any, path: Path) -> np.ndarray:
    """Displacement (N, 2) at the model's nodes from a result file."""
    from scipy.spatial import cKDTree

    with np.load(path) as file:
        distance, which = cKDTree(file["points"]).query(model.mesh.points)
        if distance.max() > 1e-6:
            raise ValueError(f"{path.name}: no value within {distance.max():g} um of a node")
        return np.asarray(file["displacement"][which])


def peer_rows(
    name: str, chosen: list[tuple[Program, str]], true: Values, directory: Path, limit: float
) -> list[dict[str, Any]]:
    """Every peer on the first mesh of each family that is good enough."""
    rows = []
    for family in MESHES:
        enough = {e: good_enough(name, family, e, true) for e in ("quad9", "quad8")}
        for program, python in chosen:
            element = "quad8" if program.key == "calculix" else "quad9"
            for wanted in WANTED:
                row: dict[str, Any] = {"program": program.label, "mesh": family, "wanted": wanted}
                mesh = enough[element].get(wanted)
                if mesh is not None:
                    row |= one_peer(name, program, python, mesh, true, directory, limit)
                    say(f"  {program.label}, {family}, {100 * wanted:g} %: {row}")
                rows.append(row)
    return rows


def one_peer(
    name: str,
    program: Program,
    python: str,
    mesh: tuple[float, float, float],
    true: Values,
    directory: Path,
    limit: float,
) -> dict[str, Any]:
    """A peer on a mesh: what it took, and how far its own displacement is from the truth."""
    given = arrays_of(Problem(name, mesh).model)
    np.savez(directory / "problem.npz", **given)
    (directory / "problem.inp").write_text(calculix(given), encoding="ascii")
    found = account(program.command(python, "", directory), directory, surroundings(program), limit)
    if found["exit"]:
        return found
    if program.collect is not None:
        program.collect(directory)
    own = Problem(name, mesh, "quad8" if program.key == "calculix" else "quad9")
    found |= {"unknowns": own.model.ndof, "size": mesh[0]}
    return found | {"error": error(own.of(nodal(own.model, directory / f"{program.key}.npz")), true)}


def markdown(results: dict[str, Any]) -> str:
    """One table: a row per program and mesh, a column per case and error."""
    lines = [
        "| program, mesh | " + " | ".join(f"{name}, {100 * w:g} %" for name in results for w in WANTED) + " |",
        "| --- |" + " ---: |" * (len(results) * len(WANTED)),
    ]
    cells: dict[str, dict[tuple[str, float], str]] = {}
    for name, case in results.items():
        for wanted, row in _promised(case["rows"]):
            cells.setdefault("femsim solve --tol, promised", {})[name, wanted] = _cost(row)
        for wanted, row in _true(case["rows"]):
            cells.setdefault("femsim solve --tol, true", {})[name, wanted] = _cost(row)
        for row in case["rows"]:
            wanted, label = row["wanted"], f"{row['program']}, {row['mesh']}"
            if row["mesh"] == "own":
                continue
            text = _cost(row) if row.get("exit") == 0 else "–"
            if row.get("exit") == 0 and row["error"] > wanted:
                text += f" ({100 * row['error']:.2g} %)"
            cells.setdefault(label, {})[name, wanted] = text
    for label, own in cells.items():
        lines.append(f"| {label} | " + " | ".join(own.get((n, w), "–") for n in results for w in WANTED) + " |")
    return "\n".join(lines) + "\n"


def _cost(row: dict[str, Any]) -> str:
    return f"{row['cpu']:.1f} s, {row['mb']:.0f} MB"


def _promised(rows: list[dict[str, Any]]) -> list[tuple[float, dict[str, Any]]]:
    """femsim's run to each of the wanted errors, where it says that it met it."""
    return [
        (row["wanted"], row) for row in rows if row["mesh"] == "own" and row["wanted"] in WANTED and not row["exit"]
    ]


def _true(rows: list[dict[str, Any]]) -> list[tuple[float, dict[str, Any]]]:
    """femsim's cheapest run to a tolerance whose true error is below each of the wanted ones."""
    done = [row for row in rows if row["mesh"] == "own" and row["wanted"] is not None and not row["exit"]]
    good = {wanted: [row for row in done if row["error"] < wanted] for wanted in WANTED}
    return [(wanted, min(some, key=lambda row: row["cpu"])) for wanted, some in good.items() if some]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES), help="of %(default)s")
    parser.add_argument("--peers", default="all", help="names with commas, or '': " + ", ".join(PEERS))
    parser.add_argument("--limit", type=float, default=600.0, help="longest run in seconds (default %(default)s)")
    parser.add_argument("--environments", type=Path, default=Path("peers"), help="the peers' virtual environments")
    parser.add_argument("--out", type=Path, default=Path("accuracy"), help="directory of the results")
    options = parser.parse_args()
    names, wanted = (
        options.cases.split(","),
        set(PEERS if options.peers == "all" else filter(None, options.peers.split(","))),
    )
    if not set(names) <= set(CASES) or not wanted <= set(PEERS):
        say(f"cases: {', '.join(CASES)}; peers: {', '.join(PEERS)}")
        return 2
    look = partial(find, environments=options.environments.resolve())
    programs = {program.key: program for program in PROGRAMS}
    chosen = [(programs[key], python) for key in PEERS if key in wanted and (python := look(programs[key])) is not None]
    say("peers: " + ", ".join(program.label for program, _ in chosen))
    results: dict[str, Any] = {}
    directory = options.out / "work"
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        say(name)
        true = Problem(name, FINEST).solved()
        say(f"  true values (MPa): {true}")
        rows = femsim_rows(name, look(programs["femsim-json"]) or sys.executable, programs["femsim-json"], true,
                           directory.resolve(), options.limit)  # fmt: skip
        rows += peer_rows(name, chosen, true, directory.resolve(), options.limit)
        results[name] = {"true": true, "rows": rows, "load": os.getloadavg()[0]}
        (options.out / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    table = markdown(results)
    (options.out / "table.md").write_text(table, encoding="utf-8")
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
