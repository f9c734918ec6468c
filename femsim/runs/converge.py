"""A mesh study: the same case on nested meshes, observed orders, Richardson's extrapolation.

Every mesh halves all cells of the one before. With values J1, J2, J3 on meshes of sizes 4h, 2h, h an error C h^p gives

    p = log2((J2 - J1) / (J3 - J2)),   J = J3 + (J3 - J2) / (2^p - 1)

(Richardson 1911, Phil. Trans. R. Soc. A 210, 307; Roache 1994, J. Fluids Eng. 116, 405). Where the differences change
sign or grow, no order is observed; the value is then the last one, and the last difference its doubt.

Where a case has steps or a material flows, the increments in time are refined with the mesh: each mesh allows a quarter
of the time error of the one before, which halves the increments, and the case's own comes last but one. The metrics are
those of the last step; they have no stated error.

A layout's coarsest mesh grows four times as fast, twice for each level that lies below the case's own, and starts from
elements as much larger at the roots: the case's own fineness comes last but one. An imported mesh is the coarsest
itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from femsim.base.errors import FemsimWarning, InputError, NumericsError
from femsim.builders.build import discretise, resolve_materials
from femsim.builders.discretisation import Discretisation
from femsim.builders.program import is_program
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.cases.stacks.meshfile import MeshCase
from femsim.measures.averages import RootMetrics
from femsim.meshes.grid import FEWEST, Grading
from femsim.meshes.mesh import quality
from femsim.models.model import Model
from femsim.runs.once import estimates, metric_names, solve_case

#: meshes of a study
LEVELS = 4
#: more would be 4 million times the cells of the first
MOST_LEVELS = 12


@dataclass(frozen=True)
class Level:
    """One mesh of a study: unknowns and smallest edge (um)."""

    unknowns: int
    smallest: float


@dataclass(frozen=True)
class Row:
    """One metric on all meshes (MPa), its stated errors, observed orders (None where there is none), the extrapolated
    value, its doubt.
    """

    name: str
    values: tuple[float, ...]
    errors: tuple[float, ...]
    orders: tuple[float | None, ...]
    extrapolated: float
    doubt: float

    @property
    def effectivity(self) -> float | None:
        """Stated error over the distance from the extrapolated value, on the last mesh but one; None where that
        distance is in doubt.
        """
        true = abs(self.values[-2] - self.extrapolated)
        stated = self.errors[-2]
        return stated / true if np.isfinite(stated) and true > 2.0 * self.doubt and true > 0 else None


@dataclass(frozen=True)
class Study:
    """A finished mesh study."""

    case: Case
    levels: tuple[Level, ...]
    rows: tuple[Row, ...]
    stopped: str = ""


def converge(
    case: Case, base: Path | None = None, levels: int = LEVELS, say: Callable[[str], None] | None = None
) -> Study:
    """Solve a case on ``levels`` nested meshes; fewer, with a reason, where the next would pass ``mesh.limit``
    unknowns.
    """
    if levels < 3:
        raise InputError(f"--levels: {levels} is not >= 3; an order needs three meshes")
    if levels > MOST_LEVELS:
        raise InputError(f"--levels: {levels} is not <= {MOST_LEVELS}; each mesh has four times the cells of the last")
    tell = say or (lambda text: None)
    found: list[Level] = []
    values, errors = [], []
    names: list[str] = []
    stopped = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        disc = coarsest(case, base, levels)
        materials = resolve_materials(case, disc)
        for number in range(levels):
            if number:
                disc = disc.halved()
            if number >= 3 and 2 * len(disc.mesh.points) > case.mesh.limit:
                stopped = (
                    f"mesh {number + 1} would have {2 * len(disc.mesh.points)} unknowns, more than mesh.limit = "
                    f"{case.mesh.limit}"
                )
                break
            tell(f"mesh {number + 1} of {levels}")
            if is_program(disc, materials):
                model, roots = _program(disc, materials, levels - 2 - number, tell)
            else:
                solved = solve_case(disc, materials, tell)
                model, roots = solved.model, solved.roots
            if not roots:
                raise InputError("converge: the case has no root, so no metric to study")
            names = metric_names(roots)
            found.append(Level(model.constraints.count, quality(model.mesh).smallest_edge))
            values.append([one.value for one in estimates(roots)])
            errors.append([one.error for one in estimates(roots)])
    rows = [row_of(name, [v[k] for v in values], [e[k] for e in errors]) for k, name in enumerate(names)]
    return Study(case, tuple(found), tuple(rows), stopped)


def _program(
    disc: Discretisation, materials: dict[str, ResolvedMaterial], coarser: int, say: Callable[[str], None]
) -> tuple[Model, tuple[RootMetrics, ...]]:
    """Model and root metrics at the end of a program whose increments are 2^coarser times as long as the case's own.
    Raises NumericsError where the body cannot carry its load.
    """
    from femsim.runs.program import run_program  # the laws take a while to load, and few cases have any
    from femsim.solvers.march import TOLERANCE

    spec = disc.case.model
    own = TOLERANCE if spec.time_tolerance is None else spec.time_tolerance
    allowed = spec.model_copy(update={"time_tolerance": min(own * 4.0**coarser, 0.1)})
    done = run_program(
        replace(disc, case=disc.case.model_copy(update={"model": allowed})), materials, say, history=False
    )
    if done.limit is not None:
        raise NumericsError(f"converge: {done.limit}")
    return done.solution.model, done.steps[-1].roots


def coarsest(case: Case, base: Path | None, levels: int) -> Discretisation:
    """The first mesh of a study."""
    if isinstance(case, MeshCase):
        return discretise(case, base)
    coarser = 2 ** (levels - 2)
    spec = case.mesh
    # every second line of a geometric grid of growth g and first size h: growth g^2, first size h (1 + g)
    growth = spec.growth**coarser
    size = spec.size * (growth - 1.0) / (spec.growth - 1.0)
    largest = None if spec.largest is None else spec.largest * coarser
    return discretise(case, base, Grading(size, growth, largest, fewest=max(FEWEST // coarser, 1)))


def row_of(name: str, values: list[float], errors: list[float]) -> Row:
    """Orders and extrapolation of one metric."""
    orders = tuple(order(*values[k : k + 3]) for k in range(len(values) - 2))
    last = values[-1] - values[-2]
    p = orders[-1]
    if p is None:
        return Row(name, tuple(values), tuple(errors), orders, values[-1], abs(last))
    extrapolated = values[-1] + last / (2.0**p - 1.0)
    before = orders[-2] if len(orders) > 1 else None
    other = values[-1] if before is None else values[-2] + (values[-2] - values[-3]) / (2.0**before - 1.0)
    # singular errors fall with order 2 lambda, often little above 1, once the others are gone: what that would give is
    # possible too
    doubt = max(abs(extrapolated - other), abs(extrapolated - (values[-1] + last)))
    return Row(name, tuple(values), tuple(errors), orders, extrapolated, doubt)


def order(first: float, second: float, third: float) -> float | None:
    """Observed order of three values on meshes each half as coarse; None where the differences do not shrink with one
    sign.
    """
    one, two = second - first, third - second
    if two == 0.0 or one / two <= 1.0:
        return None
    return float(np.log2(one / two))
