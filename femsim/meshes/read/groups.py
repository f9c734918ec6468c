"""The names of a mesh: regions of the groups of 2D cells, lines of the groups of 1D cells and of the node sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.facets import Edges, find_edges
from femsim.meshes.mesh import Mesh
from femsim.meshes.read.raw import NONE, Group, Raw, fail


def place(mesh: Mesh, cell: int | np.integer[Any]) -> str:
    """The centre of a cell's corners, for a message."""
    r, z = mesh.points[mesh.cells[cell, : mesh.info.corners]].mean(axis=0)
    return f"({r:.6g}, {z:.6g}) um"


def with_regions(
    path: Path, mesh: Mesh, groups: list[Group], dims: IntArray, number_of: IntArray, notes: list[str]
) -> Mesh:
    """The mesh with its regions; ``dims`` and ``number_of`` give each cell of the file its dimension and its number in
    the mesh.
    """
    sets = _areas(path, groups, dims, number_of, notes)
    if not sets:
        fail(
            path,
            "no region: none of the 2D cells is in a physical group, an element set or numbered by integer cell data",
        )
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
    path: Path, groups: list[Group], dims: IntArray, number_of: IntArray, notes: list[str]
) -> dict[str, IntArray]:
    """The cells of the mesh in each group of 2D cells."""
    sets: dict[str, IntArray] = {}
    for group in groups:
        held = np.unique(dims[group.cells]).tolist()
        if not held and group.dim != 0:
            said = "" if group.dim is None else f" (dimension {group.dim})"
            fail(path, f"group {group.name!r}{said} is empty: it holds no cells")
        if len(set(held) - {0}) > 1 or (group.dim is not None and held and held != [group.dim]):
            said = "" if group.dim is None else f"; it is declared with dimension {group.dim}"
            fail(
                path,
                f"group {group.name!r} holds cells of dimension {' and '.join(map(str, held))}{said}; regions are "
                f"2D, lines 1D",
            )
        if held == [0] or group.dim == 0:
            notes.append(f"group {group.name!r} holds points only and is not used")
        if held == [2]:
            sets[group.name] = np.union1d(sets.get(group.name, NONE), number_of[group.cells])
    return sets


def lines_of(path: Path, mesh: Mesh, edges: Edges, raw: Raw, new_of: IntArray, notes: list[str]) -> dict[str, IntArray]:
    """The edges of each line; ``new_of`` gives each node of the file its number in the mesh (-1 for none)."""
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
    for name, members in raw.node_sets.items():
        inside = np.zeros(len(mesh.points), dtype=bool)
        inside[new_of[members][new_of[members] >= 0]] = True
        if name in mesh.regions:
            if np.array_equal(np.flatnonzero(inside), mesh.nodes_of(name)):
                continue  # Abaqus/CAE writes a node set and an element set of each region
            fail(path, f"the name {name!r} is used for a region and for a node set; give each its own")
        if name in found:
            continue
        if not len(members):
            fail(path, f"node set {name!r} is empty: it holds no nodes")
        whole = np.all(inside[edges.nodes], axis=1)
        outer = whole & ((edges.cells[:, 1] < 0) | (mesh.region[edges.cells[:, 0]] != mesh.region[edges.cells[:, 1]]))
        chosen = np.flatnonzero(
            outer if np.any(outer) else whole
        )  # a corner cell's inner edge may have both ends in the set
        if len(chosen) and not np.all(inside):
            found[name] = chosen
        else:
            notes.append(
                f"node set {name!r} holds {'all nodes' if np.all(inside) else 'no whole edge'} and is not a line"
            )
    return {name: edges.nodes[at] for name, at in found.items()}


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
