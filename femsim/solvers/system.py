"""The linear system of a model, ready to factor: symmetric storage, unknowns in elimination order, cells' own unknowns
condensed.

A quad9 element's middle node couples with its own element only. Its two unknowns are eliminated inside the element
(static condensation), K~ = K_oo - K_oc K_cc^-1 K_co, a quarter of all unknowns and a third of the entries, and
recovered after the solve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.threads import do_in_threads, in_parts, in_threads
from femsim.models.assembly import BATCH, element_stiffness
from femsim.models.model import Model
from femsim.models.rectangles import rectangle_stiffness
from femsim.solvers.factor import Factor, factorise
from femsim.solvers.pattern import Local, Pattern, layout_of, make_pattern

#: rectangles a batch: their coefficients stay in the cache
RECTANGLES = 1024
#: elements whose blocks are turned over at once
TURNED = 8192


@dataclass(frozen=True)
class Condensation:
    """What brings the condensed unknowns of every element back: K_cc^-1 (E, 2, 2) and K_co (E, 2, k)."""

    inverse: FloatArray
    coupling: FloatArray


@dataclass(frozen=True)
class System:
    """Condensed stiffness as upper block triangle (2 x 2 blocks by rows, sorted, whole on the diagonal), in elimination
    order.
    """

    matrix: sp.bsr_matrix
    pattern: Pattern
    condensation: Condensation | None


@dataclass(frozen=True)
class SystemFactor:
    """A factorised system: solves for all unknowns (n,) or (n, k) in the model's own numbering."""

    factor: Factor
    pattern: Pattern
    condensation: Condensation | None

    @staticmethod
    def of(system: System, backend: str | None = None) -> SystemFactor:
        """Factorise; raises NumericsError where the matrix is singular or too large for the memory."""
        return SystemFactor(factorise(system.matrix, backend), system.pattern, system.condensation)

    @property
    def backend(self) -> str:
        """Name of the solver."""
        return self.factor.backend

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Unknowns (n,) or (n, k) for right sides of the same shape, in uN."""
        columns = rhs[:, None] if rhs.ndim == 1 else rhs
        nothing = np.zeros((1, columns.shape[1]))
        numbering, kept, c = self.pattern.numbering, self.pattern.kept, self.condensation
        right = np.concatenate([columns, nothing])[numbering.unknown]
        if c is not None:
            given = columns[numbering.inner]
            loaded = given.any(axis=(1, 2))
            # the load of a goal lies on a few elements
            some: IntArray | slice = slice(None) if loaded.all() else np.flatnonzero(loaded)
            inner = np.matmul(c.inverse[some], given[some])
            pulled, at = np.matmul(c.coupling[some].transpose(0, 2, 1), inner), kept[some].ravel()
            for k in range(columns.shape[1]):
                # prescribed ones fall on a place behind the last
                right[:, k] -= np.bincount(at, pulled[..., k].ravel(), minlength=len(right) + 1)[:-1]
        solution = np.concatenate([self.factor.solve(right), nothing])
        full = solution[numbering.place]
        if c is not None:
            middle = -np.matmul(c.inverse, np.matmul(c.coupling, solution[kept]))
            middle[some] += inner
            full[numbering.inner] = middle
        return full[:, 0] if rhs.ndim == 1 else full


def make_system(model: Model, pattern: Pattern | None = None) -> System:
    """Assemble a model's condensed stiffness; ``pattern`` of an earlier matrix on the same mesh and constraints saves
    its making.
    """
    if pattern is not None and not np.array_equal(pattern.constraints.equation, model.constraints.equation):
        raise ValueError("the pattern belongs to other constraints")
    local = layout_of(model) if pattern is None else pattern.local
    count, width, condensed = len(model.mesh.cells), len(local.kept), local.condensed
    blocks = np.empty((count, local.pairs, 2, 2))
    inverse = np.empty((count if condensed else 0, 2, 2))
    coupling = np.empty((count if condensed else 0, 2, width))

    def fill(part: tuple[IntArray, bool]) -> None:
        cells, entries = part[0], _entries(model, local, *part)
        own = entries[:, : 4 * local.pairs]
        if condensed:
            across = entries[:, own.shape[1] : -3].reshape(-1, 2, width)
            a, b, c = entries[:, -3:].T
            small = np.empty((len(entries), 2, 2))
            small[:, 0, 0], small[:, 0, 1], small[:, 1, 0], small[:, 1, 1] = c, -b, -b, a
            small /= (a * c - b * b)[:, None, None]
            inverse[cells], coupling[cells] = small, across
            update = np.matmul(across.transpose(0, 2, 1), np.matmul(small, across))
            own -= np.take(update.reshape(len(update), -1), local.update, axis=1)
        blocks[cells] = own.reshape(-1, local.pairs, 2, 2)

    filling = in_threads(fill, _parts(model))
    # the elements' entries are computed meanwhile
    pattern = pattern or make_pattern(model, local)
    for _ in filling:
        pass
    return System(_sum(blocks, pattern), pattern, Condensation(inverse, coupling) if condensed else None)


def _sum(blocks: FloatArray, pattern: Pattern) -> sp.bsr_matrix:
    """The matrix from the elements' blocks (E, pairs, 2, 2), which are turned over in place where the pattern says
    so.
    """

    def turn(part: IntArray) -> None:
        own, over = blocks[part[0] : part[-1] + 1], pattern.flipped[part[0] : part[-1] + 1]
        upper, lower = own[..., 0, 1].copy(), own[..., 1, 0]
        np.copyto(own[..., 0, 1], lower, where=over)
        np.copyto(lower, upper, where=over)

    do_in_threads(turn, in_parts(np.arange(len(blocks)), TURNED))
    data = np.asarray(pattern.sums @ blocks.reshape(-1, 4))
    if len(pattern.source):
        np.add.at(data.reshape(-1), pattern.target, pattern.times * blocks.reshape(-1)[pattern.source])
    diagonal = pattern.indptr[:-1]
    data[diagonal, 2] = data[diagonal, 1]
    block, slot = np.divmod(pattern.vacant, 2)
    data[diagonal[block], 3 * slot] = data[diagonal, 0].max(initial=0.0) or 1.0
    n = 2 * pattern.blocks
    return sp.bsr_matrix((data.reshape(-1, 2, 2), pattern.indices, pattern.indptr), shape=(n, n))


def _parts(model: Model) -> list[tuple[IntArray, bool]]:
    """Batches of cells, and whether they are rectangles of a stiffness that is the same all over each."""
    plain = model.mesh.rectangular & (not (model.kinematics.globals_ or model.varying))
    chosen, rest = np.flatnonzero(plain), np.flatnonzero(~plain)
    return [(part, True) for part in in_parts(chosen, RECTANGLES)] + [(part, False) for part in in_parts(rest, BATCH)]


def _entries(model: Model, local: Local, cells: IntArray, plain: bool) -> FloatArray:
    """Entries (E, k) of the cells' stiffness in the order of the layout: rectangles at once, others by the general
    kernel.
    """
    if plain:
        middle = np.empty((1, model.mesh.info.nodes))
        return rectangle_stiffness(model, cells, model.stiffness_at(cells, middle)[:, 0], local.entries)
    stiffness = next(element_stiffness(model, cells))[1]
    odd = local.width - stiffness.shape[1]
    if odd:
        stiffness = np.pad(stiffness, ((0, 0), (0, odd), (0, odd)))
    return np.take(stiffness.reshape(len(cells), -1), local.entries, axis=1)
