"""Conduction and stored heat as sparse matrices where neither depends on temperature; element by element where one
does.
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


@dataclass(frozen=True)
class Operators:
    """Nodal heat flows of a model: K and C (N, N) in W/K and J/K, None where temperature enters."""

    model: HeatModel
    conduction: sp.csr_matrix | None
    capacity: sp.csr_matrix | None
    #: K + shift C of the shift asked for last: a constant step asks for one
    summed: dict[float, sp.csr_matrix] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def of(model: HeatModel) -> Operators:
        """The operators of a model."""
        if any(not c.is_constant for c in model.conductors):
            return Operators(model, None, None)
        plane, dim = model.space.kinematics.plane, model.space.kinematics.dim
        conduct = np.zeros((len(model.conductors), dim + 1, dim + 1))
        store = np.zeros_like(conduct)
        for number, conductor in enumerate(model.conductors):
            conduct[number, :dim, :dim] = conductor.tensor(0.0, plane)
            if conductor.capacity is not None:
                store[number, dim, dim] = float(conductor.capacity.at(0.0))
        region = model.mesh.region
        return Operators(
            model, _matrix(model, RegionModuli(region, conduct)), _matrix(model, RegionModuli(region, store))
        )

    def stored(self, temperature: FloatArray) -> FloatArray:
        """Nodal heat (N,) above 0 degC, J."""
        if self.capacity is not None:
            return np.asarray(self.capacity @ temperature)
        return self.model.stored(temperature)

    def both(self, temperature: FloatArray, shift: float, time: float, within: float | None) -> FloatArray:
        """Nodal heat (N,) that flows away plus ``shift`` (1/s) times the heat stored, W."""
        if self.conduction is not None and self.capacity is not None:
            k, c = self.conduction, self.capacity  # of one pattern
            if shift not in self.summed:
                self.summed.clear()
                self.summed[shift] = sp.csr_matrix((k.data + shift * c.data, k.indices, k.indptr), shape=k.shape)
            return np.asarray(self.summed[shift] @ temperature) + self.model.surface_flow(temperature, time, within)
        surface = self.model.surface_flow(temperature, time, within)
        return self.model.volume_flow(temperature, 1.0, shift) + surface

    def outflow_at(self, nodes: BoolArray, temperature: FloatArray, time: float, within: float | None) -> FloatArray:
        """Nodal heat that flows away from some nodes, W."""
        if self.conduction is None:
            return np.asarray(self.outflow(temperature, time, within)[nodes])
        return (
            np.asarray(self.conduction[nodes] @ temperature) + self.model.surface_flow(temperature, time, within)[nodes]
        )

    def outflow(self, temperature: FloatArray, time: float, within: float | None) -> FloatArray:
        """Nodal heat (N,) that flows away, W."""
        if self.conduction is not None:
            return np.asarray(self.conduction @ temperature) + self.model.surface_flow(temperature, time, within)
        return self.model.outflow(temperature, time, within)


def _matrix(model: HeatModel, moduli: Moduli) -> sp.csr_matrix:
    """The whole matrix (N, N) of moduli, before anything is held."""
    space, mesh = model.space, model.mesh
    n, count = mesh.info.nodes, len(mesh.cells)
    values = np.empty((count, n * n))
    plain = mesh.rectangular

    def fill(part: tuple[IntArray, bool]) -> None:
        cells, rectangles = part
        if rectangles:
            middle = np.empty((1, n))
            values[cells] = rectangle_stiffness(space, cells, moduli.at(cells, middle)[:, 0])
        else:
            values[cells] = next(element_stiffness(space, moduli, cells))[1].reshape(len(cells), -1)

    chosen, rest = np.flatnonzero(plain), np.flatnonzero(~plain)
    parts = [(part, True) for part in in_parts(chosen, BATCH)] + [(part, False) for part in in_parts(rest, BATCH)]
    for _ in in_threads(fill, parts):
        pass
    row = np.repeat(mesh.cells, n, axis=1).ravel()
    column = np.tile(mesh.cells, (1, n)).ravel()
    size = len(mesh.points)
    return sp.csr_matrix((values.ravel(), (row, column)), shape=(size, size))
