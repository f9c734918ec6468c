"""Stiffness at points: the one thing that kernels want to know of a material.

Matrices are made from a space and moduli, wherever these come from: elastic regions, a temperature field, the tangent
of an inelastic law, or one affine piece of a reduced basis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray


class Moduli(Protocol):
    """Stiffness D at points of cells, in the components of the kinematics (size, size), MPa."""

    @property
    def uniform(self) -> BoolArray:
        """Which cells (E,) have one stiffness all over."""
        ...

    @property
    def flowing(self) -> BoolArray:
        """Which cells (E,) flow, so that their volume change is projected (:mod:`femsim.models.dilatation`)."""
        ...

    def at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        """Stiffness (E, 1 or q, size, size) at points of cells whose shape functions are ``values`` (q, n)."""
        ...


@dataclass(frozen=True)
class RegionModuli:
    """One stiffness for each region: ``stiffness`` (regions, size, size), ``region`` (E,) of each cell."""

    region: IntArray
    stiffness: FloatArray

    @property
    def uniform(self) -> BoolArray:
        """All cells."""
        return np.ones(len(self.region), dtype=bool)

    @property
    def flowing(self) -> BoolArray:
        """None."""
        return np.zeros(len(self.region), dtype=bool)

    def at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        """Stiffness (E, 1, size, size)."""
        return np.asarray(self.stiffness[self.region[cells]][:, None])


@dataclass(frozen=True)
class PointModuli:
    """A stiffness of their own at the full Gauss points of some cells, and ``others`` for the rest.

    ``place`` (E,) is each cell's row in ``tangent`` (k, q, size, size), -1 where it has none.
    """

    others: Moduli
    place: IntArray
    tangent: FloatArray

    @property
    def uniform(self) -> BoolArray:
        """The cells without a stiffness of their own, where the others are uniform."""
        return self.others.uniform & (self.place < 0)

    @property
    def flowing(self) -> BoolArray:
        """The cells with a stiffness of their own."""
        return self.place >= 0

    def at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        """Stiffness (E, 1 or q, size, size); ``values`` must be those of the full Gauss points where a cell has its
        own.

        Raises ValueError for other points: a tangent is known at the points of its state only.
        """
        place = self.place[cells]
        own = place >= 0
        rest = self.others.at(cells, values)
        if not own.any():
            return rest
        if len(values) != self.tangent.shape[1]:
            raise ValueError("tangents are known at the full Gauss points only")
        found = np.array(np.broadcast_to(rest, (len(cells), *self.tangent.shape[1:])))
        found[own] = self.tangent[place[own]]
        return found
