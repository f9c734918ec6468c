"""Plans swept through layers: hexahedra over quadrilaterals, wedges over triangles; and blocks of x, y, z.

A plan is a mesh in the x-y plane. Its cells become columns, cut at the grid lines in z; every column has a region in
each interval, or none where there is nothing. Lines of the plan become surfaces, levels of z horizontal ones, and
where both meet there are named lines (a root circle).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.meshes.elements import ELEMENTS, node_points
from femsim.meshes.facets import Faces, faces_of, find_faces
from femsim.meshes.grid import MOST_CELLS, Grading, graded, merged, tensor_mesh
from femsim.meshes.mesh import Mesh

#: the solid over each plane element
SOLID_OVER = {"quad4": "hex8", "quad8": "hex20", "quad9": "hex27", "tri3": "wedge6", "tri6": "wedge15"}
#: levels and coordinates this close, as a fraction of the extent, are one
SAME = 1.0e-9


@dataclass(frozen=True)
class Level:
    """A named horizontal surface: the faces at ``z`` between or under cells; ``columns`` (plan cells,) says where."""

    z: float
    columns: BoolArray | None = None


def extrude(
    plan: Mesh,
    z: FloatArray,
    region: IntArray,
    regions: tuple[str, ...],
    levels: Mapping[str, Level] | None = None,
    curves: Mapping[str, tuple[str, float]] | None = None,
) -> Mesh:
    """Mesh in space of a plan between the grid lines ``z`` (nz+1,) with region numbers (nz, plan cells), -1 for void.

    The lines of the plan give surfaces of their names, ``levels`` horizontal ones; ``curves`` names lines: (line of the
    plan, z). A surface without faces and a curve without edges is left out. Raises InputError for more than
    20 million cells.
    """
    element = SOLID_OVER[plan.element]
    step = ELEMENTS[element].order
    layer, column = np.nonzero(region >= 0)
    if len(layer) > MOST_CELLS:
        raise InputError(f"mesh.size: gives {len(layer)} cells, more than {MOST_CELLS}; enlarge size or growth")
    fine = z if step == 1 else np.interp(np.arange(2 * len(z) - 1) / 2.0, np.arange(len(z)), z)
    flat, height = _template(plan.element)
    count = len(plan.points)
    nodes = plan.cells[column][:, flat] + (step * layer[:, None] + height) * count
    used = np.zeros(count * len(fine), dtype=bool)
    used[nodes.ravel()] = True
    number = np.cumsum(used) - 1
    kept = np.flatnonzero(used)
    points = np.column_stack([plan.points[kept % count], fine[kept // count]])
    mesh = Mesh(points, number[nodes], element, region[layer, column], regions)
    faces = faces_of(mesh)
    surfaces: dict[str, IntArray] = {}
    lowest = step * count * np.arange(len(z))
    for name, line in plan.lines.items():
        ends = np.unique(np.sort(line[:, :2], axis=1), axis=0)
        low, high = lowest[:-1, None, None] + ends, lowest[1:, None, None] + ends
        corners = np.concatenate([low, high[..., ::-1]], axis=2).reshape(-1, 4)
        surfaces[name] = _faces_at(mesh, faces, corners, used, number)
    for name, level in (levels or {}).items():
        at = int(np.argmin(np.abs(z - level.z)))
        if abs(z[at] - level.z) > SAME * max(float(z[-1] - z[0]), 1e-300):
            raise InputError(f"{name}: z = {level.z:g} is no grid line of the mesh")
        chosen = plan.cells if level.columns is None else plan.cells[level.columns]
        corners = lowest[at] + chosen[:, : plan.info.corners]
        surfaces[name] = _faces_at(mesh, faces, corners, used, number)
    lines: dict[str, IntArray] = {}
    for name, (line_name, level_z) in (curves or {}).items():
        at = int(np.argmin(np.abs(z - level_z)))
        edges = lowest[at] + plan.lines[line_name]
        alive = used[edges].all(axis=1)
        lines[name] = number[edges[alive]]
    return replace(
        mesh,
        surfaces={name: rows for name, rows in surfaces.items() if len(rows)},
        lines={name: edges for name, edges in lines.items() if len(edges)},
    )


@lru_cache(maxsize=8)
def _template(plane: str) -> tuple[IntArray, IntArray]:
    """For every node of the solid over a plane element: the plane element's node below or above it, and its height in
    steps.
    """
    element = SOLID_OVER[plane]
    flat, solid = node_points(plane), node_points(element)
    below = np.array([int(np.argmin(np.linalg.norm(flat - x[:2], axis=1))) for x in solid])
    return below, np.round(solid[:, 2] * ELEMENTS[element].order).astype(np.int64)


def _faces_at(mesh: Mesh, faces: Faces, corners: IntArray, used: BoolArray, number: IntArray) -> IntArray:
    """The faces with the given corners, in numbers before unused nodes went."""
    alive = used[corners].all(axis=1)
    at = find_faces(mesh, faces, number[corners[alive]])
    return faces.rows(np.unique(at[at >= 0]))


def z_lines(breaks: Sequence[float], fine: Mapping[float, float], grading: Grading) -> FloatArray:
    """Grid lines through all ``breaks``, graded to the sizes wanted at some of them."""
    ordered = np.array(sorted(set(breaks)))
    base = ordered[np.append(True, np.diff(ordered) > SAME * (ordered[-1] - ordered[0]))]
    return graded(merged(list(ordered), base, float(base[-1] - base[0])), dict(fine), grading)


@dataclass(frozen=True)
class Box:
    """A block x, y, z painted with a region; None paints void."""

    region: str | None
    x: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float]

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """The three spans."""
        return (self.x, self.y, self.z)


def box_lines(boxes: Sequence[Box], grading: Grading, points: Sequence[Sequence[float]] = ()) -> tuple[FloatArray, ...]:
    """Grid lines along x, y and z through all faces of the boxes and through further ``points``, graded to these
    points.
    """
    found = []
    for axis in range(3):
        base = np.unique([value for box in boxes for value in box.spans[axis]])
        extent = max(
            float(max(v[axis][1] for v in [b.spans for b in boxes]) - min(b.spans[axis][0] for b in boxes)), 1e-300
        )
        breaks = merged([p[axis] for p in points], base, extent)
        found.append(graded(breaks, {float(p[axis]): grading.size for p in points}, grading))
    total = int(np.prod([len(lines) - 1 for lines in found]))
    if total > MOST_CELLS:
        raise InputError(
            f"mesh.size: {grading.size:g} um gives {total} cells, more than {MOST_CELLS}; enlarge size or growth"
        )
    return tuple(found)


def box_mesh(boxes: Sequence[Box], lines: Sequence[FloatArray], element: str = "hex27") -> Mesh:
    """Hexahedra between grid lines; later boxes paint over earlier ones. The outer faces of the box around all of
    them are the surfaces x_min, x_max, y_min, y_max, z_min, z_max.
    """
    x, y, z = (np.asarray(v, dtype=float) for v in lines)
    regions = tuple(dict.fromkeys(box.region for box in boxes if box.region is not None))
    painted = np.full((len(z) - 1, len(y) - 1, len(x) - 1), -1, dtype=np.int64)
    for box in boxes:
        inside = [
            (0.5 * (v[1:] + v[:-1]) > span[0]) & (0.5 * (v[1:] + v[:-1]) < span[1])
            for v, span in zip((x, y, z), box.spans, strict=True)
        ]
        painted[np.ix_(inside[2], inside[1], inside[0])] = -1 if box.region is None else regions.index(box.region)
    plane = {"hex8": "quad4", "hex20": "quad8", "hex27": "quad9"}[element]
    plan = tensor_mesh(x, y, np.zeros((len(y) - 1, len(x) - 1), dtype=np.int64), ("",), plane)
    mesh = extrude(plan, z, painted.reshape(len(z) - 1, -1), regions)
    return replace(mesh, surfaces=box_sides(mesh))


def box_sides(mesh: Mesh) -> dict[str, IntArray]:
    """The outer faces on the six sides of the box around a mesh, by name; a side that carries no face is left out."""
    faces = faces_of(mesh)
    outer = np.flatnonzero(faces.shared == 1)
    rows = faces.rows(outer)
    low, high = mesh.points.min(axis=0), mesh.points.max(axis=0)
    reach = _reach(mesh, rows)
    sides: dict[str, IntArray] = {}
    for axis, letter in enumerate("xyz"):
        tolerance = SAME * mesh.extent
        for name, on in (
            (f"{letter}_min", reach[1][:, axis] <= low[axis] + tolerance),
            (f"{letter}_max", reach[0][:, axis] >= high[axis] - tolerance),
        ):
            if np.any(on):
                sides[name] = rows[on]
    return sides


def _reach(mesh: Mesh, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Least and largest coordinates (K, 3) of faces."""
    low, high = np.empty((len(rows), 3)), np.empty((len(rows), 3))
    for local, face in enumerate(mesh.info.faces):
        at = np.flatnonzero(rows[:, 1] == local)
        x = mesh.points[mesh.cells[rows[at, 0]][:, list(face)]]
        low[at], high[at] = x.min(axis=1), x.max(axis=1)
    return low, high
