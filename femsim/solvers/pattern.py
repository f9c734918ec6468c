"""The places of a matrix's entries: where each element's entries go in a matrix of 2 x 2 blocks.

Blocks of nodes are a quarter of the index work that single entries are. A vacant slot of a block
(:mod:`femsim.solvers.numbering`) gets a diagonal entry of its own. All this depends on mesh and constraints alone and
serves every matrix made on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import BoolArray, Int32Array, IntArray
from femsim.base.errors import NumericsError
from femsim.models.model import Model
from femsim.models.space import Constraints
from femsim.solvers.numbering import Numbering, condenses, number_unknowns


@dataclass(frozen=True)
class Local:
    """How an element's stiffness is laid out: ``pairs`` of nodes p <= q, each a 2 x 2 block, then what the condensation
    needs.

    Unknowns are counted as in :meth:`femsim.models.model.Model.element_dofs`, padded to an even number ``width``.
    ``entries`` are positions in the (width, width) matrix: blocks (pairs, 2, 2), middle with kept unknowns (2, kept),
    middle with itself (3,). ``update`` picks the blocks' entries from a matrix (kept, kept).
    """

    width: int
    nodal: IntArray  # nodes of the mesh's cells that stay
    kept: IntArray  # unknowns that stay
    first: IntArray  # the pairs' nodes, counted among those that stay
    second: IntArray
    entries: IntArray
    update: IntArray

    @property
    def condensed(self) -> bool:
        """Whether a middle node is condensed."""
        return len(self.entries) > 4 * self.pairs

    @property
    def pairs(self) -> int:
        """Number of pairs of nodes."""
        return len(self.first)


@lru_cache(maxsize=32)
def local_layout(count: int, globals_: int, middle: int | None) -> Local:
    """Layout for elements with so many nodes and unknowns of the kinematics, ``middle`` being the node that is
    condensed.
    """
    unknowns = 2 * count + globals_
    width = unknowns + unknowns % 2
    nodes = np.array([node for node in range(width // 2) if node != middle], dtype=np.int64)
    first, second = np.triu_indices(len(nodes))
    kept = (2 * nodes[:, None] + np.arange(2)).ravel()
    row, column = 2 * first[:, None] + np.array([0, 0, 1, 1]), 2 * second[:, None] + np.array([0, 1, 0, 1])
    entries = [(kept[row] * width + kept[column]).ravel()]
    if middle is not None:
        own = 2 * middle + np.arange(2)
        entries += [(own[:, None] * width + kept).ravel(), own[[0, 0, 1]] * width + own[[0, 1, 1]]]
    return Local(
        width, nodes[nodes < count], kept, first, second, np.concatenate(entries), (row * len(kept) + column).ravel()
    )


@dataclass(frozen=True)
class Pattern:
    """What matrices of one mesh and one set of constraints share.

    The upper triangle has the block rows ``indptr`` and columns ``indices``. Whole blocks are ``sums`` (blocks, E
    pairs) times the elements' blocks, those that are ``flipped`` (E, pairs) being turned over before. Single entries of
    bound nodes are added from ``source`` (flat in the elements' blocks) to ``target`` (flat in the matrix's), times
    ``times``: 2 where K_ij and K_ji of two tied unknowns both land on the diagonal. ``kept`` (E, k) are the places of
    the unknowns that condensed elements keep, 2 blocks for prescribed ones; none where nothing is condensed.
    """

    constraints: Constraints
    numbering: Numbering
    local: Local
    kept: IntArray
    indptr: Int32Array
    indices: Int32Array
    sums: sp.csr_matrix
    flipped: BoolArray
    source: IntArray
    target: IntArray
    times: IntArray

    @property
    def blocks(self) -> int:
        """Number of blocks of two unknowns."""
        return self.numbering.blocks

    @property
    def vacant(self) -> IntArray:
        """Slots without an unknown."""
        return np.flatnonzero(self.numbering.unknown == len(self.numbering.place))


def layout_of(model: Model) -> Local:
    """How a model's elements are laid out."""
    return local_layout(model.mesh.info.nodes, model.kinematics.globals_, 8 if condenses(model) else None)


