"""Reference elements: node order (VTK's), edges, faces, shape functions and quadrature.

Quadrilaterals and hexahedra live on [0, 1]^d, triangles and tetrahedra on the unit simplex, wedges on the unit triangle
times [0, 1]. Corners come first (in the plane counter-clockwise), then the nodes of edges, of faces and of the inside,
which is the order of VTK and meshio; gmsh's and Abaqus' differ from it in 3D (``femsim.meshes.read``).
The plane elements' shape functions stand in :mod:`femsim.meshes.planes`, those in space in :mod:`femsim.meshes.solids`;
quadrature on triangles and tetrahedra is scikit-fem's, whose elements the tests compare with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.meshes.planes import plane_gradients, plane_values
from femsim.meshes.solids import (
    SOLIDS,
    Solid,
    solid_node_points,
    solid_quadrature,
    solid_reduced_monomials,
    solid_shape,
)

#: the plane element of a face with so many nodes
FACE_OF = {3: "tri3", 4: "quad4", 6: "tri6", 8: "quad8", 9: "quad9"}


@dataclass(frozen=True)
class ElementType:
    """Facts of one element; ``full`` integrates the stiffness, ``reduced`` are its superconvergent stress points.

    ``faces`` is empty in the plane; a face names its corners counter-clockwise as seen from outside, then its edges'
    nodes, then its centre, so that its shape functions are those of the plane element :meth:`facet_element` names.
    """

    name: str
    meshio_name: str
    corners: int
    nodes: int
    order: int
    edges: tuple[tuple[int, ...], ...]
    full: int
    reduced: int
    faces: tuple[tuple[int, ...], ...] = ()
    shape: str = ""

    @property
    def is_quad(self) -> bool:
        """A quadrilateral."""
        return self.kind == "quad"

    @property
    def kind(self) -> str:
        """quad, tri, hex, tet or wedge."""
        return self.shape or ("quad" if self.corners == 4 else "tri")

    @property
    def dim(self) -> int:
        """Two in the plane, three in space."""
        return 3 if self.faces else 2

    @property
    def facets(self) -> tuple[tuple[int, ...], ...]:
        """What bounds a cell: edges in the plane, faces in space."""
        return self.faces or self.edges

    def facet_element(self, local: int) -> str:
        """The element of a facet: line2 or line3, or a plane element."""
        count = len(self.facets[local])
        if self.dim == 2:
            return f"line{count}"
        return FACE_OF[count]

    def facet_corners(self, local: int) -> int:
        """How many corners a facet has."""
        return 2 if self.dim == 2 else ELEMENTS[self.facet_element(local)].corners

    @property
    def middle(self) -> int | None:
        """The node inside the element, which couples with its own element only; None where there is none."""
        return {"quad9": 8, "hex27": 26}.get(self.name)


def _of_solid(s: Solid) -> ElementType:
    return ElementType(s.name, s.meshio_name, s.corners, s.nodes, s.order, s.edges, s.full, s.reduced, s.faces, s.kind)


ELEMENTS: dict[str, ElementType] = {
    e.name: e
    for e in (
        ElementType("quad4", "quad", 4, 4, 1, ((0, 1), (1, 2), (2, 3), (3, 0)), 2, 1),
        ElementType("quad8", "quad8", 4, 8, 2, ((0, 1, 4), (1, 2, 5), (2, 3, 6), (3, 0, 7)), 3, 2),
        ElementType("quad9", "quad9", 4, 9, 2, ((0, 1, 4), (1, 2, 5), (2, 3, 6), (3, 0, 7)), 3, 2),
        ElementType("tri3", "triangle", 3, 3, 1, ((0, 1), (1, 2), (2, 0)), 2, 1),
        ElementType("tri6", "triangle6", 3, 6, 2, ((0, 1, 3), (1, 2, 4), (2, 0, 5)), 4, 2),
        *(_of_solid(solid) for solid in SOLIDS.values()),
    )
}


def shape(element: str, xi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shape functions N (q, n) and their gradients dN (q, n, d) at reference points ``xi`` (q, d); read-only where the
    points are few.
    """
    points = np.ascontiguousarray(xi, dtype=float).reshape(-1, ELEMENTS[element].dim)
    return _few(element, points.tobytes()) if len(points) <= FEW else _shape(element, points)


#: the shape functions at up to this many points are kept: they are asked for again with every batch of cells
FEW = 512


