"""Stated over true error on the shipped cases: with the default mesh, and refined to 1 %.

    python benchmarks/trust/effectivity.py [case ...]

The truth: a mesh of 2e-4 um at the roots and growth 1.25, tractions averaged from consistent nodal forces there.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from femsim.base.errors import FemsimWarning
from femsim.builders.build import averaging_lengths, build_model, discretise, resolve_materials
from femsim.cases.casefile import load_case
from femsim.measures.averages import averages, root_metrics
from femsim.measures.corner.intensity import consistent_average, root_fields
from femsim.meshes.grid import Grading
from femsim.runs.adapt import coarse_grading, solve_to_tolerance
from femsim.runs.once import metric_names, solve_case
from femsim.solvers.solve import solve

TRUTH = Grading(2e-4, 1.25)


def truth_of(case: Any, base: Any) -> tuple[np.ndarray[Any, Any], int]:
    """Peel, shear and von Mises of all roots on a mesh much finer at the roots, and its unknowns."""
    disc = discretise(case, base, TRUTH)
    model = build_model(disc, resolve_materials(case, disc))
    solution = solve(model)
    fields = root_fields(solution, disc.roots)
    found = []
    for one in averages(model.space, disc.roots, disc.lengths):
        m, field = root_metrics(solution.field, one), fields[one.root]
        peel, shear = (
            (m.peel, m.shear) if isinstance(field, str) else consistent_average(solution, m.root, m.length, field)
        )
        found += [peel, shear, m.von_mises]
    return np.array(found), model.constraints.count


def table(label: str, roots: Any, truth: np.ndarray[Any, Any], unknowns: int) -> None:
    """One line per metric, and the worst of them."""
    print(f"  {label}, {unknowns} unknowns")
    found = np.array([[m.peel, m.shear, m.von_mises] for m in roots]).ravel()
    stated = np.array([[m.peel_error, m.shear_error, m.von_mises_error] for m in roots]).ravel()
    true = np.abs(found - truth)
    for name, t, a, b in zip(metric_names(roots), truth, true, stated, strict=True):
        print(
            f"    {name:44s} {t:10.3f}  true {a:8.4f} ({100 * a / abs(t):7.4f} %)  stated {b:8.4f}  ratio "
            f"{b / max(a, 1e-9):7.1f}"
        )
    share = np.maximum(np.abs(truth), 1e-3 * np.repeat(truth[2::3], 3))
    worst_true, worst_stated = float((true / share).max()), float((stated / share).max())
    print(f"    worst: true {100 * worst_true:.3f} %, stated {100 * worst_stated:.3f} %; " f"ratio " f"{worst_stated / worst_true:.1f}; "  # noqa: E501
          f"covered {int(np.sum(true <= stated))} of {len(true)}", flush=True)  # fmt: skip


def main(names: list[str]) -> None:
    """Print the tables."""
    warnings.simplefilter("ignore", FemsimWarning)
    for name in names:
        case, origin = load_case(name, ["mesh.tolerance=0.01"])
        truth, unknowns = truth_of(case, origin.base)
        print(f"\n{name}: truth from {unknowns} unknowns")
        disc = discretise(case, origin.base)
        materials = resolve_materials(case, disc)
        default = solve_case(disc, materials, lambda text: None)
        table("default mesh", default.roots, truth, default.model.constraints.count)
        start = discretise(case, origin.base, coarse_grading(averaging_lengths(case)))
        solved, way = solve_to_tolerance(case, start, materials, lambda text: None)
        table(f"--tol 1% ({'met' if way.met else way.reason})", solved.roots, truth, solved.model.constraints.count)


if __name__ == "__main__":
    main(sys.argv[1:] or ["bilayer", "staggered", "rewired-chip", "flipchip"])
