"""Equilibrium of a body that flows: Newton's method with the consistent tangent, a line search and factors used again.

Find the unknowns x of a space with R(x) = gather(f_ext - f_int(u + scatter(x))) = 0. An iteration solves K d = R with
the tangent's factor, or with an older one as long as that brings the residual down well (modified Newton); the step
along d is cut where the work of the residual along it overshoots (Crisfield 1991, Non-linear Finite Element Analysis of
Solids and Structures, vol. 1, section 9.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import NumericsError
from femsim.models.assembly import stiffness_matrix
from femsim.models.body import Body, Conditions, Response
from femsim.models.moduli import RegionModuli
from femsim.solvers.moments import same as same_conditions
from femsim.solvers.pattern import Pattern, make_pattern
from femsim.solvers.system import Kept, System, SystemFactor, keep, make_system, renewed

#: largest residual force over the largest nodal sum of the elements' forces that the iteration aims at, and what still
#: counts as equilibrium where rounding lets it come no further: a strain's error is that of the force times E over the
#: tangent, a hundredfold in metal that hardens little
TOLERANCE, ENOUGH = 1.0e-10, 1.0e-8
#: the same node by node, over the node's own sum (and a fraction of the largest), so that small elements count
LOCAL_TOLERANCE, LOCAL_ENOUGH, LOCAL_FLOOR = 1.0e-7, 1.0e-5, 1.0e-4
ITERATIONS = 25
#: after so many iterations the residual must still fall by half every half as many
STUCK = 8
SEARCHES = 6
#: temperature (degC) at which elastic regions' matrices are made
USUAL = 20.0
#: temperatures (degC) at which a region shows whether its stiffness changes in size alone
TRIED = (-55.0, 60.0, 125.0, 250.0)
#: steps that an old factor is corrected by, and the least cosine between step and change that makes one count
PAIRS, CURVATURE = 8, 1.0e-8

#: entries of elements up to which the matrix of elastic regions is kept (about 1 GB)
ENTRIES = 1 << 27

Respond = Callable[[FloatArray], Response]


@dataclass(frozen=True)
class Equilibrium:
    """Displacements (ndof,) in equilibrium, the body's response, and residuals by iteration (relative)."""

    unknowns: FloatArray
    response: Response
    residuals: tuple[float, ...]


