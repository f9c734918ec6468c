"""Exponents and angular functions of the homogeneous solutions u = r^lambda U(theta) at a junction.

The pencil of a moderate order gives all eigenvalues near the strip at once (dense, shifted and inverted); each is then
refined, with its eigenvectors, on a pencil of twice the order, which also checks that the first was converged.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy.linalg as sla
from numpy.typing import ArrayLike

from femsim.base.arrays import ComplexArray, FloatArray
from femsim.base.errors import InputError, NumericsError
from femsim.measures.singularity.junction import AnyArray, Junction
from femsim.measures.singularity.pencil import AngularField, Pencil, discretise, rays

Frame = Literal["polar", "cartesian"]
COMPONENTS = {"rr": 0, "tt": 1, "rt": 2, "xx": 0, "yy": 1, "xy": 2}

COARSE, FINE = 12, 24
_CLUSTER = (
    1e-6  # eigenvalues nearer than this may be one (a double one without two eigenvectors splits by 1e-8 to 1e-6)
)
# between the orders; truncation leaves about its square on the fine one, round-off at a contrast of 1e6 this much
_CONVERGED = 1e-6
_SAME = 1e-9  # refined eigenvalues nearer than this are one


@dataclass(frozen=True, eq=False)
class Eigen:
    """One homogeneous solution at a junction: u = r^lambda U(theta), sigma = r^(lambda - 1) S(theta).

    ``exponent`` lambda, Im >= 0; a complex one stands for the conjugate pair and its real field is Re(K r^lambda U), r
    in um. ``multiplicity`` algebraic, of this eigenvalue (the rigid rotation at lambda = 1 not counted); one ``Eigen``
    per eigenvector.
    ``defective``: fewer eigenvectors than multiplicity (fields with log r exist besides, and no intensity can be
    taken). ``shape`` U in 1/MPa; ``dual`` the angular function V of the complementary field r^-lambda V, scaled to
    reciprocal work 1 with this solution and 0 with all others (None where defective). ``discrepancy`` |lambda(order 12)
    - lambda(order 24)|, an upper bound of the error (1e-12 as a rule, up to 1e-6 where nearly incompressible and soft
      materials meet stiff ones).

    Normalisation: the mean square of S over the junction, (1 / opening) int S:S dtheta, is 1 MPa^2, so that an
    intensity K has the unit MPa um^(1 - lambda); int S_tt dtheta (if zero, int S_rt, else int S_rr) is real and
    positive. Two solutions of one eigenvalue are chosen with S_rt = 0 (first) and S_tt = 0 (second) on the bisector of
    the whole junction, where that is possible: the modes I and II of a crack.
    """

    junction: Junction
    exponent: complex
    multiplicity: int
    defective: bool
    shape: AngularField
    dual: AngularField | None
    discrepancy: float

    @property
    def stress_exponent(self) -> complex:
        """lambda - 1."""
        return self.exponent - 1.0

    @property
    def singular(self) -> bool:
        """Whether the stress grows without bound towards the corner: Re lambda < 1."""
        return self.exponent.real < 1.0 - _CLUSTER

    @property
    def oscillating(self) -> bool:
        """Whether the exponent is complex."""
        return self.exponent.imag != 0.0

    def displacement(self, theta: ArrayLike, wedge: int | None = None, frame: Frame = "polar") -> AnyArray:
        """(n, 2) U at angles in degrees, 1/MPa: (r, theta) or (x, y) components; complex where the exponent is."""
        angle, k = locate(self.junction, theta, wedge)
        return _turned_vector(self.shape(angle, k)[0], angle, frame)

    def stress(self, theta: ArrayLike, wedge: int | None = None, frame: Frame = "polar") -> AnyArray:
        """(n, 3) S at angles in degrees: (rr, tt, rt) or (xx, yy, xy). On an interface name the wedge: S_rr jumps
        there.
        """
        angle, k = locate(self.junction, theta, wedge)
        return turned_stress(stress_of(self.shape, self.exponent, angle, k), angle, frame)

    def out_of_plane_stress(self, theta: ArrayLike, wedge: int | None = None) -> AnyArray:
        """(n,) S_33 = C_3p eps_p at angles in degrees (zero in plane stress)."""
        angle, k = locate(self.junction, theta, wedge)
        strain = self.shape.strain(self.exponent, angle, k)
        if self.junction.kinematics == "plane-stress":
            return np.zeros_like(strain[:, 0])
        return np.asarray(strain @ self.junction.wedges[k].stiffness[2, [0, 1, 5]])

    def eigenfunction(
        self, theta: ArrayLike, wedge: int | None = None, frame: Frame = "polar"
    ) -> tuple[AnyArray, AnyArray]:
        """``displacement`` and ``stress`` together."""
        return self.displacement(theta, wedge, frame), self.stress(theta, wedge, frame)

    def normalised(self, theta: float, component: str, wedge: int | None = None, value: complex = 1.0) -> Eigen:
        """The same solution scaled to S_component(theta) = value, as the peel ``"tt"`` on an interface ray."""
        index, frame = component_index(component)
        now = complex(self.stress([theta], wedge, frame)[0, index])
        if abs(now) < 1e-9:
            raise InputError(f"normalised: the stress {component} of exponent {self.exponent} vanishes at {theta} deg")
        factor = value / now
        if not self.oscillating and factor.imag == 0.0:
            factor = factor.real
        dual = None if self.dual is None else self.dual.scaled(1.0 / factor)
        return replace(self, shape=self.shape.scaled(factor), dual=dual)


def exponents(junction: Junction, re_min: float = 0.02, re_max: float = 1.0, im_max: float = 5.0) -> tuple[Eigen, ...]:
    """All homogeneous solutions with re_min <= Re lambda <= re_max and |Im lambda| <= im_max, by growing Re lambda.

    The translations (lambda = 0, hence re_min > 0) and the rigid rotation (lambda = 1) are left out; other solutions at
    lambda = 1, as the stress along a crack's faces, are kept. Raises ``NumericsError`` where the discretisation does
    not converge.
    """
    if not 0.0 < re_min < re_max:
        raise InputError(f"exponents: 0 < re_min < re_max is needed, not {re_min} and {re_max}")
    widest = np.pi / 2
    if re_max > 3.0:  # U oscillates like cos((lambda + 1) theta)
        widest *= 3.0 / re_max
    for _ in range(3):
        coarse, fine = discretise(junction, COARSE, widest), discretise(junction, FINE, widest)
        guesses = _clusters(_spectrum(coarse, re_min, re_max, im_max))
        found = [one for guess, count in guesses for one in _refined(fine, guess, count)]
        if all(abs(one.exponent - one.guess) < _CONVERGED for one in found):
            margin = 1e-8
            kept = [one for one in found if re_min - margin <= one.exponent.real <= re_max + margin]
            kept.sort(key=lambda one: (round(one.exponent.real, 9), one.exponent.imag))
            return tuple(mode for one in kept for mode in _modes(fine, one))
        widest *= 0.5
    raise NumericsError(
        "singularity: the angular eigenproblem does not converge (extreme anisotropy or contrast of stiffness?)"
    )


@dataclass(frozen=True, eq=False)
class _Refined:
    """One eigenvalue on the fine pencil with right and left null vectors (columns)."""

    exponent: complex
    guess: complex
    multiplicity: int
    right: AnyArray
    left: AnyArray

    @property
    def defective(self) -> bool:
        return bool(self.right.shape[1] < self.multiplicity)


def _spectrum(pencil: Pencil, re_min: float, re_max: float, im_max: float) -> ComplexArray:
    """Eigenvalues in and just around the strip with Im >= 0 or nearly so.

    With mu = 1 / (lambda - s): (mu^2 P(s) + mu P'(s) - A) x = 0, linearised to a standard problem. The wanted values
    are then the largest, free of the rounding that the huge ones of the discretisation would bring.
    """
    middle = 0.5 * (re_min + re_max)
    shifts = [
        middle + 0.0713 * (re_max - re_min),
        middle - 0.1319 * (re_max - re_min),
        middle + 0.2377 * (re_max - re_min),
    ]
    best: tuple[float, float, FloatArray] | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sla.LinAlgWarning)
        for s in shifts:
            inverse = np.linalg.inv(pencil.at(s))
            size = float(np.abs(inverse).sum(axis=0).max())
            if best is None or size < best[0]:
                best = (size, s, inverse)
    assert best is not None
    _, s, inverse = best
    n = pencil.size
    companion = np.zeros((2 * n, 2 * n))
    companion[:n, :n] = -inverse @ pencil.slope(s)
    companion[:n, n:] = inverse @ pencil.a
    companion[n:, :n] = np.eye(n)
    mu = sla.eigvals(companion, overwrite_a=True, check_finite=False).astype(np.complex128)
    mu = mu[np.abs(mu) > 1e-3]
    found = s + 1.0 / mu
    margin = 1e-5
    inside = (found.real > re_min - margin) & (found.real < re_max + margin) & (np.abs(found.imag) <= im_max)
    return np.asarray(found[inside & (found.imag > -_CLUSTER)])


def _clusters(values: ComplexArray) -> list[tuple[complex, int]]:
    """Groups of nearly equal values: mean and number. A group on the real axis gets a real mean."""
    left = sorted(values.tolist(), key=lambda v: (v.real, v.imag))
    groups: list[list[complex]] = []
    for value in left:
        near = next((g for g in groups if abs(value - sum(g) / len(g)) < _CLUSTER), None)
        if near is None:
            groups.append([value])
        else:
            near.append(value)
    result = []
    for group in groups:
        mean = complex(np.mean(group))
        if abs(mean.imag) < _CLUSTER:
            mean = complex(mean.real, 0.0)
        elif mean.imag < 0.0:
            continue
        result.append((mean, len(group)))
    return result


def null_vectors(matrix: AnyArray, count: int) -> tuple[AnyArray, FloatArray]:
    """The ``count`` smallest right singular vectors (columns) and values, by inverse subspace iteration."""
    n = matrix.shape[0]
    shifted = matrix + 1e-15 * np.abs(matrix).max() * np.eye(
        n
    )  # keeps the factorisation of an exactly singular matrix finite
    factors = sla.lu_factor(shifted, check_finite=False)
    x = np.random.default_rng(7).standard_normal((n, min(count, n))).astype(matrix.dtype)
    for _ in range(4):
        x = np.linalg.qr(x)[0]
        y = np.linalg.qr(sla.lu_solve(factors, x, trans=2, check_finite=False))[0]
        x = sla.lu_solve(factors, y, check_finite=False)
    x = np.linalg.qr(x)[0]
    _, s, vh = np.linalg.svd(matrix @ x, full_matrices=False)
    return np.asarray((x @ vh.conj().T)[:, ::-1]), np.asarray(s[::-1])


def _refined(pencil: Pencil, guess: complex, count: int) -> list[_Refined]:
    """Newton's method on the reduced pencil Y^T P(lambda) X of the null vectors; a group that proves distinct is
    split.
    """
    exponent = guess
    for _ in range(8):
        matrix = pencil.at(exponent)
        x, s = null_vectors(matrix, count + 2)
        flat = int(np.sum(s[:count] < 1e-4 * s[count])) if s.size > count else count
        flat = max(flat, 1)
        x = x[:, :flat]
        y = null_vectors(matrix.T, flat)[0]
        if flat < count:
            return [_Refined(exponent, guess, count, x, y)]
        slope = y.T @ pencil.slope(exponent) @ x
        if np.linalg.svd(slope, compute_uv=False)[-1] < 1e-8 * np.abs(pencil.a).max():
            return [_Refined(exponent, guess, count + 1, x, y)]
        steps = -np.linalg.eigvals(np.linalg.solve(slope, y.T @ matrix @ x)).astype(np.complex128)
        if count > 1 and np.abs(steps - steps.mean()).max() > _SAME:
            return [one for step in steps for one in _refined(pencil, complex(exponent + step), 1)]
        step = complex(steps.mean())
        exponent = complex(exponent + (step.real if exponent.imag == 0.0 else step))
        if abs(step) < 1e-13:
            break
    return [_Refined(exponent, guess, count, x, y)]


def _modes(pencil: Pencil, one: _Refined) -> list[Eigen]:
    """Canonical, normalised solutions of one eigenvalue, each with its dual; the rigid rotation is taken out."""
    exponent, right, count = one.exponent, one.right, one.multiplicity
    rotation = pencil.junction.can_rotate and abs(exponent - 1.0) < _CLUSTER
    rigid = np.zeros((pencil.size, 0))
    if rotation:
        exponent, count = 1.0 + 0.0j, count - 1
        rigid = pencil.rotation()[:, None] / np.linalg.norm(pencil.rotation())
        right = right - rigid @ (rigid.T @ right)
        u, s, _ = np.linalg.svd(right, full_matrices=False)
        right = u[:, s > 1e-5]
    if right.shape[1] == 0:
        return []
    right = _canonical(pencil, exponent, right)
    duals: list[AngularField | None] = [None] * right.shape[1]
    if not one.defective:
        everything = np.hstack([right, rigid.astype(right.dtype)])
        gram = -(one.left.T @ pencil.slope(exponent) @ everything)
        if gram.shape[0] == gram.shape[1]:
            left = one.left @ np.linalg.inv(gram).T
            # the matrices are scaled by the modulus, the reciprocal work is not
            duals = [pencil.field(left[:, k] / pencil.modulus) for k in range(right.shape[1])]
    result = []
    for k, dual in enumerate(duals):
        shape = pencil.field(right[:, k])
        factor = _normaliser(pencil, exponent, shape)
        scaled_dual = None if dual is None else dual.scaled(1.0 / factor)
        gap = abs(exponent - one.guess)
        result.append(Eigen(pencil.junction, exponent, count, one.defective, shape.scaled(factor), scaled_dual, gap))
    return result


def _samples(pencil: Pencil, exponent: complex, shape: AngularField) -> tuple[AnyArray, FloatArray]:
    """Polar stress (n, 3) and integration weights (n,) of an angular function over the whole junction."""
    points, weights = np.polynomial.legendre.leggauss(FINE)
    stress, measure = [], []
    for (a, b), k in zip(pencil.edges, pencil.owner, strict=True):
        angle = 0.5 * (a + b) + 0.5 * (b - a) * points
        stress.append(turned_stress(stress_of(shape, exponent, angle, int(k)), angle, "polar"))
        measure.append(0.5 * (b - a) * weights)
    return np.concatenate(stress), np.concatenate(measure)


def _canonical(pencil: Pencil, exponent: complex, basis: AnyArray) -> AnyArray:
    """A basis that depends on the eigenspace only: modes I and II on the bisector, else unit stresses at well-chosen
    samples."""
    count = basis.shape[1]
    if count == 1:
        return basis
    junction = pencil.junction
    sampled = [_samples(pencil, exponent, pencil.field(basis[:, k])) for k in range(count)]
    root = np.sqrt(sampled[0][1])[:, None]
    stress = np.stack([(s * np.array([1.0, 1.0, np.sqrt(2.0)]) * root).ravel() for s, _ in sampled], axis=1)
    orthonormal, triangle = np.linalg.qr(stress)
    basis = basis @ np.linalg.inv(triangle)
    if count == 2:
        middle = junction.wedges[0].angle_start + 0.5 * junction.opening
        angle = np.radians(np.array([middle]))
        k = junction.wedge_at(middle)
        pair = [
            turned_stress(stress_of(pencil.field(basis[:, j]), exponent, angle, k), angle, "polar")[0, 1:]
            for j in range(2)
        ]
        traction = np.stack(pair, axis=1)
        if np.linalg.cond(traction) < 1e6:
            return np.asarray(basis @ np.linalg.inv(traction))
    pivots = sla.qr(orthonormal.conj().T, mode="r", pivoting=True)[1][:count]
    return np.asarray(basis @ np.linalg.inv(orthonormal[pivots]))


def _normaliser(pencil: Pencil, exponent: complex, shape: AngularField) -> complex:
    stress, weights = _samples(pencil, exponent, shape)
    square = np.abs(stress) ** 2 @ np.array([1.0, 1.0, 2.0])
    opening = weights.sum()
    rms = float(np.sqrt(weights @ square / opening))
    means = weights @ stress / (opening * rms)
    lead = next((means[k] for k in (1, 2, 0) if abs(means[k]) > 1e-6), 1.0)
    phase = abs(lead) / lead
    factor = complex(phase) / rms
    return factor.real if exponent.imag == 0.0 else factor


def locate(junction: Junction, theta: ArrayLike, wedge: int | None) -> tuple[FloatArray, int]:
    """Angles in degrees -> radians within the named wedge (or the one that holds them all)."""
    angle = np.atleast_1d(np.asarray(theta, dtype=np.float64))
    if wedge is None:
        holders = {junction.wedge_at(float(one)) for one in angle}
        if len(holders) != 1:
            raise InputError("theta: the angles lie in different wedges; name the wedge")
        wedge = holders.pop()
    if not 0 <= wedge < len(junction.wedges):
        raise InputError(f"wedge: {wedge} is not one of the junction's {len(junction.wedges)}")
    one = junction.wedges[wedge]
    centre = 0.5 * (one.angle_start + one.angle_end)
    angle = angle - 360.0 * np.round((angle - centre) / 360.0)
    # a full circle's two ends are the same ray: the rounding above may have moved one beyond the other
    angle = np.where(angle < one.angle_start - 1e-7, angle + 360.0, angle)
    return np.radians(angle), wedge


def stress_of(shape: AngularField, exponent: complex, angle: FloatArray, wedge: int) -> AnyArray:
    """(n, 3) Cartesian stress of r^lambda U at r = 1."""
    return np.asarray(shape.strain(exponent, angle, wedge) @ shape.junction.plane_stiffness(wedge))


def component_index(component: str) -> tuple[int, Frame]:
    """Column and frame of a stress component's name."""
    if component not in COMPONENTS:
        raise InputError(f"component: {component!r} is none of {', '.join(COMPONENTS)}")
    return COMPONENTS[component], "polar" if component in ("rr", "tt", "rt") else "cartesian"


def _turned_vector(cartesian: AnyArray, angle: FloatArray, frame: Frame) -> AnyArray:
    if frame == "cartesian":
        return cartesian
    n, m = rays(angle)
    return np.stack([(cartesian * n).sum(axis=1), (cartesian * m).sum(axis=1)], axis=-1)


def turned_stress(cartesian: AnyArray, angle: FloatArray, frame: Frame) -> AnyArray:
    """(n, 3) (xx, yy, xy) -> (rr, tt, rt) at angles in radians."""
    if frame == "cartesian":
        return cartesian
    c, s = np.cos(angle), np.sin(angle)
    xx, yy, xy = cartesian.T
    return np.stack(
        [
            c * c * xx + s * s * yy + 2 * c * s * xy,
            s * s * xx + c * c * yy - 2 * c * s * xy,
            c * s * (yy - xx) + (c * c - s * s) * xy,
        ],
        axis=-1,
    )
