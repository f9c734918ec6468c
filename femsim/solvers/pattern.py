"""The places of a matrix's entries: where each element's entries go in a matrix of blocks as wide as a node.

Blocks of nodes are a quarter (a ninth) of the index work that single entries are. A vacant slot of a block
(:mod:`femsim.solvers.numbering`) gets a diagonal entry of its own. All this depends on mesh and constraints alone and
serves every matrix made on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import BoolArray, FloatArray, Int32Array, IntArray
from femsim.base.errors import NumericsError
from femsim.models.space import Constraints, Space
from femsim.solvers.numbering import Numbering, condensed_node, number_unknowns, terms_of


@dataclass(frozen=True)
class Local:
    """How an element's stiffness is laid out: ``pairs`` of nodes p <= q, each a block of ``block`` x ``block`` entries,
    then what the condensation needs.

    Unknowns are counted as in :meth:`femsim.models.space.Space.element_dofs`, padded to a multiple of the block,
    ``width``. ``entries`` are positions in the (width, width) matrix: blocks (pairs, block, block), middle with kept
    unknowns (block, kept), middle with itself (block, block). ``update`` picks the blocks' entries from a matrix (kept,
    kept).
    """

    block: int
    width: int
    middle: int | None
    nodal: IntArray  # nodes of the mesh's cells that stay
    kept: IntArray  # unknowns that stay
    first: IntArray  # the pairs' nodes, counted among those that stay
    second: IntArray
    entries: IntArray
    update: IntArray

    @property
    def condensed(self) -> bool:
        """Whether a middle node is condensed."""
        return self.middle is not None

    @property
    def pairs(self) -> int:
        """Number of pairs of nodes."""
        return len(self.first)


@lru_cache(maxsize=32)
def local_layout(block: int, count: int, globals_: int, middle: int | None) -> Local:
    """Layout for elements with so many nodes of ``block`` unknowns and unknowns of the kinematics, ``middle`` being the
    node that is condensed.
    """
    unknowns = block * count + globals_
    width = unknowns + -unknowns % block
    nodes = np.array([node for node in range(width // block) if node != middle], dtype=np.int64)
    first, second = np.triu_indices(len(nodes))
    kept = (block * nodes[:, None] + np.arange(block)).ravel()
    inner = np.arange(block)
    row = block * first[:, None] + np.repeat(inner, block)
    column = block * second[:, None] + np.tile(inner, block)
    entries = [(kept[row] * width + kept[column]).ravel()]
    if middle is not None:
        own = block * middle + inner
        entries += [(own[:, None] * width + kept).ravel(), (own[:, None] * width + own).ravel()]
    update = (row * len(kept) + column).ravel()
    return Local(block, width, middle, nodes[nodes < count], kept, first, second, np.concatenate(entries), update)


@dataclass(frozen=True)
class Pattern:
    """What matrices of one mesh and one set of constraints share.

    The upper triangle has the block rows ``indptr`` and columns ``indices``. Whole blocks are ``sums`` (blocks, E
    pairs) times the elements' blocks, those that are ``flipped`` (E, pairs) being turned over before. Single entries of
    bound nodes are added from ``source`` (flat in the elements' blocks) to ``target`` (flat in the matrix's), times
    ``times``: the product of the links' coefficients, and 2 where K_ij and K_ji of two tied unknowns both land on the
    diagonal. ``kept`` (E, k) are where the unknowns that condensed elements keep stand, among the places or, where
    there are links, among the degrees of freedom that ``spread`` makes of them; none where nothing is condensed.
    """

    constraints: Constraints
    numbering: Numbering
    local: Local
    kept: IntArray
    spread: sp.csr_matrix | None
    indptr: Int32Array
    indices: Int32Array
    sums: sp.csr_matrix
    flipped: BoolArray
    source: IntArray
    target: IntArray
    times: FloatArray

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return self.numbering.blocks

    @property
    def vacant(self) -> IntArray:
        """Slots without an unknown."""
        return np.flatnonzero(self.numbering.unknown == len(self.numbering.place))

    @cached_property
    def whole(self) -> Share:
        """The share of all cells."""
        return Share(np.arange(len(self.flipped)), self.sums, self.flipped, self.source, self.target, self.times)

    def share(self, cells: IntArray) -> Share:
        """The share of some cells, in ascending order."""
        pairs, entries = self.local.pairs, self.local.pairs * self.local.block**2
        columns = (pairs * cells[:, None] + np.arange(pairs)).ravel()
        cell, within = np.divmod(self.source, entries)
        place = np.full(len(self.flipped), -1, dtype=np.int64)
        place[cells] = np.arange(len(cells))
        mine = np.flatnonzero(place[cell] >= 0)
        return Share(
            cells,
            self.sums.tocsc()[:, columns].tocsr(),
            self.flipped[cells],
            entries * place[cell[mine]] + within[mine],
            self.target[mine],
            self.times[mine],
        )


@dataclass(frozen=True)
class Share:
    """What some ``cells`` have in the matrices of a pattern: sums, flips and single entries as there, counted in these
    cells' blocks.
    """

    cells: IntArray
    sums: sp.csr_matrix
    flipped: BoolArray
    source: IntArray
    target: IntArray
    times: FloatArray


def layout_of(space: Space) -> Local:
    """How a space's elements are laid out."""
    return local_layout(space.width, space.mesh.info.nodes, space.kinematics.globals_, condensed_node(space))


