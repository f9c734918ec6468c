"""The angular problem: a spectral discretisation in theta that turns a junction into a quadratic matrix pencil.

With u = r^lambda U(theta) (U in Cartesian components), n = (cos, sin), m = (-sin, cos) and sigma = D eps, equilibrium
reads

    lambda S n + (S m)' = 0,   S n = lambda Q U + R U',   S m = lambda R^T U + T U',
    Q = B_n^T D B_n,  R = B_n^T D B_m,  T = B_m^T D B_m   (Stroh's matrices on turning axes; Ting, Anisotropic
    Elasticity, 1996, ch. 7),

and its weak form P(lambda) x = (E + lambda H - lambda^2 A) x = 0 with E = int V' T U', A = int V Q U,
H = G - G^T, G = int V' R^T U. So P(-lambda) = P(lambda)^T: the left eigenvector of lambda is the angular function of
the complementary solution r^-lambda, and the reciprocal work of the two over an arc is -y^T P'(lambda) x (Leguillon and
Sanchez-Palencia 1987; Costabel and Dauge 1993). High-order elements in theta (Gauss-Lobatto nodes) converge
exponentially, as U is analytic within a wedge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.measures.singularity.junction import AnyArray, Junction

_WIDEST = np.pi / 2  # rad: an element's largest opening
_RATE = 3.0  # smallest Bernstein radius accepted: the error of order p falls like 3^-p, of an eigenvalue like 3^-2p


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


def rays(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Unit vectors n = e_r and m = e_theta, each (n, 2), at angles in radians."""
    c, s = np.cos(theta), np.sin(theta)
    return np.stack([c, s], axis=-1), np.stack([-s, c], axis=-1)


def _strain_operator(v: FloatArray) -> FloatArray:
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
    b1, b2 = _strain_operator(axes[:1])[0], _strain_operator(axes[1:])[0]
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
        if np.any(theta < first - 1e-9) or np.any(theta > last + 1e-9):
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
        n, m = rays(theta)
        gradient = exponent * u[:, :, None] * n[:, None, :] + du[:, :, None] * m[:, None, :]
        return np.stack([gradient[:, 0, 0], gradient[:, 1, 1], gradient[:, 0, 1] + gradient[:, 1, 0]], axis=-1)

    def scaled(self, factor: complex) -> AngularField:
        """The same function times a number."""
        return AngularField(self.junction, self.edges, self.owner, self.values * factor)


