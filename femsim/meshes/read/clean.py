"""From what a reader found to a mesh: checks of the cells, their orientation, nodes that no cell uses, and what else is
mended.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning
from femsim.meshes.elements import ELEMENTS, gauss_points, node_points, shape
from femsim.meshes.facets import edges_of
from femsim.meshes.mesh import Mesh, jacobians
from femsim.meshes.read.groups import at_point, lines_of, place, places_of, with_numbers, with_regions
from femsim.meshes.read.hanging import refuse_hanging
from femsim.meshes.read.mixed import one_kind
from femsim.meshes.read.orders import used_nodes
from femsim.meshes.read.raw import BY_MESHIO_NAME, MOST_NAMES, Raw, dim_of, fail

#: coordinates beyond this (um) are damage; their squares are no numbers
FURTHEST = 1.0e100


@dataclass(frozen=True)
class Assembled:
    """The mesh, its point data, what was done on the way, and whether its regions have no names but numbers or none."""

    mesh: Mesh
    point_data: dict[str, FloatArray]
    notes: list[str]
    unnamed: bool


def assemble(path: Path, raw: Raw, scale: float, element: str | None = None) -> Assembled:
    """What becomes of a file; ``scale`` is its unit of length in um, ``element`` the one that is wanted in the end."""
    raw = one_kind(path, raw, element)
    notes = list(raw.notes)
    element, cells, number_of = _cells(path, raw)
    dim = ELEMENTS[element].dim
    points = (_plane if dim == 2 else _space)(path, raw.points, cells, notes) * scale
    used, new_of = used_nodes(len(points), cells)
    if len(used) < len(points):
        notes.append(f"{len(points) - len(used)} nodes that belong to no {dim}D cell were dropped")
    mesh = Mesh(points[used], new_of[cells], element, np.zeros(len(cells), dtype=np.int64), ("",))
    mesh = _turn(mesh, notes)
    check_shapes(path, mesh)
    mesh, number_of = _without_doubles(mesh, number_of)
    if len(mesh.cells) < len(cells):
        notes.append(f"{len(cells) - len(mesh.cells)} cells given twice were taken once")
    groups = [replace(group, cells=np.unique(group.cells)) for group in raw.groups]
    if len(groups) + len(raw.node_sets) > MOST_NAMES:
        fail(path, f"has {len(groups) + len(raw.node_sets)} groups and sets, more than {MOST_NAMES}")
    groups, unnamed = with_numbers(raw, groups, notes)
    mesh = with_regions(path, mesh, groups, raw.dims, number_of, notes)
    if dim == 3:
        places = places_of(path, mesh, replace(raw, groups=groups), new_of, notes)
        mesh = replace(mesh, surfaces=places.surfaces, lines=places.lines, sets=places.sets)
        refuse_hanging(path, mesh)
        _warn_of_doubled_nodes(path, mesh, notes)
        return Assembled(mesh, _point_data(raw, used, notes), notes, unnamed)
    edges = edges_of(mesh)
    if len(edges.nodes) * 2 - np.sum(edges.cells[:, 1] < 0) < len(mesh.cells) * len(mesh.info.edges):
        fail(path, _crowded(mesh))
    refuse_hanging(path, mesh)
    lines, sets = lines_of(path, mesh, edges, replace(raw, groups=groups), new_of, notes)
    mesh = replace(mesh, lines=lines, sets=sets)
    _warn_of_doubled_nodes(path, mesh, notes)
    return Assembled(mesh, _point_data(raw, used, notes), notes, unnamed)


def _point_data(raw: Raw, used: IntArray, notes: list[str]) -> dict[str, FloatArray]:
    """The data of the nodes that are used."""
    point_data = {name: values[used] for name, values in raw.point_data.items()}
    for name, values in point_data.items():
        if np.any(~np.isfinite(values)):
            notes.append(f"point data {name!r} has no finite value at {int(np.sum(~np.isfinite(values)))} nodes")
    return point_data


def _cells(path: Path, raw: Raw) -> tuple[str, IntArray, IntArray]:
    """The cells of the highest dimension: element, nodes, and for every cell of the file its number among them (-1 for
    those of lower dimension).
    """
    count: dict[str, int] = {}
    for kind, nodes in raw.blocks:
        count[kind] = count.get(kind, 0) + len(nodes)
    by_dim = {dim: {kind: n for kind, n in count.items() if n and dim_of(kind) == dim} for dim in range(4)}

    def listed(kinds: dict[str, int]) -> str:
        return ", ".join(f"{n} {kind}" for kind, n in kinds.items())

    dim = 3 if by_dim[3] else 2
    if not by_dim[dim]:
        fail(
            path,
            f"holds no 2D cells and no 3D cells ({listed({**by_dim[0], **by_dim[1]}) or 'no cells at all'}); needed: "
            f"triangles, quadrilaterals, tetrahedra, hexahedra or wedges",
        )
    unknown = [kind for kind in by_dim[dim] if kind not in BY_MESHIO_NAME]
    if unknown:
        same = {n: e for n, e in BY_MESHIO_NAME.items() if ELEMENTS[e].dim == dim}
        allowed = ", ".join(f"{meshio_name} ({name})" for meshio_name, name in same.items())
        fail(path, f"cell type {unknown[0]!r} ({by_dim[dim][unknown[0]]} cells) is not supported; allowed: {allowed}")
    if len(by_dim[dim]) > 1:  # of those in the plane one_kind has left one
        fail(path, f"mixed cell types are not supported in one run ({listed(by_dim[dim])}); mesh with one of them")
    (kind,) = by_dim[dim]
    parts, number_of, at = [], [], 0
    for name, nodes in raw.blocks:
        if name == kind:
            parts.append(nodes)
            number_of.append(np.arange(at, at + len(nodes)))
            at += len(nodes)
        else:
            number_of.append(np.full(len(nodes), -1))
    element, cells = BY_MESHIO_NAME[kind], np.concatenate(parts)
    twice = np.flatnonzero(np.any(np.diff(np.sort(cells, axis=1), axis=1) == 0, axis=1))
    if len(twice):
        place = raw.points[cells[twice[0]]].mean(axis=0)
        fail(
            path,
            f"{len(twice)} {kind} cells use a node twice, the first about ({', '.join(f'{x:.6g}' for x in place)})",
        )
    return element, cells, np.concatenate(number_of)


def _space(path: Path, points: FloatArray, cells: IntArray, notes: list[str]) -> FloatArray:
    """The three coordinates, checked."""
    if points.shape[1] != 3:
        fail(path, "3D cells on nodes of two coordinates")
    _check_finite(path, points[np.unique(cells)])
    return points


def _check_finite(path: Path, used: FloatArray) -> None:
    bad = np.flatnonzero(~np.all(np.abs(used) <= FURTHEST, axis=1))
    if len(bad):
        where = ", ".join(f"{x:g}" for x in used[bad[0]])
        fail(
            path,
            f"{len(bad)} nodes have coordinates that are not finite or beyond {FURTHEST:g} um, the first ({where})",
        )


def _plane(path: Path, points: FloatArray, cells: IntArray, notes: list[str]) -> FloatArray:
    """The two coordinates that vary."""
    used = points[np.unique(cells)]
    _check_finite(path, used)
    if points.shape[1] == 2:
        return points
    spread = np.ptp(used, axis=0)
    flat = spread <= 1e-7 * max(float(spread.max()), 1e-300)
    if flat[2]:
        return points[:, :2]
    if flat[1]:
        notes.append("the mesh lies in the x-z plane: x was taken as the first coordinate (r), z as the second")
        return points[:, [0, 2]]
    if flat[0]:
        notes.append("the mesh lies in the y-z plane: y was taken as the first coordinate (r), z as the second")
        return points[:, [1, 2]]
    fail(
        path,
        f"the cells do not lie in one coordinate plane: x, y, z vary by {spread[0]:.4g}, {spread[1]:.4g}, "
        f"{spread[2]:.4g}",
    )


def _determinants(mesh: Mesh) -> FloatArray:
    """Jacobian determinants at the Gauss points of each cell."""
    points, _ = gauss_points(mesh.element, mesh.info.full)
    with np.errstate(all="ignore"):  # flat cells have no inverse
        determinant, _ = jacobians(mesh, slice(None), shape(mesh.element, points)[1])
    return determinant


def _turn(mesh: Mesh, notes: list[str]) -> Mesh:
    wrong = np.flatnonzero(_determinants(mesh).sum(axis=1) < 0)
    if not len(wrong):
        return mesh
    corners = mesh.info.corners
    if mesh.dim == 3:  # the image under a change of the first two reference coordinates
        notes.append(f"{len(wrong)} left-handed cells were turned round")
        nodes = node_points(mesh.element)
        mirrored = nodes[:, [1, 0, 2]]
        swap = np.argmin(np.linalg.norm(mirrored[:, None] - nodes[None], axis=2), axis=1)
        cells = mesh.cells.copy()
        cells[wrong] = cells[wrong][:, swap]
        return replace(mesh, cells=cells)
    notes.append(f"{len(wrong)} clockwise cells were turned round")
    order = [
        0,
        *range(corners - 1, 0, -1),
        *range(2 * corners - 1, corners - 1, -1),
        2 * corners,
    ]  # corners, edges, centre
    cells = mesh.cells.copy()
    cells[wrong] = cells[wrong][:, order[: mesh.info.nodes]]
    return replace(mesh, cells=cells)


def check_shapes(path: Path, mesh: Mesh) -> None:
    """Raise InputError for flat and for inverted cells."""
    determinant = _determinants(mesh)
    longest = _edge_lengths(mesh).max(axis=1) ** mesh.dim
    flat = np.flatnonzero(np.abs(determinant).max(axis=1) <= 1e-13 * longest)
    if len(flat):
        what = "area" if mesh.dim == 2 else "volume"
        fail(path, f"{len(flat)} cells have no {what}, the first at {place(mesh, flat[0])}")
    inverted = np.flatnonzero(determinant.min(axis=1) <= 0)
    if len(inverted):
        fail(
            path,
            f"{len(inverted)} cells are inverted (twisted or too distorted), the first at {place(mesh, inverted[0])}",
        )


def _without_doubles(mesh: Mesh, number_of: IntArray) -> tuple[Mesh, IntArray]:
    """Each cell once, and for every cell of the file its number in the result."""
    _, first, which = np.unique(np.sort(mesh.cells, axis=1), axis=0, return_index=True, return_inverse=True)
    kept = np.sort(first)
    new = np.searchsorted(kept, first)[which.ravel()]
    cells = replace(mesh, cells=mesh.cells[kept], region=mesh.region[kept])
    return cells, np.where(number_of >= 0, new[np.maximum(number_of, 0)], -1)


def _crowded(mesh: Mesh) -> str:
    """Says where more than two cells share an edge."""
    nodes = np.concatenate([mesh.cells[:, list(edge[:2])] for edge in mesh.info.edges])
    values, count = np.unique(np.sort(nodes, axis=1), axis=0, return_counts=True)
    r, z = mesh.points[values[np.argmax(count)]].mean(axis=0)
    return (
        f"{int(np.sum(count > 2))} edges belong to more than two cells (cells overlap), the first at "
        f"({r:.6g}, {z:.6g}) um"
    )


def _edge_lengths(mesh: Mesh) -> FloatArray:
    """Lengths (E, k) of the cells' straight edges."""
    ends = np.array([edge[:2] for edge in mesh.info.edges])
    x = mesh.points[mesh.cells]
    return np.asarray(np.linalg.norm(x[:, ends[:, 1]] - x[:, ends[:, 0]], axis=2))


def _warn_of_doubled_nodes(path: Path, mesh: Mesh, notes: list[str]) -> None:
    from scipy.spatial import cKDTree

    shortest = float(_edge_lengths(mesh).min())
    # nodes in one place first: a tree cannot part them, and a search in it would compare each with all
    places, which, count = np.unique(mesh.points, axis=0, return_inverse=True, return_counts=True)
    distance, _ = cKDTree(places).query(places, k=2)
    doubled = np.flatnonzero(((distance[:, 1] <= 1e-5 * shortest) | (count > 1))[which.ravel()])
    if len(doubled):
        text = (
            f"{len(doubled)} nodes lie on others without being joined, the first at "
            f"{at_point(mesh.points[doubled[0]])}; "
            f"regions may be unconnected"
        )
        notes.append(text)
        warnings.warn(f"{path}: {text}", FemsimWarning, stacklevel=4)
