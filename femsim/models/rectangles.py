"""Stiffness of axis-parallel rectangles as one matrix product: the block-structured meshes of layouts are made of
little else.

On a rectangle of sides (hx, hy) the gradients are d/dx = (d/dxi)/hx, d/dy = (d/deta)/hy, and radius and measure depend
on xi alone. So the stiffness by 3 x 3 (2 x 2) Gauss points is a sum over the columns i of Gauss points of scalar
coefficients times matrices that are the same for all elements,

    K_e = sum_i V_i sum_fg c_fg(D, hx, hy, r_i) M_i^fg,   M_i^fg = w_i sum_j w_j P^f(xi_i, eta_j) P^g(xi_i, eta_j)^T,

with P^x = dN/dxi, P^y = dN/deta, P^0 = N (over the radius, and plain) and V_i = hx hy 2 pi r_i (or hx hy). Which fields
f of which unknown make
which strain component stands in the kinematics' table, and so do the coefficients: of unknowns j and k

    c_fg = sum_ab D_ab t_ajf t_bkg,   t = (G_aj0 / hx, G_aj1 / hy, H_aj / r, V_aj).

The same quadrature as the general kernel, to round-off, at a fraction of its cost: (E, 15 columns) times (15 columns,
entries).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import ELEMENTS, gauss_points, line_gauss, shape
from femsim.models.kinematics import Kinematics
from femsim.models.space import Space

#: names of the fields: derivatives along x and y, the value over the radius, and the value itself
X, Y, VALUE, PLAIN = 0, 1, 2, 3
Entry = tuple[int, float]


def rectangle_stiffness(
    space: Space, cells: IntArray, stiffness: FloatArray, entries: IntArray | None = None
) -> FloatArray:
    """Stiffness of rectangular ``cells`` with constant ``stiffness`` (E, size, size): the ``entries`` (E, k), flat
    positions in K_e (m, m).

    Without ``entries`` the whole matrices, row by row (E, m m).
    """
    stretch, volume = _stretch(space, cells)
    terms = _terms(space.kinematics)
    coefficients = []
    for _, _, f, g, parts in terms:
        c = sum(
            (stiffness[:, a, b, None] if factor == 1.0 else factor * stiffness[:, a, b, None]) for a, b, factor in parts
        )
        coefficients.append(c * stretch[f] * stretch[g] * volume)
    element = space.mesh.element
    wanted = range((space.width * space.mesh.info.nodes) ** 2) if entries is None else entries.tolist()
    return np.asarray(np.concatenate(coefficients, axis=1) @ _basis(element, space.kinematics, tuple(wanted)))


def _stretch(space: Space, cells: IntArray) -> tuple[tuple[FloatArray, ...], FloatArray]:
    """1/hx and 1/hy (E, 1), 1/r and 1 and the volume factor at the columns of Gauss points (E, columns)."""
    mesh, kinematics = space.mesh, space.kinematics
    x = mesh.points[mesh.cells[cells]]
    hx, hy = (x[:, 2] - x[:, 0]).T
    gauss, _ = line_gauss(mesh.info.full)
    position = x[:, 0, 0, None] + hx[:, None] * gauss
    over = 1.0 / position if kinematics.radial else np.zeros_like(position)
    stretch = (1.0 / hx)[:, None], (1.0 / hy)[:, None], over, np.ones((1, 1))
    return stretch, (hx * hy)[:, None] * kinematics.measure(position)


@lru_cache(maxsize=32)
def _fields_of(kinematics: Kinematics, component: int, unknown: int) -> tuple[Entry, ...]:
    """Fields of an unknown that make a strain component, and their factors."""
    found = [(i, factor) for a, j, i, factor in kinematics.gradient if (a, j) == (component, unknown)]
    found += [(VALUE, factor) for a, j, factor in kinematics.over_radius if (a, j) == (component, unknown)]
    found += [(PLAIN, factor) for a, j, factor in kinematics.plain if (a, j) == (component, unknown)]
    return tuple(found)


@lru_cache(maxsize=32)
def _terms(kinematics: Kinematics) -> tuple[tuple[int, int, int, int, tuple[tuple[int, int, float], ...]], ...]:
    """Unknowns j <= k, fields f and g (f <= g where j = k), and the entries of D with their factors in c_fg."""
    found: dict[tuple[int, int, int, int], list[tuple[int, int, float]]] = {}
    for j in range(kinematics.width):
        for k in range(j, kinematics.width):
            for a in range(kinematics.size):
                for b in range(kinematics.size):
                    for f, left in _fields_of(kinematics, a, j):
                        for g, right in _fields_of(kinematics, b, k):
                            if j != k or f <= g:  # of a pair of fields of one unknown the other order is its transpose
                                found.setdefault((j, k, f, g), []).append((a, b, left * right))
    return tuple((*key, tuple(parts)) for key, parts in found.items())


@lru_cache(maxsize=16)
def _basis(element: str, kinematics: Kinematics, entries: tuple[int, ...]) -> FloatArray:
    """The wanted entries of the matrices M, in the order of the coefficients (terms x columns of Gauss points, k)."""
    info = ELEMENTS[element]
    points, weights = gauss_points(element, info.full)
    values, gradients = shape(element, points)
    fields = (gradients[..., 0], gradients[..., 1], values, values)
    n, order, width = info.nodes, info.full, kinematics.width

    def product(f: int, g: int, column: int) -> FloatArray:
        chosen = np.arange(column, order * order, order)  # points run along xi first
        return np.asarray(np.einsum("q,qi,qj->ij", weights[chosen], fields[f][chosen], fields[g][chosen]))

    rows = []
    wanted = np.array(entries)
    for j, k, f, g, _ in _terms(kinematics):
        for column in range(order):
            matrix = np.zeros((width * n, width * n))
            m = product(f, g, column)
            if j == k:
                matrix[j::width, j::width] = m if f == g else m + m.T
            else:
                matrix[j::width, k::width], matrix[k::width, j::width] = m, m.T
            rows.append(matrix.ravel()[wanted])
    return np.array(rows)


def rectangle_force(space: Space, cells: IntArray, stress: FloatArray) -> FloatArray:
    """Nodal forces (E, m), int B^T s dV, of a stress (E, size) that is constant over each of the rectangular
    ``cells``.
    """
    stretch, volume = _stretch(space, cells)
    width, kinematics = space.width, space.kinematics
    columns = _column_sums(space.mesh.element)
    forces = np.zeros((len(cells), width * space.mesh.info.nodes))
    scaled = [volume * s for s in stretch]
    for j in range(width):
        for f in (X, Y, VALUE, PLAIN):
            parts = [
                factor * stress[:, a, None]
                for a in range(kinematics.size)
                for field, factor in _fields_of(kinematics, a, j)
                if field == f
            ]
            if parts:
                forces[:, j::width] += (sum(parts) * scaled[f]) @ columns[f]
    return forces


def rectangle_internal(
    space: Space, cells: IntArray, unknowns: FloatArray, stiffness: FloatArray, free: FloatArray | None = None
) -> FloatArray:
    """Nodal forces (E, m), int B^T D (B u - eps_free) dV by the full Gauss points, of rectangular ``cells`` of one
    ``stiffness`` (E, size, size) and ``free`` strain (E, size) each; by stresses at the points, so that nothing of the
    stiffness matrices enters.
    """
    mesh, kinematics, width, order = space.mesh, space.kinematics, space.width, space.mesh.info.full
    stretch, volume = _stretch(space, cells)
    over, volume = np.tile(stretch[VALUE], (1, order)), np.tile(volume, (1, order))  # points run along xi first
    stretch = (stretch[X], stretch[Y], over, stretch[PLAIN])
    shapes, weights = _point_fields(mesh.element)
    q = len(weights)
    nodal = unknowns[: space.nodal].reshape(-1, width)[mesh.cells[cells]].transpose(0, 2, 1)
    fields = (nodal.reshape(-1, mesh.info.nodes) @ shapes).reshape(len(cells), width, 3, q)
    strain = np.zeros((len(cells), kinematics.size, q))
    for a in range(kinematics.size):
        parts = [
            stretch[f] * fields[:, j, min(f, VALUE)]
            if factor == 1.0
            else factor * stretch[f] * fields[:, j, min(f, VALUE)]
            for j in range(width)
            for f, factor in _fields_of(kinematics, a, j)
        ]
        if parts:
            strain[:, a] = parts[0]
            for part in parts[1:]:
                strain[:, a] += part
    if free is not None:
        strain -= free[..., None]
    stress = np.matmul(stiffness, strain)
    stress *= (volume * weights)[:, None]
    pulled = np.zeros((len(cells), width, 3, q))
    for j in range(width):
        for a in range(kinematics.size):
            for f, factor in _fields_of(kinematics, a, j):
                part = stretch[f] * stress[:, a]
                pulled[:, j, min(f, VALUE)] += part if factor == 1.0 else factor * part
    forces = (pulled.reshape(-1, 3 * q) @ shapes.T).reshape(len(cells), width, -1)
    return np.asarray(forces.transpose(0, 2, 1).reshape(len(cells), -1))


@lru_cache(maxsize=8)
def _point_fields(element: str) -> tuple[FloatArray, FloatArray]:
    """d N/d xi, d N/d eta and N at the full Gauss points, side by side (n, 3 q), and the points' weights."""
    points, weights = gauss_points(element, ELEMENTS[element].full)
    values, gradients = shape(element, points)
    return np.ascontiguousarray(np.concatenate([gradients[..., 0], gradients[..., 1], values]).T), weights


@lru_cache(maxsize=8)
def _column_sums(element: str) -> tuple[FloatArray, ...]:
    """Weighted sums (columns of Gauss points, n) of d N/d xi, d N/d eta and N over each column."""
    order = ELEMENTS[element].full
    points, weights = gauss_points(element, order)
    values, gradients = shape(element, points)
    x, y, value = (
        (f * weights[:, None]).reshape(order, order, -1).sum(axis=0)
        for f in (gradients[..., 0], gradients[..., 1], values)
    )
    return x, y, value, value
