"""What a claim asks of a material: which resin or metal it is, whether it conducts, how stiff it is and how it expands
at room temperature.

What a material is follows from its ``family``, or of a composite from its constituents; nothing is guessed from
numbers. A family that is in none of the lists below cannot be judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from femsim.base.units import MPA_PER_GPA, PER_K_PER_PPM
from femsim.builders.resolve import ResolvedMaterial
from femsim.claims.model import every, shown
from femsim.materials.property import Property

#: degC; moduli and expansion coefficients of the claims are room-temperature values
ROOM = 25.0
#: K, for the slope of the thermal strain there
STEP = 0.05

METALS = frozenset({
    "aluminium", "chromium", "cobalt", "copper", "gold", "indium", "iron", "molybdenum", "nickel", "palladium", "platinum", "silver",  # noqa: E501
    "solder", "tantalum", "tin", "titanium", "titanium-tungsten", "tungsten",
})  # fmt: skip
#: conductors that are no metals
CONDUCTING = frozenset(
    {"tantalum-nitride", "titanium-nitride", "tungsten-nitride", "titanium-silicide", "tungsten-silicide"}
)
RESINS = frozenset({
    "acrylate", "benzocyclobutene", "cyanate-ester", "epoxy", "epoxy-acrylate", "phenolic", "polybenzoxazole", "polyimide", "polystyrene",  # noqa: E501
    "silicone",
})  # fmt: skip
INSULATING = RESINS | {"alumina", "borosilicate-glass", "glass-epoxy", "silicon-dioxide", "silicon-nitride"}
#: resins filled with metal particles, as families; the value says whether they conduct in one direction only (None: the
#: name does not say)
FILLED: dict[str, bool | None] = {
    "nickel-epoxy": None, "silver-epoxy": False, "copper-epoxy": None, "gold-epoxy": None, "anisotropic-conductive": True,  # noqa: E501
    "isotropic-conductive": False,
}  # fmt: skip
_ALIASES = {
    "bcb": "benzocyclobutene", "pbo": "polybenzoxazole", "pi": "polyimide", "epoxy-resin": "epoxy", "acf": "anisotropic-conductive",  # noqa: E501
    "acp": "anisotropic-conductive", "anisotropic-conductive-film": "anisotropic-conductive",
    "anisotropic-conductive-adhesive": "anisotropic-conductive", "isotropic-conductive-adhesive": "isotropic-conductive",  # noqa: E501
    "aluminum": "aluminium", "sac305": "solder",
}  # fmt: skip


def family(material: ResolvedMaterial) -> str | None:
    """The material's family in the library's spelling; of a composite that names none, ``nickel in epoxy`` from its
    constituents'.
    """
    given = material.spec.family
    if given is not None:
        word = "-".join(given.lower().replace("_", " ").replace("-", " ").split())
        return _ALIASES.get(word, word)
    if material.composite is None:
        return None
    parts = {name: family(part) for name, part in zip(_names(material), material.parts, strict=True)}
    if None in parts.values():
        return None
    if material.composite.composite == "laminate":
        return "laminate of " + " and ".join(str(name) for name in parts.values())
    coat = f" coated with {parts['coating']}" if "coating" in parts else ""
    return f"{parts['particles']}{coat} in {parts['matrix']}"


def constituent(material: ResolvedMaterial, name: Literal["matrix", "particles", "coating"]) -> ResolvedMaterial | None:
    """One constituent of a composite."""
    found = dict(zip(_names(material), material.parts, strict=True)) if material.composite is not None else {}
    return found.get(name)


def _names(material: ResolvedMaterial) -> list[str]:
    spec = material.composite
    if spec is None or spec.composite == "laminate":
        return [str(i) for i in range(len(material.parts))]
    return [name for name in ("matrix", "particles", "coating") if getattr(spec, name) is not None]


def is_metal(material: ResolvedMaterial) -> bool | None:
    """Whether it is a metal; None where its family is missing or in no list."""
    name = family(material)
    if name in METALS:
        return True
    return (
        False if name in INSULATING or name in CONDUCTING or name in FILLED or material.composite is not None else None
    )


def conducts(material: ResolvedMaterial) -> bool | None:
    """Whether it conducts electricity; a composite does if what its particles show outside does, or its matrix."""
    if material.composite is not None and material.spec.family is None:
        if material.composite.composite == "laminate":
            return every(conducts(part) for part in material.parts)
        outside = constituent(material, "coating") or constituent(material, "particles")
        matrix = constituent(material, "matrix")
        if matrix is not None and conducts(matrix):
            return True
        filled = bool(material.composite.fraction)
        return (
            conducts(outside) if outside is not None and filled else (conducts(matrix) if matrix is not None else None)
        )
    name = family(material)
    if name in METALS or name in CONDUCTING or name in FILLED:
        return True
    return False if name in INSULATING else None


def is_resin(material: ResolvedMaterial) -> bool | None:
    """Whether it is a resin, filled or not."""
    matrix = constituent(material, "matrix")
    if matrix is not None and material.spec.family is None:
        return is_resin(matrix)
    name = family(material)
    if name in RESINS or name in FILLED or name == "glass-epoxy":
        return True
    return False if name in METALS or name in CONDUCTING or name in INSULATING or name == "silicon" else None


def resin_family(material: ResolvedMaterial) -> str | None:
    """The resin a layer is made from: its family, or that of a filled resin's matrix."""
    matrix = constituent(material, "matrix")
    return family(matrix) if matrix is not None and material.spec.family is None else family(material)


