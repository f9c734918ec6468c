"""Which planes of symmetry a cell in space keeps under its materials' axes and its loads; without one it is whole.

A mirror y -> -y takes a cell to itself if every material has one of its axes along y (an orthotropic one is its own
mirror image about each of its axes) and the loads are even: nothing along y, and nothing in a range of y that is not
its own image. What a wall of constant y bears, the opposite wall is taken to bear too. The same for x.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.cases.boundary import Body, Boundary, Varying
from femsim.cases.own import material_refs
from femsim.cases.parts import CaseBase
from femsim.materials.elastic import euler_rotation
from femsim.meshes.plan import Part

#: of a unit vector: what rounding leaves of a component that is zero
ROUNDED = 1.0e-9


def needed_part(case: CaseBase) -> Part | None:
    """The part of a cell that must be meshed; None where the geometry alone decides."""
    odd = set(uneven(case))
    return "whole" if 1 in odd else "half" if 0 in odd else None


def uneven(case: CaseBase) -> dict[int, str]:
    """Axes (0 for x, 1 for y) whose mirror the materials or loads break, and the key that breaks it."""
    found: dict[int, str] = {}
    for key, axes in _turned(case):
        for axis in (0, 1):
            if np.abs(axes[axis]).max() < 1.0 - ROUNDED:
                found.setdefault(axis, key)
    for number, entry in enumerate(case.boundary):
        for axis in (0, 1):
            if _odd(entry, axis):
                found.setdefault(axis, f"boundary.{number}")
    for number, body in enumerate(case.body):
        for axis in (0, 1):
            if any(_given(_component(body, key, axis)) for key in ("force", "acceleration")):
                found.setdefault(axis, f"body.{number}")
    return found


def held_axes(case: CaseBase) -> frozenset[int]:
    """The axes along which the case's own boundaries prescribe displacements."""
    held = {axis for entry in case.boundary for axis, key in enumerate(("u_x", "u_y")) if _number(getattr(entry, key))}
    return frozenset(held | ({0, 1} if any(entry.from_ is not None for entry in case.boundary) else set()))


def _turned(case: CaseBase) -> Iterator[tuple[str, FloatArray]]:
    """Axes (3, 3), as columns, of the materials that are turned, with their keys."""
    for key, ref in material_refs(case).values():
        euler, angle = getattr(ref, "euler", None), getattr(ref, "angle", 0.0)
        if euler is not None:
            yield f"{key}.euler", euler_rotation(euler)
        elif angle:
            yield f"{key}.angle", euler_rotation((angle, 0.0, 0.0))


def _odd(entry: Boundary, axis: int) -> bool:
    """Whether a boundary is not its own mirror image along an axis."""
    if entry.from_ is not None:
        return True
    if isinstance(getattr(entry, "xy"[axis]), float) or entry.on == ("x_max", "y_max")[axis]:
        return False  # a wall: its mirror image bears the like
    if _given(getattr(entry, ("u_x", "u_y")[axis])):
        return True
    if any(_given(_component(entry, key, axis)) for key in ("traction", "force")):
        return True
    place = entry.point[axis] if entry.point is not None else getattr(entry, "xy"[axis])
    loads = (entry.pressure, entry.u_z, entry.u_x, entry.u_y)
    loaded = any(map(_given, loads)) or any(
        _given(_component(entry, key, k)) for key in ("traction", "force") for k in range(3)
    )
    if not loaded or place is None:
        return False
    if isinstance(place, list):
        return not math.isclose(-place[0], place[1])
    return entry.point is not None and place != 0.0


def _component(entry: Boundary | Body, key: str, axis: int) -> Any:
    value = getattr(entry, key)
    return value[axis] if isinstance(value, tuple) and len(value) > axis else None


def _number(value: Any) -> bool:
    """A prescribed value, be it zero."""
    return value is not None and not isinstance(value, str)


def _given(value: Any) -> bool:
    """A value that is not zero."""
    return isinstance(value, Varying) or (isinstance(value, int | float) and value != 0.0)
