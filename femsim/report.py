"""What ``--out`` writes: the case, the metrics, the fields, the figures, and one self-contained report.html.

All that the report says is first gathered as plain data (:func:`report_data`), kept in metrics.json under ``report``, and then
put into the template; so :func:`rebuild` makes the same page again from a directory of results, without solving.
"""

from __future__ import annotations

import base64
import io
import json
import math
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

import femsim
from femsim.atomic import atomic_write
from femsim.case import CaseBase
from femsim.casefile import dump_case
from femsim.errors import InputError
from femsim.library import Source
from femsim.materials import Property
from femsim.parallel import Forked
from femsim.plots.figures import images, plates
from femsim.recovery import nodal_stress
from femsim.resolve import ResolvedMaterial
from femsim.results import results_dict
from femsim.run import Progress, Run
from femsim.solve import GOOD_RESIDUAL, WORST_RESIDUAL
from femsim.units import MPA_PER_GPA, PER_K_PER_PPM, UNIT

__all__ = ["build_html", "figure_files", "rebuild", "report_data", "write_outputs"]

TEMPLATE = "report_template.html"
#: a balance of forces or energies off by less than this is rounding
BALANCED = 1.0e-8
#: bytes of images beyond which they are packed tighter
LARGEST = 2_000_000
#: packages whose versions a report names
PACKAGES = ("numpy", "scipy", "scikit-fem", "meshio", "matplotlib", "pydantic")

Json = dict[str, Any]


