"""Rigorous bounds on what a reduced basis misses of peel and shear.

With residuals r of the solution and d of the dual solution in the basis, an output is off by exactly  r . K^-1 d
(Becker and Rannacher 2001, Acta Numer. 10, 1). In the energy of a reference X with  a X <= K <= b X  (:mod:`spectrum`),
X^1/2 K^-1 X^1/2 has its spectrum between 1 / b and 1 / a, so with (r, d) = r . X^-1 d

    |r . K^-1 d| <= 1/2 (1/a + 1/b) |(r, d)| + 1/2 (1/a - 1/b) |r| |d|,

which is never more than the usual |r| |d| / a, and near the reference hardly more than the error itself. Residuals are
affine: r = B c with few fixed columns B and numbers c of the design, so that (r, d) = c_r . G c_d, G = B^T X^-1 B.

The bound is against the full solution on the same moved mesh (and its shares of the forces at the roots), not against
the continuum. Directions of G below CUT are left out: what they could add, CUT |c_r| |c_d|, is added, since a Gram
matrix cut off without it bounds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import NumericsError
from femsim.base.threads import do_in_threads, in_parts, one_blas_thread
from femsim.meshes.layout import paint
from femsim.models.assembly import thermal_force
from femsim.models.kinematics import KINEMATICS
from femsim.models.model import Model
from femsim.models.space import Space
from femsim.reduced.basis import energy
from femsim.reduced.box import Box
from femsim.reduced.build import Problem, middle, spread
from femsim.reduced.facts import Names
from femsim.reduced.operators import Matter
from femsim.reduced.outputs import Work
from femsim.reduced.spectrum import Spectrum, spectrum_of, stretched
from femsim.reduced.truth import Truth

#: directions of the Gram matrix below this part of the largest are left out, and bounded
CUT = 1.0e-12
#: designs among which those are chosen that give the affine pieces
TRIED = 200
#: an affine piece may be off by this part
EXACT = 1.0e-8
#: designs whose residuals are formed together
BATCH = 128


@dataclass(frozen=True)
class Goal:
    """A functional's columns of the residual: the place of the first, and which entries (t, 3) of D (region, a, b) they
    go with.
    """

    first: int
    entries: IntArray


@dataclass(frozen=True)
class Certificate:
    """Bounds between ``low`` and ``high`` (p,): the factor (k, m) of the Gram matrix of the residuals' columns,
    ``size`` (m,) of these, what was left out, the ``spectrum`` and the reference's ``stiffness`` (regions, size, size).
    """

    low: FloatArray
    high: FloatArray
    factor: FloatArray
    size: FloatArray
    cut: float
    goals: tuple[Goal, ...]
    spectrum: Spectrum
    stiffness: FloatArray

    def bounds(self, box: Box, quantities: FloatArray) -> FloatArray:
        """Bounds (k, 2 r) in MPa on the errors of peel and shear of every root and length; infinite where there is
        none.
        """
        found = np.empty((len(quantities), 2 * len(box.rows)))

        def fill(part: IntArray) -> None:
            mine = slice(int(part[0]), int(part[-1]) + 1)
            found[mine] = self._bounds(box, quantities[mine])

        with one_blas_thread():
            do_in_threads(fill, in_parts(np.arange(len(quantities)), BATCH))
        return found

    def _bounds(self, box: Box, quantities: FloatArray) -> FloatArray:
        matter, features = box.matter(quantities), box.features.at(quantities)
        ops, n, k = box.operators, box.modes, len(quantities)
        numbers = matter.stiffness_numbers(ops.coefficients.stiffness)
        loads = matter.load_numbers(ops.coefficients.load)
        matrices = (numbers @ ops.stiffness.reshape(len(ops.stiffness), -1)).reshape(-1, n, n)
        columns = 1 + 2 * len(box.rows)
        right = np.empty((k, n, columns))
        right[:, :, 0] = loads @ ops.load
        coefficients = np.zeros((k, columns, self.factor.shape[1]))
        coefficients[:, 0, : loads.shape[1]] = loads
        goals = iter(self.goals)
        for at, row in enumerate(row for pair in box.rows for row in pair):
            right[:, :, 1 + at] = 0.0
            shares = [np.ones(k), *(features @ row.mix).T]
            for work, share in zip((row.rest, *row.forces), shares, strict=True):
                right[:, :, 1 + at] += share[:, None] * derivative(work, matter)
                goal = next(goals)
                region, a, b = goal.entries.T
                place = slice(goal.first, goal.first + len(region))
                coefficients[:, 1 + at, place] = share[:, None] * matter.stiffness[:, region, a, b]
        solved = np.linalg.solve(matrices, right).transpose(0, 2, 1)
        pushed = -(solved[:, :, None, :] * numbers[:, None, :, None]).reshape(k, columns, -1)
        coefficients[:, :, loads.shape[1] : loads.shape[1] + pushed.shape[2]] = pushed
        coefficients *= self.size
        w = coefficients.reshape(k * columns, -1) @ self.factor.T
        w = w.reshape(k, columns, -1)
        weight = np.einsum("kcm,kcm->kc", coefficients, coefficients)
        square = np.einsum("kcm,kcm->kc", w, w) + self.cut * weight
        across = np.abs(np.einsum("km,kcm->kc", w[:, 0], w[:, 1:]))
        across += self.cut * np.sqrt(weight[:, :1] * weight[:, 1:])
        least, most = self.spectrum.at(matter.scales)
        low, high = ratios(matter, self.stiffness, sorted({int(r) for r in box.groups[:, 0]}))
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = 1.0 / (least * low)[:, None], 1.0 / (most * high)[:, None]
            found = 0.5 * (a + b) * across + 0.5 * (a - b) * np.sqrt(square[:, :1] * square[:, 1:])
        return np.where((least > 0.0)[:, None], found, np.inf)


def derivative(work: Work, matter: Matter) -> FloatArray:
    """Derivative (k, n) of a functional by the coordinates in the basis."""
    region, a, b = work.entries.T
    return np.asarray(matter.stiffness[:, region, a, b] @ work.strain)


def ratios(matter: Matter, reference: FloatArray, regions: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Least and largest eigenvalue (k,) of the regions' stiffness over that of the reference."""
    low, high = np.full(len(matter.stiffness), np.inf), np.zeros(len(matter.stiffness))
    for region in regions:
        mine = matter.stiffness[:, region]
        if np.ptp(mine, axis=0).max() == 0.0 and np.array_equal(mine[0], reference[region]):
            low, high = np.minimum(low, 1.0), np.maximum(high, 1.0)
            continue
        there = np.flatnonzero(np.diag(reference[region]) > 0.0)
        root = np.linalg.inv(np.linalg.cholesky(reference[region][np.ix_(there, there)]))
        values = np.linalg.eigvalsh(root @ mine[:, there[:, None], there] @ root.T)
        low, high = np.minimum(low, values[:, 0]), np.maximum(high, values[:, -1])
    return low * (1.0 - 1e-12), high * (1.0 + 1e-12)


