"""The names of a mesh: regions of the groups of cells, boundaries of the groups of cells of lower dimension and of the
node sets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.meshes.facets import Edges, Faces, cell_edges, faces_of, find_edges, find_faces
from femsim.meshes.mesh import Mesh
from femsim.meshes.read.raw import NONE, Group, Raw, by_value, fail

#: the region of a file that names none
WHOLE = "body"


def place(mesh: Mesh, cell: int | np.integer[Any]) -> str:
    """The centre of a cell's corners, for a message."""
    return at_point(mesh.points[mesh.cells[cell, : mesh.info.corners]].mean(axis=0))


def at_point(point: FloatArray) -> str:
    """A point, for a message."""
    return f"({', '.join(f'{x:.6g}' for x in point)}) um"


def with_numbers(raw: Raw, groups: list[Group], notes: list[str]) -> tuple[list[Group], bool]:
    """The groups, and whether the file has none that holds cells of its highest dimension.

    Then the parts of the geometry that cells are numbered by are its regions and lines, as gmsh, Elmer and FreeCAD
    users expect; where it has no such numbers, all is one region, ``body``.
    """
    dims = raw.dims
    top = int(dims.max())
    if any(np.any(dims[group.cells] == top) for group in groups):
        return groups, False
    flat = np.flatnonzero(dims == top)
    known = NONE if raw.entities is None else np.unique(raw.entities[flat])
    if raw.entities is None or not np.any(known):
        notes.append(f"the file has no groups or sets of {top}D cells: all of it is one region, {WHOLE!r}")
        return [*groups, Group(WHOLE, top, flat, numbered=True)], True
    grouped = {int(dim) for group in groups for dim in np.unique(dims[group.cells])}
    made = []
    for dim in [dim for dim in range(top, 0, -1) if dim not in grouped]:
        chosen = np.flatnonzero(dims == dim)
        found = by_value(raw.entities[chosen])
        made += [Group(str(number), dim, chosen[at], numbered=True) for number, at in found.items()]
    shown = ", ".join(str(number) for number in known[:8].tolist()) + (", ..." if len(known) > 8 else "")
    notes.append(f"the file has no groups or sets of {top}D cells: regions are called by their numbers in it, {shown}")
    return [*groups, *made], True


def with_regions(
    path: Path, mesh: Mesh, groups: list[Group], dims: IntArray, number_of: IntArray, notes: list[str]
) -> Mesh:
    """The mesh with its regions; ``dims`` and ``number_of`` give each cell of the file its dimension and its number in
    the mesh.
    """
    sets = _areas(path, groups, dims, number_of, notes, mesh.dim)
    covered = np.zeros(len(mesh.cells), dtype=np.int64)
    for cells in sets.values():
        covered[cells] += 1
    unsure = {group.name for group in groups if not group.sure}
    for name in [name for name, cells in sets.items() if name in unsure and len(cells) == len(mesh.cells)]:
        if len(sets) > 1 and np.all(covered >= 2):  # a set of everything besides the regions proper
            covered -= 1
            del sets[name]
            notes.append(f"element set {name!r} holds all cells besides other sets and is not a region")
    names = list(sets)
    region = np.full(len(mesh.cells), -1, dtype=np.int64)
    for number, (name, cells) in enumerate(sets.items()):
        clash = cells[region[cells] >= 0]
        if len(clash):
            other = names[region[clash[0]]]
            fail(
                path,
                f"{len(clash)} cells are in two regions, {other!r} and {name!r}, the first at {place(mesh, clash[0])}",
            )
        region[cells] = number
    lost = np.flatnonzero(region < 0)
    if len(lost):
        known = ", ".join(names)
        fail(path, f"{len(lost)} cells are in no region (regions: {known}), the first at {place(mesh, lost[0])}")
    return replace(mesh, region=region, regions=tuple(names))


