"""Meshes in space the tests share: boxes of every element, slightly distorted, and spheres' eighths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from femsim.meshes.elements import ELEMENTS
from femsim.meshes.extrude import Box, box_lines, box_mesh, box_sides, extrude
from femsim.meshes.facets import cell_edges
from femsim.meshes.grid import Grading, tensor_mesh
from femsim.meshes.mesh import Mesh

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
