"""The fields of a solved run, read back: what a report draws again, and what a sub-model takes its boundary from."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import femsim
from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.meshes.elements import shape
from femsim.meshes.locate import locate_many
from femsim.meshes.mesh import Mesh
from femsim.meshes.read.vtu import names_in, read_arrays
from femsim.meshes.write import VTK_TYPE

#: a point this far (fraction of the extent) outside the body lies outside
OUTSIDE = 1.0e-6


@dataclass(frozen=True)
class Fields:
    """What fields.vtu holds: displacement (N, d) in um, stress (E, n, k) in MPa at each cell's own nodes with the names
    of its components, temperature (N,) in degC.
    """

    mesh: Mesh
    components: tuple[str, ...]
    displacement: FloatArray
    stress: FloatArray
    temperature: FloatArray

    def holders(self, points: FloatArray, region: str | None = None) -> tuple[IntArray, FloatArray, FloatArray]:
        """The cells (n,) that hold points (n, d), of one region where given, the reference coordinates (n, d) in them,
        and how far (um) each point lies outside.
        """
        every = np.arange(len(self.mesh.cells)) if region is None else self.mesh.cells_of(region)
        cells, xi = locate_many(self.mesh, every, points)
        values, _ = shape(self.mesh.element, xi)
        place = np.einsum("en,enc->ec", values, self.mesh.points[self.mesh.cells[cells]])
        return cells, xi, np.asarray(np.linalg.norm(place - points, axis=1))

    def at(self, points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Displacement (n, d) in um and temperature (n,) in degC at points (n, d), and how far (um) each lies
        outside.
        """
        cells, xi, outside = self.holders(points)
        values, _ = shape(self.mesh.element, xi)
        nodes = self.mesh.cells[cells]
        u = np.einsum("en,enc->ec", values, self.displacement[nodes])
        return u, np.sum(values * self.temperature[nodes], axis=1), outside


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
        dim = 2 if element.startswith(("tri", "quad")) else 3
        place = np.asarray(data["Points"]["Points"], dtype=float)[first, :dim]
        known = names_in(data["FieldData"], "region")
        names = tuple(known[number] for number in range(len(known)))
        mesh = Mesh(place, cells, element, np.asarray(values["region"], dtype=np.int64), names)
        components = tuple(name.removeprefix("stress_") for name in points if name.startswith("stress_"))
        stress = np.stack([np.asarray(points[f"stress_{name}"], dtype=float) for name in components], axis=-1)
        displacement = np.asarray(points["displacement"], dtype=float)[first, :dim]
        temperature = np.asarray(points["temperature"], dtype=float)[first]
        return Fields(mesh, components, displacement, stress.reshape(*cells.shape, -1), temperature)
    except (KeyError, ValueError, IndexError, StopIteration, OSError, SyntaxError, zlib.error) as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{path}: not as femsim {femsim.__version__} writes it ({found})") from None
