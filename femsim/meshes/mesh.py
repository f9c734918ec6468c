"""The mesh: points, cells of one element type, a region per cell, named places. Frozen; a change returns a copy.

In the plane the named boundaries are lines. In space they are surfaces, given as faces of cells, (cell, local face), so
that wedges may have faces of two kinds; named lines and nodes stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import ELEMENTS, ElementType, gauss_points, node_points, shape

#: sides that differ by less than this fraction of an element's size are parallel to an axis
STRAIGHT = 1.0e-12
#: of the largest coordinate: coordinates of single precision, as cgx, VTK and STL tools write, are off by up to 1e-7
SINGLE = 1.0e-6
#: of the largest coordinate: what double precision leaves
ROUNDED = 1.0e-14


@dataclass(frozen=True)
class Mesh:
    """Points (N, d) in um; cells (E, n) in VTK node order; region number per cell; lines as edges (K, 2 or 3): ends,
    then middle; surfaces (in space) as faces (K, 2): cell and its face; sets: nodes, where a line bears the name too
    those that the set has beyond the line's.
    """

    points: FloatArray
    cells: IntArray
    element: str
    region: IntArray
    regions: tuple[str, ...]
    lines: dict[str, IntArray] = field(default_factory=dict)
    surfaces: dict[str, IntArray] = field(default_factory=dict)
    sets: dict[str, IntArray] = field(default_factory=dict)

    @property
    def dim(self) -> int:
        """Two in the plane, three in space."""
        return self.info.dim

    @property
    def info(self) -> ElementType:
        """Facts of the element type."""
        return ELEMENTS[self.element]

    @cached_property
    def extent(self) -> float:
        """The longest side of the box around the mesh (um)."""
        return max(float(np.ptp(np.ascontiguousarray(x))) for x in self.points.T)

    @cached_property
    def shortest(self) -> float:
        """The shortest edge (um), straight from corner to corner."""
        ends = np.array([edge[:2] for edge in self.info.edges])
        corners = self.points[self.cells[:, : self.info.corners]]
        step = corners[:, ends[:, 1]] - corners[:, ends[:, 0]]
        return float(np.sqrt(np.min(np.sum(step**2, axis=2))))

    @cached_property
    def near(self) -> float:
        """Nodes this close (um) to a line, a coordinate or each other count as on it: what coordinates of single
        precision leave, but never more than a hundredth of the shortest edge.
        """
        scale = max(self.extent, float(np.abs(self.points).max()))
        return max(min(SINGLE * scale, 0.01 * self.shortest), ROUNDED * scale)

    @cached_property
    def vertices(self) -> IntArray:
        """Numbers of the nodes that are corners of a cell, ascending."""
        corner = np.zeros(len(self.points), dtype=bool)
        corner[self.cells[:, : self.info.corners]] = True
        return np.flatnonzero(corner)

    @cached_property
    def centres(self) -> FloatArray:
        """Mean (E, d) of every cell's corners."""
        corners = self.cells[:, : self.info.corners].T
        return np.column_stack([x[corners].sum(axis=0) / len(corners) for x in np.ascontiguousarray(self.points.T)])

    @cached_property
    def boxes(self) -> tuple[FloatArray, FloatArray]:
        """Least and largest coordinates (E, d) of every cell's nodes."""
        low, high = (np.empty((len(self.cells), self.dim)) for _ in range(2))
        for k, x in enumerate(np.ascontiguousarray(self.points.T)):
            own = x[self.cells.T]
            own.min(axis=0, out=low[:, k])
            own.max(axis=0, out=high[:, k])
        return low, high

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

    @property
    def places(self) -> tuple[str, ...]:
        """The names of lines, surfaces and sets."""
        return (*self.surfaces, *self.lines, *self.sets)

    def nodes_on(self, name: str) -> IntArray:
        """Numbers of the nodes of a named surface, line or set; KeyError where there is none of that name."""
        found = []
        if name in self.surfaces:
            faces = self.surfaces[name]
            for local, face in enumerate(self.info.faces):
                found.append(self.cells[faces[faces[:, 1] == local, 0]][:, list(face)].ravel())
        elif name in self.lines:
            found.append(self.lines[name].ravel())
        else:
            found.append(self.sets[name])
        return np.unique(np.concatenate(found)).astype(np.int64)


