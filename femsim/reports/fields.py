"""The fields of a run as a VTU file; :mod:`femsim.meshes.read.solved` reads it back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.files import atomic_write
from femsim.meshes.mesh import Mesh
from femsim.meshes.write import Values, vtu_bytes
from femsim.models.kinematics import Kinematics, von_mises


def write_fields(
    path: Path,
    mesh: Mesh,
    kinematics: Kinematics,
    displacement: FloatArray,
    nodal_stress: FloatArray,
    temperature: float | FloatArray,
    more: Mapping[str, Values] | None = None,
) -> None:
    """Write a solution: displacement (N, d) in um, stress (E, n, 4) in MPa at the nodes of each cell, temperature
    (number, (N,) or where it jumps (E, n)) in degC, and what is ``more``, (E, n) at the nodes of each cell.

    The drawing plane is ParaView's x-y plane: x is r and y is z in axisymmetry, and the displacement has the components
    (u_r, u_z, 0).
    """
    atomic_write(path, fields_bytes(mesh, kinematics, displacement, nodal_stress, temperature, more))


def fields_bytes(
    mesh: Mesh,
    kinematics: Kinematics,
    displacement: FloatArray,
    nodal_stress: FloatArray,
    temperature: float | FloatArray,
    more: Mapping[str, Values] | None = None,
) -> bytes:
    """The content of the file `write_fields` writes."""
    count = len(mesh.points)
    point_data: dict[str, Values] = {
        "displacement": np.column_stack([displacement[:count], np.zeros((count, 3 - mesh.dim))])
    }
    side_data: dict[str, Values] = {
        f"stress_{name}": nodal_stress[..., i] for i, name in enumerate(kinematics.components)
    }
    side_data["von_mises"] = von_mises(nodal_stress)
    put_temperature(point_data, side_data, temperature, count)
    side_data |= more or {}
    return vtu_bytes(mesh, point_data, {}, mesh.regions, side_data=side_data)


def put_temperature(
    points: dict[str, Values], sides: dict[str, Values], temperature: float | FloatArray, count: int
) -> None:
    """Enter a temperature among values at ``count`` points or, where it jumps between cells, at each cell's own."""
    values = np.asarray(temperature, dtype=float)
    if values.ndim == 2:
        sides["temperature"] = values
    else:
        points["temperature"] = np.broadcast_to(values, (count,))
