"""What the report says, as plain data."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import femsim
from femsim.cases.parts import CaseBase
from femsim.cases.units import key_unit
from femsim.measures.around import COMPONENTS, UNKNOWNS
from femsim.meshes.mesh import Quality
from femsim.meshes.mesh import quality as quality_of
from femsim.reports.materials import material_entries
from femsim.reports.words import number
from femsim.runs.results import left_out_list, left_out_words
from femsim.runs.run import Run
from femsim.solvers.solve import GOOD_RESIDUAL, WORST_RESIDUAL

#: a balance of forces or energies off by less than this is rounding
BALANCED = 1.0e-8


#: packages whose versions a report names
PACKAGES = ("numpy", "scipy", "scikit-fem", "meshio", "matplotlib", "pydantic")


Json = dict[str, Any]


def report_data(run: Run, figures: Sequence[Json] = (), field: Json | None = None) -> Json:
    """All that the report needs beyond the JSON document of ``solve``; ``field`` says how the page's contour starts."""
    case, quality = run.case, run.quality or quality_of(run.discretisation.mesh)
    layout, kinematics = run.discretisation.layout, run.solution.model.kinematics
    probe_unknowns, probe_components = kinematics.unknowns, kinematics.components
    if run.harmonics is not None:  # a probe then gives the whole field at its angle
        probe_unknowns, probe_components = UNKNOWNS, COMPONENTS
    return {
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "axes": list(run.solution.model.kinematics.axes),
        "components": list(run.solution.model.kinematics.components),
        "probe_axes": [name.removeprefix("u_") for name in probe_unknowns],
        "probe_components": list(probe_components),
        "inputs": list(inputs(case)),
        "temperatures": {
            "stress_free": case.load.stress_free_temperature,
            "range": [float(np.min(run.solution.model.temperature)), float(np.max(run.solution.model.temperature))],
        },
        "lengths": list(run.discretisation.lengths),
        "conductors": {root.name: root.region for root in run.discretisation.roots},
        "materials": material_entries(run.materials),
        "yield": {
            region: float(one.spec.yield_)
            for region, one in run.materials.items()
            if isinstance(one.spec.yield_, int | float)
        },
        "quality": mesh_quality(quality),
        "left_out": left_out_words(left_out_list(run)),
        "notes": list(run.discretisation.notes),
        "hold": list(layout.hold) if layout is not None and layout.hold is not None else None,
        "checks": _checks(run),
        "versions": versions(),
        "figures": list(figures),
        "field": field or {},
    }


def mesh_quality(quality: Quality) -> Json:
    """The measures of a mesh."""
    return {
        "smallest_edge": quality.smallest_edge,
        "largest_edge": quality.largest_edge,
        "worst_jacobian": quality.worst_jacobian,
        "worst_at": list(quality.worst_at),
        "largest_aspect": quality.largest_aspect,
        "per_region": dict(quality.per_region),
    }


def verdict_word(value: float | None, limit: float) -> str:
    """Whether a check is within its limit."""
    return "does not apply" if value is None else "pass" if value <= limit else "FAIL"


def _checks(run: Run) -> list[Json]:
    checks = run.solution.checks
    entries = (
        (
            "residual",
            checks.residual,
            GOOD_RESIDUAL,
            "largest |internal - external nodal force| over the unknowns, as a part of the largest applied or "
            "thermal one",
        ),
        (
            "reaction",
            checks.reaction,
            BALANCED,
            "resultant of all loads and reactions along each rigid motion, as a part of the sum of the forces' "
            "magnitudes",
        ),
        (
            "energy",
            checks.energy,
            BALANCED,
            "work of the stresses less the work of loads and reactions, as a part of the work of all nodal forces",
        ),
    )
    found = []
    for name, value, limit, meaning in entries:
        verdict = verdict_word(value, limit)
        # just above WORST_RESIDUAL a solve has looked at the energy of what is missing
        if value is not None and name == "residual" and limit < value <= 10.0 * WORST_RESIDUAL:
            verdict = "pass, less exact than usual"
        found.append({"name": name, "value": value, "limit": limit, "verdict": verdict, "meaning": meaning})
    return found


def versions() -> Json:
    """Versions of the program and of what it stands on."""
    found = {"femsim": femsim.__version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    found["system"] = f"{platform.system()} {platform.machine()}"
    return found


_FIRST = (
    "name",
    "stack",
    "geometry",
    "layer",
    "block",
    "materials",
    "load",
    "model",
    "boundary",
    "mesh",
    "root",
    "metrics",
    "probe",
)


def inputs(case: CaseBase) -> Iterator[Json]:
    """Every key of a case: dotted name, value, unit, whether it was given, whether it differs from the default,
    and what it means.
    """
    fields = type(case).model_fields
    for name in sorted(fields, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST)):
        field = fields[name]
        value, given = getattr(case, name), name in case.model_fields_set
        if name == "materials":
            standard = getattr(type(case), "STANDARD", {})
            for role, ref in case.materials.items():
                yield _input(f"materials.{role}", ref, "", (True, ref != standard.get(role)), "")
        elif isinstance(value, BaseModel):
            yield from _keys(type(case), value, name, True)
        elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
            for index, entry in enumerate(value):
                yield from _keys(type(case), entry, f"{name}.{index}", False)
        else:
            yield _input(name, value, "", (given, _differs(value, field)), field.description or "")


def _differs(value: object, field: FieldInfo) -> bool:
    """Whether a value is another one than the field's default; one without a default always is."""
    return field.is_required() or bool(value != field.get_default(call_default_factory=True, validated_data={}))


def _keys(kind: type[BaseModel], model: BaseModel, prefix: str, optional: bool) -> Iterator[Json]:
    for name, field in type(model).model_fields.items():
        value, key = getattr(model, name), f"{prefix}.{field.alias or name}"
        if value is None and not optional:
            continue
        given = name in model.model_fields_set
        differs = not optional or (given and _differs(value, field))
        yield _input(key, value, _unit(kind, key, value), (given, differs), field.description or "")


def _unit(kind: type[BaseModel], key: str, value: object) -> str:
    return key_unit(kind, key) if _numeric(value) else ""


def _numeric(value: object) -> bool:
    entries = value if isinstance(value, list | tuple) else [value]
    return bool(entries) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in entries)


def _input(key: str, value: object, unit: str, given: tuple[bool, bool], meaning: str) -> Json:
    return {
        "key": key,
        "value": _toml(value),
        "unit": unit,
        "given": given[0],
        "differs": given[1],
        "meaning": meaning,
    }


def _toml(value: object) -> str:
    """A value as a case file would write it."""
    if value is None or value == []:
        return "not set" if value is None else "none"
    if isinstance(value, BaseModel):
        entries = value.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
        return _toml(entries)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        number(value)
        if isinstance(value, int | float)
        else json.dumps(value, ensure_ascii=False)
        if isinstance(value, str)
        else str(value)
    )
