"""Factors of flowing regions with the elastic ones condensed to their edge (:mod:`femsim.solvers.condensed`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.models.assembly import element_stiffness, stiffness_by, strain_operators
from femsim.models.body import Body, Conditions, Response
from femsim.solvers.factor import Factor, factorise
from femsim.solvers.newton import Factors
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


class EdgedFactors(Factors):
    """As :class:`femsim.solvers.newton.Factors`, with what ``stiffness`` says of the elastic regions at conditions."""

    def __init__(
        self,
        body: Body,
        conditions: Conditions,
        backend: str | None,
        edge: IntArray,
        stiffness: Callable[[Conditions], FloatArray],
        same: EdgedFactors | None = None,
    ) -> None:
        super().__init__(body, conditions, backend)
        self.edge, self.stiffness = edge, stiffness
        self._grid: Grid = Grid.of(body, edge) if same is None else same._grid
        self._operators: list[tuple[IntArray, FloatArray, FloatArray]] | None = None
        if same is not None:
            self._operators = same._operators

    def _factor(self, conditions: Conditions, response: Response | None, before: EdgedFactor | None) -> EdgedFactor:
        space, moduli = self.body.space, self.body.moduli(conditions, response)
        count = len(space.mesh.cells)
        if self._operators is None:
            points = self.body.batches[0].volume.shape[1]
            width = space.width * space.mesh.info.nodes + space.kinematics.globals_
            small = count * points * space.kinematics.size * width <= OPERATORS
            # where regions flow, their volume change is projected: so it is in their elastic answer
            flowing = self.body.moduli(conditions)
            self._operators = list(strain_operators(space, flowing)) if small and space.kinematics.dim == 2 else []
        if self._operators:
            parts = [stiffness_by(space, moduli, *given) for given in self._operators]
        else:
            parts = [found for _, found in element_stiffness(space, moduli)]
        matrix = self._grid.matrix(np.concatenate(parts), self.stiffness(conditions))
        if before is not None and isinstance(before.factor, PardisoFactor):
            before.factor.again(matrix)
            return EdgedFactor(before.factor, self._grid)
        return EdgedFactor(factorise(matrix, self.backend, 2), self._grid)

    @property
    def stiff(self) -> EdgedFactor:  # type: ignore[override]
        """The elastic stiffness."""
        if self._firmly is None:
            self._firmly = self._factor(self.conditions, None, None)
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

    _firmly: EdgedFactor | None = None
    _newest: EdgedFactor | None = None
