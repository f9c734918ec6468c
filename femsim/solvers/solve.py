"""Model -> solution: assemble, factor, solve, refine, check. The factor stays with the solution: a further load costs a
substitution.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import NumericsError
from femsim.models.assembly import external_force, internal_force, prescribed_force, thermal_force
from femsim.models.fields import ElasticField
from femsim.models.model import Model
from femsim.models.space import HELD, Space
from femsim.solvers.factor import choose_backend
from femsim.solvers.memory import refuse_solve
from femsim.solvers.pattern import Pattern
from femsim.solvers.stock import stock_at_hand
from femsim.solvers.system import SystemFactor, make_system

Progress = Callable[[str], None]

#: a solution whose relative residual is larger than this is refused,
WORST_RESIDUAL = 1.0e-6
#: unless what it lacks has less than this part of its energy norm: in cells of a ten-millionth of the body's size the
#: rounding of displacements and places alone makes larger residuals
WORST_ERROR = 1.0e-9
#: no further refinement step is taken where the largest residual force is below this fraction of the load,
GOOD_RESIDUAL = 1.0e-10
#: and the work of all residual forces below this fraction of the load's: errors spread over the whole body show there
#: first
GOOD_ENERGY = 1.0e-11
#: loads that differ by less than this fraction from a multiple of another are that multiple
SAME_LOAD = 1.0e-13


@dataclass(frozen=True)
class Checks:
    """What every solution is checked for; all relative, 0 is perfect.

    ``residual``: max |internal - external force| over the free unknowns, over the largest thermal or applied nodal
    force. ``reaction``: resultant of all reactions and loads along each rigid motion, over the sum of the forces'
    magnitudes. ``energy``: work of the stresses less the work of loads and reactions, over the work of all thermal
    and applied nodal forces.
    """

    residual: float
    reaction: float
    energy: float


@dataclass(frozen=True)
class Solution:
    """Displacement (N, width) in um, the kinematics' own unknowns, nodal reactions (ndof,) in uN, checks and times (s).

    ``load`` (n,) is the right side: thermal and applied forces gathered by unknown, and those of prescribed
    displacements.
    """

    model: Model
    displacement: FloatArray
    globals_: FloatArray
    reaction: FloatArray
    checks: Checks
    factor: SystemFactor = field(repr=False)
    load: FloatArray = field(repr=False)
    timing: dict[str, float] = field(default_factory=dict)

    @property
    def unknowns(self) -> FloatArray:
        """All degrees of freedom (ndof,)."""
        return np.concatenate([self.displacement.ravel(), self.globals_])

    @property
    def space(self) -> Space:
        """The model's space."""
        return self.model.space

    @cached_property
    def field(self) -> ElasticField:
        """The stress as a field, for those who read it."""
        return ElasticField(self.model, self.unknowns)


def solve(
    model: Model,
    load: FloatArray | None = None,
    progress: Progress | None = None,
    backend: str | None = None,
    pattern: Pattern | None = None,
) -> Solution:
    """Displacement of a model; ``load`` (ndof,) adds nodal forces in uN (manufactured solutions); ``pattern`` (of
    :func:`femsim.solvers.pattern.make_pattern`) of an earlier matrix on the same mesh with the same constraints is used
    again.

    Raises NumericsError where the matrix is singular, or the residual is worse than WORST_RESIDUAL and what the
    solution lacks is more than WORST_ERROR.
    """
    say = progress or (lambda text: None)
    start = time.perf_counter()
    _refuse_too_large(model, backend)
    say(f"assembling {model.constraints.count} unknowns")
    stock = stock_at_hand()
    if pattern is None and stock is not None:
        pattern = stock.pattern(model.space)
    system = make_system(model.space, model.moduli, pattern)
    prescribed = _prescribed_force(model)
    assembled = time.perf_counter()
    say(f"factorising {model.constraints.count} unknowns")
    factor = SystemFactor.of(system, backend) if stock is None else stock.factor(system, backend)
    del system
    factored = time.perf_counter()
    solution = _substitute(model, factor, prescribed, load)
    solution.timing.update(
        assemble=assembled - start, factor=factored - assembled, solve=time.perf_counter() - assembled
    )
    return solution


def _refuse_too_large(model: Model, backend: str | None) -> None:
    """Raise NumericsError where the solve would not fit into the memory, before anything is assembled."""
    mesh, width = model.mesh, model.space.width
    own = width * len(mesh.cells) if mesh.info.middle is not None else 0  # unknowns that are condensed
    n = max(model.constraints.count - own, 1)
    dim = model.kinematics.dim
    refuse_solve(len(mesh.cells), width * mesh.info.nodes, n, choose_backend(backend, n, dim), dim)


def resolve_with(solution: Solution, model: Model, load: FloatArray | None = None) -> Solution:
    """Solve ``model``, which differs from the solution's in load, temperature or CTE only, with the factor at hand.

    Where the new load is a multiple of the old one (another temperature with constant CTE) the displacement is that
    multiple of the old one, and the residual by the elements says whether it holds; otherwise it costs a substitution.

    Raises NumericsError where the stiffness, the mesh or what is held differs.
    """
    _require_same_matrix(solution.model, model)
    start = time.perf_counter()
    fresh = _substitute(model, solution.factor, _prescribed_force(model), load, solution)
    fresh.timing.update(assemble=0.0, factor=0.0, solve=time.perf_counter() - start)
    return fresh