@dataclass(frozen=True, eq=False)
class Pencil:
    """P(lambda) = E + lambda H - lambda^2 A of a junction on elements of one order; matrices scaled by ``modulus``
    (MPa).

    ``dofs`` (n_elements, order + 1) node numbers, ``basis`` (2 n_nodes, n) the displacements the boundary allows,
    ``load`` maps a wedge's stress D eps0 to the right-hand side of lambda = 1.
    """

    junction: Junction
    edges: FloatArray
    owner: AnyArray
    nodes: AnyArray
    basis: FloatArray
    modulus: float
    e: FloatArray
    h: FloatArray
    a: FloatArray
    load: FloatArray

    @property
    def size(self) -> int:
        """Unknowns."""
        return int(self.e.shape[0])

    def at(self, exponent: complex) -> AnyArray:
        """P(lambda), real for a real lambda."""
        s = _number(exponent)
        return np.asarray(self.e + s * self.h - s * s * self.a)

    def slope(self, exponent: complex) -> AnyArray:
        """P'(lambda) = H - 2 lambda A."""
        return np.asarray(self.h - 2.0 * _number(exponent) * self.a)

    def field(self, vector: AnyArray) -> AngularField:
        """The angular function of a vector of unknowns."""
        nodal = (self.basis @ vector).reshape(-1, 2)
        return AngularField(self.junction, self.edges, self.owner, nodal[self.nodes])

    def rotation(self) -> FloatArray:
        """The unknowns of the rigid rotation U = e_theta."""
        order = self.nodes.shape[1] - 1
        xi = lobatto(order)[0]
        theta = 0.5 * (self.edges.sum(axis=1)[:, None] + (self.edges[:, 1] - self.edges[:, 0])[:, None] * xi)
        nodal = np.zeros((self.basis.shape[0] // 2, 2))
        nodal[self.nodes.ravel()] = rays(theta.ravel())[1]
        return np.asarray(self.basis.T @ nodal.ravel())

    def thermal_load(self, out_of_plane_strain: float) -> FloatArray:
        """f_V = int (B_m V' - B_n V) . D eps0, the right-hand side of P(1) g = f for a strain eps0 of each wedge."""
        stress = [
            self.junction.plane_stiffness(k) @ self.junction.plane_eigenstrain(k, out_of_plane_strain)
            for k in range(len(self.junction.wedges))
        ]
        return np.asarray(self.load @ np.concatenate(stress) / self.modulus)


def _number(exponent: complex) -> complex | float:
    return float(exponent.real) if exponent.imag == 0.0 else complex(exponent)


def discretise(junction: Junction, order: int, widest: float = _WIDEST) -> Pencil:
    """Build the pencil with elements of one polynomial order, none wider than ``widest`` rad."""
    pieces: list[tuple[float, float]] = []
    owners: list[int] = []
    for k, wedge in enumerate(junction.wedges):
        weak = _weak_angles(junction.plane_stiffness(k))
        parts = _split(np.radians(wedge.angle_start), np.radians(wedge.angle_end), weak, widest)
        pieces += parts
        owners += [k] * len(parts)
    edges, owner = np.array(pieces), np.array(owners)
    count = len(pieces)
    nodes = np.arange(count)[:, None] * order + np.arange(order + 1)[None, :]
    n_nodes = count * order + 1
    if junction.bonded:
        nodes[-1, -1] = 0
        n_nodes -= 1

    points, weights = np.polynomial.legendre.leggauss(order + 6)
    shape = lagrange(order, points)
    slope = shape @ lobatto(order)[2]
    stiffness = [junction.plane_stiffness(k) for k in range(len(junction.wedges))]
    modulus = float(max(np.abs(d).max() for d in stiffness))
    e = np.zeros((2 * n_nodes, 2 * n_nodes))
    g, a = np.zeros_like(e), np.zeros_like(e)
    load = np.zeros((2 * n_nodes, 3 * len(stiffness)))
    for (start, end), k, row in zip(pieces, owners, nodes, strict=True):
        half = 0.5 * (end - start)
        n, m = rays(0.5 * (start + end) + half * points)
        bn, bm = _strain_operator(n), _strain_operator(m)
        d = stiffness[k] / modulus
        w = weights * half
        ds = slope / half
        q, r, t = (np.einsum("qai,ab,qbj->qij", x, d, y) for x, y in ((bn, bn), (bn, bm), (bm, bm)))
        dof = (2 * row[:, None] + np.arange(2)).ravel()
        at = np.ix_(dof, dof)
        size = dof.size
        e[at] += np.einsum("q,qk,qij,ql->kilj", w, ds, t, ds, optimize=True).reshape(size, size)
        g[at] += np.einsum("q,qk,qji,ql->kilj", w, ds, r, shape, optimize=True).reshape(size, size)
        a[at] += np.einsum("q,qk,qij,ql->kilj", w, shape, q, shape, optimize=True).reshape(size, size)
        pull = np.einsum("q,qk,qai->kia", w, ds, bm) - np.einsum("q,qk,qai->kia", w, shape, bn)
        load[dof, 3 * k : 3 * k + 3] += pull.reshape(size, 3)
    z = _allowed(junction, n_nodes)
    e, g, a = (z.T @ x @ z for x in (e, g, a))
    return Pencil(junction, edges, owner, nodes, z, modulus, e, g - g.T, a, z.T @ load)


def _allowed(junction: Junction, n_nodes: int) -> FloatArray:
    """Columns: the nodal displacements that the conditions on the two end rays leave free."""
    basis = np.eye(2 * n_nodes)
    if junction.boundary == "bonded":
        return basis
    dropped: list[int] = []
    angles = (junction.wedges[0].angle_start, junction.wedges[-1].angle_end)
    for condition, node, angle in zip(junction.boundary, (0, n_nodes - 1), angles, strict=True):
        pair = [2 * node, 2 * node + 1]
        if condition == "clamped":
            dropped += pair
        elif condition == "roller":
            n, _ = rays(np.radians(np.array([angle])))
            basis[pair, pair[0]] = n[0]
            dropped.append(pair[1])
    return np.delete(basis, dropped, axis=1)