def _areas(
    path: Path, groups: list[Group], dims: IntArray, number_of: IntArray, notes: list[str], dim: int
) -> dict[str, IntArray]:
    """The cells of the mesh in each group of cells of its dimension."""
    sets: dict[str, IntArray] = {}
    for group in groups:
        held = np.unique(dims[group.cells]).tolist()
        if not held and group.dim != 0:
            said = "" if group.dim is None else f" (dimension {group.dim})"
            fail(path, f"group {group.name!r}{said} is empty: it holds no cells")
        if len(set(held) - {0}) > 1 or (group.dim is not None and held and held != [group.dim]):
            said = "" if group.dim is None else f"; it is declared with dimension {group.dim}"
            kinds = "regions are 2D, lines 1D" if dim == 2 else "regions are 3D, surfaces 2D, lines 1D"
            fail(
                path,
                f"group {group.name!r} holds cells of dimension {' and '.join(map(str, held))}{said}; {kinds}",
            )
        if held == [dim]:
            sets[group.name] = np.union1d(sets.get(group.name, NONE), number_of[group.cells])
    return sets


def lines_of(
    path: Path, mesh: Mesh, edges: Edges, raw: Raw, new_of: IntArray, notes: list[str]
) -> tuple[dict[str, IntArray], dict[str, IntArray]]:
    """The edges of each line, and the nodes of each set that is not, or not only, made of edges; ``new_of`` gives each
    node of the file its number in the mesh (-1 for none).
    """
    corner = np.zeros(len(mesh.points) + 1, dtype=bool)  # the last entry stands for nodes that were dropped
    corner[np.unique(mesh.cells[:, : mesh.info.corners])] = True
    dims, offsets = raw.dims, raw.offsets
    found: dict[str, IntArray] = {}
    for group in raw.groups:
        if np.unique(dims[group.cells]).tolist() != [1]:
            continue
        name = group.name
        if name in mesh.regions:
            if not group.numbered:
                fail(path, f"the name {name!r} is used for a region and for a line group; give each its own")
            name = f"line {name}"
            notes.append(f"line group {group.name!r} is called {name!r}, because a region has its number too")
        at = found.get(name, NONE)
        for start, (_, nodes) in zip(offsets, raw.blocks, strict=False):
            rows = nodes[group.cells[(group.cells >= start) & (group.cells < start + len(nodes))] - start]
            if len(rows):
                at = np.append(at, _edges_by_nodes(path, mesh, edges, name, rows, raw.points, new_of, corner))
        found[name] = np.unique(at)
    node_sets = dict(raw.node_sets)
    for group in raw.groups:
        if group.name not in {*node_sets, *found} and set(dims[group.cells]) == {0}:
            node_sets[group.name] = _points(raw, group)
    sets: dict[str, IntArray] = {}
    starts, at_node = _edges_at(edges, len(mesh.points))
    for name, members in node_sets.items():
        nodes = np.unique(new_of[members])
        nodes = nodes[nodes >= 0]
        if name in mesh.regions:
            if np.array_equal(nodes, mesh.nodes_of(name)):
                continue  # Abaqus/CAE writes a node set and an element set of each region
            fail(path, f"the name {name!r} is used for a region and for a node set; give each its own")
        if name in found:
            continue
        if not len(members):
            fail(path, f"node set {name!r} is empty: it holds no nodes")
        if not len(nodes) or len(nodes) == len(mesh.points):
            notes.append(f"node set {name!r} holds {'all' if len(nodes) else 'no'} nodes of the mesh and is not used")
            continue
        near = np.unique(at_node[_ranges(starts[nodes], starts[nodes + 1])])
        whole = near[np.all(np.isin(edges.nodes[near], nodes), axis=1)]
        one, two = edges.cells[whole].T
        outer = whole[(two < 0) | (mesh.region[one] != mesh.region[two])]
        chosen = outer if len(outer) else whole  # a corner cell's inner edge may have both ends in the set
        if len(chosen):
            found[name] = chosen
        else:
            notes.append(f"node set {name!r} holds no whole edge: it is not a line but points, which can be held")
        alone = np.setdiff1d(nodes, edges.nodes[chosen])
        if len(alone):
            sets[name] = alone
    return {name: edges.nodes[at] for name, at in found.items()}, sets


