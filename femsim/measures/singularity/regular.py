"""The regular term of a uniform temperature change: u = r g(theta) + r ln r w(theta), stress constant in r.

Each wedge's free expansion r eps0 n and a transfer of exponent 1 (:mod:`femsim.measures.singularity.stroh`) give F(1) g
= f, with f the jumps of the expansions on the rays. lambda = 1 is always an exponent where the corner can rotate, and
the load works on its left null vector y (the couple at the corner): between free faces y^T f is not zero in general.
Then u = r g + r ln r w with w in the null space of F(1) and F(1) g + F'(1) w = f has a solution: a rotation that grows
like ln r but no stress that does. Only a null vector with stress in w makes the stress itself grow
like ln r. (Munz and Yang, J. Appl. Mech. 59, 1992, 857; Dempsey and Sinclair, J. Elast. 9, 1979, 373.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from femsim.base.arrays import FloatArray
from femsim.base.errors import NumericsError
from femsim.measures.singularity.angular import ORDER, AngularField, elements_of, gauss, rays, sampled, strain_of
from femsim.measures.singularity.eigen import Frame, locate, turned_stress
from femsim.measures.singularity.junction import Junction
from femsim.measures.singularity.stroh import Characteristic


@dataclass(frozen=True, eq=False)
class RegularTerm:
    """A particular solution for the wedges' thermal strains, exact but for rigid motion.

    ``shape`` g and ``log_shape`` w (Cartesian, no unit): u = r g + r ln(r / 1 um) w. ``log_rotation`` the part of w
    that only rotates (rad per unit of ln r), ``log_stress`` the root mean square over the angle of the stress that
    multiplies ln r (MPa; zero unless lambda = 1 has solutions with stress). ``amplification``: root mean square of the
    constant stress over that of the fully constrained one, D eps0; a large one tells that an exponent lies close to 1
    and that this term and that exponent's nearly cancel. Where lambda = 1 has solutions with stress the term is the one
    with the least mean square stress.
    """

    junction: Junction
    out_of_plane_strain: float
    shape: AngularField
    log_shape: AngularField
    log_rotation: float
    log_stress: float
    amplification: float

    def displacement(self, radius: ArrayLike, theta: ArrayLike, wedge: int | None = None) -> FloatArray:
        """(n, 2) Cartesian displacement, um, at radii (um) and angles (deg) that broadcast."""
        r, angle, k = polar_points(self.junction, radius, theta, wedge)
        g, w = self.shape(angle, k)[0], self.log_shape(angle, k)[0]
        return np.asarray(r[:, None] * (g + np.log(r)[:, None] * w))

    def on_arcs(self, radii: FloatArray, angle: FloatArray, wedge: int) -> tuple[FloatArray, FloatArray]:
        """Displacement (m, p, 2) and Cartesian stress (m, p, 3) on m arcs at the same p angles (rad) of a wedge."""
        (g, dg), (w, dw) = self.shape(angle, wedge), self.log_shape(angle, wedge)
        log = np.log(radii)[:, None, None]
        eigenstrain = self.junction.plane_eigenstrain(wedge, self.out_of_plane_strain)
        strain = strain_of(1.0, angle, g, dg) + _log_strain(w, angle) - eigenstrain
        stiffness = self.junction.plane_stiffness(wedge)
        stress = np.broadcast_to(strain @ stiffness, (len(radii), len(angle), 3))
        if self.log_stress > 0.0:
            stress = stress + log * (strain_of(1.0, angle, w, dw) @ stiffness)
        return np.asarray(radii[:, None, None] * (g + log * w)), np.asarray(stress)

    def stress(
        self, radius: ArrayLike, theta: ArrayLike, wedge: int | None = None, frame: Frame = "cartesian"
    ) -> FloatArray:
        """(n, 3) stress, MPa: (xx, yy, xy) or (rr, tt, rt); the radius matters only where ``log_stress`` is not
        zero.
        """
        r, angle, k = polar_points(self.junction, radius, theta, wedge)
        constant, growing = self.stress_parts(angle, k, frame)
        return np.asarray(constant + np.log(r)[:, None] * growing)

    def stress_parts(self, angle: FloatArray, wedge: int, frame: Frame) -> tuple[FloatArray, FloatArray]:
        """(n, 3) the constant stress and the factor of ln r, at angles in radians."""
        eigenstrain = self.junction.plane_eigenstrain(wedge, self.out_of_plane_strain)
        constant = _constant_stress(self.shape, self.log_shape, angle, wedge, eigenstrain)
        growing = np.zeros_like(constant)
        if self.log_stress > 0.0:
            growing = np.asarray(self.log_shape.strain(1.0, angle, wedge) @ self.junction.plane_stiffness(wedge))
        return turned_stress(constant, angle, frame), turned_stress(growing, angle, frame)


def regular_term(junction: Junction, out_of_plane_strain: float = 0.0) -> RegularTerm:
    """The regular term of the wedges' ``thermal_strain``.

    ``out_of_plane_strain`` eps_33 holds for generalised plane strain, and for axisymmetry: there it is the hoop strain
    at the corner, u_r(corner) / R, which is as large as the thermal strain and must not be left out. Plane stress
    ignores it. Raises ``NumericsError`` where lambda = 1 lacks eigenvectors (terms in ln^2 r) and the load excites it.
    """
    f = Characteristic.of(junction)
    value, slope = (part[0].real for part in f.matrices(np.ones(1)))
    _, s, vh = np.linalg.svd(value)
    flat = int(np.sum(s < 1e-11 * s[0]))
    null = vh[s.size - flat :].T
    # F g + F' w = f with w, but not g, in the null space: solvable and unique unless lambda = 1 is defective
    border = np.block([[value, slope @ null], [null.T, np.zeros((flat, flat))]])
    eigenstrain = [junction.plane_eigenstrain(k, out_of_plane_strain) for k in range(len(junction.wedges))]
    jumps, first = f.jumps(eigenstrain)
    load = np.concatenate([jumps, np.zeros(flat)])
    solution = np.linalg.lstsq(border, load, rcond=1e-12)[0]
    if np.abs(border @ solution - load).max() > 1e-7 * np.abs(load).max():
        raise NumericsError(
            "singularity: the uniform temperature change excites a defective exponent 1 (stress with ln^2 r); no "
            "regular term"
        )
    g, w = solution[: f.size], null @ solution[f.size :]
    turning, stretch = 0.0, w
    if junction.can_rotate:
        rigid = f.rotation()
        turning = float(rigid @ w / (rigid @ rigid))
        stretch = w - turning * rigid
    states, elements = f.states(g), elements_of(junction)
    states[0] = states[0] + first
    shape = _expanding(f.field(1.0, states, elements, f.states(w)), eigenstrain)
    log_shape, stretching = f.field(1.0, f.states(w), elements), f.field(1.0, f.states(stretch), elements)
    none, zero = [np.zeros(3)] * len(eigenstrain), stretching.scaled(0.0)
    blocked = float(np.linalg.norm(_sampled(zero, zero, eigenstrain)))
    log_stress = float(np.linalg.norm(_sampled(stretching, zero, none)))
    if log_stress <= 1e-9 * blocked:  # round-off
        log_shape, log_stress = log_shape.plus(stretching, -1.0), 0.0
    stress = _sampled(shape, log_shape, eigenstrain)
    if flat > int(junction.can_rotate):
        fields = [f.field(1.0, f.states(vector), elements) for vector in null.T]
        free = np.stack([_sampled(field, zero, none) for field in fields], axis=1)
        share = np.linalg.lstsq(free, stress, rcond=1e-9)[0]
        for field, part in zip(fields, share, strict=True):
            shape = shape.plus(field, -float(part))
        stress = stress - free @ share
    return RegularTerm(
        junction=junction,
        out_of_plane_strain=out_of_plane_strain,
        shape=shape,
        log_shape=log_shape,
        log_rotation=turning,
        log_stress=log_stress,
        amplification=float(np.linalg.norm(stress)) / blocked if blocked > 0.0 else 0.0,
    )


def _expanding(field: AngularField, eigenstrain: list[FloatArray]) -> AngularField:
    """The field plus eps0 n, each wedge's own free expansion at r = 1."""
    n, _ = rays(field.angles())
    strain = np.array(eigenstrain)[field.owner][:, None, :]
    own = np.stack(
        [strain[..., 0] * n[..., 0] + 0.5 * strain[..., 2] * n[..., 1],
         0.5 * strain[..., 2] * n[..., 0] + strain[..., 1] * n[..., 1]],
        axis=-1,
    )  # fmt: skip
    return replace(field, values=field.values + own)


