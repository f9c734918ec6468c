"""Linear functionals of the stress: a value, and the nodal forces that are its derivative (the load of its dual
problem).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.measures.stress import stress
from femsim.meshes.elements import shape
from femsim.models.model import Model
from femsim.models.sampling import sample


@dataclass(frozen=True)
class Piece:
    """Weights (E, q, 4) on the stress of ``cells`` at shared reference points ``xi`` (q, 2)."""

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

    def value(self, model: Model, unknowns: FloatArray) -> float:
        """The displacement in um."""
        return float(self.derivative(model) @ unknowns)

    def derivative(self, model: Model) -> FloatArray:
        """The shape functions at the point: a unit point force."""
        load = np.zeros(model.ndof)
        values, _ = shape(model.mesh.element, self.xi[None])
        load[2 * model.mesh.cells[self.cell] + self.component] = values[0]
        return load


@dataclass(frozen=True)
class Functional:
    """J(u) = sum over pieces, cells and points of weights : stress; ``name`` says of what."""

    name: str
    pieces: tuple[Piece, ...]

    def value(self, model: Model, unknowns: FloatArray) -> float:
        """J(u) for a displacement (ndof,)."""
        return float(
            sum(np.sum(p.weights * stress(model, unknowns, sample(model, p.cells, p.xi))) for p in self.pieces)
        )

    def derivative(self, model: Model) -> FloatArray:
        """dJ/du (ndof,): sum of B^T D w."""
        load = np.zeros(model.ndof)
        for p in self.pieces:
            at = sample(model, p.cells, p.xi)
            pulled = np.matmul(np.swapaxes(at.stiffness, -1, -2), p.weights[..., None])
            nodal = at.pull(np.broadcast_to(pulled[..., 0], p.weights.shape))
            load += np.bincount(model.element_dofs(p.cells).ravel(), nodal.ravel(), minlength=model.ndof)
        return load
