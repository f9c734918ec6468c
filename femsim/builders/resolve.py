"""From what a case says of a material (a library name, an override, an inline table) to a :class:`Material` with its
provenance.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from femsim.base.errors import FemsimWarning, InputError
from femsim.base.units import MPA_PER_GPA, PER_K_PER_PPM
from femsim.cases.doubts import material_doubts
from femsim.cases.library import Law, MaterialFile, read_material
from femsim.cases.material import ELASTIC, CompositeSpec, Expansion, MaterialSpec, Quantity, Table
from femsim.cases.merge import merged, sets_used
from femsim.materials.elastic import Material, check_stable
from femsim.materials.property import Property

LAW_NAMES = {"plastic": "plasticity", "creep": "creep", "anand": "Anand's law", "viscoelastic": "viscoelasticity"}


@dataclass(frozen=True)
class ResolvedMaterial:
    """A material as used: ``spec`` has every number in outer units, ``entry`` the library file, ``changed`` the
    overrides, ``sets`` the library's sets its laws were taken from.

    ``elastic`` is None where only heat can be solved. Of a composite or a smeared ring, ``blend`` says in words what it
    is made of, ``parts`` are its constituents.
    """

    role: str
    elastic: Material | None
    spec: MaterialSpec
    entry: MaterialFile | None = None
    changed: tuple[str, ...] = ()
    blend: str = ""
    parts: tuple[ResolvedMaterial, ...] = ()
    composite: CompositeSpec | None = None
    sets: Mapping[str, Law] = field(default_factory=dict)

    @property
    def material(self) -> Material:
        """The elastic material. Raises InputError where E, nu and cte are not given."""
        if self.elastic is None:
            raise InputError(f"materials.{self.role}.E: missing; stress needs E (GPa), nu and cte (ppm/K)")
        return self.elastic

    @property
    def origin(self) -> str:
        """Where the numbers come from, in words."""
        if self.blend:
            return self.blend
        if self.entry is None:
            return "given in the case"
        return f"library: {self.entry.name}" + (
            f", with {', '.join(self.changed)} from the case" if self.changed else ""
        )


def resolve_material(
    role: str, ref: str | MaterialSpec, temperatures: tuple[float, ...], key: str | None = None
) -> ResolvedMaterial:
    """Look up, override, convert to inner units and check. ``key`` is the case key an error names, e.g.
    ``materials.low``.
    """
    key = key or f"materials.{role}"
    given = MaterialSpec(like=ref) if isinstance(ref, str) else ref
    entry = None
    if given.like is not None:
        try:
            entry = read_material(given.like)
        except InputError as error:
            raise InputError(f"{key}: {error}") from None
    for doubt in material_doubts(given):
        warnings.warn(f"{key}.{doubt}", FemsimWarning, stacklevel=2)
    own = given.model_dump(by_alias=True, exclude_none=True, exclude={"like"}, exclude_unset=True)
    original = entry.to_spec() if entry is not None else {}
    changed = tuple(name for name, value in own.items() if entry is not None and original.get(name) != value)
    full = merged(own, entry, key)
    elastic = [name for name in ELASTIC if name in full]
    for name in ELASTIC:
        if name not in full and (elastic or "conductivity" not in full):
            raise InputError(f'{key}.{name}: missing; give E (GPa), nu and cte (ppm/K), or like = "a library material"')
    try:
        spec = MaterialSpec.model_validate({**full, **({"like": entry.name} if entry else {})})
    except ValidationError as error:
        raise InputError(f"{key}: {error.errors()[0]['msg']}".replace("Value error, ", "")) from None
    if not elastic:
        for law in spec.laws:
            raise InputError(f"{key}.{law}: needs E, nu and cte beside it")
        return ResolvedMaterial(role, None, spec, entry, changed)
    material = as_material(role, spec, key)
    check_stable(material, temperatures, key)
    for law in spec.laws:
        if len(material.youngs_modulus) > 1 or len(material.poisson_ratio) > 1:
            raise InputError(f"{key}.{law}: {LAW_NAMES[law]} needs an isotropic material, but E or nu has three axes")
    sets = sets_used(own, entry)
    for law, taken in sets.items():
        if entry is not None and entry.from_memory(taken.source):
            warnings.warn(
                f"{key}.{law}: the set {taken.id!r} of {entry.name!r} was written from memory, check the original: "
                f"{entry.cited(taken.source)[0].citation()}",
                FemsimWarning,
                stacklevel=2,
            )
    return ResolvedMaterial(role, material, spec, entry, changed, sets=sets)


def as_material(name: str, spec: MaterialSpec, key: str) -> Material:
    """A fully given spec (outer units) as a material (inner units)."""
    e, nu = properties_of(spec.E, MPA_PER_GPA, f"{key}.E"), properties_of(spec.nu, 1.0, f"{key}.nu")
    g = properties_of(spec.G, MPA_PER_GPA, f"{key}.G") if spec.G is not None else ()
    if len(e) != len(nu) and 3 in (len(e), len(nu)):
        raise InputError(
            f"{key}.nu: {len(nu)} value(s) do not go with {len(e)} of E; give one of each, or three of each and G"
        )
    if len(e) == 3 and len(g) != 3:
        raise InputError(f"{key}.G: an orthotropic material needs three shear moduli, ordered 12, 13, 23")
    if len(e) == 1 and g:
        raise InputError(
            f"{key}.G: follows from E and nu in an isotropic material; leave it out, or give three of E, nu and G"
        )
    expansion = spec.cte if isinstance(spec.cte, Expansion) else Expansion(secant=spec.cte)  # type: ignore[arg-type]
    kind = "secant" if expansion.secant is not None else "instantaneous"
    cte = properties_of(getattr(expansion, kind), PER_K_PER_PPM, f"{key}.cte")
    return Material(
        name=name,
        youngs_modulus=e,
        poisson_ratio=nu,
        shear_modulus=g,
        cte=cte,
        cte_kind=kind,
        cte_reference=expansion.reference,
        angle=spec.angle,
        euler=spec.euler,
        hardness=spec.hardness,
        yield_strength=spec.yield_,
        family=spec.family,
    )


def properties_of(value: Quantity | None, factor: float, key: str) -> tuple[Property, ...]:
    """A number, three, or tables as properties in inner units (``factor`` of the outer ones)."""
    entries = value if isinstance(value, list) else [value]
    if len(entries) not in (1, 3):
        raise InputError(f"{key}: {len(entries)} values; give one, or three for the axes 1, 2, 3")
    found = []
    for entry in entries:
        if isinstance(entry, Table):
            found.append(Property(tuple(factor * v for v in entry.value), tuple(entry.T)))
        elif entry is not None:
            found.append(Property((factor * entry,)))
    return tuple(found)
