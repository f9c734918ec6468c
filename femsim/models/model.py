"""The model: a space, elastic materials and a load. Frozen; solving it is another noun's business."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.materials.elastic import Material
from femsim.meshes.mesh import Mesh
from femsim.models.dilatation import soft_regions
from femsim.models.kinematics import Kinematics
from femsim.models.loads import Load, Traction
from femsim.models.moduli import Moduli, RegionModuli
from femsim.models.space import Constraints, Space


@dataclass(frozen=True)
class Model:
    """A linear thermo-elastic boundary value problem: which space, which material in each region, which load."""

    space: Space
    materials: dict[str, Material]
    load: Load

    @property
    def mesh(self) -> Mesh:
        """The mesh of the space."""
        return self.space.mesh

    @property
    def kinematics(self) -> Kinematics:
        """The kinematics of the space."""
        return self.space.kinematics

    @property
    def constraints(self) -> Constraints:
        """The constraints of the space."""
        return self.space.constraints

    @property
    def ndof(self) -> int:
        """Degrees of freedom of the space."""
        return self.space.ndof

    @property
    def temperature(self) -> float | FloatArray:
        """Temperature of the load, degC: one number, a value per node or per cell and node."""
        return self.load.temperature

    @property
    def nodal_temperature(self) -> float | FloatArray:
        """Temperature of the load, degC: one number or a value per node (N,), the mean of both sides where it jumps."""
        given = self.temperature
        if np.ndim(given) < 2:
            return given
        cells, count = self.mesh.cells.ravel(), len(self.mesh.points)
        sums = np.bincount(cells, np.asarray(given).ravel(), minlength=count)
        return np.asarray(sums / np.maximum(np.bincount(cells, minlength=count), 1))

    def temperature_beside(self, node: int, region: int) -> float:
        """Temperature (degC) at a node on the side of a region."""
        given = np.asarray(self.temperature, dtype=float)
        if given.ndim < 2:
            return float(given) if given.ndim == 0 else float(given[node])
        cell, local = np.nonzero(self.mesh.cells == node)
        mine = self.mesh.region[cell] == region
        return float(given[cell[mine], local[mine]].mean())

    @property
    def tractions(self) -> tuple[Traction, ...]:
        """Loads on outer edges."""
        return self.load.tractions

    def under(self, **changes: Any) -> Model:
        """A copy under another load: ``temperature``, ``stress_free_temperature``, ``prescribed``, ``tractions``,
        ...
        """
        return replace(self, load=self.load.changed(**changes))

    @cached_property
    def varying(self) -> bool:
        """True where the stiffness differs from point to point of a region: a field of temperature on
        temperature-dependent moduli.
        """
        return not np.isscalar(self.temperature) and any(m.depends_on_temperature for m in self.materials.values())

    @cached_property
    def region_stiffness(self) -> FloatArray:
        """Stiffness (regions, size, size) where it is the same all over each region."""
        t, plane = float(np.mean(self.temperature)), self.kinematics.plane
        each = [self.materials[name].stiffness(t, plane) for name in self.mesh.regions]
        return self.kinematics.stiffness(np.array(each))

    @cached_property
    def moduli(self) -> Moduli:
        """Stiffness at points."""
        return _FieldModuli(self) if self.varying else RegionModuli(self.mesh.region, self.region_stiffness)

    @cached_property
    def free_temperature(self) -> FloatArray:
        """Stress-free temperature (regions,) of every region, degC."""
        return np.broadcast_to(np.asarray(self.load.stress_free_temperature, dtype=float), len(self.mesh.regions))

    @cached_property
    def region_free_strain(self) -> FloatArray:
        """Thermal strain and eigenstrain (regions, size) under a uniform temperature."""
        t = float(np.mean(self.temperature))
        return self.kinematics.components_of(
            np.array([self.free_strain(number, t) for number in range(len(self.mesh.regions))])
        )

    def free_strain_at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        """Strain (E, 1 or q, size) that needs no stress: thermal strain and eigenstrain, at points of cells whose shape
        functions are ``values`` (q, n).
        """
        if np.isscalar(self.temperature):
            return np.asarray(self.region_free_strain[self.mesh.region[cells]][:, None])
        result = np.empty((len(cells), len(values), self.kinematics.size))
        for number, chosen in self.by_region(cells):
            free = self.free_strain(number, self.temperature_at(cells[chosen], values))
            result[chosen] = self.kinematics.components_of(free)
        return result

    def free_strain(self, number: int, temperature: float | FloatArray) -> FloatArray:
        """Thermal strain and eigenstrain (..., 6) of a region at a temperature (...,)."""
        material = self.materials[self.mesh.regions[number]]
        strain = material.thermal_strain(temperature, float(self.free_temperature[number]), self.kinematics.plane)
        if self.load.eigenstrain is not None:
            strain = strain + self.load.eigenstrain[number]
        return strain

    def by_region(self, cells: IntArray) -> Iterator[tuple[int, IntArray]]:
        """Numbers of the regions that cells belong to, and the positions of each one's cells."""
        region = self.mesh.region[cells]
        for number in np.unique(region):
            yield int(number), np.flatnonzero(region == number)

    def temperature_at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        """Temperature (E, q) at points of cells."""
        given = np.asarray(self.temperature, dtype=float)
        if given.ndim == 2:
            return np.asarray(given[cells] @ values.T)
        nodal = np.broadcast_to(given, len(self.mesh.points))
        return np.asarray(nodal[self.mesh.cells[cells]] @ values.T)


def model_of(
    mesh: Mesh,
    kinematics: Kinematics,
    materials: dict[str, Material],
    temperature: float | FloatArray,
    stress_free_temperature: float | FloatArray,
    constraints: Constraints,
    prescribed: FloatArray | None = None,
    tractions: tuple[Traction, ...] = (),
) -> Model:
    """A model from its parts; ``prescribed`` (ndof,) are zero where not given."""
    space = Space(mesh, kinematics, constraints, soft=soft_regions(mesh.element, kinematics, materials))
    moved = np.zeros(space.ndof) if prescribed is None else prescribed
    return Model(space, materials, Load(temperature, stress_free_temperature, moved, tractions))


@dataclass(frozen=True)
class _FieldModuli:
    """Stiffness at the local temperature."""

    model: Model

    @property
    def uniform(self) -> BoolArray:
        """No cell."""
        return np.zeros(len(self.model.mesh.cells), dtype=bool)

    @property
    def flowing(self) -> BoolArray:
        """No cell."""
        return np.zeros(len(self.model.mesh.cells), dtype=bool)

    def at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        """Stiffness (E, q, size, size)."""
        model, kinematics = self.model, self.model.kinematics
        result = np.empty((len(cells), len(values), kinematics.size, kinematics.size))
        for number, chosen in model.by_region(cells):
            t = model.temperature_at(cells[chosen], values)
            material = model.materials[model.mesh.regions[number]]
            result[chosen] = kinematics.stiffness(material.stiffness(t, kinematics.plane))
        return result
