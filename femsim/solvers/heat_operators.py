"""Conduction and stored heat of a model as often as a march asks for them: sparse matrices of the cells where neither
depends on temperature, and the others element by element with their geometry kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.threads import in_parts, in_threads
from femsim.models.assembly import BATCH, element_stiffness
from femsim.models.heat import HeatModel
from femsim.models.moduli import Moduli, RegionModuli
from femsim.models.rectangles import rectangle_stiffness
from femsim.solvers.heat_varying import Varying


@dataclass(frozen=True)
class Operators:
    """Nodal heat flows of a model: K and C (N, N) in W/K and J/K, of one pattern, of the cells that do not depend on
    temperature, and the flows of those that do.
    """

    model: HeatModel
    conduction: sp.csr_matrix
    capacity: sp.csr_matrix
    varying: Varying
    #: K + shift C of the shift asked for last: a constant step asks for one
    summed: dict[float, sp.csr_matrix] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def of(model: HeatModel) -> Operators:
        """The operators of a model."""
        plane, dim = model.space.kinematics.plane, model.space.kinematics.dim
        conduct = np.zeros((len(model.conductors), dim + 1, dim + 1))
        store = np.zeros_like(conduct)
        for number, conductor in enumerate(model.conductors):
            if not conductor.is_constant:
                continue
            conduct[number, :dim, :dim] = conductor.tensor(0.0, plane)
            if conductor.capacity is not None:
                store[number, dim, dim] = float(conductor.capacity.at(0.0))
        region, cells = model.mesh.region, np.flatnonzero(~model.varying)
        return Operators(
            model,
            _matrix(model, RegionModuli(region, conduct), cells),
            _matrix(model, RegionModuli(region, store), cells),
            Varying.of(model),
        )

    def stored(self, temperature: FloatArray) -> FloatArray:
        """Nodal heat (N,) above 0 degC, J."""
        found = np.asarray(self.capacity @ temperature)
        return found + self.varying.flow(temperature, 0.0, 1.0) if self.varying.pieces else found

    def both(self, temperature: FloatArray, shift: float, time: float, within: float | None) -> FloatArray:
        """Nodal heat (N,) that flows away plus ``shift`` (1/s) times the heat stored, W."""
        k, c = self.conduction, self.capacity
        if shift not in self.summed:
            self.summed.clear()
            self.summed[shift] = sp.csr_matrix((k.data + shift * c.data, k.indices, k.indptr), shape=k.shape)
        found = np.asarray(self.summed[shift] @ temperature) + self.model.surface_flow(temperature, time, within)
        return found + self.varying.flow(temperature, 1.0, shift) if self.varying.pieces else found

    def outflow_at(self, nodes: BoolArray, temperature: FloatArray, time: float, within: float | None) -> FloatArray:
        """Nodal heat that flows away from some nodes, W."""
        if self.varying.pieces:
            return np.asarray(self.outflow(temperature, time, within)[nodes])
        return (
            np.asarray(self.conduction[nodes] @ temperature) + self.model.surface_flow(temperature, time, within)[nodes]
        )

    def outflow(self, temperature: FloatArray, time: float, within: float | None) -> FloatArray:
        """Nodal heat (N,) that flows away, W."""
        found = np.asarray(self.conduction @ temperature) + self.model.surface_flow(temperature, time, within)
        return found + self.varying.flow(temperature) if self.varying.pieces else found


def _matrix(model: HeatModel, moduli: Moduli, chosen: IntArray) -> sp.csr_matrix:
    """The matrix (N, N) of moduli over the chosen cells, before anything is held."""
    space, mesh = model.space, model.mesh
    n = mesh.info.nodes
    values = np.zeros((len(mesh.cells), n * n))

    def fill(part: tuple[IntArray, bool]) -> None:
        cells, rectangles = part
        if rectangles:
            middle = np.empty((1, n))
            values[cells] = rectangle_stiffness(space, cells, moduli.at(cells, middle)[:, 0])
        else:
            values[cells] = next(element_stiffness(space, moduli, cells))[1].reshape(len(cells), -1)

    plain = mesh.rectangular[chosen]
    parts = [(part, kind) for kind in (True, False) for part in in_parts(chosen[plain == kind], BATCH)]
    for _ in in_threads(fill, parts):
        pass
    nodes = mesh.cells[chosen]
    row = np.repeat(nodes, n, axis=1).ravel()
    column = np.tile(nodes, (1, n)).ravel()
    size = len(mesh.points)
    return sp.csr_matrix((values[chosen].ravel(), (row, column)), shape=(size, size))
