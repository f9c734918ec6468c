"""The linear system of a space and moduli, ready to factor: symmetric storage, unknowns in elimination order, cells'
own unknowns condensed.

A quad9 element's middle node couples with its own element only. Its unknowns are eliminated inside the element (static
condensation), K~ = K_oo - K_oc K_cc^-1 K_co, a quarter of all unknowns and a third of the entries, and recovered after
the solve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.threads import do_in_threads, in_parts, in_threads, one_blas_thread
from femsim.meshes.elements import gauss_points
from femsim.models.assembly import BATCH, element_stiffness, stiffness_by, strain_operators
from femsim.models.moduli import Moduli
from femsim.models.rectangles import rectangle_stiffness
from femsim.models.solids import BATCH as SOLID_BATCH
from femsim.models.space import Space
from femsim.solvers.factor import Factor, factorise
from femsim.solvers.pardiso import PardisoFactor
from femsim.solvers.pattern import Local, Pattern, Share, layout_of, make_pattern

#: rectangles a batch: their coefficients stay in the cache
RECTANGLES = 1024
#: numbers of strain operators that are kept at most (512 MB)
OPERATORS = 1 << 26
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


#: elements whose condensed unknowns are loaded, and what these would be were all others held (E, w, k)
Inner = tuple[IntArray | slice, FloatArray] | None


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
        right, inner = self.reduced(columns)
        full = self.expanded(self.factor.solve(right), inner)
        return full[:, 0] if rhs.ndim == 1 else full

    def reduced(self, columns: FloatArray) -> tuple[FloatArray, Inner]:
        """Right sides (n, k) at the places of the matrix, what is condensed brought there, and what of it
        :meth:`expanded` needs.
        """
        nothing = np.zeros((1, columns.shape[1]))
        numbering, kept, spread, c = self.pattern.numbering, self.pattern.kept, self.pattern.spread, self.condensation
        right = np.concatenate([columns, nothing])[numbering.unknown]
        if c is None:
            return right, None
        given = columns[numbering.inner]
        loaded = given.any(axis=(1, 2))
        # the load of a goal lies on a few elements
        some: IntArray | slice = slice(None) if loaded.all() else np.flatnonzero(loaded)
        inner = _times(c.inverse[some], given[some])
        pulled, at = _times(c.coupling[some].transpose(0, 2, 1), inner), kept[some].ravel()
        places = len(right) + 1 if spread is None else spread.shape[0]
        for k in range(columns.shape[1]):
            # held ones fall on a place behind the last
            sums = np.bincount(at, pulled[..., k].ravel(), minlength=places)
            right[:, k] -= (sums if spread is None else spread.T @ sums)[:-1]
        return right, (some, inner)

    def expanded(self, solution: FloatArray, inner: Inner) -> FloatArray:
        """All unknowns (n, k) from those at the places of the matrix."""
        numbering, kept, spread, c = self.pattern.numbering, self.pattern.kept, self.pattern.spread, self.condensation
        solution = np.concatenate([solution, np.zeros((1, solution.shape[1]))])
        full = solution[numbering.place]
        if c is not None and inner is not None:
            values = solution if spread is None else spread @ solution

            def bring_back(cells: IntArray) -> None:
                here = slice(cells[0], cells[-1] + 1)
                full[numbering.inner[here]] = -_times(c.inverse[here], _times(c.coupling[here], values[kept[here]]))

            do_in_threads(bring_back, in_parts(np.arange(len(kept)), TURNED))
            full[numbering.inner[inner[0]]] += inner[1]
        return full


def make_system(space: Space, moduli: Moduli, pattern: Pattern | None = None) -> System:
    """Assemble the condensed stiffness of moduli on a space; ``pattern`` of an earlier matrix on the same mesh and
    constraints saves its making.
    """
    if pattern is not None and not np.array_equal(pattern.constraints.equation, space.constraints.equation):
        raise ValueError("the pattern belongs to other constraints")
    local = layout_of(space) if pattern is None else pattern.local
    made = [] if pattern is None else [pattern]

    def make() -> None:
        if not made:
            made.append(make_pattern(space, local))

    found = _filled(space, moduli, local, np.arange(len(space.mesh.cells)), meanwhile=make)
    return _system(space, made[0], _sum(found.blocks, made[0], made[0].whole), found.condensation)


@dataclass(frozen=True)
class Kept:
    """What cells whose stiffness stays, but for a factor of each of several groups, put into systems: the cells, the
    matrix's blocks (blocks, w w) and what brings condensed unknowns back; ``share`` is that of the cells that change.

    ``operators`` of cells that change in the plane, batch by batch; none where they would take too much memory.
    """

    pattern: Pattern
    groups: tuple[tuple[IntArray, FloatArray, Condensation | None], ...]
    share: Share
    operators: tuple[tuple[IntArray, FloatArray, FloatArray], ...]


def keep(space: Space, rest: Moduli, moduli: Moduli, pattern: Pattern, groups: Sequence[IntArray]) -> Kept:
    """What groups of cells have in the systems on a space under the moduli ``rest``; all other cells change, those
    that flow in ``moduli`` among them.
    """
    found = []
    for cells in groups:
        filled = _filled(space, rest, pattern.local, cells)
        found.append((cells, _sum(filled.blocks, pattern, pattern.share(cells)), filled.condensation))
    share = pattern.share(np.setdiff1d(np.arange(len(space.mesh.cells)), np.concatenate(groups)))
    width = space.width * space.mesh.info.nodes + space.kinematics.globals_
    points = len(gauss_points(space.mesh.element, space.mesh.info.full)[0])
    small = len(share.cells) * points * space.kinematics.size * width <= OPERATORS
    operators = tuple(strain_operators(space, moduli, share.cells)) if small and space.kinematics.dim == 2 else ()
    return Kept(pattern, tuple(found), share, operators)


def renewed(space: Space, moduli: Moduli, kept: Kept, factors: Sequence[float]) -> System:
    """The system of moduli on a space that are those kept times ``factors`` of the groups, but for the cells that
    change.
    """
    share, pattern = kept.share, kept.pattern
    filled = _filled(space, moduli, pattern.local, share.cells, kept.operators)
    data, condensation = _sum(filled.blocks, pattern, share), filled.condensation
    if condensation is not None:
        count, (width, rest) = len(space.mesh.cells), condensation.coupling.shape[1:]
        whole = Condensation(np.empty((count, width, width)), np.empty((count, width, rest)))
        whole.inverse[share.cells], whole.coupling[share.cells] = condensation.inverse, condensation.coupling
        condensation = whole
    for factor, (cells, blocks, own) in zip(factors, kept.groups, strict=True):
        data += factor * blocks
        if condensation is not None and own is not None:
            condensation.inverse[cells], condensation.coupling[cells] = own.inverse / factor, own.coupling * factor
    return _system(space, pattern, data, condensation)


@dataclass(frozen=True)
class _Filled:
    """Blocks (E, pairs, w, w) of some elements, and what brings their condensed unknowns back."""

    blocks: FloatArray
    condensation: Condensation | None


def _filled(
    space: Space,
    moduli: Moduli,
    local: Local,
    cells: IntArray,
    operators: Sequence[tuple[IntArray, FloatArray, FloatArray]] = (),
    meanwhile: Callable[[], None] = lambda: None,
) -> _Filled:
    """The blocks of ``cells``, in ascending order, from their strain ``operators`` where these are at hand, filled
    batch by batch in threads; ``meanwhile`` is called once they have begun.
    """
    count, kept, width = len(cells), len(local.kept), local.block
    blocks = np.empty((count, local.pairs, width, width))
    inverse = np.empty((count if local.condensed else 0, width, width))
    coupling = np.empty((count if local.condensed else 0, width, kept))

    def fill(part: IntArray, entries: FloatArray) -> None:
        rows = np.searchsorted(cells, part)
        own = entries[:, : width * width * local.pairs]
        if local.condensed:
            across = entries[:, own.shape[1] : -width * width].reshape(-1, width, kept)
            small = _inverted(entries[:, -width * width :].reshape(-1, width, width))
            inverse[rows], coupling[rows] = small, across
            update = np.matmul(across.transpose(0, 2, 1), np.matmul(small, across))
            own -= np.take(update.reshape(len(update), -1), local.update, axis=1)
        blocks[rows] = own.reshape(-1, local.pairs, width, width)

    def again(given: tuple[IntArray, FloatArray, FloatArray]) -> None:
        fill(given[0], _laid_out(stiffness_by(space, moduli, *given), local))

    def anew(given: tuple[IntArray, bool]) -> None:
        fill(given[0], _entries(space, moduli, local, *given))

    with one_blas_thread():
        filling = in_threads(again, operators) if operators else in_threads(anew, _parts(space, moduli, cells))
        meanwhile()
        for _ in filling:
            pass
    return _Filled(blocks, Condensation(inverse, coupling) if local.condensed else None)


def _times(matrices: FloatArray, columns: FloatArray) -> FloatArray:
    """Products (E, a, k) of small matrices (E, a, b) and columns (E, b, k): of one row or one column each, and one
    right side, without a call for every element.
    """
    if columns.shape[2] == 1 and matrices.shape[2] == 1:
        return matrices * columns
    if columns.shape[2] == 1 and matrices.shape[1] == 1:
        return np.asarray(np.einsum("eb,eb->e", matrices[:, 0], columns[..., 0]))[:, None, None]
    return np.asarray(np.matmul(matrices, columns))


def _inverted(small: FloatArray) -> FloatArray:
    """Inverses of symmetric matrices (E, w, w)."""
    if small.shape[-1] != 2:
        return np.asarray(np.linalg.inv(small))
    a, b, c = small[:, 0, 0], small[:, 0, 1], small[:, 1, 1]
    found = np.empty_like(small)
    found[:, 0, 0], found[:, 0, 1], found[:, 1, 0], found[:, 1, 1] = c, -b, -b, a
    found /= (a * c - b * b)[:, None, None]
    return found


def _sum(blocks: FloatArray, pattern: Pattern, share: Share) -> FloatArray:
    """The matrix's blocks (blocks, w w) from some elements' blocks (E, pairs, w, w), which are turned over in place
    where the pattern says so; of those on the diagonal only the upper entries count.
    """
    width = pattern.local.block

    def turn(part: IntArray) -> None:
        own, over = blocks[part[0] : part[-1] + 1], share.flipped[part[0] : part[-1] + 1]
        for i in range(width):
            for j in range(i + 1, width):
                upper, lower = own[..., i, j].copy(), own[..., j, i]
                np.copyto(own[..., i, j], lower, where=over)
                np.copyto(lower, upper, where=over)

    do_in_threads(turn, in_parts(np.arange(len(blocks)), TURNED))
    data = np.asarray(share.sums @ blocks.reshape(-1, width * width))
    if len(share.source):
        np.add.at(data.reshape(-1), share.target, share.times * blocks.reshape(-1)[share.source])
    return data


def _system(space: Space, pattern: Pattern, data: FloatArray, condensation: Condensation | None) -> System:
    """The system of blocks summed over all elements (blocks, w w)."""
    width, diagonal = pattern.local.block, pattern.indptr[:-1]
    for i in range(width):
        for j in range(i + 1, width):
            data[diagonal, width * j + i] = data[diagonal, width * i + j]
    block, slot = np.divmod(pattern.vacant, width)
    data[diagonal[block], (width + 1) * slot] = data[diagonal, 0].max(initial=0.0) or 1.0
    n = width * pattern.blocks
    matrix = sp.bsr_matrix((data.reshape(-1, width, width), pattern.indices, pattern.indptr), shape=(n, n))
    return System(matrix, pattern, condensation, space.kinematics.dim)


def _parts(space: Space, moduli: Moduli, cells: IntArray) -> list[tuple[IntArray, bool]]:
    """Batches of ``cells``, and whether they are rectangles of a stiffness that is the same all over each."""
    plain = space.mesh.rectangular & moduli.uniform & ~space.projected & (not space.kinematics.globals_)
    chosen, rest = cells[plain[cells]], cells[~plain[cells]]
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
    return _laid_out(next(element_stiffness(space, moduli, cells))[1], local)


def _laid_out(stiffness: FloatArray, local: Local) -> FloatArray:
    """Entries (E, k) of matrices (E, m, m) in the order of the layout."""
    odd = local.width - stiffness.shape[1]
    if odd:
        stiffness = np.pad(stiffness, ((0, 0), (0, odd), (0, odd)))
    return np.take(stiffness.reshape(len(stiffness), -1), local.entries, axis=1)
