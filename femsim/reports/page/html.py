"""The page put together: sections, style, figures and the contour, in one file that needs no other."""

from __future__ import annotations

import base64
import io
import re
import struct
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from femsim.base.errors import InputError
from femsim.reports.page.sections import HEAT_FIGURES, SECTIONS
from femsim.reports.page.verdict import verdict
from femsim.reports.words import error_text, fixed, number, place, proper, seconds, unit

if TYPE_CHECKING:
    import jinja2

Json = dict[str, Any]

HERE = Path(__file__).parent
#: bytes of images beyond which they are packed tighter
LARGEST = 2_000_000
#: pixels of a figure's PNG file to a pixel of a page
SHRUNK = 150.0 / 96.0
#: seventeen colours, six hexadecimal digits each, of the contour's maps: viridis, RdBu_r and cividis of matplotlib
MAPS = {
    "viridis": (
        "44015447186a472c7b4240853a528b32628d2c728e26818e20908c1e9f8828ae7f3ebc735ec96183d34baddc30d7e219fde724"
    ),
    "rdbu": ("0530611651902971b13f8dc06bacd09ac9e0c2ddebdfecf2f7f6f6fae4d7faccb4f4aa88e48065d05447b92732930e2667001f"),
    "cividis": (
        "00224d002d691a386f31436c434e6b52596c61646f6e70737c7b788b87789b9376aba072bbad6cccbb63dec957efd846fde737"
    ),
}


#: characters that no page may hold
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def build_html(document: Mapping[str, Any], figures: Path, field: Mapping[str, Any] | None = None) -> str:
    """The page: one file without links to others.

    ``document`` is the content of metrics.json, ``figures`` the folder of the images, ``field`` the packed contour (of
    :func:`femsim.reports.page.pack.pack`) or None.
    """
    import jinja2

    report = document["report"]
    try:
        sections = []
        for section in SECTIONS:
            data = section.data(document)
            if data is not None:
                sections.append({"key": section.key, "title": section.title, "data": data})
        page: str = template().render(
            doc=document,
            version=document["femsim"],
            report=report,
            verdict=verdict(document),
            sections=sections,
            images=_embedded(figures, report["figures"]),
            numbers=_numbered(report["figures"]),
            field=field,
            maps={name: _colours(text) for name, text in MAPS.items()},
            script=(HERE / "viewer.js").read_text(encoding="utf-8") if field else "",
        )
        return _CONTROL.sub("?", page)
    except jinja2.TemplateError as error:
        raise ValueError(str(error)) from error


@cache
def template() -> jinja2.Template:
    """The page's template with all it includes, compiled once."""
    found = environment()
    for section in SECTIONS:
        found.get_template(f"sections/{section.key}.html")
    return found.get_template("page.html")


@cache
def environment() -> jinja2.Environment:
    """Where all pages' templates and filters come from: texts are escaped, what is not defined is an error."""
    import jinja2

    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader([HERE, HERE.parent / "study"]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        num=number, fixed=fixed, error=error_text, place=place, seconds=seconds, unit=unit, proper=proper
    )
    return found


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as a link that needs no file."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _colours(text: str) -> list[list[int]]:
    return [list(bytes.fromhex(text[k : k + 6])) for k in range(0, len(text), 6)]


def _embedded(figures: Path, entries: Sequence[Mapping[str, str]]) -> dict[str, Json]:
    """The images by figure name, as data URIs with their size on the page; those of many roots are packed tighter, so
    that the page stays small.
    """
    content: dict[str, tuple[str, bytes]] = {}
    for entry in entries:
        kind = entry["kind"] if entry["kind"] in ("svg", "gif") else "png"
        path = figures / f"{entry['name']}.{kind}"
        if path.parent != figures or not path.is_file():
            raise InputError(f"{path}: no such figure; `femsim solve CASE --out DIR` writes it")
        content[entry["name"]] = ("svg+xml" if kind == "svg" else kind, path.read_bytes())
    if sum(len(raw) for _, raw in content.values()) > LARGEST:
        content = {
            name: image if image[0] == "gif" else _packed(figures / f"{name}.png", *image)
            for name, image in content.items()
        }
    found = {}
    for entry in entries:
        kind, raw = content[entry["name"]]
        width, height = _size(figures / f"{entry['name']}.png")
        source = data_uri(raw, f"image/{kind}")
        found[entry["name"]] = {**entry, "source": source, "width": width, "height": height}
    return found


def _size(path: Path) -> tuple[int, int]:
    """Width and height on the page of a PNG file, by its header; nothing known of one that is missing."""
    if not path.is_file():
        return 0, 0
    with path.open("rb") as stream:
        head = stream.read(24)
    width, height = struct.unpack(">II", head[16:24]) if len(head) == 24 else (0, 0)
    return round(width / SHRUNK), round(height / SHRUNK)


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


def _numbered(entries: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Figures numbered in the order in which the page shows them."""
    names = [entry["name"] for entry in entries]
    roots = [name for name in names if name.startswith(("root_", "interface_"))]
    order = ("stress", *roots, "history", "loops", "yield", "cycle", *HEAT_FIGURES, "layout", "mesh", "convergence")
    first = [name for name in order if name in names]
    every = [*first, *(name for name in names if name not in first)]
    return {name: position + 1 for position, name in enumerate(every)}