def make_pattern(model: Model, local: Local | None = None) -> Pattern:
    """Order and places of a model's matrix; ``local`` of :func:`layout_of`, where it is known already.

    Raises NumericsError where an unknown belongs to no element.
    """
    local, cells = local or layout_of(model), model.mesh.cells
    numbering = number_unknowns(model, local.condensed)
    blocks = numbering.blocks
    kept = _places(model, numbering, local)

    # whole blocks between nodes whose unknowns are both their own; entry by entry for all others
    at = np.full((len(cells), len(local.kept) // 2), -1, dtype=np.int32)
    at[:, : len(local.nodal)] = numbering.whole.astype(np.int32)[cells[:, local.nodal]]
    a, b = np.take(at, local.first, axis=1).ravel(), np.take(at, local.second, axis=1).ravel()
    flipped = a > b
    row, column = np.minimum(a, b), np.maximum(a, b)
    del a, b
    broken = np.flatnonzero(row < 0)
    source, first, second, times = _single_entries(broken, kept, local)
    if len(broken):
        flipped[broken] = False
        # they are sorted behind the last row and left out there
        row[broken], column[broken] = blocks, 0
        row, column = np.append(row, (first // 2).astype(np.int32)), np.append(column, (second // 2).astype(np.int32))
    order, start, row, column = _runs(row, column, blocks)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=blocks))]).astype(np.int32)
    if len(column) < blocks or not np.array_equal(column[indptr[:-1]], np.arange(blocks)):
        raise NumericsError("a node belongs to no element: is the body held everywhere?")
    sums, target = _sums(order, start, len(flipped), len(source))
    return Pattern(
        constraints=model.constraints,
        numbering=numbering,
        local=local,
        kept=np.where(kept < 0, 2 * blocks, kept) if local.condensed else kept[:0],
        indptr=indptr,
        indices=column,
        sums=sums,
        flipped=flipped.reshape(-1, local.pairs),
        source=source,
        target=4 * target + 2 * (first % 2) + second % 2,
        times=times,
    )


def _places(model: Model, numbering: Numbering, local: Local) -> IntArray:
    """Places (E, k) of the elements' unknowns that stay, -1 for prescribed ones and padding."""
    cells, nodes = model.mesh.cells, len(model.mesh.points)
    of_dof = np.append(numbering.place, -1)[model.constraints.equation]
    kept = of_dof[: 2 * nodes].reshape(-1, 2)[cells[:, local.nodal]].reshape(len(cells), -1)
    missing = len(local.kept) - kept.shape[1]
    if not missing:
        return np.asarray(kept)
    more = np.full(missing, -1)
    more[: model.kinematics.globals_] = of_dof[2 * nodes :]
    return np.column_stack([kept, np.broadcast_to(more, (len(kept), missing))])


def _single_entries(broken: IntArray, kept: IntArray, local: Local) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Entries of the ``broken`` pairs one by one: flat position in the elements' blocks, row <= column, and how often
    each counts.
    """
    cell, pair = np.divmod(broken, local.pairs)
    p, q = local.first[pair], local.second[pair]
    rows, columns, sources, diagonal = [], [], [], []
    for s in range(2):
        for t in range(2):
            i, j = 2 * p + s, 2 * q + t
            a, b = kept[cell, i], kept[cell, j]
            # of a node's own block the upper entries only
            free = (a >= 0) & (b >= 0) & (i <= j)
            rows.append(np.minimum(a, b)[free])
            columns.append(np.maximum(a, b)[free])
            sources.append((4 * broken + 2 * s + t)[free])
            diagonal.append((i == j)[free])
    row, column, source = np.concatenate(rows), np.concatenate(columns), np.concatenate(sources)
    # two tied unknowns of one element: K_ij and K_ji both land on the diagonal
    return source, row, column, np.where((row == column) & ~np.concatenate(diagonal), 2, 1)


def _runs(row: Int32Array, column: Int32Array, n: int) -> tuple[Int32Array, IntArray, Int32Array, Int32Array]:
    """Order that sorts (row, column) by counting, where each distinct pair begins in it, and the distinct pairs; row n
    is dropped.
    """
    order = _counting_sort(column, n)
    order = order[_counting_sort(row[order], n + 1)]
    row = row[order]
    last = int(np.searchsorted(row, n))
    order, row, column = order[:last], row[:last], column[order[:last]]
    fresh = np.ones(last, dtype=bool)
    fresh[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1])
    start = np.flatnonzero(fresh)
    return order, start, row[start], column[start]


def _counting_sort(key: Int32Array, n: int) -> Int32Array:
    """Stable order of keys 0 <= key < n: scipy turns columns with one entry each into rows by counting."""
    count = len(key)
    return np.asarray(
        sp.csc_matrix((np.ones(count, dtype=np.int8), key, np.arange(count + 1, dtype=np.int32)), shape=(n, count))
        .tocsr()
        .indices
    )


def _sums(order: Int32Array, start: IntArray, total: int, singles: int) -> tuple[sp.csr_matrix, IntArray]:
    """Sums of the elements' whole blocks (blocks, total), and to which block each of the ``singles`` listed after them
    belongs.
    """
    indptr, target = np.append(start, len(order)), np.empty(singles, dtype=np.int64)
    if singles:
        at = np.flatnonzero(order >= total)
        run = np.searchsorted(start, at, side="right") - 1
        target[order[at] - total] = run
        order = np.delete(order, at)
        indptr[1:] -= np.cumsum(np.bincount(run, minlength=len(start)))
    return sp.csr_matrix((np.ones(len(order)), order, indptr.astype(np.int32)), shape=(len(start), total)), target
