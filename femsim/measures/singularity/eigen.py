"""Exponents and angular functions of the homogeneous solutions u = r^lambda U(theta) at a junction.

They are the zeros of the determinant of a small, exact matrix F(lambda)
(:mod:`femsim.measures.singularity.stroh`), found all together and counted
(:mod:`femsim.measures.singularity.zeros`), each then refined with its null vectors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError, NumericsError
from femsim.measures.singularity.angular import ORDER, AngularField, Elements, elements_of, gauss, rays, sampled
from femsim.measures.singularity.junction import ANGLE_TOLERANCE, AnyArray, Junction
from femsim.measures.singularity.stroh import Characteristic
from femsim.measures.singularity.zeros import zeros

Frame = Literal["polar", "cartesian"]
COMPONENTS = {"rr": 0, "tt": 1, "rt": 2, "xx": 0, "yy": 1, "xy": 2}

_CLUSTER = 1e-6  # an exponent nearer to 1 than this is one with the rigid rotation
_SAME = 1e-9  # exponents with eigenvectors of their own that are nearer than this are one
_APART = 2e-7  # zeros that share an eigenvector and are nearer than this are one defective exponent


@dataclass(frozen=True, eq=False)
class Eigen:
    """One homogeneous solution at a junction: u = r^lambda U(theta), sigma = r^(lambda - 1) S(theta).

    ``exponent`` lambda, Im >= 0; a complex one stands for the conjugate pair and its real field is Re(K r^lambda U), r
    in um. ``multiplicity`` algebraic, of this eigenvalue (the rigid rotation at lambda = 1 not counted); one ``Eigen``
    per eigenvector.
    ``defective``: fewer eigenvectors than multiplicity (fields with log r exist besides, and no intensity can be
    taken). ``shape`` U in 1/MPa; ``dual`` the angular function V of the complementary field r^-lambda V, scaled to
    reciprocal work 1 with this solution and 0 with all others (None where defective). ``error``: what round-off may
    have moved lambda by, machine precision times the condition of the eigenvalue (1e-14 as a rule, 1e-9 where nearly
    incompressible and soft materials meet stiff ones).

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
    error: float

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

    def of(self, junction: Junction) -> Eigen:
        """The same solution of another junction of the same wedges, which may expand otherwise."""
        if junction is self.junction:
            return self
        dual = None if self.dual is None else replace(self.dual, junction=junction)
        return replace(self, junction=junction, shape=replace(self.shape, junction=junction), dual=dual)

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
    lambda = 1, as the stress along a crack's faces, are kept. Their number is certified by the argument principle
    (:mod:`femsim.measures.singularity.zeros`); raises ``NumericsError`` where it is not met.
    """
    if not 0.0 < re_min < re_max:
        raise InputError(f"exponents: 0 < re_min < re_max is needed, not {re_min} and {re_max}")
    return tuple(one.of(junction) for one in _exponents(_Elastic(junction), re_min, re_max, im_max))


@dataclass(frozen=True, eq=False)
class _Elastic:
    """A junction, equal to all others that expand otherwise: what expands moves no exponent."""

    junction: Junction

    def _key(self) -> tuple[object, ...]:
        one = self.junction
        wedges = tuple((w.angle_start, w.angle_end, w.stiffness.tobytes()) for w in one.wedges)
        return (wedges, one.boundary, one.kinematics)

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Elastic) and self._key() == other._key()


@lru_cache(maxsize=64)
def _exponents(elastic: _Elastic, re_min: float, re_max: float, im_max: float) -> tuple[Eigen, ...]:
    junction = elastic.junction
    f = Characteristic.of(junction)
    margin = 1e-8
    found = [one for cluster in zeros(f, re_min, re_max, im_max) for one in _refined(f, cluster.zeros, cluster.mean)]
    kept = [one for one in found if re_min - margin <= one.exponent.real <= re_max + margin]
    kept.sort(key=lambda one: (round(one.exponent.real, 9), one.exponent.imag))
    # U oscillates like cos((lambda + 1) theta)
    widest = np.pi / 2 if re_max <= 3.0 else np.pi / 2 * 3.0 / re_max
    elements = elements_of(junction, widest)
    return _modes(f, kept, elements)


@dataclass(frozen=True, eq=False)
class _Refined:
    """One exponent with its right null vectors (columns) and what round-off may have moved it by."""

    exponent: complex
    multiplicity: int
    right: AnyArray
    error: float

    @property
    def defective(self) -> bool:
        return bool(self.right.shape[1] < self.multiplicity)


def _matrix(f: Characteristic, exponent: complex) -> tuple[AnyArray, AnyArray]:
    """F and F' at one exponent, real for a real one."""
    value, slope = (part[0] for part in f.matrices(np.array([exponent])))
    return (value.real, slope.real) if exponent.imag == 0.0 else (value, slope)