def _sampled(shape: AngularField, log_shape: AngularField, eigenstrain: list[FloatArray]) -> FloatArray:
    """Constant stress of r g + r ln r w at Gauss points; its Euclidean norm is the root mean square over the angle."""
    weights = gauss(ORDER)[1]
    theta, (_, growing), (stress, _) = sampled([shape, log_shape], [1.0, 1.0], ORDER)
    junction = shape.junction
    stiffness = np.array([junction.plane_stiffness(k) for k in range(len(junction.wedges))])[shape.owner]
    stress = stress + (_log_strain(growing, theta) - np.array(eigenstrain)[shape.owner][:, None, :]) @ stiffness
    measure = 0.5 * (shape.edges[:, 1] - shape.edges[:, 0])[:, None] * weights
    root = np.sqrt(measure / measure.sum())[..., None] * np.array([1.0, 1.0, np.sqrt(2.0)])
    return np.asarray((stress * root).ravel())


def _constant_stress(
    shape: AngularField, log_shape: AngularField, angle: FloatArray, wedge: int, eigenstrain: FloatArray
) -> FloatArray:
    """(n, 3) D (eps - eps0); the gradient of r g + r ln r w without its factor of ln r is (g + w) n + g' m."""
    strain = shape.strain(1.0, angle, wedge) + _log_strain(log_shape(angle, wedge)[0], angle) - eigenstrain
    return np.asarray(strain @ shape.junction.plane_stiffness(wedge))


def _log_strain(w: FloatArray, angle: FloatArray) -> FloatArray:
    """(..., 3) strain w n that r ln r w adds to the constant part."""
    n, _ = rays(angle)
    return np.stack(
        [w[..., 0] * n[..., 0], w[..., 1] * n[..., 1], w[..., 0] * n[..., 1] + w[..., 1] * n[..., 0]], axis=-1
    )


def polar_points(
    junction: Junction, radius: ArrayLike, theta: ArrayLike, wedge: int | None
) -> tuple[FloatArray, FloatArray, int]:
    """Radii (um) and angles (deg) broadcast to one axis: radii, angles in radians, wedge."""
    angle, k = locate(junction, theta, wedge)
    r, angle = np.broadcast_arrays(np.atleast_1d(np.asarray(radius, dtype=np.float64)), angle)
    return np.array(r), np.array(angle), k
