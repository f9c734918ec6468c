"""Factors of flowing regions with the elastic ones condensed to their edge (:mod:`femsim.solvers.condensed`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.models.assembly import element_stiffness, stiffness_by, strain_operators
from femsim.models.body import Body, Conditions, Response
from femsim.models.moduli import Moduli
from femsim.solvers.factor import Factor, factorise
from femsim.solvers.newton import USUAL, Factors
from femsim.solvers.numbering import number_unknowns
from femsim.solvers.pardiso import PardisoFactor
from femsim.solvers.system import OPERATORS


@dataclass(frozen=True)
class Grid:
    """Where entries stand in the matrix of the flowing regions' unknowns, those of the edge last: ``order`` (n,), the
    upper triangle's ``indptr`` and ``indices``, and the ``sums`` (entries, E m m + k k) of the cells' matrices and the
    edge's.
    """

    order: IntArray
    indptr: IntArray
    indices: IntArray
    sums: sp.csr_matrix

    @staticmethod
    def of(body: Body, edge: IntArray) -> Grid:
        """``edge`` (k,) are the unknowns the edge couples with each other."""
        space = body.space
        n = space.constraints.count
        place = number_unknowns(space, None).place.astype(np.int64)
        place[edge] += place.max(initial=0) + 1
        order = np.argsort(place, kind="stable")
        rank = np.empty(n + 1, dtype=np.int64)
        rank[order], rank[n] = np.arange(n), -1
        at = rank[space.constraints.equation[space.element_dofs(slice(None))].clip(-1)]
        one, two = (np.broadcast_to(x, (*at.shape, at.shape[1])) for x in (at[:, :, None], at[:, None, :]))
        mine = np.flatnonzero(((one >= 0) & (two >= one)).ravel())
        keys = one.ravel()[mine] * n + two.ravel()[mine]
        ends = np.broadcast_to(rank[edge], (len(edge), len(edge)))
        upper = np.flatnonzero((ends >= ends.T).ravel())
        more = (ends.T.ravel() * n + ends.ravel())[upper]
        found, number = np.unique(np.concatenate([keys, more]), return_inverse=True)
        columns = np.concatenate([mine, one.size + upper])
        sums = sp.csr_matrix(
            (np.ones(len(number)), (number.ravel(), columns)), shape=(len(found), one.size + len(edge) ** 2)
        )
        row, column = np.divmod(found, n)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
        return Grid(order, indptr.astype(np.int32), column.astype(np.int32), sums)

    def matrix(self, cells: FloatArray, edge: FloatArray) -> sp.bsr_matrix:
        """The upper triangle of the cells' matrices (E, m, m) and the edge's (k, k)."""
        data = self.sums @ np.concatenate([cells.ravel(), edge.ravel()])
        n = len(self.order)
        return sp.bsr_matrix((data.reshape(-1, 1, 1), self.indices, self.indptr), shape=(n, n))


@dataclass(frozen=True)
class EdgedFactor:
    """A factorised tangent."""

    factor: Factor
    grid: Grid

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Unknowns (n,) for a right side (n,), in uN."""
        found = np.empty_like(rhs)
        found[self.grid.order] = self.factor.solve(rhs[self.grid.order][:, None])[:, 0]
        return found


@dataclass(frozen=True)
class Frame:
    """What all tangents of a body of flowing regions share: where entries stand, and the strain operators by batch of
    cells (none where they would take too much memory).
    """

    body: Body
    grid: Grid
    operators: tuple[tuple[IntArray, FloatArray, FloatArray], ...]

    @staticmethod
    def of(body: Body, edge: IntArray) -> Frame:
        """``edge`` (k,) are the unknowns the edge couples with each other."""
        space = body.space
        points = body.batches[0].volume.shape[1]
        width = space.width * space.mesh.info.nodes + space.kinematics.globals_
        small = len(space.mesh.cells) * points * space.kinematics.size * width <= OPERATORS
        # where regions flow, their volume change is projected, whatever the temperature
        flowing = body.moduli(Conditions(USUAL))
        operators = tuple(strain_operators(space, flowing)) if small and space.kinematics.dim == 2 else ()
        return Frame(body, Grid.of(body, edge), operators)

    def factor(
        self, backend: str | None, moduli: Moduli, edge: FloatArray, before: EdgedFactor | None = None
    ) -> EdgedFactor:
        """The factor of moduli and the edge's stiffness (k, k); one ``before`` that nobody asks any more is used up."""
        space = self.body.space
        if self.operators:
            parts = [stiffness_by(space, moduli, *given) for given in self.operators]
        else:
            parts = [found for _, found in element_stiffness(space, moduli)]
        matrix = self.grid.matrix(np.concatenate(parts), edge)
        if before is not None and isinstance(before.factor, PardisoFactor):
            before.factor.again(matrix)
            return EdgedFactor(before.factor, self.grid)
        return EdgedFactor(factorise(matrix, backend), self.grid)


class EdgedFactors(Factors):
    """As :class:`femsim.solvers.newton.Factors`, with what ``stiffness`` says of the elastic regions at conditions."""

    #: a factor costs about as much as an iteration
    contraction = 0.02

    def __init__(
        self,
        frame: Frame,
        conditions: Conditions,
        backend: str | None,
        stiffness: Callable[[Conditions], FloatArray],
    ) -> None:
        super().__init__(frame.body, conditions, backend)
        self.frame, self.stiffness = frame, stiffness
        self._firmly: EdgedFactor | None = None
        self._newest: EdgedFactor | None = None

    def _factor(
        self, conditions: Conditions, response: Response | None, before: EdgedFactor | None = None
    ) -> EdgedFactor:
        moduli = self.body.moduli(conditions, response)
        return self.frame.factor(self.backend, moduli, self.stiffness(conditions), before)

    @property
    def stiff(self) -> EdgedFactor:  # type: ignore[override]
        """The elastic stiffness."""
        if self._firmly is None:
            self._firmly = self._factor(self.conditions, None)
        return self._firmly

    @property
    def current(self) -> EdgedFactor:  # type: ignore[override]
        """The latest tangent, or the elastic stiffness."""
        return self._newest or self.stiff

    def forget(self) -> None:
        """Go on from the elastic stiffness."""
        self._newest, self._pairs = None, []

    def renew(self, conditions: Conditions, response: Response) -> None:
        """Make the tangent of a response the current one."""
        before, self._newest = self._newest, None
        self._newest = self._factor(conditions, response, before)
        self._pairs = []
        self.made += 1
