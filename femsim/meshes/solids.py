"""Reference elements in space: hexahedra, tetrahedra and wedges; nodes, faces, shape functions, quadrature.

The shape functions are the polynomials of a space P (a list of exponents) that are one at a node and zero at the
others, N(xi) = m(xi) V^-1 with V = m(nodes); the spaces are the tensor products, the serendipity spaces (Arnold and
Awanou 2011, Found. Comput. Math. 11, 337) and the full polynomials. Faces stand in the order of Abaqus (S1, S2, ...).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray

_Rule = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Solid:
    """Facts of one element in space; ``faces``: corners counter-clockwise from outside, nodes of edges, centre."""

    name: str
    meshio_name: str
    kind: str
    corners: int
    nodes: int
    order: int
    edges: tuple[tuple[int, ...], ...]
    faces: tuple[tuple[int, ...], ...]
    full: int
    reduced: int


_CORNERS = {
    "hex": ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)),
    "tet": ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "wedge": ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1)),
}
_EDGES = {
    "hex": ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)),
    "tet": ((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)),
    "wedge": ((0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)),
}
_FACES = {
    "hex": ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)),
    "tet": ((0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)),
    "wedge": ((0, 2, 1), (3, 4, 5), (0, 1, 4, 3), (1, 2, 5, 4), (2, 0, 3, 5)),
}
#: faces with a node of their own, in the order of these nodes (VTK: x = 0, x = 1, y = 0, y = 1, z = 0, z = 1)
_CENTRES = {"hex27": (5, 3, 2, 4, 0, 1), "wedge18": (2, 3, 4)}

#: for each node in this order, the place of the same node in gmsh's (reference manual of gmsh, Node ordering)
GMSH_ORDER = {
    "tet10": (0, 1, 2, 3, 4, 5, 6, 7, 9, 8),
    "hex20": (0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 9, 16, 18, 19, 17, 10, 12, 14, 15),
    "hex27": (*range(8), 8, 11, 13, 9, 16, 18, 19, 17, 10, 12, 14, 15, 22, 23, 21, 24, 20, 25, 26),
    "wedge15": (0, 1, 2, 3, 4, 5, 6, 9, 7, 12, 14, 13, 8, 10, 11),
    "wedge18": (0, 1, 2, 3, 4, 5, 6, 9, 7, 12, 14, 13, 8, 10, 11, 15, 17, 16),
}
#: the same for Abaqus (C3D27: node 21 is the centre, 22 to 27 those of the faces S1 to S6)
ABAQUS_ORDER = {"hex27": (*range(20), 26, 24, 23, 25, 21, 22, 20)}


def _solid(name: str, meshio_name: str, kind: str, nodes: int, order: int) -> Solid:
    corners = len(_CORNERS[kind])
    edges: tuple[tuple[int, ...], ...] = _EDGES[kind]
    faces: tuple[tuple[int, ...], ...] = _FACES[kind]
    if order == 2:
        edges = tuple((*edge, corners + i) for i, edge in enumerate(edges))
        middle = {frozenset(edge[:2]): edge[2] for edge in edges}
        centre = {face: corners + len(edges) + i for i, face in enumerate(_CENTRES.get(name, ()))}
        faces = tuple(
            (
                *face,
                *(middle[frozenset((a, b))] for a, b in zip(face, face[1:] + face[:1], strict=True)),
                *([centre[i]] if i in centre else []),
            )
            for i, face in enumerate(faces)
        )
    full, reduced = (3, 2) if order == 2 else (2, 1)
    return Solid(name, meshio_name, kind, corners, nodes, order, edges, faces, full, reduced)


SOLIDS: dict[str, Solid] = {
    s.name: s
    for s in (
        _solid("hex8", "hexahedron", "hex", 8, 1),
        _solid("hex20", "hexahedron20", "hex", 20, 2),
        _solid("hex27", "hexahedron27", "hex", 27, 2),
        _solid("tet4", "tetra", "tet", 4, 1),
        _solid("tet10", "tetra10", "tet", 10, 2),
        _solid("wedge6", "wedge", "wedge", 6, 1),
        _solid("wedge15", "wedge15", "wedge", 15, 2),
        _solid("wedge18", "wedge18", "wedge", 18, 2),
    )
}


def _powers(element: str) -> npt.NDArray[np.int64]:
    """Exponents (n, 3) of the monomials that span the element's polynomials."""
    upto = list(product(range(3), repeat=3))
    chosen = {
        "hex8": [p for p in upto if max(p) <= 1],
        "hex20": [p for p in upto if sum(k for k in p if k > 1) <= 2],  # superlinear degree (Arnold and Awanou 2011)
        "hex27": upto,
        "tet4": [p for p in upto if sum(p) <= 1],
        "tet10": [p for p in upto if sum(p) <= 2],
        "wedge6": [p for p in upto if p[0] + p[1] <= 1 and p[2] <= 1],
        "wedge15": [p for p in upto if p[0] + p[1] <= (2 if p[2] < 2 else 1)],
        "wedge18": [p for p in upto if p[0] + p[1] <= 2],
    }[element]
    return np.array(chosen, dtype=np.int64)


