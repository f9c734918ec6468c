"""What heat wants to know of a material: conductivity and stored heat, both over temperature.

Inner units: conductivity W/(um K), heat capacity J/(um3 K), temperature degC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.materials.elastic import euler_rotation
from femsim.materials.property import Property


@dataclass(frozen=True)
class Conductor:
    """Conductivity along the axes 1, 2, 3 (one value: isotropic), turned by ``angle`` degrees in the plane of the
    drawing (in space also by ``euler``) as the stiffness is, and heat capacity of a volume (density times specific
    heat), None where not known.
    """

    name: str
    conductivity: tuple[Property, ...]
    capacity: Property | None = None
    angle: float = 0.0
    euler: tuple[float, float, float] | None = None

    @property
    def is_constant(self) -> bool:
        """Whether nothing depends on temperature."""
        own = self.conductivity if self.capacity is None else (*self.conductivity, self.capacity)
        return not any(p.is_table for p in own)

    def tensor(self, temperature: FloatArray | float, plane: str) -> FloatArray:
        """Conductivity (..., d, d) in the coordinates (r, z), (x, y) or (x, y, z), as ``plane`` says."""
        return self._turned([p.at(temperature) for p in self.conductivity], plane)

    def slope(self, temperature: FloatArray | float, plane: str) -> FloatArray:
        """Derivative (..., d, d) of the conductivity by temperature, from the right at a knot."""
        return self._turned([p.slope(temperature) for p in self.conductivity], plane)

    def _turned(self, along: list[FloatArray], plane: str) -> FloatArray:
        axes = {"rz": (0, 2), "xy": (0, 1), "xyz": (0, 1, 2)}[plane]
        values = [along[axis if len(along) > 1 else 0] for axis in axes]
        tensor = np.zeros((*np.shape(values[0]), len(axes), len(axes)))
        for i, value in enumerate(values):
            tensor[..., i, i] = value
        if len(along) == 1:
            return tensor
        if self.euler is not None and len(axes) == 3:
            turn = euler_rotation(self.euler)
            return np.asarray(turn @ tensor @ turn.T)
        if not self.angle:
            return tensor
        c, s = np.cos(np.radians(self.angle)), np.sin(np.radians(self.angle))
        turn = np.eye(len(axes))  # in space about z, as in the x-y plane
        turn[:2, :2] = [[c, -s], [s, c]]
        return np.asarray(turn @ tensor @ turn.T)