def write_outputs(run: Run, directory: Path, progress: Progress | None = None, base: Path | None = None) -> list[Path]:
    """Write case.toml, metrics.json, fields.vtu, the figures (PNG, SVG) and report.html; ``base``: what a mesh file's path is
    relative to.
    """
    from femsim.vtu import write_fields

    say = progress or (lambda text: None)
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []

    def keep(name: str, content: bytes | str) -> None:
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        atomic_write(path, content)
        written.append(path)

    header = f"Written by femsim {femsim.__version__}: every key and every number of the run.\nfemsim solve case.toml reproduces it."
    keep("case.toml", dump_case(run.case, {}, header, base))
    figures: list[Json] = []
    drawn = list(plates(run))
    with Forked(images, drawn, [plate.weight for plate in drawn]) as pictures:
        say("writing fields")
        solution = run.solution
        stress = nodal_stress(solution.model, solution.unknowns)
        model = solution.model
        write_fields(directory / "fields.vtu", model.mesh, model.kinematics, solution.displacement, stress, model.temperature)
        written.append(directory / "fields.vtu")
        found = iter(pictures)
        for plate in drawn:
            say(f"drawing {plate.name}")
            for kind, content in next(found).items():
                keep(f"figures/{plate.name}.{kind}", content)
            figures.append({"name": plate.name, "caption": plate.caption, "kind": "svg" if plate.vector else "png"})
    document = results_dict(run) | {"report": report_data(run, figures)}
    keep("metrics.json", json.dumps(_finite(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    say("writing the report")
    keep("report.html", build_html(_finite(document), directory / "figures"))
    return written


def figure_files(directory: Path) -> set[str]:
    """Figures that the metrics.json of a result directory names, as paths in it; none where there is no such file."""
    try:
        listed = json.loads((directory / "metrics.json").read_text(encoding="utf-8"))["report"]["figures"]
        return {f"figures/{Path(entry['name']).name}.{kind}" for entry in listed for kind in ("png", "svg")}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def rebuild(directory: Path) -> Path:
    """Write report.html again from case.toml, metrics.json and the figures of a result directory."""
    for name in ("case.toml", "metrics.json"):
        if not (directory / name).is_file():
            raise InputError(f"{directory / name}: no such file; `femsim solve CASE --out {directory}` writes it")
    try:
        document = json.loads((directory / "metrics.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{directory / 'metrics.json'}: cannot be read ({str(error).splitlines()[0]})") from None
    if not isinstance(document, dict) or not isinstance(document.get("report"), dict):
        raise InputError(f"{directory / 'metrics.json'}: holds no report; `femsim solve CASE --out {directory}` writes one that does")
    try:
        html = build_html(document, directory / "figures")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{directory / 'metrics.json'}: not as femsim {femsim.__version__} writes it ({found})") from None
    atomic_write(directory / "report.html", html)
    return directory / "report.html"


def build_html(document: Mapping[str, Any], figures: Path) -> str:
    """The page: one file without links to others; ``document`` is the content of metrics.json, ``figures`` the folder of the
    images.
    """
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(num=number, fixed=fixed, error=error_text, place=place, seconds=seconds)
    try:
        template = environment.from_string(resources.files("femsim").joinpath(TEMPLATE).read_text(encoding="utf-8"))
        images = _embedded(figures, document["report"]["figures"])
        return template.render(
            doc=document, report=document["report"], images=images, numbers=_numbered(document), rows=_root_rows(document)
        )
    except jinja2.TemplateError as error:
        raise ValueError(str(error)) from error


def _embedded(figures: Path, entries: Sequence[Mapping[str, str]]) -> dict[str, Json]:
    """The images by figure name, as data URIs; pictures of many roots are packed tighter, so that the page stays small."""
    content: dict[str, tuple[str, bytes]] = {}
    for entry in entries:
        kind = "svg" if entry["kind"] == "svg" else "png"
        path = figures / f"{entry['name']}.{kind}"
        if path.parent != figures or not path.is_file():
            raise InputError(f"{path}: no such figure; `femsim solve CASE --out DIR` writes it")
        content[entry["name"]] = ("svg+xml" if kind == "svg" else "png", path.read_bytes())
    if sum(len(raw) for _, raw in content.values()) > LARGEST:
        content = {name: _packed(figures / f"{name}.png", *image) for name, image in content.items()}
    found = {}
    for entry in entries:
        kind, raw = content[entry["name"]]
        found[entry["name"]] = {**entry, "source": f"data:image/{kind};base64,{base64.b64encode(raw).decode('ascii')}"}
    return found


def _packed(path: Path, kind: str, raw: bytes) -> tuple[str, bytes]:
    """A smaller image: WebP of the PNG file where the imaging library has it and it is smaller."""
    from PIL import Image, features

    if not features.check("webp") or not path.is_file():
        return kind, raw
    buffer = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(buffer, format="webp", quality=82, method=3)
    packed = buffer.getvalue()
    return ("webp", packed) if len(packed) < len(raw) else (kind, raw)


# ---------------------------------------------------------------- what the report says, as plain data


def report_data(run: Run, figures: Sequence[Json] = ()) -> Json:
    """All that the report needs beyond the JSON document of ``solve``."""
    case, quality = run.case, run.quality
    layout = run.discretisation.layout
    return {
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "axes": list(run.solution.model.kinematics.axes),
        "components": list(run.solution.model.kinematics.components),
        "inputs": list(_inputs(case)),
        "temperatures": {
            "stress_free": case.load.stress_free_temperature,
            "range": [float(np.min(run.solution.model.temperature)), float(np.max(run.solution.model.temperature))],
        },
        "lengths": list(run.discretisation.lengths),
        "conductors": {root.name: root.region for root in run.discretisation.roots},
        "materials": _materials(run.materials),
        "quality": {
            "smallest_edge": quality.smallest_edge,
            "largest_edge": quality.largest_edge,
            "worst_jacobian": quality.worst_jacobian,
            "worst_at": list(quality.worst_at),
            "largest_aspect": quality.largest_aspect,
            "per_region": dict(quality.per_region),
        },
        "notes": list(run.discretisation.notes),
        "hold": list(layout.hold) if layout is not None and layout.hold is not None else None,
        "checks": _checks(run),
        "versions": _versions(),
        "figures": list(figures),
    }


def _checks(run: Run) -> list[Json]:
    checks = run.solution.checks
    entries = (
        (
            "residual",
            checks.residual,
            GOOD_RESIDUAL,
            "largest |internal - external nodal force| over the unknowns, as a part of the largest applied or thermal one",
        ),
        (
            "reaction",
            checks.reaction,
            BALANCED,
            "resultant of all loads and reactions along each rigid motion, as a part of the sum of the forces' magnitudes",
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
        if value is None:
            verdict = "does not apply"
        elif value <= limit:
            verdict = "pass"
        else:
            verdict = "pass, less exact than usual" if name == "residual" and value <= WORST_RESIDUAL else "FAIL"
        found.append({"name": name, "value": value, "limit": limit, "verdict": verdict, "meaning": meaning})
    return found


def _versions() -> Json:
    found = {"femsim": femsim.__version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    found["system"] = f"{platform.system()} {platform.machine()}"
    return found


# ---------------------------------------------------------------- inputs

_UNITS = {
    "load.stress_free_temperature": UNIT["temperature"],
    "load.temperature": UNIT["temperature"],
    "mesh.size": UNIT["length"],
    "mesh.largest": UNIT["length"],
    "metrics.length": UNIT["length"],
    "pressure": UNIT["stress"],
    "traction": UNIT["stress"],
}
_LENGTHS = {"at", "point", "r", "z", "x", "y", "u_r", "u_z", "u_x", "u_y", "thickness", "radius", "offset"}
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
_PLAIN = {"ratio", "count", "fraction"}


def _inputs(case: CaseBase) -> Iterator[Json]:
    """Every key of a case: dotted name, value, unit, whether it was given, and what it means."""
    fields = type(case).model_fields
    for name in sorted(fields, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST)):
        field = fields[name]
        value, given = getattr(case, name), name in case.model_fields_set
        if name == "materials":
            for role, ref in case.materials.items():
                yield _input(f"materials.{role}", ref, "", True, "")
        elif isinstance(value, BaseModel):
            yield from _keys(value, name, True)
        elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
            for index, entry in enumerate(value):
                yield from _keys(entry, f"{name}.{index}", False)
        else:
            yield _input(name, value, "", given, field.description or "")


def _keys(model: BaseModel, prefix: str, optional: bool) -> Iterator[Json]:
    for name, field in type(model).model_fields.items():
        value, key = getattr(model, name), f"{prefix}.{field.alias or name}"
        if value is None and not optional:
            continue
        yield _input(key, value, _unit(key, value), name in model.model_fields_set, field.description or "")


def _unit(key: str, value: object) -> str:
    parts = key.split(".")
    if not _numeric(value):
        return ""
    short = ".".join((parts[0], parts[-1]))
    if short in _UNITS or parts[-1] in _UNITS:
        return _UNITS.get(short) or _UNITS[parts[-1]]
    length = parts[-1] in _LENGTHS or (parts[0] == "geometry" and parts[-1] not in _PLAIN)
    return UNIT["length"] if length else ""


def _numeric(value: object) -> bool:
    entries = value if isinstance(value, list | tuple) else [value]
    return bool(entries) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in entries)


def _input(key: str, value: object, unit: str, given: bool, meaning: str) -> Json:
    return {"key": key, "value": _toml(value), "unit": unit, "given": given, "meaning": meaning}


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
        number(value) if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
    )


# ---------------------------------------------------------------- materials


def _materials(materials: Mapping[str, ResolvedMaterial]) -> list[Json]:
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
    entry, material = one.entry, one.material
    changed = [name for name in one.changed if name != "angle" or material.angle]
    rows = [
        _row("Young's modulus", "E", material.youngs_modulus, MPA_PER_GPA, UNIT["modulus"], one, "youngs_modulus"),
        _row("Poisson ratio", "nu", material.poisson_ratio, 1.0, "-", one, "poisson_ratio"),
    ]
    if material.shear_modulus:
        rows.append(_row("shear modulus", "G", material.shear_modulus, MPA_PER_GPA, UNIT["modulus"], one, "shear_modulus"))
    kind = material.cte_kind
    if kind == "secant" and material.cte_reference is not None:
        kind = f"mean from {material.cte_reference:g} degC"
    elif all(not p.is_table for p in material.cte):
        kind = "constant"
    rows.append(_row(f"expansion coefficient, {kind}", "cte", material.cte, PER_K_PER_PPM, UNIT["cte"], one, "cte"))
    for label, key, value, unit, full in (
        ("Vickers hardness", "hardness", material.hardness, UNIT["hardness"], "hardness"),
        ("yield strength", "yield", material.yield_strength, UNIT["stress"], "yield_strength"),
        ("angle of the axes", "angle", material.angle or None, "degrees", "angle"),
    ):
        if value is not None:
            rows.append({"label": label, "key": key, "values": [number(value)], "unit": unit, **_origin(one, key, full)})
    sources = [_source(s) for s in entry.source] if entry is not None else []
    used = {name for row in rows for name in row["sources"]}
    return {
        "regions": [region],
        "name": entry.name if entry is not None else "",
        "description": entry.description if entry is not None else "",
        "origin": one.blend
        or ("library" if entry is not None else "case") + (f", with {', '.join(changed)} from the case" if changed else ""),
        "family": material.family or "",
        "rows": rows,
        "sources": [s for s in sources if s["id"] in used],
        "note": (entry.note or "") if entry is not None else "",
        "parts": [_material(part.role, part) for part in getattr(one, "parts", ())],
    }


def _row(label: str, key: str, values: Sequence[Property], factor: float, unit: str, one: ResolvedMaterial, full: str) -> Json:
    pairs = ("12", "13", "23") if key in ("nu", "G") else ("1", "2", "3")
    texts = []
    for name, value in zip(pairs, values, strict=False):
        axis = f"{name}: " if len(values) == 3 else ""
        numbers = [number(v / factor) for v in value.values]
        texts.append(
            axis
            + (", ".join(f"{n} at {t:g} degC" for n, t in zip(numbers, value.temperatures, strict=True)) if value.is_table else numbers[0])
        )
    return {"label": label, "key": key, "values": texts, "unit": unit, **_origin(one, key, full)}


def _origin(one: ResolvedMaterial, key: str, full: str) -> Json:
    """Where a number comes from: the sources' names, or the case."""
    if one.blend:
        return {"origin": "computed", "sources": [], "note": "", "range": ""}
    if one.entry is None or key in one.changed or full not in one.entry.properties:
        return {"origin": "case", "sources": [], "note": "", "range": ""}
    given = one.entry.properties[full]
    spread = f"{given.range[0]:g} to {given.range[1]:g}" if given.range else ""
    return {"origin": "library", "sources": [s.id for s in one.entry.sources(full)], "note": given.note or "", "range": spread}


def _source(source: Source) -> Json:
    given = source.model_dump(include={"id", "kind", "checked"})
    return {**given, "citation": source.citation(), "url": source.url or "", "note": source.note or ""}


# ---------------------------------------------------------------- numbers in words


def number(value: object, digits: int = 6) -> str:
    """A number without needless digits."""
    if value is None:
        return "-"
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e7):
        return f"{int(value)}"
    return f"{value:.{digits}g}"


def fixed(value: float | None, places: int = 2) -> str:
    """A number with a fixed count of decimals, so that columns align; a true minus sign."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{round(value, places) + 0.0:.{places}f}".replace("-", "\u2212")


def error_text(value: float | None) -> str:
    """An error estimate."""
    if value is None or not math.isfinite(value):
        return "not estimated"
    return "< 0.01" if value < 0.005 else f"{value:.2f}"


def seconds(value: float) -> str:
    """A time."""
    return f"{value:.2f} s"


def place(at: Sequence[float]) -> str:
    """A point."""
    return "(" + ", ".join(number(v) for v in at) + ")"


def _root_rows(document: Mapping[str, Any]) -> list[Json]:
    """Rows of the headline table, the entries of one root together."""
    rows = []
    for name, entries in document["metrics"]["roots"].items():
        before: object = None
        for entry in entries:
            terms = entry.get("singularity") or []
            span = sum(other["at"] == entry["at"] for other in entries)
            first = entry["at"] != before
            before = entry["at"]
            note = entry.get("singularity_note", "")
            rows.append({**entry, "name": name, "first": first, "span": span, "exponents": [t["exponent"] for t in terms], "note": note})
    return rows


def _finite(value: Any) -> Any:
    """Data as JSON can hold it: numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if isinstance(value, np.generic):
        return _finite(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _numbered(document: Mapping[str, Any]) -> dict[str, int]:
    """Figures numbered in the order in which the page shows them."""
    names = [entry["name"] for entry in document["report"]["figures"]]
    roots = [name for name in names if name.startswith(("root_", "interface_"))]
    order = [name for name in ("layout", *roots, "stress", "temperature", "mesh") if name in names]
    return {name: position + 1 for position, name in enumerate(order)}
