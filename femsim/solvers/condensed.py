"""Elastic regions brought down to the unknowns they share with regions that flow.

With i the shared unknowns and e all others of the elastic regions, whose load R collects what is not proportional to
displacements (thermal strain, strain at birth, held displacements, forces),

    f_i = S u_i - g,   S = K_ii - K_ie K_ee^-1 K_ei,   g = R_i - K_ie K_ee^-1 R_e,   u_e = K_ee^-1 (R_e - K_ei u_i)

exactly (static condensation, Guyan 1965, AIAA J. 3, 380). An iteration then solves for the unknowns of the flowing
regions alone. S and g are functions of the temperature. Between the knots of the materials' tables they are smooth, and
are interpolated by polynomials through Leja points (Reichel 1990, BIT 30, 332), of which there are as many as it takes
to meet the next one to EXACT; so an iteration at any temperature needs no elastic factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.models.body import Birth, Body, Conditions
from femsim.models.part import Part, part_of
from femsim.models.space import Space
from femsim.solvers.pattern import Pattern, make_pattern
from femsim.solvers.system import System, SystemFactor, make_system

#: what an interpolated stiffness may be off, of its largest entry
EXACT = 1.0e-9
#: fewest and most points of an interpolation
FEWEST, MOST = 4, 12
#: columns that are solved for at once
COLUMNS = 64


@dataclass(frozen=True)
class Outline:
    """Where the flowing regions of a space (``near``) and the others (``far``) meet: numbers (m,) of the unknowns they
    share in each of the parts' spaces, and a degree of freedom (m,) of each in the near one.
    """

    near: Part
    far: Part
    shared_near: IntArray
    shared_far: IntArray
    dofs: IntArray


def outline_of(space: Space, flowing: set[str]) -> Outline | None:
    """The outline of the regions that flow; None where there is none, or where combinations of unknowns or joined
    nodes couple what no cell does.
    """
    regions = space.mesh.regions
    if len(space.constraints.links.dof) or len(space.joined):
        return None
    flows = np.array([name in flowing for name in regions])
    mine = flows[space.mesh.region]
    if mine.all() or not mine.any():
        return None
    near, far = part_of(space, flows), part_of(space, ~flows)
    used = [np.unique(e[e >= 0]) for e in (space.constraints.equation[part.dofs] for part in (near, far))]
    shared = np.intersect1d(used[0], used[1])
    at = np.searchsorted(used[0], shared)
    equation = near.space.constraints.equation
    first = np.full(near.space.constraints.count, -1)
    free = np.flatnonzero(equation >= 0)[::-1]
    first[equation[free]] = free
    return Outline(near, far, at, np.searchsorted(used[1], shared), first[at])


@dataclass(frozen=True)
class Pull:
    """What moves the far regions in a leg, between its begin and end: displacements beside those of the unknowns (where
    they are held, and of what was tied to a body that had moved already) and forces on unknowns of their own (each ndof
    of the far space,) at its begin and what they change by, and births.
    """

    held: FloatArray
    moved: FloatArray
    force: FloatArray
    added: FloatArray
    births: Mapping[str, Birth]

    def same(self, other: Pull) -> bool:
        """Whether both are equal."""
        mine = (self.held, self.moved, self.force, self.added)
        theirs = (other.held, other.moved, other.force, other.added)
        if self.births.keys() != other.births.keys():
            return False
        equal = all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
        return equal and all(_same_birth(b, other.births[name]) for name, b in self.births.items())


def _same_birth(a: Birth, b: Birth) -> bool:
    pairs = ((a.displacement, b.displacement), (a.eigenstrain, b.eigenstrain))
    arrays = all((x is None) == (y is None) and (x is None or y is None or np.array_equal(x, y)) for x, y in pairs)
    return bool(arrays and np.array_equal(a.temperature, b.temperature))


@dataclass(frozen=True)
class Edge:
    """What far regions answer at one temperature: ``stiffness`` (m, m) and, of a leg's pull, ``load`` (m, 2) at its
    begin and what it changes by.
    """

    stiffness: FloatArray
    load: FloatArray

    def force(self, shared: FloatArray, part: float) -> FloatArray:
        """Force (m,) of the shared unknowns' displacements at a part of the leg, uN."""
        return np.asarray(self.stiffness @ shared - self.load[:, 0] - part * self.load[:, 1])


