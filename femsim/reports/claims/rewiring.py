"""Picture of the chip-on-chip claims: the layout with its parts named, and every element of the claims ticked or
crossed.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patches import Polygon

from femsim.claims.model import Assessment
from femsim.reports.plots.look import INK, NORMAL, SMALL, region_colours
from femsim.reports.plots.outlines import polygons
from femsim.reports.plots.style import plain, tidy

Box = tuple[float, float, float, float]

MARKS: dict[bool | None, tuple[str, str]] = {
    True: ("\u2713", "#2f7d42"),
    False: ("\u2717", "#b23a22"),
    None: ("?", "#777777"),
}


def draw_rewiring(figure: SubFigure, found: Assessment) -> None:
    """The section, its height drawn larger than its width, beside the list of elements."""
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1.0])
    _section(left, found)
    _elements(right, found)


def _section(ax: Axes, found: Assessment) -> None:
    layout = found.design.layout
    roles = [_role(found, region) for region in layout.regions]
    names = tuple(dict.fromkeys(roles))
    families = [found.design.materials[n].spec.family if n in found.design.materials else None for n in names]
    colours = region_colours(names, families)
    boxes: dict[str, list[Box]] = {name: [] for name in names}
    for points, number in polygons(layout):
        name = roles[number]
        ax.add_patch(Polygon(points, closed=True, facecolor=colours[name], edgecolor=colours[name], lw=0.3))
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        if x1 > 0:
            boxes[name].append((max(float(x0), 0.0), float(x1), float(y0), float(y1)))
    every = np.array([box for some in boxes.values() for box in some])
    right, bottom, top = float(every[:, 1].max()), float(every[:, 2].min()), float(every[:, 3].max())
    _labels(ax, boxes, right, top - bottom)
    ax.set_xlim(0.0, right)
    ax.set_ylim(bottom, top + 0.22 * (top - bottom))
    ax.set_xlabel("distance from the axis (um)")
    ax.set_ylabel("height (um), drawn larger")
    ax.set_yticks([t for t in ax.get_yticks() if bottom <= t <= top])
    ax.set_title("Section", loc="left", fontsize=NORMAL)
    tidy(ax)


def _labels(ax: Axes, boxes: dict[str, list[Box]], width: float, height: float) -> None:
    """Names inside their parts where they fit, else above the section with a line down to the part."""
    above = []
    for name, some in boxes.items():
        box = max(some, key=lambda b: (b[1] - b[0]) * (b[3] - b[2]))
        x, y = 0.5 * (box[0] + box[1]), 0.5 * (box[2] + box[3])
        fits = box[1] - box[0] > 0.013 * len(name) * width and box[3] - box[2] > 0.035 * height
        if fits:
            ax.text(x, y, name.replace("_", " "), fontsize=SMALL, color=INK, ha="center", va="center")
        else:
            above.append((0.35 * box[0] + 0.65 * box[1], y, name.replace("_", " ")))
    for place, (x, y, name) in enumerate(sorted(above)):
        line = {"arrowstyle": "-", "color": INK, "lw": 0.5, "shrinkA": 0, "shrinkB": 0}
        at = ((place + 0.5) / len(above), 0.97)
        ax.annotate(
            name, (x, y), xytext=at, textcoords="axes fraction", fontsize=SMALL, ha="center", va="top", arrowprops=line
        )
        ax.plot([x], [y], ".", color=INK, ms=3)


def _role(found: Assessment, region: str) -> str:
    layout = found.design.layout
    return layout.smears[region].member if region in layout.smears else layout.roles.get(region, region)


def _elements(ax: Axes, found: Assessment) -> None:
    lines: list[tuple[str, bool | None, bool]] = []
    for number, claim in found.claims.items():
        if not claim.findings:
            continue
        lines.append(
            (f"claim {number}" + (f" (with claim {claim.text.parent})" if claim.text.parent else ""), claim.holds, True)
        )
        lines += [(f.element, f.holds, False) for f in claim.findings]
    ax.set_xlim(0, 1)
    ax.set_ylim(len(lines) - 0.3, -0.7)
    ax.axis("off")
    for row, (text, holds, head) in enumerate(lines):
        mark, colour = MARKS[holds]
        ax.text(0.01 if head else 0.05, row, mark, color=colour, fontsize=SMALL, weight="bold", va="center")
        short = text if len(text) <= 66 else text[:63] + "..."
        plain(
            ax.text(
                0.05 if head else 0.09,
                row,
                short,
                fontsize=SMALL - 0.5,
                va="center",
                weight="bold" if head else "normal",
                color=INK,
            )
        )
