"""The model: mesh + kinematics + materials + temperature + constraints + loads. Frozen; solving it is another noun's
business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.materials.elastic import Material
from femsim.meshes.mesh import Mesh
from femsim.models.kinematics import Kinematics
from femsim.models.loads import Traction
from femsim.models.space import Constraints


@dataclass(frozen=True)
class Model:
    """A linear thermo-elastic boundary value problem on a mesh.

    ``temperature`` (degC) is one number or a value per node; ``tractions`` are the loads on outer edges.
    """

    mesh: Mesh
    kinematics: Kinematics
    materials: dict[str, Material]
    temperature: float | FloatArray
    stress_free_temperature: float
    constraints: Constraints
    tractions: tuple[Traction, ...] = field(default=())

    @property
    def ndof(self) -> int:
        """Degrees of freedom before constraints: two per node, then the kinematics' own."""
        return 2 * len(self.mesh.points) + self.kinematics.globals_

    @property
    def plane(self) -> str:
        """The drawing plane as the material's rotation knows it."""
        return "rz" if self.kinematics.is_axisymmetric else "xy"

    def at_temperature(self, temperature: float | FloatArray, stress_free: float | None = None) -> Model:
        """A copy under another temperature."""
        free = self.stress_free_temperature if stress_free is None else stress_free
        return replace(self, temperature=temperature, stress_free_temperature=free)

    def element_dofs(self, cells: IntArray | slice) -> IntArray:
        """Degrees of freedom (E, 2 n + globals) of cells: u0_x, u0_y, u1_x, ..., globals."""
        nodes = self.mesh.cells[cells]
        dofs = np.empty((len(nodes), 2 * nodes.shape[1] + self.kinematics.globals_), dtype=np.int64)
        dofs[:, 0 : 2 * nodes.shape[1] : 2] = 2 * nodes
        dofs[:, 1 : 2 * nodes.shape[1] : 2] = 2 * nodes + 1
        if self.kinematics.globals_:
            dofs[:, 2 * nodes.shape[1] :] = 2 * len(self.mesh.points) + np.arange(self.kinematics.globals_)
        return dofs

    @cached_property
    def varying(self) -> bool:
        """True where the stiffness differs from point to point of a region: a field of temperature on
        temperature-dependent moduli.
        """
        return not np.isscalar(self.temperature) and any(m.depends_on_temperature for m in self.materials.values())

    @cached_property
    def region_stiffness(self) -> FloatArray:
        """Stiffness (regions, 4, 4) where it is the same all over each region."""
        t = float(np.mean(self.temperature))
        return np.array(
            [self.kinematics.stiffness(self.materials[name].stiffness(t, self.plane)) for name in self.mesh.regions]
        )

    @cached_property
    def region_thermal_strain(self) -> FloatArray:
        """Thermal strain (regions, 4) under a uniform temperature."""
        t, free = float(np.mean(self.temperature)), self.stress_free_temperature
        return np.array(
            [
                self.kinematics.thermal_strain(self.materials[name].thermal_strain(t, free, self.plane))
                for name in self.mesh.regions
            ]
        )

    def stiffness_at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        """Stiffness (E, 1 or q, 4, 4) at points of cells whose shape functions are ``values`` (q, n)."""
        if not self.varying:
            return np.asarray(self.region_stiffness[self.mesh.region[cells]][:, None])
        result = np.empty((len(cells), len(values), 4, 4))
        for name, chosen in self._by_region(cells):
            t = self._temperature_at(cells[chosen], values)
            result[chosen] = self.kinematics.stiffness(self.materials[name].stiffness(t, self.plane))
        return result

    def thermal_strain_at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        """Thermal strain (E, 1 or q, 4), as :meth:`stiffness_at`."""
        if np.isscalar(self.temperature):
            return np.asarray(self.region_thermal_strain[self.mesh.region[cells]][:, None])
        result = np.empty((len(cells), len(values), 4))
        for name, chosen in self._by_region(cells):
            t = self._temperature_at(cells[chosen], values)
            result[chosen] = self.kinematics.thermal_strain(
                self.materials[name].thermal_strain(t, self.stress_free_temperature, self.plane)
            )
        return result

    def _by_region(self, cells: IntArray) -> Iterator[tuple[str, IntArray]]:
        region = self.mesh.region[cells]
        for number in np.unique(region):
            yield self.mesh.regions[number], np.flatnonzero(region == number)

    def _temperature_at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        nodal = np.asarray(self.temperature)
        return np.asarray(nodal[self.mesh.cells[cells]] @ values.T)
