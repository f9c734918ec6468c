"""What the report says of materials: every number used, with its unit, where it comes from, and whether it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from femsim.base.units import MPA_PER_GPA, PER_K_PER_PPM, UNIT
from femsim.builders.resolve import LAW_NAMES, ResolvedMaterial, properties_of
from femsim.cases.library import UNITS, Source
from femsim.materials.property import Property
from femsim.reports.words import number

Json: TypeAlias = dict[str, Any]


def material_entries(materials: Mapping[str, ResolvedMaterial]) -> list[Json]:
    """One entry per distinct material, with the regions that use it."""
    found: list[tuple[ResolvedMaterial, Json]] = []
    for region, one in materials.items():
        same = next((entry for other, entry in found if (other.spec, other.origin) == (one.spec, one.origin)), None)
        if same is not None:
            same["regions"].append(region)
            continue
        found.append((one, _material(region, one)))
    return [entry for _, entry in found]


def _material(region: str, one: ResolvedMaterial) -> Json:
    entry, spec = one.entry, one.spec
    changed = [name for name in one.changed if name != "angle" or spec.angle]
    rows = [*_elastic(one), *_heat(one), *_single(one), *_laws(one)]
    sources = [_source(s) for s in entry.source] if entry is not None else []
    used = {name for row in rows for name in row["sources"]}
    return {
        "regions": [region],
        "name": entry.name if entry is not None else "",
        "description": entry.description if entry is not None else "",
        "origin": one.blend
        or ("library" if entry is not None else "case")
        + (f", with {', '.join(changed)} from the case" if changed else ""),
        "family": spec.family or "",
        "rows": rows,
        "sources": [s for s in sources if s["id"] in used],
        "note": (entry.note or "") if entry is not None else "",
        "parts": [_material(part.role, part) for part in one.parts],
    }


def _elastic(one: ResolvedMaterial) -> Iterator[Json]:
    material = one.elastic
    if material is None:
        return
    yield _row("Young's modulus", "E", material.youngs_modulus, MPA_PER_GPA, UNIT["modulus"], one, "youngs_modulus")
    yield _row("Poisson ratio", "nu", material.poisson_ratio, 1.0, "-", one, "poisson_ratio")
    if material.shear_modulus:
        yield _row("shear modulus", "G", material.shear_modulus, MPA_PER_GPA, UNIT["modulus"], one, "shear_modulus")
    kind = material.cte_kind
    if kind == "secant" and material.cte_reference is not None:
        kind = f"mean from {material.cte_reference:g} degC"
    elif all(not p.is_table for p in material.cte):
        kind = "constant"
    yield _row(f"expansion coefficient, {kind}", "cte", material.cte, PER_K_PER_PPM, UNIT["cte"], one, "cte")


def _heat(one: ResolvedMaterial) -> Iterator[Json]:
    for label, key, full in (
        ("thermal conductivity", "conductivity", "thermal_conductivity"),
        ("density", "density", "density"),
        ("heat capacity", "heat_capacity", "heat_capacity"),
    ):
        values = properties_of(getattr(one.spec, key), 1.0, key)
        if values:
            yield _row(label, key, values, 1.0, UNITS[full], one, full)


def _single(one: ResolvedMaterial) -> Iterator[Json]:
    spec = one.spec
    for label, key, value, unit, full in (
        ("Vickers hardness", "hardness", spec.hardness, UNIT["hardness"], "hardness"),
        ("yield strength", "yield", spec.yield_, UNIT["stress"], "yield_strength"),
        ("tensile strength", "strength", spec.strength, UNIT["stress"], "strength"),
        ("angle of the axes", "angle", spec.angle or None, "degrees", "angle"),
        (
            "stress-free temperature of this material alone",
            "stress_free_temperature",
            spec.stress_free_temperature,
            UNIT["temperature"],
            "stress_free_temperature",
        ),
    ):
        if value is not None:
            yield {"label": label, "key": key, "values": [number(value)], "unit": unit, **_origin(one, key, full)}


def _laws(one: ResolvedMaterial) -> Iterator[Json]:
    """One row for each inelastic law; its parameters in the units of the case file."""
    for law, spec in one.spec.laws.items():
        data = spec.model_dump(by_alias=True, exclude_none=True)
        row = {"label": LAW_NAMES[law], "key": law, "values": list(_parameters(data)), "unit": "as in the case file"}
        taken = one.sets.get(law)
        if taken is None or one.entry is None:
            yield {**row, "origin": "case", "sources": [], "note": "", "range": "", "memory": False}
            continue
        yield {
            **row,
            "origin": "library",
            "sources": list(taken.source),
            "note": f"set {taken.id}: {taken.description}" + (f". {taken.note}" if taken.note else ""),
            "range": "",
            "memory": one.entry.from_memory(taken.source),
        }


def _parameters(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _parameters(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping | list):
        for index, entry in enumerate(value):
            yield from _parameters(entry, f"{path}.{index}")
    elif isinstance(value, list | tuple):
        yield f"{path} = {' '.join(number(v) for v in value)}"
    else:
        yield f"{path} = {number(value)}"


def _row(
    label: str, key: str, values: Sequence[Property], factor: float, unit: str, one: ResolvedMaterial, full: str
) -> Json:
    pairs = ("12", "13", "23") if key in ("nu", "G") else ("1", "2", "3")
    texts = []
    for name, value in zip(pairs, values, strict=False):
        axis = f"{name}: " if len(values) == 3 else ""
        numbers = [number(v / factor) for v in value.values]
        texts.append(
            axis
            + (
                ", ".join(f"{n} at {t:g} degC" for n, t in zip(numbers, value.temperatures, strict=True))
                if value.is_table
                else numbers[0]
            )
        )
    return {"label": label, "key": key, "values": texts, "unit": unit, **_origin(one, key, full)}


def _origin(one: ResolvedMaterial, key: str, full: str) -> Json:
    """Where a number comes from: the sources' names, or the case; ``memory`` where no source was read."""
    if one.blend:
        return {"origin": "computed", "sources": [], "note": "", "range": "", "memory": False}
    if one.entry is None or key in one.changed or full not in one.entry.properties:
        return {"origin": "case", "sources": [], "note": "", "range": "", "memory": False}
    given = one.entry.properties[full]
    spread = f"{given.range[0]:g} to {given.range[1]:g}" if given.range else ""
    return {
        "origin": "library",
        "sources": [s.id for s in one.entry.sources(full)],
        "note": given.note or "",
        "range": spread,
        "memory": one.entry.from_memory(given.source),
    }


def _source(source: Source) -> Json:
    given = source.model_dump(include={"id", "kind", "checked"})
    return {
        **given,
        "seen": source.seen,
        "citation": source.citation(),
        "url": source.url or "",
        "note": source.note or "",
    }
