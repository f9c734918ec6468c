"""Raising and lowering the order of a mesh's elements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.meshes.elements import ELEMENTS, ElementType
from femsim.meshes.facets import cell_edges, faces_of
from femsim.meshes.mesh import Mesh


def family(element: str) -> tuple[str, ...]:
    """The elements of the same shape, the lowest order first."""
    return tuple(name for name, info in ELEMENTS.items() if info.kind == ELEMENTS[element].kind)


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
        edges, of_cell = cell_edges(mesh)
        middle = add(np.array([0.5, 0.5]), edges)
        key, scale = edges[:, 0] * np.int64(len(mesh.points)) + edges[:, 1], np.int64(len(mesh.points))

        def middle_of(line: IntArray) -> IntArray:
            return np.asarray(middle[np.searchsorted(key, line[:, :2].min(axis=1) * scale + line[:, :2].max(axis=1))])

        lines = {name: np.column_stack([line, middle_of(line)]) for name, line in lines.items()}
        cells = np.column_stack([cells, middle[of_cell]])
    edge_nodes = corners + len(info.edges)
    if info.nodes > edge_nodes and cells.shape[1] == edge_nodes:  # centres of faces, then of the cell
        cells = np.column_stack([cells, _centres(mesh, info, cells, add)])
    cells = cells[:, : info.nodes]
    used, new_of = used_nodes(len(points), cells)
    lines = {name: new_of[line[:, : info.order + 1]] for name, line in lines.items()}
    sets = {name: new_of[nodes][new_of[nodes] >= 0] for name, nodes in mesh.sets.items()}
    sets = {name: nodes for name, nodes in sets.items() if len(nodes)}
    changed = Mesh(points[used], new_of[cells], element, mesh.region, mesh.regions, lines, dict(mesh.surfaces), sets)
    return changed, {name: values[used] for name, values in data.items()}


def _centres(
    mesh: Mesh, info: ElementType, cells: IntArray, add: Callable[[FloatArray, IntArray], IntArray]
) -> IntArray:
    """Nodes at the centres of faces and cells (E, k), placed by the serendipity functions of what has them not."""
    edge_nodes = info.corners + len(info.edges)
    quad = np.array([-0.25] * 4 + [0.5] * 4)
    if info.dim == 2:
        return add(quad, cells)[:, None]
    faces = faces_of(mesh)
    number = np.full((len(cells), info.nodes - edge_nodes), -1, dtype=np.int64)
    for local, face in enumerate(info.faces):
        if len(face) == 9:
            at = np.flatnonzero(faces.local[:, 0] == local)
            new = add(quad, cells[faces.cells[at, 0]][:, list(face[:8])])
            number[faces.cells[at, 0], face[8] - edge_nodes] = new
            two = faces.cells[at, 1]
            inner = two >= 0
            centre = np.array([f[8] if len(f) == 9 else -1 for f in info.faces])[faces.local[at[inner], 1]]
            number[two[inner], centre - edge_nodes] = new[inner]
    if info.name == "hex27":
        number[:, -1] = add(np.array([-0.25] * 8 + [0.25] * 12), cells)
    return number
