"""Stress from displacement: per element side, at any reference points; averaged only inside one region, never over an
interface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.meshes.elements import extrapolation, gauss_points, reduced_basis, shape
from femsim.meshes.locate import locate
from femsim.models.kinematics import von_mises
from femsim.models.model import Model
from femsim.models.sampling import Sampled, sample


def stress(model: Model, unknowns: FloatArray, sampled: Sampled, thermal: bool = True) -> FloatArray:
    """Stress (E, q, 4) in MPa: D (B u - eps_th); without the thermal strain for a dual or a virtual displacement."""
    return sampled.stress(unknowns, thermal)


def stress_at_points(
    model: Model, unknowns: FloatArray, xi: FloatArray, thermal: bool = True, batch: int = 4096
) -> FloatArray:
    """Stress (E, q, 4) of all cells at reference points ``xi``."""
    count = len(model.mesh.cells)
    found = np.empty((count, len(xi), 4))
    for start in range(0, count, batch):
        cells = np.arange(start, min(start + batch, count))
        found[cells] = stress(model, unknowns, sample(model, cells, xi), thermal)
    return found


def nodal_stress(model: Model, unknowns: FloatArray, thermal: bool = True) -> FloatArray:
    """Stress (E, n, 4) at each cell's own nodes, extrapolated from its superconvergent points: two sides of an edge
    keep their jump.
    """
    reduced, _ = gauss_points(model.mesh.element, model.mesh.info.reduced)
    return np.asarray(
        np.matmul(extrapolation(model.mesh.element)[None], stress_at_points(model, unknowns, reduced, thermal))
    )


@dataclass(frozen=True)
class PointValue:
    """Displacement (2,) in um and stress (4,) in MPa at a point, on the side of ``region``."""

    at: tuple[float, float]
    region: str
    displacement: FloatArray
    stress: FloatArray

    @property
    def von_mises(self) -> float:
        """Von Mises stress, MPa."""
        return float(von_mises(self.stress))


def value_at(
    model: Model, unknowns: FloatArray, point: tuple[float, float], region: str | None = None, label: str = "probe"
) -> PointValue:
    """Displacement and stress at a point; where cells of one region meet, their mean; where regions meet, ``region``
    must choose.

    Stress is interpolated from the cells' superconvergent points. Raises InputError outside the body and for an
    ambiguous side.
    """
    mesh = model.mesh
    found = locate(mesh, point)
    if not len(found.cells):
        raise InputError(f"{label}.at: ({point[0]:g}, {point[1]:g}) lies outside the body")
    regions = [mesh.regions[i] for i in np.unique(mesh.region[found.cells])]
    if region is None:
        if len(regions) > 1:
            raise InputError(
                f"{label}.region: missing; ({point[0]:g}, {point[1]:g}) lies on the interface of "
                f"{' and '.join(regions)}, say which side"
            )
        region = regions[0]
    if region not in regions:
        raise InputError(
            f"{label}.region: ({point[0]:g}, {point[1]:g}) does not lie in {region!r}; it lies in {', '.join(regions)}"
        )
    side = np.flatnonzero(mesh.region[found.cells] == mesh.regions.index(region))
    cells, xi = found.cells[side], found.xi[side]
    values, _ = shape(mesh.element, xi)
    nodes = mesh.cells[cells]
    displacement = np.einsum("en,enc->ec", values, unknowns[: 2 * len(mesh.points)].reshape(-1, 2)[nodes])[0]
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    at_reduced = stress(model, unknowns, sample(model, cells, reduced))
    found_stress = np.einsum("eq,eqc->ec", reduced_basis(mesh.element, xi), at_reduced).mean(axis=0)
    return PointValue(point, region, displacement, found_stress)
