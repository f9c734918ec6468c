"""Nested dissection of bodies in space: of many surfaces that may halve the cells the one with the fewest nodes.

Every group of cells is parted where, in the order of one of the candidates, the cut has the smallest

    |S| / min(f, 1 - f)^(1/2),

S its separator (the nodes that cells of both parts have, less those of cuts before) and f the part of the cells below:
a smaller separator may part less evenly. Candidates are planes x, y, z, x + y and x - y = const and the cylinders about
the axes of all circles that the mesh has as named lines. On swept plans, whose cells lie along such circles, the
factors have a fifth fewer operations than by METIS (Karypis and Kumar 1998, SIAM J. Sci. Comput. 20, 359), which
knows no geometry. The idea of separators by geometry is George's (1973, SIAM J. Numer. Anal. 10, 345).
"""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.meshes.mesh import Mesh

#: cells, and nodes, that a group is no more parted at
LEAF, FEW = 4, 40
#: the least part of the cells on one side of a cut
LEAST = 0.2
#: halvings at most: codes are numbers of 64 bits
DEEPEST = 44
#: axes of circles that are tried at most
AXES = 8
#: a named line is a circle if its points are this close to it, in radii
ROUND = 1.0e-3


def best_codes(mesh: Mesh) -> IntArray:
    """Binary code (E,) per cell: which part it fell into at each cut, the first cut as the leading digit."""
    kept = np.arange(mesh.cells.shape[1])
    if mesh.info.middle is not None:
        kept = np.delete(kept, mesh.info.middle)
    cells, count = mesh.cells[:, kept], len(mesh.cells)
    keys = _candidates(mesh)
    code, depth = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    free = np.ones(len(mesh.points), dtype=bool)  # in no separator yet
    place = np.full(len(mesh.points), -1)
    groups = [np.arange(count)]
    while groups:
        own = groups.pop()
        nodes = np.unique(cells[own])
        nodes = nodes[free[nodes]]
        level = depth[own[0]]
        if len(own) <= LEAF or len(nodes) <= FEW or level >= DEEPEST:
            continue
        place[nodes] = np.arange(len(nodes))
        local = place[cells[own]]
        local[~free[cells[own]]] = -1
        above, separator = _cut(local, len(nodes), keys[:, own])
        free[nodes[separator]] = False
        code[own] = 2 * code[own] + above
        depth[own] = level + 1
        groups += [own[above], own[~above]]
    return np.asarray(code << (depth.max(initial=0) - depth))


def _candidates(mesh: Mesh) -> FloatArray:
    """Values (k, E) at the cells' centres, one candidate a row."""
    x, y, z = mesh.centres.T
    found = [x, y, z, x + y, x - y]
    return np.array(found + [np.hypot(x - a, y - b) for a, b in _axes(mesh)])


def _axes(mesh: Mesh) -> FloatArray:
    """Places (k, 2) of the axes along z of the circles among the named lines, by least squares (Kasa 1976, IEEE Trans.
    Instrum. Meas. 25, 8).
    """
    found = []
    for line in mesh.lines.values():
        points = mesh.points[np.unique(line[:, :2])]
        if len(points) < 4 or np.ptp(points[:, 2]) > mesh.near:
            continue
        middle = points[:, :2].mean(axis=0)
        plan = points[:, :2] - middle
        if np.linalg.matrix_rank(plan, 1e-6 * np.abs(plan).max()) < 2:
            continue  # straight
        a, b, c = np.linalg.lstsq(np.column_stack([2.0 * plan, np.ones(len(plan))]), (plan**2).sum(axis=1))[0]
        radius = np.sqrt(c + a * a + b * b)
        if np.abs(np.hypot(*(plan - (a, b)).T) - radius).max() <= ROUND * radius:
            found.append(middle + np.array([a, b]))
    if not found:
        return np.empty((0, 2))
    _, first = np.unique(np.round(np.array(found) / max(mesh.extent, 1e-300), 6), axis=0, return_index=True)
    return np.array(found)[np.sort(first)[:AXES]]


def _cut(local: IntArray, nodes: int, keys: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Which cells (E,) lie above the best cut, and which of the ``nodes`` it separates; ``local`` (E, n) are the cells'
    nodes, -1 for those that do not count, ``keys`` (k, E) the candidates.
    """
    count = len(local)
    counts = local >= 0
    used, owner = local[counts], np.nonzero(counts)[0]
    order = np.argsort(used, kind="stable")
    used, owner = used[order], owner[order]
    start = np.flatnonzero(np.diff(used, prepend=-1))
    least = min(int(LEAST * count) + 1, count // 2)
    cuts = np.arange(least, count - least + 1)
    share = np.minimum(cuts, count - cuts) / count
    best: tuple[float, BoolArray, BoolArray] | None = None
    for key in keys:
        rank = np.empty(count, dtype=np.int64)
        rank[np.argsort(key, kind="stable")] = np.arange(count)
        first, last = np.minimum.reduceat(rank[owner], start), np.maximum.reduceat(rank[owner], start)
        # a cut at p, below it the cells of rank < p, separates the nodes with first < p <= last
        opened, closed = np.bincount(first + 1, minlength=count + 2), np.bincount(last + 1, minlength=count + 2)
        cost = np.cumsum(opened - closed)[cuts] / np.sqrt(share)
        at = int(np.argmin(cost))
        if best is None or cost[at] < best[0]:
            best = float(cost[at]), rank >= cuts[at], (first < cuts[at]) & (last >= cuts[at])
    assert best is not None
    separated = np.zeros(nodes, dtype=bool)
    separated[used[start]] = best[2]
    return best[1], separated
