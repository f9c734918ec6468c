"""Where boundary conditions act: the nodes and edges of the places that a case names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError, nearest
from femsim.meshes.facets import Edges, edges_of, faces_of, find_edges, outer_faces, surface_nodes
from femsim.meshes.mesh import Mesh
from femsim.models.kinematics import Kinematics

#: nodes that miss a coordinate by less than this fraction of the shortest edge are told of
LEFT_OUT = 0.05


class Where(Protocol):
    """A place of a case: a named line, a line of constant coordinate cut by ranges, or a point."""

    @property
    def on(self) -> str | None:
        """The named line."""
        ...

    @property
    def point(self) -> tuple[float, ...] | None:
        """The point."""
        ...

    def level(self) -> tuple[str, float] | None:
        """Axis and value of the line of constant coordinate."""
        ...

    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """The ranges that cut it."""
        ...


def nodes_on(mesh: Mesh, kinematics: Kinematics, place: Where, label: str) -> IntArray:
    """Nodes of a place; never empty. Raises InputError for a place that the mesh does not have."""
    tolerance = mesh.near
    if place.on is not None and mesh.dim == 3:
        if place.on not in mesh.places:
            raise _no_place(mesh, place.on, f"{label}.on")
        return mesh.nodes_on(place.on)
    if place.on is not None:
        points = mesh.sets.get(place.on)
        if points is not None and place.on not in mesh.lines:
            return points
        edges = np.unique(line(mesh, place.on, f"{label}.on"))
        return edges if points is None else np.union1d(edges, points)
    if place.point is not None:
        distance = np.linalg.norm(mesh.points - np.array(place.point), axis=1)
        found = int(np.argmin(distance))
        if distance[found] > max(tolerance, 1e-6 * mesh.extent):
            wanted, there = (", ".join(f"{v:g}" for v in x) for x in (place.point, mesh.points[found]))
            raise InputError(f"{label}.point: no node at ({wanted}) um; the nearest is at ({there})")
        return np.array([found])
    axis, component, value = _level(kinematics, place, label)
    on = np.abs(mesh.points[:, component] - value) <= tolerance
    _tell_left_out(mesh, axis, component, value, label)
    if not np.any(on):
        low, high = mesh.points[:, component].min(), mesh.points[:, component].max()
        raise InputError(f"{label}.{axis}: no node at {axis} = {value:g} um; the body reaches from {low:g} to {high:g}")
    for other, (low, high) in place.ranges().items():
        at = mesh.points[:, _axis(kinematics, other, axis, label)]
        _require_ends(at[on], other, (low, high), label, tolerance)
        on &= (at >= low - tolerance) & (at <= high + tolerance)
    if not np.any(on):
        raise InputError(f"{label}: no node at {axis} = {value:g} um within the range")
    return np.flatnonzero(on)


def edges_on(mesh: Mesh, kinematics: Kinematics, place: Where, label: str) -> tuple[Edges, IntArray]:
    """All edges of the mesh, and which of them make up a line; never empty."""
    edges = edges_of(mesh)
    if place.on is not None:
        at = find_edges(mesh, edges, line(mesh, place.on, f"{label}.on"))
        return edges, at[at >= 0]
    axis, component, value = _level(kinematics, place, label)
    tolerance = mesh.near
    _tell_left_out(mesh, axis, component, value, label)
    points = mesh.points[edges.nodes]
    on = np.all(np.abs(points[..., component] - value) <= tolerance, axis=1)
    for other, (low, high) in place.ranges().items():
        along = points[..., _axis(kinematics, other, axis, label)]
        if np.any(on):
            _require_ends(along[on].ravel(), other, (low, high), label, tolerance)
        on &= np.all((along >= low - tolerance) & (along <= high + tolerance), axis=1)
    return edges, np.flatnonzero(on)


def _tell_left_out(mesh: Mesh, axis: str, component: int, value: float, label: str) -> None:
    """Warn of nodes that lie beside a coordinate, but not on it."""
    off = np.abs(mesh.points[:, component] - value)
    beside = np.flatnonzero((off > mesh.near) & (off <= LEFT_OUT * mesh.shortest))
    if len(beside):
        place = ", ".join(f"{x:.9g}" for x in mesh.points[beside[0]])
        warnings.warn(
            f"{label}.{axis}: {len(beside)} nodes lie within {LEFT_OUT * mesh.shortest:.2g} um of {axis} = {value:g} "
            f"but not on it (within {mesh.near:.2g} um) and are left out, the first at ({place})",
            FemsimWarning,
            stacklevel=4,
        )


def outer_edges_on(mesh: Mesh, kinematics: Kinematics, place: Where, label: str) -> IntArray:
    """Outer edges (K, 2 or 3), body on the left, of a line; raises InputError where it runs inside the body."""
    edges, at = edges_on(mesh, kinematics, place, label)
    if place.on is None:
        at = at[edges.cells[at, 1] < 0]
        if not len(at):
            axis, _, value = _level(kinematics, place, label)
            raise InputError(f"{label}.{axis}: no outer edge at {axis} = {value:g} um to carry a load")
        tell_gaps(mesh.points[edges.nodes[at]], kinematics, place, label)
    elif not len(at) or np.any(edges.cells[at, 1] >= 0):
        raise InputError(f"{label}.on: line {place.on!r} runs inside the body; a load needs an outer line")
    return np.asarray(edges.nodes[at])


def facets_on(mesh: Mesh, kinematics: Kinematics, place: Where, label: str) -> list[IntArray]:
    """The nodes of the facets of a place, by kind: edges in the plane, faces in space."""
    if mesh.dim == 2:
        edges, at = edges_on(mesh, kinematics, place, label)
        return [edges.nodes[at]] if len(at) else []
    return [nodes for _, nodes in surface_nodes(mesh, faces_on(mesh, kinematics, place, label)).values()]


def outer_facets_on(mesh: Mesh, kinematics: Kinematics, place: Where, label: str) -> list[IntArray]:
    """The same of outer facets, seen from outside; raises InputError where a place runs inside the body."""
    if mesh.dim == 2:
        return [outer_edges_on(mesh, kinematics, place, label)]
    rows, outer, count = faces_on(mesh, kinematics, place, label), outer_faces(mesh), len(mesh.info.faces)
    free = np.isin(rows[:, 0] * count + rows[:, 1], outer[:, 0] * count + outer[:, 1])
    if place.on is not None and not np.all(free):
        raise InputError(f"{label}.on: surface {place.on!r} runs inside the body; a load needs an outer surface")
    if not np.any(free):
        level = place.level()
        where = "" if level is None else f" at {level[0]} = {level[1]:g} um"
        raise InputError(f"{label}: no outer face{where} to carry a load")
    return [nodes for _, nodes in surface_nodes(mesh, rows[free]).values()]


def faces_on(mesh: Mesh, kinematics: Kinematics, place: Where, label: str) -> IntArray:
    """Faces (K, 2) of a place in space."""
    if place.on is not None:
        if place.on not in mesh.places:
            raise _no_place(mesh, place.on, f"{label}.on")
        if place.on not in mesh.surfaces:
            raise InputError(f"{label}.on: {place.on!r} is no surface; a load needs one")
        return mesh.surfaces[place.on]
    inside = np.zeros(len(mesh.points), dtype=bool)
    inside[nodes_on(mesh, kinematics, place, label)] = True
    rows = faces_of(mesh).rows()
    on = np.zeros(len(rows), dtype=bool)
    for local, face in enumerate(mesh.info.faces):
        at = np.flatnonzero(rows[:, 1] == local)
        on[at] = inside[mesh.cells[rows[at, 0]][:, list(face)]].all(axis=1)
    return rows[on]


def _no_place(mesh: Mesh, name: str, key: str) -> InputError:
    known = sorted(mesh.places)
    return InputError(
        f"{key}: no surface, line or set {name!r}{nearest(name, known)}; there are: {', '.join(known) or 'none'}"
    )


def line(mesh: Mesh, name: str, key: str) -> IntArray:
    """Edges of a named line; never empty."""
    if name not in mesh.lines:
        if name in mesh.sets:
            raise InputError(f"{key}: {name!r} is a set of points, not a line")
        known = sorted({*mesh.lines, *mesh.sets})
        raise InputError(f"{key}: no line {name!r}{nearest(name, known)}; there are: {', '.join(known) or 'none'}")
    if not len(mesh.lines[name]):
        raise InputError(f"{key}: line {name!r} is empty")
    return mesh.lines[name]


def words(place: Where) -> str:
    """A place in words."""
    if place.on is not None:
        return f"line {place.on!r}"
    if place.point is not None:
        return f"({', '.join(f'{v:g}' for v in place.point)}) um"
    level = place.level()
    return "" if level is None else f"{level[0]} = {level[1]:g} um"


def _level(kinematics: Kinematics, place: Where, label: str) -> tuple[str, int, float]:
    level = place.level()
    if level is None:
        raise InputError(f"{label}: says no place")
    axis, value = level
    if axis not in kinematics.axes:
        raise InputError(f"{label}.{axis}: not a coordinate of this model; allowed: {', '.join(kinematics.axes)}")
    return axis, kinematics.axes.index(axis), value


def _axis(kinematics: Kinematics, axis: str, level: str, label: str) -> int:
    if axis not in kinematics.axes or axis == level:
        allowed = ", ".join(a for a in kinematics.axes if a != level)
        raise InputError(f"{label}.{axis}: no coordinate along {level} = const; allowed: {allowed}")
    return kinematics.axes.index(axis)


def _require_ends(at: FloatArray, axis: str, span: tuple[float, float], label: str, tolerance: float) -> None:
    """A range must end on nodes ``at`` of its line; one that reaches beyond them is told of, with what is left of it.

    Raises InputError for an end between nodes.
    """
    low, high = float(at.min()), float(at.max())
    for end in span:
        if low < end < high and np.abs(at - end).min() > tolerance:
            near = float(at[int(np.argmin(np.abs(at - end)))])
            raise InputError(
                f"{label}.{axis}: the range ends at {end:g} um, where the mesh has no node; the nearest is {near:g}"
            )
    kept = min(high, span[1]) - max(low, span[0])
    if 0.0 < kept < span[1] - span[0] - tolerance:
        warnings.warn(
            f"{label}.{axis}: the range [{span[0]:g}, {span[1]:g}] um reaches beyond the body, which is there from "
            f"{low:g} to {high:g}; {kept / (span[1] - span[0]):.3g} of the range is used",
            FemsimWarning,
            stacklevel=4,
        )


def tell_gaps(points: FloatArray, kinematics: Kinematics, place: Where, label: str) -> None:
    """Warn where the edges (K, m, 2) chosen on a line leave gaps within its range: what is given acts beside them."""
    for axis, span in place.ranges().items():
        ends = points[:, :2, kinematics.axes.index(axis)]
        low, high = max(span[0], float(ends.min())), min(span[1], float(ends.max()))
        covered = float(np.ptp(ends, axis=1).sum())
        if covered < (1.0 - 1e-6) * (high - low):
            warnings.warn(
                f"{label}.{axis}: {covered / (high - low):.3g} of [{low:g}, {high:g}] um on this line is surface of "
                "the body; what is given acts there alone",
                FemsimWarning,
                stacklevel=4,
            )
