"""Corners read off a mesh: the wedges, faces and supports around a node become a junction of the local singularity
problem.

Angles come from the cells' own edges at the node (the tangents, where edges are curved), so straight and bent layouts
and imported meshes are alike. Where the fan of cells is open its two end rays are free faces, unless the constraints
hold their nodes: a ray along which both displacements are prescribed is clamped; one whose normal displacement alone is
prescribed, or common to all its nodes (a plane of symmetry, a coupled cell wall), is a roller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError, NoExpansionError
from femsim.meshes.facets import edges_of
from femsim.meshes.mesh import Mesh

if TYPE_CHECKING:
    from femsim.measures.singularity import Junction
    from femsim.measures.singularity.junction import Condition
    from femsim.models.model import Model


#: a ray may bend by this much (degrees, seen from the corner) before it counts as another feature
BENT = 2.0
#: columns of a material's stiffness (11, 22, 33, 23, 13, 12) as the junction's plane sees them, axisymmetric: 1 = r, 2
#: = z, 3 = hoop
_AXISYMMETRIC = np.array([0, 2, 1, 3, 5, 4])


@dataclass(frozen=True, eq=False)
class Corner:
    """A corner of a model: its node, its junction, the region of each wedge.

    ``reach``: distance (um) to the nearest interface or face that the junction does not know; the expansion may hold
    well inside it.
    """

    name: str
    at: tuple[float, float]
    node: int
    junction: Junction
    regions: tuple[str, ...]
    reach: float

    def wedge_of(self, region: str, toward: float | None = None) -> int:
        """The wedge of a region; where it has several, the one that holds the ray ``toward`` (degrees)."""
        own = [k for k, name in enumerate(self.regions) if name == region]
        if not own:
            there = ", ".join(dict.fromkeys(self.regions))
            raise InputError(f"corner {self.name}: region {region!r} does not touch it; there are: {there}")
        if len(own) == 1 or toward is None:
            return own[0]
        middle = [0.5 * (self.junction.wedges[k].angle_start + self.junction.wedges[k].angle_end) for k in own]
        return own[int(np.argmin([abs((m - toward + 180.0) % 360.0 - 180.0) for m in middle]))]

    def ray_of(self, wedge: int, toward: float) -> float:
        """The edge of a wedge that lies at ``toward`` (degrees) up to a bend, or ``toward`` itself inside the wedge."""
        one = self.junction.wedges[wedge]
        edge = min((one.angle_start, one.angle_end), key=lambda angle: _between(angle, toward))
        return edge if _between(edge, toward) < BENT else toward

    def beside(self, toward: float, side: int) -> int | None:
        """The wedge just above (``side`` = 1) or below (-1) the level ray at 0 or 180 degrees; None where void is."""
        turn = side if abs(toward) < 90.0 else -side
        angle = toward + turn * BENT
        first, last = self.junction.wedges[0].angle_start, self.junction.wedges[-1].angle_end
        if not self.junction.bonded and (angle - first) % 360.0 > last - first:
            return None
        return self.junction.wedge_at(angle)


def _between(a: float, b: float) -> float:
    """Angle between two rays, degrees."""
    return abs((a - b + 180.0) % 360.0 - 180.0)


@dataclass(frozen=True, eq=False)
class Fan:
    """The cells around a node in counter-clockwise order, their regions, the rays between them, and whether they close
    the circle.

    ``rays``: (first corner, ..., last corner) far ends of the cells' edges at the node, one more than cells (the last
    is the first again where the fan is closed); ``angles`` of these edges in degrees, ascending.
    """

    cells: IntArray
    rays: IntArray
    angles: FloatArray
    closed: bool


def fans(mesh: Mesh, node: int) -> list[Fan]:
    """All fans of cells around a corner node; more than one where bodies touch at a point or a crack passes."""
    corners = mesh.info.corners
    cells, corner = np.nonzero(mesh.cells[:, :corners] == node)
    if not len(cells):
        raise InputError(f"corner: node {node} is no corner of any cell")
    following, previous = (corner + 1) % corners, (corner - 1) % corners
    first, last = mesh.cells[cells, following], mesh.cells[cells, previous]
    ahead = _tangent(mesh, cells, corner, first, corner)
    behind = _tangent(mesh, cells, corner, last, previous)
    start, end = (np.degrees(np.arctan2(t[:, 1], t[:, 0])) for t in (ahead, behind))
    opening = np.mod(end - start, 360.0)
    by_first = {int(n): i for i, n in enumerate(first)}
    with_before = set(by_first) & {int(n) for n in last}
    left = set(range(len(cells)))
    found = []
    while left:
        open_start = [i for i in sorted(left) if int(first[i]) not in with_before]
        at = open_start[0] if open_start else min(left)
        order = [at]
        left.discard(at)
        while (after := by_first.get(int(last[order[-1]]))) is not None and after in left:
            order.append(after)
            left.discard(after)
        closed = int(last[order[-1]]) == int(first[order[0]])
        angles = start[order[0]] + np.concatenate([[0.0], np.cumsum(opening[order])])
        if closed:
            angles[-1] = angles[0] + 360.0
        rays = np.concatenate([first[order], last[order[-1:]]])
        found.append(Fan(cells[order], rays, snapped(angles), closed))
    return found


def snapped(angles: FloatArray) -> FloatArray:
    """Angles in degrees; those within the angular tolerance of a whole degree are that degree, so that the rounding of
    coordinates moves no ray off the one it was drawn on.
    """
    from femsim.measures.singularity import ANGLE_TOLERANCE

    whole = np.round(angles)
    return np.where(np.abs(angles - whole) <= ANGLE_TOLERANCE, whole, angles)


def _tangent(mesh: Mesh, cells: IntArray, corner: IntArray, far: IntArray, edge: IntArray) -> FloatArray:
    """Direction (n, 2) in which an edge leaves the corner: with a middle node, the derivative of the parabola through
    its nodes.
    """
    here, there = mesh.points[mesh.cells[cells, corner]], mesh.points[far]
    if mesh.info.order == 1:
        return np.asarray(there - here)
    middle = mesh.points[mesh.cells[cells, mesh.info.corners + edge]]
    return np.asarray(4.0 * middle - 3.0 * here - there)


def corner_at(model: Model, point: tuple[float, float], name: str = "", region: str | None = None) -> Corner:
    """The corner of a model at a node; ``region`` chooses among several fans that touch there.

    Raises InputError where there is no node or the point lies on the axis (the local field there is not a plane one),
    NoExpansionError where a support is one that the local problem does not know.
    """
    from femsim.measures.singularity import Junction, Wedge

    mesh = model.mesh
    label = name or f"({point[0]:g}, {point[1]:g})"
    extent = mesh.extent
    vertices = mesh.vertices
    distance = np.linalg.norm(mesh.points[vertices] - np.array(point), axis=1)
    if distance.min() > 1e-6 * extent:
        x, y = mesh.points[vertices[int(np.argmin(distance))]]
        raise InputError(
            f"corner {label}: no node at ({point[0]:g}, {point[1]:g}) um; the nearest is at ({x:g}, {y:g})"
        )
    same = vertices[distance <= distance.min() + mesh.near]
    if model.kinematics.radial and mesh.points[same[0], 0] <= mesh.near:
        raise InputError(f"corner {label}: lies on the axis, where the local field is not a plane one")
    candidates = [(int(node), fan) for node in same for fan in fans(mesh, int(node))]
    if region is not None:
        candidates = [c for c in candidates if mesh.regions.index(region) in mesh.region[c[1].cells]]
        if not candidates:
            raise InputError(f"corner {label}: region {region!r} does not touch it")
    node, fan = max(candidates, key=lambda c: len(c[1].cells))
    starts, regions = _wedges(mesh, fan)
    wedges = []
    for k, number in enumerate(regions):
        temperature = model.temperature_beside(node, number)
        material = model.materials[mesh.regions[number]]
        stiffness = material.stiffness(temperature, model.kinematics.plane)
        strain = model.free_strain(number, temperature)
        if model.kinematics.radial:
            stiffness, strain = stiffness[np.ix_(_AXISYMMETRIC, _AXISYMMETRIC)], strain[_AXISYMMETRIC]
        wedges.append(Wedge(float(starts[k]), float(starts[k + 1]), stiffness, strain))
    plane = "plane-stress" if model.kinematics.plane_stress else "plane-strain"
    if fan.closed:
        junction = Junction(tuple(wedges), "bonded", plane)  # type: ignore[arg-type]
    else:
        pair = (_condition(model, node, int(fan.rays[0]), label), _condition(model, node, int(fan.rays[-1]), label))
        junction = Junction(tuple(wedges), pair, plane)  # type: ignore[arg-type]
    reach = _reach(mesh, node, starts, regions, fan.closed)
    x, y = (float(v) for v in mesh.points[node])
    return Corner(name, (x, y), node, junction, tuple(mesh.regions[number] for number in regions), reach)


def _wedges(mesh: Mesh, fan: Fan) -> tuple[FloatArray, list[int]]:
    """Angles (n + 1,) of the wedges and their region numbers: neighbouring cells of one region are one wedge."""
    region = mesh.region[fan.cells]
    angles = fan.angles
    changes = np.flatnonzero(region[1:] != region[:-1]) + 1
    if fan.closed and len(changes) and region[0] == region[-1]:
        turn = int(changes[0])
        region = np.roll(region, -turn)
        angles = np.concatenate([angles[turn:-1], angles[: turn + 1] + 360.0])
        changes = np.flatnonzero(region[1:] != region[:-1]) + 1
    at = np.concatenate([[0], changes, [len(region)]])
    starts = angles[at]
    starts = starts - 360.0 * np.ceil((starts[0] - 180.0) / 360.0)  # the first ray in (-180, 180]
    return np.asarray(starts), [int(region[i]) for i in at[:-1]]


def _condition(model: Model, node: int, far: int, label: str) -> Condition:
    """What the constraints do along the edge from ``node`` to ``far``."""
    mesh, equation, value = model.mesh, model.constraints.equation, model.load.prescribed
    a, b = mesh.points[node], mesh.points[far]
    pair = np.array([node, far])
    held, even = [], []
    for component in range(2):
        dofs = 2 * pair + component
        prescribed = bool(np.all(equation[dofs] < 0))
        tied = bool(equation[dofs[0]] == equation[dofs[1]])
        held.append(prescribed or tied)
        even.append(tied and (not prescribed or value[dofs[0]] == value[dofs[1]]))
    if not any(held):
        return "free"
    if not all(e for e, h in zip(even, held, strict=True) if h):
        raise NoExpansionError(
            f"corner {label}: a face with prescribed displacements that vary along it; no expansion is known there"
        )
    if all(held):
        return "clamped"
    along = np.abs(b - a) / np.linalg.norm(b - a)
    if along[held.index(True)] < 1e-9:
        return "roller"
    if along[held.index(True)] > 1 - 1e-9:
        raise NoExpansionError(f"corner {label}: a face held along itself only; no expansion is known there")
    raise NoExpansionError(f"corner {label}: a face held obliquely; no expansion is known there")


def _reach(mesh: Mesh, node: int, starts: FloatArray, regions: list[int], closed: bool) -> float:
    """Distance from a corner to the nearest edge between regions, or of the body, that is not part of one of its
    rays.
    """
    edges = edges_of(mesh)
    left = mesh.region[edges.cells[:, 0]]
    right = np.where(edges.cells[:, 1] >= 0, mesh.region[edges.cells[:, 1]], -1)
    kept = np.flatnonzero(left != right)
    nodes, pair = edges.nodes[kept], np.sort(np.column_stack([left, right])[kept], axis=1)
    offset = mesh.points[nodes] - mesh.points[node]
    radius = np.linalg.norm(offset, axis=2)
    here = radius <= 1e-12 * max(float(radius.max()), 1e-300)
    angle = np.degrees(np.arctan2(offset[..., 1], offset[..., 0]))
    around = [*regions] if closed else [-1, *regions, -1]
    rays = [(starts[k], around[k - 1], around[k]) for k in range(len(regions))] if closed else [
        (starts[k], around[k], around[k + 1]) for k in range(len(regions) + 1)
    ]  # fmt: skip
    known = np.zeros(len(kept), dtype=bool)
    for ray, one, two in rays:
        turn = np.abs((angle - ray + 180.0) % 360.0 - 180.0)
        known |= np.all(here | (turn < BENT), axis=1) & np.all(pair == sorted((one, two)), axis=1)
    a, b = offset[~known, 0], offset[~known, 1]
    if not len(a):
        return float(radius.max())
    length = np.maximum(np.sum((b - a) ** 2, axis=1), 1e-300)
    t = np.clip(-np.sum(a * (b - a), axis=1) / length, 0.0, 1.0)
    return float(np.linalg.norm(a + t[:, None] * (b - a), axis=1).min())
