"""A box around one design, from its factor alone: what scatters there moves the solution by little.

With K(x) = K0 + sum_i t_i dK_i and f(x) = f0 + sum_i t_i df_i, t = 1 at the end of a parameter's range, the solution is

    u = u0 + w1(t) + w2(t) + ...,   K0 w1 = sum_i t_i (df_i - dK_i u0),   K0 w(k+1) = -sum_i t_i dK_i wk,

and its terms at a few random t, of order one to ORDERS, span a basis that is exact to that order at the design (moment
matching: Antoulas 2005, Approximation of Large-Scale Dynamical Systems, ch. 11). Every term costs a substitution, not a
factorisation. Dual solutions go the same way. A Galerkin solution in the span is better than the series: it needs no
small t, and full solves at random designs that were not used say what it misses. Where that is too much, their
solutions join the basis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.meshes.layout import paint
from femsim.models.assembly import element_stiffness, thermal_force
from femsim.models.fields import ElasticField
from femsim.models.kinematics import KINEMATICS
from femsim.models.model import Model
from femsim.reduced.basis import Span, energy
from femsim.reduced.box import Box
from femsim.reduced.build import Pieces, Problem, errors_of, levels_of, rows_of, thinned, truth_of
from femsim.reduced.operators import Matter, compress, sums_of
from femsim.reduced.outputs import features_of, rings_of
from femsim.reduced.truth import Looked, Snapshot, Truth
from femsim.solvers.solve import Solution

#: random directions of the terms, of those of the duals, and the highest order of the solution's terms
DIRECTIONS, DUALS, ORDERS = 8, 2, 2
#: of the directions, those at which the share of the roots' forces is looked up
LOOKS = 6
#: parts of the solution, and of the duals, below which a direction is left out
PRIMAL_PART, DUAL_PART = 3e-4, 1e-2
#: full solves that say what the box misses; times that their solutions may join it
CHECKS, ROUNDS = 4, 4
#: designs from which the points of a ring and the pieces are chosen
DRAWN = 300


@dataclass(frozen=True)
class Around:
    """A box around a design, keys and names of its averages, those (m,) of its full solve in MPa, and what the box
    missed of full solves at random designs (checks, m), relative to the von Mises average of the ring.
    """

    box: Box
    outputs: tuple[str, ...]
    names: tuple[str, ...]
    nominal: FloatArray
    missed: FloatArray
    solves: int


def box_around(
    problem: Problem,
    centre: FloatArray,
    tolerance: float,
    say: Callable[[str], None] = lambda text: None,
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> Around:
    """The box of a problem's whole range from its design ``centre`` (p,), good to a relative ``tolerance`` where
    ROUNDS of full solves can make it so; ``missed`` tells. ``names`` are averages that are wanted (with the others of
    their root and length), by default all. Raises DoesNotFitError where one mesh does not serve.
    """
    low, high = problem.low, problem.high
    truth = truth_of(problem, low, high)
    if names is not None:
        truth.keep(names)
    rng = np.random.default_rng(seed)
    solution = truth.solution(centre)
    looked = truth.looked(solution)
    change = _changes(problem, truth, solution, centre)
    terms = _terms(problem, truth, solution, looked, centre, change, rng)
    quantities = problem.forms.at(low + (high - low) * rng.random((DRAWN, len(low))))
    joined: list[Snapshot] = []
    places, seen = [centre, *terms.designs], [looked, *terms.looked]
    designs = low + (high - low) * np.random.default_rng(seed + 1).random((CHECKS * ROUNDS, len(low)))
    for turn in range(ROUNDS):
        box = _box(problem, truth, terms, joined, (places, [*seen, *joined]), quantities, tolerance)
        fresh = list(designs[turn * CHECKS : (turn + 1) * CHECKS])
        last = turn == ROUNDS - 1
        found = [truth.measured(x) for x in fresh]
        numbers = problem.forms.at(np.array(fresh))
        true = np.array([one.values for one in found])
        missed = np.abs(box.values(numbers) - true) / levels_of(true)
        known = errors_of(box, numbers, found).max() <= tolerance  # more solutions would mend nothing else
        say(f"round {turn + 1}: {box.modes} unknowns, {100 * missed.max():.2g} % missed")
        if last or known:
            break
        joined += [truth.snapshot(x) for x in fresh]
        places += fresh
    return Around(box, truth.outputs, truth.names, looked.values, missed, 1 + CHECKS * (turn + 1))


@dataclass(frozen=True)
class _Changes:
    """For each parameter the change of the stiffness over its unknowns (None where it has none), and that of the load
    (n,); ``steps`` (p,) are the moves they belong to.
    """

    stiffness: tuple[sp.csr_matrix | None, ...]
    load: tuple[FloatArray, ...]
    steps: FloatArray


def _changes(problem: Problem, truth: Truth, solution: Solution, centre: FloatArray) -> _Changes:
    base = solution.model
    force = base.space.gather(thermal_force(base))
    steps = np.where(problem.high - centre >= centre - problem.low, problem.high - centre, problem.low - centre)
    stiffness, load = [], []
    for i, step in enumerate(steps):
        x = centre.copy()
        x[i] += step
        there = truth.model(problem.cases(x))
        stiffness.append(_difference(base, there))
        load.append(base.space.gather(thermal_force(there)) - force)
    return _Changes(tuple(stiffness), tuple(load), steps)


def _difference(base: Model, there: Model) -> sp.csr_matrix | None:
    """The stiffness (ndof, ndof) of one model less that of another on the same mesh, moved at most."""
    apart = np.any(base.region_stiffness != there.region_stiffness, axis=(1, 2))
    changed = apart[base.mesh.region]
    if there.mesh.points is not base.mesh.points:
        shape = base.mesh.points[base.mesh.cells] - base.mesh.points[base.mesh.cells[:, :1]]
        other = there.mesh.points[there.mesh.cells] - there.mesh.points[there.mesh.cells[:, :1]]
        changed = changed | (np.abs(shape - other).max(axis=(1, 2)) > 1e-12 * base.mesh.extent)
    cells = np.flatnonzero(changed)
    if not len(cells):
        return None
    rows, columns, entries = [], [], []
    pairs = zip(
        element_stiffness(base.space, base.moduli, cells),
        element_stiffness(there.space, there.moduli, cells),
        strict=True,
    )
    for (mine, old), (_, new) in pairs:
        dofs = base.space.element_dofs(mine)
        m = dofs.shape[1]
        rows.append(np.repeat(dofs, m, axis=1).ravel())
        columns.append(np.tile(dofs, (1, m)).ravel())
        entries.append((new - old).ravel())
    data = (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_matrix(data, shape=(base.ndof, base.ndof))


@dataclass(frozen=True)
class _Terms:
    """Terms (ndof, k) of the solution and of the duals (ndof, l), each with its size at the ends of the ranges, and the
    averages of the series at some ``designs``.
    """

    primal: FloatArray
    dual: FloatArray
    designs: list[FloatArray]
    looked: list[Looked]


def _terms(
    problem: Problem,
    truth: Truth,
    solution: Solution,
    looked: Looked,
    centre: FloatArray,
    change: _Changes,
    rng: np.random.Generator,
) -> _Terms:
    """The terms of a design."""
    space, factor = solution.model.space, solution.factor

    def solve(loads: FloatArray) -> FloatArray:
        return space.scatter(np.ascontiguousarray(factor.solve(np.asfortranarray(loads))))

    def pushed(fields: FloatArray, t: FloatArray) -> FloatArray:
        """-sum_i t_i dK_i fields, gathered, for a direction t (k, p) of each field (ndof, k)."""
        total = np.zeros(fields.shape)
        for i, k in enumerate(change.stiffness):
            if k is not None:
                total -= t[:, i] * (k @ fields)
        return space.gather(total)

    p, u0 = len(centre), solution.unknowns
    one = np.eye(p)
    first = solve(pushed(np.repeat(u0[:, None], p, axis=1), one) + np.column_stack(change.load))
    designs = problem.low + (problem.high - problem.low) * rng.random((DIRECTIONS, p))
    t = (designs - centre) / change.steps
    terms, found = [u0[:, None], first], first @ t.T
    series = u0[:, None] + found
    for _ in range(2, ORDERS + 1):
        found = solve(pushed(found, t))
        terms.append(found)
        series = series + found
    duals = []
    places = [(solution.model, u0, np.zeros(p))]
    places += [(truth.model(problem.cases(x)), series[:, k], t[k]) for k, x in enumerate(designs[:DUALS])]
    for model, u, direction in places:
        loads = space.gather(truth.goals(ElasticField(model, u), looked.averages))
        here = solve(loads)
        duals.append(here)
        if np.any(direction):
            duals.append(solve(pushed(here, np.repeat(direction[None], here.shape[1], axis=0))))
    near = [_with(solution, model, u) for model, u, _ in places[1:]]
    near += [_with(solution, truth.model(problem.cases(designs[k])), series[:, k]) for k in range(DUALS, LOOKS)]
    found_there = [truth.looked(one) for one in near]
    return _Terms(np.concatenate(terms, axis=1), np.concatenate(duals, axis=1), list(designs[:LOOKS]), found_there)


def _with(solution: Solution, model: Model, unknowns: FloatArray) -> Solution:
    """A solution of another model, as far as its averages need it."""
    nodal = model.space.nodal
    shape = solution.displacement.shape
    return replace(solution, model=model, displacement=unknowns[:nodal].reshape(shape), globals_=unknowns[nodal:])


def _box(
    problem: Problem,
    truth: Truth,
    terms: _Terms,
    joined: Sequence[Snapshot],
    seen: tuple[Sequence[FloatArray], Sequence[Snapshot | Looked]],
    quantities: FloatArray,
    tolerance: float,
) -> Box:
    model = truth.model(truth.drawn.case)  # type: ignore[arg-type]  # on the reference mesh, whose strips are not scaled
    modes = _modes(model, terms, joined)
    _, lines, _ = paint(truth.drawn.layout)
    sums = sums_of(model.space, truth.strips.of_cells(truth.drawn.mesh, lines), modes)
    kinematics = KINEMATICS[truth.drawn.case.model.kinematics]
    matter = Matter(problem.facts.names, truth.strips, kinematics, sums.groups, quantities)
    features, rings = features_of(quantities), rings_of(model.space, truth.averages, modes)
    numbers = features.at(problem.forms.at(np.array(seen[0])))
    rows = rows_of(truth, model.space, problem.facts.names, modes, seen[1], numbers)
    box = Box(
        problem.low,
        problem.high,
        problem.facts.names,
        kinematics.name,
        truth.strips,
        sums.groups,
        compress(sums, matter),
        rows,
        tuple(rings),
        features,
    )
    none = Span(modes, np.zeros((0, 0)), np.zeros((0, 0)))
    return thinned(problem, box, Pieces(none, sums, rows, tuple(rings), features, quantities), 0.1 * tolerance)


def _modes(model: Model, terms: _Terms, joined: Sequence[Snapshot]) -> FloatArray:
    """Modes (ndof, n), orthonormal in the energy of the design: directions that hold more than PRIMAL_PART of the
    solution, then those with more than DUAL_PART of what these lack of a dual solution.
    """
    matrix = energy(model)
    primal = np.concatenate([terms.primal, *(s.displacement[:, None] for s in joined)], axis=1)
    dual = np.concatenate([terms.dual, *(s.duals for s in joined)], axis=1)
    whole = float(terms.primal[:, 0] @ (matrix @ terms.primal[:, 0]))
    if not whole > 0.0:
        raise InputError("reduced: nothing strains the body at the nominal design; its loads are all zero")
    primal = primal / np.sqrt(whole)
    dual = dual / np.sqrt(np.maximum(np.einsum("ik,ik->k", dual, matrix @ dual), 1e-300))
    first = _principal(primal, matrix, PRIMAL_PART)
    rest = dual - first @ ((matrix @ first).T @ dual)
    return np.concatenate([first, _principal(rest, matrix, DUAL_PART)], axis=1)


def _principal(fields: FloatArray, matrix: sp.csr_matrix, part: float) -> FloatArray:
    """Orthonormal directions (ndof, n) that hold more than ``part`` of the fields' energy norm, the largest first."""
    values, vectors = np.linalg.eigh(fields.T @ (matrix @ fields))
    kept = np.flatnonzero(values > part**2)[::-1]
    return np.asarray(fields @ (vectors[:, kept] / np.sqrt(values[kept])))
