"""What of a case decides its solution on a mesh of given lines: heights between lines, moduli, free strains; and what
must not change from design to design.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.build import build_layout, resolve_materials, stress_free
from femsim.builders.discretisation import Drawn
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.meshes.layout import Layout, paint
from femsim.models.kinematics import KINEMATICS, Kinematics

#: tables of a case that a reduced basis has no place for
OTHERS = ("boundary", "body", "harmonic", "board", "crack", "corner", "heat", "step", "cycle", "life")
#: tables whose keys may vary
VARIED = ("geometry", "layer", "block", "materials", "load")
#: numbers that differ by less than this fraction are one
SAME = 1.0e-9


@dataclass(frozen=True)
class Names:
    """Where the quantities stand: ``regions``, number of ``heights``, components of the kinematics, and which regions
    are isotropic.
    """

    regions: tuple[str, ...]
    heights: int
    size: int
    isotropic: tuple[bool, ...]

    def columns(self, region: int) -> tuple[slice, slice]:
        """Columns of a region's moduli (E and nu, or all entries of D row by row) and of its free strain."""
        at = self.heights
        for number in range(region):
            at += (2 if self.isotropic[number] else self.size**2) + self.size
        wide = 2 if self.isotropic[region] else self.size**2
        return slice(at, at + wide), slice(at + wide, at + wide + self.size)


@dataclass(frozen=True)
class Facts:
    """Quantities (m,) of a case with their names; two cases with one ``shape`` differ in quantities alone."""

    names: Names
    values: FloatArray
    shape: tuple[object, ...]
    lines_x: FloatArray
    lines_y: FloatArray

    def same_shape(self, other: Facts) -> bool:
        """Whether one mesh can be moved from one case to the other."""
        return self.shape == other.shape and bool(
            np.allclose(self.lines_x, other.lines_x, rtol=0.0, atol=SAME * float(np.ptp(self.lines_x)))
        )


def refuse(case: Case, keys: Sequence[str]) -> None:
    """Raise InputError, with a name, for what has no reduced basis here."""
    for name in OTHERS:
        if getattr(case, name, None):
            raise InputError(f"reduced: [{name}] is not yet taken up in a reduced basis; sweep in full")
    if case.model.dim == 3 or case.stack == "mesh":
        what = 'kinematics "3d"' if case.model.dim == 3 else "an imported mesh"
        raise InputError(f"reduced: {what} has no strips of scaled height; sweep in full")
    if not isinstance(case.load.temperature, int | float):
        raise InputError("reduced: load.temperature: a field of temperature is not yet taken up; sweep in full")
    if case.mesh.tolerance is not None:
        raise InputError(
            "reduced: mesh.tolerance: a reduced basis has one mesh; give mesh.size and mesh.growth instead"
        )
    for key in keys:
        if key.split(".")[0] not in VARIED:
            raise InputError(f"reduced: {key}: only keys of {', '.join(VARIED)} may vary; sweep in full")


def layout_of(case: Case) -> Layout:
    """The layout of a case without bends and with roots. Raises InputError for others."""
    layout = build_layout(case)
    if layout is None or not layout.roots:
        raise InputError("reduced: the case has no roots; sweep in full")
    if layout.bends:
        names = ", ".join(bend.name for bend in layout.bends)
        raise InputError(f"reduced: geometry: a {names} is no stack of layers of scaled height; sweep in full")
    return layout


def facts_of(case: Case, drawn: Drawn) -> Facts:
    """The facts of a case; ``drawn`` is the mesh of another case of the same study, whose regions it shares."""
    layout = layout_of(case)
    x, y, painted = paint(layout)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        materials = resolve_materials(case, replace(drawn, case=case, layout=layout))
    kinematics = KINEMATICS[case.model.kinematics]
    regions = drawn.mesh.regions
    isotropic, values = [], [np.diff(y)]
    for region in regions:
        own, moduli, free = _matter(materials[region], case, kinematics)
        isotropic.append(own)
        values += [moduli, free]
    roots = tuple(
        (
            root.name,
            root.region,
            root.into,
            int(np.argmin(np.abs(y - root.at[1]))),
            int(np.argmin(np.abs(x - root.at[0]))),
        )
        for root in layout.roots
    )
    names = Names(regions, len(y) - 1, kinematics.size, tuple(isotropic))
    shape = (layout.regions, painted.shape, painted.tobytes(), roots, names.isotropic)
    return Facts(names, np.concatenate(values), shape, x, y)


def _matter(resolved: ResolvedMaterial, case: Case, kinematics: Kinematics) -> tuple[bool, FloatArray, FloatArray]:
    """Whether a material is isotropic, E and nu (MPa, 1) or all of D (MPa), and its free strain."""
    material = resolved.material
    if resolved.spec.laws:
        raise InputError(
            f"reduced: materials.{resolved.role}.{next(iter(resolved.spec.laws))}: an inelastic material has no "
            f"reduced basis; sweep in full"
        )
    t = float(case.load.temperature)  # type: ignore[arg-type]  # refused otherwise
    rest = stress_free(resolved, case.load.stress_free_temperature)
    free = kinematics.components_of(material.thermal_strain(t, rest, kinematics.plane))
    if material.is_isotropic and not material.shear_modulus:
        e, nu = material.youngs_modulus[0].at(t), material.poisson_ratio[0].at(t)
        return True, np.array([float(e), float(nu)]), free
    d = kinematics.stiffness(material.stiffness(t, kinematics.plane))
    return False, d.ravel(), free


def stiffness_of(names: Names, region: int, values: FloatArray, kinematics: Kinematics) -> FloatArray:
    """Stiffness (n, size, size) of a region from quantities (n, m): lambda (1 x 1) + G diag(2, 2, 2, 1, ...) where it
    is isotropic; in plane stress lambda is E nu / (1 - nu^2), and component 2 has none.
    """
    moduli, _ = names.columns(region)
    size = names.size
    if not names.isotropic[region]:
        return np.ascontiguousarray(values[:, moduli]).reshape(-1, size, size)
    e, nu = values[:, moduli].T
    shear = e / (2.0 * (1.0 + nu))
    lame = e * nu / (1.0 - nu**2) if kinematics.plane_stress else e * nu / ((1.0 + nu) * (1.0 - 2.0 * nu))
    normal = [k for k in range(3) if not (kinematics.plane_stress and k == 2)]
    one, two = np.zeros((size, size)), np.zeros((size, size))
    one[np.ix_(normal, normal)] = 1.0
    two[normal, normal] = 2.0
    for k in range(3, size):
        two[k, k] = 1.0
    return np.asarray(lame[:, None, None] * one + shear[:, None, None] * two)
