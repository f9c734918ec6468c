"""Doubled nodes: a mesh cut open along interfaces of regions, so that a field may jump there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import IntArray
from femsim.meshes.facets import Edges
from femsim.meshes.mesh import Mesh


@dataclass(frozen=True)
class Opened:
    """A mesh cut along interfaces: the same cells on more nodes, each node's number in the whole mesh (N,), and pairs
    (K, 2) of nodes at one place, the first of a place with every other.
    """

    mesh: Mesh
    origin: IntArray
    joined: IntArray


def interface(mesh: Mesh, edges: Edges, first: str, second: str) -> IntArray:
    """Positions in ``edges`` of those between two regions."""
    pair = {mesh.regions.index(first), mesh.regions.index(second)}
    inner = edges.cells[:, 1] >= 0
    a, b = mesh.region[edges.cells[:, 0]], mesh.region[edges.cells[:, 1]]
    low, high = min(pair), max(pair)
    return np.flatnonzero(inner & (np.minimum(a, b) == low) & (np.maximum(a, b) == high))


def opened(mesh: Mesh, edges: Edges, cut: IntArray) -> Opened:
    """The mesh with a copy of each node on the edges ``cut`` for each of the parts that its cells fall into.

    Cells around a node belong to one part where they share an edge at that node that is not cut; so the end of a cut
    inside the body keeps one node.
    """
    count = len(mesh.points)
    if not len(cut):
        return Opened(mesh, np.arange(count), np.empty((0, 2), dtype=np.int64))
    touched = np.zeros(count, dtype=bool)
    touched[edges.nodes[cut]] = True
    # corners: places (cell, local node) of touched nodes; joined through edges that are not cut
    cell, local = np.nonzero(touched[mesh.cells])
    number = np.full(mesh.cells.shape, -1, dtype=np.int64)
    number[cell, local] = np.arange(len(cell))
    whole = np.ones(len(edges.nodes), dtype=bool)
    whole[cut] = False
    inner = np.flatnonzero(whole & (edges.cells[:, 1] >= 0) & touched[edges.nodes].any(axis=1))
    local_nodes = np.array(mesh.info.edges)
    one = number[edges.cells[inner, 0][:, None], local_nodes[edges.local[inner, 0]]]
    other = number[edges.cells[inner, 1][:, None], local_nodes[edges.local[inner, 1]]]
    other[:, [0, 1]] = other[:, [1, 0]]  # the second cell sees the edge from its other end
    keep = (one >= 0) & (other >= 0)
    graph = sp.coo_matrix((np.ones(keep.sum()), (one[keep], other[keep])), shape=(len(cell), len(cell)))
    from scipy.sparse.csgraph import connected_components

    _, part = connected_components(graph, directed=False)
    node = mesh.cells[cell, local]
    key, first, which = np.unique(node * np.int64(len(cell) + 1) + part, return_index=True, return_inverse=True)
    owner = node[first]
    fresh = np.ones(len(key), dtype=bool)
    fresh[1:] = owner[1:] != owner[:-1]
    copies = np.flatnonzero(~fresh)
    name = owner.copy()  # the first part of a node keeps its number
    name[copies] = count + np.arange(len(copies))
    cells = mesh.cells.copy()
    cells[cell, local] = name[which]
    origin = np.concatenate([np.arange(count), owner[copies]])
    joined = np.column_stack([owner[copies], name[copies]])
    found = replace(mesh, points=mesh.points[origin], cells=cells, lines={}, surfaces={}, sets={})
    return Opened(found, origin, joined)