def _points(raw: Raw, group: Group) -> IntArray:
    """The nodes of a group of points."""
    parts = [NONE]
    for start, (_, nodes) in zip(raw.offsets, raw.blocks, strict=False):
        chosen = group.cells[(group.cells >= start) & (group.cells < start + len(nodes))] - start
        parts.append(nodes[chosen].ravel())
    return np.concatenate(parts)


def _edges_at(edges: Edges, count: int) -> tuple[IntArray, IntArray]:
    """The edges at each of ``count`` nodes: those of node k are ``second[first[k]:first[k + 1]]``."""
    flat = edges.nodes.ravel()
    order = np.argsort(flat, kind="stable")
    return np.searchsorted(flat[order], np.arange(count + 1)), order // edges.nodes.shape[1]


def _ranges(starts: IntArray, ends: IntArray) -> IntArray:
    """All numbers from each start to below its end."""
    count = ends - starts
    first = np.repeat(starts - np.cumsum(count) + count, count)
    return np.asarray(first + np.arange(len(first)))


def _edges_by_nodes(
    path: Path,
    mesh: Mesh,
    edges: Edges,
    name: str,
    rows: IntArray,
    points: FloatArray,
    new_of: IntArray,
    corner: npt.NDArray[np.bool_],
) -> IntArray:
    """Positions of the edges given by the nodes of 1D cells, in whatever order these name their ends and middle."""
    new = new_of[rows]
    is_end = corner[new]
    order = np.argsort(~is_end, axis=1, kind="stable")
    ends = np.take_along_axis(new, order, axis=1)[:, :2]
    at = np.where(is_end.sum(axis=1) == 2, find_edges(mesh, edges, ends), -1)
    lost = np.flatnonzero(at < 0)
    if len(lost):
        a, b = (", ".join(f"{x:.6g}" for x in points[node]) for node in rows[lost[0], :2])
        fail(
            path,
            f"line group {name!r}: {len(lost)} of its edges are no edges of 2D cells, the first from ({a}) to ({b})",
        )
    return at


@dataclass(frozen=True)
class Places:
    """The named places of a mesh in space: surfaces (cell, face), lines (edges), sets (nodes)."""

    surfaces: dict[str, IntArray]
    lines: dict[str, IntArray]
    sets: dict[str, IntArray]


def places_of(path: Path, mesh: Mesh, raw: Raw, new_of: IntArray, notes: list[str]) -> Places:
    """Surfaces, lines and sets of a mesh in space; ``new_of`` gives each node of the file its number in the mesh.

    A node set becomes a surface where the outer faces with all their nodes in it hold all its nodes, else a set.
    """
    faces = faces_of(mesh)
    if faces.shared.max(initial=0) > 2:
        worst = faces.rows(np.flatnonzero(faces.shared > 2))
        fail(
            path,
            f"{len(worst)} faces belong to more than two cells (cells overlap), the first at "
            f"{place(mesh, worst[0, 0])}",
        )
    found = Places({}, {}, {})
    for group in raw.groups:
        held = np.unique(raw.dims[group.cells]).tolist()
        if held not in ([2], [1], [0]):
            continue
        name = group.name
        if name in mesh.regions:
            if not group.numbered:
                fail(path, f"the name {name!r} is used for a region and for a boundary group; give each its own")
            name = f"{('points', 'line', 'surface')[held[0]]} {name}"
            notes.append(f"group {group.name!r} is called {name!r}, because a region has its number too")
        rows = [
            nodes[group.cells[(group.cells >= start) & (group.cells < start + len(nodes))] - start]
            for start, (_, nodes) in zip(raw.offsets, raw.blocks, strict=False)
        ]
        parts = [new_of[nodes] for nodes in rows if len(nodes)]
        if held == [0]:
            found.sets[name] = np.unique(np.concatenate([part.ravel() for part in parts]))
        elif held == [1]:
            found.lines[name] = _space_edges(path, mesh, name, parts)
        else:
            found.surfaces[name] = _space_faces(path, mesh, faces, name, parts)
    outer = faces.rows(np.flatnonzero((faces.shared == 1) | _between(mesh, faces)))
    for name, members in raw.node_sets.items():
        _node_set(path, mesh, found, outer, name, new_of[members], notes)
    return found


