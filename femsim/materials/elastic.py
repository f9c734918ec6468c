"""Elastic materials: stiffness and thermal strain at a temperature, in inner units (MPa, 1/K).

Axes (1, 2, 3) are (r, t, z) in axisymmetric and (x, y, z) in plane models; Voigt order 11, 22, 33, 23, 13, 12 with
engineering shear.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.materials.property import Property


@dataclass(frozen=True)
class Material:
    """An elastic material; each property has one entry (isotropic) or three (axes 1, 2, 3; nu and G ordered 12, 13,
    23).

    ``cte_kind`` is ``secant`` (from ``cte_reference``; None for a constant, which needs none) or ``instantaneous``.
    ``angle`` (degrees) turns axis 1 towards axis 3 in the r-z plane, or towards axis 2 in the x-y plane; ``euler``
    (degrees) turns the axes in space: they are the columns of Rz(a) Rx(b) Rz(c).
    """

    name: str
    youngs_modulus: tuple[Property, ...]  # MPa
    poisson_ratio: tuple[Property, ...]
    cte: tuple[Property, ...]  # 1/K
    shear_modulus: tuple[Property, ...] = ()  # MPa
    cte_kind: str = "secant"
    cte_reference: float | None = None
    angle: float = 0.0
    euler: tuple[float, float, float] | None = None
    hardness: float | None = None
    yield_strength: float | None = None
    family: str | None = None

    @property
    def is_isotropic(self) -> bool:
        """One modulus, one ratio and one expansion coefficient."""
        return len(self.youngs_modulus) == len(self.poisson_ratio) == len(self.cte) == 1

    @property
    def depends_on_temperature(self) -> bool:
        """True where the stiffness does."""
        return any(p.is_table for p in (*self.youngs_modulus, *self.poisson_ratio, *self.shear_modulus))

    @property
    def softness(self) -> float:
        """The largest Poisson ratio over all temperatures; of an orthotropic material that of an isotropic one with its
        Reuss bulk modulus K = 1 / sum S_ij (i, j <= 3) and Voigt shear modulus G, (3 K - 2 G) / (2 (3 K + G)) (Hill
        1952, Proc. Phys. Soc. A 65, 349).
        """
        if self.is_isotropic and not self.shear_modulus:
            return float(max(max(p.values) for p in self.poisson_ratio))
        tables = (*self.youngs_modulus, *self.poisson_ratio, *self.shear_modulus)
        c = self.stiffness(np.unique([t for p in tables for t in p.temperatures] or [20.0]))
        bulk = 1.0 / np.linalg.inv(c)[..., :3, :3].sum(axis=(-2, -1))
        across = c[..., 0, 1] + c[..., 1, 2] + c[..., 0, 2]
        shear = (np.trace(c[..., :3, :3], axis1=-2, axis2=-1) - across) / 15.0
        shear = shear + np.trace(c[..., 3:, 3:], axis1=-2, axis2=-1) / 5.0
        return float(np.max((3.0 * bulk - 2.0 * shear) / (2.0 * (3.0 * bulk + shear))))

    def stiffness(self, temperature: FloatArray | float, plane: str = "rz") -> FloatArray:
        """Stiffness (..., 6, 6) in MPa: the inverse of the compliance

            S_ii = 1/E_i,  S_ij = -nu_ij/E_i (i < j),  S_44 = 1/G_23, S_55 = 1/G_13, S_66 = 1/G_12

        with G = E / (2 (1 + nu)) where isotropic (Lekhnitskii 1963, Theory of Elasticity of an Anisotropic Elastic
        Body, section 3), turned by ``angle`` in the drawing ``plane`` ("rz": axes 1-3, "xy": axes 1-2).
        """
        t = np.asarray(temperature, dtype=float)
        e = [p.at(t) for p in self.youngs_modulus]
        nu = [p.at(t) for p in self.poisson_ratio]
        e = e * 3 if len(e) == 1 else e
        nu = nu * 3 if len(nu) == 1 else nu
        if self.shear_modulus:
            g = [p.at(t) for p in self.shear_modulus]
            g = g * 3 if len(g) == 1 else g
        else:
            g = [e[0] / (2.0 * (1.0 + nu[0]))] * 3
        s = np.zeros((*t.shape, 6, 6))
        for i in range(3):
            s[..., i, i] = 1.0 / e[i]
        for (i, j), ratio in zip(((0, 1), (0, 2), (1, 2)), nu, strict=True):
            s[..., i, j] = s[..., j, i] = -ratio / e[i]
        for k, modulus in zip((5, 4, 3), g, strict=True):
            s[..., k, k] = 1.0 / modulus
        c = np.linalg.inv(s)
        turn = self._turn(plane)
        if turn is not None:
            c = turn @ c @ turn.T
        return np.asarray(0.5 * (c + np.swapaxes(c, -1, -2)))

    def thermal_strain(
        self, temperature: FloatArray | float, stress_free: FloatArray | float, plane: str = "rz"
    ) -> FloatArray:
        """Free expansion (..., 6) from ``stress_free`` to ``temperature`` (degC).

        Instantaneous data: the integral of alpha between the two. Secant data from T0: a(T) (T - T0) - a(Ts) (Ts - T0),
        which re-references them to the stress-free temperature; a constant secant needs no reference.
        """
        t = np.asarray(temperature, dtype=float)
        cte = self.cte * 3 if len(self.cte) == 1 else self.cte
        strain = np.zeros((*t.shape, 6))
        for i, alpha in enumerate(cte):
            if self.cte_kind == "instantaneous":
                strain[..., i] = alpha.integral(t) - alpha.integral(stress_free)
            elif self.cte_reference is None or not alpha.is_table:
                strain[..., i] = alpha.at(t) * (t - stress_free)
            else:
                here, there = t - self.cte_reference, stress_free - self.cte_reference
                strain[..., i] = alpha.at(t) * here - alpha.at(stress_free) * there
        turn = self._turn(plane)
        if turn is not None:
            strain = strain @ np.linalg.inv(
                turn
            )  # strains turn with the inverse transpose, as row vectors with the inverse
        return strain

    def _turn(self, plane: str) -> FloatArray | None:
        """Bond matrix (6, 6) of the material's orientation; None where it has none."""
        if self.euler is not None and plane == "xyz":
            return bond_matrix(euler_rotation(self.euler))
        return _stress_rotation(self.angle, plane) if self.angle else None

    def warn_outside(self, low: float, high: float) -> None:
        """Warn where a tabulated property does not cover the temperatures a run needs."""
        for label, properties in (
            ("Young's modulus", self.youngs_modulus),
            ("Poisson ratio", self.poisson_ratio),
            ("shear modulus", self.shear_modulus),
            ("CTE", self.cte),
        ):
            for p in properties:
                known = p.uncovered(low, high)
                if known is not None:
                    warnings.warn(
                        f"material {self.name}: {label} is known from {known[0]:g} to {known[1]:g} degC only, "
                        f"the run needs {low:g} to {high:g} degC; the end value is used outside",
                        FemsimWarning,
                        stacklevel=2,
                    )

    def turned(self, angle: float) -> Material:
        """A copy with another orientation (degrees)."""
        return replace(self, angle=angle)


