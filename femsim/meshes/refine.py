"""Finer meshes from given ones: marked triangles split conformingly, quadrilaterals all split in four.

Triangles are split by the longest-edge rule (red, green and blue refinement; Carstensen 2004, Constr. Approx. 20, 549):
every marked triangle into four, its neighbours into two or three so that no node hangs; angles stay bounded. New nodes
lie on the parents' own curved edges, and fields given at nodes are carried over by the parents' shape functions. Nodes
are told apart by their place in the mesh, not in space: the two faces of a crack stay two.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.meshes.elements import shape
from femsim.meshes.mesh import Mesh

#: vertices of the parent, middles of its edges, and a quadrilateral's centre, in reference coordinates
_TRIANGLE = np.array([(0, 0), (1, 0), (0, 1), (0.5, 0), (0.5, 0.5), (0, 0.5)], dtype=float)
_SQUARE = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5), (0.5, 0.5)], dtype=float)
_QUARTERS = np.array([(0, 4, 8, 7), (4, 1, 5, 8), (8, 5, 2, 6), (7, 8, 6, 3)])
#: children in the labels a, b, c (ab the longest edge), ab, bc, ca; by which of bc and ca are split
_WHOLE, _GREEN = [(0, 1, 2)], [(0, 3, 2), (3, 1, 2)]
_BLUE_BC, _BLUE_CA = [(0, 3, 2), (3, 1, 4), (3, 4, 2)], [(3, 1, 2), (0, 3, 5), (3, 2, 5)]
_RED = [(0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)]


def refine(
    mesh: Mesh, marked: BoolArray | None = None, fields: Mapping[str, FloatArray] | None = None
) -> tuple[Mesh, dict[str, FloatArray]]:
    """A finer mesh and nodal fields carried over to it. ``marked`` (E,) triangles are split; without it, and of
    quadrilaterals, all are.
    """
    corners = mesh.info.corners
    pair = np.stack([mesh.cells[:, [i, (i + 1) % corners]] for i in range(corners)], axis=1)
    edges, inverse = np.unique(np.sort(pair, axis=2).reshape(-1, 2), axis=0, return_inverse=True)
    of_cell = inverse.reshape(-1, corners)
    everything = marked is None or mesh.info.is_quad
    split = np.ones(len(edges), dtype=bool) if everything or marked is None else _closure(mesh, of_cell, marked)
    old = np.unique(mesh.cells[:, :corners])
    number = np.full(len(mesh.points), -1, dtype=np.int64)
    number[old] = np.arange(len(old))
    of_edge = np.where(split, len(old) + np.cumsum(split) - 1, -1)
    count = len(old) + int(split.sum())
    vertices = np.concatenate([number[mesh.cells[:, :corners]], of_edge[of_cell]], axis=1)
    if mesh.info.is_quad:
        vertices = np.concatenate([vertices, (count + np.arange(len(mesh.cells)))[:, None]], axis=1)
        count += len(mesh.cells)
        parent = np.repeat(np.arange(len(mesh.cells)), 4)
        local = np.tile(_QUARTERS, (len(mesh.cells), 1))
        reference = _SQUARE
    else:
        parent, local = _children(mesh, of_cell, split)
        reference = _TRIANGLE
    return _build(
        mesh,
        parent,
        vertices[parent[:, None], local],
        reference[local],
        count,
        (edges, split, number, of_edge),
        fields or {},
    )


def _closure(mesh: Mesh, of_cell: IntArray, marked: BoolArray) -> BoolArray:
    """Edges to split: those of marked triangles, and the longest edge of every triangle that has a split edge."""
    longest = of_cell[np.arange(len(of_cell)), _longest(mesh)]
    split = np.zeros(int(of_cell.max()) + 1, dtype=bool)
    split[of_cell[marked]] = True
    while True:
        touched = split[of_cell].any(axis=1)
        if np.all(split[longest[touched]]):
            return split
        split[longest[touched]] = True


def _longest(mesh: Mesh) -> IntArray:
    """The longest edge of each triangle; among equals the one whose ends have the smaller numbers, so that neighbours
    agree.
    """
    cells = mesh.cells[:, :3]
    x = mesh.points[cells]
    length = np.linalg.norm(x[:, [1, 2, 0]] - x, axis=2)
    nearly = length >= length.max(axis=1, keepdims=True) * (1 - 1e-9)
    pair = np.sort(np.stack([cells, cells[:, [1, 2, 0]]], axis=2), axis=2)
    key = pair[..., 0] * np.int64(len(mesh.points)) + pair[..., 1]
    return np.asarray(np.argmin(np.where(nearly, key, np.iinfo(np.int64).max), axis=1))


def _children(mesh: Mesh, of_cell: IntArray, split: BoolArray) -> tuple[IntArray, IntArray]:
    """Parent and local vertices (of the six of the parent) of all child triangles, in the order of the parents."""
    first = _longest(mesh)
    turn = (first[:, None] + np.arange(3)) % 3
    labels = np.concatenate([turn, turn + 3], axis=1)  # a, b, c, ab, bc, ca -> local
    cut = split[np.take_along_axis(of_cell, turn, axis=1)]
    parents, locals_ = [], []
    for (ab, bc, ca), shapes in {
        (False, False, False): _WHOLE,
        (True, False, False): _GREEN,
        (True, True, False): _BLUE_BC,
        (True, False, True): _BLUE_CA,
        (True, True, True): _RED,
    }.items():
        chosen = np.flatnonzero((cut == np.array([ab, bc, ca])).all(axis=1))
        for child in shapes:
            parents.append(chosen)
            locals_.append(labels[chosen][:, list(child)])
    parent, local = np.concatenate(parents), np.concatenate(locals_)
    order = np.argsort(parent, kind="stable")
    return parent[order], local[order]


def _build(
    mesh: Mesh,
    parent: IntArray,
    corner: IntArray,
    reference: FloatArray,
    count: int,
    split: tuple[IntArray, BoolArray, IntArray, IntArray],
    fields: Mapping[str, FloatArray],
) -> tuple[Mesh, dict[str, FloatArray]]:
    """Number the children's nodes (corners, edge middles, centres), place them by the parents' shape functions, follow
    the lines.
    """
    info, corners = mesh.info, mesh.info.corners
    cells, places = [corner], [reference]
    middle_of: dict[tuple[int, int], int] = {}
    if info.order == 2:
        pair = np.stack([corner[:, [i, (i + 1) % corners]] for i in range(corners)], axis=1)
        unique, inverse = np.unique(np.sort(pair, axis=2).reshape(-1, 2), axis=0, return_inverse=True)
        cells.append(count + inverse.reshape(-1, corners))
        places.append(0.5 * (reference + np.roll(reference, -1, axis=1)))
        middle_of = {(int(a), int(b)): count + i for i, (a, b) in enumerate(unique)} if mesh.lines else {}
        count += len(unique)
    if info.nodes == 9:
        cells.append(count + np.arange(len(corner))[:, None])
        places.append(reference.mean(axis=1, keepdims=True))
        count += len(corner)
    nodes, place = np.concatenate(cells, axis=1), np.concatenate(places, axis=1)
    flat, at = np.unique(nodes.ravel(), return_index=True)
    owner = parent[at // nodes.shape[1]]
    values, _ = shape(mesh.element, place.reshape(-1, 2)[at])

    def carried(field: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("pn,pn...->p...", values, field[mesh.cells[owner]]))

    assert len(flat) == count
    lines = {name: _followed(line, split, middle_of, info.order) for name, line in mesh.lines.items()}
    points = carried(mesh.points)
    sets = {name: _same_places(points, mesh.points[held]) for name, held in mesh.sets.items()}
    finer = Mesh(points, nodes, mesh.element, mesh.region[parent], mesh.regions, lines, sets=sets)
    return finer, {name: carried(np.asarray(field, dtype=float)) for name, field in fields.items()}


def _same_places(points: FloatArray, wanted: FloatArray) -> IntArray:
    """The points that lie where the wanted ones do; old nodes keep their places."""
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(points).query(wanted)[1], dtype=np.int64)


def _followed(
    line: IntArray,
    split: tuple[IntArray, BoolArray, IntArray, IntArray],
    middle_of: dict[tuple[int, int], int],
    order: int,
) -> IntArray:
    """A named line's edges on the finer mesh."""
    edges, cut, number, of_edge = split
    position = {(int(a), int(b)): i for i, (a, b) in enumerate(edges)}
    found: list[list[int]] = []
    for a, b in line[:, :2]:
        i = position[(min(int(a), int(b)), max(int(a), int(b)))]
        ends = [int(number[a]), int(of_edge[i]), int(number[b])] if cut[i] else [int(number[a]), int(number[b])]
        for p, q in pairwise(ends):
            found.append([p, q, middle_of[(min(p, q), max(p, q))]] if order == 2 else [p, q])
    return np.array(found, dtype=np.int64).reshape(-1, order + 1)