@dataclass(frozen=True)
class _Places:
    """Where the entries of shared unknowns stand in the far system's matrix (flat), and what they are: (row, column)
    places with the column's number among the shared ones, and the pairs of two shared ones.
    """

    shared: IntArray  # places (m,)
    cleared: IntArray
    diagonal: IntArray
    across: tuple[IntArray, IntArray, IntArray]  # flat, place of the other, number of the shared one
    within: tuple[IntArray, IntArray, IntArray]  # flat, two numbers

    @staticmethod
    def of(pattern: Pattern, shared: IntArray) -> _Places:
        width, n = pattern.local.block, pattern.local.block * pattern.blocks
        places = pattern.numbering.place[shared]
        number = np.full(n, -1, dtype=np.int64)
        number[places] = np.arange(len(places))
        touched = np.asarray((number.reshape(-1, width) >= 0).any(axis=1))
        block_row = np.repeat(np.arange(pattern.blocks), np.diff(pattern.indptr))
        block = np.flatnonzero(touched[block_row] | touched[pattern.indices])
        inner = np.arange(width)
        row = (width * block_row[block, None, None] + inner[:, None] + 0 * inner).ravel()
        column = (width * pattern.indices[block, None, None].astype(np.int64) + inner + 0 * inner[:, None]).ravel()
        flat = (width * width * block[:, None] + np.arange(width * width)).ravel()
        one, two = number[row], number[column]
        mine = (one >= 0) | (two >= 0)
        upper = mine & (row <= column)
        both, single = upper & (one >= 0) & (two >= 0), upper & ((one >= 0) != (two >= 0))
        other = np.where(one >= 0, column, row)
        return _Places(
            places,
            flat[mine],
            flat[mine & (row == column)],
            (flat[single], other[single], np.maximum(one, two)[single]),
            (flat[both], one[both], two[both]),
        )


@dataclass(frozen=True)
class _Solved:
    """The far regions' factor at one temperature, shared unknowns held; what couples these with the others (places, m),
    and the condensed stiffness (m, m).
    """

    factor: SystemFactor
    across: sp.csr_matrix
    within: FloatArray
    places: IntArray

    def stiffness(self) -> FloatArray:
        """S (m, m)."""
        found = self.within.copy()
        for start in range(0, found.shape[1], COLUMNS):
            chosen = slice(start, start + COLUMNS)
            found[:, chosen] -= self.across.T @ self.factor.factor.solve(self.across[:, chosen].toarray())
        return np.asarray(0.5 * (found + found.T))

    def load(self, columns: FloatArray) -> FloatArray:
        """g (m, k) of loads (n, k)."""
        right, _ = self.factor.reduced(columns)
        found = right[self.places].copy()
        right[self.places] = 0.0
        return np.asarray(found - self.across.T @ self.factor.factor.solve(right))

    def recovered(self, load: FloatArray, shared: FloatArray) -> FloatArray:
        """All unknowns (n,) under a load (n,), the shared ones given (m,)."""
        right, inner = self.factor.reduced(load[:, None])
        right[:, 0] -= self.across @ shared
        right[self.places] = 0.0
        solution = self.factor.factor.solve(right)
        solution[self.places, 0] = shared
        return self.factor.expanded(solution, inner)[:, 0]


