"""The fields of a run as a VTU file."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

import femsim
from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.base.files import atomic_write
from femsim.meshes.mesh import Mesh
from femsim.meshes.read.vtu import names_in, read_arrays
from femsim.meshes.write import VTK_TYPE, Values, vtu_bytes
from femsim.models.kinematics import Kinematics, von_mises
from femsim.reports.page.pack import Fields


def write_fields(
    path: Path,
    mesh: Mesh,
    kinematics: Kinematics,
    displacement: FloatArray,
    nodal_stress: FloatArray,
    temperature: float | FloatArray,
) -> None:
    """Write a solution: displacement (N, 2) in um, stress (E, n, 4) in MPa at the nodes of each cell, temperature
    (number or (N,)) in degC.

    The drawing plane is ParaView's x-y plane: x is r and y is z in axisymmetry, and the displacement has the components
    (u_r, u_z, 0).
    """
    atomic_write(path, fields_bytes(mesh, kinematics, displacement, nodal_stress, temperature))


def read_fields(path: Path) -> Fields:
    """The fields of a file that :func:`write_fields` wrote. Raises InputError where it is another one, or harmed."""
    try:
        data = read_arrays(path)
        points, values = data["PointData"], data["CellData"]
        node = np.asarray(points["node"], dtype=np.int64)
        kinds = np.asarray(data["Cells"]["types"])
        element = next(name for name, kind in VTK_TYPE.items() if kind == kinds[0])
        cells = node.reshape(len(kinds), -1)
        _, first = np.unique(node, return_index=True)
        place = np.asarray(data["Points"]["Points"], dtype=float)[first, :2]
        known = names_in(data["FieldData"], "region")
        names = tuple(known[number] for number in range(len(known)))
        mesh = Mesh(place, cells, element, np.asarray(values["region"], dtype=np.int64), names)
        components = tuple(name.removeprefix("stress_") for name in points if name.startswith("stress_"))
        stress = np.stack([np.asarray(points[f"stress_{name}"], dtype=float) for name in components], axis=-1)
        displacement = np.asarray(points["displacement"], dtype=float)[first, :2]
        temperature = np.asarray(points["temperature"], dtype=float)[first]
        return Fields(mesh, components, displacement, stress.reshape(*cells.shape, -1), temperature)
    except (KeyError, ValueError, IndexError, StopIteration, OSError, SyntaxError, zlib.error) as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{path}: not as femsim {femsim.__version__} writes it ({found})") from None


def fields_bytes(
    mesh: Mesh,
    kinematics: Kinematics,
    displacement: FloatArray,
    nodal_stress: FloatArray,
    temperature: float | FloatArray,
) -> bytes:
    """The content of the file :func:`write_fields` writes."""
    count = len(mesh.points)
    point_data: dict[str, Values] = {
        "displacement": np.column_stack([displacement[:count], np.zeros(count)]),
        "temperature": np.broadcast_to(np.asarray(temperature, dtype=float), (count,)),
    }
    side_data: dict[str, Values] = {
        f"stress_{name}": nodal_stress[..., i] for i, name in enumerate(kinematics.components)
    }
    side_data["von_mises"] = von_mises(nodal_stress)
    return vtu_bytes(mesh, point_data, {}, mesh.regions, side_data=side_data)
