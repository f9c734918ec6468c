"""Effective conductivity, density and heat capacity of composites.

Conductivities come in any one unit, as three values along the axes 1, 2, 3 of each phase; nothing here knows of size,
only of fractions. Conduction through a mixture obeys the same equations as dielectric and magnetic ones, so the rules
are those of Maxwell and of Hashin and Shtrikman.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError


def maxwell(matrix: float, particles: float, fraction: float) -> float:
    """Spheres spread at random in a matrix: k = km (2 km + kp + 2 f (kp - km)) / (2 km + kp - f (kp - km)).

    Maxwell, Treatise on Electricity and Magnetism (1873), art. 314; the Hashin-Shtrikman bound whose reference is the
    matrix (Hashin & Shtrikman, J. Appl. Phys. 33 (1962) 3125, eqs. 3.20 and 3.21): the lower one where the matrix
    conducts less.
    """
    _share(fraction)
    difference = fraction * (particles - matrix)
    return matrix * (2 * matrix + particles + 2 * difference) / (2 * matrix + particles - difference)


def bounds(first: float, second: float, fraction: float) -> tuple[float, float]:
    """(lower, upper) bound of an isotropic mixture; ``fraction`` is the second phase's."""
    found = maxwell(first, second, fraction), maxwell(second, first, 1 - fraction)
    return min(found), max(found)


def coated(matrix: float, shells: Sequence[float], radii: Sequence[float], fraction: float) -> float:
    """Alike layered spheres in a matrix: from the core outward each shell with what it holds becomes one sphere of the
    same conductivity (Hashin 1962, the composite-sphere assemblage, exact for it); ``fraction`` counts them whole.
    """
    inside = shells[0]
    for shell, inner, outer in zip(shells[1:], radii[:-1], radii[1:], strict=True):
        inside = maxwell(shell, inside, (inner / outer) ** 3)
    return maxwell(matrix, inside, fraction)


def layered(phases: FloatArray, shares: FloatArray) -> FloatArray:
    """(3,) of layers normal to axis 3, from (n, 3) and their (n,) shares: in parallel along 1 and 2, in series along
    3.
    """
    k, f = np.asarray(phases, dtype=float), np.asarray(shares, dtype=float)
    return np.array([f @ k[:, 0], f @ k[:, 1], 1.0 / (f @ (1.0 / k[:, 2]))])


def fibres(matrix: FloatArray, members: FloatArray, fraction: float) -> FloatArray:
    """(3,) of round fibres along axis 3: by shares along them, across km (kp + km + f (kp - km)) / (kp + km - f (kp -
    km)).

    Rayleigh, Phil. Mag. 34 (1892) 481, first order; the bound of Hashin (J. Compos. Mater. 2 (1968) 284) across.
    """
    _share(fraction)
    m, p = np.asarray(matrix, dtype=float), np.asarray(members, dtype=float)
    across = m * (p + m + fraction * (p - m)) / (p + m - fraction * (p - m))
    return np.array([across[0], across[1], fraction * p[2] + (1 - fraction) * m[2]])


def density(densities: Sequence[float], shares: Sequence[float]) -> float:
    """Mean by volume."""
    return float(np.dot(densities, shares))


def heat_capacity(capacities: Sequence[float], densities: Sequence[float], shares: Sequence[float]) -> float:
    """Mean by mass: rho c = sum f rho_i c_i."""
    mass = np.multiply(densities, shares)
    return float(np.dot(capacities, mass) / mass.sum())


def _share(fraction: float) -> None:
    if not 0 <= fraction <= 1:
        raise InputError(f"composite: the fraction {fraction:g} is not between 0 and 1")