def has_metal_particles(material: ResolvedMaterial) -> tuple[bool | None, str]:
    """Whether it is a conductive material containing metal particles, and why."""
    name = family(material)
    if material.composite is not None and material.composite.composite != "laminate":
        particles, fraction = constituent(material, "particles"), material.composite.fraction or 0.0
        kind = family(particles) if particles is not None else None
        metal = is_metal(particles) if particles is not None else None
        if fraction == 0.0:
            return False, "it has no particles (fraction 0)"
        if metal is None:
            return None, "the family of its particles is not given"
        return metal, f"{100 * fraction:g} % particles of {kind} by volume" + ("" if metal else ", no metal")
    if name in FILLED:
        return True, f"family {name}"
    if name is None:
        return None, "its family is not given"
    known = name in METALS or name in INSULATING or name in CONDUCTING or name.startswith("laminate")
    return (
        (False, f"family {name}, without particles")
        if known
        else (None, f"family {name} is not known to have particles or none")
    )


def is_anisotropic_conductor(material: ResolvedMaterial) -> tuple[bool | None, str]:
    """Whether it is an anisotropic conductive material, and why.

    A composite of conducting particles in an insulating resin counts as one; elastic data do not tell whether the
    particles touch.
    """
    if material.composite is not None and material.spec.family is None and material.composite.composite != "laminate":
        matrix = constituent(material, "matrix")
        outside = constituent(material, "coating") or constituent(material, "particles")
        fraction = material.composite.fraction or 0.0
        if matrix is None or outside is None or fraction == 0.0:
            return False, "it has no particles (fraction 0)"
        parts = (is_resin(matrix), _not(conducts(matrix)), conducts(outside))
        around = family(matrix) or "a matrix without family"
        words = f"{100 * fraction:g} % particles ({family(outside) or 'no family'} outside) in {around}"
        if False in parts:
            return False, f"{words}: not conducting particles in an insulating resin"
        return (
            (None, f"{words}: a family decides")
            if None in parts
            else (True, f"{words}: conducting particles in an insulating resin")
        )
    name = family(material)
    if name is None:
        return None, "its family is not given"
    if name in FILLED:
        unsaid = ' does not say whether it conducts one way only (family = "anisotropic-conductive" would)'
        return FILLED[name], f"family {name}{unsaid if FILLED[name] is None else ''}"
    known = name in METALS or name in CONDUCTING or name in INSULATING or name.startswith("laminate")
    return (False, f"family {name}") if known else (None, f"family {name} is not known to be one or none")


# ---------------------------------------------------------------- numbers at room temperature


@dataclass(frozen=True)
class InPlane:
    """A property of a layer along its two in-plane axes at room temperature; ``values`` empty and ``why`` where it is
    not known there.
    """

    values: tuple[float, ...]
    unit: str
    why: str = ""

    def text(self, *limits: float) -> str:
        """The value, or both where the axes differ."""
        low, high = min(self.values), max(self.values)
        both = high - low > 1e-6 * max(abs(low), abs(high))
        return f"{shown(low, *limits)}{f' and {shown(high, *limits)}' if both else ''} {self.unit}"


def modulus(material: ResolvedMaterial, plane: str) -> InPlane:
    """Young's modulus in GPa at 25 degC. Of a homogeneous elastic layer it is the bending modulus too."""
    m = material.material
    outside = _outside((*m.youngs_modulus, *m.poisson_ratio, *m.shear_modulus))
    if outside:
        return InPlane((), "GPa", f"E is known from {outside[0]:g} to {outside[1]:g} degC only")
    compliance = np.linalg.inv(m.stiffness(ROOM, plane))
    return InPlane(tuple(float(1.0 / compliance[i, i]) / MPA_PER_GPA for i in _axes(plane)), "GPa")


def expansion(material: ResolvedMaterial, plane: str) -> InPlane:
    """Expansion coefficient in ppm/K at 25 degC: the instantaneous one, d(strain)/dT, whichever way the data are given.

    Tables make the strain piecewise quadratic, for which the differences are exact; at a knot it is the mean of both
    sides.
    """
    m = material.material
    outside = _outside(m.cte)
    if outside:
        return InPlane((), "ppm", f"the CTE is known from {outside[0]:g} to {outside[1]:g} degC only")
    tables = [p.temperatures for p in m.cte if p.is_table]
    step = -STEP if any(t[-1] < ROOM + STEP for t in tables) else STEP
    if any(t[0] > ROOM - STEP or t[-1] < ROOM + STEP for t in tables):  # 25 degC is an end of the table
        one, two = (m.thermal_strain(ROOM + n * step, ROOM, plane) for n in (1, 2))
        rate = (4.0 * one - two) / (2.0 * step)
    else:
        rate = m.thermal_strain(ROOM + STEP, ROOM - STEP, plane) / (2.0 * STEP)
    return InPlane(tuple(float(rate[i]) / PER_K_PER_PPM for i in _axes(plane)), "ppm")


def _axes(plane: str) -> tuple[int, int]:
    """The axes along the layer: (r, t) of (r, t, z), or (x, z) of (x, y, z)."""
    return (0, 1) if plane == "rz" else (0, 2)


def _outside(properties: tuple[Property, ...]) -> tuple[float, float] | None:
    for entry in properties:
        if entry.uncovered(ROOM, ROOM):
            return entry.uncovered(ROOM, ROOM)
    return None


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value