def make_pattern(space: Space, local: Local | None = None) -> Pattern:
    """Order and places of a space's matrices; ``local`` of :func:`layout_of`, where it is known already.

    Raises NumericsError where an unknown belongs to no element.
    """
    local, cells = local or layout_of(space), space.mesh.cells
    numbering, width = number_unknowns(space, local.middle), space.width
    blocks = numbering.blocks
    dofs = _kept_dofs(space, local)
    linked = bool(len(space.constraints.links.dof))

    # whole blocks between nodes whose unknowns are all their own; entry by entry for all others
    at = np.full((len(cells), len(local.kept) // width), -1, dtype=np.int32)
    at[:, : len(local.nodal)] = numbering.whole.astype(np.int32)[cells[:, local.nodal]]
    a, b = np.take(at, local.first, axis=1).ravel(), np.take(at, local.second, axis=1).ravel()
    flipped = a > b
    row, column = np.minimum(a, b), np.maximum(a, b)
    del a, b
    broken = np.flatnonzero(row < 0)
    source, first, second, times = _single_entries(space, numbering, broken, dofs, local)
    if len(broken):
        flipped[broken] = False
        # they are sorted behind the last row and left out there
        row[broken], column[broken] = blocks, 0
        row = np.append(row, (first // width).astype(np.int32))
        column = np.append(column, (second // width).astype(np.int32))
    order, start, row, column = _runs(row, column, blocks)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=blocks))]).astype(np.int32)
    if len(column) < blocks or not np.array_equal(column[indptr[:-1]], np.arange(blocks)):
        raise NumericsError("a node belongs to no element: is the body held everywhere?")
    sums, target = _sums(order, start, len(flipped), len(source))
    kept = dofs[:0]
    if local.condensed:
        kept = dofs if linked else _places(space, numbering)[dofs]
    return Pattern(
        constraints=space.constraints,
        numbering=numbering,
        local=local,
        kept=kept,
        spread=_spread(space, numbering) if linked and local.condensed else None,
        indptr=indptr,
        indices=column,
        sums=sums,
        flipped=flipped.reshape(-1, local.pairs),
        source=source,
        target=width * width * target + width * (first % width) + second % width,
        times=times,
    )


def _kept_dofs(space: Space, local: Local) -> IntArray:
    """Degrees of freedom (E, k) of the elements' unknowns that stay, ndof for padding."""
    cells, width = space.mesh.cells, space.width
    kept = (width * cells[:, local.nodal, None] + np.arange(width)).reshape(len(cells), -1)
    missing = len(local.kept) - kept.shape[1]
    if not missing:
        return np.asarray(kept)
    more = np.full(missing, space.ndof)
    more[: space.kinematics.globals_] = space.nodal + np.arange(space.kinematics.globals_)
    return np.column_stack([kept, np.broadcast_to(more, (len(kept), missing))])


def _places(space: Space, numbering: Numbering) -> IntArray:
    """Place of every degree of freedom and of the padding (ndof + 1,); held ones stand behind the last place."""
    behind = len(numbering.unknown)
    of_dof = np.append(numbering.place, [-1, -1])[np.append(space.constraints.equation, -1)]
    return np.asarray(np.where(of_dof < 0, behind, of_dof))


def _spread(space: Space, numbering: Numbering) -> sp.csr_matrix:
    """Degrees of freedom and padding (ndof + 1,) from values at places (with a zero behind the last)."""
    start, places, values = terms_of(space, numbering.place)
    keep = places >= 0
    row = np.repeat(np.arange(space.ndof), np.diff(start))[keep]
    return sp.csr_matrix((values[keep], (row, places[keep])), shape=(space.ndof + 1, len(numbering.unknown) + 1))


def _single_entries(
    space: Space, numbering: Numbering, broken: IntArray, dofs: IntArray, local: Local
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Entries of the ``broken`` pairs one by one: flat position in the elements' blocks, row <= column, and how often
    each counts.
    """
    if not len(broken):
        nothing = np.empty(0, dtype=np.int64)
        return nothing, nothing, nothing, np.empty(0)
    cell, pair = np.divmod(broken, local.pairs)
    p, q, width = local.first[pair], local.second[pair], local.block
    start, places, values = terms_of(space, numbering.place)
    start = np.append(start, start[-1])  # the padding has no terms
    rows, columns, sources, times = [], [], [], []
    for s in range(width):
        for t in range(width):
            i, j = width * p + s, width * q + t
            upper = np.flatnonzero(i <= j)  # of a node's own block the upper entries only
            a, b = dofs[cell[upper], i[upper]], dofs[cell[upper], j[upper]]
            many_a, many_b = start[a + 1] - start[a], start[b + 1] - start[b]
            of = np.repeat(np.arange(len(upper)), many_a * many_b)
            within = np.arange(len(of)) - np.repeat(np.cumsum(many_a * many_b) - many_a * many_b, many_a * many_b)
            term_a, term_b = start[a[of]] + within // many_b[of], start[b[of]] + within % many_b[of]
            same = (i == j)[upper][of]
            keep = ~same | (term_a <= term_b)  # K_ii of a combination: each pair of its terms once
            of, term_a, term_b, same = of[keep], term_a[keep], term_b[keep], same[keep]
            one, two = places[term_a], places[term_b]
            rows.append(np.minimum(one, two))
            columns.append(np.maximum(one, two))
            sources.append(width * width * broken[upper][of] + width * s + t)
            # two tied unknowns of one element: K_ij and K_ji both land on the diagonal
            twice = (one == two) & (~same | (term_a != term_b))
            times.append(values[term_a] * values[term_b] * np.where(twice, 2.0, 1.0))
    return np.concatenate(sources), np.concatenate(rows), np.concatenate(columns), np.concatenate(times)


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
