"""Cracks of a case: ``[[crack]] root = "post_root", length = 2`` is opened along the interface from the root inward,
and solved for.

Each crack is a model of its own: the mesh is graded to the tip as to the root, and the body is solved with the crack
open.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from femsim.base.errors import FemsimWarning, InputError, nearest
from femsim.base.secondary import reason
from femsim.builders.build import build_model
from femsim.builders.discretisation import Discretisation, Drawn, Imported
from femsim.builders.resolve import ResolvedMaterial
from femsim.measures.crack import Opened, Release, interface_path, open_crack, release
from femsim.meshes.grid import Grading, grid_lines, mesh_of_lines
from femsim.meshes.layout import Root
from femsim.solvers.solve import solve

#: elements at the tip are no larger than this fraction of the crack's length
AT_TIP = 0.005


@dataclass(frozen=True)
class CrackFailure:
    """A crack whose computation failed, and why; it keeps its place among the others."""

    name: str
    length: float
    note: str


def crack_releases(
    disc: Discretisation, materials: dict[str, ResolvedMaterial], say: Callable[[str], None]
) -> tuple[Release | CrackFailure, ...]:
    """Energy release rates of all cracks of a case; one per wall where roots share a name. One that fails is a warning.

    Raises InputError for a crack that its root or its interface does not allow.
    """
    found = []
    for label, root, length in cracked_roots(disc):
        say(f"crack of {length:g} um at {root.name}")
        found.append(_attempted(disc, materials, root, length, label))
    return tuple(found)


def cracked_roots(disc: Discretisation) -> list[tuple[str, Root, float]]:
    """The cracks of a case: key, root and length (um). Raises InputError where there is no such root."""
    found = []
    names = [root.name for root in disc.roots]
    for index, spec in enumerate(disc.case.crack):
        if spec.root not in names:
            there = ", ".join(dict.fromkeys(names)) or "none"
            raise InputError(
                f"crack.{index}.root: no root {spec.root!r}{nearest(spec.root, names)}; there are: {there}"
            )
        found += [(f"crack.{index}", root, spec.length) for root in disc.roots if root.name == spec.root]
    return found


def _attempted(
    disc: Discretisation, materials: dict[str, ResolvedMaterial], root: Root, length: float, label: str
) -> Release | CrackFailure:
    try:
        return crack_release(disc, materials, root, length, label)
    except InputError:
        raise
    except Exception as error:
        what = f"{label}: no energy release rate of the crack at root {root.name}"
        warnings.warn(f"{what}: {reason(error)}; the other results stand", FemsimWarning, stacklevel=3)
        return CrackFailure(root.name, length, reason(error))


def crack_release(
    disc: Discretisation, materials: dict[str, ResolvedMaterial], root: Root, length: float, label: str = "crack"
) -> Release:
    """The energy release rate of one crack."""
    opened = opened_mesh(disc, root, length, label)
    data = disc.point_data
    if isinstance(disc, Imported) and data:
        extra = len(opened.mesh.points) - len(disc.mesh.points)
        origin = _originals(disc, opened, extra)
        data = {name: np.concatenate([field, field[origin]]) for name, field in data.items()}
    model = build_model(replace(disc, mesh=opened.mesh, point_data=data), materials)
    found = release(solve(model), opened, root.name, length)
    if found.overlaps:
        warnings.warn(
            f"{label}: the faces of the crack at root {root.name} overlap by up to {-found.opening:.2g} um; "
            f"contact is not modelled, "
            "so its energy release rate is that of faces that pass through each other",
            FemsimWarning,
            stacklevel=2,
        )
    return found


def _originals(disc: Discretisation, opened: Opened, extra: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The node each copy was made from."""
    origin = np.empty(extra, dtype=np.int64)
    new = opened.mesh.cells >= len(disc.mesh.points)
    origin[opened.mesh.cells[new] - len(disc.mesh.points)] = disc.mesh.cells[new]
    return origin


def opened_mesh(disc: Discretisation, root: Root, length: float, label: str = "crack") -> Opened:
    """The mesh with the crack: of a layout graded to its tip, of a file as it is."""
    if length >= root.width * (1 - 1e-9):
        raise InputError(
            f"{label}.length: {length:g} is not < {root.width:g} um, the conductor's width at root {root.name}"
        )
    mesh = disc.mesh
    if isinstance(disc, Drawn):
        spec = disc.case.mesh
        tip = (root.at[0] + root.into[0] * length, root.at[1])
        size = min(spec.size, AT_TIP * length)
        layout = replace(disc.layout, corners=(*disc.layout.corners, tip))
        grading = Grading(size, spec.growth, spec.largest, corner_factor=1.0)
        x, y = grid_lines(layout, grading, (*disc.lengths, length))
        mesh = mesh_of_lines(layout, x, y, mesh.element)
    path = interface_path(mesh, root)
    reached = np.abs(mesh.points[path[:, 1], 0] - root.at[0])
    count = int(np.argmin(np.abs(reached - length))) + 1 if len(path) else 0
    if not count or abs(reached[count - 1] - length) > 1e-6 * length:
        near = f"; the nearest is {reached[count - 1]:g}" if count else ""
        raise InputError(f"{label}.length: no node of the interface {length:g} um from root {root.name}{near}")
    return open_crack(mesh, path, count)