def _between(mesh: Mesh, faces: Faces) -> BoolArray:
    """Which faces part two regions."""
    region = mesh.region[faces.cells]
    return np.asarray((faces.cells[:, 1] >= 0) & (region[:, 0] != region[:, 1]))


def _node_set(
    path: Path, mesh: Mesh, found: Places, outer: IntArray, name: str, nodes: IntArray, notes: list[str]
) -> None:
    inside = np.zeros(len(mesh.points), dtype=bool)
    inside[nodes[nodes >= 0]] = True
    if name in mesh.regions:
        if np.array_equal(np.flatnonzero(inside), mesh.nodes_of(name)):
            return  # Abaqus/CAE writes a node set and an element set of each region
        fail(path, f"the name {name!r} is used for a region and for a node set; give each its own")
    if name in found.surfaces or name in found.lines:
        return
    if not len(nodes):
        fail(path, f"node set {name!r} is empty: it holds no nodes")
    if not np.any(inside) or np.all(inside):
        notes.append(f"node set {name!r} holds {'all' if np.all(inside) else 'no'} nodes of cells and is not used")
        return
    whole = np.zeros(len(outer), dtype=bool)
    covered = np.zeros(len(mesh.points), dtype=bool)
    for local, face in enumerate(mesh.info.faces):
        at = np.flatnonzero(outer[:, 1] == local)
        rows = mesh.cells[outer[at, 0]][:, list(face)]
        held = inside[rows].all(axis=1)
        whole[at[held]] = True
        covered[rows[held].ravel()] = True
    if np.array_equal(covered, inside):
        found.surfaces[name] = outer[whole]
    else:
        found.sets[name] = np.flatnonzero(inside)


def _space_faces(path: Path, mesh: Mesh, faces: Faces, name: str, parts: list[IntArray]) -> IntArray:
    """Faces given by the nodes of 2D cells, whose corners come first."""
    found = []
    for nodes in parts:
        corners = nodes[:, : 3 if nodes.shape[1] in (3, 6, 7) else 4]
        at = find_faces(mesh, faces, np.where(corners < 0, 0, corners))
        at = np.where(np.all(corners >= 0, axis=1), at, -1)
        if np.any(at < 0):
            fail(path, f"surface group {name!r}: {int(np.sum(at < 0))} of its faces are no faces of 3D cells")
        found.append(faces.rows(at))
    return np.unique(np.concatenate(found), axis=0)


def _space_edges(path: Path, mesh: Mesh, name: str, parts: list[IntArray]) -> IntArray:
    """Edges given by the nodes of 1D cells, ends first."""
    edges, _ = cell_edges(mesh)
    scale = np.int64(len(mesh.points))
    key = edges[:, 0] * scale + edges[:, 1]
    found = []
    for nodes in parts:
        ask = nodes[:, :2].min(axis=1) * scale + nodes[:, :2].max(axis=1)
        at = np.minimum(np.searchsorted(key, ask), len(key) - 1)
        wrong = (key[at] != ask) | np.any(nodes[:, :2] < 0, axis=1)
        if np.any(wrong):
            fail(path, f"line group {name!r}: {int(np.sum(wrong))} of its edges are no edges of 3D cells")
        found.append(edges[at])
    return np.unique(np.concatenate(found), axis=0)
