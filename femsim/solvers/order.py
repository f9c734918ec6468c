"""Geometric nested dissection: an elimination order from the cells' coordinates, for structured and imported meshes
alike.

Cells are halved again and again along the direction in which they span more distinct grid lines (counted in ranks, so
grading does not matter). An unknown shared by both halves of a cut belongs to its separator and is eliminated after
them (George 1973, SIAM J. Numer. Anal. 10, 345). A halving never parts the cells of one grid column, so on a structured
mesh every separator is a grid line.
"""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import IntArray
from femsim.meshes.mesh import Mesh
from femsim.solvers.dissection import best_codes

#: cells a leaf of the dissection may hold
LEAF = 4
#: cells of a body in space that cuts are searched among (seven seconds on one core)
SEARCHED = 100_000


def nested_dissection(low: IntArray, high: IntArray) -> IntArray:
    """Elimination order of things that touch cells with codes from ``low`` to ``high`` (n,): positions of the first to
    the last.

    Each cell's way through the halvings is a binary code (:func:`cell_codes`). Something whose cells' codes run from
    ``low`` to ``high`` sits in the separator of their longest common prefix; sorting by the end of that prefix's
    interval, deeper prefixes first, is the tree's post-order.
    """
    # number of trailing bits that differ: the height of the separator's subtree
    height = np.frexp((low ^ high).astype(np.float64))[1].astype(np.int64)
    end = ((high >> height) + 1) << height
    return np.asarray(np.argsort(end * 64 + height, kind="stable"))


def spans(cells: IntArray, code: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Smallest and largest code (count,) among the cells that each node of ``cells`` (E, n) belongs to."""
    low = np.full(count, np.iinfo(np.int64).max)
    high = np.full(count, -1, dtype=np.int64)
    repeated = np.repeat(code, cells.shape[1])
    np.minimum.at(low, cells.ravel(), repeated)
    np.maximum.at(high, cells.ravel(), repeated)
    return low, high


def cell_codes(mesh: Mesh) -> IntArray:
    """Binary code (E,) per cell: which half it fell into at each halving; of bodies in space by
    :mod:`femsim.solvers.dissection` up to SEARCHED cells.
    """
    if mesh.dim == 3 and len(mesh.cells) <= SEARCHED:
        return best_codes(mesh)
    corners = mesh.points[mesh.cells[:, : mesh.info.corners]]
    centre = corners.mean(axis=1)
    extent = mesh.extent or 1.0
    rank = np.column_stack(
        [np.unique(np.round(centre[:, k] / extent, 12), return_inverse=True)[1] for k in range(mesh.dim)]
    )
    count = len(centre)
    depth = max(int(np.ceil(np.log2(max(count / LEAF, 1.0)))), 0)
    code = np.zeros(count, dtype=np.int64)
    for _ in range(depth):
        groups = int(code.max()) + 1
        code = 2 * code + _upper_half(code, rank, groups)
    return code


def _upper_half(code: IntArray, rank: IntArray, groups: int) -> IntArray:
    """1 for the cells beyond the middle grid line of their group, along the group's longer direction."""
    dim = rank.shape[1]
    low = np.full((groups, dim), np.iinfo(np.int64).max)
    high = np.full((groups, dim), -1, dtype=np.int64)
    for k in range(dim):
        np.minimum.at(low[:, k], code, rank[:, k])
        np.maximum.at(high[:, k], code, rank[:, k])
    along = np.argmax(high - low, axis=1)
    key = rank[np.arange(len(code)), along[code]]
    order = np.lexsort((key, code))
    size = np.bincount(code, minlength=groups)
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    middle = np.zeros(groups, dtype=np.int64)
    filled = size > 0
    middle[filled] = key[order[start[filled] + size[filled] // 2]]
    return np.asarray(key >= middle[code], dtype=np.int64)
