"""Does the stated error cover the true one? Random designs of all four stacks, on the default mesh and coarser ones.

    python benchmarks/trust/designs.py 200 designs.jsonl [stack ...]

The designs take turns between the stacks. A bilayer is drawn from its claimed windows, of the others every dimension
within 0.7 to 1.5 of the shipped one. Each is solved on every mesh of MESHES with error estimates, and on one far finer
at the roots; the difference is taken for the true error. Every design is written at once, and those in the file are not
solved again, so the script may be stopped and started. At the end it prints, metric by metric, the share whose true
error the stated one covers and the quartiles of stated over true.
"""

from __future__ import annotations

import json
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.build import discretise, resolve_materials
from femsim.cases.case import Case
from femsim.cases.casefile import changed_case, load_case
from femsim.cases.stacks.bilayer import BilayerCase
from femsim.measures.averages import KINDS
from femsim.meshes.grid import Grading
from femsim.runs.once import Solved, solve_case

STACKS = ("bilayer", "staggered", "rewired-chip", "flipchip")
#: meshes by name; None is the case's own
MESHES: dict[str, Grading | None] = {"default": None, "0.03 um": Grading(0.03, 1.7), "0.1 um": Grading(0.1, 1.8)}
REFERENCE = {
    "bilayer": Grading(5.0e-4, 1.35),
    "rewired-chip": Grading(5.0e-4, 1.35),
    "staggered": Grading(1.0e-3, 1.45),
    "flipchip": Grading(5.0e-3, 1.5),
}


def bilayer(number: int) -> Case:
    """High-elastic layer of 5 to 45 um, low : high from 3.5 to 8, resins over the range of the material tables."""
    draw = np.random.default_rng(20 + number)

    def between(low: float, high: float) -> float:
        return round(float(draw.uniform(low, high)), 4)

    radius = between(30, 80)
    return BilayerCase.model_validate(
        {
            "stack": "bilayer",
            "geometry": {
                "post_radius": radius,
                "cell_radius": round(radius * between(2.0, 4.0), 4),
                "chip_thickness": between(100, 500),
                "high_thickness": between(5, 45),
                "ratio": between(3.5, 8),
            },
            "materials": {
                "post": "copper",
                "low": {
                    "E": round(float(np.exp(draw.uniform(np.log(0.5), np.log(5.0)))), 4),
                    "nu": between(0.3, 0.42),
                    "cte": between(30, 70),
                },
                "high": {"E": between(8, 25), "nu": between(0.25, 0.35), "cte": between(8, 20)},
            },
        }
    )


def design(stack: str, number: int) -> Case:
    """A design by its number."""
    if stack == "bilayer":
        return bilayer(number)
    draw, case = random.Random(f"{stack} {number}"), load_case(stack)[0]

    def numbers(node: Any, key: str) -> dict[str, float]:
        if isinstance(node, dict | list):
            items = node.items() if isinstance(node, dict) else enumerate(node)
            return {k: v for name, part in items for k, v in numbers(part, f"{key}.{name}").items()}
        return {key: float(node)} if isinstance(node, int | float) and node else {}

    tables = case.tables()
    given = {k: v for name in ("geometry", "layer") for k, v in numbers(tables.get(name, {}), name).items()}
    return changed_case(case, {key: value * draw.uniform(0.7, 1.5) for key, value in given.items()})


def measured(case: Case, grading: Grading | None = None, errors: bool = True) -> Solved:
    """The root metrics of a case on its own or another mesh."""
    disc = discretise(case, None, grading)
    return solve_case(disc, resolve_materials(case, disc), lambda text: None, errors)


def rows_of(stack: str, number: int, meshes: dict[str, Grading | None]) -> list[dict[str, Any]]:
    """Value, true and stated error of every root metric of a design on every mesh, in MPa."""
    case = design(stack, number)
    fine = measured(case, REFERENCE[stack], errors=False)
    rows = []
    for name, grading in meshes.items():
        found = measured(case, grading)
        for m, ref in zip(found.roots, fine.roots, strict=True):
            for kind in KINDS:
                true, stated = abs(getattr(m, kind) - getattr(ref, kind)), getattr(m, f"{kind}_error")
                rows.append(
                    {
                        "stack": stack,
                        "design": number,
                        "mesh": name,
                        "unknowns": found.model.constraints.count,
                        "root": m.root.name,
                        "kind": kind,
                        "length": m.length,
                        "value": getattr(ref, kind),
                        "level": ref.von_mises,
                        "true": true,
                        "stated": stated,
                    }
                )
    return rows


def summary(rows: list[dict[str, Any]]) -> str:
    """Coverage and ratios, metric by metric and mesh by mesh, as a table."""
    lines = ["| metric | mesh | designs | metrics | covered | stated / true: 3 %, median, 97 % | true error, median |"]
    lines.append("|---|---|---|---|---|---|---|")
    names = list(dict.fromkeys(row["mesh"] for row in rows))
    for kind in KINDS:
        for mesh in ("all", *names):
            some = [row for row in rows if row["kind"] == kind and mesh in ("all", row["mesh"])]
            if not some:
                continue
            true, stated = (np.array([row[key] for row in some]) for key in ("true", "stated"))
            low, middle, high = np.percentile(stated / np.maximum(true, 1e-12), [3, 50, 97])
            share = np.median(true / np.array([row["level"] for row in some]))
            designs = len({(row["stack"], row["design"]) for row in some})
            lines.append(
                f"| {kind} | {mesh} | {designs} | {len(some)} | {100 * np.mean(true <= stated):.1f} % | {low:.2f}, "
                f"{middle:.2f}, {high:.1f} | {100 * share:.4f} % of von Mises |"
            )
    return "\n".join(lines)


def main(count: int, target: Path, stacks: tuple[str, ...] = STACKS) -> None:
    """Solve designs until there are ``count``, and print what was found."""
    warnings.simplefilter("ignore", FemsimWarning)
    known = [json.loads(line) for line in target.read_text().splitlines()] if target.exists() else []
    done = {(one["stack"], one["design"]) for one in known}
    with target.open("a") as file:
        for place in range(count):
            stack, number = stacks[place % len(stacks)], place // len(stacks)
            if (stack, number) in done:
                continue
            try:
                rows = rows_of(stack, number, MESHES)
            except InputError as error:
                print(f"{stack} {number}: {error}", flush=True)
                rows = []
            known.append({"stack": stack, "design": number, "rows": rows})
            file.write(json.dumps(known[-1]) + "\n")
            file.flush()
    print(summary([row for one in known for row in one["rows"]]))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), tuple(sys.argv[3:]) or STACKS)
