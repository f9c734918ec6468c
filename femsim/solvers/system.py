"""The linear system of a space and moduli, ready to factor: symmetric storage, unknowns in elimination order, cells'
own unknowns condensed.

A quad9 element's middle node couples with its own element only. Its unknowns are eliminated inside the element (static
condensation), K~ = K_oo - K_oc K_cc^-1 K_co, a quarter of all unknowns and a third of the entries, and recovered after
the solve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.threads import do_in_threads, in_parts, in_threads, one_blas_thread
from femsim.models.assembly import BATCH, element_stiffness
from femsim.models.moduli import Moduli
from femsim.models.rectangles import rectangle_stiffness
from femsim.models.solids import BATCH as SOLID_BATCH
from femsim.models.space import Space
from femsim.solvers.factor import Factor, factorise
from femsim.solvers.pardiso import PardisoFactor
from femsim.solvers.pattern import Local, Pattern, layout_of, make_pattern

#: rectangles a batch: their coefficients stay in the cache
RECTANGLES = 1024
#: elements whose blocks are turned over at once
TURNED = 8192


@dataclass(frozen=True)
class Condensation:
    """What brings the condensed unknowns of every element back: K_cc^-1 (E, w, w) and K_co (E, w, k)."""

    inverse: FloatArray
    coupling: FloatArray


@dataclass(frozen=True)
class System:
    """Condensed stiffness as upper block triangle (by rows, sorted, whole on the diagonal), in elimination order."""

    matrix: sp.bsr_matrix
    pattern: Pattern
    condensation: Condensation | None
    dim: int = 2


@dataclass(frozen=True)
class SystemFactor:
    """A factorised system: solves for all unknowns (n,) or (n, k) in the space's own numbering."""

    factor: Factor
    pattern: Pattern
    condensation: Condensation | None

    @staticmethod
    def of(system: System, backend: str | None = None) -> SystemFactor:
        """Factorise; raises NumericsError where the matrix is singular or too large for the memory."""
        return SystemFactor(factorise(system.matrix, backend, system.dim), system.pattern, system.condensation)

    def again(self, system: System, backend: str | None = None) -> SystemFactor:
        """The factor of another system of the same pattern. This one is used up where the solver can use its analysis
        again (PARDISO); it must not be asked any more.
        """
        if not isinstance(self.factor, PardisoFactor) or system.pattern is not self.pattern:
            return SystemFactor.of(system, backend)
        self.factor.again(system.matrix)
        return SystemFactor(self.factor, system.pattern, system.condensation)

    @property
    def backend(self) -> str:
        """Name of the solver."""
        return self.factor.backend

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Unknowns (n,) or (n, k) for right sides of the same shape, in uN."""
        columns = rhs[:, None] if rhs.ndim == 1 else rhs
        nothing = np.zeros((1, columns.shape[1]))
        numbering, kept, spread, c = self.pattern.numbering, self.pattern.kept, self.pattern.spread, self.condensation
        right = np.concatenate([columns, nothing])[numbering.unknown]
        if c is not None:
            given = columns[numbering.inner]
            loaded = given.any(axis=(1, 2))
            # the load of a goal lies on a few elements
            some: IntArray | slice = slice(None) if loaded.all() else np.flatnonzero(loaded)
            inner = np.matmul(c.inverse[some], given[some])
            pulled, at = np.matmul(c.coupling[some].transpose(0, 2, 1), inner), kept[some].ravel()
            places = len(right) + 1 if spread is None else spread.shape[0]
            for k in range(columns.shape[1]):
                # held ones fall on a place behind the last
                sums = np.bincount(at, pulled[..., k].ravel(), minlength=places)
                right[:, k] -= (sums if spread is None else spread.T @ sums)[:-1]
        solution = np.concatenate([self.factor.solve(right), nothing])
        full = solution[numbering.place]
        if c is not None:
            values = solution if spread is None else spread @ solution
            middle = -np.matmul(c.inverse, np.matmul(c.coupling, values[kept]))
            middle[some] += inner
            full[numbering.inner] = middle
        return full[:, 0] if rhs.ndim == 1 else full


def make_system(space: Space, moduli: Moduli, pattern: Pattern | None = None) -> System:
    """Assemble the condensed stiffness of moduli on a space; ``pattern`` of an earlier matrix on the same mesh and
    constraints saves its making.
    """
    if pattern is not None and not np.array_equal(pattern.constraints.equation, space.constraints.equation):
        raise ValueError("the pattern belongs to other constraints")
    local = layout_of(space) if pattern is None else pattern.local
    count, kept, condensed, width = len(space.mesh.cells), len(local.kept), local.condensed, local.block
    blocks = np.empty((count, local.pairs, width, width))
    inverse = np.empty((count if condensed else 0, width, width))
    coupling = np.empty((count if condensed else 0, width, kept))

    def fill(part: tuple[IntArray, bool]) -> None:
        cells, entries = part[0], _entries(space, moduli, local, *part)
        own = entries[:, : width * width * local.pairs]
        if condensed:
            across = entries[:, own.shape[1] : -width * width].reshape(-1, width, kept)
            small = _inverted(entries[:, -width * width :].reshape(-1, width, width))
            inverse[cells], coupling[cells] = small, across
            update = np.matmul(across.transpose(0, 2, 1), np.matmul(small, across))
            own -= np.take(update.reshape(len(update), -1), local.update, axis=1)
        blocks[cells] = own.reshape(-1, local.pairs, width, width)

    with one_blas_thread():
        filling = in_threads(fill, _parts(space, moduli))
        # the elements' entries are computed meanwhile
        pattern = pattern or make_pattern(space, local)
        for _ in filling:
            pass
    recovery = Condensation(inverse, coupling) if condensed else None
    return System(_sum(blocks, pattern), pattern, recovery, space.kinematics.dim)


def _inverted(small: FloatArray) -> FloatArray:
    """Inverses of symmetric matrices (E, w, w)."""
    if small.shape[-1] != 2:
        return np.asarray(np.linalg.inv(small))
    a, b, c = small[:, 0, 0], small[:, 0, 1], small[:, 1, 1]
    found = np.empty_like(small)
    found[:, 0, 0], found[:, 0, 1], found[:, 1, 0], found[:, 1, 1] = c, -b, -b, a
    found /= (a * c - b * b)[:, None, None]
    return found


def _sum(blocks: FloatArray, pattern: Pattern) -> sp.bsr_matrix:
    """The matrix from the elements' blocks (E, pairs, w, w), which are turned over in place where the pattern says
    so.
    """
    width = pattern.local.block

    def turn(part: IntArray) -> None:
        own, over = blocks[part[0] : part[-1] + 1], pattern.flipped[part[0] : part[-1] + 1]
        for i in range(width):
            for j in range(i + 1, width):
                upper, lower = own[..., i, j].copy(), own[..., j, i]
                np.copyto(own[..., i, j], lower, where=over)
                np.copyto(lower, upper, where=over)

    do_in_threads(turn, in_parts(np.arange(len(blocks)), TURNED))
    data = np.asarray(pattern.sums @ blocks.reshape(-1, width * width))
    if len(pattern.source):
        np.add.at(data.reshape(-1), pattern.target, pattern.times * blocks.reshape(-1)[pattern.source])
    diagonal = pattern.indptr[:-1]
    for i in range(width):
        for j in range(i + 1, width):
            data[diagonal, width * j + i] = data[diagonal, width * i + j]
    block, slot = np.divmod(pattern.vacant, width)
    data[diagonal[block], (width + 1) * slot] = data[diagonal, 0].max(initial=0.0) or 1.0
    n = width * pattern.blocks
    return sp.bsr_matrix((data.reshape(-1, width, width), pattern.indices, pattern.indptr), shape=(n, n))


def _parts(space: Space, moduli: Moduli) -> list[tuple[IntArray, bool]]:
    """Batches of cells, and whether they are rectangles of a stiffness that is the same all over each."""
    plain = space.mesh.rectangular & moduli.uniform & ~space.projected & (not space.kinematics.globals_)
    chosen, rest = np.flatnonzero(plain), np.flatnonzero(~plain)
    return [(part, True) for part in in_parts(chosen, RECTANGLES)] + [
        (part, False) for part in in_parts(rest, SOLID_BATCH if space.kinematics.dim == 3 else BATCH)
    ]


def _entries(space: Space, moduli: Moduli, local: Local, cells: IntArray, plain: bool) -> FloatArray:
    """Entries (E, k) of the cells' stiffness in the order of the layout: rectangles at once, others by the general
    kernel.
    """
    if plain:
        middle = np.empty((1, space.mesh.info.nodes))
        return rectangle_stiffness(space, cells, moduli.at(cells, middle)[:, 0], local.entries)
    stiffness = next(element_stiffness(space, moduli, cells))[1]
    odd = local.width - stiffness.shape[1]
    if odd:
        stiffness = np.pad(stiffness, ((0, 0), (0, odd), (0, odd)))
    return np.take(stiffness.reshape(len(cells), -1), local.entries, axis=1)
