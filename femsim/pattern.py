"""The places of a matrix's entries: unknowns in blocks of two in elimination order, and where each element's entries go.

A node's two unknowns make one block, so the matrix is stored and ordered by nodes: a quarter of the index work. A tied unknown and an
unknown of the kinematics' own have a block each; where a block has one unknown only, the other slot is vacant and gets a diagonal entry
of its own. Middle nodes of quad9 elements, which couple with their own element only, are condensed (:mod:`femsim.system`) and have none.
All this depends on mesh and constraints alone and serves every matrix made on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from femsim.errors import NumericsError
from femsim.mesh import IntArray
from femsim.model import Constraints, Model
from femsim.ordering import cell_codes, nested_dissection, spans

Int32Array = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Local:
    """How an element's stiffness is laid out: ``pairs`` of nodes p <= q, each a 2 x 2 block, then what the condensation needs.

    Unknowns are counted as in :meth:`femsim.model.Model.element_dofs`, padded to an even number ``width``. ``entries`` are positions in
    the (width, width) matrix: blocks (pairs, 2, 2), middle with kept unknowns (2, kept), middle with itself (3,). ``update`` picks the
    blocks' entries from a matrix (kept, kept).
    """

    width: int
    nodal: IntArray  # nodes of the mesh's cells that stay
    kept: IntArray  # unknowns that stay
    first: IntArray  # the pairs' nodes, counted among those that stay
    second: IntArray
    entries: IntArray
    update: IntArray

    @property
    def pairs(self) -> int:
        """Number of pairs of nodes."""
        return len(self.first)


@lru_cache(maxsize=32)
def local_layout(count: int, globals_: int, middle: int | None) -> Local:
    """Layout for elements with so many nodes and unknowns of the kinematics, ``middle`` being the node that is condensed."""
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
    return Local(width, nodes[nodes < count], kept, first, second, np.concatenate(entries), (row * len(kept) + column).ravel())


@dataclass(frozen=True)
class Pattern:
    """What matrices of one mesh and one set of constraints share.

    ``place`` (n,) is each unknown's position in the blocks' vector, -1 for the condensed ones; ``unknown`` (2 blocks,) is the reverse, n
    at a vacant slot; ``inner`` (E, 2) or (0, 2) are the unknowns condensed into their element and ``kept`` (E, k) the places of those
    that stay, 2 blocks for prescribed ones.

    The upper triangle has the block rows ``indptr`` and columns ``indices``. Whole blocks are ``sums`` (blocks, E pairs) times the
    elements' blocks, those that are ``flipped`` (E, pairs) being turned over before. Single entries of bound nodes are added from
    ``source`` (flat in the elements' blocks) to ``target`` (flat in the matrix's), times ``times``: 2 where K_ij and K_ji of two tied
    unknowns both land on the diagonal.
    """

    constraints: Constraints
    local: Local
    place: IntArray
    unknown: IntArray
    inner: IntArray
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
        return len(self.indptr) - 1

    @property
    def vacant(self) -> IntArray:
        """Slots without an unknown."""
        return np.flatnonzero(self.unknown == len(self.place))


def layout_of(model: Model) -> tuple[Local, bool]:
    """How a model's elements are laid out, and whether their middle nodes are condensed."""
    mesh = model.mesh
    # a prescribed or tied middle node stays with the others
    condensed = mesh.element == "quad9" and bool(_own(model)[1][mesh.cells[:, 8]].all())
    return local_layout(mesh.info.nodes, model.kinematics.globals_, 8 if condensed else None), condensed


def _own(model: Model) -> tuple[IntArray, BoolArray]:
    """The nodes' unknowns (N, 2), -1 for prescribed ones, and which of them are no other node's."""
    constraints = model.constraints
    equation = constraints.equation
    nodal = equation[: 2 * len(model.mesh.points)].reshape(-1, 2)
    return nodal, (nodal >= 0) & (np.append(np.bincount(equation[equation >= 0], minlength=constraints.count), 0)[nodal] == 1)