def _nulls(matrix: AnyArray, count: int) -> tuple[AnyArray, AnyArray, FloatArray]:
    """Left and right singular vectors (columns) of the ``count`` smallest singular values, smallest first, and all
    values in that order.
    """
    if not np.all(np.isfinite(matrix)):
        raise NumericsError("singularity: a wedge's elastic constants give no finite local problem")
    u, s, vh = np.linalg.svd(matrix)
    return u[:, ::-1][:, :count], vh[::-1][:count].conj().T, s[::-1]


def _refined(f: Characteristic, places: tuple[complex, ...], mean: complex) -> list[_Refined]:
    """Exponents and null vectors from zeros of the determinant that lie close together.

    As many null vectors as zeros: each exponent is an eigenvalue of the pencil reduced to them, which tells apart what
    the determinant cannot. Fewer: the zeros are told apart by their places, or are one defective exponent.
    """
    count = len(places)
    exponent = mean
    for _ in range(4):
        value, slope = _matrix(f, exponent)
        y, x, s = _nulls(value, count)
        full = s[count] if count < s.size else np.linalg.norm(slope, 2)
        flat = max(1, int(np.sum(s[:count] < 1e-4 * full)))
        if flat < count:
            return _told_apart(f, places, exponent, x[:, :flat])
        reduced = y.conj().T @ slope @ x
        if np.linalg.svd(reduced, compute_uv=False)[-1] < 1e-10:
            return _told_apart(f, places, exponent, x)
        steps = -np.linalg.eigvals(np.linalg.solve(reduced, y.conj().T @ value @ x)).astype(np.complex128)
        if count > 1 and np.abs(steps - steps.mean()).max() > _SAME:
            return [one for step in steps for one in _refined(f, (exponent + step,), complex(exponent + step))]
        step = complex(steps.mean())
        exponent = complex(exponent + (step.real if exponent.imag == 0.0 else step))
        if abs(step) < 1e-14:
            break
    error = float(np.finfo(float).eps * s[-1] / np.linalg.svd(reduced, compute_uv=False)[-1])
    return [_Refined(exponent, count, x, error)]


def _told_apart(f: Characteristic, places: tuple[complex, ...], exponent: complex, x: AnyArray) -> list[_Refined]:
    """Zeros with fewer null vectors than their number: apart by more than the moments' error, or one defective
    exponent.
    """
    left, groups = list(places), []
    while left:
        group = [left.pop()]
        group += [v for v in left if abs(v - group[0]) < _APART]
        left = [v for v in left if v not in group]
        groups.append(group)
    if len(groups) == 1:
        return [_Refined(exponent, len(places), x, _APART)]
    result = []
    for group in groups:
        mean = complex(np.mean(group))
        if abs(mean.imag) < 0.1 * _APART:
            mean = complex(mean.real)
        if mean.imag >= 0.0:
            result += _refined(f, tuple(group), mean)
    return result