@dataclass(frozen=True)
class Columns:
    """The columns (n, m) of a box's residuals over the unknowns: loads, stiffness pieces times the basis, goals."""

    values: FloatArray
    goals: tuple[Goal, ...]


def certificate_of(
    problem: Problem, truth: Truth, box: Box, columns: Columns, low: FloatArray, high: FloatArray
) -> Certificate:
    """The certificate of a part of a box between ``low`` and ``high``. Raises NumericsError where the stiffness has no
    bounds.
    """
    kinematics = KINEMATICS[box.kinematics]
    centre = middle(problem, low, high)
    solution = truth.solution(centre)
    here = Matter(box.names, box.strips, kinematics, box.groups, problem.forms.at(centre[None]))
    solve = solution.factor.solve
    gram = columns.values.T @ solve(columns.values)
    size = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    values, vectors = np.linalg.eigh(0.5 * (gram + gram.T) / np.outer(size, size))
    cut = CUT * values[-1] * len(values)
    kept = values > cut
    return Certificate(
        low,
        high,
        np.ascontiguousarray((vectors[:, kept] * np.sqrt(values[kept])).T),
        size,
        float(cut),
        columns.goals,
        _spectrum(problem, truth, box, solution.model, here, (low, high), solve),
        here.stiffness[0],
    )


def _spread(space: Space) -> sp.csr_matrix:
    """The map (ndof, n) from unknowns to degrees of freedom."""
    equation = space.constraints.equation
    free = np.flatnonzero(equation >= 0)
    found = sp.csr_matrix((np.ones(len(free)), (free, equation[free])), shape=(space.ndof, space.constraints.count))
    links = space.constraints.links
    if len(links.dof):
        found = found + sp.csr_matrix((links.coefficient, (links.dof, links.equation)), shape=found.shape)
    return sp.csr_matrix(found)