def invert(jacobian: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Determinants (...,) and inverses (..., d, d) of matrices (..., d, d), d = 2 or 3, by cofactors."""
    inverse = np.empty_like(jacobian)
    if jacobian.shape[-1] == 2:
        a, b, c, d = jacobian[..., 0, 0], jacobian[..., 0, 1], jacobian[..., 1, 0], jacobian[..., 1, 1]
        determinant = a * d - b * c
        inverse[..., 0, 0], inverse[..., 0, 1], inverse[..., 1, 0], inverse[..., 1, 1] = d, -b, -c, a
    else:
        for i in range(3):
            for j in range(3):
                p, q, r, s = (j + 1) % 3, (j + 2) % 3, (i + 1) % 3, (i + 2) % 3
                inverse[..., i, j] = (
                    jacobian[..., p, r] * jacobian[..., q, s] - jacobian[..., p, s] * jacobian[..., q, r]
                )
        determinant = np.asarray(np.einsum("...i,...i->...", jacobian[..., 0, :], inverse[..., :, 0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse /= determinant[..., None, None]
    return determinant, inverse


def jacobians(mesh: Mesh, cells: IntArray | slice, gradients: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Jacobian determinants (E, q) and gradients in space (E, q, n, d) from reference gradients (q, n, d)."""
    x = mesh.points[mesh.cells[cells]]
    jacobian = np.matmul(x.transpose(0, 2, 1)[:, None], gradients[None])  # (E, q, d, d): d x_i / d xi_j
    if mesh.dim == 3:
        determinant, inverse = invert(jacobian)
        return determinant, np.matmul(gradients[None], inverse)
    a, b, c, d = jacobian[..., 0, 0], jacobian[..., 0, 1], jacobian[..., 1, 0], jacobian[..., 1, 1]
    determinant = a * d - b * c
    inverse = np.empty_like(jacobian)
    inverse[..., 0, 0], inverse[..., 0, 1], inverse[..., 1, 0], inverse[..., 1, 1] = d, -b, -c, a
    inverse /= determinant[..., None, None]
    return determinant, np.matmul(gradients[None], inverse)


def _determinants(mesh: Mesh, gradients: FloatArray) -> FloatArray:
    """Jacobian determinants (E, q) of all cells from reference gradients (q, n, d)."""
    if mesh.dim == 3:
        return jacobians(mesh, slice(None), gradients)[0]
    (a, b), (c, d) = ([x[mesh.cells] @ gradients[:, :, k].T for k in range(2)] for x in mesh.points.T)
    return np.asarray(a * d - b * c)


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
    worst_at: tuple[float, ...]
    largest_aspect: float
    per_region: dict[str, int]


def quality(mesh: Mesh) -> Quality:
    """Measures of the mesh; the scaled Jacobian is min(J) / max(J) over a cell's Gauss points."""
    points, _ = gauss_points(mesh.element, mesh.info.full)
    determinant = _determinants(mesh, shape(mesh.element, points)[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = determinant.min(axis=1) / np.abs(determinant).max(axis=1)
    corner = mesh.points[mesh.cells[:, : mesh.info.corners]]
    ends = np.array([edge[:2] for edge in mesh.info.edges])
    length = np.linalg.norm(corner[:, ends[:, 1]] - corner[:, ends[:, 0]], axis=2)
    worst = int(np.argmin(scaled))
    with np.errstate(divide="ignore"):
        aspect = length.max(axis=1) / length.min(axis=1)
    return Quality(
        nodes=len(mesh.points),
        elements=len(mesh.cells),
        dofs=mesh.dim * len(mesh.points),
        smallest_edge=float(length.min()),
        largest_edge=float(length.max()),
        worst_jacobian=float(scaled[worst]),
        worst_at=tuple(float(x) for x in corner[worst].mean(axis=0)),
        largest_aspect=float(aspect.max()),
        per_region={name: int(np.sum(mesh.region == i)) for i, name in enumerate(mesh.regions)},
    )