@dataclass(frozen=True, eq=False)
class _Basis:
    """The canonical null vectors (size, k) of one exponent without the rigid rotation, which ``rigid`` (size, 0 or 1)
    holds, the left ones (size, all) at its opposite (None where it is defective), and its multiplicity.
    """

    exponent: complex
    count: int
    right: AnyArray
    rigid: FloatArray
    left: AnyArray | None
    error: float


def _bases(f: Characteristic, found: list[_Refined], elements: Elements) -> list[_Basis]:
    """Canonical null vectors of all exponents."""
    junction = f.junction
    bases = []
    for one in found:
        exponent, right, count = one.exponent, one.right, one.multiplicity
        rigid = np.zeros((f.size, 0))
        if junction.can_rotate and abs(exponent - 1.0) < _CLUSTER:
            exponent, count = 1.0 + 0.0j, count - 1
            rigid = f.rotation()[:, None] / np.linalg.norm(f.rotation())
            right = right - rigid @ (rigid.T @ right)
            u, s, _ = np.linalg.svd(right, full_matrices=False)
            right = u[:, s > 1e-5]
        if right.shape[1] == 0:
            continue
        right = _canonical(f, exponent, right, elements)
        left = None if one.defective else _nulls(_matrix(f, -exponent)[0], one.multiplicity)[1]
        bases.append(_Basis(exponent, count, right, rigid, left, one.error))
    return bases


def _modes(f: Characteristic, found: list[_Refined], elements: Elements) -> tuple[Eigen, ...]:
    """Canonical, normalised solutions of all exponents, each with its dual; the rigid rotation is taken out."""
    bases = _bases(f, found, elements)
    if not bases:
        return ()
    powers, vectors = [], []
    for one in bases:
        opposite = np.zeros((f.size, 0)) if one.left is None else one.left
        for sign, columns in ((1.0, one.right), (1.0, one.rigid), (-1.0, opposite)):
            powers += [sign * one.exponent] * columns.shape[1]
            vectors.append(columns.T)
    fields = f.fields(np.array(powers), np.concatenate(vectors).astype(np.complex128), elements)
    # reciprocal work of r^-lambda V with r^lambda U over an arc at r = 1, int (V . t(U) - U . t(V)) dtheta
    theta, u, stress = sampled(fields, powers, ORDER + 2)
    edges = elements[0]
    measure = 0.5 * (edges[:, 1] - edges[:, 0])[:, None] * gauss(ORDER + 2)[1]
    moved = (u * measure[..., None]).reshape(len(fields), -1)
    pull = arc_traction(stress, theta).reshape(len(fields), -1)
    work = moved @ pull.T - pull @ moved.T
    result, at = [], 0
    for one in bases:
        count, all_ = one.right.shape[1], one.right.shape[1] + one.rigid.shape[1]
        own, opposite_ = np.arange(at, at + all_), np.arange(at + all_, at + all_ + _width(one.left))
        at += all_ + len(opposite_)
        share = None
        if len(opposite_) == all_:
            gram = work[np.ix_(opposite_, own)]
            share = np.linalg.inv(gram.real if one.exponent.imag == 0.0 else gram)
        for k in range(count):
            shape = fields[own[k]]
            factor = _normaliser(one.exponent, stress[own[k]], theta, measure)
            dual = None if share is None else _combined([fields[i] for i in opposite_], share[k] / factor)
            result.append(
                Eigen(f.junction, one.exponent, one.count, one.left is None, shape.scaled(factor), dual, one.error)
            )
    return tuple(result)


def _width(columns: AnyArray | None) -> int:
    return 0 if columns is None else int(columns.shape[1])


def _combined(fields: list[AngularField], share: AnyArray) -> AngularField:
    values = sum(factor * field.values for factor, field in zip(share, fields, strict=True))
    return replace(fields[0], values=values)


