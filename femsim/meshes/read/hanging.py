"""Hanging nodes: nodes on a facet of a cell (an edge in the plane, a face in space) that are none of its nodes.

There the displacement on both sides of the facet agrees at its own nodes only, and the sides part.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.meshes.facets import edges_of, outer_faces, surface_nodes
from femsim.meshes.mesh import Mesh
from femsim.meshes.read.raw import fail

#: a node this close to a facet (fraction of its size) lies on it, if coordinates of single precision allow no less
ON_FACET = 1.0e-5


def refuse_hanging(path: Path, mesh: Mesh) -> None:
    """Raise InputError where a node hangs on an outer facet and another cell joins it to one of the facet's corners.

    Nodes of bodies that are joined nowhere near are left to the warning of unjoined nodes.
    """
    kinds = _outer(mesh)
    candidates = np.unique(np.concatenate([part.ravel() for pair in kinds for part in pair]))
    # nodes that share their place with another are unjoined, not hanging; a tree could not part many of them
    _, which, shared = np.unique(mesh.points[candidates], axis=0, return_inverse=True, return_counts=True)
    candidates = candidates[shared[which.ravel()] == 1]
    if not len(candidates):
        return
    for corners, middles in kinds:
        facet, node = _pairs(mesh, corners, candidates)
        on = _inside(mesh, corners[facet], middles[facet], node)
        facet, node = facet[on], node[on]
        facet, node = (part[_joined(mesh, corners[facet], node)] for part in (facet, node))
        if not len(facet):
            continue
        count = len(np.unique(node))
        more = "" if count == 1 else f" ({count} such nodes)"
        what = "edge" if mesh.dim == 2 else "face"
        rim = " to ".join(_place(mesh.points[i]) for i in corners[facet[0]][: 2 if mesh.dim == 2 else 3])
        fail(
            path,
            f"a node hangs at {_place(mesh.points[node[0]])} um, on the {what} {rim} of a cell that does not use it"
            f"{more}: the two sides would part; make the mesh conforming",
        )


def _place(at: FloatArray) -> str:
    return f"({', '.join(f'{x:.6g}' for x in at)})"


def _outer(mesh: Mesh) -> list[tuple[IntArray, IntArray]]:
    """Outer facets by kind: corners (K, 2, 3 or 4) and their other nodes (K, m)."""
    if mesh.dim == 2:
        edges = edges_of(mesh)
        nodes = edges.nodes[edges.cells[:, 1] < 0]
        return [(nodes[:, :2], nodes[:, 2:])]
    found = surface_nodes(mesh, outer_faces(mesh))
    return [
        (nodes[:, : 3 if element.startswith("tri") else 4], nodes[:, 3 if element.startswith("tri") else 4 :])
        for element, (_, nodes) in found.items()
    ]


def _pairs(mesh: Mesh, corners: IntArray, candidates: IntArray) -> tuple[IntArray, IntArray]:
    """Pairs (facet, node) of facets and outer nodes within the ball around them."""
    from scipy.spatial import cKDTree

    x = mesh.points[corners]
    middle = x.mean(axis=1)
    radius = np.linalg.norm(x - middle[:, None], axis=2).max(axis=1)
    tree = cKDTree(mesh.points[candidates])
    near = tree.query_ball_point(middle, 1.05 * radius)
    count = np.array([len(one) for one in near])
    node = candidates[np.concatenate([np.array(one, dtype=np.int64) for one in near])]
    return np.repeat(np.arange(len(corners)), count), node


def _inside(mesh: Mesh, corners: IntArray, middles: IntArray, node: IntArray) -> BoolArray:
    """Which nodes (n,) lie on their facet away from all its own nodes: on straight ones, and parabolas in the plane.

    A node at the place of one of the facet's is the other face of a crack, or an unjoined one, told of elsewhere.
    """
    x, at = mesh.points[corners], mesh.points[node]
    size = np.linalg.norm(x[:, 1] - x[:, 0], axis=1)
    tolerance = np.maximum(ON_FACET * size, np.minimum(1e-3 * size, mesh.near))
    gap = mesh.points[np.concatenate([corners, middles], axis=1)] - at[:, None]
    apart = np.all(np.linalg.norm(gap, axis=2) > tolerance[:, None], axis=1)
    if mesh.dim == 2:
        along = x[:, 1] - x[:, 0]
        s = np.sum((at - x[:, 0]) * along, axis=1) / size**2
        place = x[:, 0] + s[:, None] * along
        if middles.shape[1]:  # the parabola through the three nodes
            bend = mesh.points[middles[:, 0]] - 0.5 * (x[:, 0] + x[:, 1])
            place = place + (4.0 * s * (1.0 - s))[:, None] * bend
        on = np.linalg.norm(at - place, axis=1) <= tolerance
        return np.asarray(apart & on & (s > 0.0) & (s < 1.0))
    found = np.zeros(len(node), dtype=bool)
    for k in range(x.shape[1] - 2):
        a, b, c = x[:, 0], x[:, k + 1] - x[:, 0], x[:, k + 2] - x[:, 0]
        normal = np.cross(b, c)
        double = np.maximum(np.linalg.norm(normal, axis=1), 1e-300)
        d = at - a
        off = np.abs(np.sum(d * normal, axis=1)) / double
        s = np.sum(np.cross(d, c) * normal, axis=1) / double**2
        t = np.sum(np.cross(b, d) * normal, axis=1) / double**2
        slack = tolerance / size
        found |= (off <= tolerance) & (s >= -slack) & (t >= -slack) & (s + t <= 1.0 + slack)
    return np.asarray(found & apart)


def _joined(mesh: Mesh, corners: IntArray, node: IntArray) -> BoolArray:
    """Which nodes (n,) share a cell with a corner of their facet."""
    if not len(node):
        return np.zeros(0, dtype=bool)
    wanted = np.unique(node)
    at = np.searchsorted(wanted, mesh.cells)
    hit = wanted[np.minimum(at, len(wanted) - 1)] == mesh.cells
    cell, place = np.nonzero(hit)
    count = np.int64(len(mesh.points))
    shared = mesh.cells[cell] + count * mesh.cells[cell, place][:, None]
    return np.asarray(np.isin(corners + count * node[:, None], shared).any(axis=1))
