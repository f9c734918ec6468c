"""Boundary conditions: which nodes and edges a case names, what is prescribed there, and whether the body is held."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError, nearest
from femsim.cases.parts import Boundary
from femsim.meshes.facets import edges_of, find_edges
from femsim.meshes.mesh import Mesh
from femsim.models.kinematics import Kinematics
from femsim.models.loads import Traction
from femsim.models.space import Constraints, Space, check_held

#: nodes that miss a coordinate by less than this fraction of the shortest edge are told of
LEFT_OUT = 0.05


def constrain(
    mesh: Mesh,
    kinematics: Kinematics,
    boundaries: Sequence[Boundary],
    outer: str = "free",
    given: Sequence[Boundary] = (),
) -> tuple[Space, FloatArray]:
    """Space of a model, and the displacements (ndof,) prescribed in it: symmetry at the axis, the cell wall, the
    prescribed displacements; the body must be held.

    ``outer``: the largest first coordinate (in plane models also the smallest) is free, fixed (no motion along it) or
    coupled (one common motion of each wall, no net force). Raises InputError for an empty boundary, a contradiction, or
    a rigid motion left free.
    """
    width = kinematics.width
    ndof = width * len(mesh.points) + kinematics.globals_
    tolerance = mesh.near
    fixed: dict[int, tuple[float, str]] = {}
    axis = np.flatnonzero(mesh.points[:, 0] <= tolerance) if kinematics.radial else np.empty(0, dtype=np.int64)
    links: dict[int, dict[int, float]] = {}
    for combination in kinematics.axis:
        used = [k for k, factor in enumerate(combination) if factor]
        for node in axis.tolist():
            if len(used) == 1:
                fixed[width * node + used[0]] = (0.0, "the axis r = 0")
            else:
                last = used[-1]
                links[width * node + last] = {width * node + k: -combination[k] / combination[last] for k in used[:-1]}
    walls = [np.flatnonzero(mesh.points[:, 0] >= mesh.points[:, 0].max() - tolerance)]
    if not kinematics.radial:
        walls.append(np.flatnonzero(mesh.points[:, 0] <= mesh.points[:, 0].min() + tolerance))
    ties: tuple[IntArray, ...] = ()
    if outer == "fixed":
        for node in np.concatenate(walls):
            fixed[width * int(node)] = (0.0, "model.outer = fixed")
    elif outer == "coupled":
        ties = tuple(width * wall for wall in walls)
    for boundary in boundaries:
        label = f"boundary.{list(given).index(boundary)}" if boundary in given else "the stack's own hold"
        _prescribe(fixed, mesh, kinematics, boundary, label, tolerance)
    for group in ties:
        if len({fixed[int(dof)][0] for dof in group if int(dof) in fixed}) > 1:
            raise InputError(
                'model.outer: coupled, but boundaries prescribe different motions of the cell wall; use outer = "free"'
            )
    held = np.array(sorted(fixed), dtype=np.int64)
    prescribed = np.zeros(ndof)
    prescribed[held] = [fixed[dof][0] for dof in held.tolist()]
    for group in ties:
        own = group[np.isin(group, held)]
        if len(own):
            prescribed[group] = prescribed[own[0]]
    for dof, terms in links.items():  # a link to a held displacement takes its value
        prescribed[dof] = sum(factor * prescribed[other] for other, factor in terms.items())
    space = Space(mesh, kinematics, Constraints.build(ndof, held, ties, links))
    check_held(space)
    if space.constraints.count == 0:
        raise InputError("boundary: every displacement is prescribed; nothing is left to solve")
    return space, prescribed


def _prescribe(
    fixed: dict[int, tuple[float, str]],
    mesh: Mesh,
    kinematics: Kinematics,
    boundary: Boundary,
    label: str,
    tolerance: float,
) -> None:
    wanted = {"u_r": ("r", 0), "u_z": ("z", 1), "u_x": ("x", 0), "u_y": ("y", 1)}
    nodes: IntArray | None = None
    for key, (axis, component) in wanted.items():
        value = getattr(boundary, key)
        if value is None:
            continue
        if axis not in kinematics.axes:
            names = ", ".join(f"u_{a}" for a in kinematics.axes)
            raise InputError(f"{label}.{key}: not a displacement of a {kinematics.name} model; allowed: {names}")
        nodes = nodes_on(mesh, kinematics, boundary, label, tolerance) if nodes is None else nodes
        for node in nodes:
            dof = kinematics.width * int(node) + component
            before = fixed.get(dof)
            if before is not None and before[0] != value:
                x, y = mesh.points[node]
                raise InputError(
                    f"{label}.{key}: {value:g} contradicts {before[0]:g} of {before[1]} at ({x:g}, {y:g}) um"
                )
            fixed[dof] = (float(value), label)


def nodes_on(mesh: Mesh, kinematics: Kinematics, boundary: Boundary, label: str, tolerance: float) -> IntArray:
    """Nodes of the place a boundary names; never empty."""
    if boundary.on is not None:
        points = mesh.sets.get(boundary.on)
        if points is not None and boundary.on not in mesh.lines:
            return points
        edges = np.unique(line(mesh, boundary.on, f"{label}.on"))
        return edges if points is None else np.union1d(edges, points)
    if boundary.point is not None:
        distance = np.linalg.norm(mesh.points - np.array(boundary.point), axis=1)
        found = int(np.argmin(distance))
        if distance[found] > max(tolerance, 1e-6 * mesh.extent):
            x, y = mesh.points[found]
            raise InputError(
                f"{label}.point: no node at ({boundary.point[0]:g}, {boundary.point[1]:g}) um; the nearest is at "
                f"({x:g}, {y:g})"
            )
        return np.array([found])
    axis, component, value = _coordinate(kinematics, boundary, label)
    nodes = np.flatnonzero(np.abs(mesh.points[:, component] - value) <= tolerance)
    _tell_left_out(mesh, kinematics, boundary, label)
    if not len(nodes):
        low, high = mesh.points[:, component].min(), mesh.points[:, component].max()
        raise InputError(f"{label}.{axis}: no node at {axis} = {value:g} um; the body reaches from {low:g} to {high:g}")
    return nodes


def _tell_left_out(mesh: Mesh, kinematics: Kinematics, boundary: Boundary, label: str) -> None:
    """Warn of nodes that lie beside a boundary's coordinate, but not on it."""
    axis, component, value = _coordinate(kinematics, boundary, label)
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