def _prescribed_force(model: Model) -> FloatArray:
    return prescribed_force(model.space, model.moduli, model.load.prescribed)


def _require_same_matrix(old: Model, new: Model) -> None:
    """Raise NumericsError unless two models have one stiffness matrix."""
    same = old.mesh is new.mesh or (
        np.array_equal(old.mesh.points, new.mesh.points)
        and np.array_equal(old.mesh.cells, new.mesh.cells)
        and np.array_equal(old.mesh.region, new.mesh.region)
    )
    if not (
        same and old.kinematics == new.kinematics and np.array_equal(old.constraints.equation, new.constraints.equation)
    ):
        raise NumericsError(
            "the factor at hand belongs to another mesh, other kinematics or other constraints; solve afresh"
        )
    if any(m.depends_on_temperature for m in new.materials.values()) and not (
        np.isscalar(old.temperature) and np.isscalar(new.temperature)
    ):
        raise NumericsError("a field of temperature gives a temperature-dependent stiffness of its own; solve afresh")
    # a field of temperature was refused above where the stiffness depends on it
    for number, region in enumerate(new.mesh.regions):
        if not np.allclose(old.region_stiffness[number], new.region_stiffness[number], rtol=1e-12, atol=0.0):
            raise NumericsError(
                f"the factor at hand was made with another stiffness of region {region!r}; solve afresh"
            )


def _multiple(load: FloatArray, of: FloatArray) -> float | None:
    """The number that ``load`` is of another load, or None where it is no multiple of it to rounding."""
    square = float(of @ of)
    times = float(load @ of) / square if square > 0.0 else 0.0
    return times if np.abs(load - times * of).max(initial=0.0) <= SAME_LOAD * np.abs(load).max(initial=0.0) else None


def _substitute(
    model: Model, factor: SystemFactor, prescribed: FloatArray, load: FloatArray | None, before: Solution | None = None
) -> Solution:
    space = model.space
    external = external_force(space, model.load)
    if load is not None:
        external = external + load
    thermal = thermal_force(model)
    rhs = space.gather(thermal + external) + prescribed
    times = None if before is None else _multiple(rhs, before.load)
    unknowns = factor.solve(rhs) if before is None or times is None else times * _equations(before)
    if not np.all(np.isfinite(unknowns)):
        raise NumericsError(
            "the solver returned numbers that are not finite; the stiffness matrix is singular or too badly scaled"
        )
    scale = max(
        float(np.abs(thermal).max()), float(np.abs(external).max()), float(np.abs(prescribed).max(initial=0.0)), 1e-300
    )
    work = float(np.abs(unknowns) @ np.abs(rhs)) or 1.0
    for step in range(3):
        # by the elements' stresses, which know nothing of the matrix: an error of its assembly would show here
        spread = space.scatter(unknowns) + model.load.prescribed
        nodal = external - internal_force(ElasticField(model, spread))
        left = space.gather(nodal)
        worst = float(np.abs(left).max(initial=0.0)) / scale
        if (worst <= GOOD_RESIDUAL and abs(float(unknowns @ left)) <= GOOD_ENERGY * work) or step == 2:
            break
        unknowns = unknowns + factor.solve(left)
    # the missing part e solves K e = r, so its energy is r . e
    if not worst <= WORST_RESIDUAL and not abs(float(left @ factor.solve(left))) <= WORST_ERROR**2 * work:
        raise NumericsError(
            f"the residual is {worst:.1e} of the load, worse than {WORST_RESIDUAL:g}; the result is not given"
        )
    reaction = np.where(space.constraints.equation == HELD, -nodal, 0.0)
    return Solution(
        model,
        spread[: space.nodal].reshape(-1, space.width),
        spread[space.nodal :],
        reaction,
        _check(model, spread, nodal, reaction, external, thermal, worst),
        factor,
        rhs,
    )


def _equations(solution: Solution) -> FloatArray:
    """The unknowns (n,) of a solution by equation."""
    equation = solution.model.constraints.equation
    found = np.empty(solution.model.constraints.count)
    found[equation[equation >= 0]] = solution.unknowns[equation >= 0]
    return found


def _check(
    model: Model,
    spread: FloatArray,
    nodal: FloatArray,
    reaction: FloatArray,
    external: FloatArray,
    thermal: FloatArray,
    worst: float,
) -> Checks:
    n = model.space.nodal
    forces = np.abs(thermal) + np.abs(external) + np.abs(reaction)
    scale = float(forces[:n].sum()) or 1.0
    unbalanced = 0.0
    # ties and links carry moments where they carry no net force
    equation = model.constraints.equation
    users = np.append(np.bincount(equation[equation >= 0], minlength=model.constraints.count), [2, 2])
    users[model.constraints.links.equation] = 2
    bound = np.where(users[equation] > 1, -nodal, 0.0)
    for mode in model.kinematics.rigid_modes(model.mesh.points).values():
        unbalanced = max(unbalanced, abs(float(mode.ravel() @ (bound + external)[:n])) / scale)
    work = float(np.abs(spread) @ forces) or 1.0
    return Checks(residual=worst, reaction=unbalanced, energy=abs(float(spread @ (nodal + reaction))) / work)
