"""Temperatures: steady heat conduction by Newton's method on the order, pattern and backends of the stress.

What depends on temperature (k, h) makes the Jacobian unsymmetric, k'(T) grad T standing in one column. Its system is
solved by GMRES with the symmetric factor at the current temperature as preconditioner, so Newton's quadratic
convergence costs a factor and a few substitutions a step (Knoll & Keyes 2004, J. Comput. Phys. 193, 357).
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError, NumericsError
from femsim.meshes.elements import gauss_points
from femsim.meshes.facets import parts_of
from femsim.models.assembly import sum_of_elements
from femsim.models.heat import HeatModel
from femsim.models.sampling import hooke, sample
from femsim.solvers.pattern import Pattern
from femsim.solvers.system import System, SystemFactor, make_system

Progress = Callable[[str], None]

#: a residual heat flow below this fraction of the largest is round-off,
GOOD = 1.0e-13
#: and one above this fraction is not accepted
WORST = 1.0e-8
#: roundings of a temperature that a nodal heat flow adds up
ROUNDED = 16.0
#: steps before it is given up; the first ones take the conductivity as it is (Picard), which needs no good start
MOST_STEPS, PICARD = 60, 3
#: how often a Newton step is halved
HALVINGS = 8


@dataclass(frozen=True)
class HeatSolution:
    """Temperature (N,) in degC at a time, the heat flows (N,) left at held nodes, W (what supports take up is minus
    that), the residual relative to |K| |T| + |f| (Rigal & Gaches 1967, J. ACM 14, 543), Newton steps and times (s).
    """

    model: HeatModel
    temperature: FloatArray
    reaction: FloatArray
    residual: float
    steps: int
    factor: SystemFactor | None = field(repr=False, default=None)
    time: float = 0.0
    within: float | None = None
    timing: dict[str, float] = field(default_factory=dict)


def heat_factor(
    model: HeatModel,
    temperature: FloatArray,
    time: float = 0.0,
    within: float | None = None,
    shift: float = 0.0,
    pattern: Pattern | None = None,
    backend: str | None = None,
) -> SystemFactor:
    """Factor of the symmetric matrix K(T) + ``shift`` C(T) with convection and contacts, W/K."""
    system = make_system(model.space, model.moduli(temperature, shift), pattern)
    rows, columns, values = model.surface_entries(temperature, time, within, definite=True)
    return SystemFactor.of(_with_entries(system, model, rows, columns, values), backend)


def _with_entries(system: System, model: HeatModel, row: IntArray, column: IntArray, value: FloatArray) -> System:
    """The system with further entries, of nodes by pairs, both triangles given."""
    if not len(row):
        return system
    numbering, equation = system.pattern.numbering, model.space.constraints.equation
    place = np.append(numbering.place, -1)
    i, j = place[equation[row]], place[equation[column]]
    keep = (i >= 0) & (j >= i)
    n = system.matrix.shape[0]
    more = sp.coo_matrix((value[keep], (i[keep], j[keep])), shape=(n, n)).tocsr()
    own = _in_places(system.matrix, more)
    if own is not None:
        return System(own, system.pattern, system.condensation)
    matrix = (system.matrix.tocsr() + more).tocsr()
    matrix.sort_indices()
    blocks = sp.bsr_matrix((matrix.data.reshape(-1, 1, 1), matrix.indices, matrix.indptr), shape=(n, n))
    return System(blocks, system.pattern, system.condensation)


def _in_places(matrix: sp.bsr_matrix, more: sp.csr_matrix) -> sp.bsr_matrix | None:
    """The sum of a matrix and of one with few entries, where all of these have a place in the first already; else
    None.
    """
    row = np.repeat(np.arange(len(more.indptr) - 1), np.diff(more.indptr))
    at, last = matrix.indptr[row].astype(np.int64), matrix.indptr[row + 1]
    for _ in range(int((last - at).max(initial=0))):
        at += (at < last - 1) & (matrix.indices[np.minimum(at, len(matrix.indices) - 1)] < more.indices)
    if not np.array_equal(matrix.indices[at], more.indices):
        return None
    data = matrix.data.copy()
    data[at, 0, 0] += more.data
    return sp.bsr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def solve_heat(
    model: HeatModel,
    time: float = 0.0,
    guess: FloatArray | None = None,
    progress: Progress | None = None,
    backend: str | None = None,
    pattern: Pattern | None = None,
) -> HeatSolution:
    """Steady temperature under the sources and boundary values of a time.

    Raises InputError where a part of the body has no way to give off heat, NumericsError where Newton's method does not
    converge.
    """
    check_sinks(model, time)
    say = progress or (lambda text: None)
    say(f"temperature: {model.space.constraints.count} unknowns")
    start = clock.perf_counter()
    held, values = model.prescribed(time)
    if guess is None:  # level where it can be: no heat is conducted then
        level = values[0] if len(held) and np.ptp(values) == 0.0 else model.ambient
        temperature = np.full(len(model.mesh.points), level)
    else:
        temperature = guess.copy()
    temperature[held] = values
    load = model.inflow(time)
    factor: SystemFactor | None = None
    spent = 0.0

    def imbalance(t: FloatArray) -> FloatArray:
        return load - model.outflow(t, time)

    flat = guess is None and np.ptp(temperature) == 0.0
    left = load - model.surface_flow(temperature, time) if flat else imbalance(temperature)
    if not model.space.constraints.count:
        return HeatSolution(model, temperature, -left, 0.0, 0, None, time, None, {"solve": 0.0})
    scale = 0.0
    best = np.inf
    for step in range(MOST_STEPS):
        before = clock.perf_counter()
        if factor is None or not model.is_linear:
            factor = heat_factor(
                model, temperature, time, None, 0.0, factor.pattern if factor is not None else pattern, backend
            )
        spent += clock.perf_counter() - before
        plain = model.space.scatter(factor.solve(model.space.gather(left)))
        if model.is_linear or step < PICARD:
            temperature = temperature + plain
            left = imbalance(temperature)
        else:
            right = model.space.gather(left)
            change = newton_change(model, temperature, right, factor, time, exact=False)
            temperature, left = _damped(model, temperature, change, plain, factor, imbalance)
        if step == 0 or not model.is_linear:  # a correction does not move the scale
            flow, rounding = largest_flow(model, temperature)
        scale = max(scale, float(np.abs(load).max()), float(np.abs(left).max()), flow)
        plainly = float(np.abs(model.space.gather(left)).max())
        worst = max(plainly - rounding, 0.0) / (scale or 1.0) if np.isfinite(plainly) else plainly
        if not np.isfinite(worst):
            raise NumericsError("heat: the temperature is not finite; is every part of the body cooled?")
        settled = worst <= 1e-10 and (model.is_linear or worst > 0.3 * best)
        # what rounding allows is taken for an answer only after one correction: the balance of heat gains by it
        if (
            plainly <= GOOD * (scale or 1.0)
            or (step > 0 and (worst <= GOOD or settled))
            or (model.is_linear and step == 2)
        ):
            break
        best = min(best, worst)
    if worst > WORST:
        raise NumericsError(
            f"heat: no steady temperature found in {MOST_STEPS} Newton steps (residual {worst:.1e} of the largest heat "
            f"flow); is the body cooled enough for its k(T) and h(T)?"
        )
    total = clock.perf_counter() - start
    # against all that flows, also what neighbours cancel: the backward error, which rounding does not inflate
    residual = plainly / (scale + rounding / (ROUNDED * float(np.finfo(float).eps)) or 1.0)
    return HeatSolution(
        model, temperature, -left, residual, step + 1, factor, time, None, {"factor": spent, "solve": total - spent}
    )


def largest_flow(model: HeatModel, temperature: FloatArray) -> tuple[float, float]:
    """The scale of nodal heat flows, W: what conduction would carry if neighbours did not cancel it; and what the
    rounding of the temperatures alone leaves over, however small their differences are.
    """
    mesh = model.mesh
    own = temperature[mesh.cells.T]  # node by node: reductions over the first axis are fast ones
    k = np.array([float(np.max([np.max(p.values) for p in c.conductivity])) for c in model.conductors])
    corners = mesh.cells[:, : mesh.info.corners].T
    x = [mesh.points[:, axis][corners] for axis in range(mesh.dim)]
    sides = np.stack([one.max(axis=0) - one.min(axis=0) for one in x])
    each = k[mesh.region] * model.space.kinematics.measure(x[0]).mean(axis=0)
    slender = sides.max(axis=0) / np.maximum(sides.min(axis=0), 1e-300)
    high, low = own.max(axis=0), own.min(axis=0)
    flow = float(np.max(each * (high - low), initial=0.0))
    level = np.finfo(float).eps * np.maximum(np.abs(high), np.abs(low))
    return flow, ROUNDED * float(np.max(each * level * slender, initial=0.0))


def newton_change(
    model: HeatModel,
    temperature: FloatArray,
    right: FloatArray,
    factor: SystemFactor,
    time: float,
    within: float | None = None,
    shift: float = 0.0,
    exact: bool = True,
) -> FloatArray:
    """Change of the temperature (N,) that the Jacobian at ``temperature`` makes of residual heat flows (n,): by the
    factor alone where that is ``exact`` enough, else by GMRES with the factor as preconditioner.
    """
    space = model.space
    if exact:
        return space.scatter(factor.solve(right))
    from scipy.sparse.linalg import LinearOperator, gmres

    product = _tangent_product(model, temperature, time, within, shift)
    n = space.constraints.count
    operator = LinearOperator((n, n), matvec=lambda v: space.gather(product(space.scatter(v))), dtype=float)
    inverse = LinearOperator((n, n), matvec=factor.solve, dtype=float)
    found, _ = gmres(operator, right, x0=factor.solve(right), rtol=1e-8, restart=30, maxiter=4, M=inverse)
    return space.scatter(found)


def _tangent_product(
    model: HeatModel, temperature: FloatArray, time: float, within: float | None, shift: float
) -> Callable[[FloatArray], FloatArray]:
    """The Jacobian at a temperature as a product with a change of temperature (N,), element by element."""
    space, mesh = model.space, model.mesh
    points, weights = gauss_points(mesh.element, mesh.info.full)
    moduli = model.moduli(temperature, shift)
    row, column, value = model.surface_entries(temperature, time, within)
    count = len(mesh.points)
    surface = sp.csr_matrix((value, (row, column)), shape=(count, count))

    def product(change: FloatArray) -> FloatArray:
        def element(cells: IntArray) -> FloatArray:
            at = sample(space, cells, points)
            tangent = moduli.tangent(cells, at.values, at.strain(temperature))
            return at.pull(hooke(tangent, at.strain(change)) * (at.volume * weights)[..., None])

        return np.asarray(sum_of_elements(space, element) + surface @ change)

    return product


def _damped(
    model: HeatModel,
    temperature: FloatArray,
    change: FloatArray,
    plain: FloatArray,
    factor: SystemFactor,
    imbalance: Callable[[FloatArray], FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """The next temperature and its imbalance. A Newton step is halved until the ``plain`` change that the factor makes
    of what is left has become smaller (Deuflhard 2004, Newton Methods for Nonlinear Problems, sec. 3.3); where none
    will do, the plain change itself is taken.
    """
    size = float(np.abs(plain).max())
    for halving in range(HALVINGS):
        share = 0.5**halving
        found = temperature + share * change
        fresh = imbalance(found)
        smaller = factor.solve(model.space.gather(fresh))
        if float(np.abs(smaller).max()) <= (1.0 - 0.25 * share) * size:
            return found, fresh
    found = temperature + plain
    return found, imbalance(found)


def check_sinks(model: HeatModel, time: float = 0.0) -> None:
    """Raise InputError unless every connected part of the body can give off heat."""
    count, label = parts_of(model.mesh)
    owner = np.arange(count)
    for contact in model.contacts:
        for a, b in zip(label[contact.first.edges[:, 0]], label[contact.second[:, 0]], strict=True):
            one, two = owner[a], owner[b]
            if one != two:
                owner[owner == two] = one
    cooled = set()
    for fixed in model.fixed:
        cooled |= set(owner[label[fixed.nodes]].tolist())
    for cooling in model.coolings:
        values = (cooling.h.at(time),) if not hasattr(cooling.h, "values") else cooling.h.values
        if max(float(v) for v in values) > 0.0:
            cooled |= set(owner[label[cooling.line.edges.ravel()]].tolist())
    for part in np.unique(owner):
        if int(part) not in cooled:
            cells = np.flatnonzero(owner[label[model.mesh.cells[:, 0]]] == part)
            names = ", ".join(model.mesh.regions[k] for k in np.unique(model.mesh.region[cells]))
            what = "the body" if len(np.unique(owner)) == 1 else f"the part of {names}"
            raise InputError(
                f"heat: {what} has no way to give off heat; give a [[heat.boundary]] with temperature, or h > 0"
            )
