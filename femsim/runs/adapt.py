"""Refine until the root metrics are known well enough: goal-oriented, by the indicators of the error estimate.

A layout starts from a coarse mesh. Its grid lines run through the whole body, so the indicators of all cells between
two lines are summed, and the intervals that hold half of the error (Doerfler 1996, SIAM J. Numer. Anal. 33, 1106) in
either direction are halved; one that ends at a root or corner is cut at a quarter, since the singular stress wants
geometric grading. Imported triangles are split cell by cell with the same marking, imported quadrilaterals all at once.

The end is reached when every metric's estimated error is below the tolerance, relative to the metric itself (or to a
thousandth of the von Mises average, where that is more), and the last refinement changed it by no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray
from femsim.base.errors import NumericsError
from femsim.builders.discretisation import Discretisation
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.cases.trust import Refinement
from femsim.measures.averages import RootMetrics
from femsim.meshes.grid import Grading
from femsim.runs.check import goal_metrics
from femsim.runs.once import Solved, estimates, metric_names, solve_case

#: a metric smaller than this fraction of the von Mises average is measured against that
SMALL = 1.0e-3
MOST_STEPS = 60


@dataclass(frozen=True)
class Step:
    """One mesh on the way: its unknowns, metrics, error estimates, and the largest relative error with the metric it is
    of.
    """

    unknowns: int
    values: dict[str, float]
    errors: dict[str, float]
    worst: float
    of: str


@dataclass(frozen=True)
class Adaptation:
    """The way to a tolerance; ``met`` says whether it was reached, ``reason`` why not."""

    tolerance: float
    steps: tuple[Step, ...]
    met: bool
    reason: str = ""


def coarse_grading(lengths: tuple[float, ...]) -> Grading:
    """The grading of the mesh that the refinement of a layout starts from."""
    return Grading(size=0.5 * min(lengths), growth=3.0, corner_factor=2.0, fewest=2)


def solve_to_tolerance(
    case: Case, disc: Discretisation, materials: dict[str, ResolvedMaterial], say: Callable[[str], None]
) -> tuple[Solved, Adaptation]:
    """Refine and solve until the tolerance of the case is met, or its limit of unknowns would be passed."""
    spec: Refinement = case.mesh
    assert spec.tolerance is not None
    steps: list[Step] = []
    solved: Solved | None = None
    while True:
        try:
            solved = solve_case(disc, materials, say)
        except NumericsError as error:  # what the mesh before gave stands
            if solved is None:
                raise
            return solved, Adaptation(spec.tolerance, tuple(steps), False, f"on the next mesh {error}")
        wanted = np.array(goal_metrics([(m.root, m.length) for m in solved.roots], spec.goals))
        relative = relative_errors(solved.roots)
        steps.append(_step(solved, relative, wanted))
        say(f"{steps[-1].unknowns} unknowns: error {100 * steps[-1].worst:.2g} % of {steps[-1].of}")
        change = _change(steps, solved.roots)
        if np.all(relative[wanted] <= spec.tolerance) and np.all(change[wanted] <= spec.tolerance):
            return solved, Adaptation(spec.tolerance, tuple(steps), True)
        open_ = wanted & ((relative > spec.tolerance) | (relative >= 0.5 * relative[wanted].max()))
        finer = _refined(solved, open_)
        unknowns = 2 * len(finer.mesh.points)
        if unknowns > spec.limit:
            text = f"the next mesh has {unknowns} unknowns, more than mesh.limit = {spec.limit}"
            return solved, Adaptation(spec.tolerance, tuple(steps), False, text)
        if len(steps) >= MOST_STEPS:
            return solved, Adaptation(spec.tolerance, tuple(steps), False, f"not met in {MOST_STEPS} refinements")
        disc = finer


def _values(roots: Sequence[RootMetrics]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Metrics, their errors, and what these are measured against, in the order of :func:`metric_names`."""
    value = np.array([one.value for one in estimates(roots)])
    error = np.array([one.error for one in estimates(roots)])
    level = np.array([m.von_mises for m in roots for _ in m.values])
    return value, error, np.maximum(np.maximum(np.abs(value), SMALL * level), 1e-12)


def relative_errors(roots: Sequence[RootMetrics]) -> FloatArray:
    """Estimated relative errors, in the order of :func:`metric_names`."""
    _, error, scale = _values(roots)
    return np.asarray(error / scale)


def _change(steps: Sequence[Step], roots: Sequence[RootMetrics]) -> FloatArray:
    """Relative change of every metric since the mesh before; infinite on the first."""
    value, _, scale = _values(roots)
    if len(steps) < 2:
        return np.full(len(value), np.inf)
    return np.asarray(np.abs(value - np.array(list(steps[-2].values.values()))) / scale)


def _step(solved: Solved, relative: FloatArray, wanted: BoolArray) -> Step:
    names = metric_names(solved.roots)
    value, error, _ = _values(solved.roots)
    worst = int(np.argmax(np.where(wanted, relative, -1.0)))
    pair = [dict(zip(names, (float(v) for v in column), strict=True)) for column in (value, error)]
    return Step(solved.model.constraints.count, pair[0], pair[1], float(relative[worst]), names[worst])


def _refined(solved: Solved, open_: BoolArray) -> Discretisation:
    """The next discretisation: finer where the error of the metrics still open comes from."""
    return solved.discretisation.refined(cell_shares(solved, open_))


def cell_shares(solved: Solved, open_: BoolArray) -> FloatArray:
    """How much of the chosen metrics' relative errors comes from each cell (E,): as the indicators are spread.

    What an error estimate has beyond the indicators' sum is the doubt about the cell at the root, and goes to the cells
    around it.
    """
    if solved.indicators is None:
        raise NumericsError("mesh.tolerance: the error estimate failed, so there is nothing to refine by")
    mesh = solved.model.mesh
    own = np.abs(solved.indicators)
    _, error, scale = _values(solved.roots)
    total = own.sum(axis=0)
    weight = np.minimum(error, total) / (np.maximum(total, 1e-300) * scale)
    share = own[:, open_] @ weight[open_]
    beyond = np.maximum(error - total, 0.0) / scale
    near = mesh.near
    metrics = [(m.root, kind) for m in solved.roots for kind in m.values]
    for k in np.flatnonzero(open_):
        root, kind = metrics[k]
        if kind == "von_mises":
            continue  # has no such part
        node = np.linalg.norm(mesh.points - np.array(root.at), axis=1) <= near
        around = np.flatnonzero(node[mesh.cells[:, : mesh.info.corners]].any(axis=1))
        share[around] += beyond[k] / max(len(around), 1)
    return np.asarray(share)
