"""The linear system of a model, ready to factor: symmetric storage, unknowns in elimination order, cells' own unknowns condensed.

A quad9 element's middle node couples with its own element only. Its two unknowns are eliminated inside the element (static
condensation), K~ = K_oo - K_oc K_cc^-1 K_co, a quarter of all unknowns and a third of the entries, and recovered after the solve.
What depends on mesh and constraints alone (the order, the rows and columns) is kept in a :class:`Pattern` for the next matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from femsim.assembly import element_stiffness
from femsim.linear import Factor, factorise
from femsim.mesh import IntArray
from femsim.model import Constraints, Model
from femsim.ordering import nested_dissection
from femsim.rectangles import rectangle_stiffness, rectangles

FloatArray = npt.NDArray[np.float64]
Int32Array = npt.NDArray[np.int32]

#: rectangles a batch: their coefficients stay in the cache
BATCH = 4096


@dataclass(frozen=True)
class Pattern:
    """What matrices of one mesh and one set of constraints share.

    ``outer`` lists the unknowns that are kept, in elimination order; ``inner`` (E, 2) or (0, 2) those condensed into their element;
    ``row`` and ``column`` (E, k) the place of each upper-triangle entry of the condensed elements, row <= column; -1 for none.
    """

    constraints: Constraints
    outer: IntArray
    inner: IntArray
    row: Int32Array
    column: Int32Array
    local: IntArray  # the element's unknowns that are kept, as columns of its dofs
    twice: IntArray  # entries (flat) off an element's diagonal that a tie puts onto the matrix's


@dataclass(frozen=True)
class Condensation:
    """The condensed unknowns of every element: K_cc^-1 (E, 2, 2), K_co (E, 2, k), and where the k kept ones stand; -1 prescribed."""

    inverse: FloatArray
    coupling: FloatArray
    kept: IntArray


@dataclass(frozen=True)
class System:
    """Upper triangle (CSR, sorted) of the condensed stiffness, in elimination order, and the force of prescribed displacements."""

    matrix: sp.csr_matrix
    pattern: Pattern
    condensation: Condensation | None
    prescribed: FloatArray  # force (n,) of the prescribed displacements on the unknowns


@dataclass(frozen=True)
class SystemFactor:
    """A factorised system: solves for all unknowns (n,) or (n, k) in the model's own numbering."""

    factor: Factor
    matrix: sp.csr_matrix
    pattern: Pattern
    condensation: Condensation | None

    @staticmethod
    def of(system: System, backend: str | None = None) -> SystemFactor:
        """Factorise; raises NumericsError where the matrix is singular or too large for the memory."""
        return SystemFactor(factorise(system.matrix, backend), system.matrix, system.pattern, system.condensation)

    @property
    def backend(self) -> str:
        """Name of the solver."""
        return self.factor.backend

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Unknowns (n,) or (n, k) for right sides of the same shape, in uN."""
        columns = rhs[:, None] if rhs.ndim == 1 else rhs
        full = self._expand(self.factor.solve(self._reduce(columns)), columns)
        return full[:, 0] if rhs.ndim == 1 else full

    def residual(self, unknowns: FloatArray, rhs: FloatArray) -> FloatArray:
        """rhs - K unknowns (n,), by the matrix; condensed unknowns are exact and have none."""
        x = unknowns[self.pattern.outer]
        found = np.zeros_like(rhs)
        upper = self.matrix
        found[self.pattern.outer] = self._reduce(rhs[:, None])[:, 0] - (upper @ x + upper.T @ x - upper.diagonal() * x)
        return found

    def _reduce(self, rhs: FloatArray) -> FloatArray:
        """Right side (outer, k) in elimination order from one over all unknowns (n, k)."""
        outer = rhs[self.pattern.outer]
        c = self.condensation
        if c is None:
            return outer
        inner = np.matmul(c.inverse, rhs[self.pattern.inner])
        pulled = np.matmul(c.coupling.transpose(0, 2, 1), inner)
        keep = c.kept >= 0
        for k in range(rhs.shape[1]):
            outer[:, k] -= np.bincount(c.kept[keep], pulled[..., k][keep], minlength=len(outer))
        return outer

    def _expand(self, solution: FloatArray, rhs: FloatArray) -> FloatArray:
        """All unknowns (n, k) from the solved ones (outer, k) and the right side."""
        full = np.empty_like(rhs)
        full[self.pattern.outer] = solution
        c = self.condensation
        if c is not None:
            padded = np.concatenate([solution, np.zeros((1, solution.shape[1]))])
            full[self.pattern.inner] = np.matmul(c.inverse, rhs[self.pattern.inner] - np.matmul(c.coupling, padded[c.kept]))
        return full


def make_pattern(model: Model) -> Pattern:
    """Order and places of a model's matrix."""
    mesh, constraints = model.mesh, model.constraints
    equation = constraints.equation[model.element_dofs(slice(None))]
    m = equation.shape[1]
    local = np.arange(m)
    inner = np.empty((0, 2), dtype=np.int64)
    order = nested_dissection(model)
    if mesh.element == "quad9":
        middle = equation[:, 16:18]
        # a prescribed or tied middle node stays with the others
        if np.all(middle >= 0) and len(np.unique(middle)) == middle.size:
            inner = middle
            local = np.concatenate([np.arange(16), np.arange(18, m)])
            kept = np.ones(constraints.count, dtype=bool)
            kept[inner] = False
            order = order[kept[order]]
    place = np.full(constraints.count + 1, -1, dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    at = place[equation[:, local]]
    first, second = np.triu_indices(len(local))
    a, b = at[:, first], at[:, second]
    row, column = np.minimum(a, b), np.maximum(a, b)
    column[row < 0] = -1
    # two tied unknowns of one element: K_ij and K_ji both land on the diagonal
    twice = np.flatnonzero(((row == column) & (first != second) & (row >= 0)).ravel())
    return Pattern(constraints, order, inner, row, column, local, twice)


def make_system(model: Model, pattern: Pattern | None = None) -> System:
    """Assemble a model's condensed stiffness; ``pattern`` of an earlier matrix on the same mesh and constraints saves its making."""
    if pattern is None:
        pattern = make_pattern(model)
    elif not np.array_equal(pattern.constraints.equation, model.constraints.equation):
        raise ValueError("the pattern belongs to other constraints")
    count = len(model.mesh.cells)
    constraints = model.constraints
    values = np.empty(pattern.row.shape)
    condensed = len(pattern.inner) > 0
    width = len(pattern.local)
    inverse = np.empty((count if condensed else 0, 2, 2))
    coupling = np.empty((count if condensed else 0, 2, width))
    force = np.zeros(constraints.count)
    moved = np.any(constraints.value[model.element_dofs(slice(None))] != 0.0, axis=1) if np.any(constraints.value) else None
    m = width + (2 if condensed else 0)
    full = _full_index(m)
    upper = np.triu_indices(width)
    inner_local = np.array([16, 17])
    for cells, triangle in _triangles(model):
        if moved is not None and np.any(moved[cells]):
            some = moved[cells]
            dofs = model.element_dofs(cells[some])
            reaction = np.matmul(triangle[some][:, full], constraints.value[dofs][..., None])[..., 0]
            equation = constraints.equation[dofs]
            free = equation >= 0
            force -= np.bincount(equation[free], reaction[free], minlength=constraints.count)
        if not condensed:
            values[cells] = triangle
            continue
        a, b, c = (triangle[:, full[i, j]] for i, j in ((16, 16), (16, 17), (17, 17)))
        determinant = a * c - b * b
        small = np.empty((len(cells), 2, 2))
        small[:, 0, 0], small[:, 0, 1], small[:, 1, 0], small[:, 1, 1] = c, -b, -b, a
        small /= determinant[:, None, None]
        across = triangle[:, full[np.ix_(inner_local, pattern.local)]]
        inverse[cells], coupling[cells] = small, across
        pulled = np.matmul(small, across)
        outer = triangle[:, full[np.ix_(pattern.local, pattern.local)][upper]]
        outer -= np.matmul(across.transpose(0, 2, 1), pulled)[:, upper[0], upper[1]]
        values[cells] = outer
    kept = None
    if condensed:
        place = np.full(constraints.count + 1, -1, dtype=np.int64)
        place[pattern.outer] = np.arange(len(pattern.outer))
        kept = Condensation(inverse, coupling, place[constraints.equation[model.element_dofs(slice(None))][:, pattern.local]])
    return System(_symmetric(values, pattern, len(pattern.outer)), pattern, kept, force)


def _symmetric(values: FloatArray, pattern: Pattern, n: int) -> sp.csr_matrix:
    row, column, entries = pattern.row.ravel(), pattern.column.ravel(), values.ravel()
    entries[pattern.twice] *= 2.0
    keep = row >= 0
    if not keep.all():
        row, column, entries = row[keep], column[keep], entries[keep]
    matrix = sp.coo_matrix((entries, (row, column)), shape=(n, n)).tocsr()
    matrix.sort_indices()
    return matrix


def _full_index(m: int) -> IntArray:
    """Index (m, m) of entry (i, j) in an upper triangle stored row by row."""
    index = np.empty((m, m), dtype=np.int64)
    upper = np.triu_indices(m)
    index[upper] = np.arange(len(upper[0]))
    index.T[upper] = index[upper]
    return index


def _triangles(model: Model) -> Iterator[tuple[IntArray, FloatArray]]:
    """Cells and the upper triangles (E, m (m + 1) / 2) of their stiffness: rectangles at once, the rest by the general kernel."""
    mesh = model.mesh
    plain = rectangles(mesh) if not (model.kinematics.globals_ or model.varying) else np.zeros(len(mesh.cells), dtype=bool)
    chosen = np.flatnonzero(plain)
    middle = np.empty((1, mesh.info.nodes))
    for start in range(0, len(chosen), BATCH):
        cells = chosen[start : start + BATCH]
        yield cells, rectangle_stiffness(model, cells, model.stiffness_at(cells, middle)[:, 0])
    rest = np.flatnonzero(~plain)
    if len(rest):
        for cells, stiffness in element_stiffness(model, rest):
            upper = np.triu_indices(stiffness.shape[1])
            yield cells, stiffness[:, upper[0], upper[1]]