def _samples(exponent: complex, shape: AngularField) -> tuple[AnyArray, FloatArray]:
    """Polar stress (n, 3) and integration weights (n,) of an angular function over the whole junction."""
    weights = gauss(ORDER)[1]
    theta, _, stress = shape.sampled(exponent, ORDER)
    measure = 0.5 * (shape.edges[:, 1] - shape.edges[:, 0])[:, None] * weights
    return turned_stress(stress.reshape(-1, 3), theta.ravel(), "polar"), measure.ravel()


def _canonical(f: Characteristic, exponent: complex, basis: AnyArray, elements: Elements) -> AnyArray:
    """A basis that depends on the eigenspace only: modes I and II on the bisector, else unit stresses at well-chosen
    samples."""
    count = basis.shape[1]
    if count == 1:
        return basis
    junction = f.junction
    sampled = [_samples(exponent, f.field(exponent, f.states(vector), elements)) for vector in basis.T]
    root = np.sqrt(sampled[0][1])[:, None]
    stress = np.stack([(s * np.array([1.0, 1.0, np.sqrt(2.0)]) * root).ravel() for s, _ in sampled], axis=1)
    orthonormal, triangle = np.linalg.qr(stress)
    basis = basis @ np.linalg.inv(triangle)
    if count == 2:
        middle = junction.wedges[0].angle_start + 0.5 * junction.opening
        angle = np.radians(np.array([middle]))
        k = junction.wedge_at(middle)
        pair = [
            turned_stress(
                stress_of(f.field(exponent, f.states(basis[:, j]), elements), exponent, angle, k), angle, "polar"
            )[0, 1:]
            for j in range(2)
        ]
        traction = np.stack(pair, axis=1)
        if np.linalg.svd(traction, compute_uv=False)[-1] > 1e-6:  # of stresses whose mean square is about 1
            return np.asarray(basis @ np.linalg.inv(traction))
    from scipy.linalg import qr  # takes longer to load than all exponents to find; three solutions of one are rare

    pivots = qr(orthonormal.conj().T, mode="r", pivoting=True)[1][:count]
    return np.asarray(basis @ np.linalg.inv(orthonormal[pivots]))


def _normaliser(exponent: complex, stress: AnyArray, theta: FloatArray, measure: FloatArray) -> complex:
    """The factor that brings a solution of Cartesian stresses (n_elements, p, 3) to its norm."""
    stress = turned_stress(stress.reshape(-1, 3), theta.ravel(), "polar")
    weights = measure.ravel()
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
    first, last = junction.wedges[wedge].angle_start, junction.wedges[wedge].angle_end
    angle = angle - 360.0 * np.round((angle - 0.5 * (first + last)) / 360.0)
    # a full circle's two ends are the same ray: the rounding above may have moved one beyond the other
    angle = np.where(angle < first - ANGLE_TOLERANCE, angle + 360.0, angle)
    if np.any(angle > last + ANGLE_TOLERANCE):
        off = float(np.ravel(theta)[int(np.argmax(angle))])
        raise InputError(f"theta: {off:g} deg lies outside wedge {wedge} ({first:g} to {last:g} deg)")
    angle = np.clip(angle, first, last)
    return np.radians(angle), wedge


def stress_of(shape: AngularField, exponent: complex, angle: FloatArray, wedge: int) -> AnyArray:
    """(n, 3) Cartesian stress of r^lambda U at r = 1."""
    return np.asarray(shape.strain(exponent, angle, wedge) @ shape.junction.plane_stiffness(wedge))


def arc_traction(stress: AnyArray, angle: FloatArray) -> AnyArray:
    """(..., 2) S n on an arc, from Cartesian stresses (..., 3) at angles in radians."""
    n, _ = rays(angle)
    xx, yy, xy = (stress[..., k] for k in range(3))
    return np.stack([xx * n[..., 0] + xy * n[..., 1], xy * n[..., 0] + yy * n[..., 1]], axis=-1)


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
