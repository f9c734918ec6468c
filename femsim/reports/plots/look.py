"""What figures look like, in numbers and words: sizes, colours, limits. Nothing here draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from femsim.base.arrays import FloatArray

#: resolution of PNG files and of the rasterised parts of SVG files
DPI = 150
#: font sizes, points
SMALL, NORMAL, LARGE = 7.5, 8.5, 10.0
INK, FAINT, ACCENT = "#222222", "#8a8a8a", "#c2185b"
#: a length's unit as figures write it
LENGTH = "µm"
#: bodies larger than this (um) are drawn in mm
LARGE_BODY = 2.0e4
#: sequential and diverging colour maps, both perceptually ordered
SEQUENTIAL, DIVERGING = "viridis", "RdBu_r"

_METALS = {
    "copper": "#d99a6c",
    "gold": "#e3c565",
    "aluminium": "#e4e5e8",
    "nickel": "#a7a58c",
    "titanium": "#8f8fa8",
    "tungsten": "#7b7f8c",
    "palladium": "#b5b0a5",
    "silver": "#cfd4da",
    "solder": "#b9c7be",
    "tin": "#b9c7be",
}
_FAMILIES = {"silicon": "#a9bbdd", **_METALS}
_CYCLE = ("#f1e2a4", "#a9d3a5", "#c9b3dc", "#f0b7b0", "#9fd0d6", "#d8c3a5", "#c5d98d", "#e3bcd8", "#b0c4b1", "#f5cf9e")


#: lighter and darker shades of a family's colour, for materials after its first one
_SHADES = (0.0, 0.38, -0.22, 0.6, -0.36)


def region_colours(
    regions: Sequence[str], families: Sequence[str | None] = (), materials: Sequence[object] = ()
) -> dict[str, str]:
    """A light fill colour for each region: regions of one material share it, other materials have others.

    A material of a known family has the family's colour, or a shade of it where another one of the family came first.
    ``materials`` (anything that can be compared) say which regions are alike; without them every region has its own.
    """
    found: dict[object, str] = {}
    free = iter(_CYCLE * (1 + len(regions) // len(_CYCLE)))
    colours: dict[str, str] = {}
    for number, region in enumerate(regions):
        key = ("material", materials[number]) if number < len(materials) and materials[number] else ("region", region)
        if key not in found:
            base = _FAMILIES.get((families[number] if number < len(families) else None) or "")
            shades = [] if base is None else [_shade(base, by) for by in _SHADES]
            found[key] = next((c for c in shades if c not in found.values()), "") or next(free)
        colours[region] = found[key]
    return colours


def _shade(colour: str, by: float) -> str:
    """A colour #rrggbb moved towards white (``by`` > 0) or black."""
    rgb = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return "#" + "".join(f"{round(v + by * (255 - v) if by >= 0 else v * (1 + by)):02x}" for v in rgb)


def words(text: object) -> str:
    """A user's words on one line without control characters, cut where they are very long."""
    line = "".join(c if c.isprintable() else " " for c in str(text)).strip()
    return line if len(line) <= 48 else line[:45] + "..."


def round_125(value: float) -> float:
    """The number of the series 1, 2, 5 nearest to ``value`` from below."""
    if not value > 0 or not np.isfinite(value):
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    digit = max(d for d in (1.0, 2.0, 5.0) if d <= value / power * (1 + 1e-12))
    return float(digit * power)


def weighted_percentiles(values: FloatArray, weights: FloatArray, at: Sequence[float]) -> FloatArray:
    """Percentiles (0 to 100) of values (n,) that count as much as their weights."""
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    if not len(sums) or not sums[-1] > 0:
        return np.zeros(len(at))
    found = np.searchsorted(sums, np.asarray(at) / 100.0 * sums[-1])
    return np.asarray(values[order][np.minimum(found, len(order) - 1)])


def limits(values: FloatArray, weights: FloatArray, signed: bool) -> tuple[float, float]:
    """Colour limits of values (E, n) on cells of areas (E,): the 1st and 99th percentile by area, symmetric about zero
    for a signed stress, from zero for another.
    """
    each = np.repeat(weights / values.shape[1], values.shape[1])
    low, high = (float(v) for v in weighted_percentiles(values.ravel(), each, (1.0, 99.0)))
    top = max(abs(low), abs(high)) if signed else high
    if not top > 1e-9:  # a stress-free body
        top = 1.0
    digits = 10.0 ** (np.floor(np.log10(top)) - 1)
    top = float(np.ceil(top / digits - 1e-9) * digits)
    return (-top, top) if signed else (0.0, top)


def shown(text: str) -> str:
    """A label of a legend: those that begin with an underscore would be left out."""
    return f" {text}" if text.startswith("_") else text
