"""The regular term of a uniform temperature change: u = r g(theta) + r ln r w(theta), stress constant in r.

The ansatz u = r g gives P(1) g = f with f from the thermal strains. lambda = 1 is always an eigenvalue where the corner can rotate, and the load
works on its left null vector y (the couple at the corner): y^T f is not zero in general. Then u = r g + r ln r w with w in the null space of
P(1) and P(1) g + P'(1) w = f has a solution: a rotation that grows like ln r but no stress that does. Only a null vector with
stress in w makes the stress itself grow like ln r. (Munz and Yang, J. Appl. Mech. 59, 1992, 857; Dempsey and Sinclair, J. Elast. 9, 1979, 373.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from femsim.errors import NumericsError
from femsim.singularity.eigen import FINE, Frame, locate, turned_stress
from femsim.singularity.junction import AnyArray, FloatArray, Junction
from femsim.singularity.pencil import AngularField, Pencil, discretise


@dataclass(frozen=True, eq=False)
class RegularTerm:
    """A particular solution for the wedges' thermal strains, exact but for rigid motion.

    ``shape`` g and ``log_shape`` w (Cartesian, no unit): u = r g + r ln(r / 1 um) w. ``log_rotation`` the part of w that only rotates
    (rad per unit of ln r), ``log_stress`` the root mean square over the angle of the stress that multiplies ln r (MPa; zero unless
    lambda = 1 has solutions with stress). ``amplification``: root mean square of the constant stress over that of the fully
    constrained one, D eps0; a large one tells that an exponent lies close to 1 and that this term and that exponent's nearly cancel.
    Where lambda = 1 has solutions with stress the term is the one with the least mean square stress.
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
        r, angle, k = _points(self.junction, radius, theta, wedge)
        g, w = self.shape(angle, k)[0], self.log_shape(angle, k)[0]
        return np.asarray(r[:, None] * (g + np.log(r)[:, None] * w))

    def stress(self, radius: ArrayLike, theta: ArrayLike, wedge: int | None = None, frame: Frame = "cartesian") -> FloatArray:
        """(n, 3) stress, MPa: (xx, yy, xy) or (rr, tt, rt); the radius matters only where ``log_stress`` is not zero."""
        r, angle, k = _points(self.junction, radius, theta, wedge)
        constant, growing = self.stress_parts(angle, k, frame)
        return np.asarray(constant + np.log(r)[:, None] * growing)

    def stress_parts(self, angle: FloatArray, wedge: int, frame: Frame) -> tuple[FloatArray, FloatArray]:
        """(n, 3) the constant stress and the factor of ln r, at angles in radians.

        The gradient of r g + r ln r w is (g + w) n + g' m + ln r (w n + w' m).
        """
        d = self.junction.plane_stiffness(wedge)
        w = self.log_shape(angle, wedge)[0]
        n = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        extra = np.stack([w[:, 0] * n[:, 0], w[:, 1] * n[:, 1], w[:, 0] * n[:, 1] + w[:, 1] * n[:, 0]], axis=-1)
        strain = self.shape.strain(1.0, angle, wedge) + extra
        constant = (strain - self.junction.plane_eigenstrain(wedge, self.out_of_plane_strain)) @ d
        growing = self.log_shape.strain(1.0, angle, wedge) @ d if self.log_stress > 0.0 else np.zeros_like(constant)
        return turned_stress(constant, angle, frame), turned_stress(growing, angle, frame)


def regular_term(junction: Junction, out_of_plane_strain: float = 0.0) -> RegularTerm:
    """The regular term of the wedges' ``thermal_strain``.

    ``out_of_plane_strain`` eps_33 holds for generalised plane strain, and for axisymmetry: there it is the hoop strain at the corner,
    u_r(corner) / R, which is as large as the thermal strain and must not be left out. Plane stress ignores it.
    Raises ``NumericsError`` where lambda = 1 lacks eigenvectors (terms in ln^2 r) and the load excites it.
    """
    pencil = discretise(junction, FINE)
    p, slope, load = pencil.at(1.0 + 0j), pencil.slope(1.0 + 0j), pencil.thermal_load(out_of_plane_strain)
    u, s, vh = np.linalg.svd(p)
    flat = int(np.sum(s < 1e-10 * s[0]))
    right, left = vh[s.size - flat :].T, u[:, u.shape[1] - flat :]
    # (P g + P' w = f, right^T g = 0): solvable and unique unless left^T P' right is singular
    border = np.block([[p, slope @ right], [right.T, np.zeros((flat, flat))]])
    solution = np.linalg.lstsq(border, np.concatenate([load, np.zeros(flat)]), rcond=1e-11)[0]
    scale = float(np.abs(load).max())
    residual = float(np.abs(border @ solution - np.concatenate([load, np.zeros(flat)])).max())
    if residual > 1e-7 * scale and scale > 0.0:
        raise NumericsError("singularity: the uniform temperature change excites a defective exponent 1 (stress with ln^2 r); no regular term")
    g, weights = solution[: pencil.size], solution[pencil.size :]
    if flat and np.linalg.svd(left.T @ slope @ right, compute_uv=False)[-1] < 1e-8:
        weights = np.where(np.abs(weights) < 1e-9 * max(float(np.abs(g).max()), 1e-300), 0.0, weights)
    w = right @ weights
    rigid = pencil.rotation() if junction.can_rotate else np.zeros(pencil.size)
    turning = float(rigid @ w / (rigid @ rigid)) if junction.can_rotate else 0.0
    stretch = w - turning * rigid
    if np.abs(stretch).max() < 1e-9 * max(float(np.abs(g).max()), 1e-300):
        w, stretch = turning * rigid, np.zeros_like(w)
    g = _least_stress(pencil, junction, out_of_plane_strain, g, w, right)
    size = _rms(pencil, [(pencil.field(g), w)], out_of_plane_strain)
    log_size = _rms(pencil, [(pencil.field(stretch), None)], None) if np.any(stretch) else 0.0
    blocked = _rms(pencil, [(pencil.field(np.zeros(pencil.size)), None)], out_of_plane_strain)
    return RegularTerm(
        junction, out_of_plane_strain, pencil.field(g), pencil.field(w), turning, log_size, size / blocked if blocked > 0.0 else 0.0
    )
