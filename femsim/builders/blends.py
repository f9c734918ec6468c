"""Materials made of materials: composites a case asks for, and the smeared rings of a layout, as ordinary orthotropic
materials.

Effective constants are computed at every temperature at which a constituent's data has a knot, and at the run's own;
the effective expansion is a secant one from the stress-free temperature: the free expansion of the composite at T is
that of its constituents' free expansions from there to T, with their stiffness at T (linear elasticity without
history).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np

from femsim.base.errors import FemsimWarning, InputError
from femsim.base.units import MPA_PER_GPA, PER_K_PER_PPM
from femsim.builders.resolve import LAW_NAMES, ResolvedMaterial, as_material, resolve_material
from femsim.cases.material import CompositeSpec, Expansion, MaterialRef, MaterialSpec, Table
from femsim.materials.composites import (
    Isotropic,
    Phase,
    coated_spheres,
    hashin_shtrikman,
    laminate,
    mori_tanaka,
    mori_tanaka_aligned,
)
from femsim.materials.elastic import Material
from femsim.materials.property import Property
from femsim.meshes.layout import Smear

#: stiffness of empty space, as a fraction of the member's, where a smeared ring stands free
VOID = 1.0e-6

Rule = Callable[[list[Phase]], Phase]


def resolve_ref(
    role: str, ref: MaterialRef, temperatures: tuple[float, ...], key: str | None = None
) -> ResolvedMaterial:
    """As :func:`femsim.builders.resolve.resolve_material`, for composites too. The last of ``temperatures`` is the
    stress-free one.
    """
    key = key or f"materials.{role}"
    if not isinstance(ref, CompositeSpec):
        return resolve_material(role, ref, temperatures, key)
    parts = {name: resolve_ref(role, part, temperatures, f"{key}.{name}") for name, part in _constituents(ref)}
    for name, part in parts.items():
        for law in part.spec.laws:
            raise InputError(f"{key}.{name}.{law}: a composite is elastic; leave the law out")
    try:
        blended = _blend(role, list(parts.values()), _rule(ref, list(parts)), temperatures)
        from femsim.builders.heat_blends import conduction_rule, heat_of

        heat = heat_of(list(parts.values()), *conduction_rule(ref))
    except InputError as error:
        raise InputError(f"{key}: {error}") from None
    spec = blended.model_copy(
        update={"hardness": ref.hardness, "yield_": ref.yield_, "family": ref.family, "angle": ref.angle, **heat}
    )
    note = f"{ref.composite} of " + " and ".join(f"{name} ({part.origin})" for name, part in parts.items())
    if ref.fraction is not None:
        note += f", {100 * ref.fraction:g} % by volume"
    return ResolvedMaterial(
        role, as_material(role, spec, key), spec, blend=note, parts=tuple(parts.values()), composite=ref
    )


def smear(
    region: str, ring: Smear, resolved: Mapping[str, ResolvedMaterial], temperatures: tuple[float, ...]
) -> ResolvedMaterial:
    """The smeared material of a ring row: round members along z in their matrix (Mori-Tanaka for aligned fibres), or in
    empty space.
    """
    member = resolved[ring.member]
    parts = [member] if ring.matrix is None else [resolved[ring.matrix], member]
    for part in parts:
        for law in part.spec.laws:
            warnings.warn(
                f"the smeared ring {region!r} stays elastic: {LAW_NAMES[law]} of role {part.role!r} acts elsewhere",
                FemsimWarning,
                stacklevel=2,
            )

    def rule(phases: list[Phase]) -> Phase:
        inner = phases[-1]
        outer = phases[0] if ring.matrix is not None else Phase(VOID * inner.stiffness, inner.cte)
        return mori_tanaka_aligned(outer, [(ring.fraction, inner)], "fibre")

    spec = _blend(region, parts, rule, temperatures)
    around = f"role {ring.matrix}" if ring.matrix is not None else "empty space"
    note = (
        f"smeared ring: {ring.count} members (role {ring.member}) of radius {ring.radius:g} um on radius "
        f"{ring.ring:g} um in {around}, "
        f"area fraction {ring.fraction:.4f}"
    )
    from femsim.builders.heat_blends import heat_of, ring_rule

    heat = heat_of(parts, *ring_rule(ring.fraction, ring.matrix is None))
    spec = spec.model_copy(update={"family": member.spec.family, "hardness": member.spec.hardness, **heat})
    return ResolvedMaterial(region, as_material(region, spec, region), spec, blend=note, parts=tuple(parts))


def _constituents(ref: CompositeSpec) -> list[tuple[str, MaterialRef]]:
    if ref.composite == "laminate":
        return [(f"layers.{i}", layer.material) for i, layer in enumerate(ref.layers or [])]
    named = [("matrix", ref.matrix), ("particles", ref.particles), ("coating", ref.coating)]
    return [(name, part) for name, part in named if part is not None]


def _rule(ref: CompositeSpec, names: list[str]) -> Rule:
    """How the phases, in the order of ``names``, make the composite."""
    fraction = ref.fraction if ref.fraction is not None else 0.0
    if ref.composite == "laminate":
        thickness = np.array([layer.thickness for layer in ref.layers or []])
        shares = thickness / thickness.sum()
        return lambda phases: laminate([(float(f), p) for f, p in zip(shares, phases, strict=True)])
    if ref.composite == "mori-tanaka":
        return lambda phases: mori_tanaka(_isotropic(phases[0]), [(fraction, _isotropic(phases[1]))]).phase
    if ref.composite == "coated-spheres":
        radii = [ref.core_radius or 0.0, (ref.core_radius or 0.0) + (ref.coating_thickness or 0.0)]
        return lambda phases: (
            coated_spheres(_isotropic(phases[0]), [_isotropic(p) for p in phases[1:]], radii, fraction).phase
        )
    bound = 0 if ref.composite == "hashin-shtrikman-lower" else 1
    return lambda phases: (
        hashin_shtrikman([(1 - fraction, _isotropic(phases[0])), (fraction, _isotropic(phases[1]))])[bound].phase
    )


def _isotropic(phase: Phase) -> Isotropic:
    e, nu, _, cte = phase.constants
    if np.ptp(e) > 1e-9 * e[0] or np.ptp(nu) > 1e-9 or np.ptp(cte) > 1e-9 * max(float(np.abs(cte).max()), 1e-30):
        raise InputError("matrix, particles and coating must be isotropic; use a laminate for others")
    return Isotropic.from_young(float(e[0]), float(nu[0]), float(cte[0]))


def _blend(name: str, parts: list[ResolvedMaterial], rule: Rule, temperatures: tuple[float, ...]) -> MaterialSpec:
    """Engineering constants of the composite, over temperature where a constituent depends on it, in outer units."""
    free = temperatures[-1]
    knots = sorted(set(temperatures) | {t for part in parts for t in _knots(part.material)})
    constant = not any(_knots(part.material) for part in parts)
    rows = []
    for t in [free] if constant else knots:
        # at the stress-free temperature itself the secant is its limit
        other = t + 1e-3 if abs(t - free) < 1e-9 else t
        phases = [
            Phase(p.material.stiffness(t), p.material.thermal_strain(other, free)[:3] / (other - free)) for p in parts
        ]
        rows.append(np.concatenate(rule(phases).constants))
    data = np.array(rows)
    scale = np.repeat([1 / MPA_PER_GPA, 1.0, 1 / MPA_PER_GPA, 1 / PER_K_PER_PPM], 3)
    columns = (data * scale).T

    def quantity(first: int) -> list[float | Table]:
        return [
            float(c[0]) if constant else Table(T=knots, value=[float(v) for v in c]) for c in columns[first : first + 3]
        ]

    cte: list[float | Table] = quantity(9)
    expansion = Expansion(secant=cte) if constant else Expansion(secant=cte, reference=free)
    spec = {"E": quantity(0), "nu": quantity(3), "G": quantity(6), "cte": expansion}
    if all(np.ptp(columns[k : k + 3], axis=0).max() <= 1e-9 * np.abs(columns[k : k + 3]).max() for k in (0, 3, 9)):
        # isotropic after all: G follows from E and nu
        spec = {
            "E": quantity(0)[0],
            "nu": quantity(3)[0],
            "cte": Expansion(secant=cte[0], reference=None if constant else free),
        }
    return MaterialSpec.model_validate(spec)


def _knots(material: Material) -> set[float]:
    properties: tuple[Property, ...] = (
        *material.youngs_modulus, *material.poisson_ratio, *material.shear_modulus, *material.cte,
    )  # fmt: skip
    return {t for p in properties for t in p.temperatures}
