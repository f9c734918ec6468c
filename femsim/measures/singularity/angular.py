"""Angular functions U(theta) of fields u = r^lambda U(theta) around a corner, as polynomials on elements in theta.

Gauss-Lobatto nodes of high order; U is analytic within a wedge, so the polynomials converge exponentially. The elements
are as narrow as the material's anisotropy asks for (:func:`elements_of`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.measures.singularity.junction import ANGLE_TOLERANCE, AnyArray, Junction

ORDER = 24  # of the polynomials
_WIDEST = np.pi / 2  # rad: an element's largest opening
_RATE = 3.0  # smallest Bernstein radius accepted: the error of order p falls like 3^-p, of an eigenvalue like 3^-2p

#: edges (n, 2) in rad of elements in theta, and the wedge (n,) each belongs to
Elements = tuple[FloatArray, IntArray]


@lru_cache(maxsize=16)
def gauss(count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre points and weights on [-1, 1]."""
    return np.polynomial.legendre.leggauss(count)


@lru_cache(maxsize=16)
def lobatto(order: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gauss-Lobatto nodes on [-1, 1], barycentric weights and differentiation matrix (Berrut and Trefethen 2004, eq.
    9.4).
    """
    inner = np.polynomial.legendre.Legendre.basis(order).deriv().roots()
    nodes = np.concatenate(([-1.0], np.sort(inner.real), [1.0]))
    nodes = 0.5 * (nodes - nodes[::-1])
    gap = nodes[:, None] - nodes[None, :]
    np.fill_diagonal(gap, 1.0)
    weights = 1.0 / np.prod(2.0 * gap, axis=1)
    derivative = (weights[None, :] / weights[:, None]) / gap
    np.fill_diagonal(derivative, 0.0)
    np.fill_diagonal(derivative, -derivative.sum(axis=1))
    return nodes, weights, derivative


def lagrange(order: int, at: FloatArray) -> FloatArray:
    """(n, order + 1) Lagrange polynomials of the Gauss-Lobatto nodes at points of [-1, 1], by the barycentric
    formula.
    """
    nodes, weights, _ = lobatto(order)
    gap = at[:, None] - nodes[None, :]
    hit = np.abs(gap) < 1e-15
    terms = weights[None, :] / np.where(hit, 1.0, gap)
    values = terms / terms.sum(axis=1, keepdims=True)
    exact = hit.any(axis=1)
    values[exact] = hit[exact]
    return np.asarray(values)


@lru_cache(maxsize=16)
def gauss_values(order: int, count: int) -> tuple[FloatArray, FloatArray]:
    """(count, order + 1) Lagrange polynomials and their slopes at the ``count`` Gauss points of [-1, 1]."""
    values = lagrange(order, gauss(count)[0])
    return values, values @ lobatto(order)[2]


def rays(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Unit vectors n = e_r and m = e_theta, each (n, 2), at angles in radians."""
    c, s = np.cos(theta), np.sin(theta)
    return np.stack([c, s], axis=-1), np.stack([-s, c], axis=-1)


def strain_operator(v: FloatArray) -> FloatArray:
    """(n, 3, 2) matrices B_v: B_v u is the Voigt strain (11, 22, 12 engineering) of the gradient u (x) v."""
    b = np.zeros((v.shape[0], 3, 2))
    b[:, 0, 0] = b[:, 2, 1] = v[:, 0]
    b[:, 1, 1] = b[:, 2, 0] = v[:, 1]
    return b


def _weak_angles(d: FloatArray) -> AnyArray:
    """Complex angles where Stroh's (cos t + p sin t)^lambda of a material is not analytic: tan t = -1 / p (rad, modulo
    pi).

    The further they lie from the real axis, the faster polynomials in theta converge; isotropy (p = i) puts them at
    infinity.
    """
    axes = np.eye(2)
    b1, b2 = strain_operator(axes[:1])[0], strain_operator(axes[1:])[0]
    q, r, t = b1.T @ d @ b1, b1.T @ d @ b2, b2.T @ d @ b2
    companion = np.block([[np.zeros((2, 2)), np.eye(2)], [-np.linalg.solve(t, q), -np.linalg.solve(t, r + r.T)]])
    p = np.linalg.eigvals(companion).astype(np.complex128)
    # keeps off the isotropic p = +-i, where the angle is infinitely far: 20 rad up is as good as that
    p = p[(np.abs(p - 1j) > 1e-12) & (np.abs(p + 1j) > 1e-12)]
    return np.asarray(np.arctan(-1.0 / p))


def _split(start: float, end: float, weak: AnyArray, widest: float) -> list[tuple[float, float]]:
    """Halve [start, end] until each piece is narrow and far enough from the angles where U is not analytic."""
    half, middle = 0.5 * (end - start), 0.5 * (start + end)
    if half > 1e-3 and (2 * half > widest * (1 + 1e-12) or _slowest(half, middle, weak) < _RATE):
        return _split(start, middle, weak, widest) + _split(middle, end, weak, widest)
    return [(start, end)]


def _slowest(half: float, middle: float, weak: AnyArray) -> float:
    if weak.size == 0:
        return np.inf
    period = np.pi * np.arange(-3, 4)
    shift = np.round((middle - weak.real) / np.pi) * np.pi
    z = ((weak + shift)[:, None] + period - middle) / half
    root = np.sqrt(z - 1.0) * np.sqrt(z + 1.0)
    return float(np.abs(z + root).min())


def elements_of(junction: Junction, widest: float | None = None) -> Elements:
    """Edges (n, 2) in rad of the elements of all wedges, none wider than ``widest`` rad, and their wedges (n,); found
    once and kept with the junction.
    """
    kept: dict[float, Elements] = junction.__dict__.setdefault("elements_of", {})
    size = widest or _WIDEST
    if size not in kept:
        kept[size] = _elements_of(junction, size)
    return kept[size]


def _elements_of(junction: Junction, widest: float) -> Elements:
    pieces: list[tuple[float, float]] = []
    owners: list[int] = []
    for k, wedge in enumerate(junction.wedges):
        weak = _weak_angles(junction.plane_stiffness(k))
        parts = _split(np.radians(wedge.angle_start), np.radians(wedge.angle_end), weak, widest)
        pieces += parts
        owners += [k] * len(parts)
    return np.array(pieces), np.array(owners)


@dataclass(frozen=True, eq=False)
class AngularField:
    """A displacement's angular function U(theta), Cartesian components: polynomials on the elements of a pencil.

    ``edges`` (n_elements, 2) rad, ``owner`` (n_elements,) wedge of each, ``values`` (n_elements, order + 1, 2).
    """

    junction: Junction
    edges: FloatArray
    owner: AnyArray
    values: AnyArray

    def __call__(self, theta: FloatArray, wedge: int) -> tuple[AnyArray, AnyArray]:
        """U and dU/dtheta, each (n, 2), at angles in radians within one wedge."""
        mine = np.flatnonzero(self.owner == wedge)
        edges = self.edges[mine]
        first, last = edges[0, 0], edges[-1, 1]
        slack = np.radians(ANGLE_TOLERANCE)
        if np.any(theta < first - slack) or np.any(theta > last + slack):
            raise InputError(f"theta: outside wedge {wedge} ({np.degrees(first):g} to {np.degrees(last):g} deg)")
        order = self.values.shape[1] - 1
        derivative = lobatto(order)[2]
        which = np.clip(np.searchsorted(edges[:, 0], theta, side="right") - 1, 0, mine.size - 1)
        u = np.empty((theta.size, 2), dtype=self.values.dtype)
        du = np.empty_like(u)
        for local in np.unique(which):
            here = which == local
            a, b = edges[local]
            shape = lagrange(order, np.clip((2 * theta[here] - a - b) / (b - a), -1.0, 1.0))
            nodal = self.values[mine[local]]
            u[here] = shape @ nodal
            du[here] = shape @ (derivative @ nodal) * (2.0 / (b - a))
        return u, du

    def strain(self, exponent: complex, theta: FloatArray, wedge: int) -> AnyArray:
        """(n, 3) Voigt strain (xx, yy, xy engineering) of r^lambda U at r = 1: lambda B_n U + B_m U'."""
        u, du = self(theta, wedge)
        return strain_of(exponent, theta, u, du)

    def sampled(self, exponent: complex, count: int) -> tuple[FloatArray, AnyArray, AnyArray]:
        """:func:`sampled` of one field: angles (n_elements, p), U (n_elements, p, 2), stress (n_elements, p, 3)."""
        theta, u, stress = sampled([self], [exponent], count)
        return theta, u[0], stress[0]

    def angles(self) -> FloatArray:
        """(n_elements, order + 1) angles of the nodes, rad."""
        xi = lobatto(self.values.shape[1] - 1)[0]
        return np.asarray(0.5 * (self.edges.sum(axis=1)[:, None] + (self.edges[:, 1] - self.edges[:, 0])[:, None] * xi))

    def plus(self, other: AngularField, factor: complex = 1.0) -> AngularField:
        """The sum with another function on the same elements times a number."""
        return replace(self, values=self.values + factor * other.values)

    def scaled(self, factor: complex) -> AngularField:
        """The same function times a number."""
        return AngularField(self.junction, self.edges, self.owner, self.values * factor)


def sampled(
    fields: Sequence[AngularField], exponents: Sequence[complex], count: int
) -> tuple[FloatArray, AnyArray, AnyArray]:
    """Angles (n_elements, p) in rad, U (m, n_elements, p, 2) and stress (m, n_elements, p, 3: xx, yy, xy) of m fields
    r^lambda U of one junction on the same elements, at r = 1 and the ``count`` Gauss points of every element.
    """
    first = fields[0]
    half = 0.5 * (first.edges[:, 1] - first.edges[:, 0])
    theta = 0.5 * first.edges.sum(axis=1)[:, None] + half[:, None] * gauss(count)[0]
    shape, slopes = gauss_values(first.values.shape[1] - 1, count)
    values = np.stack([field.values for field in fields])
    u, du = shape @ values, slopes @ values / half[:, None, None]
    power = np.array(exponents, dtype=np.complex128)[:, None, None]
    stiffness = np.array([first.junction.plane_stiffness(k) for k in range(len(first.junction.wedges))])[first.owner]
    return theta, u, strain_of(power.real if not power.imag.any() else power, theta, u, du) @ stiffness


def at_ray(fields: Sequence[AngularField], exponents: Sequence[complex], theta: float, wedge: int) -> AnyArray:
    """Stress (m, 3: xx, yy, xy) of m fields r^lambda U of one junction on the same elements at r = 1 of one ray (rad)
    within a wedge.
    """
    first = fields[0]
    mine = np.flatnonzero(first.owner == wedge)
    local = mine[max(int(np.searchsorted(first.edges[mine, 0], theta, side="right")) - 1, 0)]
    a, b = first.edges[local]
    order = first.values.shape[1] - 1
    shape = lagrange(order, np.clip(np.array([(2 * theta - a - b) / (b - a)]), -1.0, 1.0))[0]
    values = np.stack([field.values[local] for field in fields])
    u, du = shape @ values, (shape @ lobatto(order)[2]) @ values * (2.0 / (b - a))
    power = np.array(exponents, dtype=np.complex128)
    return strain_of(power, np.array(theta), u, du) @ first.junction.plane_stiffness(wedge)


def strain_of(exponent: complex | AnyArray, theta: FloatArray, u: AnyArray, du: AnyArray) -> AnyArray:
    """(..., 3) Voigt strain (xx, yy, xy engineering) of r^lambda U at r = 1: lambda B_n U + B_m U'."""
    n, m = rays(theta)
    # real fields stay real
    power = exponent.real if not isinstance(exponent, np.ndarray) and exponent.imag == 0.0 else exponent
    xx = power * u[..., 0] * n[..., 0] + du[..., 0] * m[..., 0]
    yy = power * u[..., 1] * n[..., 1] + du[..., 1] * m[..., 1]
    xy = power * (u[..., 0] * n[..., 1] + u[..., 1] * n[..., 0]) + du[..., 0] * m[..., 1] + du[..., 1] * m[..., 0]
    return np.stack([xx, yy, xy], axis=-1)
