"""From what a case says of a material (a library name, an override, an inline table) to a :class:`Material` with its
provenance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from femsim.base.errors import InputError
from femsim.base.units import MPA_PER_GPA, PER_K_PER_PPM
from femsim.cases.library import MaterialFile, read_material
from femsim.cases.material import CompositeSpec, Expansion, MaterialSpec, Quantity, Table
from femsim.materials.elastic import Material, check_stable
from femsim.materials.property import Property


@dataclass(frozen=True)
class ResolvedMaterial:
    """A material as used: ``spec`` has every number in outer units, ``entry`` the library file, ``changed`` the
    overrides.

    Of a composite or a smeared ring, ``blend`` says in words what it is made of, ``parts`` are its constituents.
    """

    role: str
    material: Material
    spec: MaterialSpec
    entry: MaterialFile | None = None
    changed: tuple[str, ...] = ()
    blend: str = ""
    parts: tuple[ResolvedMaterial, ...] = ()
    composite: CompositeSpec | None = None

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
    merged: dict[str, Any] = {}
    if given.like is not None:
        try:
            entry = read_material(given.like)
        except InputError as error:
            raise InputError(f"{key}: {error}") from None
        merged = dict(entry.to_spec())
    own = given.model_dump(by_alias=True, exclude_none=True, exclude={"like"}, exclude_unset=True)
    original = dict(merged)
    merged.update(own)
    changed = tuple(name for name, value in own.items() if entry is not None and original.get(name) != value)
    if "E" in changed and "G" in original and "G" not in own and not isinstance(own["E"], list):
        merged.pop("G")  # an isotropic override of an orthotropic entry
    for name in ("E", "nu", "cte"):
        if name not in merged:
            raise InputError(f'{key}.{name}: missing; give E (GPa), nu and cte (ppm/K), or like = "a library material"')
    try:
        spec = MaterialSpec.model_validate({**merged, **({"like": entry.name} if entry else {})})
    except ValidationError as error:
        raise InputError(f"{key}: {error.errors()[0]['msg']}") from None
    material = as_material(role, spec, key)
    check_stable(material, temperatures, key)
    return ResolvedMaterial(role, material, spec, entry, changed)


def as_material(name: str, spec: MaterialSpec, key: str) -> Material:
    """A fully given spec (outer units) as a material (inner units)."""
    e, nu = _properties(spec.E, MPA_PER_GPA, f"{key}.E"), _properties(spec.nu, 1.0, f"{key}.nu")
    g = _properties(spec.G, MPA_PER_GPA, f"{key}.G") if spec.G is not None else ()
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
    cte = _properties(getattr(expansion, kind), PER_K_PER_PPM, f"{key}.cte")
    return Material(
        name=name,
        youngs_modulus=e,
        poisson_ratio=nu,
        shear_modulus=g,
        cte=cte,
        cte_kind=kind,
        cte_reference=expansion.reference,
        angle=spec.angle,
        hardness=spec.hardness,
        yield_strength=spec.yield_,
        family=spec.family,
    )


def _properties(value: Quantity | None, factor: float, key: str) -> tuple[Property, ...]:
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
