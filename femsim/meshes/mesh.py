"""The mesh: points, cells of one element type, a region per cell, named lines. Frozen; a change returns a copy."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import ELEMENTS, ElementType, gauss_points, node_points, shape

#: sides that differ by less than this fraction of an element's size are parallel to an axis
STRAIGHT = 1.0e-12


@dataclass(frozen=True)
class Mesh:
    """Points (N, 2) in um; cells (E, n) in VTK node order; region number per cell; lines as edges (K, 2 or 3): ends,
    then middle.
    """

    points: FloatArray
    cells: IntArray
    element: str
    region: IntArray
    regions: tuple[str, ...]
    lines: dict[str, IntArray] = field(default_factory=dict)

    @property
    def info(self) -> ElementType:
        """Facts of the element type."""
        return ELEMENTS[self.element]

    @cached_property
    def extent(self) -> float:
        """The longer side of the box around the mesh (um)."""
        return max(float(np.ptp(np.ascontiguousarray(x))) for x in self.points.T)

    @cached_property
    def rectangular(self) -> npt.NDArray[np.bool_]:
        """Which cells (E,) are axis-parallel rectangles with middles in the middle, first corner at the lower left."""
        if not self.info.is_quad:
            return np.zeros(len(self.cells), dtype=bool)
        low, high = self.points[self.cells[:, 0]], self.points[self.cells[:, 2]]
        size = high - low
        # positions carry the rounding of the coordinates themselves
        tolerance = STRAIGHT * size + 4.0 * np.finfo(float).eps * np.maximum(np.abs(low), np.abs(high))
        found = np.all(size > 0, axis=1)
        for node, place in enumerate(node_points(self.element)):
            away = np.abs(self.points[self.cells[:, node]] - (low + place * size)) <= tolerance
            found &= away[:, 0] & away[:, 1]
        return np.asarray(found)

    def cells_of(self, region: str) -> IntArray:
        """Numbers of the cells of a region."""
        return np.flatnonzero(self.region == self.regions.index(region))

    def nodes_of(self, region: str) -> IntArray:
        """Numbers of the nodes of a region."""
        return np.unique(self.cells[self.cells_of(region)])


def jacobians(mesh: Mesh, cells: IntArray | slice, gradients: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Jacobian determinants (E, q) and gradients in space (E, q, n, 2) from reference gradients (q, n, 2)."""
    x = mesh.points[mesh.cells[cells]]
    jacobian = np.matmul(x.transpose(0, 2, 1)[:, None], gradients[None])  # (E, q, 2, 2): d x_i / d xi_j
    a, b, c, d = jacobian[..., 0, 0], jacobian[..., 0, 1], jacobian[..., 1, 0], jacobian[..., 1, 1]
    determinant = a * d - b * c
    inverse = np.empty_like(jacobian)
    inverse[..., 0, 0], inverse[..., 0, 1], inverse[..., 1, 0], inverse[..., 1, 1] = d, -b, -c, a
    inverse /= determinant[..., None, None]
    return determinant, np.matmul(gradients[None], inverse)


@dataclass(frozen=True)
class Quality:
    """Mesh quality: counts, smallest edge (um), worst scaled Jacobian (1 is a rectangle, <= 0 is inverted), largest
    aspect ratio.
    """

    nodes: int
    elements: int
    dofs: int
    smallest_edge: float
    largest_edge: float
    worst_jacobian: float
    worst_at: tuple[float, float]
    largest_aspect: float
    per_region: dict[str, int]


def quality(mesh: Mesh) -> Quality:
    """Measures of the mesh; the scaled Jacobian is min(J) / max(J) over a cell's Gauss points."""
    points, _ = gauss_points(mesh.element, mesh.info.full)
    determinant, _ = jacobians(mesh, slice(None), shape(mesh.element, points)[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = determinant.min(axis=1) / np.abs(determinant).max(axis=1)
    corner = mesh.points[mesh.cells[:, : mesh.info.corners]]
    length = np.linalg.norm(np.roll(corner, -1, axis=1) - corner, axis=2)
    worst = int(np.argmin(scaled))
    with np.errstate(divide="ignore"):
        aspect = length.max(axis=1) / length.min(axis=1)
    return Quality(
        nodes=len(mesh.points),
        elements=len(mesh.cells),
        dofs=2 * len(mesh.points),
        smallest_edge=float(length.min()),
        largest_edge=float(length.max()),
        worst_jacobian=float(scaled[worst]),
        worst_at=(float(corner[worst, :, 0].mean()), float(corner[worst, :, 1].mean())),
        largest_aspect=float(aspect.max()),
        per_region={name: int(np.sum(mesh.region == i)) for i, name in enumerate(mesh.regions)},
    )
