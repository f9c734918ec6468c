"""Stiffness of axis-parallel rectangles as one matrix product: the block-structured meshes of layouts are made of
little else.

On a rectangle of sides (hx, hy) the gradients are d/dx = (d/dxi)/hx, d/dy = (d/deta)/hy, and radius and measure depend
on xi alone. So the stiffness by 3 x 3 (2 x 2) Gauss points is a sum over the columns i of Gauss points of scalar
coefficients times matrices that are the same for all elements,

    K_e = sum_i V_i sum_ab c_ab(D, hx, hy, r_i) M_i^ab,   M_i^ab = w_i sum_j w_j P^a(xi_i, eta_j) P^b(xi_i, eta_j)^T,

with P^x = dN/dxi, P^y = dN/deta, P^0 = N and V_i = hx hy 2 pi r_i (or hx hy). The same quadrature as the general
kernel, to round-off, at a fraction of its cost: (E, 15 columns) times (15 columns, entries).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import ELEMENTS, gauss_points, line_gauss, shape
from femsim.models.model import Model


def rectangle_stiffness(
    model: Model, cells: IntArray, stiffness: FloatArray, entries: IntArray | None = None
) -> FloatArray:
    """Stiffness of rectangular ``cells`` with constant ``stiffness`` (E, 4, 4): the ``entries`` (E, k), flat positions
    in K_e (m, m).

    Without ``entries`` the whole matrices, row by row (E, m m).
    """
    px, py, hoop, volume = _stretch(model, cells)
    d = {(i, j): stiffness[:, i, j, None] for i in range(4) for j in range(i, 4)}
    coefficients = [
        # u-u
        d[0, 0] * px * px, d[3, 3] * py * py, d[2, 2] * hoop * hoop, d[0, 2] * px * hoop, d[0, 3] * px * py, d[2, 3] * hoop * py,  # noqa: E501
        # u-w
        d[0, 1] * px * py, d[0, 3] * px * px, d[1, 2] * hoop * py, d[2, 3] * hoop * px, d[1, 3] * py * py, d[3, 3] * py * px,  # noqa: E501
        # w-w
        d[1, 1] * py * py, d[3, 3] * px * px, d[1, 3] * px * py,
    ]  # fmt: skip
    weighted = np.concatenate([c * volume for c in coefficients], axis=1)
    element = model.mesh.element
    wanted = range((2 * model.mesh.info.nodes) ** 2) if entries is None else entries.tolist()
    return np.asarray(weighted @ _basis(element, tuple(wanted)))


def _stretch(model: Model, cells: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """1/hx and 1/hy (E, 1), hoop strain per radial displacement and volume factor at the columns of Gauss points (E,
    columns).
    """
    mesh, kinematics = model.mesh, model.kinematics
    x = mesh.points[mesh.cells[cells]]
    hx, hy = (x[:, 2] - x[:, 0]).T
    gauss, _ = line_gauss(mesh.info.full)
    position = x[:, 0, 0, None] + hx[:, None] * gauss
    hoop = 1.0 / position if kinematics.is_axisymmetric else np.zeros_like(position)
    return (1.0 / hx)[:, None], (1.0 / hy)[:, None], hoop, (hx * hy)[:, None] * kinematics.measure(position)


@lru_cache(maxsize=8)
def _basis(element: str, entries: tuple[int, ...]) -> FloatArray:
    """The wanted entries of the matrices M, in the order of the coefficients (15 columns of Gauss points, k)."""
    info = ELEMENTS[element]
    points, weights = gauss_points(element, info.full)
    values, gradients = shape(element, points)
    fields = {"x": gradients[..., 0], "y": gradients[..., 1], "0": values}
    n, order = info.nodes, info.full

    def product(a: str, b: str, column: int) -> FloatArray:
        chosen = np.arange(column, order * order, order)  # points run along xi first
        return np.asarray(np.einsum("q,qi,qj->ij", weights[chosen], fields[a][chosen], fields[b][chosen]))

    def both(a: str, b: str, column: int) -> FloatArray:
        return product(a, b, column) + product(b, a, column)

    rows = []
    wanted = np.array(entries)
    for block, terms in (
        ("uu", [("x", "x"), ("y", "y"), ("0", "0"), ("x", "0"), ("x", "y"), ("0", "y")]),
        ("uw", [("x", "y"), ("x", "x"), ("0", "y"), ("0", "x"), ("y", "y"), ("y", "x")]),
        ("ww", [("y", "y"), ("x", "x"), ("x", "y")]),
    ):
        for a, b in terms:
            for column in range(order):
                matrix = np.zeros((2 * n, 2 * n))
                if block == "uw":
                    m = product(a, b, column)
                    matrix[0::2, 1::2], matrix[1::2, 0::2] = m, m.T
                else:
                    m = product(a, b, column) if a == b else both(a, b, column)
                    offset = 0 if block == "uu" else 1
                    matrix[offset::2, offset::2] = m
                rows.append(matrix.ravel()[wanted])
    return np.array(rows)


def rectangle_force(model: Model, cells: IntArray, stress: FloatArray) -> FloatArray:
    """Nodal forces (E, m), int B^T s dV, of a stress (E, 4) that is constant over each of the rectangular ``cells``."""
    px, py, hoop, volume = _stretch(model, cells)
    along, up = volume * px, volume * py
    s = [stress[:, c, None] for c in range(4)]
    columns = _column_sums(model.mesh.element)
    forces = np.empty((len(cells), 2 * model.mesh.info.nodes))
    forces[:, 0::2] = (s[0] * along) @ columns["x"] + (s[3] * up) @ columns["y"] + (s[2] * hoop * volume) @ columns["0"]
    forces[:, 1::2] = (s[3] * along) @ columns["x"] + (s[1] * up) @ columns["y"]
    return forces


def rectangle_internal(model: Model, cells: IntArray, unknowns: FloatArray) -> FloatArray:
    """Nodal forces (E, m), int B^T D (B u - eps_th) dV by the full Gauss points, of rectangular ``cells`` of one
    stiffness each.

    Of displacements (ndof,); by stresses at the points, so that nothing of the stiffness matrices enters.
    """
    mesh, order = model.mesh, model.mesh.info.full
    px, py, hoop, volume = _stretch(model, cells)
    hoop, volume = np.tile(hoop, (1, order)), np.tile(volume, (1, order))  # points run along xi first
    fields, weights = _point_fields(mesh.element)
    q = len(weights)
    nodal = unknowns[: 2 * len(mesh.points)].reshape(-1, 2)[mesh.cells[cells]].transpose(0, 2, 1)
    u, w = (nodal.reshape(-1, mesh.info.nodes) @ fields).reshape(len(cells), 2, 3, q).transpose(1, 2, 0, 3)
    strain = np.empty((len(cells), 4, q))
    strain[:, 0], strain[:, 1], strain[:, 2], strain[:, 3] = px * u[0], py * w[1], hoop * u[2], py * u[1] + px * w[0]
    middle = np.empty((1, mesh.info.nodes))
    strain -= model.thermal_strain_at(cells, middle)[:, 0, :, None]
    stress = np.matmul(model.stiffness_at(cells, middle)[:, 0], strain)
    stress *= (volume * weights)[:, None]
    pulled = np.zeros((len(cells), 2, 3, q))
    pulled[:, 0, 0], pulled[:, 0, 1], pulled[:, 0, 2] = px * stress[:, 0], py * stress[:, 3], hoop * stress[:, 2]
    pulled[:, 1, 0], pulled[:, 1, 1] = px * stress[:, 3], py * stress[:, 1]
    forces = (pulled.reshape(-1, 3 * q) @ fields.T).reshape(len(cells), 2, -1)
    return np.asarray(forces.transpose(0, 2, 1).reshape(len(cells), -1))


@lru_cache(maxsize=8)
def _point_fields(element: str) -> tuple[FloatArray, FloatArray]:
    """d N/d xi, d N/d eta and N at the full Gauss points, side by side (n, 3 q), and the points' weights."""
    points, weights = gauss_points(element, ELEMENTS[element].full)
    values, gradients = shape(element, points)
    return np.ascontiguousarray(np.concatenate([gradients[..., 0], gradients[..., 1], values]).T), weights


@lru_cache(maxsize=8)
def _column_sums(element: str) -> dict[str, FloatArray]:
    """Weighted sums (columns of Gauss points, n) of d N/d xi, d N/d eta and N over each column."""
    order = ELEMENTS[element].full
    points, weights = gauss_points(element, order)
    values, gradients = shape(element, points)
    fields = {"x": gradients[..., 0], "y": gradients[..., 1], "0": values}
    return {name: (f * weights[:, None]).reshape(order, order, -1).sum(axis=0) for name, f in fields.items()}