def make_pattern(model: Model) -> Pattern:
    """Order and places of a model's matrix. Raises NumericsError where an unknown belongs to no element."""
    mesh, constraints = model.mesh, model.constraints
    equation, count, nodes = constraints.equation, constraints.count, len(mesh.points)
    nodal, single = _own(model)
    local, condensed = layout_of(model)
    inner = nodal[mesh.cells[:, 8]] if condensed else np.empty((0, 2), dtype=np.int64)

    # blocks: nodes with an unknown of their own, then tied unknowns and those of the kinematics
    owner = np.asarray(single.any(axis=1))
    if condensed:
        owner[mesh.cells[:, 8]] = False
    block_of_node = np.where(owner, np.cumsum(owner) - 1, -1)
    block, slot = np.full(count, -1), np.zeros(count, dtype=np.int64)
    for component in range(2):
        mine = owner & single[:, component]
        block[nodal[mine, component]] = block_of_node[mine]
        slot[nodal[mine, component]] = component
    shared = block < 0
    shared[inner] = False
    blocks = int(owner.sum())
    block[shared] = blocks + np.arange(int(shared.sum()))
    blocks += int(shared.sum())

    # elimination order
    code = cell_codes(mesh)
    node_low, node_high = spans(mesh.cells[:, :8] if condensed else mesh.cells, code, nodes)
    low, high = np.zeros(blocks, dtype=np.int64), np.full(blocks, int(code.max(initial=0)))
    low[block_of_node[owner]], high[block_of_node[owner]] = node_low[owner], node_high[owner]
    tied = np.flatnonzero((nodal.ravel() >= 0) & ~single.ravel())
    if len(tied):
        to = block[nodal.ravel()[tied]]
        low[to], high[to] = np.iinfo(np.int64).max, -1
        np.minimum.at(low, to, node_low[tied // 2])
        np.maximum.at(high, to, node_high[tied // 2])
    if np.any(high < 0):
        raise NumericsError("a node belongs to no element: is the body held everywhere?")
    rank = np.empty(blocks, dtype=np.int64)
    rank[nested_dissection(low, high)] = np.arange(blocks)
    place = np.where(block >= 0, 2 * rank[block] + slot, -1)
    unknown = np.full(2 * blocks, count)
    unknown[place[place >= 0]] = np.flatnonzero(place >= 0)

    # where each element's unknowns stand
    of_dof = np.append(place, -1)[equation]
    kept = of_dof[: 2 * nodes].reshape(-1, 2)[mesh.cells[:, local.nodal]].reshape(len(mesh.cells), -1)
    if len(local.kept) > kept.shape[1]:
        more = np.append(of_dof[2 * nodes :], np.full(local.width - 2 * mesh.info.nodes - model.kinematics.globals_, -1))
        kept = np.column_stack([kept, np.broadcast_to(more, (len(kept), len(more)))])

    # whole blocks between nodes whose unknowns are both their own; entry by entry for all others
    whole = owner & single.all(axis=1)
    rank_of_node = np.where(whole, rank[block_of_node], -1).astype(np.int32)
    at = np.full((len(mesh.cells), len(local.kept) // 2), -1, dtype=np.int32)
    at[:, : len(local.nodal)] = rank_of_node[mesh.cells[:, local.nodal]]
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
        constraints=constraints,
        local=local,
        place=place,
        unknown=unknown,
        inner=inner,
        kept=np.where(kept < 0, 2 * blocks, kept) if condensed else kept[:0],
        indptr=indptr,
        indices=column,
        sums=sums,
        flipped=flipped.reshape(-1, local.pairs),
        source=source,
        target=4 * target + 2 * (first % 2) + second % 2,
        times=times,
    )


def _single_entries(broken: IntArray, kept: IntArray, local: Local) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Entries of the ``broken`` pairs one by one: flat position in the elements' blocks, row <= column, and how often each counts."""
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
    """Order that sorts (row, column) by counting, where each distinct pair begins in it, and the distinct pairs; row n is dropped."""
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
        sp.csc_matrix((np.ones(count, dtype=np.int8), key, np.arange(count + 1, dtype=np.int32)), shape=(n, count)).tocsr().indices
    )


def _sums(order: Int32Array, start: IntArray, total: int, singles: int) -> tuple[sp.csr_matrix, IntArray]:
    """Sums of the elements' whole blocks (blocks, total), and to which block each of the ``singles`` listed after them belongs."""
    indptr, target = np.append(start, len(order)), np.empty(singles, dtype=np.int64)
    if singles:
        at = np.flatnonzero(order >= total)
        run = np.searchsorted(start, at, side="right") - 1
        target[order[at] - total] = run
        order = np.delete(order, at)
        indptr[1:] -= np.cumsum(np.bincount(run, minlength=len(start)))
    return sp.csr_matrix((np.ones(len(order)), order, indptr.astype(np.int32)), shape=(len(start), total)), target
