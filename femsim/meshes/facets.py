"""Edges of a mesh: which cells they part, which are outer, and the connected parts of a body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import IntArray
from femsim.meshes.mesh import Mesh


def parts_of(mesh: Mesh) -> tuple[int, IntArray]:
    """Number of parts that hang together, and the part of each node (N,)."""
    count, cells = len(mesh.points), mesh.cells
    # each cell follows the first cell at any of its nodes: if these chains end at one cell, there is one part
    first = np.full(count, len(cells))
    np.minimum.at(first, cells.ravel(), np.repeat(np.arange(len(cells)), cells.shape[1]))
    if int(np.sum(first[cells].min(axis=1) == np.arange(len(cells)))) == 1 and first.max(initial=0) < len(cells):
        return 1, np.zeros(count, dtype=np.int64)
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([cells[:, [0, k]] for k in range(1, cells.shape[1])])
    graph = coo_matrix((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    parts, label = connected_components(graph, directed=False)
    return int(parts), label.astype(np.int64)


@dataclass(frozen=True)
class Edges:
    """All distinct edges of a mesh: nodes (F, 2 or 3), the cells on either side (F, 2; -1 for none) and the local edge
    in each.
    """

    nodes: IntArray
    cells: IntArray
    local: IntArray


def edges_of(mesh: Mesh) -> Edges:
    """Distinct edges of a mesh, each with its one or two cells; the first cell sees the edge's nodes
    counter-clockwise.
    """
    info = mesh.info
    count = len(mesh.cells)
    nodes = np.concatenate([mesh.cells[:, list(edge)] for edge in info.edges])
    cell = np.tile(np.arange(count), len(info.edges))
    local = np.repeat(np.arange(len(info.edges)), count)
    low, high = np.minimum(nodes[:, 0], nodes[:, 1]), np.maximum(nodes[:, 0], nodes[:, 1])
    key = low * np.int64(len(mesh.points)) + high
    order = np.argsort(key, kind="stable")
    first = np.ones(len(order), dtype=bool)
    first[1:] = key[order][1:] != key[order][:-1]
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, len(order)))
    one = order[starts]
    two = np.where(sizes > 1, order[np.minimum(starts + 1, len(order) - 1)], -1)
    cells = np.column_stack([cell[one], np.where(two >= 0, cell[two], -1)])
    locals_ = np.column_stack([local[one], np.where(two >= 0, local[two], -1)])
    return Edges(nodes[one], cells, locals_)


def find_edges(mesh: Mesh, edges: Edges, wanted: IntArray) -> IntArray:
    """Positions in ``edges`` of the edges ``wanted`` (K, >=2), by their two ends; -1 where the mesh has no such
    edge.
    """
    scale = np.int64(len(mesh.points))
    key = np.min(edges.nodes[:, :2], axis=1) * scale + np.max(edges.nodes[:, :2], axis=1)
    ask = np.min(wanted[:, :2], axis=1) * scale + np.max(wanted[:, :2], axis=1)
    at = np.minimum(np.searchsorted(key, ask), len(key) - 1)
    return np.where(key[at] == ask, at, -1)