@lru_cache(maxsize=16)
def solid_node_points(element: str) -> FloatArray:
    """Reference coordinates (n, 3) of the nodes."""
    solid = SOLIDS[element]
    corners = np.array(_CORNERS[solid.kind], dtype=float)
    points = [corners]
    if solid.order == 2:
        points.append(np.array([corners[list(edge[:2])].mean(axis=0) for edge in solid.edges]))
        faces = [_FACES[solid.kind][i] for i in _CENTRES.get(element, ())]
        points += [corners[list(face)].mean(axis=0)[None] for face in faces]
    if element == "hex27":
        points.append(np.full((1, 3), 0.5))
    return np.concatenate(points)


@lru_cache(maxsize=16)
def _coefficients(element: str) -> FloatArray:
    """V^-1 (n, n): the coefficients of all shape functions; whole numbers, as the nodes lie on halves."""
    powers = _powers(element)
    vandermonde = np.prod(solid_node_points(element)[:, None, :] ** powers[None], axis=2)
    return np.asarray(np.round(np.linalg.inv(vandermonde)), dtype=float)


def solid_shape(element: str, xi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shape functions (q, n) and their gradients (q, n, 3) at reference points (q, 3)."""
    powers, coefficients = _powers(element), _coefficients(element)
    top = int(powers.max())
    power = np.ones((top + 1, *xi.shape))
    for k in range(1, top + 1):
        power[k] = power[k - 1] * xi
    axis = np.arange(3)
    factor = power[powers, :, axis]  # (n, 3, q)
    slope = powers[..., None] * power[np.maximum(powers - 1, 0), :, axis]
    a, b, c = factor[:, 0], factor[:, 1], factor[:, 2]
    values = (a * b * c).T @ coefficients
    gradients = np.stack(
        [
            (slope[:, 0] * b * c).T @ coefficients,
            (a * slope[:, 1] * c).T @ coefficients,
            (a * b * slope[:, 2]).T @ coefficients,
        ],
        axis=2,
    )
    return values, gradients


def solid_quadrature(element: str, order: int, line: _Rule, triangle: _Rule) -> _Rule:
    """Points (q, 3) and weights: Gauss points along each direction of hexahedra; on wedges the rule of a triangle times
    Gauss points; on tetrahedra a rule of degree 2 order - 2 with positive weights (Keast 1986; Walkington 2000).
    """
    x, w = line
    kind = SOLIDS[element].kind
    if kind == "hex":
        z, y, x_ = np.meshgrid(x, x, x, indexing="ij")
        weights = np.einsum("i,j,k->ijk", w, w, w)
        return np.column_stack([x_.ravel(), y.ravel(), z.ravel()]), weights.ravel()
    if kind == "wedge":
        plane, area = triangle
        points = np.column_stack([np.tile(plane, (len(x), 1)), np.repeat(x, len(plane))])
        return points, np.outer(w, area).ravel()
    if order == 1:
        return np.full((1, 3), 0.25), np.array([1.0 / 6.0])
    from skfem.element import ElementTetP1
    from skfem.quadrature import get_quadrature

    # scikit-fem's rule of degree 4 has a negative weight, the one called 6 is of degree 5
    degree = {2: 2, 3: 5, 4: 7}.get(order, 2 * order + 1)
    points, weights = get_quadrature(ElementTetP1().refdom, degree)
    return np.ascontiguousarray(points.T), np.asarray(weights, dtype=float)


def solid_reduced_monomials(element: str, xi: FloatArray) -> FloatArray:
    """Monomials (m, q) of the polynomial through the reduced points: constant; trilinear, linear, linear x linear."""
    solid = SOLIDS[element]
    one = np.ones(len(xi))
    if solid.order == 1:
        return one[:, None]
    x, y, z = xi.T
    if solid.kind == "tet":
        return np.column_stack([one, x, y, z])
    if solid.kind == "wedge":
        return np.column_stack([one, x, y, z, x * z, y * z])
    return np.column_stack([one, x, y, z, x * y, y * z, z * x, x * y * z])
