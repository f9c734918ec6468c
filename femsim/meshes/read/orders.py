"""Raising and lowering the order of a mesh's elements."""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.meshes.elements import ELEMENTS
from femsim.meshes.facets import edges_of, find_edges
from femsim.meshes.mesh import Mesh


def family(element: str) -> tuple[str, ...]:
    """The elements of the same shape, the lowest order first."""
    return tuple(name for name, info in ELEMENTS.items() if info.corners == ELEMENTS[element].corners)


def used_nodes(count: int, cells: IntArray) -> tuple[IntArray, IntArray]:
    """The nodes of cells, and the number of each of ``count`` nodes among them (-1 for none)."""
    used = np.unique(cells)
    new_of = np.full(count, -1, dtype=np.int64)
    new_of[used] = np.arange(len(used))
    return used, new_of


def change_element(
    mesh: Mesh, element: str, point_data: dict[str, FloatArray] | None = None
) -> tuple[Mesh, dict[str, FloatArray]]:
    """The mesh with another element of its family, and its point data: new nodes lie where the old shape functions put
    them.
    """
    data = dict(point_data or {})
    if element == mesh.element:
        return mesh, data
    if element not in family(mesh.element):
        raise InputError(f"element: {element!r} cannot be made of {mesh.element} cells")
    info, corners = ELEMENTS[element], mesh.info.corners
    points, cells, lines = mesh.points, mesh.cells, mesh.lines

    def add(weights: FloatArray, nodes: IntArray) -> IntArray:
        nonlocal points, data
        numbers = np.arange(len(points), len(points) + len(nodes))
        points = np.concatenate([points, np.einsum("n,enk->ek", weights, points[nodes])])
        data = {name: np.concatenate([values, values[nodes] @ weights]) for name, values in data.items()}
        return numbers

    if info.order == 2 and mesh.info.order == 1:
        edges = edges_of(mesh)
        middle = add(np.array([0.5, 0.5]), edges.nodes)
        quadratic = np.empty((len(cells), 2 * corners), dtype=np.int64)
        quadratic[:, :corners] = cells
        for side in (0, 1):
            has = edges.cells[:, side] >= 0
            quadratic[edges.cells[has, side], corners + edges.local[has, side]] = middle[has]
        lines = {name: np.column_stack([line, middle[find_edges(mesh, edges, line)]]) for name, line in lines.items()}
        cells = quadratic
    if element == "quad9":
        centre = np.array([-0.25] * 4 + [0.5] * 4)
        cells = np.column_stack([cells, add(centre, cells)])
    cells = cells[:, : info.nodes]
    used, new_of = used_nodes(len(points), cells)
    lines = {name: new_of[line[:, : info.order + 1]] for name, line in lines.items()}
    changed = Mesh(points[used], new_of[cells], element, mesh.region, mesh.regions, lines)
    return changed, {name: values[used] for name, values in data.items()}
