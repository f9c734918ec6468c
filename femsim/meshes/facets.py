"""Facets of a mesh, edges in the plane and faces in space: which cells they part, which are outer, and the connected
parts of a body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import NumericsError
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
    counter-clockwise. Found once and kept with the mesh, which does not change.
    """
    kept = mesh.__dict__.get("edges_of")
    if not isinstance(kept, Edges):
        kept = mesh.__dict__["edges_of"] = _edges_of(mesh)
        for part in (kept.nodes, kept.cells, kept.local):
            part.setflags(write=False)
    return kept


def _edges_of(mesh: Mesh) -> Edges:
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


@dataclass(frozen=True)
class Faces:
    """All distinct faces of a mesh in space: the cells on either side (F, 2; -1 for none), the local face in each, and
    how many cells share each (F,), which is more than two only where cells overlap.
    """

    cells: IntArray
    local: IntArray
    shared: IntArray
    keys: IntArray  # (F,) sorted keys of the corners, see _keys

    def rows(self, chosen: IntArray | slice = slice(None)) -> IntArray:
        """Faces as (cell, local face), seen from their first cell: the form of ``Mesh.surfaces``."""
        return np.column_stack([self.cells[chosen, 0], self.local[chosen, 0]])


def _keys(corners: IntArray, count: int) -> IntArray:
    """One number per face from its three lowest corners (F, >=3, padded with -1 behind): two faces of a sound mesh
    share two at most.
    """
    if count > 2_000_000:
        raise NumericsError(f"a mesh with {count} corner nodes is too large; use a larger mesh.size or mesh.growth")
    low = np.sort(np.where(corners < 0, count, corners), axis=1)[:, :3]
    return np.asarray((low[:, 0] * np.int64(count + 1) + low[:, 1]) * np.int64(count + 1) + low[:, 2])


def _corner_numbers(mesh: Mesh) -> tuple[IntArray, int]:
    """A number for every node that is a corner of a cell (-1 for others), and how many there are."""
    used = np.unique(mesh.cells[:, : mesh.info.corners])
    number = np.full(len(mesh.points), -1, dtype=np.int64)
    number[used] = np.arange(len(used))
    return number, len(used)


def faces_of(mesh: Mesh) -> Faces:
    """Distinct faces of a mesh in space, sorted by key; the first cell is the one of the lower number."""
    number, corner_count = _corner_numbers(mesh)
    info, count = mesh.info, len(mesh.cells)
    rows = []
    for local, face in enumerate(info.faces):
        width = info.facet_corners(local)
        nodes = np.full((count, 4), -1, dtype=np.int64)
        nodes[:, :width] = number[mesh.cells[:, list(face[:width])]]
        rows.append(_keys(nodes, corner_count))
    key = np.concatenate(rows)
    cell = np.tile(np.arange(count), len(info.faces))
    local_ = np.repeat(np.arange(len(info.faces)), count)
    order = np.lexsort((cell, key))
    sorted_ = key[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = sorted_[1:] != sorted_[:-1]
    starts = np.flatnonzero(first)
    shared = np.diff(np.append(starts, len(order)))
    one, two = order[starts], order[np.minimum(starts + 1, len(order) - 1)]
    pair = shared > 1
    return Faces(
        np.column_stack([cell[one], np.where(pair, cell[two], -1)]),
        np.column_stack([local_[one], np.where(pair, local_[two], -1)]),
        shared,
        sorted_[starts],
    )


def find_faces(mesh: Mesh, faces: Faces, corners: IntArray) -> IntArray:
    """Positions in ``faces`` of the faces with the given corner nodes (K, 3 or 4); -1 where there is no such face."""
    number, corner_count = _corner_numbers(mesh)
    wanted = number[corners]
    known = np.all(wanted >= 0, axis=1)
    key = _keys(np.where(wanted < 0, corner_count, wanted), corner_count)
    at = np.minimum(np.searchsorted(faces.keys, key), len(faces.keys) - 1)
    return np.where(known & (faces.keys[at] == key), at, -1)


def face_normals(slopes: FloatArray, x: FloatArray) -> FloatArray:
    """dx/ds x dx/dt (k, q, 3) of faces with nodes ``x`` (k, n, 3), where their shape functions have the ``slopes``
    (q, n, 2): normal to the face, as long as its area over that of the reference face.
    """
    tangent = np.einsum("qnd,knc->kqdc", slopes, x)
    return np.asarray(np.cross(tangent[:, :, 0], tangent[:, :, 1]))


def surface_nodes(mesh: Mesh, rows: IntArray) -> dict[str, tuple[IntArray, IntArray]]:
    """Faces (K, 2) by the plane element of each: their positions in ``rows`` and their nodes (k, n), seen from outside
    of their cell.
    """
    found: dict[str, list[tuple[IntArray, IntArray]]] = {}
    for local, face in enumerate(mesh.info.faces):
        at = np.flatnonzero(rows[:, 1] == local)
        if len(at):
            found.setdefault(mesh.info.facet_element(local), []).append((at, mesh.cells[rows[at, 0]][:, list(face)]))
    return {
        element: (np.concatenate([at for at, _ in parts]), np.concatenate([nodes for _, nodes in parts]))
        for element, parts in found.items()
    }


def outer_faces(mesh: Mesh) -> IntArray:
    """The outer faces (K, 2) of a mesh in space."""
    faces = faces_of(mesh)
    return faces.rows(np.flatnonzero(faces.shared == 1))


def cell_edges(mesh: Mesh) -> tuple[IntArray, IntArray]:
    """All distinct edges (M, 2 or 3) of a mesh of any dimension, sorted by their ends, and each cell's edges (E, k)."""
    info = mesh.info
    nodes = np.stack([mesh.cells[:, list(edge)] for edge in info.edges], axis=1).reshape(-1, len(info.edges[0]))
    low, high = nodes[:, :2].min(axis=1), nodes[:, :2].max(axis=1)
    _, first, which = np.unique(low * np.int64(len(mesh.points)) + high, return_index=True, return_inverse=True)
    edges = nodes[first].copy()
    edges[:, 0], edges[:, 1] = low[first], high[first]
    return edges, which.reshape(len(mesh.cells), -1)