def columns_of(problem: Problem, truth: Truth, box: Box, fields: FloatArray, seed: int = 0) -> Columns:
    """The columns of a box whose basis is ``fields`` (ndof, n). Raises NumericsError where they are no sum of few
    pieces.
    """
    kept = box.operators.coefficients
    designs = spread(problem, box.low, box.high, np.random.default_rng(seed + 2).random((TRIED, len(box.low))))
    matter = Matter(box.names, box.strips, KINEMATICS[box.kinematics], box.groups, problem.forms.at(designs))
    models: dict[int, Model] = {}
    spread_of = _spread(truth.model(truth.drawn.case).space)  # type: ignore[arg-type]

    def model_of(design: int) -> Model:
        if design not in models:
            models[design] = truth.model(problem.cases(designs[design]))
        return models[design]

    def gathered(field: FloatArray) -> FloatArray:
        return np.asarray(spread_of.T @ field)

    loads = _affine(matter.load_numbers(kept.load), lambda k: gathered(thermal_force(model_of(k))))
    stiff = _affine(matter.stiffness_numbers(kept.stiffness), lambda k: gathered(energy(model_of(k)) @ fields))
    found = [*(load[:, None] for load in loads), *stiff]
    goals, at = [], sum(c.shape[1] for c in found)
    for average, split, pair in zip(truth.averages, truth.splits, box.rows, strict=True):
        for c, row in ((1, pair[0]), (0, pair[1])):
            if row.forces:
                assert split is not None
                functionals = [split.rest[c], *split.far]
            else:
                functionals = [average.peel if c else average.shear]
            for functional, work in zip(functionals, (row.rest, *row.forces), strict=True):
                region, a, b = work.entries.T
                chosen, pieces = _pivoted(
                    matter.stiffness[:, region, a, b],
                    lambda k, f=functional: gathered(f.derivative(model_of(k))),  # type: ignore[misc]
                )
                goals.append(Goal(at, work.entries[chosen]))
                found += [piece[:, None] for piece in pieces]
                at += len(pieces)
    return Columns(np.concatenate(found, axis=1), tuple(goals))


def _pivoted(numbers: FloatArray, ask: Callable[[int], FloatArray]) -> tuple[IntArray, list[FloatArray]]:
    """Those numbers (k, q) of which the others are multiples or sums, and what goes with them."""
    scale = np.abs(numbers).max(axis=0)
    live = np.flatnonzero(scale > 0.0)
    _, r, order = sl.qr(numbers[:, live] / scale[live], mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    chosen = live[order[: int(np.sum(size > 1e-10 * size[0]))]]
    return np.asarray(chosen), _affine(numbers[:, chosen], ask)


def _affine(numbers: FloatArray, ask: Callable[[int], FloatArray]) -> list[FloatArray]:
    """Pieces p with  ask(k) = sum_q numbers[k, q] p_q, from so many designs k; another one checks them."""
    scale = np.abs(numbers).max(axis=0)
    scaled = numbers / scale
    _, _, order = sl.qr(scaled.T, mode="economic", pivoting=True)
    count = numbers.shape[1]
    rows, other = order[:count], int(order[count])
    values = [ask(int(k)) for k in rows]
    mix = np.linalg.inv(scaled[rows]) / scale[:, None]
    stack = np.array(values)
    pieces = [np.asarray(np.tensordot(row, stack, axes=1)) for row in mix]
    seen = ask(other)
    missed = seen - np.tensordot(numbers[other], np.array(pieces), axes=1)
    if not np.linalg.norm(missed) <= EXACT * np.linalg.norm(seen):
        raise NumericsError("reduced: the stiffness is no sum of few pieces; no rigorous bound")
    return pieces


def _spectrum(
    problem: Problem,
    truth: Truth,
    box: Box,
    model: Model,
    here: Matter,
    ends_of: tuple[FloatArray, FloatArray],
    solve: Callable[[FloatArray], FloatArray],
) -> Spectrum:
    """The table of a part of a box: the layers that move there, each with all its strips."""
    names: Names = box.names
    drawn, strips = truth.drawn, box.strips
    least, most = problem.forms.bounds(*ends_of, range(names.heights))
    ends = [strips.scales(heights[None])[0] for heights in (least, most)]
    moving = np.flatnonzero(np.isnan(strips.fixed) & (ends[1] > ends[0] * (1.0 + 1e-9)))
    layers = list(dict.fromkeys(strips.interval[moving].tolist()))
    first = [int(np.flatnonzero((strips.interval == layer) & np.isnan(strips.fixed))[0]) for layer in layers]
    _, old, _ = paint(drawn.layout)
    knots = strips.knots(old)
    points = drawn.mesh.points
    spread_of = _spread(model.space)

    def ask(scales: FloatArray) -> sp.csc_matrix:
        height = np.diff(knots)
        for layer, scale in zip(layers, scales, strict=True):
            height[(strips.interval == layer) & np.isnan(strips.fixed)] *= scale
        moved = knots[0] + np.concatenate([[0.0], np.cumsum(height)])
        mesh = replace(drawn.mesh, points=np.column_stack([points[:, 0], np.interp(points[:, 1], knots, moved)]))
        space = replace(model.space, mesh=mesh)
        return sp.csc_matrix(spread_of.T @ energy(replace(model, space=space)) @ spread_of)

    parts = stretched(ask, len(layers))
    at = here.scales[0, first]
    reference = parts.at(np.column_stack([at, 1.0 / at]))
    ranges = [(float(ends[0][k]), float(ends[1][k])) for k in first]
    return spectrum_of(parts, first, ranges, reference, solve)
