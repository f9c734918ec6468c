"""Linear functionals of the stress: a value, and the nodal forces that are its derivative (the load of its dual
problem).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import shape
from femsim.models.fields import StressField
from femsim.models.model import Model
from femsim.models.sampling import hooke, sample
from femsim.models.space import Space


@dataclass(frozen=True)
class Piece:
    """Weights (E, q, size) on the stress of ``cells`` at shared reference points ``xi`` (q, 2)."""

    cells: IntArray
    xi: FloatArray
    weights: FloatArray


class Goal(Protocol):
    """Anything linear in the displacement whose error can be estimated."""

    def derivative(self, model: Model) -> FloatArray:
        """dJ/du (ndof,)."""
        ...


@dataclass(frozen=True)
class PointDisplacement:
    """One component of the displacement at reference point ``xi`` (2,) of a cell."""

    name: str
    cell: int
    xi: FloatArray
    component: int

    def value(self, field: StressField) -> float:
        """The displacement in um."""
        return float(self._load(field.space) @ field.unknowns)

    def derivative(self, model: Model) -> FloatArray:
        """The shape functions at the point: a unit point force."""
        return self._load(model.space)

    def _load(self, space: Space) -> FloatArray:
        load = np.zeros(space.ndof)
        values, _ = shape(space.mesh.element, self.xi[None])
        load[space.width * space.mesh.cells[self.cell] + self.component] = values[0]
        return load


@dataclass(frozen=True)
class Functional:
    """J(u) = sum over pieces, cells and points of weights : stress; ``name`` says of what."""

    name: str
    pieces: tuple[Piece, ...]

    def value(self, field: StressField) -> float:
        """J for a stress field."""
        return float(sum(np.sum(p.weights * field.stress(sample(field.space, p.cells, p.xi))) for p in self.pieces))

    def derivative(self, model: Model) -> FloatArray:
        """dJ/du (ndof,): sum of B^T D w."""
        space = model.space
        load = np.zeros(space.ndof)
        for p in self.pieces:
            at = sample(space, p.cells, p.xi)
            stiffness = np.swapaxes(model.moduli.at(p.cells, at.values), -1, -2)
            nodal = at.pull(hooke(stiffness, p.weights))
            load += np.bincount(space.element_dofs(p.cells).ravel(), nodal.ravel(), minlength=space.ndof)
        return load
