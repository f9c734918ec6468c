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
from femsim.measures.singularity.angular import ORDER, AngularField, elements_of, lobatto, rays, strain_operator
from femsim.measures.singularity.junction import AnyArray, Junction


@dataclass(frozen=True, eq=False)
class WedgeTransfer:
    """(cos d + sin d N)^lambda of one wedge, d (rad) from its first ray; Phi in units of the wedge's own ``modulus``
    (MPa).

    ``roots`` (4,) eigenvalues a, b, conj a, conj b of N, Im a, b > 0; ``newton`` (4, 4, 4) complex: the products I, (N
    - a), (N - a)(N - b), (N - a)(N - b)(N - conj a) that the divided differences multiply. ``log`` (4, 4): ln of the
    whole wedge's transfer at lambda = 1, so that d/dlambda of a transfer is log times it.
    """

    start: float
    opening: float
    modulus: float
    roots: ComplexArray
    newton: ComplexArray
    log: FloatArray

    @classmethod
    def of(cls, d: FloatArray, start: float, opening: float) -> WedgeTransfer:
        """From the plane stiffness D (3, 3) in MPa and the wedge's rays in radians."""
        modulus = float(np.abs(d).max())
        n, m = (strain_operator(v)[0] for v in rays(np.array([start])))
        scaled = d / modulus
        q, r, t = n.T @ scaled @ n, n.T @ scaled @ m, m.T @ scaled @ m
        inverse = np.linalg.inv(t)
        matrix = np.block([[-inverse @ r.T, inverse], [r @ inverse @ r.T - q, -r @ inverse]])
        found = np.linalg.eigvals(matrix).astype(np.complex128)
        a, b = sorted(found[found.imag > 0.0], key=lambda v: (abs(v), v.real))
        roots = np.array([a, b, np.conj(a), np.conj(b)])
        products = [np.eye(4, dtype=np.complex128)]
        for root in roots[:3]:
            products.append(products[-1] @ (matrix - root * np.eye(4)))
        newton = np.array(products)
        log = np.einsum("j,jmn->mn", _log_differences(roots, opening), newton).real
        return cls(start, opening, modulus, roots, newton, log)

    def __call__(self, exponent: AnyArray, delta: AnyArray) -> ComplexArray:
        """(..., 4, 4) transfer over angles ``delta`` (rad) at exponents that broadcast with them."""
        return np.asarray(np.einsum("...j,jmn->...mn", _power_differences(self.roots, exponent, delta), self.newton))


def _logs(roots: ComplexArray, delta: AnyArray) -> tuple[ComplexArray, ComplexArray, ComplexArray, ComplexArray]:
    """ln(cos d + x sin d) at x = a and b, continuous in d from 0 at d = 0, their difference, and this over a - b.

    (cos d + x sin d) e^(-i d) stays off the negative axis for Im x > 0, which fixes the branch; the difference is exact
    where a and b meet.
    """
    a, b = roots[:2]
    c, s = np.cos(delta), np.sin(delta)
    turn = np.exp(-1j * delta)
    at_b = c + b * s
    low = 1j * delta + np.log((c + a * s) * turn)
    high = 1j * delta + np.log(at_b * turn)
    z = (a - b) * s / at_b
    gap = _log1p(z)
    ratio = np.where(z == 0.0, 1.0, gap / np.where(z == 0.0, 1.0, z))
    return low, high, gap, ratio * s / at_b


def _log1p(z: ComplexArray) -> ComplexArray:
    """ln(1 + z), accurate for small z (numpy's loses what 1 + z rounds away)."""
    return np.asarray(0.5 * np.log1p(z.real * (2.0 + z.real) + z.imag**2) + 1j * np.arctan2(z.imag, 1.0 + z.real))


def _completed(roots: ComplexArray, at: ComplexArray, ab: ComplexArray, ba: ComplexArray, cd: ComplexArray) -> AnyArray:
    """Divided differences f[a], f[a, b], f[a, b, ca], f[a, b, ca, cb] from f[a], f[a, b], f[b, ca], f[ca, cb]."""
    a, b, ca, cb = roots
    abc = (ab - ba) / (a - ca)
    bcd = (ba - cd) / (b - cb)
    return np.stack([at, ab, abc, (abc - bcd) / (a - cb)], axis=-1)


