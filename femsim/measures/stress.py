"""Stress from displacement: per element side, at any reference points; averaged only inside one region, never over an
interface.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError, nearest
from femsim.meshes.elements import extrapolation, gauss_points, reduced_basis, shape
from femsim.meshes.locate import locate_side
from femsim.meshes.mesh import Mesh
from femsim.models.fields import StressField
from femsim.models.kinematics import von_mises
from femsim.models.sampling import Sampled, sample

#: rings of cells that a patch may grow by
RINGS = 4


def stress_at_points(field: StressField, xi: FloatArray, batch: int = 4096) -> FloatArray:
    """Stress (E, q, size) of all cells at reference points ``xi``."""
    space = field.space
    count = len(space.mesh.cells)
    found = np.empty((count, len(xi), space.kinematics.size))
    for start in range(0, count, batch):
        cells = np.arange(start, min(start + batch, count))
        found[cells] = field.stress(sample(space, cells, xi))
    return found


def nodal_stress(field: StressField) -> FloatArray:
    """Stress (E, n, size) at each cell's own nodes, extrapolated from its superconvergent points: two sides of an edge
    keep their jump.
    """
    mesh = field.space.mesh
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    return np.asarray(np.matmul(extrapolation(mesh.element)[None], stress_at_points(field, reduced)))


@dataclass(frozen=True)
class PointValue:
    """Displacement (width,) in um and stress (size,) in MPa at a point, on the side of ``region``."""

    at: tuple[float, ...]
    region: str
    displacement: FloatArray
    stress: FloatArray

    @property
    def von_mises(self) -> float:
        """Von Mises stress, MPa."""
        return float(von_mises(self.stress))


@dataclass(frozen=True)
class Side:
    """Cells of one region that hold a point, and its reference coordinates (m, d) in each."""

    cells: IntArray
    xi: FloatArray
    region: str


def side_of(mesh: Mesh, point: tuple[float, ...], region: str | None = None, label: str = "probe") -> Side:
    """Where a point lies; where regions meet, ``region`` must choose. Raises InputError outside the body and for an
    ambiguous or wrong side.
    """
    found = locate_side(mesh, point, region)
    where = f"({', '.join(f'{v:g}' for v in point)})"
    if not len(found.cells):
        raise InputError(f"{label}.at: {where} lies outside the body")
    regions = [mesh.regions[i] for i in np.unique(mesh.region[found.cells])]
    if region is None:
        if len(regions) > 1:
            raise InputError(
                f"{label}.region: missing; {where} lies on the interface of {' and '.join(regions)}, say which side"
            )
        region = regions[0]
    if region not in regions:
        near = nearest(region, mesh.regions) if region not in mesh.regions else ""
        raise InputError(f"{label}.region: {where} does not lie in {region!r}{near}; it lies in {', '.join(regions)}")
    own = np.flatnonzero(mesh.region[found.cells] == mesh.regions.index(region))
    values, _ = shape(mesh.element, found.xi[own])
    off = np.linalg.norm(np.einsum("en,enc->ec", values, mesh.points[mesh.cells[found.cells[own]]]) - point, axis=1)
    if off.max() > max(1e-6 * mesh.extent, 2.0 * mesh.near):
        warnings.warn(
            f"{label}: {where} lies {off.max():.2g} um outside the curved cells of {region!r}; values are their face's",
            FemsimWarning,
            stacklevel=2,
        )
    return Side(found.cells[own], found.xi[own], region)


def value_at(
    field: StressField, point: tuple[float, ...], region: str | None = None, label: str = "probe"
) -> PointValue:
    """Displacement and stress at a point; where cells of one region meet, their mean; where regions meet, ``region``
    must choose.

    Stress is interpolated from the cells' superconvergent points. Raises InputError outside the body and for an
    ambiguous side.
    """
    space, mesh = field.space, field.space.mesh
    side = side_of(mesh, point, region, label)
    cells, xi = side.cells, side.xi
    values, _ = shape(mesh.element, xi)
    nodes = mesh.cells[cells]
    displacement = np.einsum("en,enc->ec", values, field.unknowns[: space.nodal].reshape(-1, space.width)[nodes])[0]
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    at_reduced = field.stress(sample(space, cells, reduced))
    found_stress = np.einsum("eq,eqc->ec", reduced_basis(mesh.element, xi), at_reduced).mean(axis=0)
    return PointValue(point, side.region, displacement, found_stress)


def patch_value(
    field: StressField, side: Side, point: tuple[float, ...], among: IntArray | None = None
) -> FloatArray | None:
    """Stress (size,) at a point by the polynomial of the element's order through the superconvergent points of the
    cells around it in its region, least squares (Zienkiewicz & Zhu 1992, IJNME 33, 1331); None where they are too few.

    With ``among``, cells of the region, only these count, and along an axis on which they have few points the
    polynomial is of lower degree, as in a strip one cell high.

    It is of one order more than :func:`value_at`, whose error within a cell no dual problem knows of: their difference
    is that error, of a smooth stress.
    """
    mesh = field.space.mesh
    powers = np.stack(np.meshgrid(*[np.arange(mesh.info.order + 1)] * mesh.dim, indexing="ij"), axis=-1)
    powers = powers.reshape(-1, mesh.dim)
    powers = powers[powers.sum(axis=1) <= mesh.info.order]
    at = _patch(field, side, 2 * len(powers), among)
    offset = at.position.reshape(-1, mesh.dim) - np.array(point)
    if among is not None:
        fine = 1e-6 * np.abs(offset).max()
        counts = [len(np.unique(np.round(along / fine))) for along in offset.T]
        powers = powers[np.all(powers < counts, axis=1)]
    if len(offset) < len(powers):
        return None
    terms = np.prod((offset / np.abs(offset).max())[:, None, :] ** powers[None], axis=2)
    fit, _, rank, _ = np.linalg.lstsq(terms, field.stress(at).reshape(len(offset), -1), rcond=1e-6)
    return np.asarray(fit[int(np.argmin(powers.sum(axis=1)))]) if rank == len(powers) else None


def patch_range(field: StressField, side: Side) -> FloatArray:
    """Largest less smallest stress (size,) of the cells around a point in its region, as many as
    :func:`patch_value` takes: what a stress that is constant in each cell may hide.
    """
    found = field.stress(_patch(field, side, 2 * (field.space.mesh.dim + 1)))
    return np.asarray(np.ptp(found.reshape(-1, found.shape[-1]), axis=0))


def _patch(field: StressField, side: Side, fewest: int, among: IntArray | None = None) -> Sampled:
    """The superconvergent points of the cells around a point in its region: rings of cells until there are as many as
    wanted, or no more rings are taken; with ``among`` those cells alone count.
    """
    mesh = field.space.mesh
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    own, cells = mesh.cells_of(side.region) if among is None else among, side.cells
    for _ in range(RINGS):
        cells = own[np.isin(mesh.cells[own], mesh.cells[cells]).any(axis=1)]
        if len(cells) * len(reduced) >= fewest:
            break
    return sample(field.space, cells, reduced)