class Factors:
    """Factors of a space's tangents: the elastic one, made when first needed, and the latest other one.

    The latest makes room for the next, whose analysis is its own; the pattern is made once, and so is what the regions
    that do not flow put into the matrix, each of them times a number that follows its modulus over temperature. Where a
    region's stiffness changes in more than size (a composite, a field of temperature) it is made anew with each
    tangent. Of an earlier object of the ``same`` body all is taken over that does not depend on what happened to it.
    """

    #: an old factor is kept while it brings the residual down at least by this factor an iteration
    contraction = 0.2

    def __init__(
        self, body: Body, conditions: Conditions, backend: str | None = None, same: Factors | None = None
    ) -> None:
        self.body, self.conditions, self.backend = body, conditions, backend
        self.made = 0
        self._pattern: Pattern | None = None
        self._stiff: SystemFactor | None = None
        self._latest: SystemFactor | None = None
        self._pairs: list[tuple[FloatArray, FloatArray]] = []
        self._reference: FloatArray | None = None  # what is kept belongs to this stiffness of the regions
        self._firm: tuple[IntArray, ...] = ()  # groups of regions whose stiffness is a multiple of it
        self._split: tuple[list[IntArray], IntArray] | None = None  # the cells of these groups, and the others
        self._kept: Kept | None = None
        self._rest: tuple[sp.csr_matrix, ...] | None = None
        self._loose: tuple[tuple[Conditions, sp.csr_matrix], ...] = ()  # of all other elastic regions, lately
        self._usual = True  # whether what is kept does not depend on what happened
        if same is not None:
            self._pattern = same._pattern
            if same._usual:
                self._reference, self._firm, self._split = same._reference, same._firm, same._split
                self._kept, self._rest = same._kept, same._rest

    @property
    def stiff(self) -> SystemFactor:
        """The elastic stiffness."""
        if self._stiff is None:
            self._stiff = SystemFactor.of(self._system(self.conditions, None), self.backend)
        return self._stiff

    @property
    def current(self) -> SystemFactor:
        """The latest tangent, or the elastic stiffness."""
        return self._latest or self.stiff

    def forget(self) -> None:
        """Go on from the elastic stiffness."""
        self._latest, self._pairs = None, []

    def renew(self, conditions: Conditions, response: Response) -> None:
        """Make the tangent of a response the current one."""
        system = self._system(conditions, response)
        before, self._latest = self._latest, None  # what fails leaves nothing behind
        if before is None:
            self._latest = SystemFactor.of(system, self.backend)
        else:
            self._latest = before.again(system, self.backend)
        self._pairs = []
        self.made += 1

    def solve(self, left: FloatArray) -> FloatArray:
        """The step (n,) for a residual (n,), by the current factor and what :meth:`learn` was told since it was made:
        the inverse BFGS update (Matthies & Strang, IJNME 14 (1979) 1613; Nocedal, Math. Comp. 35 (1980) 773).
        """
        rest, parts = left.copy(), []
        for step, change in reversed(self._pairs):
            part = (step @ rest) / (change @ step)
            rest -= part * change
            parts.append(part)
        found = self.current.solve(rest)
        for (step, change), part in zip(self._pairs, reversed(parts), strict=True):
            found += (part - (change @ found) / (change @ step)) * step
        return found

    def learn(self, step: FloatArray, change: FloatArray) -> None:
        """A step (n,) took so much (n,) off the residual. What would spoil the update is left out."""
        along = float(step @ change)
        size = float(np.linalg.norm(step) * np.linalg.norm(change))
        if np.isfinite(size) and along > CURVATURE * size:
            self._pairs = [*self._pairs[1 - PAIRS :], (step, change)]

    def rest(self, conditions: Conditions) -> list[tuple[float, sp.csr_matrix]] | None:
        """Stiffness (ndof, ndof) of the regions that do not flow as a sum of matrices, each times a number; None where
        the matrices would be too large.
        """
        factors, space, reference = self._factors(conditions), self.body.space, self._reference
        groups, loose = self._cells
        if reference is None or (sum(map(len, groups)) + len(loose)) * space.element_dofs(slice(1)).size ** 2 > ENTRIES:
            return None
        if self._rest is None:
            moduli = RegionModuli(space.mesh.region, reference)
            self._rest = tuple(stiffness_matrix(space, moduli, cells) for cells in groups)
        found = list(zip(factors, self._rest, strict=True))
        if len(loose):
            now = next((matrix for other, matrix in self._loose if same_conditions(other, conditions)), None)
            if now is None:
                now = stiffness_matrix(space, self.body.moduli(conditions), loose)
                self._loose = ((conditions, now), *self._loose[:1])
            found.append((1.0, now))
        return found

    @property
    def _cells(self) -> tuple[list[IntArray], IntArray]:
        """The cells of the firm groups, and those of all other regions that do not flow."""
        if self._split is None:
            region, groups = self.body.space.mesh.region, self.body.rest_groups
            firm = [np.flatnonzero(np.isin(region, group)) for group in self._firm]
            every = np.isin(region, np.concatenate([np.empty(0, dtype=np.int64), *groups]))
            every[np.concatenate([np.empty(0, dtype=np.int64), *firm])] = False
            self._split = firm, np.flatnonzero(every)
        return self._split

    def _factors(self, conditions: Conditions) -> list[float]:
        """What the firm groups' stiffness is of that which is kept. A group is firm if that holds at all of TRIED; one
        that turns out not to be is none any more.
        """
        if self._reference is None:
            self._reference = self.body.rest_stiffness(Conditions(USUAL))
            self._firm = self.body.rest_groups
            for temperature in TRIED:
                now = self.body.rest_stiffness(Conditions(temperature))
                self._firm = tuple(group for group in self._firm if self._multiple(group, now) is not None)
            self._split = None
        now = self.body.rest_stiffness(conditions)
        found = [self._multiple(group, now) for group in self._firm]
        if any(factor is None for factor in found):
            self._firm = tuple(g for g, factor in zip(self._firm, found, strict=True) if factor is not None)
            self._split, self._kept, self._rest, self._loose, self._usual = None, None, None, (), False
        return [factor for factor in found if factor is not None]

    def _multiple(self, group: IntArray, now: FloatArray) -> float | None:
        """What a group's stiffness is of that which is kept, None where it is no multiple of it."""
        assert self._reference is not None
        before, after = self._reference[group], now[group]
        if not np.all(np.isfinite(after)):
            return None
        factor = float(after[0, 0, 0] / before[0, 0, 0])
        close = np.allclose(factor * before, after, rtol=1e-13, atol=1e-13 * float(np.abs(after).max(initial=0.0)))
        return factor if close else None

    def _system(self, conditions: Conditions, response: Response | None) -> System:
        """The system of a response, or the elastic one."""
        space, moduli = self.body.space, self.body.moduli(conditions, response)
        if self._pattern is None:
            self._pattern = make_pattern(space)
        pattern, factors = self._pattern, self._factors(conditions)
        groups, _ = self._cells
        if not groups or self._reference is None:
            return make_system(space, moduli, pattern)
        if self._kept is None:
            rest = RegionModuli(space.mesh.region, self._reference)
            self._kept = keep(space, rest, moduli, pattern, groups)
        return renewed(space, moduli, self._kept, factors)