def _log_differences(roots: ComplexArray, delta: AnyArray) -> ComplexArray:
    """(..., 4) divided differences of x -> ln(cos d + x sin d)."""
    low, high, _, ab = _logs(roots, np.asarray(delta))
    return np.asarray(_completed(roots, low, ab, (high - low.conj()) / (roots[1] - roots[2]), ab.conj()))


def _power_differences(roots: ComplexArray, exponent: AnyArray, delta: AnyArray) -> ComplexArray:
    """(..., 4) divided differences of x -> (cos d + x sin d)^lambda; f[a, b] of e^(lambda l) by sinh(x) / x, without
    cancellation.
    """
    low, high, gap, slope = _logs(roots, np.asarray(delta))
    power = np.asarray(exponent)
    ab = np.exp(0.5 * power * (low + high)) * power * _sinhc(0.5 * power * gap) * slope
    cd = np.exp(0.5 * power * (low + high).conj()) * power * _sinhc(0.5 * power * gap.conj()) * slope.conj()
    ba = (np.exp(power * high) - np.exp(power * low.conj())) / (roots[1] - roots[2])
    return np.asarray(_completed(roots, np.exp(power * low), ab, ba, cd))


def _sinhc(x: AnyArray) -> AnyArray:
    small = np.abs(x) < 1e-4
    return np.where(small, 1.0 + x * x / 6.0, np.sinh(x) / np.where(small, 1.0, x))