def _coordinate(kinematics: Kinematics, boundary: Boundary, label: str) -> tuple[str, int, float]:
    for axis in ("r", "z", "x", "y"):
        value = getattr(boundary, axis)
        if value is not None:
            if axis not in kinematics.axes:
                raise InputError(
                    f"{label}.{axis}: not a coordinate of a {kinematics.name} model; allowed: "
                    f"{', '.join(kinematics.axes)}"
                )
            return axis, kinematics.axes.index(axis), value
    raise InputError(f"{label}: says no place")


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


def traction_of(mesh: Mesh, kinematics: Kinematics, boundary: Boundary, index: int) -> Traction | None:
    """The traction or pressure of a boundary on the outer edges it names, or None."""
    if boundary.pressure is None and boundary.traction is None:
        return None
    label = f"boundary.{index}"
    edges = edges_of(mesh)
    if boundary.on is not None:
        at = find_edges(mesh, edges, line(mesh, boundary.on, f"{label}.on"))
    else:
        axis, component, value = _coordinate(kinematics, boundary, label)
        tolerance = mesh.near
        _tell_left_out(mesh, kinematics, boundary, label)
        on = np.all(np.abs(mesh.points[edges.nodes][..., component] - value) <= tolerance, axis=1)
        at = np.flatnonzero(on & (edges.cells[:, 1] < 0))
        if not len(at):
            raise InputError(f"{label}.{axis}: no outer edge at {axis} = {value:g} um to carry a load")
    if np.any(at < 0) or np.any(edges.cells[at, 1] >= 0):
        raise InputError(
            f"{label}.on: line {boundary.on!r} runs inside the body; a pressure or traction needs an outer line"
        )
    vector = np.zeros((len(at), 2)) if boundary.traction is None else np.tile(boundary.traction, (len(at), 1))
    return Traction(edges.nodes[at], vector, float(boundary.pressure or 0.0))
