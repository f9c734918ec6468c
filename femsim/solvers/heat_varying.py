"""Heat flows of cells whose conductivity or capacity depends on temperature, their geometry kept.

With the reference gradients g_a of the temperature and the metric M_ab = det J w (e . grad xi_a)(e . grad xi_b) of
every Gauss point, which does not depend on temperature, the nodal heat of a cell is

    sum_q [ sum_axes k(T_q) sum_ab dN/dxi_a M_ab g_b  +  s N H(T_q) det J w ] ,      H(T) = int_0^T rho c dT ,

summed over the axes e of the conductivity (one term with the whole metric where it is isotropic): two small products
per cell instead of strains, moduli and their transpose anew at every step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.threads import do_in_threads, in_parts
from femsim.materials.property import Property
from femsim.materials.thermal import Conductor
from femsim.meshes.elements import gauss_points
from femsim.models.heat import HeatModel
from femsim.models.sampling import sample

#: cells whose flows are found together
TOGETHER = 2048


@dataclass(frozen=True)
class Piece:
    """Cells of one conductor: their nodes (E, n), the metric (d, d, E, q) of each axis of the conductivity, det J times
    the weights (E, q), shape functions (q, n) and their reference gradients (q, n, d).
    """

    nodes: IntArray
    conductor: Conductor
    metrics: tuple[FloatArray, ...]
    volume: FloatArray
    values: FloatArray
    gradients: FloatArray

    def flow(self, temperature: FloatArray, conduct: float, store: float) -> FloatArray:
        """Nodal heat (E, n): ``conduct`` times that conducted plus ``store`` times that held, of temperatures (N,)."""
        own = temperature[self.nodes]
        at = own @ self.values.T
        found = np.zeros(own.shape)
        if conduct:
            dim = self.gradients.shape[2]
            slopes = [own @ self.gradients[:, :, a].T for a in range(dim)]
            k = [conduct * p.at(at) for p in self.conductor.conductivity]
            for a in range(dim):
                flux = sum(
                    part * sum(metric[a, b] * slopes[b] for b in range(dim))
                    for part, metric in zip(k, self.metrics, strict=True)
                )
                found += flux @ self.gradients[:, :, a]
        capacity = self.conductor.capacity
        if store and capacity is not None:
            held = capacity.integral(at) - capacity.integral(0.0)
            found += (store * held * self.volume) @ self.values
        return found


@dataclass(frozen=True)
class Varying:
    """All cells of a model whose conductor depends on temperature."""

    count: int
    pieces: tuple[Piece, ...]

    @staticmethod
    def of(model: HeatModel) -> Varying:
        """The varying cells of a model."""
        return Varying(len(model.mesh.points), tuple(_pieces(model)))

    def flow(self, temperature: FloatArray, conduct: float = 1.0, store: float = 0.0) -> FloatArray:
        """Nodal heat (N,) of a temperature (N,); the order of the sum does not depend on the threads."""
        parts: list[FloatArray] = [np.empty(0)] * len(self.pieces)

        def fill(number: int) -> None:
            parts[number] = self.pieces[number].flow(temperature, conduct, store)

        do_in_threads(fill, list(range(len(self.pieces))))
        total = np.zeros(self.count)
        for piece, part in zip(self.pieces, parts, strict=True):
            total += np.bincount(piece.nodes.ravel(), part.ravel(), minlength=self.count)
        return total


def _pieces(model: HeatModel) -> Iterator[Piece]:
    mesh, plane = model.mesh, model.space.kinematics.plane
    points, weights = gauss_points(mesh.element, mesh.info.full)
    for number, conductor in enumerate(model.conductors):
        if conductor.is_constant:
            continue
        units = _units(conductor, plane)
        for cells in in_parts(np.flatnonzero(mesh.region == number), TOGETHER):
            at = sample(model.space, cells, points)
            volume = at.volume * weights
            metrics = tuple(np.einsum("aieq,ij,bjeq,eq->abeq", at.inverse, u, at.inverse, volume) for u in units)
            yield Piece(mesh.cells[cells], conductor, metrics, volume, at.values, at.gradients)


def _units(conductor: Conductor, plane: str) -> list[FloatArray]:
    """The conductivity tensors (d, d) of unit conductivity along one axis and none along the others."""
    count = len(conductor.conductivity)
    along = [tuple(Property((float(i == j),)) for j in range(count)) for i in range(count)]
    return [Conductor("", one, None, conductor.angle, conductor.euler).tensor(0.0, plane) for one in along]