def equilibrium(
    body: Body,
    start: FloatArray,
    external: FloatArray,
    conditions: Conditions,
    respond: Respond,
    factors: Factors,
    old: bool = True,
    floor: float = 0.0,
) -> Equilibrium:
    """Displacements in equilibrium with ``external`` (ndof,), from ``start``, which obeys all supports.

    ``old`` says that an earlier factor may serve as long as it does well; ``floor`` (uN) is a force that residuals
    count against where less is left, as in a body that comes back to where it is free of stress. Raises NumericsError
    where the iteration does not converge.
    """
    space, unknowns = body.space, start
    response = respond(unknowns)
    left, worst, local = _residual(body, external, response, floor)
    residuals = [worst]
    while not (worst <= TOLERANCE and local <= LOCAL_TOLERANCE):
        count = len(residuals) - 1
        if worst <= ENOUGH and local <= LOCAL_ENOUGH and count > 1 and worst > 0.5 * residuals[-2]:
            break
        stuck = count >= STUCK and worst > 0.5 * residuals[-1 - STUCK // 2]
        if count >= ITERATIONS or stuck:
            raise NumericsError(f"no equilibrium in {count} iterations; the residual is {worst:.1e} of the forces")
        if not old or (count > 0 and residuals[-1] > factors.contraction * residuals[-2]):
            factors.renew(conditions, response)
        direction = factors.solve(left)
        if not np.all(np.isfinite(direction)):
            raise NumericsError("the tangent is singular")
        step = space.scatter(direction)
        before = left
        length, response, left, worst, local = _along(body, unknowns, step, direction, left, external, respond, floor)
        unknowns = unknowns + length * step
        factors.learn(length * direction, before - left)
        residuals.append(worst)
    return Equilibrium(unknowns, response, tuple(residuals))


def _residual(
    body: Body, external: FloatArray, response: Response, floor: float = 0.0
) -> tuple[FloatArray, float, float]:
    """Residual (n,), relative to the largest sum of forces, and node by node relative to their own."""
    space = body.space
    left = space.gather(external - response.force)
    size = space.gather(response.size + np.abs(external))
    largest = max(float(size.max(initial=0.0)), floor, 1e-300)
    magnitude = np.abs(left)
    if not np.all(np.isfinite(left)):
        return left, float("inf"), float("inf")
    local = float((magnitude / (size + LOCAL_FLOOR * largest)).max(initial=0.0))
    return left, float(magnitude.max(initial=0.0)) / largest, local


def _along(
    body: Body,
    unknowns: FloatArray,
    step: FloatArray,
    direction: FloatArray,
    left: FloatArray,
    external: FloatArray,
    respond: Respond,
    floor: float,
) -> tuple[float, Response, FloatArray, float, float]:
    """The step's part along a direction: whole where the residual's work along it falls, else cut by false position."""
    before = float(direction @ left)
    low, high, length = 0.0, None, 1.0
    work_low = before
    best: tuple[float, tuple[float, Response, FloatArray, float, float]] | None = None
    for _ in range(SEARCHES):
        moved = unknowns + length * step
        response = respond(moved)
        new, worst, local = _residual(body, external, response, floor)
        work = float(direction @ new) if np.isfinite(worst) else -np.inf
        score = abs(work) / (abs(before) or 1.0)
        found = length, response, new, worst, local
        if best is None or score < best[0]:
            best = score, found
        if score <= 0.8:
            return found
        if work < 0:
            high = length
        else:
            # still pushing forward: a whole step is as far as it goes
            if length == 1.0:
                return found
            low, work_low = length, work
        if high is None:
            return found
        part = work_low / (work_low - work) if np.isfinite(work) and work < 0 < work_low else 0.5
        length = low + (high - low) * min(max(part, 0.1), 0.9)
    assert best is not None
    return best[1]