@dataclass(frozen=True, eq=False)
class Characteristic:
    """F(lambda) of a junction. Unknowns: W on the first ray of each wedge (of an open junction's first wedge the two
    that its condition leaves free), Phi in units of the wedge's own modulus.

    Rows: the jump of (U, Phi) over each interface, Phi in units of the stiffer side's modulus, then the two conditions
    on the last ray.
    """

    junction: Junction
    wedges: tuple[WedgeTransfer, ...]

    @classmethod
    def of(cls, junction: Junction) -> Characteristic:
        """The characteristic matrix of a junction."""
        parts = []
        for k, wedge in enumerate(junction.wedges):
            start, opening = np.radians(wedge.angle_start), np.radians(wedge.opening)
            parts.append(WedgeTransfer.of(junction.plane_stiffness(k), float(start), float(opening)))
        return cls(junction, tuple(parts))

    @property
    def size(self) -> int:
        """Rows and columns of F."""
        return 4 * len(self.wedges) - (0 if self.junction.bonded else 2)

    @cached_property
    def opening(self) -> float:
        """All wedges together, rad."""
        return float(sum(wedge.opening for wedge in self.wedges))

    @cached_property
    def trace(self) -> float:
        """tau of the symmetry det F(-lambda) = +-det F(lambda) e^(-lambda tau)."""
        return float(sum(np.trace(wedge.log) for wedge in self.wedges))

    @cached_property
    def _start(self) -> FloatArray:
        """(4, 2) states that the condition on the first ray allows."""
        return _allowed(self.junction.boundary[0], self.wedges[0].start)

    @cached_property
    def _end(self) -> FloatArray:
        """(2, 4) what the condition on the last ray wants to vanish."""
        last = self.wedges[-1]
        return _forbidden(self.junction.boundary[1], last.start + last.opening).T

    def matrices(self, exponent: AnyArray, slopes: bool = True) -> tuple[ComplexArray, ComplexArray]:
        """F and dF/dlambda, each (n, size, size), at exponents (n,); the second empty where not wanted."""
        power = np.atleast_1d(np.asarray(exponent, dtype=np.complex128))
        shape = (power.size, self.size, self.size)
        value = np.zeros(shape, dtype=np.complex128)
        slope = np.zeros(shape if slopes else (0, 0, 0), dtype=np.complex128)
        count = len(self.wedges)
        for k, wedge in enumerate(self.wedges):
            moved = wedge(power, wedge.opening)
            for target, block in ((value, moved), (slope, wedge.log @ moved))[: 2 if slopes else 1]:
                if not self.junction.bonded and k == 0:
                    block = block @ self._start
                columns = self._columns(k)
                if not self.junction.bonded and k == count - 1:
                    target[:, 4 * k : 4 * k + 2, columns] = self._end @ block
                else:
                    target[:, 4 * k : 4 * k + 4, columns] += self._scale(k, k)[:, None] * block
            if self.junction.bonded or k < count - 1:
                after = (k + 1) % count
                value[:, 4 * k : 4 * k + 4, self._columns(after)] -= np.diag(self._scale(k, after))
        return value, slope

    def _columns(self, k: int) -> slice:
        if self.junction.bonded:
            return slice(4 * k, 4 * k + 4)
        return slice(0, 2) if k == 0 else slice(4 * k - 2, 4 * k + 2)

    def _scale(self, interface: int, wedge: int) -> FloatArray:
        """(4,) factors that bring a wedge's own state to the units of an interface's rows."""
        after = self.wedges[(interface + 1) % len(self.wedges)]
        g = self.wedges[wedge].modulus / max(self.wedges[interface].modulus, after.modulus)
        return np.array([1.0, 1.0, g, g])

    def jumps(self, strains: list[FloatArray]) -> tuple[FloatArray, FloatArray]:
        """What F(1) y must be (size,) for u = r (E(1) y + eps0 n) to be continuous and obey the conditions, and the
        state (4,) that the first ray needs besides y; ``strains`` (11, 22, 12 engineering) of the wedges, without
        stress.
        """
        right, first = np.zeros(self.size), np.zeros(4)
        count = len(self.wedges)
        if not self.junction.bonded:
            held = _forbidden(self.junction.boundary[0], self.wedges[0].start)
            first[:2] = -(held @ (held[:2].T @ _stretched(strains[0], self.wedges[0].start)))[:2]
        for k, wedge in enumerate(self.wedges):
            end = np.zeros(4)
            end[:2] = _stretched(strains[k], wedge.start + wedge.opening)
            if k == 0:
                end += (wedge(np.ones(()), wedge.opening) @ first).real
            if self.junction.bonded or k < count - 1:
                after = (k + 1) % count
                right[4 * k : 4 * k + 4] = -self._scale(k, k) * end
                right[4 * k : 4 * k + 2] += _stretched(strains[after], self.wedges[after].start)
            else:
                right[4 * k : 4 * k + 2] = -self._end @ end
        return right, first

    def states(self, vector: AnyArray) -> list[AnyArray]:
        """W (4,) on the first ray of each wedge from a vector of unknowns."""
        found = []
        for k in range(len(self.wedges)):
            part = vector[self._columns(k)]
            found.append(self._start @ part if not self.junction.bonded and k == 0 else part)
        return found

    def rotation(self) -> FloatArray:
        """The unknowns of the rigid rotation U = e_theta, Phi = 0."""
        parts = []
        for k, wedge in enumerate(self.wedges):
            m = rays(np.array([wedge.start]))[1][0]
            state = np.concatenate([m, np.zeros(2)])
            parts.append(self._start.T @ state if not self.junction.bonded and k == 0 else state)
        return np.concatenate(parts)

    def field(
        self,
        exponent: complex,
        states: list[AnyArray],
        widest: float | None = None,
        growing: list[AnyArray] | None = None,
    ) -> AngularField:
        """The angular function U of the wedges' first states, as nodal values on the junction's elements.

        With ``growing``, the states of a term in r^lambda ln r: their transfer's derivative in lambda is added.
        """
        edges, owner = elements_of(self.junction, widest)
        xi = lobatto(ORDER)[0]
        theta = 0.5 * (edges.sum(axis=1)[:, None] + (edges[:, 1] - edges[:, 0])[:, None] * xi)
        real = exponent.imag == 0.0 and all(np.isrealobj(state) for state in states)
        values = np.empty((*theta.shape, 2), dtype=np.float64 if real else np.complex128)
        for k, wedge in enumerate(self.wedges):
            own = owner == k
            delta = theta[own] - wedge.start
            moved = wedge(np.asarray(exponent), delta)[..., :2, :]
            u = moved @ states[k]
            if growing is not None:
                log = np.einsum("...j,jmn->...mn", _log_differences(wedge.roots, delta), wedge.newton)
                u = u + np.einsum("...ij,...j->...i", moved, log @ growing[k])
            values[own] = u.real if real else u
        return AngularField(self.junction, edges, owner, values)


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
