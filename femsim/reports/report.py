"""What ``--out`` writes: the case, the metrics, the fields, the figures, and one self-contained report.html.

All that the report says is first gathered as plain data (:func:`report_data`), kept in metrics.json under ``report``,
and then put into the template; so :func:`rebuild` makes the same page again from a directory of results, without
solving.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import femsim
from femsim.base.errors import InputError
from femsim.base.files import atomic_write
from femsim.cases.casefile import dump_case
from femsim.measures.stress import nodal_stress
from femsim.reports.content import Json, report_data
from femsim.reports.plots.figures import images
from femsim.reports.plots.plates import plates
from femsim.reports.words import error_text, fixed, number, place, seconds
from femsim.runs.results import results_dict
from femsim.runs.run import Progress, Run

__all__ = ["build_html", "figure_files", "rebuild", "report_data", "write_outputs"]

TEMPLATE = Path(__file__).with_name("template.html")
#: bytes of images beyond which they are packed tighter
LARGEST = 2_000_000


def write_outputs(
    run: Run, directory: Path, progress: Progress | None = None, base: Path | None = None, svg: bool = False
) -> list[Path]:
    """Write case.toml, metrics.json, fields.vtu, the figures and report.html.

    Figures are PNG files, the layout and, with ``svg``, all others SVG files too. ``base``: what a mesh file's path is
    relative to.
    """
    from femsim.reports.fields import write_fields

    say = progress or (lambda text: None)
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []

    def keep(name: str, content: bytes | str) -> None:
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        atomic_write(path, content)
        written.append(path)

    header = (
        f"Written by femsim {femsim.__version__}: every key and every number of the run.\nfemsim solve "
        f"case.toml reproduces it."
    )
    keep("case.toml", dump_case(run.case, {}, header, base))
    say("writing fields")
    solution = run.solution
    stress = nodal_stress(solution.field)
    model = solution.model
    write_fields(
        directory / "fields.vtu", model.mesh, model.kinematics, solution.displacement, stress, model.temperature
    )
    written.append(directory / "fields.vtu")
    figures: list[Json] = []
    for plate in plates(run):
        say(f"drawing {plate.name}")
        for kind, content in images(plate, svg).items():
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
        raise InputError(
            f"{directory / 'metrics.json'}: holds no report; `femsim solve CASE --out {directory}` writes one that does"
        )
    try:
        html = build_html(document, directory / "figures")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"{directory / 'metrics.json'}: not as femsim {femsim.__version__} writes it ({found})"
        ) from None
    atomic_write(directory / "report.html", html)
    return directory / "report.html"


def build_html(document: Mapping[str, Any], figures: Path) -> str:
    """The page: one file without links to others; ``document`` is the content of metrics.json, ``figures`` the folder
    of the images.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(num=number, fixed=fixed, error=error_text, place=place, seconds=seconds)
    try:
        template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
        images = _embedded(figures, document["report"]["figures"])
        return template.render(
            doc=document,
            report=document["report"],
            images=images,
            numbers=_numbered(document),
            rows=_root_rows(document),
        )
    except jinja2.TemplateError as error:
        raise ValueError(str(error)) from error


def _embedded(figures: Path, entries: Sequence[Mapping[str, str]]) -> dict[str, Json]:
    """The images by figure name, as data URIs; pictures of many roots are packed tighter, so that the page stays
    small.
    """
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
            rows.append(
                {
                    **entry,
                    "name": name,
                    "first": first,
                    "span": span,
                    "exponents": [t["exponent"] for t in terms],
                    "note": note,
                }
            )
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
