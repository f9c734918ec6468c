"""Which unknown stands where: blocks of as many unknowns as a node has, in elimination order, and which unknowns are
condensed into their element.

A node's unknowns make one block. A tied unknown, one that a line shares and an unknown of the kinematics' own have a
block each; where a block has fewer unknowns than slots, the others are vacant. The middle nodes of elements that have
one (quad9), which couple with their own element only, have none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import BoolArray, IntArray
from femsim.base.errors import NumericsError
from femsim.models.space import LINKED, Space
from femsim.solvers.order import cell_codes, nested_dissection, spans


@dataclass(frozen=True)
class Numbering:
    """Places of a space's unknowns.

    ``place`` (n,) is each unknown's position in the vector of ``blocks`` of ``width`` unknowns, -1 for the condensed
    ones; ``unknown`` (width blocks,) is the reverse, n at a vacant slot; ``inner`` (E, width) or (0, width) are the
    unknowns condensed into their element; ``whole`` (N,) is the block of a node whose unknowns are all its own, -1 for
    others.
    """

    width: int
    place: IntArray
    unknown: IntArray
    inner: IntArray
    whole: IntArray

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(self.unknown) // self.width


def condensed_node(space: Space) -> int | None:
    """The elements' middle node where it is condensed; one that is held, tied or linked, and all stay with the
    others.
    """
    middle = space.mesh.info.middle
    if middle is None or not _own(space)[1][space.mesh.cells[:, middle]].all():
        return None
    links = space.constraints.links
    if len(links.equation):
        owner = space.constraints.equation[: space.nodal].reshape(-1, space.width)[space.mesh.cells[:, middle]]
        if np.isin(owner, links.equation).any():
            return None
    return middle


def _own(space: Space) -> tuple[IntArray, BoolArray]:
    """The nodes' unknowns (N, width), negative for held and linked ones, and which of them are no other node's."""
    equation, count = space.constraints.equation, space.constraints.count
    nodal = equation[: space.nodal].reshape(-1, space.width)
    users = np.append(np.bincount(equation[equation >= 0], minlength=count), [0, 0])
    return nodal, (nodal >= 0) & (users[nodal] == 1)


def number_unknowns(space: Space, middle: int | None) -> Numbering:
    """Number a space's unknowns by nested dissection of its blocks, the elements' node ``middle`` condensed.

    Raises NumericsError where an unknown belongs to no element.
    """
    mesh, count, width = space.mesh, space.constraints.count, space.width
    nodal, single = _own(space)
    owner = np.asarray(single.any(axis=1))
    if middle is not None:
        owner[mesh.cells[:, middle]] = False

    # blocks of nodes that have an unknown of their own, then of tied unknowns and those of the kinematics
    own = int(owner.sum())
    block_of_node = np.where(owner, np.cumsum(owner) - 1, -1)
    block, slot = np.full(count, -1), np.zeros(count, dtype=np.int64)
    for component in range(width):
        mine = owner & single[:, component]
        block[nodal[mine, component]] = block_of_node[mine]
        slot[nodal[mine, component]] = component
    inner = nodal[mesh.cells[:, middle]] if middle is not None else np.empty((0, width), dtype=np.int64)
    shared = block < 0
    shared[inner] = False
    blocks = own + int(shared.sum())
    block[shared] = np.arange(own, blocks)

    # unknowns of the kinematics touch all elements, tied and linked ones those of all their nodes
    code = cell_codes(mesh)
    kept = mesh.cells if middle is None else np.delete(mesh.cells, middle, axis=1)
    node_low, node_high = spans(kept, code, len(mesh.points))
    if len(space.joined):  # nodes that act on each other stand where one node in their place would
        one, two = space.joined.T
        np.minimum.at(node_low, one, node_low[two])
        np.maximum.at(node_high, one, node_high[two])
        node_low[two], node_high[two] = node_low[one], node_high[one]
    low, high = np.zeros(blocks, dtype=np.int64), np.full(blocks, int(code.max(initial=0)))
    low[:own], high[:own] = node_low[owner], node_high[owner]
    tied = np.flatnonzero((nodal.ravel() >= 0) & ~single.ravel())
    links = space.constraints.links
    to = np.concatenate([block[nodal.ravel()[tied]], block[links.equation]])
    node = np.concatenate([tied, links.dof]) // width
    if len(to):
        fresh = to[to >= own]
        low[fresh], high[fresh] = np.iinfo(np.int64).max, -1
        np.minimum.at(low, to, node_low[node])
        np.maximum.at(high, to, node_high[node])
    if np.any(high < 0):
        raise NumericsError("a node belongs to no element: is the body held everywhere?")

    rank = np.empty(blocks, dtype=np.int64)
    rank[nested_dissection(low, high)] = np.arange(blocks)
    place = np.where(block >= 0, width * rank[block] + slot, -1)
    unknown = np.full(width * blocks, count)
    unknown[place[place >= 0]] = np.flatnonzero(place >= 0)
    return Numbering(width, place, unknown, inner, np.where(owner & single.all(axis=1), rank[block_of_node], -1))


def terms_of(space: Space, place: IntArray) -> tuple[IntArray, IntArray, np.ndarray]:
    """The places and coefficients that make each degree of freedom, row by row: starts (ndof + 1,), places, values.

    A free one has its own place, a linked one those of its combination, a held one none.
    """
    equation, links = space.constraints.equation, space.constraints.links
    count = (equation >= 0).astype(np.int64)
    np.add.at(count, links.dof, 1)
    start = np.concatenate([[0], np.cumsum(count)])
    places, values = np.empty(start[-1], dtype=np.int64), np.ones(start[-1])
    free = np.flatnonzero(equation >= 0)
    places[start[free]] = place[equation[free]]
    order = np.argsort(links.dof, kind="stable")
    linked = equation[links.dof[order]] == LINKED
    order = order[linked]
    dof = links.dof[order]
    within = np.arange(len(dof)) - np.searchsorted(dof, dof)
    places[start[dof] + within] = place[links.equation[order]]
    values[start[dof] + within] = links.coefficient[order]
    return start, places, values
