"""Wedges meeting at one point: the geometry, the elastic constants and the boundary of a local stress-singularity
problem.

The corner sits at the origin of a plane (x, y) = axes (1, 2) of the stiffness; axis 3 points out of the plane. On an
axisymmetric body x is the direction of growing radius, y the axis of revolution's direction and 3 the hoop direction,
measured from the root. Angles are degrees, counter-clockwise from x. Stresses are MPa, lengths um, strains plain
numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError

AnyArray = NDArray[Any]
Condition = Literal["free", "clamped", "roller"]
Kinematics = Literal["plane-strain", "plane-stress"]

_IN_PLANE = [0, 1, 5]
_ANTIPLANE = [3, 4]
#: deg: rays nearer than this are one ray. In double precision, coordinates of 1e3 um leave 1e-5 deg at an edge of 1e-6
#: um
ANGLE_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Wedge:
    """One material between two rays.

    ``angle_start`` < ``angle_end`` in degrees. ``stiffness`` (6, 6) in MPa in Voigt order 11, 22, 33, 23, 13, 12 with
    engineering shear strains, already rotated to the plane's axes; it must be symmetric, positive definite and
    symmetric about the plane (no coupling of 23, 13 with the rest: monoclinic or better), or in-plane and antiplane
    motion would not separate. ``thermal_strain`` is the stress-free strain of the whole temperature change (cte times
    delta T): (3,) = 11, 22, 33, or (6,) Voigt.
    """

    angle_start: float
    angle_end: float
    stiffness: FloatArray
    thermal_strain: FloatArray = field(default_factory=lambda: np.zeros(6))

    def __post_init__(self) -> None:
        start, end = float(self.angle_start), float(self.angle_end)
        if not (np.isfinite(start) and np.isfinite(end) and 0.0 < end - start <= 360.0 + ANGLE_TOLERANCE):
            raise InputError(f"wedge angles: from {start} to {end} deg is not an opening in (0, 360]")
        object.__setattr__(self, "angle_start", start)
        object.__setattr__(self, "angle_end", end)
        object.__setattr__(self, "stiffness", _checked_stiffness(self.stiffness))
        object.__setattr__(self, "thermal_strain", _checked_strain(self.thermal_strain))

    @property
    def opening(self) -> float:
        """Opening angle in degrees."""
        return self.angle_end - self.angle_start


@dataclass(frozen=True, eq=False)
class Junction:
    """Wedges bonded to their neighbours around one point.

    ``wedges`` run counter-clockwise without gaps (gaps below ``ANGLE_TOLERANCE`` are closed). ``boundary`` is
    ``"bonded"`` (the last wedge is bonded to the first, 360 degrees in all) or a pair of conditions on the first and
    the last ray: ``free`` (no traction), ``clamped`` (no displacement), ``roller`` (no normal displacement, no
    tangential traction: a plane of symmetry). A crack is a junction from -180 to 180 degrees with two free faces.
    ``kinematics`` is ``"plane-strain"`` (no strain along 3) or ``"plane-stress"`` (no stress along 3). The leading term
    at a root of an axisymmetric body is that of plane strain.
    """

    wedges: tuple[Wedge, ...]
    boundary: Literal["bonded"] | tuple[Condition, Condition] = "bonded"
    kinematics: Kinematics = "plane-strain"

    def __post_init__(self) -> None:
        wedges = tuple(self.wedges)
        if not wedges:
            raise InputError("junction.wedges: at least one wedge is needed")
        for before, after in pairwise(wedges):
            if abs(after.angle_start - before.angle_end) > ANGLE_TOLERANCE:
                raise InputError(
                    f"junction.wedges: a gap from {before.angle_end} to {after.angle_start} deg; wedges must touch"
                )
        total = wedges[-1].angle_end - wedges[0].angle_start
        if total > 360.0 + ANGLE_TOLERANCE:
            raise InputError(f"junction.wedges: they open {total} deg in all, more than 360")
        wedges = _snapped(wedges)
        if self.boundary == "bonded":
            if abs(total - 360.0) > ANGLE_TOLERANCE:
                raise InputError(f"junction.boundary: bonded all round needs 360 deg, the wedges open {total}")
        else:
            if len(self.boundary) != 2 or any(one not in ("free", "clamped", "roller") for one in self.boundary):
                raise InputError(
                    f"junction.boundary: {self.boundary!r} is neither 'bonded' nor two of free, clamped, roller"
                )
            object.__setattr__(self, "boundary", tuple(self.boundary))
        if self.kinematics not in ("plane-strain", "plane-stress"):
            raise InputError(f"junction.kinematics: {self.kinematics!r} is neither plane-strain nor plane-stress")
        object.__setattr__(self, "wedges", wedges)

    @property
    def opening(self) -> float:
        """Opening of all wedges together, degrees."""
        return self.wedges[-1].angle_end - self.wedges[0].angle_start

    @cached_property
    def _plane_stiffnesses(self) -> tuple[FloatArray, ...]:
        found = []
        for wedge in self.wedges:
            c = wedge.stiffness
            plane = np.array(c[np.ix_(_IN_PLANE, _IN_PLANE)])
            if self.kinematics == "plane-stress":
                plane -= np.outer(c[_IN_PLANE, 2], c[2, _IN_PLANE]) / c[2, 2]
            plane.setflags(write=False)
            found.append(plane)
        return tuple(found)

    @property
    def bonded(self) -> bool:
        """Whether the wedges close the full circle."""
        return self.boundary == "bonded"

    @property
    def can_rotate(self) -> bool:
        """Whether the rigid rotation about the corner (exponent 1, no stress) is a solution."""
        return self.bonded or self.boundary == ("free", "free")

    def wedge_at(self, theta: float) -> int:
        """The wedge that holds the ray at ``theta`` degrees (on an interface: the one that ends there)."""
        first = self.wedges[0].angle_start
        angle = first + (theta - first + ANGLE_TOLERANCE) % 360.0 - ANGLE_TOLERANCE
        for index, wedge in enumerate(self.wedges):
            if angle <= wedge.angle_end + ANGLE_TOLERANCE:
                return index
        raise InputError(f"theta: {theta} deg lies outside the junction ({first} to {self.wedges[-1].angle_end} deg)")

    def plane_stiffness(self, wedge: int) -> FloatArray:
        """(3, 3) matrix D of (11, 22, 12): sigma = D (eps - eps0), MPa.

        Plane strain: the in-plane block of C. Plane stress: D = C_pp - C_p3 C_3p / C_33 (sigma_33 = 0 condensed out).
        """
        return self._plane_stiffnesses[wedge]

    def plane_eigenstrain(self, wedge: int, out_of_plane_strain: float = 0.0) -> FloatArray:
        """(3,) in-plane strain (11, 22, 12 engineering) without in-plane stress.

        Plane strain: D eps0 = C_p. eps_th with eps_33 held at ``out_of_plane_strain``, eps0 = eps_th,p + D^-1 C_p3
        (eps_th,33 - eps_33). Plane stress: the in-plane thermal strain itself.
        """
        strain = self.wedges[wedge].thermal_strain
        plane = np.array(strain[_IN_PLANE])
        if self.kinematics == "plane-strain":
            coupling = self.wedges[wedge].stiffness[_IN_PLANE, 2]
            plane += np.linalg.solve(self.plane_stiffness(wedge), coupling) * (strain[2] - out_of_plane_strain)
        return plane


def _snapped(wedges: tuple[Wedge, ...]) -> tuple[Wedge, ...]:
    """The wedges with common rays, and a full circle of 360 deg, up to the tolerance."""
    rays = [wedges[0].angle_start, *(wedge.angle_end for wedge in wedges)]
    if abs(rays[-1] - rays[0] - 360.0) <= ANGLE_TOLERANCE:
        rays[-1] = rays[0] + 360.0
    return tuple(replace(w, angle_start=a, angle_end=b) for w, a, b in zip(wedges, rays, rays[1:], strict=False))


def _checked_stiffness(value: ArrayLike) -> FloatArray:
    c = np.array(value, dtype=np.float64)
    if c.shape != (6, 6) or not np.all(np.isfinite(c)):
        raise InputError(f"wedge stiffness: a finite (6, 6) array is needed, not shape {c.shape}")
    scale = float(np.abs(c).max())
    if np.abs(c - c.T).max() > 1e-8 * scale:
        raise InputError("wedge stiffness: it is not symmetric")
    c = 0.5 * (c + c.T)
    if np.linalg.eigvalsh(c)[0] <= 0.0:
        raise InputError("wedge stiffness: it is not positive definite")
    if np.abs(c[np.ix_([0, 1, 2, 5], _ANTIPLANE)]).max() > 1e-8 * scale:
        raise InputError("wedge stiffness: the plane is no plane of symmetry (23 and 13 couple with the rest)")
    c.setflags(write=False)
    return c


def _checked_strain(value: ArrayLike) -> FloatArray:
    given = np.array(value, dtype=np.float64)
    if given.shape not in ((3,), (6,)) or not np.all(np.isfinite(given)):
        raise InputError(f"wedge thermal_strain: 3 or 6 finite numbers are needed, not shape {given.shape}")
    strain = np.zeros(6)
    strain[: given.size] = given
    if np.any(strain[3:5] != 0.0):
        raise InputError("wedge thermal_strain: 23 and 13 must be zero (the plane must be a plane of symmetry)")
    strain.setflags(write=False)
    return strain
