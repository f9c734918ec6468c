"""Roots of imported meshes: the direction and the reach of a conductor, read off the cells around the point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from femsim.base.errors import InputError, nearest
from femsim.cases.parts import RootSpec
from femsim.meshes.layout import Root
from femsim.meshes.mesh import Mesh


def roots_of_mesh(mesh: Mesh, specs: Sequence[RootSpec]) -> tuple[Root, ...]:
    """The named roots of a case on an imported mesh; each must be a node of its conductor."""
    return tuple(_root(mesh, spec) for spec in specs)


def _root(mesh: Mesh, spec: RootSpec) -> Root:
    label = f"root.{spec.name}"
    if spec.region not in mesh.regions:
        raise InputError(
            f"{label}.region: no region {spec.region!r}{nearest(spec.region, mesh.regions)}; there are: "
            f"{', '.join(mesh.regions)}"
        )
    cells = mesh.cells_of(spec.region)
    nodes = np.unique(mesh.cells[cells])
    extent = mesh.extent
    distance = np.linalg.norm(mesh.points[nodes] - np.array(spec.at), axis=1)
    if distance.min() > max(mesh.near, 1e-6 * extent):
        x, y = mesh.points[nodes[int(np.argmin(distance))]]
        raise InputError(
            f"{label}.at: no node of {spec.region!r} at ({spec.at[0]:g}, {spec.at[1]:g}) um; the nearest is at "
            f"({x:g}, {y:g})"
        )
    node = int(nodes[int(np.argmin(distance))])
    x0, y0 = (float(v) for v in mesh.points[node])
    around = cells[np.any(mesh.cells[cells] == node, axis=1)]
    centre = mesh.points[mesh.cells[around]].mean(axis=(0, 1))
    sx: Literal[-1, 1] = 1 if centre[0] > x0 else -1
    sy: Literal[-1, 1] = 1 if centre[1] > y0 else -1
    points = mesh.points[nodes]
    on_interface = points[np.abs(points[:, 1] - y0) <= mesh.near]
    width = float(((on_interface[:, 0] - x0) * sx).max())
    height = float(((points[:, 1] - y0) * sy).max())
    if width <= 0 or height <= 0:
        raise InputError(
            f"{label}.at: ({x0:g}, {y0:g}) is not where a side wall of {spec.region!r} meets a level interface"
        )
    return Root(spec.name, (x0, y0), spec.region, (sx, sy), width, height)