def frozen(material: Material, temperature: float) -> Material:
    """The linear material that one is for small changes about a temperature (degC): constant moduli, and expansion
    d(thermal strain) / dT.
    """

    def still(properties: tuple[Property, ...]) -> tuple[Property, ...]:
        return tuple(Property((float(p.at(temperature)),)) for p in properties)

    plain = replace(material, angle=0.0, euler=None)
    step = 1.0e-3
    slope = plain.thermal_strain(temperature + step, temperature - step) / (2.0 * step)
    cte = tuple(Property((float(value),)) for value in slope[: len(material.cte)])
    if not any(p.is_table for p in material.cte):
        cte = material.cte
    return replace(
        material,
        youngs_modulus=still(material.youngs_modulus),
        poisson_ratio=still(material.poisson_ratio),
        shear_modulus=still(material.shear_modulus),
        cte=cte,
        cte_kind="secant",
        cte_reference=None,
    )


def check_stable(material: Material, temperatures: tuple[float, ...], key: str) -> None:
    """Raise InputError unless the stiffness is positive definite at all ``temperatures`` (degC) and table knots."""
    knots = {
        t for p in (*material.youngs_modulus, *material.poisson_ratio, *material.shear_modulus) for t in p.temperatures
    }
    for t in sorted(knots | set(temperatures)):
        for prop, name in ((material.youngs_modulus, "E"), (material.shear_modulus, "G")):
            for p in prop:
                if not p.at(t) > 0:
                    raise InputError(f"{key}.{name}: {float(p.at(t)):g} is not > 0")
        if len(material.poisson_ratio) == 1 and not material.shear_modulus:
            nu = float(material.poisson_ratio[0].at(t))
            if not -1.0 < nu < 0.5:
                raise InputError(
                    f"{key}.nu: {nu:g} is not between -1 and 0.5 (exclusive); an incompressible material has no "
                    f"stiffness matrix"
                )
        with np.errstate(all="ignore"):
            c = material.turned(0.0).stiffness(t)
        if not np.all(np.isfinite(c)) or np.linalg.eigvalsh(c)[0] <= 0:
            raise InputError(f"{key}: the stiffness is not positive definite (check nu against sqrt(E_i / E_j))")


def _stress_rotation(angle: float, plane: str) -> FloatArray:
    """Bond matrix of a turn by ``angle`` (degrees) in the drawing plane."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    rotation = np.eye(3)
    i, j = (0, 2) if plane == "rz" else (0, 1)
    rotation[i, i], rotation[i, j], rotation[j, i], rotation[j, j] = c, -s, s, c
    return bond_matrix(rotation)


def euler_rotation(euler: tuple[float, float, float]) -> FloatArray:
    """Rz(a) Rx(b) Rz(c) (3, 3) for angles in degrees; its columns are the turned axes."""

    def turn(angle: float, i: int, j: int) -> FloatArray:
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        matrix = np.eye(3)
        matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
        return matrix

    a, b, c = euler
    return np.asarray(turn(a, 0, 1) @ turn(b, 1, 2) @ turn(c, 0, 1))


def bond_matrix(rotation: FloatArray) -> FloatArray:
    """Bond matrix M (6, 6) with sigma' = M sigma for material axes turned by ``rotation`` (3, 3): C' = M C M^T.

    Auld 1973, Acoustic Fields and Waves in Solids, vol. 1, eq. 3.33.
    """
    pairs = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
    bond = np.empty((6, 6))
    for row, (p, q) in enumerate(pairs):
        for column, (k, m) in enumerate(pairs):
            bond[row, column] = rotation[p, k] * rotation[q, m]
            if k != m:
                bond[row, column] += rotation[p, m] * rotation[q, k]
    return bond
