"""Bounds on what a reduced basis misses: rigorous ones for peel and shear, an estimate for von Mises.

With residuals r of the solution and d of the dual solution in the basis, an output is off by exactly  r . K^-1 d
(Becker and Rannacher 2001, Acta Numer. 10, 1). In the energy of a reference X with  a X <= K <= b X  (:mod:`spectrum`),
X^-1/2 K X^-1/2 has its spectrum between a and b. There 1 / t is c0 - t / (a b) to E1, and c to E0 (Chebyshev), with

    c = (1/a + 1/b) / 2,   c0 = c + 1 / sqrt(a b),   E0 = (1/a - 1/b) / 2,   E1 = (1/sqrt a - 1/sqrt b)^2 / 2,

so that, with (r, d) = r . X^-1 d and (r, K d) = r . X^-1 K X^-1 d,

    |r . K^-1 d| <= |c0 (r, d) - (r, K d) / (a b)| + E1 |r| |d|.

Usual bounds are |r| |d| / a: r and d are nearly orthogonal, and norms do not know it. Residuals are affine: r = B c
with few fixed columns B and numbers c of the design, so (r, d) = c_r . G c_d, G = B^T X^-1 B. The second product is
formed in a subspace that holds residuals of this part of the box but for tails r', d'; as (r', d^) = 0 = (r^, d'), add

    E0 (|r^| |d'| + |r'| |d^|) + |r'| |d'| / a.

The bound is against the full solution on the same moved mesh (and its shares of the forces at the roots), not against
the continuum. Directions of G below a cut are left out: what they could add is added, since a Gram matrix cut off
without it bounds nothing.

Von Mises averages are no linear functionals. Their error is bounded as that of the linear one about the reduced
solution, plus |h|^2 / (2 |s|) averaged over the ring (:mod:`slanted`). There h is the stress of c X^-1 r, and of what
is left of the error: at most E0 |r| in the energy of X, beta times whose square the ring's mean of h . D^-1 h is at
most. That is rigorous but for three numbers, which are the largest seen at some designs: what the directions of the
linear functional miss, what the ring's cubature misses, and beta, from inside the spectrum with SAFE added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.threads import do_in_threads, in_parts, one_blas_thread
from femsim.meshes.layout import paint
from femsim.models.kinematics import KINEMATICS
from femsim.models.model import Model
from femsim.reduced.basis import energy
from femsim.reduced.box import Box
from femsim.reduced.build import Problem, middle
from femsim.reduced.columns import Columns, Goal, affine, spread_of
from femsim.reduced.facts import Names
from femsim.reduced.operators import Matter
from femsim.reduced.outputs import Work, rings_of
from femsim.reduced.slanted import RingAt, Slant, energy_of
from femsim.reduced.spectrum import Spectrum, lanczos, spectrum_of, stretched
from femsim.reduced.truth import Truth

#: directions of the Gram matrix below this part of the largest are left out, and bounded
CUT = 1.0e-15
#: the same for the residuals of duals, which are smaller parts of what they are sums of
LOST = 1.0e-13
#: designs from whose residuals the subspace of the second product is made, and its dimension
TRAINED, SUBSPACE = 200, 90
#: what is added to an eigenvalue that Lanczos found from inside
SAFE = 0.05
#: designs whose residuals are formed together
BATCH = 128


@dataclass(frozen=True)
class Certificate:
    """Bounds between ``low`` and ``high`` (p,): the factor (k, m) of the Gram matrix of the residuals' columns, largest
    directions first, ``size`` (m,) of these, what was left out, the ``spectrum`` and the reference's ``stiffness``
    (regions, size, size); the ``subspace`` (lead, s) of residuals among the first directions with the ``pieces``
    (q, s, s) of the stiffness between their representers; what of a dual's residual is ``lost`` with the others; and
    of each ring its directions, the mean of strain . D strain ``seen`` (r, s, s) for these representers, and its
    ``rise`` (r,): what it is at most of a field whose energy in the reference is 1.
    """

    low: FloatArray
    high: FloatArray
    factor: FloatArray
    size: FloatArray
    cut: float
    lost: float
    goals: tuple[Goal, ...]
    slants: tuple[Slant, ...]
    rise: FloatArray
    seen: FloatArray
    spectrum: Spectrum
    stiffness: FloatArray
    subspace: FloatArray
    pieces: FloatArray

    def bounds(self, box: Box, quantities: FloatArray, wanted: Sequence[int] | None = None) -> FloatArray:
        """Bounds (k, 3 r) in MPa on the errors of peel and shear of every root and length, and the estimate of that of
        von Mises; infinite where there is none, and for all but the ``wanted`` averages where these are given.
        """
        count = 3 * len(box.rows)
        chosen = tuple(sorted(set(range(count) if wanted is None else wanted)))
        found = np.full((len(quantities), count), np.inf)

        def fill(part: IntArray) -> None:
            mine = slice(int(part[0]), int(part[-1]) + 1)
            found[mine, chosen] = self._bounds(box, quantities[mine], chosen)

        with one_blas_thread():
            do_in_threads(fill, in_parts(np.arange(len(quantities)), BATCH))
        return found

    def _bounds(self, box: Box, quantities: FloatArray, chosen: Sequence[int]) -> FloatArray:
        """Bounds (k, m) of the chosen averages."""
        matter = box.matter(quantities)
        found = residuals(
            box, matter, box.features.at(quantities), self.goals, self.slants, self.factor.shape[1], chosen
        )
        coefficients = found.coefficients * self.size
        k, columns, m = coefficients.shape
        lead = len(self.subspace)
        w = (coefficients.reshape(k * columns, m) @ self.factor[:lead].T).reshape(k, columns, lead)
        inside = (w.reshape(k * columns, lead) @ self.subspace).reshape(k, columns, -1)
        weight = np.einsum("kcm,kcm->kc", coefficients, coefficients) * self.lost
        square = np.einsum("kcm,kcm->kc", w, w) + weight
        rest = coefficients[:, 0] @ self.factor[lead:].T
        square[:, 0] += np.einsum("km,km->k", rest, rest) - weight[:, 0] * (1.0 - self.cut / self.lost)
        size = np.sqrt(np.einsum("kcs,kcs->kc", inside, inside))
        tail = np.sqrt(np.maximum(square - size**2, 0.0))
        least, most = self.spectrum.at(matter.scales)
        low, high = ratios(matter, self.stiffness, sorted({int(r) for r in box.groups[:, 0]}))
        numbers = matter.stiffness_numbers(box.operators.coefficients.stiffness)
        s = self.subspace.shape[1]
        moved = np.matmul((numbers @ self.pieces.reshape(-1, s * s)).reshape(k, s, s), inside[:, 0, :, None])
        plain, pushed = (np.matmul(inside[:, 1:], v)[..., 0] for v in (inside[:, 0, :, None], moved))
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (least * low)[:, None], (most * high)[:, None]
            first, second = 0.5 * (1.0 / a - 1.0 / b), 0.5 * (a**-0.5 - b**-0.5) ** 2
            middle = 0.5 * (1.0 / a + 1.0 / b) + (a * b) ** -0.5
            linear = np.abs(middle * plain - pushed / (a * b)) + second * size[:, :1] * size[:, 1:]
            linear += first * (size[:, :1] * tail[:, 1:] + tail[:, :1] * size[:, 1:]) + tail[:, :1] * tail[:, 1:] / a
            left = first[:, 0] * size[:, 0] + tail[:, 0] / a[:, 0]
            for number, ring in found.rings.items():
                column = chosen.index(3 * number + 2)
                linear[:, column] += self._beyond(
                    number, box, matter, ring, inside[:, 0], 0.5 * (1.0 / a + 1.0 / b)[:, 0], left
                )
        return np.where((least > 0.0)[:, None], linear, np.inf)

    def _beyond(
        self,
        number: int,
        box: Box,
        matter: Matter,
        ring: RingAt,
        inside: FloatArray,
        middle: FloatArray,
        left: FloatArray,
    ) -> FloatArray:
        """What the linear functional of a ring leaves of its error (k,): the error's stress is that of ``middle`` times
        the representer ``inside`` (k, s) and of a field whose norm is ``left`` at most.
        """
        slant, region = self.slants[number], box.rings[number].region
        seen = np.einsum("ks,ks->k", inside @ self.seen[number], inside)
        strain = middle * np.sqrt(np.maximum(seen, 0.0)) + np.sqrt(self.rise[number]) * left
        stiffness, root = matter.stiffness[:, region], _root(self.stiffness[region])
        up = np.linalg.eigvalsh(root.T @ stiffness @ root)[:, -1]
        steep = np.linalg.eigvalsh(root.T @ stiffness @ _norm(stiffness.shape[-1]) @ stiffness @ root)[:, -1]
        second = 0.5 * steep * strain**2 / ring.least
        return np.asarray(slant.missed * ring.slope * np.sqrt(up) * strain + second + slant.cubature * ring.level)


def _root(stiffness: FloatArray) -> FloatArray:
    """A matrix R (size, rank) with R^T D R = 1."""
    there = np.flatnonzero(np.diag(stiffness) > 0.0)
    root = np.zeros((len(stiffness), len(there)))
    root[there] = np.linalg.inv(np.linalg.cholesky(stiffness[np.ix_(there, there)])).T
    return root


def _norm(size: int) -> FloatArray:
    """The matrix (size, size) whose form of a stress is the square of its von Mises norm."""
    found = np.zeros((size, size))
    found[:3, :3] = 1.5 * np.eye(3) - 0.5
    found[range(3, size), range(3, size)] = 3.0
    return found


@dataclass(frozen=True)
class Residuals:
    """Numbers (k, 1 + m, columns) of the columns: of the solution's residual and those of the duals of the chosen
    averages; and of each ring among these what its stress is.
    """

    coefficients: FloatArray
    rings: dict[int, RingAt]


def residuals(
    box: Box,
    matter: Matter,
    features: FloatArray,
    goals: Sequence[Goal],
    slants: Sequence[Slant],
    width: int,
    chosen: Sequence[int],
) -> Residuals:
    """Residuals of designs with features (k, f)."""
    ops, n, k = box.operators, box.modes, len(features)
    numbers = matter.stiffness_numbers(ops.coefficients.stiffness)
    loads = matter.load_numbers(ops.coefficients.load)
    matrices = (numbers @ ops.stiffness.reshape(len(ops.stiffness), -1)).reshape(-1, n, n)
    right = np.zeros((k, n, 1 + len(chosen)))
    right[:, :, 0] = loads @ ops.load
    coefficients = np.zeros((k, 1 + len(chosen), width))
    coefficients[:, 0, : loads.shape[1]] = loads
    rest = iter(goals)
    for at, row in enumerate(row for pair in box.rows for row in pair):
        shares = [np.ones(k), *(features @ row.mix).T]
        mine = [next(rest) for _ in shares]
        average = 3 * (at // 2) + at % 2
        if average not in chosen:
            continue
        column = 1 + chosen.index(average)
        for work, share, goal in zip((row.rest, *row.forces), shares, mine, strict=True):
            right[:, :, column] += share[:, None] * derivative(work, matter)
            region, a, b = goal.entries.T
            place = slice(goal.first, goal.first + len(region))
            coefficients[:, column, place] = share[:, None] * matter.stiffness[:, region, a, b]
    linear = [0, *(1 + c for c, average in enumerate(chosen) if average % 3 != 2)]
    solved = np.zeros_like(right)
    solved[:, :, linear] = np.linalg.solve(matrices, right[:, :, linear])
    rings = {}
    curved = [1 + c for c, average in enumerate(chosen) if average % 3 == 2]
    for column in curved:
        number = chosen[column - 1] // 3
        slant = slants[number]
        rings[number] = found = slant.about(box.rings[number], matter, solved[:, :, 0])
        right[:, :, column] = found.numbers @ slant.strain
        coefficients[:, column, slant.first : slant.first + slant.count] = found.numbers
    if curved:
        solved[:, :, curved] = np.linalg.solve(matrices, right[:, :, curved])
    first = loads.shape[1]
    pushed = coefficients[:, :, first : first + numbers.shape[1] * n].reshape(k, 1 + len(chosen), -1, n)
    np.multiply(solved.transpose(0, 2, 1)[:, :, None, :], -numbers[:, None, :, None], out=pushed)
    return Residuals(coefficients, rings)


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


def certificate_of(
    problem: Problem,
    truth: Truth,
    box: Box,
    columns: Columns,
    low: FloatArray,
    high: FloatArray,
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
    gram /= np.outer(size, size)
    values, vectors = (part[..., ::-1] for part in np.linalg.eigh(0.5 * (gram + gram.T)))
    # what rounding leaves of the Gram matrix is seen in how far it is from symmetric
    cut = max(CUT * values[0] * len(values), 4.0 * float(np.linalg.norm(gram - gram.T, 2)))
    lost = max(LOST * values[0] * len(values), cut)
    count, lead = int(np.sum(values > cut)), int(np.sum(values > lost))
    factor = np.ascontiguousarray((vectors[:, :count] * np.sqrt(values[:count])).T)
    designs = low + (high - low) * np.random.default_rng(11).random((TRAINED, len(low)))
    numbers = problem.forms.at(designs)
    every = range(3 * len(box.rows))
    matter = box.matter(numbers)
    found = residuals(box, matter, box.features.at(numbers), columns.goals, columns.slants, len(size), every)
    subspace = _subspace((found.coefficients * size) @ factor[:lead].T)
    mix = (vectors[:, :lead] / np.sqrt(values[:lead])) @ subspace / size[:, None]
    representers = solve(columns.values @ mix)
    over = spread_of(solution.model.space)

    def between(k: int) -> FloatArray:
        there = over.T @ energy(truth.model(problem.cases(designs[k]))) @ over
        return np.asarray(representers.T @ (there @ representers))

    pieces = affine(matter.stiffness_numbers(box.operators.coefficients.stiffness), between)
    reference = sp.csc_matrix(over.T @ energy(solution.model) @ over)
    rise = [_rise(energy_of(average, solution.model), over, reference, solve) for average in truth.averages]
    seen = []
    for ring in rings_of(solution.model.space, truth.averages, over @ representers):
        d, strain = here.stiffness[0, ring.region], ring.strain
        seen.append(np.einsum("pas,ab,pbt,p->st", strain, d, strain, ring.weights, optimize=True))
    return Certificate(
        low,
        high,
        factor,
        size,
        float(cut),
        float(lost),
        columns.goals,
        columns.slants,
        np.array(rise),
        np.array(seen),
        _spectrum(problem, truth, box, solution.model, here, (low, high), solve),
        here.stiffness[0],
        subspace,
        np.array(pieces),
    )


def _subspace(w: FloatArray) -> FloatArray:
    """Directions (k, s) that hold most of residuals (n, columns, k), each counted as much as any other."""
    flat = (w / np.maximum(np.linalg.norm(w, axis=2, keepdims=True), 1e-300)).reshape(-1, w.shape[2])
    _, vectors = np.linalg.eigh(flat.T @ flat)
    return np.ascontiguousarray(vectors[:, ::-1][:, :SUBSPACE])


def _rise(
    push: Callable[[FloatArray], FloatArray],
    over: sp.csr_matrix,
    reference: sp.csc_matrix,
    solve: Callable[[FloatArray], FloatArray],
) -> float:
    """The largest value of a ring's mean of strain . D strain over the square of the energy norm."""
    n = reference.shape[0]
    form = spl.LinearOperator((n, n), matvec=lambda v: over.T @ push(over @ v.ravel()), dtype=float)
    return lanczos(form, reference, solve)[1] * (1.0 + SAFE)


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
    over = spread_of(model.space)

    def ask(scales: FloatArray) -> sp.csc_matrix:
        height = np.diff(knots)
        for layer, scale in zip(layers, scales, strict=True):
            height[(strips.interval == layer) & np.isnan(strips.fixed)] *= scale
        moved = knots[0] + np.concatenate([[0.0], np.cumsum(height)])
        mesh = replace(drawn.mesh, points=np.column_stack([points[:, 0], np.interp(points[:, 1], knots, moved)]))
        space = replace(model.space, mesh=mesh)
        return sp.csc_matrix(over.T @ energy(replace(model, space=space)) @ over)

    parts = stretched(ask, len(layers))
    at = here.scales[0, first]
    reference = parts.at(np.column_stack([at, 1.0 / at]))
    ranges = [(float(ends[0][k]), float(ends[1][k])) for k in first]
    return spectrum_of(parts, first, ranges, reference, solve)
