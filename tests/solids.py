"""Meshes in space the tests share: boxes of every element, slightly distorted, and spheres' eighths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from femsim.meshes.elements import ELEMENTS, node_points, shape
from femsim.meshes.extrude import Box, box_lines, box_mesh, box_sides, extrude
from femsim.meshes.facets import cell_edges, outer_faces
from femsim.meshes.grid import Grading, tensor_mesh
from femsim.meshes.mesh import Mesh, jacobians

SOLIDS = ("hex8", "hex20", "hex27", "tet4", "tet10", "wedge6", "wedge15", "wedge18")
#: a cube as six tetrahedra that share the diagonal 0-6
_SIX = np.array([(0, 1, 2, 6), (0, 2, 3, 6), (0, 3, 7, 6), (0, 7, 4, 6), (0, 4, 5, 6), (0, 5, 1, 6)])


def cube(element: str, count: int = 2, warp: float = 0.0, size: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Mesh:
    """A box of cells, its nodes moved by a smooth warp that keeps the outer faces where they are; one region."""
    kind, order = ELEMENTS[element].kind, ELEMENTS[element].order
    lines = tuple(np.linspace(0.0, 1.0, count + 1) for _ in range(3))
    if kind == "hex":
        mesh = box_mesh([Box("body", (0, 1), (0, 1), (0, 1))], lines, element)
    else:
        flat = tensor_mesh(lines[0], lines[1], np.zeros((count, count), dtype=np.int64), ("",), "quad4")
        if kind == "tet":
            hexes = extrude(flat, lines[2], np.zeros((count, count * count), dtype=np.int64), ("body",))
            cells = hexes.cells[:, _SIX].reshape(-1, 4)
            mesh = Mesh(hexes.points, cells, "tet4", np.zeros(len(cells), dtype=np.int64), ("body",))
        else:
            halves = np.concatenate([flat.cells[:, [0, 1, 2]], flat.cells[:, [0, 2, 3]]])
            plan = Mesh(flat.points, halves, "tri3", np.zeros(len(halves), dtype=np.int64), ("",))
            mesh = extrude(plan, lines[2], np.zeros((count, len(halves)), dtype=np.int64), ("body",))
        mesh = replace(quadratic(mesh, element) if order == 2 else mesh, lines={})
        mesh = replace(mesh, surfaces=box_sides(mesh))
    points = mesh.points.copy()
    bump = warp * np.prod(np.sin(np.pi * points), axis=1)
    points += bump[:, None] * np.array([0.7, -0.5, 0.9])
    return replace(mesh, points=points * np.array(size))


def quadratic(mesh: Mesh, element: str) -> Mesh:
    """The quadratic element of a linear mesh's family."""
    from femsim.meshes.read.orders import change_element

    return change_element(mesh, element)[0]


def two_boxes(element: str = "hex27") -> Mesh:
    """A body with a void: two regions, graded to a point."""
    boxes = [
        Box("low", (0, 4), (0, 3), (0, 2)),
        Box("high", (0, 4), (0, 3), (2, 3)),
        Box(None, (3, 4), (0, 3), (2, 3)),
    ]
    return box_mesh(boxes, box_lines(boxes, Grading(0.2, 1.8, fewest=2), [(3.0, 0.0, 2.0)]), element)


def edges_count(mesh: Mesh) -> int:
    """How many distinct edges there are."""
    return len(cell_edges(mesh)[0])


def eighth_spheres(radii: list[float], cavity: float, count: int) -> Mesh:
    """The eighth x, y, z >= 0 of concentric spheres in hex27 cells with nodes on the spheres; surface ``outer``.

    Three patches of the sphere (each the image of a square under central projection from the eighth's cube) carry
    shells; without a cavity a cube-like core of the first sphere fills the middle.
    """
    fine = 2 * count + 1
    t = np.linspace(0.0, 1.0, fine)
    angle = np.tan(0.25 * np.pi * t)  # equal angles along the edges
    p, q = np.meshgrid(angle, angle, indexing="ij")
    patches = [
        np.stack(v, axis=-1) for v in ((np.ones_like(p), p, q), (q, np.ones_like(p), p), (p, q, np.ones_like(p)))
    ]
    blocks: list[tuple[np.ndarray, int]] = []
    inner = cavity
    for layer, outer in enumerate(radii):
        for direction in patches:
            unit = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
            # without a cavity the shells stand on a cube
            start = unit * inner if inner > 0 else direction * (0.45 * outer)
            end = unit * outer
            s = np.linspace(0.0, 1.0, fine)[:, None, None, None]
            blocks.append(((1 - s) * start + s * end, layer))
        if inner == 0:
            side = 0.45 * outer * angle
            x, y, z = np.meshgrid(side, side, side, indexing="ij")
            blocks.append((np.stack([x, y, z], axis=-1), layer))
        inner = outer
    points, cells, region, start_number = [], [], [], 0
    offsets = {tuple(v): k for k, v in enumerate(np.round(2 * node_points("hex27")).astype(int).tolist())}
    steps = np.array([v for v, _ in sorted(offsets.items(), key=lambda item: item[1])])
    for lattice, layer in blocks:
        n = lattice.shape
        number = start_number + np.arange(n[0] * n[1] * n[2]).reshape(n[:3])
        i, j, k = np.meshgrid(*(np.arange(0, m - 1, 2) for m in n[:3]), indexing="ij")
        found = np.stack([number[i + a, j + b, k + c] for a, b, c in steps], axis=-1).reshape(-1, 27)
        cells.append(found)
        points.append(lattice.reshape(-1, 3))
        region.append(np.full(len(found), layer))
        start_number += number.size
    x = np.concatenate(points)
    x[np.abs(x) < 1e-12 * radii[-1]] = 0.0
    key = np.round(x / radii[-1], 9) + 0.0
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    names = tuple(f"layer{i}" for i in range(len(radii)))
    mesh = Mesh(x[first], inverse.ravel()[np.concatenate(cells)], "hex27", np.concatenate(region), names)
    determinant, _ = jacobians(mesh, slice(None), shape("hex27", node_points("hex27"))[1])
    assert determinant.min() > 0
    rows = outer_faces(mesh)
    far = np.linalg.norm(mesh.points, axis=1) >= radii[-1] * (1 - 1e-9)
    on = [far[mesh.cells[cell, list(mesh.info.faces[local])]].all() for cell, local in rows]
    return replace(mesh, surfaces={"outer": rows[np.array(on)]})
