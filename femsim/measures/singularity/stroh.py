"""The exact characteristic matrix of a junction: transfer of displacement and stress function through each wedge.

With u = r^lambda U(theta) (U in Cartesian components), stress function phi = r^lambda Phi(theta) (the traction on a ray
is d phi / dr, the one on an arc -d phi / (r d theta)), n = (cos, sin), m = (-sin, cos) and sigma = D eps, Hooke's law
and equilibrium read W' = lambda N(theta) W for W = (U, Phi), with Stroh's fundamental elasticity matrix on turning axes

    N = [[-T^-1 R^T, T^-1], [R T^-1 R^T - Q, -R T^-1]],   Q = B_n^T D B_n,  R = B_n^T D B_m,  T = B_m^T D B_m.

Since N(s + d) = (-sin d + cos d N(s)) (cos d + sin d N(s))^-1 is a function of N(s) (Barnett and Lothe 1973; Ting,
Anisotropic Elasticity, 1996, ch. 7),

    W(s + d) = (cos d + sin d N(s))^lambda W(s),

a matrix function that is smooth in the elastic constants: isotropy, where N lacks eigenvectors, is no special case once
the function is written with divided differences (Newton's form, Higham, Functions of Matrices, 2008, ch. 4) instead of
eigenvectors. Continuity between wedges and the conditions on the end rays then give a square matrix F(lambda), entire
in lambda and no larger than (4 wedges)^2, whose null vectors are the homogeneous solutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from femsim.base.arrays import ComplexArray, FloatArray
from femsim.measures.singularity.angular import ORDER, AngularField, Elements, lobatto, rays, strain_operator
from femsim.measures.singularity.junction import AnyArray, Junction


@dataclass(frozen=True, eq=False)
class Logs:
    """ln(cos d + x sin d) at x = a and b, the roots of a wedge above the real axis, continuous in d from 0 at d = 0:
    their mean, their difference, this over a - b, and each one. Exact where a and b meet.
    """

    low: ComplexArray
    high: ComplexArray
    mean: ComplexArray
    gap: ComplexArray
    slope: ComplexArray

    @classmethod
    def of(cls, roots: ComplexArray, delta: AnyArray) -> Logs:
        """Of roots (..., 4) at angles in radians that broadcast with their leading axes."""
        a, b = roots[..., 0], roots[..., 1]
        c, s = np.cos(delta), np.sin(delta)
        turn = np.exp(-1j * delta)
        at_b = c + b * s
        # (cos d + x sin d) e^(-i d) stays off the negative axis for Im x > 0, which fixes the branch
        low = 1j * delta + np.log((c + a * s) * turn)
        high = 1j * delta + np.log(at_b * turn)
        z = np.asarray((a - b) * s / at_b)
        gap = 0.5 * np.log1p(z.real * (2.0 + z.real) + z.imag**2) + 1j * np.arctan2(z.imag, 1.0 + z.real)
        ratio = np.where(z == 0.0, 1.0, gap / np.where(z == 0.0, 1.0, z))
        return cls(*(np.asarray(part) for part in (low, high, 0.5 * (low + high), gap, ratio * s / at_b)))

    def differences(self, roots: ComplexArray) -> ComplexArray:
        """(..., 4) divided differences of x -> ln(cos d + x sin d) on a, b, conj a, conj b."""
        across = (self.high - self.low.conj()) / (roots[..., 1] - roots[..., 2])
        return _completed(roots, self.low, self.slope, across, self.slope.conj())

    def powers(self, roots: ComplexArray, exponent: AnyArray) -> ComplexArray:
        """(..., 4) divided differences of x -> (cos d + x sin d)^lambda; the one of e^(lambda l) over l(a), l(b) by
        sinh(x) / x, without cancellation.
        """
        ab = np.exp(exponent * self.mean) * exponent * _sinhc(0.5 * exponent * self.gap) * self.slope
        mean, gap, slope = self.mean.conj(), self.gap.conj(), self.slope.conj()
        cd = np.exp(exponent * mean) * exponent * _sinhc(0.5 * exponent * gap) * slope
        across = (np.exp(exponent * self.high) - np.exp(exponent * self.low.conj())) / (roots[..., 1] - roots[..., 2])
        return _completed(roots, np.exp(exponent * self.low), ab, across, cd)


def _completed(
    roots: ComplexArray, at: ComplexArray, ab: ComplexArray, across: ComplexArray, cd: ComplexArray
) -> ComplexArray:
    """Divided differences f[a], f[a, b], f[a, b, ca], f[a, b, ca, cb] from f[a], f[a, b], f[b, ca], f[ca, cb]."""
    a, b, ca, cb = (roots[..., k] for k in range(4))
    abc = (ab - across) / (a - ca)
    return np.stack([at, ab, abc, (abc - (across - cd) / (b - cb)) / (a - cb)], axis=-1)


def _sinhc(x: AnyArray) -> AnyArray:
    small = np.abs(x) < 1e-4
    return np.where(small, 1.0 + x * x / 6.0, np.sinh(x) / np.where(small, 1.0, x))


@dataclass(frozen=True, eq=False)
class Characteristic:
    """F(lambda) of a junction. Unknowns: W on the first ray of each wedge (of an open junction's first wedge the two
    that its condition leaves free), Phi in units of the wedge's own modulus.

    Rows: the jump of (U, Phi) over each interface, Phi in units of the stiffer side's modulus, then the two conditions
    on the last ray. Of each wedge: ``start`` and ``opening`` (n,) rad, ``modulus`` (n,) MPa, ``roots`` (n, 4) the
    eigenvalues a, b, conj a, conj b of N on its first ray, Im a, b > 0, and ``newton`` (n, 4, 4, 4) the products I, (N
    - a), (N - a)(N - b), (N - a)(N - b)(N - conj a) that the divided differences multiply.
    """

    junction: Junction
    start: FloatArray
    opening: FloatArray
    modulus: FloatArray
    roots: ComplexArray
    newton: ComplexArray

    @classmethod
    def of(cls, junction: Junction) -> Characteristic:
        """The characteristic matrix of a junction; made once and kept with it, as neither changes."""
        kept = junction.__dict__.get("characteristic")
        if not isinstance(kept, cls):
            kept = junction.__dict__["characteristic"] = cls._of(junction)
        return kept

    @classmethod
    def _of(cls, junction: Junction) -> Characteristic:
        count = len(junction.wedges)
        start = np.radians([wedge.angle_start for wedge in junction.wedges])
        opening = np.radians([wedge.opening for wedge in junction.wedges])
        d = np.array([junction.plane_stiffness(k) for k in range(count)])
        modulus = np.abs(d).max(axis=(1, 2))
        d /= modulus[:, None, None]
        n, m = (strain_operator(v) for v in rays(start))
        q, r, t = (np.einsum("kai,kab,kbj->kij", x, d, y) for x, y in ((n, n), (n, m), (m, m)))
        inverse, across = np.linalg.inv(t), np.swapaxes(r, 1, 2)
        matrix = np.block([[-inverse @ across, inverse], [r @ inverse @ across - q, -r @ inverse]])
        found = np.linalg.eigvals(matrix).astype(np.complex128)
        above = np.array([sorted(one[one.imag > 0.0], key=lambda v: (abs(v), v.real)) for one in found])
        roots = np.concatenate([above, above.conj()], axis=1)
        products = [np.broadcast_to(np.eye(4, dtype=np.complex128), matrix.shape)]
        for k in range(3):
            products.append(products[-1] @ (matrix - roots[:, k, None, None] * np.eye(4)))
        return cls(junction, start, opening, modulus, roots, np.stack(products, axis=1))

    @cached_property
    def _whole(self) -> Logs:
        return Logs.of(self.roots, self.opening)

    @cached_property
    def logs(self) -> FloatArray:
        """(n, 4, 4) ln of each wedge's transfer at lambda = 1: d/dlambda of a transfer is this times it."""
        return np.asarray(np.einsum("kj,kjmn->kmn", self._whole.differences(self.roots), self.newton).real)

    def transfers(self, exponent: AnyArray) -> ComplexArray:
        """(p, n, 4, 4) transfer through each wedge at exponents (p,)."""
        share = self._whole.powers(self.roots, np.asarray(exponent)[:, None])
        size = self.roots.shape[0]
        flat = np.swapaxes(share, 0, 1) @ self.newton.reshape(size, 4, 16)
        return np.swapaxes(flat, 0, 1).reshape(-1, size, 4, 4)

    @property
    def size(self) -> int:
        """Rows and columns of F."""
        return 4 * self.start.size - (0 if self.junction.bonded else 2)

    @cached_property
    def trace(self) -> float:
        """tau of the symmetry det F(-lambda) = +-det F(lambda) e^(-lambda tau)."""
        return float(np.trace(self.logs, axis1=1, axis2=2).sum())

    @cached_property
    def still(self) -> int:
        """Order of the zero of det F at lambda = 0, as a rule: the states constant in theta that the conditions
        allow.
        """
        if self.junction.bonded:
            return 4
        return 2 - int(np.linalg.matrix_rank(self._end @ self._start, tol=1e-6))

    @cached_property
    def _start(self) -> FloatArray:
        """(4, 2) states that the condition on the first ray allows."""
        return _allowed(self.junction.boundary[0], self.start[0])

    @cached_property
    def _end(self) -> FloatArray:
        """(2, 4) what the condition on the last ray wants to vanish."""
        return _forbidden(self.junction.boundary[1], self.start[-1] + self.opening[-1]).T

    def matrices(self, exponent: AnyArray, slopes: bool = True) -> tuple[ComplexArray, ComplexArray]:
        """F and dF/dlambda, each (n, size, size), at exponents (n,); the second empty where not wanted."""
        power = np.asarray(exponent, dtype=np.complex128)
        moved = self.transfers(power)
        shape = (power.size, self.size, self.size)
        value = np.zeros(shape, dtype=np.complex128)
        slope = np.zeros(shape if slopes else (0, 0, 0), dtype=np.complex128)
        count = self.start.size
        for target, blocks in ((value, moved), (slope, self.logs @ moved if slopes else moved))[: 1 + slopes]:
            for k in range(count):
                block = blocks[:, k]
                if not self.junction.bonded and k == 0:
                    block = block @ self._start
                if not self.junction.bonded and k == count - 1:
                    target[:, 4 * k : 4 * k + 2, self._columns(k)] = self._end @ block
                else:
                    target[:, 4 * k : 4 * k + 4, self._columns(k)] = self._scale(k, k)[:, None] * block
        for k in range(count if self.junction.bonded else count - 1):
            after = (k + 1) % count
            value[:, 4 * k : 4 * k + 4, self._columns(after)] -= np.diag(self._scale(k, after))
        return value, slope

    def _columns(self, k: int) -> slice:
        if self.junction.bonded:
            return slice(4 * k, 4 * k + 4)
        return slice(0, 2) if k == 0 else slice(4 * k - 2, 4 * k + 2)

    def _scale(self, interface: int, wedge: int) -> FloatArray:
        """(4,) factors that bring a wedge's own state to the units of an interface's rows."""
        g = self.modulus[wedge] / max(self.modulus[interface], self.modulus[(interface + 1) % self.modulus.size])
        return np.array([1.0, 1.0, g, g])

    def jumps(self, strains: list[FloatArray]) -> tuple[FloatArray, FloatArray]:
        """What F(1) y must be (size,) for u = r (E(1) y + eps0 n) to be continuous and obey the conditions, and the
        state (4,) that the first ray needs besides y; ``strains`` (11, 22, 12 engineering) of the wedges, without
        stress.
        """
        right, first = np.zeros(self.size), np.zeros(4)
        count = self.start.size
        if not self.junction.bonded:
            held = _forbidden(self.junction.boundary[0], self.start[0])
            first[:2] = -(held @ (held[:2].T @ _stretched(strains[0], self.start[0])))[:2]
        for k in range(count):
            end = np.zeros(4)
            end[:2] = _stretched(strains[k], self.start[k] + self.opening[k])
            if k == 0:
                end += (self.transfers(np.ones(1))[0, 0] @ first).real
            if self.junction.bonded or k < count - 1:
                after = (k + 1) % count
                right[4 * k : 4 * k + 4] = -self._scale(k, k) * end
                right[4 * k : 4 * k + 2] += _stretched(strains[after], self.start[after])
            else:
                right[4 * k : 4 * k + 2] = -self._end @ end
        return right, first

    def states(self, vector: AnyArray) -> list[AnyArray]:
        """W (4,) on the first ray of each wedge from a vector of unknowns."""
        found = []
        for k in range(self.start.size):
            part = vector[self._columns(k)]
            found.append(self._start @ part if not self.junction.bonded and k == 0 else part)
        return found

    def rotation(self) -> FloatArray:
        """The unknowns of the rigid rotation U = e_theta, Phi = 0."""
        parts = []
        for k, m in enumerate(rays(self.start)[1]):
            state = np.concatenate([m, np.zeros(2)])
            parts.append(self._start.T @ state if not self.junction.bonded and k == 0 else state)
        return np.concatenate(parts)

    def fields(self, exponents: ComplexArray, vectors: ComplexArray, elements: Elements) -> list[AngularField]:
        """The angular functions of m vectors of unknowns (m, size), each at its own exponent (m,), all at once."""
        edges, owner = elements
        theta = _nodes_of(edges)
        values = np.empty((len(vectors), *theta.shape, 2), dtype=np.complex128)
        for k, (roots, newton) in enumerate(zip(self.roots, self.newton, strict=True)):
            own = np.flatnonzero(owner == k)
            part = vectors[:, self._columns(k)]
            states = part @ self._start.T if not self.junction.bonded and k == 0 else part
            share = Logs.of(roots, theta[own] - self.start[k]).powers(roots, exponents[:, None, None])
            first = np.einsum("jin,mn->mji", newton[:, :2], states)
            values[:, own] = (share.reshape(len(vectors), -1, 4) @ first).reshape(len(vectors), len(own), -1, 2)
        real = (exponents.imag == 0.0) & ~vectors.imag.any(axis=1)
        return [
            AngularField(self.junction, edges, owner, one.real.copy() if plain else one)
            for one, plain in zip(values, real, strict=True)
        ]

    def field(
        self,
        exponent: complex,
        states: list[AnyArray],
        elements: Elements,
        growing: list[AnyArray] | None = None,
    ) -> AngularField:
        """The angular function U of the wedges' first states, as nodal values on ``elements``.

        With ``growing``, the states of a term in r^lambda ln r: their transfer's derivative in lambda is added.
        """
        edges, owner = elements
        theta = _nodes_of(edges)
        real = exponent.imag == 0.0 and all(np.isrealobj(state) for state in states)
        values = np.empty((*theta.shape, 2), dtype=np.float64 if real else np.complex128)
        for k, (roots, newton) in enumerate(zip(self.roots, self.newton, strict=True)):
            own = owner == k
            logs = Logs.of(roots, theta[own] - self.start[k])
            share = logs.powers(roots, np.asarray(exponent))
            u = share @ (newton[:, :2] @ states[k])
            if growing is not None:
                log = logs.differences(roots) @ (newton @ growing[k])
                u = u + np.einsum("...j,jin,...n->...i", share, newton[:, :2], log, optimize=True)
            values[own] = u.real if real else u
        return AngularField(self.junction, edges, owner, values)


