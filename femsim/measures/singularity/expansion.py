"""Generalised stress intensities by complementary fields, and what follows from the expansion.

Near the corner, with r in um,

    u = rigid motion + regular term + sum_i Re(K_i r^lambda_i U_i),   sigma = regular + sum_i Re(K_i r^(lambda_i - 1)
    S_i).

Each K comes from the reciprocal work with the complementary field u* = r^-lambda V over an arc, H = int (u* . t - u .
t*) ds, which does not depend on the arc's radius for any equilibrium field of the same junction (Stern, Becker and
Dunham 1976; Carpenter 1984; Sinclair, Okajima and Griffin 1984), and which vanishes for every other term of the
expansion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from femsim.base.arrays import ComplexArray, FloatArray
from femsim.base.errors import InputError, NumericsError
from femsim.measures.singularity.angular import at_ray, gauss, rays, sampled
from femsim.measures.singularity.eigen import (
    Eigen,
    Frame,
    arc_traction,
    component_index,
    locate,
    stress_of,
    turned_stress,
)
from femsim.measures.singularity.junction import AnyArray, Junction
from femsim.measures.singularity.regular import RegularTerm, polar_points

Sampler = Callable[[FloatArray, FloatArray, int], tuple[FloatArray, FloatArray]]
"""(radii um (n,), angles deg (n,), wedge) -> displacement (n, 2) um and stress (n, 3: xx, yy, xy) MPa in the plane's
axes at the corner."""


@dataclass(frozen=True, eq=False)
class Expansion:
    """The field near a corner: terms with their intensities and the regular term.

    ``intensities`` (n_eigens,) complex (zero imaginary part for a real exponent), MPa um^(1 - lambda) with the
    normalisation of ``Eigen``.
    ``radii`` (m,) um of the extraction, ``samples`` (m, n_eigens) its value on each arc, ``spread`` (n_eigens,) the
    largest distance of the samples from the fit that gave ``intensities``.
    """

    junction: Junction
    eigens: tuple[Eigen, ...]
    intensities: ComplexArray
    regular: RegularTerm | None
    radii: FloatArray
    samples: ComplexArray
    spread: FloatArray

    def displacement(self, radius: ArrayLike, theta: ArrayLike, wedge: int | None = None) -> FloatArray:
        """(n, 2) Cartesian displacement but for rigid motion, um; radii (um) and angles (deg) broadcast."""
        r, angle, k = polar_points(self.junction, radius, theta, wedge)
        total = np.zeros((r.size, 2))
        for eigen, value in zip(self.eigens, self.intensities, strict=True):
            total += _real(value * r**eigen.exponent, eigen.shape(angle, k)[0])
        if self.regular is not None:
            total += self.regular.displacement(r, np.degrees(angle), k)
        return total

    def term_stresses(self, theta: float, wedge: int) -> AnyArray:
        """(n_eigens, 3) Cartesian stress of every term at r = 1 um of a ray (deg) for a unit intensity."""
        if not self.eigens:
            return np.zeros((0, 3))
        angle, k = locate(self.junction, [theta], wedge)
        return at_ray([one.shape for one in self.eigens], [one.exponent for one in self.eigens], float(angle[0]), k)

    def stress(
        self, radius: ArrayLike, theta: ArrayLike, wedge: int | None = None, frame: Frame = "cartesian"
    ) -> FloatArray:
        """(n, 3) stress, MPa: (xx, yy, xy) or (rr, tt, rt); radii (um) and angles (deg) broadcast."""
        r, angle, k = polar_points(self.junction, radius, theta, wedge)
        total = np.zeros((r.size, 3))
        for eigen, value in zip(self.eigens, self.intensities, strict=True):
            total += _real(value * r ** (eigen.exponent - 1.0), stress_of(eigen.shape, eigen.exponent, angle, k))
        total = turned_stress(total, angle, frame)
        if self.regular is not None:
            total += self.regular.stress(r, np.degrees(angle), k, frame)
        return total

    def average(
        self, theta: float, length: float, component: str, wedge: int | None = None, axis_distance: float | None = None
    ) -> float:
        """Average of a stress component over [0, length] (um) along the ray at ``theta`` (deg), closed form.

        (1 / L) int_0^L r^(lambda - 1) dr = L^(lambda - 1) / lambda. With ``axis_distance`` R (um, the corner's distance
        from the axis of revolution) weighted by R + r cos(theta), as on an axisymmetric body.
        """
        if not length > 0.0:
            raise InputError(f"average: the length {length} is not > 0")
        index, frame = component_index(component)
        angle, k = locate(self.junction, [theta], wedge)
        weight = (1.0, 0.0) if axis_distance is None else (axis_distance, float(np.cos(angle[0])))
        norm = weight[0] * length + weight[1] * length**2 / 2
        if not norm > 0.0:
            raise InputError(f"average: a length of {length} um along {theta} deg reaches beyond the axis")
        total = 0.0
        for eigen, value in zip(self.eigens, self.intensities, strict=True):
            s = turned_stress(stress_of(eigen.shape, eigen.exponent, angle, k), angle, frame)[0, index]
            power = eigen.exponent
            integral = weight[0] * length**power / power + weight[1] * length ** (power + 1) / (power + 1)
            total += float(np.real(value * s * integral)) / norm
        if self.regular is not None:
            constant, growing = (part[0, index] for part in self.regular.stress_parts(angle, k, frame))
            log = np.log(length)
            integral = weight[0] * length * (log - 1.0) + weight[1] * length**2 / 2 * (log - 0.5)
            total += float(constant + growing * integral / norm)
        return total


def intensities(
    junction: Junction,
    eigens: Sequence[Eigen],
    sampler: Sampler,
    radii: float | Sequence[float],
    regular: RegularTerm | None = None,
    points: int = 32,
    extrapolate: int = 0,
) -> Expansion:
    """Generalised stress intensities of ``eigens`` from a field on arcs around the corner.

    ``sampler`` is asked once per wedge for ``points`` Gauss points of every arc on every element of the angular
    functions (at most 90 degrees wide); ``regular`` must be given where the wedges expand: it is subtracted first.
    Rigid motion in the sample does no harm. ``extrapolate``: degree of the polynomial in the radius fitted to the arcs'
    values, whose value at radius 0 is returned (0: their mean). In plane problems the values do not depend on the
    radius; on an axisymmetric body the curvature adds terms of relative size radius / R, so take two or three radii and
    ``extrapolate=1``, and a regular term with the corner's hoop strain.
    """
    arcs = np.atleast_1d(np.asarray(radii, dtype=np.float64))
    if arcs.ndim != 1 or arcs.size == 0 or not np.all(arcs > 0.0):
        raise InputError("intensities: the radii must be > 0")
    if not 0 <= extrapolate < arcs.size:
        raise InputError(
            f"intensities: extrapolate={extrapolate} needs at least {extrapolate + 1} radii, {arcs.size} given"
        )
    lost = [one.exponent for one in eigens if one.dual is None]
    if lost:
        raise NumericsError(
            f"singularity: exponent {lost[0]:.6g} lacks an eigenvector (log terms); its intensity is not defined"
        )
    samples = np.zeros((arcs.size, len(eigens)), dtype=np.complex128)
    if eigens:
        samples = _samples(junction, eigens, sampler, arcs, regular, points)
    for column, eigen in enumerate(eigens):
        if eigen.oscillating:  # Re(K r^lambda U) holds K / 2 of r^lambda U
            samples[:, column] *= 2.0
    vandermonde = np.vander(arcs / arcs.max(), extrapolate + 1, increasing=True)
    fit = np.linalg.lstsq(vandermonde.astype(np.complex128), samples, rcond=None)[0]
    spread = np.abs(samples - vandermonde @ fit).max(axis=0, initial=0.0)
    return Expansion(junction, tuple(eigens), np.asarray(fit[0]), regular, arcs, samples, spread)


def _samples(
    junction: Junction,
    eigens: Sequence[Eigen],
    sampler: Sampler,
    arcs: FloatArray,
    regular: RegularTerm | None,
    points: int,
) -> ComplexArray:
    """(m, n) int (u* . t - u . t*) r dtheta over m arcs with the n complementary fields u* = r^-lambda V, on the
    elements of the angular functions, on which these are polynomials.
    """
    if any(one.junction is not junction for one in eigens):
        raise InputError("intensities: the eigenfunctions belong to another junction")
    duals = [one.dual for one in eigens if one.dual is not None]
    powers = np.array([-one.exponent for one in eigens])
    theta, v, stresses = sampled(duals, list(powers), points)
    measure = 0.5 * (duals[0].edges[:, 1] - duals[0].edges[:, 0])[:, None] * gauss(points)[1]
    u, stress = np.empty((arcs.size, *theta.shape, 2)), np.empty((arcs.size, *theta.shape, 3))
    for k in range(len(junction.wedges)):
        own = np.flatnonzero(duals[0].owner == k)
        angle = theta[own].ravel()
        radius = np.repeat(arcs, angle.size)
        found = [np.array(part, dtype=float) for part in sampler(radius, np.degrees(np.tile(angle, arcs.size)), k)]
        if found[0].shape != (radius.size, 2) or found[1].shape != (radius.size, 3):
            raise InputError(
                f"intensities: the sampler gave shapes {found[0].shape} and {found[1].shape}, not {(radius.size, 2)} "
                f"and {(radius.size, 3)}"
            )
        here, there = found[0].reshape(arcs.size, -1, 2), found[1].reshape(arcs.size, -1, 3)
        if regular is not None:
            moved, pulled = regular.on_arcs(arcs, angle, k)
            here, there = here - moved, there - pulled
        u[:, own], stress[:, own] = here.reshape(u[:, own].shape), there.reshape(stress[:, own].shape)
    if junction.can_rotate:
        u = _without_rigid_motion(u, theta, measure)
    weighted = np.concatenate([v, arc_traction(stresses, theta)], axis=-1) * measure[..., None]
    field = np.concatenate([arcs[:, None, None, None] * arc_traction(stress, theta), -u], axis=-1)
    work = field.reshape(arcs.size, -1) @ weighted.reshape(len(duals), -1).T
    return np.asarray(arcs[:, None] ** powers * work)


def _without_rigid_motion(u: FloatArray, theta: FloatArray, measure: FloatArray) -> FloatArray:
    """Displacements (m, n_elements, p, 2) without the mean rigid motion of each arc.

    Its reciprocal work is zero, but a displacement of micrometres on strains of 1e-5 would cost five digits to
    cancellation.
    """
    turning = rays(theta)[1].reshape(-1, 2)
    motions = np.stack([np.tile([1.0, 0.0], (len(turning), 1)), np.tile([0.0, 1.0], (len(turning), 1)), turning], -1)
    root = np.sqrt(measure.ravel())[:, None]
    flat = u.reshape(len(u), -1, 2)
    weighted = (flat * root).reshape(len(u), -1).T
    share = np.linalg.lstsq((motions * root[:, :, None]).reshape(-1, 3), weighted, rcond=None)[0].T
    return np.asarray((flat - share[:, None, :2] - share[:, None, 2:] * turning).reshape(u.shape))


def _real(factor: AnyArray, values: AnyArray) -> FloatArray:
    return np.asarray(np.real(factor[:, None] * values), dtype=np.float64)