class Condensed:
    """The far regions of an outline, as edges of the near ones; what was found at a temperature is kept.

    ``low`` to ``high`` (degC) is what a program's temperatures lie between. Where the points of an interpolation lie
    depends on the body alone, never on what was asked before.
    """

    def __init__(self, outline: Outline, body: Body, backend: str | None, low: float, high: float) -> None:
        self.outline, self.body, self.backend = outline, body, backend
        knots = {low, high}
        for number in np.unique(body.space.mesh.region).tolist():
            material = body.materials[body.space.mesh.regions[number]]
            every = (*material.youngs_modulus, *material.poisson_ratio, *material.shear_modulus, *material.cte)
            for one in every:
                if np.ptp(one.values) > 1e-12 * max(np.abs(one.values)):
                    knots |= {t for t in one.temperatures if low < t < high}
        self.knots = sorted(knots)
        self._pattern: Pattern | None = None
        self._places: _Places | None = None
        self._solved: tuple[float, _Solved] | None = None
        self._stiffness: dict[float, FloatArray] = {}
        self._loads: dict[float, FloatArray] = {}
        self._points: dict[int, list[float]] = {}
        self._pull: Pull | None = None
        self._edges: tuple[tuple[float, Edge], ...] = ()  # lately asked for

    @property
    def shared(self) -> IntArray:
        """A degree of freedom (m,) of the near space for each shared unknown."""
        return self.outline.dofs

    def at(self, temperature: float, pull: Pull) -> Edge:
        """The edge at a temperature in a leg."""
        self._know(pull)
        for known, edge in self._edges:
            if known == temperature:
                return edge
        edge = self._made(temperature)
        self._edges = ((temperature, edge), *self._edges[:2])
        return edge

    def _made(self, temperature: float) -> Edge:
        piece = min(max(int(np.searchsorted(self.knots, temperature)) - 1, 0), max(len(self.knots) - 2, 0))
        low, high = self.knots[piece], self.knots[min(piece + 1, len(self.knots) - 1)]
        if temperature in (low, high) or low == high:
            return Edge(self._stiffness_at(temperature), self._load_at(temperature))
        if piece not in self._points:
            self._points[piece] = self._chosen(low, high)
        points = self._points[piece]
        weights = _lagrange(np.array(points), temperature)
        stiffness = sum(w * self._stiffness_at(t) for w, t in zip(weights, points, strict=True))
        load = sum(w * self._load_at(t) for w, t in zip(weights, points, strict=True))
        return Edge(np.asarray(stiffness), np.asarray(load))

    def recovered(self, temperature: float, part: float, shared: FloatArray, pull: Pull) -> FloatArray:
        """Displacement (ndof of the far space,) at a part of the leg, the shared unknowns given (m,)."""
        self._know(pull)
        loads = self._right(temperature)
        found = self._solve(temperature).recovered(loads[:, 0] + part * loads[:, 1], shared)
        return pull.held + part * pull.moved + self.body.space.scatter(found)

    def _know(self, pull: Pull) -> None:
        """Loads are kept as long as what pulls is the same."""
        if self._pull is None or (self._pull is not pull and not self._pull.same(pull)):
            self._loads, self._edges = {}, ()
        self._pull = pull

    def _chosen(self, low: float, high: float) -> list[float]:
        """Leja points of a piece: as many as it takes."""
        found: list[float] = []
        for x in LEJA:
            t = float(low if x == -1.0 else high if x == 1.0 else 0.5 * (low + high + x * (high - low)))
            if len(found) >= FEWEST:
                here = self._stiffness_at(t)
                weights = _lagrange(np.array(found), t)
                guess = sum(w * self._stiffness_at(s) for w, s in zip(weights, found, strict=True))
                if float(np.abs(guess - here).max()) <= EXACT * float(np.abs(here).max()):
                    return [*found, t]
            found.append(t)
        return found

    def _stiffness_at(self, temperature: float) -> FloatArray:
        if temperature not in self._stiffness:
            self._stiffness[temperature] = self._solve(temperature).stiffness()
            self._load_at(temperature)  # while its factor is at hand
        return self._stiffness[temperature]

    def _load_at(self, temperature: float) -> FloatArray:
        if temperature not in self._loads:
            self._loads[temperature] = self._solve(temperature).load(self._right(temperature))
        return self._loads[temperature]

    def _right(self, temperature: float) -> FloatArray:
        """Loads (n, 2) at the begin of the leg and what they change by."""
        assert self._pull is not None
        pull, space = self._pull, self.body.space
        conditions = Conditions(temperature)
        first = self.body.respond(pull.held, conditions, pull.births, {}, 0.0).force
        found = np.zeros((space.constraints.count, 2))
        found[:, 0] = space.gather(pull.force - first)
        if np.any(pull.moved) or np.any(pull.added):
            second = self.body.respond(pull.held + pull.moved, conditions, pull.births, {}, 0.0).force
            found[:, 1] = space.gather(pull.added + first - second)
        return found

    def _solve(self, temperature: float) -> _Solved:
        if self._solved is not None and self._solved[0] == temperature:
            return self._solved[1]
        space = self.body.space
        if self._pattern is None:
            self._pattern = make_pattern(space)
            self._places = _Places.of(self._pattern, self.outline.shared_far)
        places, before = self._places, self._solved
        assert places is not None
        system = make_system(space, self.body.moduli(Conditions(temperature)), self._pattern)
        data, m = system.matrix.data.reshape(-1), len(places.shared)
        flat, other, number = places.across
        across = sp.csr_matrix((data[flat], (other, number)), shape=(system.matrix.shape[0], m))
        flat, one, two = places.within
        within = np.zeros((m, m))
        within[one, two] = data[flat]
        within[two, one] = data[flat]
        diagonal = data[places.diagonal].copy()
        data[places.cleared] = 0.0
        data[places.diagonal] = diagonal
        held = System(system.matrix, system.pattern, system.condensation, system.dim)
        self._solved = None
        factor = SystemFactor.of(held, self.backend) if before is None else before[1].factor.again(held, self.backend)
        found = _Solved(factor, across, within, places.shared)
        self._solved = (temperature, found)
        return found


def _lagrange(points: FloatArray, x: float) -> FloatArray:
    """The values at ``x`` of the polynomials that are one at one of the points and zero at the others."""
    off = points[:, None] - points[None, :]
    np.fill_diagonal(off, 1.0)
    over = np.tile(x - points, (len(points), 1))
    np.fill_diagonal(over, 1.0)
    return np.asarray(np.prod(over / off, axis=1))


def _leja(count: int) -> tuple[float, ...]:
    """Points of [-1, 1] one by one, each where the product of the distances from those before is largest."""
    grid, found = np.linspace(-1.0, 1.0, 2001), [-1.0, 1.0, 0.0]
    while len(found) < count:
        found.append(float(grid[np.argmax(np.prod(np.abs(grid[:, None] - np.array(found)), axis=1))]))
    return tuple(found)


LEJA = _leja(MOST)
