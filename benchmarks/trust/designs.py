"""Does the stated error cover the true one? Random designs over the claimed windows of the bilayer stack, default mesh.

    python benchmarks/trust/designs.py 200 designs.json

Each design is solved on the default mesh, with error estimates, and on one five times finer at the root with a smaller
growth; the difference is taken for the true error. Prints and writes the share of metrics whose error the estimate
covers.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.errors import FemsimWarning
from femsim.builders.build import discretise, resolve_materials
from femsim.cases.stacks.bilayer import BilayerCase
from femsim.measures.averages import KINDS
from femsim.meshes.grid import Grading
from femsim.runs.once import Solved, solve_case

REFERENCE = Grading(size=2.0e-4, growth=1.2)


def design(random: np.random.Generator) -> dict[str, Any]:
    """High-elastic layer of 5 to 45 um, low : high from 3.5 to 8, resins over the range of the material tables."""

    def between(low: float, high: float) -> float:
        return round(float(random.uniform(low, high)), 4)

    radius = between(30, 80)
    return {
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
                "E": round(float(np.exp(random.uniform(np.log(0.5), np.log(5.0)))), 4),
                "nu": between(0.3, 0.42),
                "cte": between(30, 70),
            },
            "high": {"E": between(8, 25), "nu": between(0.25, 0.35), "cte": between(8, 20)},
        },
    }


def measured(case: BilayerCase, grading: Grading | None = None) -> Solved:
    """The root metrics of a case on its own or another mesh."""
    disc = discretise(case, None, grading)
    return solve_case(disc, resolve_materials(case, disc), lambda text: None)


def main(count: int, target: Path) -> None:
    """Solve ``count`` designs twice and write what was found."""
    warnings.simplefilter("ignore", FemsimWarning)
    random = np.random.default_rng(20)
    rows = []
    for number in range(count):
        spec = design(random)
        case = BilayerCase.model_validate(spec)
        default, fine = measured(case), measured(case, REFERENCE)
        for m, ref in zip(default.roots, fine.roots, strict=True):
            for kind in KINDS:
                true, stated = abs(getattr(m, kind) - getattr(ref, kind)), getattr(m, f"{kind}_error")
                rows.append(
                    {
                        "design": number,
                        "kind": kind,
                        "length": m.length,
                        "value": getattr(ref, kind),
                        "level": ref.von_mises,
                        "true": true,
                        "stated": stated,
                        "covered": bool(true <= stated),
                    }
                )
        target.write_text(json.dumps({"unknowns": default.model.constraints.count, "rows": rows}, indent=1))
        if number % 10 == 9 or number == count - 1:
            covered = np.mean([row["covered"] for row in rows])
            ratio = np.array([row["stated"] / max(row["true"], 1e-12) for row in rows])
            quartiles = np.percentile(ratio, [5, 50, 95])
            print(
                f"{number + 1} designs: {100 * covered:.1f} % of {len(rows)} covered; stated / true 5, 50, 95 %: "
                f"{quartiles}",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