@lru_cache(maxsize=256)
def _few(element: str, points: bytes) -> tuple[FloatArray, FloatArray]:
    values, gradients = _shape(element, np.frombuffer(points).reshape(-1, ELEMENTS[element].dim))
    values.flags.writeable = gradients.flags.writeable = False
    return values, gradients


def _shape(element: str, xi: FloatArray) -> tuple[FloatArray, FloatArray]:
    if element in SOLIDS:
        return solid_shape(element, xi)
    return plane_values(element, xi), plane_gradients(element, xi)


@lru_cache(maxsize=64)
def gauss_points(element: str, order: int) -> tuple[FloatArray, FloatArray]:
    """Points (q, d) and weights (q,): ``order`` Gauss points along each side of quadrilaterals and hexahedra, a rule of
    degree 2 order - 2 on triangles and tetrahedra, both on wedges.
    """
    if element in SOLIDS:
        plane = gauss_points("tri3", order)
        return solid_quadrature(element, order, line_gauss(order), plane)
    if ELEMENTS[element].is_quad:
        x, w = line_gauss(order)
        px, py = np.meshgrid(x, x, indexing="xy")
        return np.column_stack([px.ravel(), py.ravel()]), np.outer(w, w).ravel()
    if order == 1:  # scikit-fem's rule of degree 1 has three points
        return np.full((1, 2), 1.0 / 3.0), np.array([0.5])
    from skfem.element import ElementTriP1
    from skfem.quadrature import get_quadrature

    degree = {2: 2, 3: 4, 4: 6}.get(order, 2 * order)
    points, weights = get_quadrature(ElementTriP1().refdom, degree)
    return np.ascontiguousarray(points.T), weights


@lru_cache(maxsize=16)
def line_gauss(order: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre points and weights on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(order)
    return 0.5 * (x + 1.0), 0.5 * w


def line_shape(nodes: int, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shape functions (q, nodes) and derivatives (q, nodes) of an edge on [0, 1]: ends first, then the middle."""
    if nodes == 2:
        return np.column_stack([1 - s, s]), np.column_stack([-np.ones_like(s), np.ones_like(s)])
    return (
        np.column_stack([(1 - s) * (1 - 2 * s), s * (2 * s - 1), 4 * s * (1 - s)]),
        np.column_stack([4 * s - 3, 4 * s - 1, 4 - 8 * s]),
    )


@lru_cache(maxsize=16)
def node_points(element: str) -> FloatArray:
    """Reference coordinates (n, d) of the nodes."""
    if element in SOLIDS:
        return solid_node_points(element)
    corners = (
        [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
        if ELEMENTS[element].is_quad
        else [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
    )
    points = list(corners)
    info = ELEMENTS[element]
    if info.order == 2:
        points += [tuple(0.5 * (np.array(corners[e[0]]) + np.array(corners[e[1]]))) for e in info.edges]
    if element == "quad9":
        points.append((0.5, 0.5))
    return np.array(points)


@lru_cache(maxsize=16)
def extrapolation(element: str) -> FloatArray:
    """Matrix (n, q) that carries values at the reduced Gauss points to the nodes by the polynomial through them.

    Those points are where the stresses converge one order faster (Barlow 1976, Int. J. Numer. Methods Eng. 10, 243;
    Zienkiewicz and Zhu 1992, ibid. 33, 1331): the centre for linear elements, 2 x 2 or three points for quadratic ones,
    in space 2 x 2 x 2, four or 3 x 2.
    """
    return reduced_basis(element, node_points(element))


def reduced_basis(element: str, xi: FloatArray) -> FloatArray:
    """Weights (m, q) of the reduced Gauss points' values in the polynomial through them, at reference points ``xi`` (m,
    d).
    """
    return _monomials(element, xi) @ np.linalg.inv(
        _monomials(element, gauss_points(element, ELEMENTS[element].reduced)[0])
    )


def _monomials(element: str, xi: FloatArray) -> FloatArray:
    if element in SOLIDS:
        return solid_reduced_monomials(element, xi)
    info = ELEMENTS[element]
    one = np.ones(len(xi))
    if info.order == 1:
        return one[:, None]
    columns = [one, xi[:, 0], xi[:, 1]]
    return np.column_stack([*columns, xi[:, 0] * xi[:, 1]] if info.is_quad else columns)
