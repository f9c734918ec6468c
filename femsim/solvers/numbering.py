"""Which unknown stands where: blocks of two unknowns in elimination order, and which unknowns are condensed into their
element.

A node's two unknowns make one block. A tied unknown and an unknown of the kinematics' own have a block each; where a
block has one unknown only, the other slot is vacant. The middle nodes of quad9 elements, which couple with their own
element only, have none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import BoolArray, IntArray
from femsim.base.errors import NumericsError
from femsim.models.model import Model
from femsim.solvers.order import cell_codes, nested_dissection, spans


@dataclass(frozen=True)
class Numbering:
    """Places of a model's unknowns.

    ``place`` (n,) is each unknown's position in the vector of ``blocks`` pairs, -1 for the condensed ones; ``unknown``
    (2 blocks,) is the reverse, n at a vacant slot; ``inner`` (E, 2) or (0, 2) are the unknowns condensed into their
    element; ``whole`` (N,) is the block of a node whose two unknowns are both its own, -1 for others.
    """

    place: IntArray
    unknown: IntArray
    inner: IntArray
    whole: IntArray

    @property
    def blocks(self) -> int:
        """Number of blocks of two unknowns."""
        return len(self.unknown) // 2


def condenses(model: Model) -> bool:
    """Whether the elements' middle nodes are condensed; one that is prescribed or tied, and all stay with the
    others.
    """
    mesh = model.mesh
    return mesh.element == "quad9" and bool(_own(model)[1][mesh.cells[:, 8]].all())


def _own(model: Model) -> tuple[IntArray, BoolArray]:
    """The nodes' unknowns (N, 2), -1 for prescribed ones, and which of them are no other node's."""
    constraints = model.constraints
    equation = constraints.equation
    nodal = equation[: 2 * len(model.mesh.points)].reshape(-1, 2)
    return nodal, (nodal >= 0) & (
        np.append(np.bincount(equation[equation >= 0], minlength=constraints.count), 0)[nodal] == 1
    )


def number_unknowns(model: Model, condensed: bool) -> Numbering:
    """Number a model's unknowns by nested dissection of its blocks, the middle nodes' ``condensed`` or not.

    Raises NumericsError where an unknown belongs to no element.
    """
    mesh, count = model.mesh, model.constraints.count
    nodal, single = _own(model)
    owner = np.asarray(single.any(axis=1))
    if condensed:
        owner[mesh.cells[:, 8]] = False

    # blocks of nodes that have an unknown of their own, then of tied unknowns and those of the kinematics
    own = int(owner.sum())
    block_of_node = np.where(owner, np.cumsum(owner) - 1, -1)
    block, slot = np.full(count, -1), np.zeros(count, dtype=np.int64)
    for component in range(2):
        mine = owner & single[:, component]
        block[nodal[mine, component]] = block_of_node[mine]
        slot[nodal[mine, component]] = component
    inner = nodal[mesh.cells[:, 8]] if condensed else np.empty((0, 2), dtype=np.int64)
    shared = block < 0
    shared[inner] = False
    blocks = own + int(shared.sum())
    block[shared] = np.arange(own, blocks)

    # unknowns of the kinematics touch all elements, tied ones those of all their nodes
    code = cell_codes(mesh)
    node_low, node_high = spans(mesh.cells[:, :8] if condensed else mesh.cells, code, len(mesh.points))
    low, high = np.zeros(blocks, dtype=np.int64), np.full(blocks, int(code.max(initial=0)))
    low[:own], high[:own] = node_low[owner], node_high[owner]
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
    return Numbering(place, unknown, inner, np.where(owner & single.all(axis=1), rank[block_of_node], -1))