def _nodes_of(edges: FloatArray) -> FloatArray:
    """(n_elements, order + 1) angles of the elements' nodes, rad."""
    xi = lobatto(ORDER)[0]
    return np.asarray(0.5 * (edges.sum(axis=1)[:, None] + (edges[:, 1] - edges[:, 0])[:, None] * xi))


def _allowed(condition: str, angle: float) -> FloatArray:
    """(4, 2) states (U, Phi) on a ray under its condition, orthonormal."""
    if condition == "free":
        return np.eye(4)[:, :2]
    if condition == "clamped":
        return np.eye(4)[:, 2:]
    n, m = rays(np.array([angle]))
    zero = np.zeros(2)
    return np.stack([np.concatenate([n[0], zero]), np.concatenate([zero, m[0]])], axis=1)


def _forbidden(condition: str, angle: float) -> FloatArray:
    """(4, 2) the orthonormal complement of :func:`_allowed`."""
    if condition == "free":
        return np.eye(4)[:, 2:]
    if condition == "clamped":
        return np.eye(4)[:, :2]
    n, m = rays(np.array([angle]))
    zero = np.zeros(2)
    return np.stack([np.concatenate([m[0], zero]), np.concatenate([zero, n[0]])], axis=1)


def _stretched(strain: FloatArray, angle: float) -> FloatArray:
    """u / r of a uniform strain on a ray."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([strain[0] * c + 0.5 * strain[2] * s, 0.5 * strain[2] * c + strain[1] * s])
