"""Adaptive against uniform refinement: unknowns to a true error of 1 %, 0.3 % and 0.1 % of a root's metrics.

    python benchmarks/trust/adaptivity.py [case ...]

The truth is a graded mesh of 2e-4 um at the roots and growth 1.2, its averages Richardson's with the default mesh.
Uniform refinement halves every cell of the coarsest mesh (one cell of a twentieth of the cell's width across) until 600
000 unknowns; beyond that its observed slope is extended, which is said.
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
from femsim.meshes.grid import Grading
from femsim.runs.adapt import coarse_grading, solve_to_tolerance
from femsim.runs.once import Solved, solve_case
from femsim.solvers.solve import solve

TARGETS = (0.01, 0.003, 0.001)


def values(roots: Any) -> np.ndarray[Any, Any]:
    """Peel, shear and von Mises of all roots."""
    return np.array([[m.peel, m.shear, m.von_mises] for m in roots]).ravel()


def needed(unknowns: list[int], errors: list[float], target: float) -> tuple[float, bool]:
    """Unknowns at which an error falls below the target for good, interpolated; and whether the slope had to be
    extended.
    """
    below = np.array(errors) <= target
    last = len(errors) - int(np.argmin(below[::-1])) if not below.all() else 0
    if last < len(errors):
        if last == 0:
            return float(unknowns[0]), False
        a, b = np.log(errors[last - 1]), np.log(max(errors[last], 1e-12))
        t = (a - np.log(target)) / (a - b)
        return float(np.exp(np.log(unknowns[last - 1]) * (1 - t) + np.log(unknowns[last]) * t)), False
    slope = np.polyfit(np.log(unknowns[-3:]), np.log(errors[-3:]), 1)[0]
    return float(unknowns[-1] * (target / errors[-1]) ** (1 / slope)), True


def main(names: list[str]) -> None:
    """Print one table per case."""
    warnings.simplefilter("ignore", FemsimWarning)
    quiet = lambda text: None  # noqa: E731
    for name in names:
        case, origin = load_case(name, ["mesh.tolerance=0.001", "mesh.limit=300000"])
        lengths = averaging_lengths(case)
        fine = discretise(case, origin.base, Grading(2e-4, 1.2))
        materials = resolve_materials(case, fine)
        model = build_model(fine, materials)
        solution = solve(model)
        truth = values([root_metrics(solution.field, a) for a in averages(model.space, fine.roots, fine.lengths)])
        level = np.maximum(np.abs(truth), 1e-3 * np.repeat(truth[2::3], 3))

        _, adaptation = solve_to_tolerance(
            case, discretise(case, origin.base, coarse_grading(lengths)), materials, quiet
        )
        adaptive = [(s.unknowns, np.abs(np.array(list(s.values.values())) - truth) / level) for s in adaptation.steps]
        stated = [np.array(list(s.errors.values())) / level for s in adaptation.steps]

        extent = float(np.ptp(fine.mesh.points[:, 0]))
        uniform: list[tuple[int, Any]] = []
        size = extent / 20
        disc = discretise(case, origin.base, Grading(size, 1.0001, size, fewest=1))
        while 2 * len(disc.mesh.points) < 600_000:
            solved: Solved = solve_case(disc, materials, quiet)
            uniform.append((solved.model.constraints.count, np.abs(values(solved.roots) - truth) / level))
            disc = disc.halved()

        print(f"\n{name}: largest relative error of all root metrics; truth from {model.constraints.count} unknowns")
        for k, (n, e) in enumerate(adaptive):
            covered = "all covered" if np.all(stated[k] >= e) else "not all covered"
            print(f"  adaptive {n:8d}  true {100 * e.max():8.4f} %  stated {100 * stated[k].max():8.4f} %  {covered}")
        for n, e in uniform:
            print(f"  uniform  {n:8d}  true {100 * e.max():8.4f} %")
        for target in TARGETS:
            one, _ = needed([n for n, _ in adaptive], [float(e.max()) for _, e in adaptive], target)
            two, extended = needed([n for n, _ in uniform], [float(e.max()) for _, e in uniform], target)
            note = " (extended)" if extended else ""
            print(
                f"  to {100 * target:g} %: adaptive {one:.0f}, uniform {two:.0f}{note}: {two / one:.0f} times",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:] or ["bilayer"])
